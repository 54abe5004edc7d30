//! The verdict of each situation.

mod arrivals;
mod departures;
mod library_alone;
mod memberships;
mod silence;

use super::*;
use serde_json::json;

/// What the library knows about the flow of [`healthy`].
fn library() -> serde_json::Value {
    let igmp = json!({"serial": 1, "protocol": 10, "component": 0});
    let path = json!({"index": 2, "next_hop": null, "name": "eth0", "gateway": "10.0.0.1",
        "interface": null, "owner": igmp, "boundary": null, "legitimate": true});
    let expected = json!({"index": 2, "name": "eth0", "next_hop": null, "upstream": "10.0.0.1"});
    json!({
        "source": "10.9.0.5", "group": "239.1.1.1", "running": true,
        "verdict": {"forwarded": true, "reason": null, "text": "packets are forwarded"},
        "arrival": {"index": 2, "name": "eth0", "next_hop": null, "owner": igmp,
            "boundary": null, "reverse_path_filter": "off"},
        "route": {"kind": "gateway", "prefix": "10.9.0.0/16", "protocol": 3, "paths": [path]},
        "expected": expected,
        "rpf_callback": {"client": igmp, "state": "answered", "about": expected,
            "accepted": expected},
        "interfaces": [{"index": 3, "next_hop": null, "name": "eth1", "owner": null, "igmp": igmp,
            "memberships": [{"source": null, "group": "239.1.1.1", "holder": igmp}],
            "switched": null, "creation_alert": null, "boundary": null, "ttl_threshold": 1,
            "oif": true, "obstacle": null}],
        "resolving": null, "refusal": null,
        "mfe": {"iif": {"index": 2}, "upstream": "10.0.0.1", "up_ms": 1000,
            "expires_in_ms": 899000, "packets": 100, "octets": 128000, "wrong_if": 0,
            "negative": 0, "oifs": [{"index": 3}], "iif_by": "route"},
        "forwarder": {"name": "kernel", "entry": "mfe", "waiting": false}
    })
}

/// A flow that a router forwards: (10.9.0.5, 239.1.1.1) arrives on eth0 from 10.0.0.1, and leaves
/// by eth1, where hosts want it. eth2 is a link where nobody wants it.
fn healthy() -> Explanation {
    let mut all = Explanation::of_library(library()).expect("all members are there");
    let arrival = all.arrival.as_mut().expect("an arrival");
    *arrival =
        Arrival { seen: true, source_accepted: Some(true), table: Some(253), ..arrival.clone() };
    let igmp = IgmpShare {
        role: Some(Role::Router),
        version: 3,
        configured_version: 3,
        querier: true,
        has_address: true,
        ..IgmpShare::default()
    };
    let hosts = Want { by: WantedBy::Hosts, source: None, detail: None, expires_in_ms: Some(9) };
    all.outgoing[0].wanted_by = vec![hosts];
    all.outgoing[0].igmp = Some(IgmpShare { hosts: Some(all_sources()), ..igmp.clone() });
    all.outgoing[0].mtu = Some(1_500);
    all.outgoing[0].seen_leaving = Some(20);
    let mut quiet = Exit::named("eth2".into(), Some(4));
    quiet.igmp = Some(igmp);
    quiet.seen_leaving = Some(0);
    all.outgoing.push(quiet);
    let seen = Seen {
        interface: Some("eth0".into()),
        index: 2,
        leaving: false,
        packets: 20,
        lowest_ttl: 16,
        highest_ttl: 16,
        longest: 1_344,
        longest_unfragmentable: 1_344,
    };
    all.listening = Some(Listening { listened_ms: 1_000, error: None, seen: vec![seen] });
    all.kernel = Some(Kernel {
        table: 253,
        vifs: Some(3),
        entry: Some(KernelEntry {
            incoming: Some("eth0".into()),
            outgoing: vec!["eth1".into()],
            packets: 100,
            octets: 128_000,
            wrong_interface_packets: 0,
            packets_while_listening: Some(20),
        }),
        differences: Vec::new(),
        error: None,
    });
    all
}

fn all_sources() -> HostsWant {
    HostsWant {
        source_wanted: true,
        all_except: true,
        sources: Vec::new(),
        expires_in_ms: Some(9),
        host_count: None,
    }
}

fn igmp(all: &mut Explanation, exit: usize) -> &mut IgmpShare {
    all.outgoing[exit].igmp.as_mut().expect("IGMP")
}

fn arrival(all: &mut Explanation) -> &mut Arrival {
    all.arrival.as_mut().expect("an arrival")
}

fn seen(all: &mut Explanation) -> &mut Seen {
    &mut all.listening.as_mut().expect("it listened").seen[0]
}

fn kernel(all: &mut Explanation) -> &mut Kernel {
    all.kernel.as_mut().expect("the kernel forwarder")
}

/// No host, and nobody else, wants the flow on eth1.
fn unwanted() -> Explanation {
    let mut all = healthy();
    all.library["interfaces"] = json!([]);
    all.library["verdict"] = json!({"forwarded": false, "reason": "no_member", "text": "…"});
    all.library["mfe"]["oifs"] = json!([]);
    all.outgoing[0].wanted_by.clear();
    all.outgoing[0].in_mfe = false;
    igmp(&mut all, 0).hosts = None;
    all
}

fn library_says(all: &mut Explanation, reason: &str) {
    let text = format!("the library says {reason}");
    all.library["verdict"] = json!({"forwarded": false, "reason": reason, "text": text});
}

fn judged(mut all: Explanation) -> Explanation {
    all.judge().expect("all members are there");
    all
}

/// Checks the verdict about the flow: its reason, interface, text and advice.
#[track_caller]
fn expect(all: Explanation, reason: Reason, interface: &str, text: &str, advice: &str) {
    let verdict = judged(all).verdict;
    assert_eq!(verdict.reason, Some(reason), "{verdict:?}");
    assert!(!verdict.forwarded);
    assert_eq!(verdict.interface.unwrap_or_default(), interface);
    assert_eq!(verdict.text, text);
    assert_eq!(verdict.advice.unwrap_or_default(), advice);
}

#[test]
fn a_flow_that_is_forwarded_has_no_reason() {
    let all = judged(healthy());
    assert_eq!(all.verdict, Verdict::forwarded("packets are forwarded to eth1"));
    assert_eq!(all.outgoing[0].verdict, Verdict::forwarded("packets leave by eth1"));
    assert_eq!(all.outgoing[1].verdict.reason, Some(Reason::NoMember));
}

#[test]
fn the_verdict_on_one_interface_is_its_own_unless_packets_do_not_reach_it() {
    let all = judged(healthy());
    let reason = |all: &Explanation, name: &str| all.verdict_on(name).map(|known| known.reason);
    assert_eq!(reason(&all, "eth1"), Some(None));
    assert_eq!(reason(&all, "eth2"), Some(Some(Reason::NoMember)));
    assert_eq!(reason(&all, "eth9"), None);
    let mut refused = healthy();
    arrival(&mut refused).source_accepted = Some(false);
    let refused = judged(refused);
    assert_eq!(reason(&refused, "eth2"), Some(Some(Reason::ReversePath)));
    let mut silent = healthy();
    silent.listening.as_mut().expect("it listened").seen.clear();
    let silent = judged(silent);
    assert_eq!(reason(&silent, "eth1"), Some(Some(Reason::NoPacket)));
    assert_eq!(reason(&silent, "eth2"), Some(Some(Reason::NoMember)));
}

#[test]
fn the_interface_that_is_nearest_to_forwarding_decides() {
    // Of equal ones, the first decides.
    let mut all = unwanted();
    for exit in &mut all.outgoing {
        exit.refusals = vec![memberships::refused("denied_group")];
    }
    assert_eq!(judged(all).verdict.interface.as_deref(), Some("eth1"));
    // eth1 wants the flow, but a boundary is there; eth2 has refused a report.
    let mut all = unwanted();
    all.outgoing[1].refusals = vec![memberships::refused("denied_group")];
    let nearest = judged(all.clone()).verdict;
    assert_eq!(nearest.interface.as_deref(), Some("eth2"));
    all.library["interfaces"] = healthy().library["interfaces"].clone();
    all.library["interfaces"][0]["oif"] = json!(false);
    all.library["interfaces"][0]["obstacle"] = json!("boundary");
    let boundary = Boundary { scope: "239.0.0.0/8".into(), name: None };
    all.outgoing[0].boundary = Some(boundary);
    let nearest = judged(all).verdict;
    assert_eq!(nearest.reason, Some(Reason::OifBoundary));
}

/// docs/control.md has a row for each reason, and each has a test here.
#[test]
fn each_reason_has_a_name_a_test_and_documentation() {
    let tests = [
        include_str!("tests/arrivals.rs"),
        include_str!("tests/departures.rs"),
        include_str!("tests/library_alone.rs"),
        include_str!("tests/memberships.rs"),
        include_str!("tests/silence.rs"),
    ]
    .concat();
    let page = include_str!("../../../../docs/control.md");
    for reason in Reason::ALL {
        let name = reason.name();
        assert_eq!(Reason::named(&name), Some(*reason), "{name}");
        assert!(tests.contains(&format!("Reason::{reason:?}")), "{name} has no test");
        assert!(page.contains(&format!("\n| `{name}` |")), "docs/control.md lacks {name}");
    }
    assert_eq!(Reason::named("nonsense"), None);
}

#[test]
fn the_example_of_the_documentation_has_the_verdicts_of_its_state() {
    let page = include_str!("../../../../docs/control.md");
    let (_, rest) = page.split_once("<!-- answer: explain -->\n```json\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let example: crate::Versioned<Explanation> = serde_json::from_str(example).expect("JSON");
    assert_eq!(judged(example.answer.clone()), example.answer);
}
