//! Streams that arrive and do not leave.

use super::super::super::facts::ReversePath;
use super::*;

#[test]
fn a_stream_that_leaves_is_no_fault() {
    let mut facts = router();
    facts.arrive(stream(1), 16, 10);
    facts.leave(stream(1), LAN, 10);
    assert_eq!(kinds(&facts), []);
}

#[test]
fn the_firewall_is_at_fault_where_the_kernel_counts() {
    let mut facts = router();
    facts.arrive(stream(1), 16, 10);
    facts.firewall.chains = [Hook::Prerouting, Hook::Input, Hook::Forward].map(chain).into();
    let finding = found(&facts);
    assert_eq!(finding.kind, Kind::FirewallForward);
    assert_eq!((finding.interface.as_deref(), finding.streams), (Some("lan"), 1));
    assert_eq!((finding.source, finding.group), (Some(SOURCE), Some(stream(1).group)));
    assert!(finding.text.contains("chain ip fw forward of nftables, policy drop"), "{finding:?}");
    assert!(!finding.text.contains("prerouting"), "{finding:?}");
    assert!(finding.command.starts_with("nft 'insert rule ip fw forward iifname \"src\""));
    facts.entry().packets = 0;
    let finding = found(&facts);
    assert_eq!((finding.kind, finding.interface.as_deref()), (Kind::FirewallArrival, Some("src")));
    assert!(finding.command.starts_with("nft 'insert rule ip fw prerouting iifname \"src\" ip"));
}

#[test]
fn without_a_suspect_the_reason_is_unknown_unless_the_filter_could_not_be_read() {
    let mut facts = router();
    facts.arrive(stream(1), 16, 10);
    assert_eq!(found(&facts).command, "tc -s qdisc show dev lan");
    facts.firewall.is_known = false;
    let finding = found(&facts);
    assert_eq!(finding.kind, Kind::FirewallForward);
    assert_eq!(finding.command, "nft list ruleset");
    facts.entry().packets = 0;
    assert_eq!(kinds(&facts), [Kind::FirewallArrival]);
    facts.firewall.is_known = true;
    let finding = found(&facts);
    assert_eq!(finding.kind, Kind::NotForwarded);
    assert!(finding.command.starts_with("nstat "), "{finding:?}");
}

#[test]
fn what_cannot_be_judged_is_no_fault() {
    type Change = fn(&mut Facts);
    let cases: [(&str, Change); 8] = [
        ("no entry", |facts| facts.tables[0].entries.clear()),
        ("arrives elsewhere", |facts| facts.entry().arrives_on = FAR),
        ("in hardware", |facts| facts.entry().is_offloaded = true),
        ("sent back", |facts| facts.entry().sent_to = vec![(SRC, 1)]),
        ("register interface", |facts| facts.tables[0].vifs[1].is_virtual = true),
        ("not heard", |facts| {
            facts.heard.remove(&LAN);
        }),
        ("lost", |facts| facts.traffic.lose(LAN, 1)),
        ("another table", |facts| facts.rules[0].table = Some(77)),
    ];
    for (name, change) in cases {
        let mut facts = router();
        facts.arrive(stream(1), 16, 10);
        assert_eq!(kinds(&facts), [Kind::NotForwarded]);
        if name == "another table" {
            facts.tables.push(Table { id: 77, vifs: Vec::new(), entries: Vec::new() });
        }
        change(&mut facts);
        assert_eq!(kinds(&facts), [], "{name}");
    }
    for ttl in [1, 16] {
        let mut facts = router();
        facts.arrive(stream(1), ttl, 2);
        assert_eq!(kinds(&facts), [], "two packets");
    }
}

#[test]
fn each_interface_by_which_nothing_leaves_is_a_finding() {
    let mut facts = router();
    facts.entry().sent_to = vec![(LAN, 1), (FAR, 1)];
    facts.firewall.chains = vec![chain(Hook::Forward)];
    facts.arrive(stream(1), 16, 10);
    assert_eq!(kinds(&facts), [Kind::FirewallForward, Kind::FirewallForward]);
    facts.leave(stream(1), FAR, 10);
    assert_eq!(found(&facts).interface.as_deref(), Some("lan"));
}

#[test]
fn streams_of_another_forwarder_are_not_examined() {
    let mut facts = with_mgmd();
    assert!(report(&facts).not_examined.is_empty());
    facts.mgmd().status.forwarder = "ebpf".into();
    let gaps = report(&facts).not_examined;
    assert_eq!(gaps[0].what, "the streams of mgmd");
    assert!(gaps[0].why.contains("its forwarder is ebpf"), "{gaps:?}");
}

#[test]
fn losses_are_said() {
    let mut facts = router();
    facts.traffic.lose(LAN, 7);
    let gaps = report(&facts).not_examined;
    assert_eq!(gaps[0].what, "the streams that should leave by lan");
    assert!(gaps[0].why.starts_with("7 packets"), "{gaps:?}");
}

#[test]
fn the_entry_of_a_group_is_for_interfaces_that_are_in_it() {
    let mut facts = router();
    facts.arrive(stream(1), 16, 10);
    facts.entry().source = Ipv4Addr::UNSPECIFIED;
    assert_eq!(kinds(&facts), []);
    facts.entry().sent_to.push((SRC, 1));
    assert_eq!(kinds(&facts), [Kind::NotForwarded]);
    // An entry of the stream itself takes precedence.
    facts.tables[0].entries.push(entry(stream(1), &[]));
    assert_eq!(kinds(&facts), []);
}

#[test]
fn a_ttl_that_no_packet_exceeds_is_found() {
    let mut facts = router();
    facts.arrive(stream(1), 1, 10);
    let finding = found(&facts);
    assert_eq!((finding.kind, finding.interface.as_deref()), (Kind::Ttl, Some("src")));
    assert!(finding.text.contains("with TTL 1, and only"), "{finding:?}");
    assert!(finding.command.starts_with("nft 'add table ip mgm; "), "{finding:?}");
    assert!(finding.command.ends_with("ip daddr { 239.1.1.1 } ip ttl set 64'"), "{finding:?}");
    facts.entry().sent_to = vec![(LAN, 100)];
    assert!(found(&facts).command.ends_with("set 255'"));
    facts.programs.iptables_nft = Some("iptables");
    let command = "iptables -t mangle -A PREROUTING -i src -d 239.1.1.1 -j TTL --ttl-set 255";
    assert_eq!(found(&facts).command, command);
    facts.programs.nft = true;
    assert!(found(&facts).command.starts_with("nft "));
    // A packet with a greater TTL shows that the others are meant to stay.
    facts.arrive(stream(1), 120, 1);
    facts.leave(stream(1), LAN, 1);
    assert_eq!(kinds(&facts), []);
}

#[test]
fn a_ttl_that_is_raised_after_the_arrival_is_no_fault() {
    let mut facts = router();
    facts.arrive(stream(1), 1, 10);
    facts.leave(stream(1), LAN, 10);
    assert_eq!(kinds(&facts), []);
}

#[test]
fn a_low_ttl_is_meant_in_the_local_scope() {
    let local = Stream { group: Ipv4Addr::new(239, 255, 255, 250), source: SOURCE };
    let mut facts = router();
    facts.tables[0].entries = vec![entry(local, &[(LAN, 1)])];
    facts.arrive(local, 1, 10);
    assert_eq!(kinds(&facts), []);
}

#[test]
fn one_low_ttl_is_one_finding_for_all_interfaces_and_groups() {
    let mut facts = router();
    facts.tables[0].entries = [1, 2].map(|n| entry(stream(n), &[(LAN, 1), (FAR, 1)])).into();
    for last in [1, 2] {
        facts.arrive(stream(last), 1, 10);
    }
    let finding = found(&facts);
    assert_eq!(finding.streams, 2);
    assert!(finding.text.contains("and 1 more stream arrive"), "{finding:?}");
    assert!(finding.text.contains("sent to lan, far"), "{finding:?}");
    assert!(finding.command.contains("{ 239.1.1.1, 239.1.1.2 }"), "{finding:?}");
}

#[test]
fn packets_that_are_too_long_are_found_even_if_others_leave() {
    let mut facts = router();
    facts.link(LAN).mtu = 1280;
    for _ in 0..10 {
        facts.traffic.add(SRC, false, &packet(stream(1), 17, 16, (1400, true)));
    }
    let finding = found(&facts);
    assert_eq!((finding.kind, finding.interface.as_deref()), (Kind::Mtu, Some("lan")));
    assert_eq!(finding.command, "ip link set dev lan mtu 1400");
    facts.arrive(stream(1), 16, 10);
    facts.leave(stream(1), LAN, 11);
    assert_eq!(kinds(&facts), [Kind::Mtu]);
    facts.leave(stream(1), LAN, 9);
    assert_eq!(kinds(&facts), [], "they leave after all");
}

#[test]
fn packets_that_may_be_fragmented_have_any_length() {
    let mut facts = router();
    facts.link(LAN).mtu = 1280;
    for _ in 0..10 {
        facts.traffic.add(SRC, false, &packet(stream(1), 17, 16, (1400, false)));
    }
    assert_eq!(kinds(&facts), [Kind::NotForwarded]);
}

#[test]
fn a_link_that_is_down_is_told_from_one_without_carrier() {
    let mut facts = router();
    facts.arrive(stream(1), 16, 10);
    facts.link(LAN).is_running = false;
    assert_eq!(found(&facts).command, "ip link show dev lan");
    facts.link(LAN).is_up = false;
    let finding = found(&facts);
    assert_eq!(finding.kind, Kind::InterfaceDown);
    assert_eq!(finding.command, "ip link set dev lan up");
}

/// The kernel does not accept the source on src.
fn refused(path: ReversePath, all: u8, own: u8) -> Facts {
    let mut facts = router();
    facts.tables[0].entries.clear();
    facts.link(SRC).rp_filter = Some(RpFilter { all, own });
    facts.reverse_paths = [((SRC, SOURCE), path)].into();
    facts.reverse_path_drops = Some(10);
    facts.arrive(stream(1), 16, 10);
    facts
}

#[test]
fn rp_filter_is_found_with_the_setting_that_mends_it() {
    let elsewhere = || ReversePath::Elsewhere("wan".into());
    let finding = found(&refused(elsewhere(), 0, 1));
    assert_eq!((finding.kind, finding.interface.as_deref()), (Kind::ReversePath, Some("src")));
    assert!(finding.text.contains("rp_filter (1)"), "{finding:?}");
    assert!(finding.text.contains("the route to 10.1.0.11 leads to wan"), "{finding:?}");
    assert_eq!(finding.command, "sysctl -w net.ipv4.conf.src.rp_filter=2");
    assert_eq!(kinds(&refused(elsewhere(), 0, 2)), [], "loose");
    assert_eq!(kinds(&refused(elsewhere(), 0, 0)), [], "off");
    let finding = found(&refused(ReversePath::Missing, 2, 0));
    let command = "sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.src.rp_filter=0";
    assert_eq!(finding.command, command);
    let finding = found(&refused(ReversePath::Missing, 0, 2));
    assert_eq!(finding.command, "sysctl -w net.ipv4.conf.src.rp_filter=0");
    let mut facts = refused(elsewhere(), 0, 2);
    facts.link(SRC).addresses.clear();
    facts.link(SRC).name = "eth0.7".into();
    assert_eq!(found(&facts).command, "sysctl -w net.ipv4.conf.eth0/7.rp_filter=0");
}

#[test]
fn rp_filter_is_no_fault_if_it_drops_nothing_or_nothing_that_matters() {
    let strict = || refused(ReversePath::Missing, 0, 1);
    assert_eq!(kinds(&strict()), [Kind::ReversePath]);
    let facts = Facts { reverse_path_drops: Some(0), ..strict() };
    assert_eq!(kinds(&facts), []);
    let facts = Facts { reverse_path_drops: None, ..strict() };
    assert_eq!(kinds(&facts), [Kind::ReversePath], "an old kernel");
    let mut facts = strict();
    facts.tables[0].vifs.clear();
    assert_eq!(kinds(&facts), [], "not routed");
    let local = Stream { group: Ipv4Addr::new(239, 255, 0, 1), source: SOURCE };
    let mut facts = Facts { traffic: router().traffic, ..strict() };
    facts.arrive(stream(1), 16, 2);
    assert_eq!(kinds(&facts), [], "two packets");
    facts.arrive(local, 16, 10);
    assert_eq!(kinds(&facts), [], "the local scope");
}

#[test]
fn what_rp_filter_drops_is_not_blamed_on_the_firewall() {
    let mut facts = refused(ReversePath::Missing, 0, 1);
    facts.tables[0].entries = vec![Entry { packets: 0, ..entry(stream(1), &[(LAN, 1)]) }];
    facts.firewall.chains = vec![chain(Hook::Prerouting)];
    assert_eq!(kinds(&facts), [Kind::ReversePath]);
    facts.reverse_path_drops = Some(0);
    assert_eq!(kinds(&facts), [Kind::FirewallArrival]);
}
