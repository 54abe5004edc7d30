//! Reasons on the way out.

use super::*;

fn obstacle(code: &str) -> Explanation {
    let mut all = healthy();
    let row = &mut all.library["interfaces"][0];
    row["oif"] = json!(false);
    row["obstacle"] = json!(code);
    all.outgoing[0].in_mfe = false;
    all
}

#[test]
fn trouble_on_the_way_out() {
    let mut all = unwanted();
    all.outgoing[1].wanted_by = healthy().outgoing[0].wanted_by.clone();
    all.outgoing[1].trouble = Some(Trouble { kind: TroubleKind::Down, text: None });
    expect(
        all.clone(),
        Reason::InterfaceDown,
        "eth2",
        "packets would leave by eth2, which is down, or has no carrier",
        "ip link set eth2 up; then check the cable, or the other end",
    );
    // If nobody wants the flow there, it does not matter.
    all.outgoing[1].wanted_by.clear();
    assert_eq!(judged(all).verdict.reason, Some(Reason::NoMember));
}

#[test]
fn oif_boundary() {
    let mut all = obstacle("boundary");
    let boundary = Boundary { scope: "239.0.0.0/8".into(), name: Some("site".into()) };
    all.outgoing[0].boundary = Some(boundary);
    let text = "the boundary 239.0.0.0/8 (site) on eth1 blocks the group";
    let advice = "remove the boundary from eth1, or use a group outside of it";
    expect(all, Reason::OifBoundary, "eth1", text, advice);
}

#[test]
fn creation_alert_and_switched_off() {
    let advice = "ask the routing protocol that owns the interface (mgmctl interfaces)";
    let text = "the owner of eth1 refused the flow in CREATION_ALERT";
    expect(obstacle("creation_alert"), Reason::CreationAlert, "eth1", text, advice);
    let text = "the owner of eth1 has switched forwarding off there";
    expect(obstacle("switched_off"), Reason::SwitchedOff, "eth1", text, advice);
}

#[test]
fn ttl_threshold() {
    let mut all = healthy();
    all.outgoing[0].ttl_threshold = 255;
    let text = "the TTL threshold 255 of eth1 lets no packet pass";
    let advice = "lower ttl-threshold of the interface eth1";
    expect(all, Reason::TtlThreshold, "eth1", text, advice);
    let mut all = healthy();
    library_says(&mut all, "ttl_threshold");
    all.outgoing[0].ttl_threshold = 8;
    let text = "the TTL threshold 8 of eth1 has stopped every packet so far";
    let advice = "raise the TTL at the sender, or lower ttl-threshold of eth1";
    expect(all, Reason::TtlThreshold, "eth1", text, advice);
}

#[test]
fn ttl_too_low() {
    let mut all = healthy();
    seen(&mut all).highest_ttl = 1;
    expect(
        all.clone(),
        Reason::TtlTooLow,
        "eth1",
        "packets arrive on eth0 with the TTL 1: no router forwards them",
        "raise the TTL at the sender: IP_MULTICAST_TTL, or an option such as ttl=16 of its program",
    );
    seen(&mut all).highest_ttl = 16;
    all.outgoing[0].ttl_threshold = 16;
    let text =
        "packets arrive on eth0 with the TTL 16, which is not above the threshold 16 of eth1";
    let advice = "raise the TTL at the sender, or lower ttl-threshold of eth1";
    expect(all.clone(), Reason::TtlTooLow, "eth1", text, advice);
    seen(&mut all).highest_ttl = 17;
    assert!(judged(all).verdict.forwarded);
}

#[test]
fn mtu() {
    let mut all = healthy();
    seen(&mut all).longest_unfragmentable = 1_500;
    assert!(judged(all.clone()).verdict.forwarded);
    all.outgoing[0].mtu = Some(1_400);
    expect(
        all.clone(),
        Reason::Mtu,
        "eth1",
        "packets have 1500 octets and must not be fragmented, but eth1 takes at most 1400",
        "send shorter packets, or without DF; or: ip link set eth1 mtu 1500, if all devices there \
         can take that",
    );
    seen(&mut all).longest_unfragmentable = 0;
    assert!(judged(all.clone()).verdict.forwarded, "the kernel fragments them");
    all.kernel = None;
    all.library["forwarder"]["name"] = json!("ebpf");
    seen(&mut all).longest = 1_500;
    expect(
        all,
        Reason::Mtu,
        "eth1",
        "packets have 1500 octets and the ebpf forwarder fragments no packets, but eth1 takes at \
         most 1400",
        "send shorter packets; or: ip link set eth1 mtu 1500, if all devices there can take that",
    );
}

#[test]
fn not_installed() {
    let mut all = healthy();
    all.library["forwarder"]["waiting"] = json!(true);
    let text =
        "the forwarder has refused the entry of the flow; the library tries again every second";
    expect(all, Reason::NotInstalled, "", text, "the log says why the forwarder refuses it");
}

#[test]
fn entry_differs() {
    let mut all = healthy();
    let text = "the kernel's entry is not the one of mgmd: it lacks eth1";
    let advice =
        "stop the other program that changes the multicast routing table, and restart mgmd";
    kernel(&mut all).differences = vec!["it lacks eth1".into()];
    assert!(judged(all.clone()).verdict.forwarded, "the entry has eth1, so it differs elsewhere");
    kernel(&mut all).entry.as_mut().expect("an entry").outgoing.clear();
    expect(all.clone(), Reason::EntryDiffers, "eth1", text, advice);
    let entry = kernel(&mut all).entry.as_mut().expect("an entry");
    *entry = KernelEntry {
        outgoing: vec!["eth1".into()],
        incoming: Some("eth2".into()),
        ..entry.clone()
    };
    expect(all, Reason::EntryDiffers, "eth1", text, advice);
}

#[test]
fn dropped_on_departure() {
    let mut all = healthy();
    all.outgoing[0].seen_leaving = Some(0);
    expect(
        all.clone(),
        Reason::DroppedOnDeparture,
        "eth1",
        "20 packets arrived on eth0, the forwarder's entry sends them to eth1, and none left there",
        "look for a rule that drops them: \"nft list ruleset\", hooks forward and postrouting, and \
         \"tc filter show dev eth1 egress\"",
    );
    all.outgoing[0].seen_leaving = None;
    assert!(judged(all.clone()).verdict.forwarded, "it is not known");
    all.outgoing[0].seen_leaving = Some(0);
    kernel(&mut all).entry.as_mut().expect("an entry").packets_while_listening = Some(2);
    assert!(judged(all).verdict.forwarded, "two packets may still be on their way");
}

#[test]
fn dropped_on_departure_with_another_forwarder() {
    let mut all = healthy();
    all.kernel = None;
    all.outgoing[0].seen_leaving = Some(0);
    all.library["mfe"]["up_ms"] = json!(1_001);
    assert!(judged(all.clone()).verdict.forwarded, "another forwarder than the kernel and ebpf");
    all.library["forwarder"]["name"] = json!("ebpf");
    assert!(judged(all.clone()).verdict.forwarded, "it has no entry");
    all.library["forwarder"]["installed"] = installed();
    expect(
        all.clone(),
        Reason::DroppedOnDeparture,
        "eth1",
        "20 packets arrived on eth0, the forwarder's entry sends them to eth1, and none left there",
        "look for what drops them: \"tc filter show dev eth1 egress\" and \"tc -s qdisc show dev \
         eth1\"",
    );
    let reason = |all: &Explanation| judged(all.clone()).verdict.reason;
    all.library["mfe"]["up_ms"] = json!(1_000);
    assert_eq!(reason(&all), None, "the MFE is younger than some of the packets");
}

/// The entry of the ebpf forwarder for the flow of [`healthy`].
fn installed() -> serde_json::Value {
    let oif =
        json!({"index": 3, "next_hop": null, "name": "eth1", "ttl_threshold": 1, "ready": true});
    json!({"index": 2, "name": "eth0", "takes_packets": true, "oifs": [oif]})
}

#[test]
fn not_served() {
    let mut all = healthy();
    all.kernel = None;
    all.library["forwarder"]["name"] = json!("ebpf");
    all.library["forwarder"]["installed"] = installed();
    assert!(judged(all.clone()).verdict.forwarded);
    let oif = &mut all.library["forwarder"]["installed"]["oifs"][0];
    oif["ready"] = json!(false);
    let daemon = "find the other multicast daemon: \"ip mroute show table all\", and take the \
                  interface from it, or from mgmd";
    expect(
        all.clone(),
        Reason::NotServed,
        "eth1",
        "the ebpf forwarder sends nothing to eth1: it is down, or another multicast daemon has it \
         in the kernel's multicast routing",
        &format!("ip link show eth1; {daemon}"),
    );
    all.library["forwarder"]["installed"]["oifs"][0]["next_hop"] = json!("10.3.0.9");
    expect(
        all.clone(),
        Reason::NotServed,
        "eth1",
        "the ebpf forwarder sends nothing to eth1: its neighbour 10.3.0.9 is not known, or it is \
         down",
        "ip neigh show 10.3.0.9 dev eth1; does 10.3.0.9 answer?",
    );
    let mut other = installed()["oifs"][0].clone();
    other["next_hop"] = json!("10.3.0.8");
    let oifs = all.library["forwarder"]["installed"]["oifs"].as_array_mut();
    oifs.expect("oifs").push(other);
    assert!(judged(all.clone()).verdict.forwarded, "another neighbour there gets it");
    all.library["forwarder"]["installed"]["takes_packets"] = json!(false);
    let text =
        "the ebpf forwarder takes no packets from eth0, because another multicast daemon has \
                it in the kernel's multicast routing";
    expect(all, Reason::NotServed, "eth0", text, daemon);
}

#[test]
fn only_iif() {
    let mut all = unwanted();
    library_says(&mut all, "only_iif");
    let text = "the group is wanted only on eth0, where the packets arrive: they are not sent back";
    expect(all, Reason::OnlyIif, "eth0", text, "");
}
