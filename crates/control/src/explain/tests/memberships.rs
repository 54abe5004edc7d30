//! Reasons why an interface does not want a flow.

use super::*;

pub fn refused(why: &str) -> RefusedReport {
    RefusedReport { why: why.into(), host: Ipv4Addr::new(10, 0, 1, 20), age_ms: 100, count: 1 }
}

#[test]
fn no_member() {
    expect(
        unwanted(),
        Reason::NoMember,
        "",
        "no interface wants 239.1.1.1: no host, membership, route or protocol",
        "join the group on a host; to send it anyway: mgmctl join IF 239.1.1.1",
    );
}

#[test]
fn no_member_by_role() {
    let mut all = unwanted();
    all.outgoing.truncate(1);
    let host = "join the group on a host there; to send it anyway: mgmctl join eth1 239.1.1.1";
    let route = "mgmctl join eth1 239.1.1.1, or a [[route]] with to = [\"eth1\"]";
    for (role, text, advice) in [
        (Role::Router, "no host on eth1 has asked for 239.1.1.1", host),
        (Role::NoIgmp, "nothing sends 239.1.1.1 to eth1, on which mgmd has no IGMP", route),
        (Role::Upstream, "nothing sends 239.1.1.1 up to eth1", route),
    ] {
        igmp(&mut all, 0).role = Some(role);
        expect(all.clone(), Reason::NoMember, "eth1", text, advice);
    }
    igmp(&mut all, 0).role = Some(Role::Downstream);
    igmp(&mut all, 0).dropped = [("bad_checksum".into(), 3), ("off_link".into(), 1)].into();
    let text = "no host on eth1 has asked for 239.1.1.1 (IGMP packets were dropped there: \
                bad_checksum 3, off_link 1)";
    expect(all.clone(), Reason::NoMember, "eth1", text, host);
    all.outgoing[0].igmp = None;
    let text = "no client of the library wants 239.1.1.1 on eth1";
    expect(all, Reason::NoMember, "eth1", text, "let a client add a membership");
}

#[test]
fn igmp_refused() {
    let cases = [
        ("denied_group", "the key groups of eth1 denies 239.1.1.1", "permit the group in groups"),
        (
            "denied_source",
            "the key sources of eth1 denies a source that the report names",
            "permit the source",
        ),
        ("ssm_range", "239.1.1.1 is in ssm-range, and the report names no source", "IGMPv3"),
        ("max_groups", "eth1 has as many groups as max-groups permits", "raise max-groups"),
        (
            "max_entries",
            "the router has as many groups and sources as max-igmp-entries permits",
            "raise max-igmp-entries in [router]",
        ),
        (
            "max_sources",
            "239.1.1.1 has as many sources on eth1 as max-sources permits",
            "raise max-sources",
        ),
        ("rate", "new groups and sources came faster than 1,000 a second", "find the host"),
        ("ignored_v1", "ignore-v1 of eth1 drops reports of IGMPv1", "set ignore-v1 = false"),
        ("off_link", "its address is in no network of eth1", "add its network to hosts"),
        ("bad_ttl", "its report has another TTL than 1", "set ttl = \"any\""),
        (
            "no_router_alert",
            "its report lacks the IP option Router Alert",
            "set require-router-alert = false",
        ),
        ("link_local", "groups of 224.0.0.0/24 are not forwarded", "use another group"),
        ("void_record", "the report is invalid (void_record)", "correct the program"),
    ];
    for (why, text, advice) in cases {
        let mut all = unwanted();
        all.outgoing[0].refusals = vec![refused(why)];
        let verdict = judged(all).verdict;
        assert_eq!(verdict.reason, Some(Reason::IgmpRefused), "{why}");
        assert_eq!(verdict.interface.as_deref(), Some("eth1"), "{why}");
        let begin = "10.0.1.20 on eth1 has asked for 239.1.1.1, but ";
        assert_eq!(verdict.text, format!("{begin}{text}"));
        let given = verdict.advice.expect(why);
        assert!(given.contains(advice), "{why}: {given}");
    }
    let mut all = unwanted();
    let unknown = RefusedReport { host: Ipv4Addr::UNSPECIFIED, ..refused("rate") };
    all.outgoing[0].refusals = vec![unknown];
    let text = judged(all).verdict.text;
    assert!(text.starts_with("a host on eth1 has asked"), "{text}");
}

#[test]
fn igmp_version() {
    let mut all = unwanted();
    igmp(&mut all, 0).ssm = true;
    igmp(&mut all, 0).version = 2;
    igmp(&mut all, 0).other_querier = Some(Ipv4Addr::new(10, 0, 1, 1));
    let advice = "use IGMPv3 on all routers and hosts there, or set older-queriers = \"warn\"";
    let text = |why| {
        format!(
            "eth1 speaks IGMPv2 ({why}), in which hosts cannot ask for a source, as 239.1.1.1 needs"
        )
    };
    let querier = text("its querier 10.0.1.1 has that version");
    expect(all.clone(), Reason::IgmpVersion, "eth1", &querier, advice);
    igmp(&mut all, 0).other_querier = None;
    let heard = text("a querier of that version was heard");
    expect(all.clone(), Reason::IgmpVersion, "eth1", &heard, advice);
    igmp(&mut all, 0).configured_version = 2;
    expect(all, Reason::IgmpVersion, "eth1", &text("version = 2"), advice);
}

fn hosts_want(all_except: bool) -> Explanation {
    let mut all = unwanted();
    let source_wanted = false;
    let sources = vec![Ipv4Addr::new(10, 9, 0, 6), Ipv4Addr::new(10, 9, 0, 7)];
    igmp(&mut all, 0).hosts =
        Some(HostsWant { source_wanted, all_except, sources, ..all_sources() });
    all
}

#[test]
fn other_sources() {
    let text = "the hosts on eth1 want only other sources of 239.1.1.1: 10.9.0.6, 10.9.0.7";
    let advice = "a program there must join (10.9.0.5, 239.1.1.1), or all sources";
    expect(hosts_want(false), Reason::OtherSources, "eth1", text, advice);
}

#[test]
fn source_excluded() {
    let text = "the hosts on eth1 want 239.1.1.1, but exclude 10.9.0.5";
    let advice = "a program there has blocked the source; another one must ask for it";
    expect(hosts_want(true), Reason::SourceExcluded, "eth1", text, advice);
    // IGMP tells the library so as the owner of the interface.
    let mut all = hosts_want(true);
    all.library["interfaces"] = healthy().library["interfaces"].clone();
    all.library["interfaces"][0]["oif"] = json!(false);
    all.library["interfaces"][0]["obstacle"] = json!("creation_alert");
    expect(all.clone(), Reason::SourceExcluded, "eth1", text, advice);
    all.library["interfaces"][0]["obstacle"] = json!("switched_off");
    expect(all, Reason::SourceExcluded, "eth1", text, advice);
}

#[test]
fn bridge_hides_reports() {
    let mut all = unwanted();
    igmp(&mut all, 0).hides_reports = true;
    igmp(&mut all, 0).other_querier = Some(Ipv4Addr::new(10, 0, 1, 1));
    expect(
        all,
        Reason::BridgeHidesReports,
        "eth1",
        "the bridge eth1 hides the reports of hosts from this router, because 10.0.1.1 is the \
         querier",
        "ip link set eth1 type bridge mcast_router 2",
    );
}

#[test]
fn no_address() {
    let mut all = unwanted();
    igmp(&mut all, 0).has_address = false;
    expect(
        all.clone(),
        Reason::NoAddress,
        "eth1",
        "eth1 has no address, so mgmd sends no queries there, and hosts do not report 239.1.1.1",
        "give eth1 an address, or set source of its igmp",
    );
    igmp(&mut all, 0).passive = true;
    assert_eq!(judged(all).verdict.reason, Some(Reason::NoMember), "it shall send none");
}

#[test]
fn not_querier() {
    let mut all = unwanted();
    igmp(&mut all, 0).rests = true;
    assert_eq!(judged(all.clone()).verdict.reason, Some(Reason::NoMember), "nobody wants it");
    let text = "mgmd does not forward to eth1, because it is not the querier there";
    let advice = "give eth1 an address, or set forward-always = true";
    let mut wanted = all.clone();
    wanted.outgoing[0].wanted_by = healthy().outgoing[0].wanted_by.clone();
    expect(wanted, Reason::NotQuerier, "eth1", text, advice);
    igmp(&mut all, 0).hosts = Some(all_sources());
    expect(all.clone(), Reason::NotQuerier, "eth1", text, advice);
    igmp(&mut all, 0).other_querier = Some(Ipv4Addr::new(10, 0, 1, 1));
    let text = "mgmd does not forward to eth1, because 10.0.1.1 is the querier there";
    let advice = "let 10.0.1.1 forward; or give this router a lower address there; or set \
                  forward-always = true, if 10.0.1.1 does not forward";
    expect(all, Reason::NotQuerier, "eth1", text, advice);
}

fn routed(route: RouteShare) -> Explanation {
    let mut all = unwanted();
    all.routes = vec![route];
    all
}

fn route() -> RouteShare {
    RouteShare {
        from: "eth0".into(),
        from_interfaces: vec!["eth0".into()],
        source: "10.9.0.0/16".into(),
        group: "239.0.0.0/8".into(),
        to_interfaces: vec!["eth2".into()],
        exact: false,
        rests_because_of: None,
        joined: false,
        at_limit: false,
    }
}

#[test]
fn route_rests() {
    let text =
        "the static route 10.9.0.0/16 to 239.0.0.0/8 has no effect, because a routing protocol owns \
                eth0";
    let advice = "let the protocol send the flow, or use a route for one source and one group";
    let route = RouteShare { rests_because_of: Some("eth0".into()), ..route() };
    expect(routed(route), Reason::RouteRests, "eth0", text, advice);
}

#[test]
fn route_elsewhere() {
    let from = RouteShare { from: "eth5".into(), from_interfaces: vec!["eth5".into()], ..route() };
    let text = "packets arrive on eth0, but the static route 10.9.0.0/16 to 239.0.0.0/8 begins at \
                eth5";
    let advice = "set from = \"eth0\" in the route, or correct the network";
    expect(routed(from), Reason::RouteElsewhere, "eth0", text, advice);
}

#[test]
fn route_waiting() {
    let mut all = routed(RouteShare { from_interfaces: Vec::new(), ..route() });
    all.listening = None;
    all.library["mfe"] = json!(null);
    let text = "the static route 10.9.0.0/16 to 239.0.0.0/8 waits for eth0, which is missing or \
                down";
    let advice = "ip link set eth0 up; or correct from of the route";
    expect(all, Reason::RouteWaiting, "eth0", text, advice);
    let text = "the static route 10.9.0.0/16 to 239.0.0.0/8 joins the flow when its first packet \
                arrives on eth0";
    let advice = "check that 10.9.0.5 sends, and that its packets reach eth0";
    expect(routed(route()), Reason::RouteWaiting, "eth2", text, advice);
    let joined = routed(RouteShare { joined: true, ..route() });
    assert_eq!(judged(joined).verdict.reason, Some(Reason::NoMember), "it is no longer waiting");
}

#[test]
fn route_limit() {
    let text = "the static route 10.9.0.0/16 to 239.0.0.0/8 has not joined the flow: there are \
                max-flows flows already";
    let advice = "raise max-flows in [router] if the senders are genuine";
    let route = RouteShare { at_limit: true, ..route() };
    expect(routed(route), Reason::RouteLimit, "eth2", text, advice);
}

#[test]
fn not_sent_up() {
    let mut all = unwanted();
    igmp(&mut all, 1).role = Some(Role::Upstream);
    let downstreams = vec!["eth0".into()];
    all.proxies = vec![ProxyShare { downstreams, ..silence::upstream("eth2") }];
    let text = "forward-up of the proxy does not send 239.1.1.1 from eth0 up to eth2";
    let advice = "permit the group in forward-up of the proxy, if it may leave the site";
    expect(all.clone(), Reason::NotSentUp, "eth2", text, advice);
    all.proxies[0].sends_up = true;
    assert_eq!(judged(all).verdict.reason, Some(Reason::NoMember));
}
