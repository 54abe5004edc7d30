//! Reasons why no packet arrives.

use super::*;

pub fn upstream(name: &str) -> ProxyShare {
    ProxyShare {
        upstream: name.into(),
        active: Some(name.into()),
        is_backup: false,
        downstreams: vec!["eth1".into()],
        accepts: true,
        reports: true,
        sends_up: false,
        not_reported: None,
        not_accepted: None,
    }
}

fn silent() -> Explanation {
    let mut all = healthy();
    all.listening.as_mut().expect("it listened").seen.clear();
    all
}

#[test]
fn no_packet() {
    let text = "nothing prevents forwarding, but no packet arrived on eth0 in 1.0 s";
    let advice = "check that 10.9.0.5 sends, and that the router 10.0.0.1 forwards it here";
    expect(silent(), Reason::NoPacket, "eth0", text, advice);
    let mut near = silent();
    near.library["expected"]["upstream"] = json!(null);
    let advice = "check that 10.9.0.5 sends to the group, by the right interface";
    expect(near, Reason::NoPacket, "eth0", text, advice);
    let mut reported = silent();
    reported.proxies = vec![upstream("eth0")];
    let advice = "eth0 reports the group: ask whoever runs the router there, or check the source";
    expect(reported, Reason::NoPacket, "eth0", text, advice);
}

#[test]
fn no_packet_if_mgmd_did_not_listen() {
    let mut all = silent();
    all.listening = None;
    assert!(judged(all.clone()).verdict.forwarded, "there is an MFE");
    all.library["mfe"] = json!(null);
    let verdict = judged(all.clone()).verdict;
    assert_eq!(verdict.reason, Some(Reason::NoPacket));
    assert_eq!(verdict.text, "nothing prevents forwarding, but no packet has arrived on eth0");
    let error = Some("AF_PACKET is blocked".into());
    all.listening = Some(Listening { error, ..Listening::default() });
    assert_eq!(judged(all).verdict.text, verdict.text);
}

#[test]
fn packets_that_arrive_elsewhere_are_no_silence() {
    let mut all = healthy();
    seen(&mut all).index = 9;
    assert!(judged(all.clone()).verdict.forwarded);
    for index in [9, 2] {
        seen(&mut all).index = index;
        seen(&mut all).leaving = true;
        assert_eq!(judged(all.clone()).verdict.reason, Some(Reason::NoPacket), "{index}");
    }
}

#[test]
fn not_reported() {
    let mut all = silent();
    let why = Some("its groups deny 239.1.1.1".into());
    all.proxies = vec![ProxyShare { reports: false, not_reported: why, ..upstream("eth0") }];
    expect(
        all.clone(),
        Reason::NotReported,
        "eth0",
        "no packet arrives: the upstream eth0 does not report that the flow is wanted: its groups \
         deny 239.1.1.1",
        "change the proxy with upstream eth0; mgmctl proxies shows it",
    );
    all.proxies[0].active = None;
    let advice = judged(all.clone()).verdict.advice;
    assert_eq!(advice.as_deref(), Some("ip link set eth0 up, and give it an address"));
    all.proxies.push(upstream("eth7"));
    assert_eq!(
        judged(all.clone()).verdict.reason,
        Some(Reason::NoPacket),
        "another one reports it"
    );
    all.proxies.pop();
    all.proxies[0].active = Some("eth7".into());
    let reason = judged(all).verdict.reason;
    assert_eq!(reason, Some(Reason::NoPacket), "the source is not behind the upstream");
}
