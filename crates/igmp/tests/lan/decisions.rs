//! Decisions about the router side that no test of a rule shows (docs/igmp.md).

use crate::network::*;
use mgm_igmp::codec::{self, Message, OwnRecord, Query, QueryBody, RecordType, SourceList};
use mgm_igmp::{Event, LeaveMode, LinkConfig, LogEvent, Role, SavedGroup};

const G: &str = "239.1.1.1";
const HOST: &str = "10.0.0.50";

/// A router on a LAN of its own.
fn router(config: LinkConfig) -> (Network, usize) {
    let mut network = Network::new();
    let router = network.machine();
    network.attach(router, 1, ("lan", "10.0.0.10"), config);
    network.take("lan");
    network.log(router);
    (network, router)
}

fn v3(robustness: u8, interval: u16) -> QueryBody<'static> {
    QueryBody::V3 { suppress: false, robustness, interval, sources: SourceList::default() }
}

impl Network {
    fn general(&mut self, router: usize, from: &str, body: QueryBody) {
        let query = Query { group: ip("0.0.0.0"), max_response: 10_000, body };
        self.inject(router, 1, (from, "224.0.0.1"), &query.write());
    }

    fn record(&mut self, router: usize, kind: RecordType, sources: &[&str]) {
        let sources: Vec<_> = sources.iter().map(|text| ip(text)).collect();
        let record = OwnRecord { kind, group: ip(G), sources: &sources };
        self.inject(router, 1, (HOST, "224.0.0.22"), &codec::report_v3(&[record]));
    }
}

#[test]
fn g2_a_v1_query_is_general_whatever_its_group_says() {
    let mut octets = codec::leave(ip(G));
    octets[0] = 0x11;
    octets[2..4].fill(0);
    let sum = codec::checksum(&octets);
    octets[2..4].copy_from_slice(&sum.to_be_bytes());
    let Ok(Message::Query(query)) = Message::read(&octets) else { panic!() };
    assert!(query.is_general() && query.version() == 1);
}

#[test]
fn g9_a_non_querier_keeps_older_hosts_as_long_as_the_querier_does() {
    let (mut network, router) = router(role(Role::Router));
    network.general(router, "10.0.0.1", v3(3, 20));
    network.inject(router, 1, (HOST, G), &codec::report_v2(ip(G)));
    // OHPI is 3 × 20 s + 10 s. A BLOCK has no effect before, and one afterwards.
    let sources = |network: &Network| network.igmp(router).saved(1)[0].wanted.len();
    network.pass(69_999);
    network.record(router, RecordType::Block, &["10.9.0.1"]);
    assert_eq!(sources(&network), 0);
    network.pass(1);
    network.record(router, RecordType::Block, &["10.9.0.1"]);
    assert_eq!(sources(&network), 1);
}

#[test]
fn g10_an_older_query_of_the_querier_keeps_its_latest_values() {
    let (mut network, router) = router(role(Role::Router));
    network.general(router, "10.0.0.1", v3(3, 20));
    network.general(router, "10.0.0.1", QueryBody::V2);
    network.pass(64_999);
    assert!(!network.igmp(router).status(1).unwrap().querier);
    network.pass(1);
    assert!(network.igmp(router).status(1).unwrap().querier, "OQPI is 3 × 20 s + 5 s");
}

#[test]
fn g11_after_a_suspend_nothing_is_asked_about_that_ends_in_the_same_run() {
    let (mut network, router) = router(role(Role::Router));
    network.record(router, RecordType::ToEx, &[]);
    network.record(router, RecordType::ToIn, &[]);
    network.take("lan");
    network.jump(10_000);
    network.event(router, Event::Time);
    assert!(network.memberships(router, 1).is_empty());
    assert!(network.take("lan").is_empty(), "the repetition of Q(G) is left out");
}

#[test]
fn g19_lines_about_queriers_are_rare() {
    let (mut network, router) = router(role(Role::Router));
    for n in (1..=9).rev() {
        network.general(router, &format!("10.0.0.{n}"), v3(2, 125));
        network.pass(1_000);
    }
    let log = network.log(router);
    assert!(matches!(log[..], [LogEvent::OtherQuerier(_)]), "{log:?}");
}

#[test]
fn g20_what_is_read_again_is_not_limited_in_rate_and_its_hosts_are_unknown() {
    let config = LinkConfig { leave: LeaveMode::Tracked, max_groups: 5_000, ..role(Role::Router) };
    let (mut network, router) = router(config);
    let saved = |n: u32| SavedGroup {
        group: (0xef01_0101 + n).into(),
        exclude: true,
        wanted: Vec::new(),
        excluded: Vec::new(),
    };
    let groups = (0..4_000).map(saved).collect();
    network.event(router, Event::Restore { link: 1, groups });
    assert_eq!(network.memberships(router, 1).len(), 4_000);
    // Another host may want it: the group does not end at once.
    network.record(router, RecordType::ToEx, &[]);
    network.record(router, RecordType::ToIn, &[]);
    assert!(network.memberships(router, 1).contains(&"(*, 239.1.1.1)".to_string()));
    network.pass(2_000);
    assert!(!network.memberships(router, 1).contains(&"(*, 239.1.1.1)".to_string()));
}
