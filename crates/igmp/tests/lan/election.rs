//! Several routers or proxies on one LAN (I22 to I24, I57).

use crate::network::*;
use mgm_igmp::{LinkConfig, LogEvent, Role};

const G: &str = "239.1.1.1";

#[test]
fn t72_proxy_not_querier() {
    let mut home = Home::new();
    let host = home.network.host("lan1", "192.168.1.200");
    home.network.join(host, &[G]);
    home.pass(5_000);
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)"]);
    home.network.set_link(home.proxy, DOWN1, up("192.168.1.100"));
    home.network.log(home.proxy);

    let rival = home.network.machine();
    home.network.attach(rival, 1, ("lan1", "192.168.1.7"), role(Role::Router));
    home.pass(10);
    assert!(home.forwarded(DOWN1).is_empty(), "two routers would double the packets");
    let log = home.network.log(home.proxy);
    assert!(log.contains(&LogEvent::NotForwarding(Some(ip("192.168.1.7")))), "{log:?}");
    assert!(home.network.log(home.proxy).is_empty());
    // What the hosts want is reported upstream all the same.
    home.pass(600_000);
    assert_eq!(home.network.reported(home.proxy, UP), ["239.1.1.1 EX()"]);

    home.network.kill(rival);
    home.pass(256_000);
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)"]);
}

#[test]
fn i57_forward_always_forwards_beside_another_querier() {
    let mut home = Home::new();
    let config = LinkConfig { forward_always: true, ..role(Role::Downstream) };
    home.network.configure(home.proxy, DOWN1, config);
    let rival = home.network.machine();
    home.network.attach(rival, 1, ("lan1", "192.168.1.0"), role(Role::Router));
    home.network.set_link(home.proxy, DOWN1, up("192.168.1.100"));
    let host = home.network.host("lan1", "192.168.1.200");
    home.network.join(host, &[G]);
    home.pass(5_000);
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)"]);
    // Without the key it stops at once.
    home.network.set_link(rival, 1, up("192.168.1.7"));
    home.pass(100);
    home.network.configure(home.proxy, DOWN1, role(Role::Downstream));
    assert!(home.forwarded(DOWN1).is_empty());
}

#[test]
fn i57_a_downstream_without_address_rests_and_says_so() {
    let mut home = Home::new();
    let host = home.network.host("lan1", "192.168.1.200");
    home.network.join(host, &[G]);
    home.pass(5_000);
    home.network.set_link(
        home.proxy,
        DOWN1,
        mgm_igmp::LinkInfo { addresses: vec![], ..up("0.0.0.0") },
    );
    assert!(home.forwarded(DOWN1).is_empty());
    assert!(home.network.log(home.proxy).contains(&LogEvent::NotForwarding(None)));
    home.network.set_link(home.proxy, DOWN1, up("192.168.1.1"));
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)"], "the state was kept (I21)");
}

#[test]
fn i57_a_router_link_forwards_whoever_is_querier() {
    let mut network = Network::new();
    let (one, two) = (network.machine(), network.machine());
    network.attach(one, 1, ("lan", "10.0.0.1"), role(Role::Router));
    network.attach(two, 1, ("lan", "10.0.0.2"), role(Role::Router));
    let host = network.host("lan", "10.0.0.50");
    network.join(host, &[G]);
    network.pass(60_000);
    assert_eq!(network.memberships(one, 1), ["(*, 239.1.1.1)"]);
    assert_eq!(network.memberships(two, 1), ["(*, 239.1.1.1)"]);
}

#[test]
fn t35_elect_lowest() {
    let (mut network, _) = routers(["10.0.0.20", "10.0.0.1", "10.0.0.10"]);
    network.pass(300_000);
    network.take("lan");
    network.pass(600_000);
    let queries = network.queries("lan");
    assert!(queries.len() >= 4 && queries.iter().all(|query| query == "Q3 from 10.0.0.1"));
}

#[test]
fn t36_querier_dies() {
    let (mut network, routers) = routers(["10.0.0.1", "10.0.0.10", "10.0.0.20"]);
    network.pass(60_000);
    network.kill(routers[0]);
    network.take("lan");
    network.pass(600_000);
    let queries = network.queries("lan");
    // The timers of both end in the same moment, so that the higher one may query once (G39).
    assert!(queries.iter().filter(|query| *query == "Q3 from 10.0.0.10").count() >= 3);
    assert!(queries.iter().filter(|query| *query == "Q3 from 10.0.0.20").count() <= 1);
    let status = network.igmp(routers[2]).status(1).unwrap();
    assert_eq!(status.other_querier, Some(ip("10.0.0.10")));
}

#[test]
fn g39_two_routers_may_succeed_a_querier_at_once_and_the_lower_one_stays() {
    let (mut network, routers) = routers(["10.0.0.1", "10.0.0.10", "10.0.0.20"]);
    network.pass(60_000);
    network.kill(routers[0]);
    while !network.igmp(routers[1]).status(1).unwrap().querier {
        network.pass(1_000);
    }
    // A second later only one of them is querier, and the other one knows it.
    network.pass(1_000);
    assert!(!network.igmp(routers[2]).status(1).unwrap().querier);
    network.take("lan");
    network.pass(600_000);
    assert!(network.queries("lan").iter().all(|query| query == "Q3 from 10.0.0.10"));
}

#[test]
fn t43_election_across_versions() {
    let mut network = Network::new();
    let (v2, v3) = (network.machine(), network.machine());
    let config = LinkConfig { version: 2, ..role(Role::Router) };
    network.attach(v2, 1, ("lan", "10.0.0.1"), config);
    network.attach(v3, 1, ("lan", "10.0.0.2"), role(Role::Router));
    network.pass(300_000);
    network.take("lan");
    network.log(v3);
    network.pass(600_000);
    let queries = network.queries("lan");
    assert!(queries.len() >= 4 && queries.iter().all(|query| query == "Q2 from 10.0.0.1"));
    let mismatches = network.log(v3);
    let mismatches = mismatches.iter().filter(|e| matches!(e, LogEvent::VersionMismatch { .. }));
    assert!((1..=10).contains(&mismatches.count()), "one a minute");
}
