//! Named tests about groups, hosts and the link, in virtual time.

use crate::network::*;
use crate::router::*;
use mgm_igmp::codec::{self, RecordType::*};
use mgm_igmp::config::{AccessList, Rule};
use mgm_igmp::{Event, LeaveMode, LinkAddress, LinkConfig, LinkInfo, LogEvent, Role};

const ALL: &str = "(*, 239.1.1.1)";
const S1: &str = "10.9.0.1";
const S2: &str = "10.9.0.2";

#[test]
fn t28_source_timeout() {
    let mut router = Router::new();
    router.report(Allow, G, &[S1, S2]);
    router.pass(135_000);
    router.report(IsIn, G, &[S1]);
    router.pass(134_999);
    assert_eq!(router.memberships().len(), 2);
    router.pass(1);
    assert_eq!(router.memberships(), ["(10.9.0.1, 239.1.1.1)"], "GMI is 270 s");
    router.pass(135_000);
    assert!(router.memberships().is_empty());
}

#[test]
fn t29_block_queries() {
    let mut router = Router::new();
    router.report(Allow, G, &[S1, S2]);
    router.queries();
    router.report(Block, G, &[S1, S2]);
    let asked = "Q3 239.1.1.1 (10.9.0.1,10.9.0.2)";
    assert_eq!(router.queries(), [asked]);
    router.pass(1_000);
    assert_eq!(router.queries(), [asked]);
    router.pass(999);
    assert_eq!(router.memberships().len(), 2);
    router.pass(1);
    assert!(router.memberships().is_empty());
}

#[test]
fn t32_query_split() {
    let config = LinkConfig { max_sources: 1_000, ..role(Role::Router) };
    let mut router = Router::with(config);
    let sources: Vec<std::net::Ipv4Addr> =
        (0..1_000_u32).map(|n| (0x0a09_0000 + n).into()).collect();
    for kind in [Allow, Block] {
        for part in sources.chunks(250) {
            router.message(HOST, "224.0.0.22", &v3_report(kind, G, part));
        }
        if kind == Allow {
            router.queries();
        }
    }
    // What the second of the transmissions asks about is one list.
    router.queries();
    router.pass(1_000);
    let queries = router.queries();
    let counts: Vec<usize> = queries.iter().map(|text| text.split(',').count()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 1_000, "{counts:?}");
    assert!(counts.iter().all(|count| *count <= 366), "{counts:?}");
}

#[test]
fn t40_lower_querier_while_checking() {
    let mut router = Router::new();
    router.report(ToEx, G, &[]);
    router.queries();
    router.report(ToIn, G, &[]);
    assert_eq!(router.queries(), ["Q3 239.1.1.1 ()"]);
    router.pass(500);
    router.general(LOWER, "224.0.0.1", 3);
    router.pass(600);
    assert_eq!(router.queries(), ["Q3 239.1.1.1 ()"], "what runs goes on to its end");
    router.pass(100_000);
    assert!(router.queries().is_empty());
}

#[test]
fn t41_nonquerier_leave() {
    let mut router = Router::new();
    router.general(LOWER, "224.0.0.1", 3);
    router.report(ToEx, G, &[]);
    router.queries();
    router.report(ToIn, G, &[]);
    router.pass(200_000);
    assert!(router.queries().is_empty());
    assert_eq!(router.memberships(), [ALL], "its timer runs on");
}

fn addresses(list: &[(&str, u8)]) -> LinkInfo {
    let addresses = list.iter().map(|(text, length)| LinkAddress::new(ip(text), *length));
    LinkInfo { up: true, mtu: 1_500, point_to_point: false, addresses: addresses.collect() }
}

#[test]
fn t45_two_addresses_one_query() {
    let mut router = Router::new();
    let info = addresses(&[("10.0.0.10", 24), ("10.0.0.9", 24), ("172.16.0.1", 24)]);
    router.network.set_link(router.name, 1, info);
    router.queries();
    router.pass(125_000);
    assert!(router.queries().iter().all(|text| text == "Q3 from 10.0.0.9"));
}

#[test]
fn t46_address_removed() {
    let mut router = Router::new();
    router.network.set_link(router.name, 1, addresses(&[("10.0.0.10", 24), ("10.0.0.20", 24)]));
    router.report(ToEx, G, &[]);
    router.queries();
    router.network.set_link(router.name, 1, addresses(&[("10.0.0.20", 24)]));
    assert_eq!(router.queries(), ["Q3 from 10.0.0.20"]);
    assert_eq!(router.memberships(), [ALL]);
    router.network.set_link(router.name, 1, addresses(&[]));
    router.pass(130_000);
    assert!(router.queries().is_empty());
    assert_eq!(router.memberships(), [ALL]);
}

#[test]
fn t47_v1_report_forwards() {
    let mut router = Router::new();
    router.message(HOST, G, &codec::report_v1(ip(G)));
    assert_eq!(router.memberships(), [ALL]);
    router.pass(250_000);
    router.message(HOST, G, &codec::report_v2(ip(G)));
    router.message(HOST, "224.0.0.2", &codec::leave(ip(G)));
    router.pass(9_999);
    assert_eq!(router.memberships(), [ALL], "leaves are ignored for 260 s");
    router.pass(1);
    router.message(HOST, "224.0.0.2", &codec::leave(ip(G)));
    router.pass(2_000);
    assert!(router.memberships().is_empty());
}

#[test]
fn t49_v3_report_on_v2_link() {
    let mut router = Router::with(LinkConfig { version: 2, ..role(Role::Router) });
    router.report(ToEx, G, &[]);
    assert_eq!(router.memberships(), [ALL]);
}

#[test]
fn t50_macos_like_v2_only() {
    // A host that hears only queries of 8 octets speaks v2, and this link asks in v2.
    let mut router = Router::with(LinkConfig { version: 2, ..role(Role::Router) });
    let host = router.network.machine();
    let config = LinkConfig { version: 2, ..role(Role::Upstream) };
    router.network.attach(host, 1, ("lan", HOST), config);
    router.network.join(host, &[G]);
    router.pass(1_000_000);
    assert_eq!(router.memberships(), [ALL]);
    assert!(router.queries().iter().all(|text| text.starts_with("Q2")));
}

#[test]
fn t51_immediate_leave() {
    let mut router = Router::with(LinkConfig { leave: LeaveMode::Immediate, ..role(Role::Router) });
    let host = router.network.machine();
    let config = LinkConfig { version: 2, ..role(Role::Upstream) };
    router.network.attach(host, 1, ("lan", HOST), config);
    router.network.join(host, &[G]);
    router.pass(10);
    assert_eq!(router.memberships(), [ALL]);
    router.queries();
    router.network.join(host, &[]);
    router.pass(10);
    assert!(router.memberships().is_empty() && router.queries().is_empty());
}

#[test]
fn t52_tracked_two_hosts() {
    let mut router = Router::with(LinkConfig { leave: LeaveMode::Tracked, ..role(Role::Router) });
    // Before, hosts that are not known may want the group.
    router.pass(300_000);
    let hosts = ["10.0.0.50", "10.0.0.51"].map(|address| router.network.host("lan", address));
    for host in hosts {
        router.network.join(host, &[G]);
    }
    router.pass(5_000);
    router.queries();
    router.network.join(hosts[0], &[]);
    router.pass(5_000);
    assert_eq!(router.memberships(), [ALL]);
    router.network.join(hosts[1], &[]);
    router.pass(10);
    assert!(router.memberships().is_empty());
    assert!(router.queries().iter().all(|text| text.contains("from")), "General Queries only");
}

#[test]
fn t55_ssm_rules() {
    let mut router = Router::new();
    let ssm = "232.1.1.1";
    router.message(HOST, ssm, &codec::report_v2(ip(ssm)));
    router.report(IsEx, ssm, &[]);
    router.report(ToEx, ssm, &[S1]);
    assert!(router.memberships().is_empty() && router.saved().is_empty());
    router.report(Allow, ssm, &[S1]);
    assert_eq!(router.memberships(), ["(10.9.0.1, 232.1.1.1)"]);
}

#[test]
fn t61_group_limit() {
    let mut router = Router::new();
    let group = |n: u32| std::net::Ipv4Addr::from(0xef01_0000 + n).to_string();
    for n in 0..1_025 {
        router.report(ToEx, &group(n), &[]);
    }
    assert_eq!(router.memberships().len(), 1_024);
    assert!(router.network.log(router.name).contains(&LogEvent::GroupLimit(ip(&group(1_024)))));
    router.pass(200_000);
    for n in 0..1_024 {
        router.report(IsEx, &group(n), &[]);
    }
    router.pass(200_000);
    assert_eq!(router.memberships().len(), 1_024, "they refresh on");
}

#[test]
fn t63_acl_change() {
    let mut router = Router::new();
    router.report(ToEx, G, &[]);
    router.report(ToEx, "239.2.1.1", &[]);
    let deny = Rule { permit: false, prefix: net("239.1.0.0/16") };
    let groups = AccessList { rules: vec![deny], otherwise: true };
    router.network.configure(router.name, 1, LinkConfig { groups, ..role(Role::Router) });
    assert_eq!(router.memberships(), ["(*, 239.2.1.1)"]);
    router.report(ToEx, G, &[]);
    assert_eq!(router.memberships(), ["(*, 239.2.1.1)"]);
}

#[test]
fn t82_device_renamed_index_reused() {
    let mut router = Router::new();
    router.report(ToEx, G, &[]);
    router.network.event(router.name, Event::LinkGone { link: 1 });
    // Another device gets the index: the library has removed what it knew, and nothing comes back.
    router.network.forget_memberships(router.name);
    router.network.set_link(router.name, 1, up("10.7.0.1"));
    router.pass(10_000);
    assert!(router.memberships().is_empty() && router.saved().is_empty());
    assert!(router.queries().contains(&"Q3 from 10.7.0.1".to_string()));
}

#[test]
fn t83_flood_new_groups() {
    let mut router = Router::with(LinkConfig { max_groups: 1_000_000, ..role(Role::Router) });
    router.report(ToEx, G, &[]);
    router.pass(10_000);
    // Five seconds with 20,000 joins each.
    for n in 0..100_000_u32 {
        let group = std::net::Ipv4Addr::from(0xe100_0000 + n).to_string();
        router.message("10.0.0.66", &group, &codec::report_v2(ip(&group)));
        if n % 20 == 0 {
            router.pass(1);
        }
        if n % 20_000 == 0 {
            router.report(IsEx, G, &[]);
        }
    }
    let groups = router.memberships().len();
    assert!(groups <= 2_001 + 5_000, "2,000 at once, and 1,000 a second: {groups}");
    assert!(router.memberships().contains(&ALL.to_string()));
    let log = router.network.log(router.name);
    assert_eq!(log.iter().filter(|event| **event == LogEvent::CreationLimit).count(), 1);
}
