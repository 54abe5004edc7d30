//! Flows of senders on downstreams (I58).

use crate::network::*;
use mgm_igmp::{Event, LogEvent, ProxyUpstream, Settings};

const FLOW: &str = "192.168.1.50,239.1.1.1";

#[test]
fn i58_a_flow_of_a_downstream_is_joined_on_the_upstream() {
    let mut home = Home::new();
    assert_eq!(home.network.ask(home.proxy, FLOW, DOWN1, DOWN1), DOWN1, "the iif stays");
    assert_eq!(home.forwarded(UP), ["(192.168.1.50, 239.1.1.1)"]);
    home.pass(1_799_999);
    assert_eq!(home.forwarded(UP), ["(192.168.1.50, 239.1.1.1)"]);
    home.pass(1);
    assert!(home.forwarded(UP).is_empty(), "2 × 900 s without a renewal");
}

#[test]
fn i58_a_renewal_keeps_it_and_the_mfe_timeout_counts() {
    let mut home = Home::new();
    let settings = Settings { mfe_timeout: 100, ..Settings::default() };
    home.network.event(home.proxy, Event::Settings(settings));
    for _ in 0..5 {
        home.network.ask(home.proxy, FLOW, DOWN1, DOWN1);
        home.pass(190_000);
        assert_eq!(home.forwarded(UP).len(), 1);
    }
    home.pass(10_000);
    assert!(home.forwarded(UP).is_empty());
}

#[test]
fn i58_forward_up_can_be_restricted_or_off() {
    for (list, expected) in
        [(only(&["239.1.0.0/16"]), 1), (only(&["239.2.0.0/16"]), 0), (only(&[]), 0)]
    {
        let upstream = ProxyUpstream { forward_up: list, ..ProxyUpstream::default() };
        let mut home = Home::with(upstream, Default::default());
        home.network.ask(home.proxy, FLOW, DOWN1, DOWN1);
        assert_eq!(home.forwarded(UP).len(), expected);
    }
    let mut home = Home::new();
    for local in ["192.168.1.50,224.0.0.251", "192.168.1.50,239.255.255.250"] {
        home.network.ask(home.proxy, local, DOWN1, DOWN1);
    }
    assert!(home.forwarded(UP).is_empty());
}

#[test]
fn i58_the_first_matching_upstream_that_is_up_gets_the_flow() {
    let upstream = |groups| ProxyUpstream { groups: only(&[groups]), ..ProxyUpstream::default() };
    let (first, second) = (upstream("239.1.0.0/16"), upstream("239.0.0.0/8"));
    let TwoUpstreams { mut network, proxy, .. } = TwoUpstreams::new(first, second);
    network.ask(proxy, FLOW, 3, 3);
    network.ask(proxy, "192.168.1.50,239.2.1.1", 3, 3);
    network.ask(proxy, "192.168.1.50,225.1.1.1", 3, 3);
    assert_eq!(network.memberships(proxy, 1), ["(192.168.1.50, 239.1.1.1)"]);
    assert_eq!(network.memberships(proxy, 2), ["(192.168.1.50, 239.2.1.1)"]);

    // Down: the next one. Both down: none, and the flow is not forgotten.
    network.set_link(proxy, 1, Default::default());
    assert_eq!(network.memberships(proxy, 2).len(), 2);
    network.set_link(proxy, 2, Default::default());
    assert!(network.memberships(proxy, 2).is_empty());
    network.set_link(proxy, 1, up("10.1.0.2"));
    assert_eq!(network.memberships(proxy, 1), ["(192.168.1.50, 239.1.1.1)"]);
}

#[test]
fn g38_sources_say_nothing_of_the_senders_on_a_lan() {
    let sources = Some(vec![net("10.9.0.0/16")]);
    let mut home =
        Home::with(ProxyUpstream { sources, ..ProxyUpstream::default() }, Default::default());
    home.network.ask(home.proxy, FLOW, DOWN1, DOWN1);
    assert_eq!(home.forwarded(UP), ["(192.168.1.50, 239.1.1.1)"]);
}

#[test]
fn i58_at_most_4096_flows_are_sent_up() {
    let mut home = Home::new();
    for n in 0..4_200_u32 {
        let sender = std::net::Ipv4Addr::from(0xc0a8_0100 + n % 200);
        home.network.ask(home.proxy, &format!("{sender},239.1.{}.1", n / 200), DOWN1, DOWN1);
    }
    assert_eq!(home.forwarded(UP).len(), 4_096);
    let counters = home.network.igmp(home.proxy).counters(DOWN1).unwrap();
    assert_eq!(counters.flows_not_sent_up, 4_200 - 4_096);
    let log = home.network.log(home.proxy);
    assert!(matches!(log[..], [LogEvent::ForwardUpLimit(_)]), "once a minute");
    // What is sent up already is renewed.
    home.pass(1_700_000);
    home.network.ask(home.proxy, "192.168.1.0,239.1.0.1", DOWN1, DOWN1);
    home.pass(200_000);
    assert_eq!(home.forwarded(UP), ["(192.168.1.0, 239.1.0.1)"]);
}

#[test]
fn i58_a_flow_whose_sender_is_elsewhere_is_not_sent_up() {
    let mut home = Home::new();
    home.network.ask(home.proxy, FLOW, DOWN1, DOWN1);
    // A route change: the sender is behind the upstream now.
    home.network.ask(home.proxy, FLOW, UP, UP);
    assert!(home.forwarded(UP).is_empty());
    home.network.ask(home.proxy, FLOW, 0, DOWN1);
    assert!(home.forwarded(UP).is_empty());
}

#[test]
fn i58_a_new_configuration_moves_or_ends_what_is_sent_up() {
    let mut home = Home::new();
    home.network.ask(home.proxy, FLOW, DOWN1, DOWN1);
    home.network.proxies(home.proxy, &[]);
    assert!(home.forwarded(UP).is_empty());
    let upstream =
        ProxyUpstream { links: vec![UP], downstreams: vec![DOWN1], ..ProxyUpstream::default() };
    home.network.proxies(home.proxy, &[upstream]);
    assert!(home.forwarded(UP).is_empty(), "nothing is known of the flow any longer");
    home.network.ask(home.proxy, FLOW, DOWN1, DOWN1);
    assert_eq!(home.forwarded(UP).len(), 1);
}

#[test]
fn t75b_proxy_beside_others() {
    // The library alerts others of (*,g) and (*,*). It alerts only the owner of the interface
    // towards s. So what the proxy adds for hosts must be reported, and nothing else.
    let mut home = Home::new();
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &["239.7.7.7"]);
    home.network.ask(home.proxy, FLOW, DOWN1, DOWN1);
    home.network.ask(home.proxy, "192.168.2.50,239.1.1.2", DOWN2, DOWN2);
    home.pass(5_000);
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.7.7.7)"]);
    let up = home.forwarded(UP);
    assert_eq!(up, ["(192.168.1.50, 239.1.1.1)", "(192.168.2.50, 239.1.1.2)"], "no (*,g)");
}
