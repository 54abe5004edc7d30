//! RPF questions and host routes (I59).

use crate::network::*;
use mgm_igmp::{Callback, Code, Event, LogEvent, MgmCall, ProxyUpstream};

fn sources(networks: &[&str]) -> ProxyUpstream {
    let sources = Some(networks.iter().map(|text| net(text)).collect());
    ProxyUpstream { sources, ..ProxyUpstream::default() }
}

#[test]
fn t69_proxy_altnet() {
    // Without `sources` a provider's sender needs no route.
    let mut home = Home::new();
    assert_eq!(home.network.ask(home.proxy, "10.9.0.1,239.1.1.1", 0, UP), UP);
    assert!(home.network.routes(home.proxy).is_empty());
    // At the renewal the library says where the packets arrive, which is the present iif.
    assert_eq!(home.network.ask(home.proxy, "10.9.0.1,239.1.1.1", 0, UP), UP);

    // `sources` that leave it out: not accepted, and the log says what arrives where.
    let mut home = Home::with(sources(&["10.8.0.0/16"]), Default::default());
    assert_eq!(home.network.routes(home.proxy), [("10.8.0.0/16", UP)]);
    assert_eq!(home.network.ask(home.proxy, "10.9.0.1,239.1.1.1", 0, UP), 0);
    let expected = LogEvent::ArrivesElsewhere { flow: flow("10.9.0.1,239.1.1.1"), expected: 0 };
    assert_eq!(home.network.log(home.proxy), [expected]);

    // A sender of the LAN has the LAN as its iif, whatever arrives where.
    assert_eq!(home.network.ask(home.proxy, "192.168.1.50,239.1.1.1", DOWN1, DOWN1), DOWN1);
    assert_eq!(home.network.ask(home.proxy, "192.168.1.50,239.1.1.1", DOWN1, UP), DOWN1);
    assert_eq!(home.network.ask(home.proxy, "172.16.0.1,239.1.1.1", 0, DOWN1), 0);
}

#[test]
fn i59_groups_that_an_upstream_is_not_for_are_not_accepted_there() {
    let upstream = ProxyUpstream { groups: only(&["239.1.0.0/16"]), ..ProxyUpstream::default() };
    let mut home = Home::with(upstream, Default::default());
    assert_eq!(home.network.ask(home.proxy, "10.9.0.1,239.1.1.1", 0, UP), UP);
    assert_eq!(home.network.ask(home.proxy, "10.9.0.1,239.2.1.1", 0, UP), 0);
}

#[test]
fn i59_a_route_is_followed_and_its_neighbour_kept() {
    let mut home = Home::new();
    // The route leads to a link that is no part of the proxy: answered with what came (I48).
    assert_eq!(home.network.ask(home.proxy, "10.9.0.1,239.1.1.1", 77, UP), 77);
    let mut actions = Vec::new();
    let mut igmp = mgm_igmp::Igmp::new(1);
    let (flow, neighbour) = (flow("10.9.0.1,239.1.1.1"), ip("10.1.0.1"));
    let question = Callback::Rpf { question: 9, flow, expected: 5, neighbour, arrival: 5 };
    igmp.handle(mgm_igmp::Time(0), Event::Callback(question), &mut actions);
    let answer = mgm_igmp::Answer::Rpf { question: 9, link: 5, neighbour };
    assert_eq!(actions, [mgm_igmp::Action::Answer(answer)]);
}

#[test]
fn i59_a_log_line_names_route_and_arrival() {
    let mut home = Home::with(sources(&["10.8.0.0/16"]), Default::default());
    home.network.ask(home.proxy, "10.9.0.1,239.1.1.1", DOWN2, UP);
    let log = home.network.log(home.proxy);
    let text = log[0].to_string();
    assert!(text.contains("(10.9.0.1, 239.1.1.1)"), "{text}");
    assert!(text.contains("leads to interface 3: add its network"), "{text}");
    // With the names that a program knows.
    let line = mgm_igmp::LogLine { link: UP, event: log[0].clone(), left_out: 2 };
    let names = |index| (index == DOWN2).then(|| "lan2".to_owned());
    let text = line.named(&names).to_string();
    assert!(text.contains("leads to lan2 (index 3): add its network"), "{text}");
    assert!(text.ends_with("(2 such lines left out)"), "{text}");
}

#[test]
fn i59_routes_follow_the_configuration() {
    let mut home = Home::with(sources(&["10.8.0.0/16", "10.9.0.0/16"]), Default::default());
    assert_eq!(home.network.routes(home.proxy), [("10.8.0.0/16", UP), ("10.9.0.0/16", UP)]);
    let upstream = |networks: &[&str]| ProxyUpstream {
        links: vec![UP],
        downstreams: vec![DOWN1],
        ..sources(networks)
    };
    home.network.proxies(home.proxy, &[upstream(&["10.9.0.0/16", "10.7.0.0/16"])]);
    assert_eq!(home.network.routes(home.proxy), [("10.7.0.0/16", UP), ("10.9.0.0/16", UP)]);
    home.network.event(home.proxy, Event::Unconfigure { link: UP });
    assert!(home.network.routes(home.proxy).is_empty());
}

#[test]
fn i59_a_refused_route_is_tried_again() {
    let mut home = Home::with(sources(&["10.9.0.0/16"]), Default::default());
    let call = MgmCall::AddRoute { network: net("10.9.0.0/16"), link: UP };
    home.network.event(home.proxy, Event::Refused { call, code: Code::NotEnoughMemory });
    let log = home.network.log(home.proxy);
    assert!(matches!(log[..], [LogEvent::RouteRefused { .. }]), "{log:?}");
    let adds = home.network.adds_of_routes(home.proxy);
    home.pass(59_999);
    assert_eq!(home.network.adds_of_routes(home.proxy), adds);
    home.pass(1);
    assert_eq!(home.network.adds_of_routes(home.proxy), adds + 1);
    home.pass(600_000);
    assert_eq!(home.network.adds_of_routes(home.proxy), adds + 1);
}

/// Two upstreams that name one network, for different groups.
fn split() -> TwoUpstreams {
    let upstream = |groups| ProxyUpstream { groups: only(&[groups]), ..sources(&["10.9.0.0/16"]) };
    TwoUpstreams::new(upstream("239.1.0.0/16"), upstream("239.2.0.0/16"))
}

#[test]
fn i59_a_network_of_two_upstreams_has_no_route_and_the_question_decides() {
    let TwoUpstreams { mut network, proxy, .. } = split();
    assert!(network.routes(proxy).is_empty());
    assert_eq!(network.ask(proxy, "10.9.0.1,239.1.1.1", 0, 1), 1);
    assert_eq!(network.ask(proxy, "10.9.0.1,239.2.1.1", 0, 2), 2);
    assert_eq!(network.ask(proxy, "10.9.0.1,239.2.1.1", 0, 1), 0);
}

#[test]
fn g35_a_default_route_to_the_wrong_upstream_does_not_decide() {
    let TwoUpstreams { mut network, proxy, .. } = split();
    // The default route leads to upstream 1, which is not for this group.
    assert_eq!(network.ask(proxy, "10.9.0.1,239.2.1.1", 1, 2), 2);
    // Where it is right, it counts; and without a match nothing is changed.
    assert_eq!(network.ask(proxy, "10.9.0.1,239.1.1.1", 1, 2), 1);
    assert_eq!(network.ask(proxy, "10.8.0.1,239.2.1.1", 1, 2), 1);
}

#[test]
fn i59_a_sender_on_a_lan_keeps_the_lan_although_packets_arrive_on_an_upstream() {
    let TwoUpstreams { mut network, proxy, .. } = split();
    // The route to the sender leads to the downstream, which is not for any upstream's flows.
    assert_eq!(network.ask(proxy, "10.9.0.1,239.1.1.1", 3, 1), 3);
}

#[test]
fn i59_one_network_for_the_same_groups_is_refused() {
    let mut home = Home::new();
    let upstream = |link| ProxyUpstream {
        links: vec![link],
        downstreams: vec![DOWN1],
        ..sources(&["10.9.0.0/16"])
    };
    home.network.proxies(home.proxy, &[upstream(UP), upstream(9)]);
    let log = home.network.log(home.proxy);
    assert!(log[0].to_string().contains("10.9.0.0/16"), "{log:?}");
}
