//! `join` on links (I50), and hosts beside routers.

use crate::network::*;
use mgm_igmp::{LinkConfig, Role};

const G: &str = "239.1.1.1";

fn joining(role_of: Role, flows: &[&str]) -> LinkConfig {
    LinkConfig { join: flows.iter().map(|text| flow(text)).collect(), ..role(role_of) }
}

#[test]
fn i50_a_join_is_reported_as_by_a_host_and_forwarded_there() {
    let mut network = Network::new();
    let router = network.machine();
    network.attach(
        router,
        1,
        ("lan", "10.0.0.1"),
        joining(Role::Router, &[G, "10.9.0.1,239.1.1.2"]),
    );
    network.pass(5_000);
    let report = "TO_EX 239.1.1.1 (); ALLOW 239.1.1.2 (10.9.0.1)";
    let mut reports = network.reports("lan");
    reports.retain(|text| !text.starts_with("IS_"));
    assert_eq!(reports, [report, report]);
    assert_eq!(network.memberships(router, 1), ["(*, 239.1.1.1)", "(10.9.0.1, 239.1.1.2)"]);
    network.configure(router, 1, role(Role::Router));
    network.pass(5_000);
    let mut reports = network.reports("lan");
    reports.retain(|text| !text.starts_with("IS_"));
    assert_eq!(reports, ["TO_IN 239.1.1.1 (); BLOCK 239.1.1.2 (10.9.0.1)"]);
    assert!(network.memberships(router, 1).is_empty());
}

#[test]
fn g34_the_host_of_a_querier_answers_its_own_queries() {
    let mut network = Network::new();
    let (querier, other) = (network.machine(), network.machine());
    network.attach(querier, 1, ("lan", "10.0.0.1"), joining(Role::Router, &[G]));
    network.attach(other, 1, ("lan", "10.0.0.2"), role(Role::Router));
    network.pass(3_600_000);
    assert!(network.igmp(querier).status(1).unwrap().querier);
    assert_eq!(network.memberships(other, 1), ["(*, 239.1.1.1)"], "for more than GMI");
    // Another host leaves the group: the querier asks, and its own host answers.
    let host = network.host("lan", "10.0.0.50");
    network.join(host, &[G]);
    network.pass(10_000);
    network.join(host, &[]);
    network.pass(60_000);
    assert_eq!(network.memberships(other, 1), ["(*, 239.1.1.1)"]);
}

#[test]
fn g33_a_join_of_an_upstream_is_reported_and_not_sent_back() {
    let mut home = Home::new();
    home.network.configure(home.proxy, UP, joining(Role::Upstream, &[G]));
    home.pass(5_000);
    assert_eq!(home.upstream(), ["TO_EX 239.1.1.1 ()", "TO_EX 239.1.1.1 ()"]);
    assert_eq!(home.isp_forwards(), ["(*, 239.1.1.1)"]);
    assert!(home.forwarded(UP).is_empty());
    // It stays when the hosts of a downstream leave the group.
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &["10.9.0.1,239.1.1.1"]);
    home.pass(5_000);
    home.network.join(host, &[]);
    home.pass(10_000);
    assert_eq!(home.isp_forwards(), ["(*, 239.1.1.1)"]);
    assert_eq!(home.upstream(), [""; 0]);
}

#[test]
fn i56_hosts_stay_members_for_as_long_as_they_are_queried() {
    // A router and a host of this crate, each in its own version, and the one of the other.
    for router_version in 1..=3 {
        for host_version in 1..=3 {
            let mut network = Network::new();
            let router = network.machine();
            let config = LinkConfig { version: router_version, ..role(Role::Router) };
            network.attach(router, 1, ("lan", "10.0.0.1"), config);
            let host = network.machine();
            let config = LinkConfig { version: host_version, ..role(Role::Upstream) };
            network.attach(host, 1, ("lan", "10.0.0.50"), config);
            network.pass(60_000);
            network.join(host, &[G]);
            network.pass(1_000_000);
            assert_eq!(network.memberships(router, 1), ["(*, 239.1.1.1)"]);
            network.join(host, &[]);
            network.pass(600_000);
            assert!(network.memberships(router, 1).is_empty());
        }
    }
}

#[test]
fn t78_mixed_hosts() {
    let mut network = Network::new();
    let router = network.machine();
    network.attach(router, 1, ("lan", "10.0.0.1"), role(Role::Router));
    let mut hosts = Vec::new();
    for version in 1..=3 {
        let host = network.machine();
        let config = LinkConfig { version, ..role(Role::Upstream) };
        network.attach(host, 1, ("lan", &format!("10.0.0.5{version}")), config);
        network.join(host, &[G]);
        hosts.push(host);
    }
    network.pass(400_000);
    for host in hosts {
        assert_eq!(network.memberships(router, 1), ["(*, 239.1.1.1)"]);
        network.join(host, &[]);
        // No gap while another host wants it.
        let end = network.now + 400_000;
        while network.now < end && host != 3 {
            network.pass(500);
            assert_eq!(network.memberships(router, 1), ["(*, 239.1.1.1)"]);
        }
    }
    network.pass(300_000);
    assert!(network.memberships(router, 1).is_empty());
}
