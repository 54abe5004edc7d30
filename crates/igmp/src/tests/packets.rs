//! What is accepted on a link (I5 to I16), and what the drops are counted as.

use super::lan::*;
use crate::codec::tests::headed;
use crate::codec::{self, OwnRecord, Query, QueryBody, RecordType::*, SourceList};
use crate::*;

/// A v2 report for G from HOST, as a datagram.
fn v2_report() -> Vec<u8> {
    codec::datagram(addr(HOST), addr(G), &codec::report_v2(addr(G)))
}

/// Sends a packet, and tells whether G has a record then.
fn makes_group(lan: &mut Lan, octets: &[u8]) -> bool {
    lan.receive(octets);
    lan.state(G) != "-"
}

#[test]
fn i5_padding_is_no_part_of_the_message() {
    let mut padded = v2_report();
    padded.resize(60, 0);
    assert!(makes_group(&mut Lan::new(config()), &padded));
}

#[test]
fn i5_each_reason_has_its_own_counter() {
    let mut lan = Lan::new(config());
    let damaged = |at: usize, value: u8| {
        let mut octets = v2_report();
        octets[at] = value;
        if at < codec::HEADER_LENGTH {
            headed(octets)
        } else {
            octets
        }
    };
    for (octets, reason) in [
        (v2_report()[..19].to_vec(), DropReason::BadHeader),
        (v2_report()[..31].to_vec(), DropReason::BadLength),
        (damaged(6, 0x20), DropReason::Fragment),
        (damaged(9, 17), DropReason::NotIgmp),
        (damaged(31, 9), DropReason::BadChecksum),
        (damaged(8, 255), DropReason::BadTtl),
        (damaged(12, 224), DropReason::BadSource),
        (damaged(12, 11), DropReason::OffLink),
        (damaged(19, 9), DropReason::BadDestination),
    ] {
        assert!(!makes_group(&mut lan, &octets));
        assert_eq!(lan.dropped(reason), 1, "{reason}");
    }
    let drops: u64 = DropReason::ALL.iter().map(|reason| lan.dropped(*reason)).sum();
    assert_eq!((drops, lan.counters().received), (9, 9));
    assert_eq!(lan.done(), [""; 0]);
}

#[test]
fn i7_any_ttl_if_configured() {
    let mut octets = v2_report();
    octets[8] = 255;
    let octets = headed(octets);
    assert!(!makes_group(&mut Lan::new(config()), &octets));
    assert!(makes_group(&mut Lan::new(LinkConfig { any_ttl: true, ..config() }), &octets));
}

#[test]
fn i7_tos_is_not_looked_at() {
    let mut octets = v2_report();
    octets[1] = 0;
    assert!(makes_group(&mut Lan::new(config()), &headed(octets)));
}

#[test]
fn i8_router_alert_is_needed_only_if_configured_and_never_for_v1() {
    let required = LinkConfig { require_router_alert: true, ..config() };
    let v3 = codec::report_v3(&[OwnRecord { kind: IsEx, group: addr(G), sources: &[] }]);
    for (message, to, is_v1) in [
        (codec::report_v1(addr(G)), G, true),
        (codec::report_v2(addr(G)), G, false),
        (v3, "224.0.0.22", false),
    ] {
        let with = codec::datagram(addr(HOST), addr(to), &message);
        let mut without = with.clone();
        without[20..24].fill(1);
        let without = headed(without);
        assert!(makes_group(&mut Lan::new(config()), &with));
        assert!(makes_group(&mut Lan::new(config()), &without));
        assert!(makes_group(&mut Lan::new(required.clone()), &with));
        let mut lan = Lan::new(required.clone());
        assert_eq!(makes_group(&mut lan, &without), is_v1);
        assert_eq!(lan.dropped(DropReason::NoRouterAlert), u64::from(!is_v1));
    }
}

#[test]
fn i9_other_types_are_counted_and_not_logged() {
    let mut lan = Lan::new(config());
    for kind in [0x13, 0x14, 0x1e, 0x1f, 0x30] {
        let mut message = codec::report_v2(addr(G));
        message[0] = kind;
        message[2..4].fill(0);
        let sum = codec::checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        lan.message(HOST, "224.0.0.1", &message);
    }
    assert_eq!(lan.dropped(DropReason::UnknownType), 5);
    assert_eq!(lan.logged(), []);
}

#[test]
fn i10_own_packets_of_any_link_are_ignored() {
    let mut lan = Lan::new(config());
    lan.event(Event::Link { link: 7, info: up(&["10.0.0.99"]) });
    for own in [ROUTER, "10.0.0.99"] {
        lan.v2_report(own, G);
    }
    assert_eq!(lan.state(G), "-");
    assert_eq!(lan.dropped(DropReason::OwnPacket), 2);
}

#[test]
fn i10_own_addresses_are_those_of_now() {
    let mut lan = Lan::new(config());
    lan.event(Event::Link { link: 7, info: up(&["10.0.0.98", "10.0.0.99"]) });
    lan.event(Event::Link { link: 8, info: up(&["10.0.0.99"]) });
    lan.event(Event::Link { link: 7, info: up(&["10.0.0.97"]) });
    lan.v2_report("10.0.0.98", G);
    assert_eq!(lan.state(G), "EX(;)", "it is a host's now");
    for own in ["10.0.0.97", "10.0.0.99"] {
        lan.v2_report(own, G);
    }
    assert_eq!(lan.dropped(DropReason::OwnPacket), 2);
    lan.event(Event::LinkGone { link: 8 });
    lan.v2_report("10.0.0.99", G);
    assert_eq!(lan.dropped(DropReason::OwnPacket), 2);
}

#[test]
fn i10_sources_that_no_host_has() {
    let mut lan = Lan::new(config());
    for source in
        ["224.0.0.1", "240.0.0.1", "127.0.0.1", "255.255.255.255", "10.0.0.255", "0.0.0.1"]
    {
        lan.v2_report(source, G);
    }
    assert_eq!(lan.state(G), "-");
    assert_eq!(lan.dropped(DropReason::BadSource), 6);
}

#[test]
fn i10_networks_of_two_addresses_have_no_broadcast_address() {
    for (length, dropped) in [(30, 1), (31, 0)] {
        let mut lan = Lan::new(config());
        let addresses = vec![LinkAddress::new(addr("10.0.0.2"), length)];
        lan.event(Event::Link { link: LINK, info: LinkInfo { addresses, ..up(&[]) } });
        lan.v2_report("10.0.0.3", G);
        assert_eq!(lan.dropped(DropReason::BadSource), dropped, "/{length}");
    }
}

#[test]
fn i10_reports_and_leaves_from_zero_count_and_queries_do_not() {
    let mut lan = Lan::new(config());
    lan.report("0.0.0.0", ToEx, G, &[]);
    assert_eq!(lan.state(G), "EX(;)");
    lan.done();
    lan.leave("0.0.0.0", G);
    assert_eq!(lan.done(), ["Q(239.1.1.1)"]);
    lan.general_query("0.0.0.0", 2, 125);
    assert!(lan.status().querier);
    assert_eq!(lan.dropped(DropReason::QueryFromZero), 1);
}

#[test]
fn i10_sources_must_be_on_the_link() {
    let hosts = vec![Prefix::of(addr("192.168.5.0"), 24)];
    let mut lan = Lan::new(LinkConfig { hosts, ..config() });
    lan.v2_report("192.168.6.1", G);
    assert_eq!(lan.dropped(DropReason::OffLink), 1);
    lan.v2_report("192.168.5.1", G);
    assert_eq!(lan.state(G), "EX(;)");
    for info in [LinkInfo { point_to_point: true, ..up(&[ROUTER]) }, up(&[])] {
        let mut lan = Lan::new(config());
        lan.event(Event::Link { link: LINK, info });
        lan.v2_report("192.168.6.1", G);
        assert_eq!(lan.state(G), "EX(;)");
    }
}

#[test]
fn i11_destinations_of_reports() {
    let report = codec::report_v2(addr(G));
    let v3 = codec::report_v3(&[OwnRecord { kind: IsEx, group: addr(G), sources: &[] }]);
    let accepts = |message: &[u8], to: &str| {
        let octets = codec::datagram(addr(HOST), addr(to), message);
        makes_group(&mut Lan::new(config()), &octets)
    };
    for to in [G, ROUTER, "224.0.0.1", "224.0.0.2", "224.0.0.22"] {
        assert!(accepts(&report, to), "{to}");
        assert!(accepts(&codec::report_v1(addr(G)), to), "{to}");
    }
    for to in ["239.1.1.2", HOST2, "224.0.0.3", "255.255.255.255"] {
        assert!(!accepts(&report, to), "{to}");
        assert!(accepts(&v3, to), "a v3 report to {to}");
    }
}

#[test]
fn i11_destinations_of_leaves() {
    for (to, counts) in [(G, true), ("224.0.0.2", true), (ROUTER, false), ("224.0.0.22", false)] {
        let mut lan = Lan::new(config());
        lan.v2_report(HOST, G);
        lan.done();
        lan.message(HOST, to, &codec::leave(addr(G)));
        assert_eq!(lan.done().len(), usize::from(counts), "{to}");
    }
}

#[test]
fn i11_destinations_of_queries() {
    let general = codec_query("0.0.0.0", v3(false, 2, 125));
    for to in [ROUTER, G, "224.0.0.2"] {
        let mut lan = Lan::new(config());
        lan.message("10.0.0.1", to, &general);
        assert!(lan.status().querier, "{to}");
        assert_eq!(lan.dropped(DropReason::BadDestination), 1);
    }
    let mut lan = Lan::new(config());
    let octets = codec::datagram(addr("10.0.0.1"), addr("224.0.0.1"), &general);
    lan.event(Event::Packet(Packet { link: LINK, unicast_frame: true, octets: &octets }));
    assert!(lan.status().querier);
    assert_eq!(lan.dropped(DropReason::UnicastFrame), 1);
    lan.message("10.0.0.1", "224.0.0.1", &general);
    assert!(!lan.status().querier);
    lan.v2_report(HOST, G);
    lan.message("10.0.0.1", "224.0.0.1", &codec_query(G, v3(false, 2, 125)));
    assert_eq!(lan.dropped(DropReason::BadDestination), 1);
    assert_eq!(lan.ends_after(G), 270_000);
}

/// The octets of a query with 10 s.
fn codec_query(group: &str, body: QueryBody) -> Vec<u8> {
    Query { group: addr(group), max_response: 10_000, body }.write()
}

#[test]
fn t7_query_10_octets() {
    let mut lan = Lan::new(config());
    let octets = [0x11, 0x64, 0xee, 0x9b, 0, 0, 0, 0, 0, 0];
    lan.message("10.0.0.1", "224.0.0.1", &octets);
    assert!(lan.status().querier);
    assert_eq!(lan.dropped(DropReason::QueryLength), 1);
    lan.message("10.0.0.1", "224.0.0.1", &octets[..8]);
    assert_eq!(lan.dropped(DropReason::BadChecksum), 0);
    assert!(!lan.status().querier, "8 octets are a v2 query");
}

#[test]
fn t8_query_claims_4_has_1() {
    let mut lan = Lan::new(config());
    lan.report(HOST, Allow, G, &[1]);
    lan.general_query("10.0.0.1", 2, 125);
    let list = source(1).octets();
    let sources = SourceList::of(&list);
    let body = QueryBody::V3 { suppress: false, robustness: 2, interval: 125, sources };
    let mut query = codec_query(G, body);
    query[11] = 4;
    query[2..4].fill(0);
    let sum = codec::checksum(&query).to_be_bytes();
    query[2..4].copy_from_slice(&sum);
    lan.message("10.0.0.1", G, &query);
    assert_eq!(lan.dropped(DropReason::QueryLength), 1);
    assert_eq!(lan.ends_after(G), 270_000);
}

#[test]
fn t9_padded_query() {
    let mut lan = Lan::new(config());
    let mut query = codec_query("0.0.0.0", v3(false, 2, 125));
    query.extend([0; 10]);
    lan.message("10.0.0.1", "224.0.0.1", &query);
    assert_eq!(lan.status().other_querier, Some(addr("10.0.0.1")));
}

/// Two records: TO_EX({}) for G, then one that says it has 65,535 sources.
#[test]
fn t11_overrun_drops_all() {
    let mut lan = Lan::new(config());
    let records =
        [G, "239.1.1.2"].map(|group| OwnRecord { kind: ToEx, group: addr(group), sources: &[] });
    let mut message = codec::report_v3(&records);
    message[18..20].fill(0xff);
    message[2..4].fill(0);
    let sum = codec::checksum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    lan.message(HOST, "224.0.0.22", &message);
    assert_eq!(lan.state(G), "-");
    assert_eq!(lan.dropped(DropReason::RecordOverrun), 1);
}

#[test]
fn t12_unknown_record_type() {
    let mut lan = Lan::new(config());
    let records =
        ["239.1.1.2", G].map(|group| OwnRecord { kind: ToEx, group: addr(group), sources: &[] });
    let mut message = codec::report_v3(&records);
    message[8] = 9;
    message[2..4].fill(0);
    let sum = codec::checksum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    lan.message(HOST, "224.0.0.22", &message);
    assert_eq!((lan.state("239.1.1.2"), lan.state(G)), ("-".into(), "EX(;)".into()));
    assert_eq!(lan.counters().unknown_records, 1);
}

#[test]
fn i13_a_report_without_records_has_no_effect() {
    let mut lan = Lan::new(config());
    lan.message(HOST, "224.0.0.22", &codec::report_v3(&[]));
    assert_eq!(lan.done(), [""; 0]);
    let drops: u64 = DropReason::ALL.iter().map(|reason| lan.dropped(*reason)).sum();
    assert_eq!(drops, 0);
}

#[test]
fn i14_records_act_in_the_order_of_the_message() {
    let mut lan = Lan::new(config());
    let (first, second) = ([source(1)], [source(2)]);
    let records = [
        OwnRecord { kind: Allow, group: addr(G), sources: &first },
        OwnRecord { kind: ToEx, group: addr(G), sources: &second },
        OwnRecord { kind: Allow, group: addr(G), sources: &first },
    ];
    lan.message(HOST, "224.0.0.22", &codec::report_v3(&records));
    assert_eq!(lan.state(G), "EX(1;2)");
}

#[test]
fn i15_addresses_outside_of_multicast_are_ignored() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, "10.1.1.1", &[]);
    lan.message(HOST, "224.0.0.1", &codec::report_v2(addr("10.1.1.1")));
    lan.query("10.0.0.1", "10.1.1.1", 1_000, QueryBody::V2);
    assert_eq!(lan.dropped(DropReason::NotAGroup), 3);
    assert_eq!(lan.igmp.saved(LINK), []);
}

#[test]
fn i15_link_local_groups_have_no_state_unless_tracked() {
    let mut lan = Lan::new(config());
    lan.v2_report(HOST, "224.0.0.251");
    lan.leave(HOST, "224.0.0.251");
    assert_eq!((lan.state("224.0.0.251"), lan.done()), ("-".into(), vec![]));
    assert_eq!(lan.dropped(DropReason::LinkLocal), 2);
    let mut lan = Lan::new(LinkConfig { track_link_local: true, ..config() });
    lan.v2_report(HOST, "224.0.0.251");
    lan.leave(HOST, "224.0.0.251");
    assert_eq!(lan.done(), ["+(*,224.0.0.251)"], "and no query");
    assert_eq!(lan.ends_after("224.0.0.251"), 270_000);
}

#[test]
fn i15_a_general_query_with_sources_is_dropped() {
    let mut lan = Lan::new(config());
    let list = source(1).octets();
    let sources = SourceList::of(&list);
    let body = QueryBody::V3 { suppress: false, robustness: 2, interval: 125, sources };
    lan.query("10.0.0.1", "0.0.0.0", 10_000, body);
    assert!(lan.status().querier);
    assert_eq!(lan.dropped(DropReason::GeneralWithSources), 1);
}

#[test]
fn i16_sources_that_cannot_send_are_taken_off_and_doubles_count_once() {
    let mut lan = Lan::new(config());
    let texts = ["0.0.0.0", "127.0.0.1", "224.0.0.1", "240.0.0.1", "10.0.0.7", "10.0.0.7"];
    let sources = texts.map(addr);
    let record = OwnRecord { kind: Allow, group: addr(G), sources: &sources };
    lan.message(HOST, "224.0.0.22", &codec::report_v3(&[record]));
    assert_eq!(lan.state(G), "IN(7)");
    assert_eq!(lan.counters().sources_removed, 4);
}

#[test]
fn t23_void_list() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.done();
    let record = OwnRecord { kind: ToIn, group: addr(G), sources: &[addr("0.0.0.0")] };
    lan.message(HOST, "224.0.0.22", &codec::report_v3(&[record]));
    assert_eq!((lan.done(), lan.state(G)), (vec![], "EX(;)".into()));
    assert_eq!(lan.dropped(DropReason::VoidRecord), 1);
}

/// The counters of IGMP_MIB_IF_STATS that no other test looks at.
#[test]
fn i5_accepted_long_and_unalerted_packets_are_counted() {
    let mut lan = Lan::new(config());
    lan.v2_report(HOST, G);
    let mut long = codec::report_v2(addr(G));
    long.extend([0; 8]);
    lan.message(HOST, G, &long);
    let mut without = v2_report();
    without[20..24].fill(1);
    lan.receive(&headed(without));
    lan.v2_report(HOST, "10.1.1.1");
    let counters = lan.counters();
    assert_eq!((counters.received, counters.accepted), (4, 4));
    assert_eq!((counters.long_messages, counters.without_router_alert), (1, 1));
    assert_eq!((counters.reports, counters.groups_added), (3, 1));
}
