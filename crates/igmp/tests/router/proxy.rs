//! The proxy with the real rules of the library.

use crate::router::*;
use mgm_igmp::codec::RecordType::{Block, ToEx, ToIn};
use mgm_igmp::{Event, LinkInfo, LogEvent, ProxyUpstream, Role};

const UP: u32 = 1;
const LAN1: u32 = 2;
const LAN2: u32 = 3;
/// An interface that protocol P owns.
const P1: u32 = 8;
const HOST: &str = "192.168.1.50";
const G: &str = "239.1.1.1";

/// A proxy with one upstream and two LANs; P owns an interface beside it.
fn home(upstream: ProxyUpstream) -> Router {
    let mut router = Router::new();
    router.link(UP, "10.1.0.0/24", "10.1.0.2", role(Role::Upstream));
    router.link(LAN1, "192.168.1.0/24", "192.168.1.1", role(Role::Downstream));
    router.link(LAN2, "192.168.2.0/24", "192.168.2.1", role(Role::Downstream));
    let (links, downstreams) = (vec![UP], vec![LAN1, LAN2]);
    router.event(Event::Proxies(vec![ProxyUpstream { links, downstreams, ..upstream }]));
    router.p_takes(P1);
    router.heard();
    router
}

fn reported(router: &Router) -> Vec<String> {
    let reported = router.igmp().reported(UP);
    reported.map(|(group, filter)| format!("{group} {}", filter.exclude)).collect()
}

#[test]
fn t75b_proxy_beside_others() {
    let mut router = home(ProxyUpstream::default());
    // A stream of a LAN sender is sent up, and no client is told.
    assert_eq!(router.packet("192.168.1.9,239.1.1.1", LAN1), Some(vec![UP]));
    assert_eq!(router.memberships(), ["1 (192.168.1.9, 239.1.1.1)"]);
    assert_eq!(router.heard(), [""; 0]);
    // A host wants a group: P is told as usual.
    router.report(LAN2, "192.168.2.50", ToEx, "239.1.1.2", &[]);
    assert_eq!(router.heard(), ["join (*, 239.1.1.2) true"]);
    router.report(LAN2, "192.168.2.50", ToIn, "239.1.1.2", &[]);
    router.pass(3_000);
    assert_eq!(router.heard(), ["prune (*, 239.1.1.2)"]);
}

#[test]
fn t75_proxy_for_pim() {
    let mut router = home(ProxyUpstream::default());
    router.p_joins(P1, G);
    assert_eq!(reported(&router), ["239.1.1.1 true"]);
    assert_eq!(router.packet("10.1.0.9,239.1.1.1", UP), Some(vec![P1]));
    router.p_leaves(P1, G);
    assert!(reported(&router).is_empty());
    // The proxy reports a source behind the upstream, and no other one.
    router.p_joins(P1, "10.1.0.9,239.1.1.2");
    assert_eq!(reported(&router), ["239.1.1.2 false"]);
    router.p_joins(P1, "172.16.0.1,239.1.1.3");
    assert_eq!(reported(&router), ["239.1.1.2 false"]);
}

#[test]
fn i59_host_routes_bring_the_wishes_of_others_to_the_proxy() {
    let sources = Some(vec![net("172.16.0.0/16")]);
    let mut router = home(ProxyUpstream { sources, ..ProxyUpstream::default() });
    router.p_joins(P1, "172.16.0.1,239.1.1.3");
    assert_eq!(reported(&router), ["239.1.1.3 false"]);
    assert_eq!(router.packet("172.16.0.1,239.1.1.3", UP), Some(vec![P1]));
    // The route is deleted, so the proxy no longer wants the flow.
    router.event(Event::Proxies(vec![ProxyUpstream {
        links: vec![UP],
        downstreams: vec![LAN1],
        ..ProxyUpstream::default()
    }]));
    assert!(reported(&router).is_empty());
}

#[test]
fn t68_proxy_data_first() {
    let mut router = home(ProxyUpstream::default());
    for _ in 0..30 {
        assert_eq!(router.packet("10.1.0.9,239.1.1.1", UP), Some(vec![]));
        router.pass(1_000);
    }
    router.report(LAN1, HOST, ToEx, G, &[]);
    assert_eq!(router.packet("10.1.0.9,239.1.1.1", UP), Some(vec![LAN1]));
}

#[test]
fn t69_proxy_altnet() {
    let mut router = home(ProxyUpstream::default());
    router.report(LAN1, HOST, ToEx, G, &[]);
    assert_eq!(router.packet("172.16.0.1,239.1.1.1", UP), Some(vec![LAN1]), "no route");
    // The MFE stays, and its renewal asks again.
    for _ in 0..5 {
        router.pass(600_000);
        router.report(LAN1, HOST, ToEx, G, &[]);
        assert_eq!(router.packet("172.16.0.1,239.1.1.1", UP), Some(vec![LAN1]));
    }
    // The LAN sender has the LAN as its iif, and its packets go up and to the other LAN.
    router.report(LAN2, "192.168.2.50", ToEx, G, &[]);
    assert_eq!(router.packet("192.168.1.9,239.1.1.1", LAN1), Some(vec![UP, LAN2]));
    assert_eq!(router.packet("192.168.1.9,239.1.1.1", UP), None);

    let sources = Some(vec![net("172.17.0.0/16")]);
    let mut router = home(ProxyUpstream { sources, ..ProxyUpstream::default() });
    router.report(LAN1, HOST, ToEx, G, &[]);
    router.log();
    assert_eq!(router.packet("172.16.0.1,239.1.1.1", UP), None);
    assert!(matches!(router.log()[..], [LogEvent::ArrivesElsewhere { expected: 0, .. }]));
    assert_eq!(router.packet("172.17.0.1,239.1.1.1", UP), Some(vec![LAN1]));
}

#[test]
fn i58_a_flow_that_is_sent_up_ends_with_its_stream() {
    let mut router = home(ProxyUpstream::default());
    for _ in 0..10 {
        assert_eq!(router.packet("192.168.1.9,239.1.1.1", LAN1), Some(vec![UP]));
        router.pass(400_000);
    }
    assert_eq!(router.memberships().len(), 1, "renewals keep it");
    router.pass(2_700_000);
    assert!(router.memberships().is_empty());
}

#[test]
fn i58_what_is_sent_up_survives_the_upstream_and_a_protocol_that_takes_it() {
    let mut router = home(ProxyUpstream::default());
    for n in 1..=3 {
        assert_eq!(router.packet(&format!("192.168.1.{n},239.1.1.1"), LAN1), Some(vec![UP]));
    }
    router.event(Event::Link { link: UP, info: LinkInfo::default() });
    assert_eq!(router.packet("192.168.1.1,239.1.1.1", LAN1), Some(vec![]));
    let addresses = vec![mgm_igmp::LinkAddress::new(ip("10.1.0.2"), 24)];
    let info = LinkInfo { up: true, mtu: 1_500, point_to_point: false, addresses };
    router.event(Event::Link { link: UP, info });
    assert_eq!(router.packet("192.168.1.1,239.1.1.1", LAN1), Some(vec![UP]));
    router.p_takes(UP);
    let memberships = router.memberships();
    assert_eq!(memberships.len(), 3, "{memberships:?}");
    assert_eq!(router.packet("192.168.1.2,239.1.1.1", LAN1), Some(vec![UP]));
}

#[test]
fn i57_a_downstream_that_does_not_forward_is_no_outgoing_interface() {
    let mut router = home(ProxyUpstream::default());
    router.report(LAN1, HOST, ToEx, G, &[]);
    assert_eq!(router.packet("10.1.0.9,239.1.1.1", UP), Some(vec![LAN1]));
    let query = [0x11, 100, 0xee, 0x9b, 0, 0, 0, 0];
    let octets = mgm_igmp::codec::datagram(ip("192.168.1.0"), ip("224.0.0.1"), &query);
    let lower = mgm_igmp::Packet { link: LAN1, unicast_frame: false, octets: &octets };
    router.event(Event::Packet(lower));
    assert_eq!(router.packet("10.1.0.9,239.1.1.1", UP), Some(vec![]));
    router.pass(255_000);
    assert_eq!(router.packet("10.1.0.9,239.1.1.1", UP), Some(vec![LAN1]));
}

#[test]
fn g46_a_downstream_that_does_not_forward_still_sends_up() {
    let mut router = home(ProxyUpstream::default());
    let query = [0x11, 100, 0xee, 0x9b, 0, 0, 0, 0];
    let octets = mgm_igmp::codec::datagram(ip("192.168.1.0"), ip("224.0.0.1"), &query);
    let lower = mgm_igmp::Packet { link: LAN1, unicast_frame: false, octets: &octets };
    router.event(Event::Packet(lower));
    assert_eq!(router.packet("192.168.1.9,239.1.1.1", LAN1), Some(vec![UP]));
}

#[test]
fn i59_a_backup_takes_over_the_streams() {
    for sources in [None, Some(vec![net("172.16.0.0/16")])] {
        let mut router = home(ProxyUpstream::default());
        router.link(4, "10.4.0.0/24", "10.4.0.2", role(Role::Upstream));
        let upstream = ProxyUpstream {
            links: vec![UP, 4],
            downstreams: vec![LAN1],
            sources: sources.clone(),
            ..ProxyUpstream::default()
        };
        router.event(Event::Proxies(vec![upstream]));
        router.report(LAN1, HOST, ToEx, G, &[]);
        assert_eq!(router.packet("172.16.0.1,239.1.1.1", UP), Some(vec![LAN1]));
        assert_eq!(router.packet("172.16.0.1,239.1.1.1", 4), None);
        // The upstream loses its address: its MFE, and with it the stream, moves.
        let info = LinkInfo { up: true, mtu: 1_500, ..LinkInfo::default() };
        router.event(Event::Link { link: UP, info });
        assert_eq!(router.packet("172.16.0.1,239.1.1.1", 4), Some(vec![LAN1]), "{sources:?}");
        assert_eq!(router.packet("172.16.0.1,239.1.1.1", UP), None);
    }
}

#[test]
fn i60_the_groups_of_two_upstreams_flow_by_their_own() {
    let mut router = home(ProxyUpstream::default());
    router.link(4, "10.4.0.0/24", "10.4.0.2", role(Role::Upstream));
    // The default route leads to the first upstream.
    router.route("0.0.0.0/0", UP);
    let upstream = |link, groups: &str| ProxyUpstream {
        links: vec![link],
        downstreams: vec![LAN1],
        groups: mgm_igmp::config::AccessList {
            rules: vec![mgm_igmp::config::Rule { permit: true, prefix: net(groups) }],
            otherwise: false,
        },
        sources: Some(vec![net("172.16.0.0/16")]),
        ..ProxyUpstream::default()
    };
    router.event(Event::Proxies(vec![upstream(UP, "239.1.0.0/16"), upstream(4, "239.2.0.0/16")]));
    router.report(LAN1, HOST, ToEx, G, &[]);
    router.report(LAN1, HOST, ToEx, "239.2.1.1", &[]);
    assert_eq!(router.packet("172.16.0.1,239.1.1.1", UP), Some(vec![LAN1]));
    assert_eq!(router.packet("172.16.0.1,239.2.1.1", 4), Some(vec![LAN1]));
    assert_eq!(router.packet("172.16.0.2,239.2.1.1", 4), Some(vec![LAN1]));
    assert_eq!(router.packet("172.16.0.1,239.1.1.1", 4), None);
}

#[test]
fn i54_a_leave_on_one_link_ends_the_packets_there_only() {
    let mut router = home(ProxyUpstream::default());
    router.report(LAN1, HOST, ToEx, G, &[]);
    router.report(LAN2, "192.168.2.50", ToEx, G, &["10.1.0.8"]);
    assert_eq!(router.packet("10.1.0.9,239.1.1.1", UP), Some(vec![LAN1, LAN2]));
    assert_eq!(router.packet("10.1.0.8,239.1.1.1", UP), Some(vec![LAN1]));
    router.report(LAN1, HOST, ToIn, G, &[]);
    router.pass(2_000);
    assert_eq!(router.packet("10.1.0.9,239.1.1.1", UP), Some(vec![LAN2]));
    router.report(LAN2, "192.168.2.50", Block, G, &["10.1.0.9"]);
    router.pass(2_000);
    assert_eq!(router.packet("10.1.0.9,239.1.1.1", UP), Some(vec![]));
    assert_eq!(reported(&router), ["239.1.1.1 true"]);
}
