//! Explanations as text.

use super::*;
use mgm_control::explain::{HostsWant, ProxyShare, RefusedReport, RouteShare, Trouble, WantedBy};
use mgm_control::interfaces::Boundary;
use mgm_control::Versioned;
use serde_json::json;
use std::net::Ipv4Addr;

/// The example of docs/control.md.
fn example() -> Explanation {
    let page = include_str!("../../../../../docs/control.md");
    let (_, rest) = page.split_once("<!-- answer: explain -->\n```json\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    serde_json::from_str::<Versioned<Explanation>>(example).expect("JSON").answer
}

/// A flow that is forwarded.
fn forwarded() -> Explanation {
    let mut all = example();
    let seen = &mut all.listening.as_mut().expect("it listened").seen[0];
    (seen.lowest_ttl, seen.highest_ttl, seen.longest_unfragmentable) = (15, 16, 0);
    all.outgoing[0].seen_leaving = Some(1);
    judged(all)
}

fn judged(mut all: Explanation) -> Explanation {
    all.judge().expect("all members");
    all
}

fn shown(all: &Explanation) -> String {
    shown_for(all, &all.verdict)
}

fn shown_for(all: &Explanation, verdict: &Verdict) -> String {
    let text = explanation(all, verdict).expect("all members");
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH && !line.ends_with(' '), "{line:?}");
    }
    text
}

/// Checks that the text has these lines, one after the other. In `lines` they are not wrapped.
#[track_caller]
fn expect(all: &Explanation, lines: &str) {
    let text = shown(all).replace("\n           ", " ");
    assert!(text.contains(lines), "no\n{lines}in\n{text}");
}

#[test]
fn the_whole_way_of_a_packet_is_shown_in_order() {
    assert_eq!(
        shown(&example()),
        "\
(10.9.0.5, 239.1.1.1)
route      10.9.0.0/16 by 10.0.0.1 on eth0, static
expected   on eth0, from the router 10.0.0.1
arrives    on eth0: 20 packets in 1.0s, TTL 1, up to 1344 octets, not to be
           fragmented
asked      igmp accepts packets on eth0
to eth1    wanted by hosts (all sources, for 3:10); 0 packets went out; not
           forwarded
not wanted on eth2
MFE        100 packets, 128k octets; up 1.0s, expires in 14:59
kernel     from eth0 to eth1; 100 packets

forwarded  no: packets arrive on eth0 with the TTL 1: no router forwards them
what to do raise the TTL at the sender: IP_MULTICAST_TTL, or an option such as
           ttl=16 of its program
"
    );
}

#[test]
fn a_flow_that_is_forwarded_needs_no_advice() {
    let text = shown(&forwarded());
    assert!(text.ends_with("\n\nforwarded  yes: packets are forwarded to eth1\n"), "{text}");
    expect(&forwarded(), "20 packets in 1.0s, TTL 15 to 16, up to 1344 octets\n");
    expect(&forwarded(), "to eth1    wanted by hosts (all sources, for 3:10); 1 packet went out\n");
}

#[test]
fn the_verdict_may_be_that_of_one_interface() {
    let all = forwarded();
    let text = shown_for(&all, all.verdict_on("eth2").expect("an interface"));
    assert!(text.contains("\nforwarded  no: no host on eth2 has asked for 239.1.1.1\n"), "{text}");
}

#[test]
fn routes_are_shown_as_the_library_found_them() {
    let mut all = forwarded();
    all.library["route"] = json!({"kind": "none", "prefix": null, "protocol": 0, "paths": []});
    all.library["expected"] = json!(null);
    expect(&all, "\nroute      none covers the source\narrives    on eth0: ");
    all.library["route"]["kind"] = json!("local");
    expect(&all, "\nroute      the source is an address of this router\n");
    let mut all = forwarded();
    let path =
        json!({"index": 2, "name": "eth0", "gateway": null, "owner": null, "boundary": null});
    let other = json!({"index": 9, "name": null, "gateway": "10.0.9.1", "owner": null,
        "boundary": null});
    all.library["route"]["paths"] = json!([path, other]);
    all.library["route"]["protocol"] = json!(2);
    all.library["expected"]["upstream"] = json!(null);
    let route = "\nroute      10.9.0.0/16 directly on eth0, or by 10.0.9.1 on #9\n\
                 expected   on eth0, from the source itself\n";
    expect(&all, route);
    for (protocol, name) in [(8, "of RIP"), (13, "of OSPF"), (14, "of BGP"), (99, "of protocol 99")]
    {
        all.library["route"]["protocol"] = json!(protocol);
        expect(&all, &format!("on #9, {name}\n"));
    }
}

#[test]
fn who_was_asked_and_what_he_answered() {
    let mut all = forwarded();
    for (state, text) in [
        ("no_callback", "protocol 200 has no RPF_CALLBACK: the route decides"),
        ("not_asked", "protocol 200 will be asked at the next first packet"),
        ("waiting", "protocol 200 was asked, and has not answered"),
        ("declined", "protocol 200 does not accept the source"),
        ("answered", "protocol 200 accepts packets on eth0"),
    ] {
        all.library["rpf_callback"]["client"]["protocol"] = json!(200);
        all.library["rpf_callback"]["state"] = json!(state);
        expect(&all, &format!("\nasked      {text}\n"));
    }
    all.library["mfe"]["iif_by"] = json!("client");
    expect(&all, "\nasked      protocol 200 accepts packets on eth0, unlike the route\n");
    all.library["mfe"]["iif_by"] = json!("unrouted");
    expect(&all, "\nasked      protocol 200 accepts packets on eth0, without a route\n");
    all.library["rpf_callback"]["state"] = json!("no_client");
    assert!(!shown(&all).contains("\nasked"), "there is nobody");
}

#[test]
fn what_was_not_seen_is_said() {
    let mut all = forwarded();
    all.listening.as_mut().expect("it listened").seen.clear();
    expect(&all, "\narrives    on eth0: no packet in 1.0s\n");
    all.listening.as_mut().expect("it listened").error = Some("mgmd may not listen".into());
    expect(&all, "\narrives    on eth0; mgmd may not listen\n");
    all.listening = None;
    expect(&all, "\narrives    on eth0\n");
    all.arrival = None;
    expect(&all, "\narrives    it is not known where\n");
}

#[test]
fn refusals_and_boundaries_on_the_way_in() {
    let mut all = forwarded();
    all.library["refusal"] = json!({"reason": "flow_rate", "text": "too fast", "ends_in_ms": 5000});
    all.library["arrival"]["boundary"] = json!({"scope": "239.0.0.0/8", "name": "site"});
    expect(
        &all,
        "\nrefused    too fast, for 5.0s\nboundary   239.0.0.0/8 (site), where packets arrive\n",
    );
    all.library["refusal"]["ends_in_ms"] = json!(0);
    expect(&all, "\nrefused    too fast\nboundary   239.0.0.0/8 (site), where packets arrive\n");
}

#[test]
fn each_reason_to_want_a_flow_is_named() {
    let mut all = forwarded();
    let igmp = all.outgoing[0].igmp.as_mut().expect("IGMP");
    igmp.version = 2;
    let hosts = HostsWant { host_count: Some(2), ..igmp.hosts.clone().expect("hosts") };
    igmp.hosts = Some(hosts);
    let source = Some(Ipv4Addr::new(10, 9, 0, 5));
    for (by, source, detail, text) in [
        (WantedBy::Hosts, None, None, "2 hosts (all sources, IGMPv2)"),
        (WantedBy::Static, source, None, "a static membership (this source)"),
        (WantedBy::Join, None, None, "mgmctl join (all sources)"),
        (WantedBy::Route, source, Some("10.9.0.0/16 to 239.0.0.0/8"), "the static route 10.9."),
        (WantedBy::ForwardUp, source, None, "the proxy, which sends it up"),
        (WantedBy::Igmp, None, None, "igmp (all sources)"),
        (WantedBy::Protocol, None, Some("protocol 200"), "protocol 200 (all sources)"),
    ] {
        let detail = detail.map(str::to_owned);
        all.outgoing[0].wanted_by = vec![Want { by, source, detail, expires_in_ms: None }];
        expect(&all, &format!("\nto eth1    wanted by {text}"));
    }
    let second = all.outgoing[0].wanted_by[0].clone();
    all.outgoing[0].wanted_by.push(second);
    expect(&all, "wanted by protocol 200 (all sources) and protocol 200 (all sources)");
}

#[test]
fn limits_on_the_way_out() {
    let mut all = forwarded();
    let exit = &mut all.outgoing[0];
    exit.boundary = Some(Boundary { scope: "239.0.0.0/8".into(), name: None });
    exit.ttl_threshold = 5;
    exit.mtu = Some(1_200);
    exit.interface = "a-name-too-long".into();
    let seen = &mut all.listening.as_mut().expect("it listened").seen[0];
    seen.longest_unfragmentable = 1_344;
    expect(
        &judged(all),
        "to a-name-too-long wanted by hosts (all sources, for 3:10); boundary \
         239.0.0.0/8; TTL above 5; MTU 1200; 1 packet went out; not forwarded\n",
    );
}

#[test]
fn interfaces_that_matter_less_are_one_line() {
    let mut all = forwarded();
    for (name, kind) in
        [("eth3", TroubleKind::Missing), ("eth4", TroubleKind::Down), ("eth5", TroubleKind::Port)]
    {
        let mut exit = Exit::named(name.into(), None);
        exit.trouble = Some(Trouble { kind, text: None });
        all.outgoing.push(exit);
    }
    let quiet = "\nnot wanted on eth2, eth3 (missing), eth4 (down), eth5 (not served)\n";
    expect(&judged(all.clone()), quiet);
    let why = "rate".to_owned();
    let host = Ipv4Addr::new(10, 0, 1, 20);
    all.outgoing[1].refusals = vec![RefusedReport { why, host, age_ms: 5, count: 1 }];
    expect(
        &judged(all),
        "\nto eth2    wanted by nobody; not forwarded: 10.0.1.20 on eth2 has asked for ",
    );
}

fn proxy() -> ProxyShare {
    ProxyShare {
        upstream: "ppp*".into(),
        active: Some("ppp0".into()),
        is_backup: false,
        downstreams: vec!["eth1".into()],
        accepts: true,
        reports: true,
        sends_up: true,
        not_reported: None,
        not_accepted: None,
    }
}

#[test]
fn proxies_are_shown_with_what_they_report() {
    let why = |text: &str| Some(text.to_owned());
    let mut all = forwarded();
    for (proxy, text) in [
        (proxy(), "ppp0 reports that the flow is wanted"),
        (
            ProxyShare { is_backup: true, ..proxy() },
            "ppp*: its backup ppp0 reports that the flow is wanted",
        ),
        (
            ProxyShare { not_reported: why("nobody wants it"), ..proxy() },
            "ppp0 does not report the flow: nobody wants it",
        ),
        (
            ProxyShare { not_reported: why("no"), not_accepted: why("no"), ..proxy() },
            "ppp0 does not report the flow, nor accept it: no",
        ),
        (
            ProxyShare { not_reported: why("a"), not_accepted: why("b"), ..proxy() },
            "ppp0 does not report the flow: a; and does not accept it: b",
        ),
        (
            ProxyShare { active: None, not_reported: why("none is up"), ..proxy() },
            "ppp* does not report the flow: none is up",
        ),
    ] {
        all.proxies = vec![proxy];
        expect(&all, &format!("\nproxy      {text}\n"));
    }
}

#[test]
fn static_routes_are_shown_with_their_state() {
    let route = || RouteShare {
        from: "eth0".into(),
        from_interfaces: vec!["eth0".into()],
        source: "10.9.0.0/16".into(),
        group: "239.0.0.0/8".into(),
        to_interfaces: vec!["eth1".into()],
        exact: false,
        rests_because_of: None,
        joined: false,
        at_limit: false,
    };
    let mut all = forwarded();
    for (route, text) in [
        (route(), "eth1: has not joined the flow"),
        (RouteShare { joined: true, ..route() }, "eth1: has joined the flow"),
        (RouteShare { joined: true, exact: true, ..route() }, "eth1: is a static membership\n"),
        (
            RouteShare { rests_because_of: Some("eth0".into()), ..route() },
            "eth1: has no effect: a routing protocol owns eth0",
        ),
        (
            RouteShare { to_interfaces: vec![], ..route() },
            "no interface: has not joined the flow\n",
        ),
    ] {
        all.routes = vec![route];
        let begin = "\nstatic     10.9.0.0/16 to 239.0.0.0/8, from eth0 to ";
        expect(&all, &format!("{begin}{text}"));
    }
}

#[test]
fn the_forwarder_is_shown_with_counters_and_differences() {
    let mut all = forwarded();
    all.library["mfe"]["wrong_if"] = json!(7);
    all.library["mfe"]["negative"] = json!(8);
    all.library["mfe"]["expires_in_ms"] = json!(null);
    expect(
        &all,
        "\nMFE        100 packets, 128k octets, 7 on other interfaces, 8 while nobody wanted it; up 1.0s, without an end\n",
    );
    let kernel = all.kernel.as_mut().expect("the kernel");
    kernel.differences = vec!["it lacks eth1".into()];
    let entry = kernel.entry.as_mut().expect("an entry");
    (entry.outgoing, entry.incoming, entry.wrong_interface_packets) = (vec![], None, 3);
    expect(
        &all,
        "\nkernel     from an unknown interface to nowhere; 100 packets, 3 of them elsewhere; unlike the MFE: it lacks eth1\n",
    );
    all.kernel.as_mut().expect("the kernel").entry = None;
    expect(&all, "\nkernel     no entry; unlike the MFE: it lacks eth1\n");
    all.kernel.as_mut().expect("the kernel").error = Some("it could not be asked".into());
    expect(&all, "\nkernel     it could not be asked\n");
    all.library["mfe"] = json!(null);
    expect(&all, "\nMFE        none\n");
    all.library["resolving"] = json!("create");
    expect(&all, "\nMFE        none yet: clients are being asked\n");
}

#[test]
fn a_library_alone_is_explained_with_the_same_words() {
    let mut all = Explanation::of_library(forwarded().library).expect("all members");
    all = judged(all);
    let text = shown(&all);
    assert!(text.contains("\nto eth1    wanted by igmp (all sources)\n"), "{text}");
    assert!(text.contains("\narrives    on eth0\n"), "{text}");
    assert!(!text.contains("\nkernel"), "{text}");
}

#[test]
fn text_is_wrapped_at_words_and_control_characters_are_harmless() {
    assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
    assert_eq!(wrapped("abcdefghij k", 5), ["abcd…", "k"]);
    assert_eq!(wrapped("", 5), [""]);
    assert!(!wrapped("a\u{1b}[2J", 20)[0].contains('\u{1b}'));
}

#[test]
fn the_entry_of_the_ebpf_forwarder_is_shown() {
    let mut all = forwarded();
    all.kernel = None;
    let oif = |name: &str, hop: Option<&str>, ready: bool| json!({"index": 3, "next_hop": hop, "name": name, "ttl_threshold": 1, "ready": ready});
    let oifs = [oif("eth1", None, true), oif("eth2", Some("10.3.0.9"), false)];
    let entry = json!({"index": 2, "name": "eth0", "takes_packets": true, "oifs": oifs});
    all.library["forwarder"]["installed"] = entry;
    expect(&all, "ebpf       from eth0 to eth1, eth2/10.3.0.9 (discards)\n");
    all.library["forwarder"]["installed"]["takes_packets"] = json!(false);
    all.library["forwarder"]["installed"]["oifs"] = json!([]);
    expect(&all, "ebpf       from eth0 (takes no packets) to nowhere\n");
}
