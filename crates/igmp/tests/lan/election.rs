//! Several routers or proxies on one LAN (I22 to I24, I57).

use crate::world::*;
use mgm_igmp::{LinkConfig, LogEvent, Role};

const G: &str = "239.1.1.1";

#[test]
fn t72_proxy_not_querier() {
    let mut home = Home::new();
    let host = home.world.host("lan1", "192.168.1.200");
    home.world.join(host, &[G]);
    home.pass(5_000);
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)"]);
    home.world.set_link(home.proxy, DOWN1, up("192.168.1.100"));
    home.world.log(home.proxy);

    let rival = home.world.machine();
    home.world.attach(rival, 1, ("lan1", "192.168.1.7"), role(Role::Router));
    home.pass(10);
    assert!(home.forwarded(DOWN1).is_empty(), "two routers would double the packets");
    let log = home.world.log(home.proxy);
    assert!(log.contains(&LogEvent::NotForwarding(Some(ip("192.168.1.7")))), "{log:?}");
    assert!(home.world.log(home.proxy).is_empty());
    // What the hosts want is reported upstream all the same.
    home.pass(600_000);
    assert_eq!(home.world.reported(home.proxy, UP), ["239.1.1.1 EX()"]);

    home.world.kill(rival);
    home.pass(256_000);
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)"]);
}

#[test]
fn i57_forward_always_forwards_beside_another_querier() {
    let mut home = Home::new();
    let config = LinkConfig { forward_always: true, ..role(Role::Downstream) };
    home.world.configure(home.proxy, DOWN1, config);
    let rival = home.world.machine();
    home.world.attach(rival, 1, ("lan1", "192.168.1.0"), role(Role::Router));
    home.world.set_link(home.proxy, DOWN1, up("192.168.1.100"));
    let host = home.world.host("lan1", "192.168.1.200");
    home.world.join(host, &[G]);
    home.pass(5_000);
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)"]);
    // Without the key it stops at once.
    home.world.set_link(rival, 1, up("192.168.1.7"));
    home.pass(100);
    home.world.configure(home.proxy, DOWN1, role(Role::Downstream));
    assert!(home.forwarded(DOWN1).is_empty());
}

#[test]
fn i57_a_downstream_without_address_rests_and_says_so() {
    let mut home = Home::new();
    let host = home.world.host("lan1", "192.168.1.200");
    home.world.join(host, &[G]);
    home.pass(5_000);
    home.world.set_link(
        home.proxy,
        DOWN1,
        mgm_igmp::LinkInfo { addresses: vec![], ..up("0.0.0.0") },
    );
    assert!(home.forwarded(DOWN1).is_empty());
    assert!(home.world.log(home.proxy).contains(&LogEvent::NotForwarding(None)));
    home.world.set_link(home.proxy, DOWN1, up("192.168.1.1"));
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)"], "the state was kept (I21)");
}

#[test]
fn i57_a_router_link_forwards_whoever_is_querier() {
    let mut world = World::new();
    let (one, two) = (world.machine(), world.machine());
    world.attach(one, 1, ("lan", "10.0.0.1"), role(Role::Router));
    world.attach(two, 1, ("lan", "10.0.0.2"), role(Role::Router));
    let host = world.host("lan", "10.0.0.50");
    world.join(host, &[G]);
    world.pass(60_000);
    assert_eq!(world.memberships(one, 1), ["(*, 239.1.1.1)"]);
    assert_eq!(world.memberships(two, 1), ["(*, 239.1.1.1)"]);
}

#[test]
fn t35_elect_lowest() {
    let mut world = World::new();
    let routers: Vec<usize> = (0..3).map(|_| world.machine()).collect();
    for (router, address) in routers.iter().zip(["10.0.0.20", "10.0.0.1", "10.0.0.10"]) {
        world.attach(*router, 1, ("lan", address), role(Role::Router));
    }
    world.pass(300_000);
    world.take("lan");
    world.pass(600_000);
    let queries = world.queries("lan");
    assert!(queries.len() >= 4 && queries.iter().all(|query| query == "Q3 from 10.0.0.1"));
}

#[test]
fn t36_querier_dies() {
    let mut world = World::new();
    let routers: Vec<usize> = (0..3).map(|_| world.machine()).collect();
    for (router, address) in routers.iter().zip(["10.0.0.1", "10.0.0.10", "10.0.0.20"]) {
        world.attach(*router, 1, ("lan", address), role(Role::Router));
    }
    world.pass(60_000);
    world.kill(routers[0]);
    world.take("lan");
    world.pass(600_000);
    let queries = world.queries("lan");
    // The timers of both end in the same moment, so that the higher one may query once (G39).
    assert!(queries.iter().filter(|query| *query == "Q3 from 10.0.0.10").count() >= 3);
    assert!(queries.iter().filter(|query| *query == "Q3 from 10.0.0.20").count() <= 1);
    let status = world.igmp(routers[2]).status(1).unwrap();
    assert_eq!(status.other_querier, Some(ip("10.0.0.10")));
}

#[test]
fn g39_two_routers_may_succeed_a_querier_at_once_and_the_lower_one_stays() {
    let mut world = World::new();
    let routers: Vec<usize> = (0..3).map(|_| world.machine()).collect();
    for (router, address) in routers.iter().zip(["10.0.0.1", "10.0.0.10", "10.0.0.20"]) {
        world.attach(*router, 1, ("lan", address), role(Role::Router));
    }
    world.pass(60_000);
    world.kill(routers[0]);
    while !world.igmp(routers[1]).status(1).unwrap().querier {
        world.pass(1_000);
    }
    // A second later only one of them is querier, and the other one knows it.
    world.pass(1_000);
    assert!(!world.igmp(routers[2]).status(1).unwrap().querier);
    world.take("lan");
    world.pass(600_000);
    assert!(world.queries("lan").iter().all(|query| query == "Q3 from 10.0.0.10"));
}

#[test]
fn t43_election_across_versions() {
    let mut world = World::new();
    let (v2, v3) = (world.machine(), world.machine());
    let config = LinkConfig { version: 2, ..role(Role::Router) };
    world.attach(v2, 1, ("lan", "10.0.0.1"), config);
    world.attach(v3, 1, ("lan", "10.0.0.2"), role(Role::Router));
    world.pass(300_000);
    world.take("lan");
    world.log(v3);
    world.pass(600_000);
    let queries = world.queries("lan");
    assert!(queries.len() >= 4 && queries.iter().all(|query| query == "Q2 from 10.0.0.1"));
    let mismatches = world.log(v3);
    let mismatches = mismatches.iter().filter(|e| matches!(e, LogEvent::VersionMismatch { .. }));
    assert!((1..=10).contains(&mismatches.count()), "one a minute");
}
