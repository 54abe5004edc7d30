//! Queriers, addresses and bridges.

use super::super::super::facts::{Bridge, BridgeQuerier};
use super::*;
use mgm_control::interfaces::{InterfaceState, Role};

const OTHER: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 5);

#[test]
fn a_querier_is_no_fault() {
    assert_eq!(kinds(&with_mgmd()), []);
}

/// mgmd is passive on lan, and knows no querier.
fn passive() -> Facts {
    let mut facts = with_mgmd();
    let querier = facts.igmp_after().querier.as_mut().expect("a querier");
    (querier.own, querier.address, querier.since_ms) = (false, None, 10_000_000);
    facts.mgmd().status.config.age_ms = 300_000;
    facts
}

#[test]
fn a_passive_router_needs_another_querier() {
    let mut facts = passive();
    let finding = found(&facts);
    assert_eq!((finding.kind, finding.interface.as_deref()), (Kind::NoQuerier, Some("lan")));
    assert!(finding.command.ends_with("/etc/mgmd/mgmd.toml && mgmctl reload"), "{finding:?}");
    facts.mgmd.is_named = true;
    facts.mgmd.socket = "/run/other socket".into();
    assert!(found(&facts).command.ends_with("mgmctl --socket '/run/other socket' reload"));
    facts.igmp_after().querier.as_mut().expect("a querier").address = Some(OTHER);
    assert_eq!(kinds(&facts), [], "another querier");
    let mut facts = passive();
    facts.igmp_after().state = InterfaceState::Down;
    assert_eq!(kinds(&facts), []);
}

#[test]
fn another_querier_may_be_silent_for_a_while() {
    for change in [
        |facts: &mut Facts| facts.mgmd().status.uptime_ms = 254_999,
        |facts: &mut Facts| facts.mgmd().status.config.age_ms = 254_999,
        |facts: &mut Facts| {
            facts.igmp_after().querier.as_mut().expect("a querier").since_ms = 254_999;
        },
    ] {
        let mut facts = passive();
        change(&mut facts);
        assert_eq!(kinds(&facts), []);
    }
}

#[test]
fn an_interface_without_an_address_is_found_at_once() {
    let mut facts = passive();
    facts.link(LAN).addresses.clear();
    facts.mgmd().status.uptime_ms = 10;
    let finding = found(&facts);
    assert_eq!(finding.kind, Kind::NoAddress);
    assert_eq!(finding.command, "ip address add 192.168.1.254/24 dev lan");
    facts.igmp_message(LAN, false, 0x22, Ipv4Addr::UNSPECIFIED);
    facts.igmp_message(LAN, false, 0x11, Ipv4Addr::UNSPECIFIED);
    assert_eq!(found(&facts).command, "ip address add 192.168.1.254/24 dev lan");
    facts.igmp_message(LAN, false, 0x22, Ipv4Addr::new(10, 2, 0, 254));
    assert_eq!(found(&facts).command, "ip address add 10.2.0.253/24 dev lan");
}

#[test]
fn an_upstream_needs_an_address_unless_another_one_serves() {
    let mut facts = with_mgmd();
    facts.igmp_after().role = Role::Upstream;
    facts.igmp_after().querier = None;
    facts.link(LAN).addresses.clear();
    facts.mgmd().proxies[0].active = None;
    let finding = found(&facts);
    assert_eq!(finding.kind, Kind::NoAddress);
    assert!(finding.text.contains("the proxy reports nothing"), "{finding:?}");
    facts.mgmd().proxies[0].active = Some("wan".into());
    assert_eq!(kinds(&facts), []);
    facts.mgmd().proxies[0].active = None;
    facts.link(LAN).addresses = link("lan", 2).addresses;
    assert_eq!(kinds(&facts), [], "it may be down");
}

#[test]
fn without_mgmd_only_long_listening_tells() {
    let mut facts = router();
    let gaps = report(&facts).not_examined;
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].what, "whether a router sends queries on lan");
    assert_eq!(gaps[0].command.as_deref(), Some("mgmctl doctor --listen 130s"));
    facts.listened = Duration::from_secs(130);
    let finding = found(&facts);
    assert_eq!((finding.kind, finding.interface.as_deref()), (Kind::NoQuerier, Some("lan")));
    assert!(finding.command.ends_with("mgmd --config /etc/mgmd/querier.toml"), "{finding:?}");
    for is_outgoing in [false, true] {
        let mut facts = facts.clone();
        facts.igmp_message(LAN, is_outgoing, 0x11, OTHER);
        assert_eq!(kinds(&facts), []);
    }
    facts.named.insert(FAR);
    assert_eq!(kinds(&facts), [Kind::NoQuerier, Kind::NoQuerier]);
    facts.heard = [SRC].into();
    assert_eq!(kinds(&facts), []);
}

#[test]
fn the_router_that_runs_is_made_the_querier() {
    let silent = |facts: Facts| Facts { listened: Duration::from_secs(130), ..facts };
    let mut facts = silent(with_mgmd());
    facts.mgmd().after.clear();
    facts.traffic = router().traffic;
    facts.mgmd().interfaces.clear();
    let command = found(&facts).command;
    assert!(command.starts_with("printf '[[interface]]\\nname = \"lan\"\\nigmp = {}\\n' >>/etc/"));
    let mut interfaces: Interfaces = example("interfaces");
    let mut interface = interfaces.interfaces.remove(0);
    interface.configured_as = "la*".into();
    facts.mgmd().interfaces = vec![interface.clone()];
    assert!(found(&facts).command.starts_with("printf "), "the pattern means other links, too");
    interface.configured_as = "lan".into();
    facts.mgmd().interfaces = vec![interface];
    let command = found(&facts).command;
    assert!(command.starts_with(r#"sed -i '/^ *name *= *"lan"/a igmp = {}' /etc/"#), "{command}");

    let mut facts = silent(router());
    facts.routers = vec![super::system::process("pimd", Some("frr.service"))];
    let command = "vtysh -c 'configure terminal' -c 'interface lan' -c 'ip igmp'";
    assert_eq!(found(&facts).command, command);
    facts.routers = vec![super::system::process("pimd", Some("pimd.service"))];
    assert!(found(&facts).command.starts_with("printf "));
}

/// lan is a bridge that snoops.
fn bridge(facts: Facts, querier: BridgeQuerier) -> Facts {
    let mut facts = facts;
    facts.link(LAN).bridge = Some(Bridge {
        snoops: true,
        is_router_port: false,
        passes_all: false,
        queries_itself: false,
        querier,
    });
    facts
}

fn lan(facts: &mut Facts) -> &mut Bridge {
    facts.link(LAN).bridge.as_mut().expect("a bridge")
}

#[test]
fn a_bridge_that_snoops_needs_a_querier() {
    let mut facts = bridge(router(), BridgeQuerier::Absent);
    let finding = found(&facts);
    assert_eq!(finding.kind, Kind::BridgeWithoutQuerier);
    assert_eq!(finding.command, "ip link set dev lan type bridge mcast_querier 1");
    type Change = fn(&mut Facts);
    let healthy: [(&str, Change); 6] = [
        ("no snooping", |facts| lan(facts).snoops = false),
        ("its own querier", |facts| lan(facts).queries_itself = true),
        ("an old kernel", |facts| lan(facts).querier = BridgeQuerier::Unknown),
        ("a query arrives", |facts| facts.igmp_message(LAN, false, 0x11, OTHER)),
        ("a query leaves", |facts| facts.igmp_message(LAN, true, 0x11, OTHER)),
        ("no router", |facts| facts.tables.clear()),
    ];
    for (name, change) in healthy {
        let mut facts = facts.clone();
        change(&mut facts);
        assert_eq!(kinds(&facts), [], "{name}");
    }
    // Its state is known without listening.
    facts.listened = Duration::from_secs(130);
    assert_eq!(kinds(&facts), [Kind::BridgeWithoutQuerier]);
    let mut facts = bridge(with_mgmd(), BridgeQuerier::Absent);
    facts.traffic = router().traffic;
    assert_eq!(kinds(&facts), [], "mgmd is the querier");
}

#[test]
fn a_bridge_hides_reports_from_a_router_that_does_not_query() {
    let present = |is_behind_port| BridgeQuerier::Present { address: OTHER, is_behind_port };
    let facts = bridge(router(), present(true));
    let finding = found(&facts);
    assert_eq!(finding.kind, Kind::BridgeHidesReports);
    assert!(finding.text.contains("the querier is 10.2.0.5"), "{finding:?}");
    assert_eq!(finding.command, "ip link set dev lan type bridge mcast_router 2");
    type Change = fn(&mut Facts);
    let healthy: [(&str, Change); 7] = [
        ("a router port", |facts| lan(facts).is_router_port = true),
        ("Linux 6.16", |facts| lan(facts).passes_all = true),
        ("a report arrives", |facts| facts.igmp_message(LAN, false, 0x22, OTHER)),
        ("a query leaves", |facts| facts.igmp_message(LAN, true, 0x11, OTHER)),
        ("PIM", |facts| facts.tables[0].vifs[2].is_virtual = true),
        ("PIM leaves", |facts| {
            let hello = Stream { group: Ipv4Addr::new(224, 0, 0, 13), source: OTHER };
            facts.traffic.add(LAN, true, &packet(hello, 103, 1, (50, false)));
        }),
        ("its own address", |facts| facts.link(LAN).addresses.push((OTHER, 24))),
    ];
    for (name, change) in healthy {
        let mut facts = facts.clone();
        change(&mut facts);
        assert_eq!(kinds(&facts), [], "{name}");
    }
    assert_eq!(kinds(&bridge(router(), present(false))), [], "the querier is on this machine");
}

#[test]
fn mgmd_knows_whether_another_router_queries_on_a_bridge() {
    let present = BridgeQuerier::Present { address: OTHER, is_behind_port: true };
    let mut facts = bridge(with_mgmd(), present);
    assert_eq!(kinds(&facts), []);
    facts.traffic = router().traffic;
    let querier = facts.igmp_after().querier.as_mut().expect("a querier");
    (querier.own, querier.address) = (false, Some(OTHER));
    assert_eq!(kinds(&facts), [Kind::BridgeHidesReports]);
}
