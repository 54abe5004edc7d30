//! The database of an upstream (I53, I54, I55).

use crate::network::*;
use mgm_igmp::{Callback, Event, LinkConfig, LogEvent, ProxyUpstream, Role};

const G: &str = "239.1.1.1";

fn alert(home: &mut Home, callback: Callback) {
    home.network.event(home.proxy, Event::Callback(callback));
}

#[test]
fn t64_proxy_allow_block() {
    let mut home = Home::new();
    let one = home.network.host("lan1", "192.168.1.50");
    let two = home.network.host("lan2", "192.168.2.50");
    home.network.join(one, &["10.9.0.1,239.1.1.1"]);
    home.pass(5_000);
    let allow = "ALLOW 239.1.1.1 (10.9.0.1)";
    assert_eq!(home.upstream(), [allow, allow]);

    home.network.join(two, &["10.9.0.1,239.1.1.1", "10.9.0.2,239.1.1.1"]);
    home.pass(5_000);
    let allow = "ALLOW 239.1.1.1 (10.9.0.2)";
    assert_eq!(home.upstream(), [allow, allow], "only what is new");
    assert_eq!(home.isp_forwards(), ["(10.9.0.1, 239.1.1.1)", "(10.9.0.2, 239.1.1.1)"]);

    home.network.join(two, &[]);
    home.pass(10_000);
    let reports = home.upstream();
    let block = "BLOCK 239.1.1.1 (10.9.0.2)";
    assert_eq!(reports, [block, block], "only what nobody wants");
    assert_eq!(home.isp_forwards(), ["(10.9.0.1, 239.1.1.1)"]);
}

#[test]
fn t65_proxy_two_downstreams_leave() {
    let mut home = Home::new();
    let one = home.network.host("lan1", "192.168.1.50");
    let two = home.network.host("lan2", "192.168.2.50");
    home.network.join(one, &[G]);
    home.network.join(two, &[G]);
    home.pass(5_000);
    assert_eq!(home.upstream(), ["TO_EX 239.1.1.1 ()", "TO_EX 239.1.1.1 ()"]);

    home.network.join(one, &[]);
    home.pass(10_000);
    assert!(home.forwarded(DOWN1).is_empty());
    assert_eq!(home.forwarded(DOWN2), ["(*, 239.1.1.1)"]);
    assert_eq!(home.upstream(), [""; 0], "the other link wants it");
    assert_eq!(home.isp_forwards(), ["(*, 239.1.1.1)"]);

    home.network.join(two, &[]);
    home.pass(10_000);
    assert_eq!(home.upstream(), ["TO_IN 239.1.1.1 ()", "TO_IN 239.1.1.1 ()"]);
    assert!(home.isp_forwards().is_empty());
}

#[test]
fn t66_proxy_100_groups() {
    let mut home = Home::new();
    let host = home.network.host("lan1", "192.168.1.50");
    let groups: Vec<String> = (1..=100).map(|n| format!("239.1.1.{n}")).collect();
    home.network.join(host, &groups.iter().map(String::as_str).collect::<Vec<_>>());
    home.pass(5_000);
    assert_eq!(home.isp_forwards().len(), 100);
    // They stay for as long as the host wants them.
    home.pass(3_600_000);
    assert_eq!(home.isp_forwards().len(), 100);
    assert_eq!(home.forwarded(DOWN1).len(), 100);
}

#[test]
fn t67_proxy_mode_merge() {
    let mut home = Home::new();
    // The host of the crate cannot exclude sources: this report is made by hand.
    let one = home.network.host("lan1", "192.168.1.50");
    home.network.join(one, &["10.9.0.1,239.1.1.1"]);
    home.pass(5_000);
    home.upstream();
    exclude(&mut home, &["10.9.0.1", "10.9.0.2"]);
    home.pass(1);
    assert_eq!(home.network.reported(home.proxy, UP), ["239.1.1.1 EX(10.9.0.2)"]);
    assert_eq!(home.upstream(), ["TO_EX 239.1.1.1 (10.9.0.2)"]);
}

/// A host of lan2 wants all sources but these.
fn exclude(home: &mut Home, sources: &[&str]) {
    use mgm_igmp::codec::{report_v3, OwnRecord, RecordType};
    let sources: Vec<_> = sources.iter().map(|source| ip(source)).collect();
    let record = OwnRecord { kind: RecordType::ToEx, group: ip(G), sources: &sources };
    let route = ("192.168.2.50", "224.0.0.22");
    home.network.inject(home.proxy, DOWN2, route, &report_v3(&[record]));
}

#[test]
fn i55_a_merge_that_changes_its_mode_says_so() {
    let mut home = Home::new();
    let one = home.network.host("lan1", "192.168.1.50");
    home.network.join(one, &["10.9.0.1,239.1.1.1"]);
    home.pass(5_000);
    exclude(&mut home, &[]);
    home.pass(5_000);
    home.upstream();
    // No host repeats the report of lan2: its group timer ends, and the list of lan1 is left.
    home.pass(280_000);
    let reports = home.upstream();
    let changes: Vec<_> = reports.iter().filter(|report| !report.starts_with("IS_")).collect();
    assert_eq!(changes, ["TO_IN 239.1.1.1 (10.9.0.1)", "TO_IN 239.1.1.1 (10.9.0.1)"]);
}

#[test]
fn t74_proxy_ssdp_stays() {
    let mut home = Home::new();
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &["239.255.255.250", G]);
    home.pass(5_000);
    assert_eq!(home.network.reported(home.proxy, UP), ["239.1.1.1 EX()"]);
    assert_eq!(home.upstream(), ["TO_EX 239.1.1.1 ()", "TO_EX 239.1.1.1 ()"]);
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)", "(*, 239.255.255.250)"]);
    // Nor do its packets go up.
    assert_eq!(home.network.ask(home.proxy, "192.168.1.50,239.255.255.250", DOWN1, DOWN1), DOWN1);
    assert!(home.forwarded(UP).is_empty());
}

#[test]
fn t75_proxy_for_pim() {
    let mut home = Home::new();
    alert(&mut home, Callback::JoinAlert(flow(G)));
    home.pass(5_000);
    assert_eq!(home.upstream(), ["TO_EX 239.1.1.1 ()", "TO_EX 239.1.1.1 ()"]);
    assert_eq!(home.isp_forwards(), ["(*, 239.1.1.1)"]);
    alert(&mut home, Callback::PruneAlert(flow(G)));
    home.pass(5_000);
    assert_eq!(home.upstream(), ["TO_IN 239.1.1.1 ()", "TO_IN 239.1.1.1 ()"]);
}

#[test]
fn i54_sources_of_other_components_are_reported_too() {
    let mut home = Home::new();
    alert(&mut home, Callback::JoinAlert(flow("10.9.0.1,239.1.1.1")));
    alert(&mut home, Callback::JoinAlert(flow("10.9.0.1,239.1.1.1")));
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &["10.9.0.2,239.1.1.1"]);
    home.pass(5_000);
    let reported = |home: &Home| home.network.reported(home.proxy, UP);
    assert_eq!(reported(&home), ["239.1.1.1 IN(10.9.0.1,10.9.0.2)"]);
    alert(&mut home, Callback::PruneAlert(flow("10.9.0.1,239.1.1.1")));
    assert_eq!(reported(&home), ["239.1.1.1 IN(10.9.0.2)"]);
    // A prune of something that was never announced has no effect (docs/semantics.md, D57).
    alert(&mut home, Callback::PruneAlert(flow("10.9.0.7,239.1.1.1")));
    assert_eq!(reported(&home), ["239.1.1.1 IN(10.9.0.2)"]);
}

#[test]
fn i54_a_wildcard_is_logged_and_its_end_ends_the_groups() {
    let mut home = Home::new();
    alert(&mut home, Callback::JoinAlert(flow(G)));
    alert(&mut home, Callback::JoinAlert(flow("10.9.0.1,239.1.1.2")));
    alert(&mut home, Callback::JoinAlert(mgm_igmp::Flow::WILDCARD));
    assert_eq!(home.network.log(home.proxy), [LogEvent::WildcardNotReported]);
    let reported = |home: &Home| home.network.reported(home.proxy, UP);
    assert_eq!(reported(&home), ["239.1.1.1 EX()", "239.1.1.2 IN(10.9.0.1)"]);
    // The library says again at once what is left of the groups.
    alert(&mut home, Callback::PruneAlert(mgm_igmp::Flow::WILDCARD));
    assert_eq!(reported(&home), ["239.1.1.2 IN(10.9.0.1)"]);
}

#[test]
fn i76_a_wildcard_that_comes_and_goes_is_logged_once_a_minute() {
    let mut home = Home::new();
    let wildcards = |home: &mut Home| {
        for _ in 0..5 {
            alert(home, Callback::JoinAlert(mgm_igmp::Flow::WILDCARD));
            alert(home, Callback::PruneAlert(mgm_igmp::Flow::WILDCARD));
        }
        home.network.log(home.proxy).len()
    };
    assert_eq!(wildcards(&mut home), 1);
    home.pass(59_999);
    assert_eq!(wildcards(&mut home), 0);
    home.pass(1);
    assert_eq!(wildcards(&mut home), 1);
}

#[test]
fn i54_what_others_wanted_before_the_start_is_found() {
    let mut network = Network::new();
    let proxy = network.machine();
    let found = ["239.1.1.1", "10.9.0.1,239.1.1.2"].map(flow).to_vec();
    network.event(proxy, Event::Found(found));
    network.attach(proxy, UP, ("wan", "10.1.0.2"), role(Role::Upstream));
    network.proxies(proxy, &[ProxyUpstream { links: vec![UP], ..ProxyUpstream::default() }]);
    assert_eq!(network.reported(proxy, UP), ["239.1.1.1 EX()"]);
}

#[test]
fn g37_sources_that_others_wanted_before_the_start_are_announced_by_mgm() {
    let mut network = Network::new();
    let proxy = network.machine();
    network.attach(proxy, UP, ("wan", "10.1.0.2"), role(Role::Upstream));
    network.proxies(proxy, &[ProxyUpstream { links: vec![UP], ..ProxyUpstream::default() }]);
    let wanted = flow("10.9.0.1,239.1.1.2");
    network.event(proxy, Event::Found(vec![wanted]));
    assert!(network.reported(proxy, UP).is_empty(), "its source may be elsewhere");
    network.event(proxy, Event::Callback(Callback::JoinAlert(wanted)));
    assert_eq!(network.reported(proxy, UP), ["239.1.1.2 IN(10.9.0.1)"]);
}

/// A home that has room for this many groups and sources.
fn home_with_room(max_entries: u32) -> Home {
    let mut home = Home::new();
    let settings = mgm_igmp::Settings { max_entries, ..Default::default() };
    home.network.event(home.proxy, Event::Settings(settings));
    home
}

#[test]
fn g45_other_components_have_a_limit_of_their_own() {
    let mut home = home_with_room(10);
    let refused = |home: &Home| home.network.igmp(home.proxy).others_refused();
    for n in 1..=20 {
        alert(&mut home, Callback::JoinAlert(flow(&format!("239.1.1.{n}"))));
    }
    assert_eq!(home.network.reported(home.proxy, UP).len(), 10);
    assert_eq!(refused(&home), 10);
    // One line a minute.
    let limit = LogEvent::OthersLimit(flow("239.1.1.11"));
    assert_eq!(home.network.log(home.proxy), [limit]);
    home.pass(60_000);
    alert(&mut home, Callback::JoinAlert(flow("239.1.1.20")));
    assert_eq!(home.network.log(home.proxy), [LogEvent::OthersLimit(flow("239.1.1.20"))]);
    // Known groups may be announced again, and groups that end make room.
    alert(&mut home, Callback::JoinAlert(flow("239.1.1.1")));
    assert_eq!(refused(&home), 11);
    alert(&mut home, Callback::PruneAlert(flow("239.1.1.1")));
    alert(&mut home, Callback::JoinAlert(flow("239.1.1.20")));
    assert_eq!(refused(&home), 11);
    assert_eq!(home.network.reported(home.proxy, UP).last().unwrap(), "239.1.1.20 EX()");
    // The hosts have their own room.
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &["239.2.2.2"]);
    home.pass(5_000);
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.2.2.2)"]);
}

#[test]
fn g45_a_flood_of_reports_keeps_no_other_component_out() {
    let mut home = home_with_room(10);
    let host = home.network.host("lan1", "192.168.1.50");
    let groups: Vec<String> = (1..=20).map(|n| format!("239.1.1.{n}")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    home.network.join(host, &groups);
    home.pass(5_000);
    assert_eq!(home.forwarded(DOWN1).len(), 10);
    alert(&mut home, Callback::JoinAlert(flow("239.2.2.2")));
    assert_eq!(home.network.reported(home.proxy, UP).last().unwrap(), "239.2.2.2 EX()");
    assert_eq!(home.network.igmp(home.proxy).others_refused(), 0);
}

#[test]
fn i54_static_memberships_and_joins_of_downstreams_are_in_the_database() {
    let mut home = Home::new();
    let config = LinkConfig {
        static_memberships: vec![flow("10.9.0.1,239.1.1.1")],
        join: vec![flow("239.1.1.2")],
        ..role(Role::Downstream)
    };
    home.network.configure(home.proxy, DOWN1, config);
    let reported = |home: &Home| home.network.reported(home.proxy, UP);
    assert_eq!(reported(&home), ["239.1.1.1 IN(10.9.0.1)", "239.1.1.2 EX()"]);
    assert_eq!(home.forwarded(DOWN1), ["(10.9.0.1, 239.1.1.1)", "(*, 239.1.1.2)"]);
    // A link that is down needs nothing.
    home.network.set_link(home.proxy, DOWN1, Default::default());
    assert!(reported(&home).is_empty());
    home.network.set_link(home.proxy, DOWN1, up("192.168.1.1"));
    assert_eq!(reported(&home).len(), 2);
    home.network.configure(home.proxy, DOWN1, role(Role::Downstream));
    assert!(reported(&home).is_empty());
}

#[test]
fn g36_all_sources_of_an_ssm_group_are_not_reported() {
    let mut home = Home::new();
    alert(&mut home, Callback::JoinAlert(flow("232.1.1.1")));
    alert(&mut home, Callback::JoinAlert(flow("10.9.0.1,232.1.1.2")));
    assert_eq!(home.network.reported(home.proxy, UP), ["232.1.1.2 IN(10.9.0.1)"]);
}

#[test]
fn g36_all_sources_of_an_ssm_group_take_no_source_away() {
    let mut home = Home::new();
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &["10.9.0.1,232.1.1.1"]);
    home.pass(5_000);
    home.upstream();
    let reported = |home: &Home| home.network.reported(home.proxy, UP);
    assert_eq!(reported(&home), ["232.1.1.1 IN(10.9.0.1)"]);
    alert(&mut home, Callback::JoinAlert(flow("10.9.0.2,232.1.1.1")));
    alert(&mut home, Callback::JoinAlert(flow("232.1.1.1")));
    assert_eq!(reported(&home), ["232.1.1.1 IN(10.9.0.1,10.9.0.2)"]);
    let static_memberships = vec![flow("232.1.1.1"), flow("10.9.0.3,232.1.1.1")];
    let config = LinkConfig { static_memberships, ..role(Role::Downstream) };
    home.network.configure(home.proxy, DOWN2, config);
    assert_eq!(reported(&home), ["232.1.1.1 IN(10.9.0.1,10.9.0.2,10.9.0.3)"]);
    home.pass(60_000);
    assert!(!home.upstream().iter().any(|report| report.contains("BLOCK")));
}

#[test]
fn g36_a_join_of_all_sources_of_an_ssm_group_is_not_reported() {
    let mut home = Home::new();
    let join = vec![flow("232.1.1.1"), flow("232.1.1.2"), flow("10.9.0.1,232.1.1.2")];
    home.network.configure(home.proxy, UP, LinkConfig { join, ..role(Role::Upstream) });
    assert_eq!(home.network.reported(home.proxy, UP), ["232.1.1.2 IN(10.9.0.1)"]);
}

#[test]
fn i53_no_query_ever_leaves_an_upstream_and_no_report_a_downstream() {
    let mut home = Home::new();
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &[G]);
    home.pass(600_000);
    home.network.join(host, &[]);
    home.pass(60_000);
    assert!(home.network.queries("wan").iter().all(|query| !query.contains("10.1.0.2")));
    let said = home.network.take("lan2");
    assert!(!said.is_empty() && said.iter().all(|(_, text)| text.starts_with('Q')), "{said:?}");
    assert!(!home.network.igmp(home.proxy).status(UP).unwrap().querier);
}

#[test]
fn i53_a_link_cannot_be_upstream_and_downstream() {
    let mut home = Home::new();
    let both = ProxyUpstream { links: vec![UP], downstreams: vec![UP], ..Default::default() };
    let none = ProxyUpstream::default();
    for refused in [both, none] {
        home.network.proxies(home.proxy, &[refused]);
        let log = home.network.log(home.proxy);
        assert!(matches!(log[..], [LogEvent::ProxyRefused(_)]), "{log:?}");
    }
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &[G]);
    home.pass(5_000);
    assert_eq!(home.isp_forwards(), ["(*, 239.1.1.1)"], "the former upstreams stay");
}
