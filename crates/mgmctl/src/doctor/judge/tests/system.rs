//! Own messages, tables, privileges and proxies.

use super::super::super::facts::{Privileges, Process};
use super::*;
use mgm_control::interfaces::Role;

pub fn process(name: &str, service: Option<&str>) -> Process {
    Process { pid: 42, name: name.into(), service: service.map(ToOwned::to_owned) }
}

/// mgmd has sent this many queries and reports on lan meanwhile, and none was seen.
fn silent(queries: u64, reports: u64) -> Facts {
    let mut facts = with_mgmd();
    facts.traffic = router().traffic;
    facts.firewall.chains = [Hook::Forward, Hook::Output].map(chain).into();
    facts.igmp_after().counters.queries_sent += queries;
    facts.igmp_after().counters.reports_sent += reports;
    facts
}

#[test]
fn own_messages_that_do_not_leave_are_found() {
    let finding = found(&silent(1, 0));
    assert_eq!(finding.kind, Kind::FirewallOutput);
    assert!(finding.text.contains("IGMP queries"), "{finding:?}");
    assert!(finding.text.contains("chain ip fw output"), "{finding:?}");
    let command = "nft 'insert rule ip fw output oifname \"lan\" ip protocol igmp accept'";
    assert_eq!(finding.command, command);
    let mut facts = silent(0, 1);
    facts.igmp_after().role = Role::Upstream;
    facts.igmp_after().querier = None;
    assert!(found(&facts).text.contains("IGMP reports"));
    facts.firewall.chains.clear();
    assert_eq!(found(&facts).command, "tc -s qdisc show dev lan");
}

#[test]
fn own_messages_that_leave_are_no_fault() {
    let mut facts = silent(2, 1);
    let own = Ipv4Addr::new(10, 2, 0, 100);
    facts.igmp_message(LAN, true, 0x11, own);
    assert!(found(&facts).text.contains("IGMP reports"), "each kind counts");
    facts.igmp_message(LAN, true, 0x22, own);
    assert_eq!(kinds(&facts), []);
    let mut facts = silent(2, 0);
    facts.traffic.lose(LAN, 1);
    assert_eq!(kinds(&facts), [], "it may be lost");
    let mut facts = silent(2, 0);
    facts.heard.remove(&LAN);
    assert_eq!(kinds(&facts), [], "it was not listened to");
}

#[test]
fn if_the_kernel_has_refused_all_messages_none_need_be_due() {
    let mut facts = silent(0, 0);
    facts.igmp_after().counters.send_failures = 30;
    assert_eq!(kinds(&facts), [], "one has left");
    facts.igmp_after().counters.send_failures = 31;
    assert!(found(&facts).text.contains("IGMP messages"));
}

/// It bypasses the chains at forward and egress. Messages of mgmd itself do not.
#[test]
fn with_the_ebpf_forwarder_only_own_messages_can_be_filtered() {
    let ebpf = |queries| {
        let mut facts = silent(queries, 0);
        facts.mgmd().status.forwarder = "ebpf".into();
        facts.tables.clear();
        facts.firewall.chains = [Hook::Prerouting, Hook::Forward, Hook::Egress].map(chain).into();
        facts.arrive(stream(1), 16, 10);
        facts
    };
    assert_eq!(kinds(&ebpf(0)), []);
    let gaps = report(&ebpf(0)).not_examined;
    assert!(gaps.iter().any(|gap| gap.what == "the streams of mgmd"), "{gaps:?}");
    let finding = found(&ebpf(1));
    assert_eq!(finding.kind, Kind::FirewallOutput);
    assert!(finding.text.contains("chain ip fw egress"), "{finding:?}");
    assert!(!finding.text.contains("chain ip fw forward"), "{finding:?}");
}

#[test]
fn it_is_said_that_no_query_was_due() {
    let gaps = report(&silent(0, 0)).not_examined;
    assert_eq!(gaps[0].what, "whether the queries of this router leave lan");
    assert_eq!(gaps[0].why, "none was due within 5.0 s");
    assert!(report(&with_mgmd()).not_examined.is_empty(), "one was seen");
    let mut facts = silent(0, 0);
    let querier = facts.igmp_after().querier.as_mut().expect("a querier");
    (querier.own, querier.address) = (false, Some(Ipv4Addr::new(10, 2, 0, 5)));
    assert!(report(&facts).not_examined.is_empty(), "another router queries");
}

/// mgmd is wanted, and absent.
fn held(routers: Vec<Process>) -> Facts {
    let mgmd = Mgmd {
        socket: "/run/mgmd/control".into(),
        is_wanted: true,
        is_absent: true,
        table: Some(DEFAULT_TABLE),
        ..Mgmd::default()
    };
    Facts { mgmd, routers, ..router() }
}

#[test]
fn the_program_that_has_the_table_is_named() {
    let finding = found(&held(vec![process("smcrouted", None)]));
    assert_eq!((finding.kind, finding.interface), (Kind::TableHeld, None));
    assert!(finding.text.contains("while smcrouted (process 42) uses"), "{}", finding.text);
    assert_eq!(finding.command, "kill 42");
    let finding = found(&held(vec![process("smcrouted", Some("smcroute.service"))]));
    assert_eq!(finding.command, "systemctl disable --now smcroute.service");
    let two = vec![process("pimd", None), Process { pid: 43, ..process("igmpproxy", None) }];
    let finding = found(&held(two));
    assert!(finding.text.contains("one of pimd (process 42), igmpproxy (process 43) uses"));
    assert_eq!(finding.command, "ps -fp 42,43");
    let finding = found(&held(Vec::new()));
    assert!(finding.text.contains("a program that could not be found"));
    assert_eq!(finding.command, "ss -wp");
}

#[test]
fn a_table_may_be_used_if_mgmd_is_not_meant_to_run() {
    let routers = || vec![process("smcrouted", None)];
    let mut facts = held(routers());
    facts.mgmd.is_wanted = false;
    assert_eq!(kinds(&facts), []);
    let mut facts = held(routers());
    facts.mgmd.is_absent = false;
    assert_eq!(kinds(&facts), [], "mgmd refuses to answer");
    let mut facts = held(routers());
    facts.tables[0].vifs.clear();
    assert_eq!(kinds(&facts), [], "the table is free");
}

#[test]
fn only_the_table_that_mgmd_would_use_keeps_it_from_starting() {
    let mut facts = held(vec![process("smcrouted", None)]);
    facts.mgmd.table = None;
    assert_eq!(kinds(&facts), [], "its forwarder is ebpf");
    facts.mgmd.table = Some(100);
    assert_eq!(kinds(&facts), [], "it would use another table");
    facts.tables[0].id = 100;
    facts.rules = vec![TableRule { interface: None, table: Some(100) }];
    let finding = found(&facts);
    assert!(finding.text.contains("uses the multicast routing table 100 of the kernel"));
}

#[test]
fn a_table_needs_a_rule_for_each_interface() {
    let mut facts = router();
    facts.tables.push(Table { id: 100, ..facts.tables[0].clone() });
    facts.tables[0].vifs.clear();
    facts.tables[1].vifs[2].is_virtual = true;
    let rule = |name: Option<&str>, table| TableRule {
        interface: name.map(ToOwned::to_owned),
        table: Some(table),
    };
    facts.rules = vec![rule(Some("lan"), 100), rule(None, DEFAULT_TABLE)];
    let finding = found(&facts);
    assert_eq!((finding.kind, finding.interface.as_deref()), (Kind::TableWithoutRule, Some("src")));
    assert_eq!(finding.command, "ip mrule add iif src lookup 100");
    facts.rules.remove(0);
    let both = "ip mrule add iif src lookup 100 && ip mrule add iif lan lookup 100";
    assert_eq!(found(&facts).command, both);
    facts.rules.insert(0, rule(None, 100));
    assert_eq!(kinds(&facts), []);
}

fn privileges(missing: Vec<&'static str>, service: Option<&str>, are_allowed: bool) -> Facts {
    let mut facts = with_mgmd();
    facts.mgmd().privileges = Some(Privileges {
        missing,
        are_allowed,
        program: "/usr/sbin/mgmd".into(),
        process: process("mgmd", service),
    });
    facts
}

#[test]
fn missing_capabilities_are_found() {
    assert_eq!(kinds(&privileges(Vec::new(), None, true)), []);
    let finding = found(&privileges(vec!["CAP_NET_ADMIN"], None, true));
    assert_eq!(finding.kind, Kind::Capabilities);
    assert!(finding.text.contains("lacks CAP_NET_ADMIN, so its receive buffers"));
    assert_eq!(finding.command, "setcap cap_net_admin,cap_net_raw+ep /usr/sbin/mgmd");
    let both = || vec!["CAP_NET_ADMIN", "CAP_NET_RAW"];
    let finding = found(&privileges(both(), Some("mgmd.service"), true));
    assert!(finding.text.contains("lacks CAP_NET_ADMIN and CAP_NET_RAW, so it can neither"));
    let command = "systemctl revert mgmd.service && systemctl restart mgmd.service";
    assert_eq!(finding.command, command);
    assert!(found(&privileges(both(), None, false)).command.starts_with("docker run "));
}

#[test]
fn a_proxy_that_rests_is_found() {
    let mut facts = with_mgmd();
    let proxy = &mut facts.mgmd().proxies[0];
    proxy.upstream = "ppp*".into();
    proxy.downstreams.truncate(1);
    let downstream = &mut proxy.downstreams[0];
    (downstream.forwarding, downstream.other_querier) = (false, None);
    downstream.interface = "lan".into();
    assert_eq!(kinds(&facts), [], "it may be down");
    facts.mgmd().proxies[0].downstreams[0].other_querier = Some(Ipv4Addr::new(10, 2, 0, 5));
    let finding = found(&facts);
    assert_eq!((finding.kind, finding.interface.as_deref()), (Kind::ProxyRests, Some("lan")));
    assert!(finding.text.contains("because 10.2.0.5 is the querier"), "{finding:?}");
    let expected =
        r#"sed -i '/^ *upstream *= *"ppp\*"/a forward-always = true' /etc/mgmd/mgmd.toml"#;
    assert_eq!(finding.command, format!("{expected} && mgmctl reload"));
    facts.mgmd().proxies[0].downstreams[0].forwarding = true;
    assert_eq!(kinds(&facts), []);
}

#[test]
fn filters_that_a_killed_router_has_left_are_deleted_at_each_hook() {
    let mut facts = router();
    facts.stale_filters = [(SRC, vec!["ingress", "egress"]), (LAN, vec!["egress"])].into();
    let found = found(&facts);
    assert_eq!((found.kind, found.interface.as_deref()), (Kind::StaleFilter, Some("src")));
    assert!(found.text.starts_with("src, lan: a router with the ebpf forwarder was killed"));
    assert_eq!(
        found.command,
        "tc filter del dev src ingress prio 50343 && tc filter del dev src egress prio 50343 && \
         tc filter del dev lan egress prio 50343"
    );
}
