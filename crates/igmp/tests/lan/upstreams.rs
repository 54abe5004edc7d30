//! Upstreams that disappear, return, or speak older versions, and several upstreams (I60, I62, I64).

use crate::network::*;
use mgm_igmp::{Event, LinkConfig, LinkInfo, ProxyUpstream, Role};

const G: &str = "239.1.1.1";

#[test]
fn t70_proxy_upstream_v2() {
    let isp = LinkConfig { version: 2, ..role(Role::Router) };
    let mut home = Home::with(ProxyUpstream::default(), isp);
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &[G]);
    home.pass(20_000);
    let reports = home.upstream();
    assert!(reports.len() >= 2 && reports.iter().all(|report| report == "v2 239.1.1.1"));
    home.network.join(host, &[]);
    home.pass(10_000);
    assert_eq!(home.upstream(), ["leave 239.1.1.1"]);

    // 350 s after the last v2 query the proxy speaks v3.
    home.network.kill(home.isp);
    home.pass(350_000);
    home.network.join(host, &[G]);
    home.pass(1_000);
    assert_eq!(home.upstream()[0], "TO_EX 239.1.1.1 ()");
}

#[test]
fn t71_proxy_upstream_flap() {
    let (mut home, _) = Home::joined(&[G]);

    // The device is removed, and in the end its membership at the provider ends.
    home.network.event(home.proxy, Event::LinkGone { link: UP });
    home.pass(600_000);
    assert_eq!(home.upstream(), [""; 0]);
    assert!(home.isp_forwards().is_empty());
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)"], "the database stays");

    // It is made anew, and gets its address later.
    home.network.set_link(home.proxy, UP, LinkInfo { addresses: Vec::new(), ..up("0.0.0.0") });
    home.pass(10_000);
    assert_eq!(home.upstream(), [""; 0]);
    home.network.set_link(home.proxy, UP, up("10.1.0.77"));
    home.pass(5_000);
    assert_eq!(home.upstream(), ["TO_EX 239.1.1.1 ()", "TO_EX 239.1.1.1 ()"], "RV times");
    assert_eq!(home.isp_forwards(), ["(*, 239.1.1.1)"]);
}

#[test]
fn i62_a_device_of_another_index_gets_all_reports() {
    let (mut home, _) = Home::joined(&[G]);
    home.network.event(home.proxy, Event::LinkGone { link: UP });
    home.network.event(home.proxy, Event::Unconfigure { link: UP });
    home.network.attach(home.proxy, 9, ("wan", "10.1.0.9"), role(Role::Upstream));
    let upstream =
        ProxyUpstream { links: vec![9], downstreams: vec![DOWN1, DOWN2], ..Default::default() };
    home.network.proxies(home.proxy, &[upstream]);
    home.pass(5_000);
    assert_eq!(home.upstream(), ["TO_EX 239.1.1.1 ()", "TO_EX 239.1.1.1 ()"]);
}

#[test]
fn i62_a_clean_stop_leaves_all_groups_once() {
    let sources = Some(vec![net("10.9.0.0/16")]);
    let upstream = ProxyUpstream { sources, ..ProxyUpstream::default() };
    let mut home = Home::with(upstream, LinkConfig::default());
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &[G, "10.9.0.1,239.1.1.2"]);
    home.pass(5_000);
    home.upstream();
    home.network.event(home.proxy, Event::Stop);
    home.pass(1_000);
    assert_eq!(home.upstream()[0], "TO_IN 239.1.1.1 (); BLOCK 239.1.1.2 (10.9.0.1)");
    assert!(home.network.routes(home.proxy).is_empty());
    home.pass(60_000);
    assert_eq!(home.upstream(), [""; 0], "no answer to the queries about it");
    assert!(home.isp_forwards().is_empty());
}

#[test]
fn i62_an_upstream_that_is_released_leaves_its_groups() {
    let (mut home, _) = Home::joined(&[G]);
    home.network.event(home.proxy, Event::Unconfigure { link: UP });
    assert_eq!(home.upstream(), ["TO_IN 239.1.1.1 ()"]);
}

#[test]
fn t73_proxy_two_upstreams() {
    let groups = |net| ProxyUpstream { groups: only(&[net]), ..ProxyUpstream::default() };
    let (first, second) = (groups("239.1.0.0/16"), groups("239.2.0.0/16"));
    let TwoUpstreams { mut network, isps, .. } = TwoUpstreams::new(first, second);
    let host = network.host("lan1", "192.168.1.50");
    network.join(host, &["10.9.0.1,239.1.1.1", "10.9.0.2,239.2.1.1"]);
    network.pass(5_000);
    assert_eq!(network.memberships(isps[0], 1), ["(10.9.0.1, 239.1.1.1)"]);
    assert_eq!(network.memberships(isps[1], 1), ["(10.9.0.2, 239.2.1.1)"]);
}

#[test]
fn i60_a_source_goes_to_the_first_match_and_a_group_to_all() {
    let sources = |list: Option<&str>| ProxyUpstream {
        sources: list.map(|text| vec![net(text)]),
        ..ProxyUpstream::default()
    };
    let (first, second) = (sources(Some("10.9.0.0/16")), sources(None));
    let TwoUpstreams { mut network, isps, proxy } = TwoUpstreams::new(first, second);
    let host = network.host("lan1", "192.168.1.50");
    network.join(host, &["10.9.0.1,239.1.1.1", "10.8.0.1,239.1.1.1", "239.1.1.2"]);
    network.pass(5_000);
    assert_eq!(network.memberships(isps[0], 1), ["(10.9.0.1, 239.1.1.1)", "(*, 239.1.1.2)"]);
    assert_eq!(network.memberships(isps[1], 1), ["(10.8.0.1, 239.1.1.1)", "(*, 239.1.1.2)"]);
    assert_eq!(network.routes(proxy), [("10.9.0.0/16", 1)]);
}

#[test]
fn i60_an_upstream_serves_its_own_downstreams_only() {
    let mut home = Home::new();
    let second = home.network.machine();
    home.network.attach(second, 1, ("wan2", "10.2.0.1"), role(Role::Router));
    home.network.attach(home.proxy, 4, ("wan2", "10.2.0.2"), role(Role::Upstream));
    let upstream = |link, down| ProxyUpstream {
        links: vec![link],
        downstreams: vec![down],
        ..ProxyUpstream::default()
    };
    home.network.proxies(home.proxy, &[upstream(UP, DOWN1), upstream(4, DOWN2)]);
    let one = home.network.host("lan1", "192.168.1.50");
    let two = home.network.host("lan2", "192.168.2.50");
    home.network.join(one, &["10.9.0.1,239.1.1.1"]);
    home.network.join(two, &["10.9.0.1,239.1.1.2"]);
    home.pass(5_000);
    assert_eq!(home.isp_forwards(), ["(10.9.0.1, 239.1.1.1)"]);
    assert_eq!(home.network.memberships(second, 1), ["(10.9.0.1, 239.1.1.2)"]);
}
