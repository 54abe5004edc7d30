//! Named tests about packets, in virtual time.

use crate::network::*;
use crate::router::*;
use mgm_igmp::codec::{self, RecordType, RecordType::*};
use mgm_igmp::{DropReason, LinkConfig, Role};

const ALL: &str = "(*, 239.1.1.1)";

#[test]
fn t1_bad_checksum_leave() {
    let mut router = Router::new();
    router.message(HOST, G, &codec::report_v2(ip(G)));
    let mut leave = codec::leave(ip(G));
    leave[3] ^= 1;
    router.queries();
    router.message(HOST, "224.0.0.2", &leave);
    assert!(router.queries().is_empty());
    assert_eq!(router.dropped(DropReason::BadChecksum), 1);
}

#[test]
fn t2_ttl_255() {
    let mut router = Router::new();
    let mut octets = datagram(ToEx);
    octets[8] = 255;
    router.octets(&headed(octets));
    assert!(router.memberships().is_empty());
    assert_eq!(router.dropped(DropReason::BadTtl), 1);
}

#[test]
fn t3_tos_0() {
    let mut router = Router::new();
    let mut octets = datagram(ToEx);
    octets[1] = 0;
    router.octets(&headed(octets));
    assert_eq!(router.memberships(), [ALL]);
}

#[test]
fn t4_router_alert_matrix() {
    for required in [false, true] {
        for alert in [false, true] {
            for version in 1..=3 {
                let config = LinkConfig { require_router_alert: required, ..role(Role::Router) };
                let mut router = Router::with(config);
                let (to, message) = match version {
                    1 => (G, codec::report_v1(ip(G))),
                    2 => (G, codec::report_v2(ip(G))),
                    _ => ("224.0.0.22", v3_report(ToEx, G, &[])),
                };
                let octets = codec::datagram(ip(HOST), ip(to), &message);
                let octets = if alert { octets } else { without_alert(&octets) };
                router.octets(&octets);
                let taken = alert || !required || version == 1;
                assert_eq!(router.memberships().len(), usize::from(taken), "v{version}");
            }
        }
    }
}

#[test]
fn t6_long_v2_report() {
    let mut router = Router::new();
    let mut message = codec::report_v2(ip(G));
    message.extend([1, 2, 3, 4, 5, 6, 7, 8]);
    router.message(HOST, G, &sealed(message));
    assert_eq!(router.memberships(), [ALL]);
}

#[test]
fn t10_aux_data() {
    // The first record has auxiliary data that look like a record; another one follows.
    let message = [
        0x22, 0x00, 0xf9, 0xe1, 0x00, 0x00, 0x00, 0x02, 0x04, 0x02, 0x00, 0x00, 0xef, 0x01, 0x01,
        0x01, 0x04, 0x00, 0x00, 0x00, 0xef, 0x09, 0x09, 0x09, 0x04, 0x00, 0x00, 0x00, 0xef, 0x01,
        0x01, 0x02,
    ];
    let mut router = Router::new();
    router.message(HOST, "224.0.0.22", &message);
    assert_eq!(router.memberships(), [ALL, "(*, 239.1.1.2)"]);
}

#[test]
fn t13_report_from_zero() {
    let mut router = Router::new();
    router.report_from("0.0.0.0", ToEx, G, &[]);
    assert_eq!(router.memberships(), [ALL]);
}

#[test]
fn t14_query_from_zero() {
    let mut router = Router::new();
    router.general("0.0.0.0", "224.0.0.1", 2);
    assert!(router.is_querier());
    assert_eq!(router.version(), 3);
}

#[test]
fn t15_unicast_general_query() {
    let mut router = Router::new();
    router.general(LOWER, "10.0.0.10", 3);
    assert!(router.is_querier());
    assert_eq!(router.dropped(DropReason::BadDestination), 1);
}

#[test]
fn t16_unicast_frame_specific() {
    let mut router = Router::new();
    router.general(LOWER, "224.0.0.1", 3);
    router.report(ToEx, G, &[]);
    let octets = codec::datagram(ip(LOWER), ip(G), &query(3, G));
    let packet = mgm_igmp::Packet { link: 1, unicast_frame: true, octets: &octets };
    router.network.event(router.name, mgm_igmp::Event::Packet(packet));
    router.pass(200_000);
    assert_eq!(router.memberships(), [ALL]);
    assert_eq!(router.dropped(DropReason::UnicastFrame), 1);
}

#[test]
fn t17_off_link_query() {
    let mut router = Router::new();
    router.general("10.0.1.1", "224.0.0.1", 3);
    assert!(router.is_querier());
    router.report_from("10.0.1.50", ToEx, G, &[]);
    assert!(router.memberships().is_empty());
    assert_eq!(router.dropped(DropReason::OffLink), 2);
    let mut router =
        Router::with(LinkConfig { hosts: vec![net("10.0.1.0/24")], ..role(Role::Router) });
    router.report_from("10.0.1.50", ToEx, G, &[]);
    assert_eq!(router.memberships(), [ALL]);
}

#[test]
fn t18_leave_to_group() {
    let mut router = Router::new();
    router.message(HOST, G, &codec::report_v2(ip(G)));
    router.queries();
    router.message(HOST, G, &codec::leave(ip(G)));
    assert_eq!(router.queries(), ["Q3 239.1.1.1 ()"]);
}

#[test]
fn t19_v2_report_wrong_dst() {
    let mut router = Router::new();
    router.message(HOST, "239.1.1.9", &codec::report_v2(ip(G)));
    assert!(router.memberships().is_empty());
}

#[test]
fn t20_link_local_group() {
    let mut router = Router::new();
    let (report, leave) = ([0x16, 0, 9, 4, 0xe0, 0, 0, 0xfb], [0x17, 0, 8, 4, 0xe0, 0, 0, 0xfb]);
    let v3 = [0x22, 0, 0xea, 3, 0, 0, 0, 1, 4, 0, 0, 0, 0xef, 0xff, 0xff, 0xfa];
    router.message(HOST, "224.0.0.251", &report);
    router.message(HOST, "224.0.0.2", &leave);
    router.message(HOST, "224.0.0.22", &v3);
    assert_eq!(router.memberships(), ["(*, 239.255.255.250)"]);
    assert_eq!(router.saved().len(), 1);
}

#[test]
fn t22_ethernet_padding() {
    let mut router = Router::new();
    let mut octets = codec::datagram(ip(HOST), ip(G), &codec::report_v2(ip(G)));
    assert_eq!(octets.len(), 32);
    octets.resize(46, 0x55);
    router.octets(&octets);
    assert_eq!(router.memberships(), [ALL]);
}

#[test]
fn t80_v2_report_without_alert() {
    let mut router = Router::new();
    let octets = codec::datagram(ip(HOST), ip(G), &codec::report_v2(ip(G)));
    router.octets(&without_alert(&octets));
    assert_eq!(router.memberships(), [ALL]);
}

#[test]
fn t81_own_packets() {
    let mut router = Router::new();
    // What the kernel of the router reports, and a query of ours that comes back.
    for kind in RecordType::ALL {
        router.report_from("10.0.0.10", kind, G, &["10.9.0.1"]);
    }
    router.message("10.0.0.10", G, &codec::report_v2(ip(G)));
    router.general("10.0.0.10", "224.0.0.1", 2);
    assert!(router.memberships().is_empty() && router.saved().is_empty());
    assert!(router.is_querier());
    assert_eq!(router.dropped(DropReason::OwnPacket), 8);
}
