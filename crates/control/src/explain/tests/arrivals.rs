//! Reasons on the way in.

use super::*;

#[test]
fn not_running() {
    let mut all = healthy();
    all.library["running"] = json!(false);
    expect(all, Reason::NotRunning, "", "the library is not running", "");
}

#[test]
fn link_local() {
    let mut all = healthy();
    library_says(&mut all, "link_local");
    all.group = Ipv4Addr::new(224, 0, 0, 5);
    expect(
        all,
        Reason::LinkLocal,
        "",
        "224.0.0.5 is in 224.0.0.0/24, which no router forwards",
        "use a group from 239.0.0.0/8, or from 232.0.0.0/8 with a source",
    );
}

#[test]
fn memory_forwarder() {
    let mut all = healthy();
    all.library["forwarder"]["name"] = json!("memory");
    expect(
        all,
        Reason::MemoryForwarder,
        "",
        "mgmd has the memory forwarder, which forwards no packets of the system",
        "set forwarder = \"kernel\" in [router], and restart mgmd",
    );
}

fn troubled(kind: TroubleKind, text: Option<&str>) -> Explanation {
    let mut all = healthy();
    arrival(&mut all).trouble = Some(Trouble { kind, text: text.map(str::to_owned) });
    all
}

#[test]
fn interface_not_configured() {
    expect(
        troubled(TroubleKind::NotConfigured, None),
        Reason::InterfaceNotConfigured,
        "eth0",
        "packets arrive on eth0, which the configuration of mgmd does not name",
        "add an [[interface]] with name = \"eth0\" to mgmd.toml, and run \"mgmctl reload\"",
    );
    let mut expected = troubled(TroubleKind::NotConfigured, None);
    arrival(&mut expected).seen = false;
    expected.library["mfe"] = json!(null);
    let text = judged(expected).verdict.text;
    assert!(text.starts_with("the route to 10.9.0.5 leads through eth0, which"), "{text}");
    let mut named = troubled(TroubleKind::Missing, None);
    *arrival(&mut named) =
        Arrival { interface: "eth7".into(), index: 0, seen: false, ..arrival(&mut named).clone() };
    named.library["mfe"] = json!(null);
    let text = judged(named).verdict.text;
    assert_eq!(text, "packets are expected on eth7, which does not exist");
}

#[test]
fn interface_missing() {
    expect(
        troubled(TroubleKind::Missing, None),
        Reason::InterfaceMissing,
        "eth0",
        "packets arrive on eth0, which does not exist",
        "mgmd serves eth0 as soon as it appears; check the name in mgmd.toml",
    );
}

#[test]
fn interface_down() {
    expect(
        troubled(TroubleKind::Down, None),
        Reason::InterfaceDown,
        "eth0",
        "packets arrive on eth0, which is down, or has no carrier",
        "ip link set eth0 up; then check the cable, or the other end",
    );
}

#[test]
fn interface_port() {
    expect(
        troubled(TroubleKind::Port, Some("it is a port of br0")),
        Reason::InterfacePort,
        "eth0",
        "packets arrive on eth0, whose packets belong to a bridge, bond or team: it is a port of \
         br0",
        "name the bridge, bond or team in mgmd.toml instead of its port",
    );
}

#[test]
fn interface_refused() {
    expect(
        troubled(TroubleKind::Refused, Some("the kernel supports at most 32 interfaces")),
        Reason::InterfaceRefused,
        "eth0",
        "packets arrive on eth0, which the library does not accept: the kernel supports at most \
         32 interfaces",
        "",
    );
}

#[test]
fn interface_not_owned() {
    let mut all = healthy();
    all.library["arrival"]["owner"] = json!(null);
    all.library["mfe"] = json!(null);
    let text = "packets arrive on eth0, which no client of the library has taken";
    expect(all, Reason::InterfaceNotOwned, "eth0", text, "");
    let mut all = healthy();
    all.arrival = None;
    library_says(&mut all, "unowned_interface");
    let text = "the route to 10.9.0.5 leads through no interface of this router";
    expect(all, Reason::InterfaceNotOwned, "", text, "");
}

#[test]
fn arrival_boundary() {
    let mut all = healthy();
    all.library["arrival"]["boundary"] = json!({"scope": "239.0.0.0/8", "name": "site"});
    let text = "the boundary 239.0.0.0/8 (site) on eth0 blocks the group where it arrives";
    let advice = "remove the boundary from eth0, or use a group outside of it";
    expect(all, Reason::ArrivalBoundary, "eth0", text, advice);
    let mut all = healthy();
    library_says(&mut all, "arrival_boundary");
    all.library["route"]["paths"][0]["boundary"] = json!({"scope": "239.0.0.0/8", "name": null});
    let text = "the boundary 239.0.0.0/8 on eth0 blocks the group where it arrives";
    expect(all, Reason::ArrivalBoundary, "eth0", text, advice);
}

#[test]
fn own_source() {
    let mut all = healthy();
    all.library["route"]["kind"] = json!("local");
    arrival(&mut all).source_accepted = Some(false);
    expect(
        all.clone(),
        Reason::OwnSource,
        "eth0",
        "packets arrive on eth0 from 10.9.0.5, which is an address of this router: the kernel \
         drops them",
        "change the address of the sender, or that of this router",
    );
    // What this router itself sends needs no check of its source.
    seen(&mut all).leaving = true;
    assert!(judged(all).verdict.forwarded);
}

#[test]
fn reverse_path() {
    let mut all = healthy();
    arrival(&mut all).source_accepted = Some(false);
    arrival(&mut all).interface = "eth0.4".into();
    expect(
        all,
        Reason::ReversePath,
        "eth0.4",
        "rp_filter drops the packets on eth0.4, because the system's route to 10.9.0.5 does not \
         lead there",
        "sysctl -w net.ipv4.conf.eth0/4.rp_filter=2; if the system has no route to 10.9.0.5 at \
         all, set this and net.ipv4.conf.all.rp_filter to 0",
    );
}

#[test]
fn other_table() {
    let mut all = healthy();
    arrival(&mut all).table = Some(100);
    expect(
        all.clone(),
        Reason::OtherTable,
        "eth0",
        "a rule leads the packets of eth0 to the multicast routing table 100, not to the default \
         multicast routing table of mgmd",
        "ip mrule del iif eth0 lookup 100",
    );
    kernel(&mut all).table = 7;
    let advice = judged(all.clone()).verdict.advice;
    assert_eq!(advice.as_deref(), Some("ip mrule add iif eth0 lookup 7"));
    for table in [None, Some(253)] {
        arrival(&mut all).table = table;
        expect(
            all.clone(),
            Reason::OtherTable,
            "eth0",
            "no rule leads the packets of eth0 to the multicast routing table 7 of mgmd",
            "ip mrule add iif eth0 lookup 7",
        );
    }
    kernel(&mut all).error = Some("it could not be asked".into());
    assert_ne!(judged(all).verdict.reason, Some(Reason::OtherTable));
}

#[test]
fn dropped_on_arrival() {
    let text = "20 packets arrived on eth0, but did not reach multicast routing";
    let advice = "look for a rule that drops them: \"nft list ruleset\", hook prerouting, and \
                  \"tc filter show\"";
    let mut counted = healthy();
    kernel(&mut counted).entry.as_mut().expect("an entry").packets_while_listening = Some(0);
    expect(counted.clone(), Reason::DroppedOnArrival, "eth0", text, advice);
    seen(&mut counted).packets = 2;
    assert!(judged(counted).verdict.forwarded, "two packets may have come at the wrong moment");
    let mut unknown = healthy();
    kernel(&mut unknown).entry = None;
    unknown.library["mfe"] = json!(null);
    expect(unknown.clone(), Reason::DroppedOnArrival, "eth0", text, advice);
    for reason in ["no_member", "no_packet"] {
        library_says(&mut unknown, reason);
        expect(unknown.clone(), Reason::DroppedOnArrival, "eth0", text, advice);
    }
    library_says(&mut unknown, "flow_limit");
    assert_eq!(judged(unknown.clone()).verdict.reason, Some(Reason::FlowLimit), "without a trace");
    unknown.library["refusal"] =
        json!({"reason": "flow_rate", "text": "too fast", "ends_in_ms": 5});
    library_says(&mut unknown, "flow_rate");
    assert_eq!(judged(unknown).verdict.reason, Some(Reason::FlowRate), "it has reached that");
}

#[test]
fn wrong_interface() {
    let mut all = healthy();
    library_says(&mut all, "wrong_interface");
    let row = json!({"index": 4, "name": "eth2", "owner": {"protocol": 10}, "boundary": null});
    all.library["arrival"] = row;
    *arrival(&mut all) =
        Arrival { interface: "eth2".into(), index: 4, ..arrival(&mut all).clone() };
    all.listening = None;
    let text = "packets arrive on eth2, but the route to 10.9.0.5 leads through eth0";
    let advice = "correct the route to 10.9.0.5 (ip route get 10.9.0.5), or add a [[route]] with \
                  from = \"eth2\"";
    expect(all.clone(), Reason::WrongInterface, "eth2", text, advice);
    all.proxies = vec![silence::upstream("eth2")];
    let advice = "add the network of 10.9.0.5 to sources of the proxy with upstream eth2";
    expect(all, Reason::WrongInterface, "eth2", text, advice);
}

#[test]
fn what_mgmd_accepts_is_no_reason_before_there_is_an_mfe() {
    for reason in ["wrong_interface", "no_route", "declined", "unowned_interface"] {
        for (accepted_by, has_mfe, forwarded) in [
            (None, false, false),
            (Some(AcceptedBy::Proxy), true, false),
            (Some(AcceptedBy::StaticRoute), false, true),
        ] {
            let mut all = healthy();
            library_says(&mut all, reason);
            arrival(&mut all).accepted_by = accepted_by;
            kernel(&mut all).entry.as_mut().expect("an entry").outgoing.clear();
            if !has_mfe {
                all.library["mfe"] = json!(null);
            }
            let verdict = judged(all).verdict;
            assert_eq!(verdict.forwarded, forwarded, "{reason}: {verdict:?}");
        }
    }
}

#[test]
fn waiting() {
    let mut all = healthy();
    library_says(&mut all, "waiting");
    all.library["mfe"] = json!(null);
    all.library["resolving"] = json!("create");
    all.library["rpf_callback"]["state"] = json!("waiting");
    all.library["rpf_callback"]["client"]["protocol"] = json!(200);
    let advice = "if this lasts, restart the module or the program of this client";
    let text = "protocol 200 has not answered RPF_CALLBACK about the flow";
    expect(all.clone(), Reason::Waiting, "", text, advice);
    all.library["rpf_callback"]["state"] = json!("answered");
    all.library["interfaces"][0]["creation_alert"] = json!("waiting");
    all.library["interfaces"][0]["owner"] = json!({"protocol": 300});
    let text = "protocol 300 has not answered CREATION_ALERT about the flow";
    expect(all, Reason::Waiting, "", text, advice);
}

#[test]
fn no_route() {
    let mut all = healthy();
    library_says(&mut all, "no_route");
    all.library["route"]["paths"] = json!([]);
    let text = "no route covers 10.9.0.5";
    let advice = "add a route: ip route add 10.9.0.5 dev eth0; or a [[route]] with from = \"eth0\"";
    expect(all.clone(), Reason::NoRoute, "", text, advice);
    all.arrival = None;
    let advice = "add a route: ip route add 10.9.0.5 …";
    expect(all.clone(), Reason::NoRoute, "", text, advice);
    // The route has gone with the only upstream.
    let why = Some("no interface of it is up and has an address".into());
    let none =
        ProxyShare { active: None, reports: false, not_reported: why, ..silence::upstream("ppp0") };
    all.proxies = vec![none];
    expect(
        all,
        Reason::NotReported,
        "ppp0",
        "no packet arrives: the upstream ppp0 does not report that the flow is wanted: no \
         interface of it is up and has an address",
        "ip link set ppp0 up, and give it an address",
    );
}

#[test]
fn declined() {
    let mut all = healthy();
    library_says(&mut all, "declined");
    all.proxies = vec![ProxyShare {
        accepts: false,
        not_accepted: Some("its sources do not contain it".into()),
        ..silence::upstream("eth0")
    }];
    let advice = "change sources or groups of the proxy with upstream eth0";
    all.library["route"]["paths"][0]["name"] = json!("ppp0");
    let text = "the route to 10.9.0.5 leads through ppp0, which mgmd does not serve, and the \
                upstream eth0 refuses it: its sources do not contain it";
    expect(all.clone(), Reason::Declined, "", text, advice);
    all.library["route"]["paths"] = json!([]);
    let text =
        "no route covers 10.9.0.5, and the upstream eth0 refuses it: its sources do not contain it";
    expect(all, Reason::Declined, "", text, advice);
}

fn limited(code: &str) -> Explanation {
    let mut all = healthy();
    library_says(&mut all, code);
    all.library["mfe"] = json!(null);
    let text = format!("refused: {code}");
    all.library["refusal"] = json!({"reason": code, "text": text, "ends_in_ms": 5});
    all
}

#[test]
fn limits() {
    let genuine = "raise max-flows in [router] if the senders are genuine";
    expect(limited("flow_limit"), Reason::FlowLimit, "eth0", "refused: flow_limit", genuine);
    let advice = "find the senders on eth0 (mgmctl flows), or raise max-flows";
    expect(
        limited("arrival_limit"),
        Reason::ArrivalLimit,
        "eth0",
        "refused: arrival_limit",
        advice,
    );
    let advice = "raise new-flows of the interface eth0 if the senders are genuine";
    expect(limited("flow_rate"), Reason::FlowRate, "eth0", "refused: flow_rate", advice);
    expect(
        limited("no_memory"),
        Reason::NoMemory,
        "eth0",
        "refused: no_memory",
        "free some memory",
    );
    // The next packet would be refused, but none was.
    let mut next = limited("flow_limit");
    next.library["refusal"] = json!(null);
    assert_eq!(judged(next).verdict.text, "the library says flow_limit");
}
