//! What a link remembers of the reports that it refused (M30).

use super::lan::*;
use crate::codec::tests::headed;
use crate::codec::{self, RecordType::*};
use crate::config::{AccessList, Rule};
use crate::*;

const SSM: &str = "232.1.1.1";
const OTHER: &str = "10.0.0.30";

fn deny(text: &str, length: u8) -> AccessList {
    let prefix = Prefix::of(addr(text), length);
    AccessList { rules: vec![Rule { permit: false, prefix }], otherwise: true }
}

/// The reasons, the hosts and the numbers of reports for a group.
fn refused(lan: &Lan, group: &str) -> Vec<(RefusalReason, String, u32)> {
    let all = lan.igmp.refusals(LINK, addr(group));
    all.into_iter().map(|known| (known.why, known.host.to_string(), known.count)).collect()
}

fn once(why: RefusalReason) -> Vec<(RefusalReason, String, u32)> {
    vec![(why, HOST.into(), 1)]
}

fn dropped(why: DropReason) -> Vec<(RefusalReason, String, u32)> {
    once(RefusalReason::Dropped(why))
}

#[test]
fn m30_a_refused_report_is_remembered_with_its_reason() {
    let config = LinkConfig {
        groups: deny("239.2.0.0", 16),
        sources: deny("10.0.0.7", 32),
        ignore_v1: true,
        require_router_alert: false,
        ..config()
    };
    let mut lan = Lan::new(config);
    lan.report(HOST, ToEx, "239.2.1.1", &[]);
    assert_eq!(refused(&lan, "239.2.1.1"), dropped(DropReason::DeniedGroup));
    lan.v2_report(HOST, SSM);
    assert_eq!(refused(&lan, SSM), dropped(DropReason::SsmRange));
    lan.v1_report(HOST, G);
    assert_eq!(refused(&lan, G), dropped(DropReason::IgnoredV1));
    lan.report(HOST, Allow, "239.3.1.1", &[7]);
    assert_eq!(refused(&lan, "239.3.1.1"), once(RefusalReason::DeniedSource));
    lan.report(HOST, ToEx, "239.4.1.1", &[]);
    assert_eq!(refused(&lan, "239.4.1.1"), [], "it was accepted");
}

#[test]
fn m30_a_limit_that_refuses_a_report_is_named() {
    let limits = LinkConfig { max_groups: 2, max_sources: 1, ..config() };
    let mut lan = Lan::new(limits);
    lan.report(HOST, Allow, "239.1.1.2", &[1, 2]);
    assert_eq!(refused(&lan, "239.1.1.2"), once(RefusalReason::MaxSources));
    lan.report(HOST, ToEx, "239.1.1.3", &[]);
    lan.report(HOST, ToEx, "239.1.1.4", &[]);
    assert_eq!(refused(&lan, "239.1.1.4"), once(RefusalReason::MaxGroups));
    lan.event(Event::Settings(Settings { max_entries: 2, ..Settings::default() }));
    lan.configure(LinkConfig { max_groups: 9, max_sources: 9, ..config() });
    lan.wait(1);
    lan.report(HOST, Allow, "239.1.1.2", &[3]);
    let last = lan.igmp.refusals(LINK, addr("239.1.1.2"))[0].why;
    assert_eq!(last, RefusalReason::MaxEntries);
    lan.report(HOST, ToEx, "239.1.1.5", &[]);
    assert_eq!(refused(&lan, "239.1.1.5"), once(RefusalReason::MaxEntries));
    let mut lan = Lan::new(LinkConfig { max_groups: 9_000, ..config() });
    for n in 0..2_001 {
        let group = std::net::Ipv4Addr::from(0xef01_0000 + n).to_string();
        lan.report(HOST, ToEx, &group, &[]);
    }
    assert_eq!(refused(&lan, "239.1.7.208"), once(RefusalReason::Rate));
}

#[test]
fn m30_a_dropped_packet_counts_for_the_groups_that_it_reports() {
    let mut lan = Lan::new(LinkConfig { require_router_alert: true, ..config() });
    lan.v2_report("10.9.0.5", G);
    let off_link = RefusalReason::Dropped(DropReason::OffLink);
    assert_eq!(refused(&lan, G), [(off_link, "10.9.0.5".into(), 1)]);
    let mut octets = codec::datagram(addr(HOST), addr(SSM), &codec::report_v2(addr(SSM)));
    octets[8] = 5;
    lan.receive(&headed(octets));
    assert_eq!(refused(&lan, SSM), dropped(DropReason::BadTtl));
    lan.message(HOST, "239.7.7.7", &codec::report_v2(addr("239.7.7.8")));
    assert_eq!(refused(&lan, "239.7.7.8"), dropped(DropReason::BadDestination));
    lan.leave("10.9.0.5", "239.7.7.9");
    lan.report("10.9.0.5", ToIn, "239.7.7.9", &[]);
    lan.report("10.9.0.5", Block, "239.7.7.9", &[1]);
    assert_eq!(refused(&lan, "239.7.7.9"), [], "a host that leaves loses nothing");
}

#[test]
fn m30_the_last_host_is_named_and_the_reports_are_counted() {
    let mut lan = Lan::new(LinkConfig { groups: deny("239.0.0.0", 8), ..config() });
    lan.v2_report(HOST, G);
    lan.wait(10);
    lan.v2_report(OTHER, G);
    let denied = RefusalReason::Dropped(DropReason::DeniedGroup);
    assert_eq!(refused(&lan, G), [(denied, OTHER.into(), 2)]);
    assert_eq!(lan.igmp.refusals(LINK, addr(G))[0].at, Time(10));
    lan.wait(270_000);
    assert_eq!(refused(&lan, G).len(), 1);
    lan.wait(1);
    assert_eq!(refused(&lan, G), [], "such a report would not be valid any longer");
}

#[test]
fn m30_a_flood_of_refusals_forgets_the_oldest_one() {
    let mut lan = Lan::new(LinkConfig { groups: deny("239.0.0.0", 8), ..config() });
    for n in 0..65 {
        lan.v2_report(HOST, &format!("239.1.1.{n}"));
        lan.wait(1);
    }
    let known = (0..65).filter(|n| !refused(&lan, &format!("239.1.1.{n}")).is_empty());
    assert_eq!(known.collect::<Vec<_>>(), (1..65).collect::<Vec<_>>());
}
