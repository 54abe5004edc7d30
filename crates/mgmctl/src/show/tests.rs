//! The examples of docs/control.md as text.

use super::*;
use crate::router::Overview;
use crate::table::WIDTH;
use mgm_control::flows::{Flows, Outgoing};
use mgm_control::library::Summary;
use mgm_control::request::{
    ClientsQuery, FlowsQuery, GroupsQuery, InterfacesQuery, LogLevel, Membership,
};
use mgm_control::status::{RegisterCounts, Status};
use std::time::Duration;

fn example(name: &str) -> &'static str {
    let page = include_str!("../../../../docs/control.md");
    let mark = format!("<!-- answer: {name} -->\n```json\n");
    let (_, rest) = page.split_once(&mark).unwrap_or_else(|| panic!("no example of {name}"));
    rest.split_once("```").expect("the example ends").0
}

fn shown(request: &Request, name: &str) -> String {
    let text = answer(request, example(name), true).expect(name);
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "{name}: {line}");
    }
    assert!(text.ends_with('\n') && !text.contains(" \n"), "{name}: {text}");
    text
}

#[test]
fn the_lists_are_tables() {
    let text = shown(&Request::Interfaces(InterfacesQuery::default()), "interfaces");
    assert_eq!(
        text,
        "INTERFACE       STATE   ROLE       QUERIER         GROUPS ADDRESSES\n\
         eth1            up      downstream this router         14 10.0.1.1/24\n"
    );
    let text = shown(&Request::Igmp(InterfacesQuery::default()), "igmp");
    assert_eq!(
        text,
        "INTERFACE       STATE   ROLE       V QUERIER         GROUPS RECEIVED DROPPED\n\
         eth1            up      downstream 3 10.0.1.1            14      120       2\n"
    );
    let hosts = GroupsQuery { hosts: true, ..GroupsQuery::default() };
    assert_eq!(
        shown(&Request::Groups(hosts), "groups"),
        "INTERFACE       GROUP           MODE     EXPIRES HOSTS SOURCES\n\
         eth1            232.1.1.1       include        -     1 10.9.0.5\n  \
         host          10.0.1.20       include     3:21       10.9.0.5\n\
         eth1            239.1.1.1       exclude     3:10     0 all, static\n"
    );
    assert_eq!(
        shown(&Request::Flows(FlowsQuery::default()), "flows"),
        "SOURCE          GROUP           IN       PACKETS  OCTETS EXPIRES OUT\n\
         10.9.0.5        239.1.1.1       eth0       90000    118M   10:00 eth1\n"
    );
    let second = answer(&Request::Flows(FlowsQuery::default()), example("flows"), false);
    assert_eq!(second.expect("valid").lines().count(), 1, "a further page has no headings");
}

#[test]
fn t9_10_clients_have_their_process_queue_and_latency() {
    let text = shown(&Request::Clients(ClientsQuery::default()), "clients");
    assert_eq!(
        text,
        "PROCESS          USER     IDS          QUEUE       ANSWERS STATE  INTERFACES\n\
         (the router)     -        10/0         0 + 0             - ok     eth1\n\
         pimd 812         root     200/1       12 + 3 85us / 12.4ms ok     eth0\n"
    );
    for (from, to) in [("active", "absent"), ("active", "grace"), ("active", "ended")] {
        let json = example("clients").replace(from, to);
        let text = answer(&Request::Clients(ClientsQuery::default()), &json, false);
        let text = text.expect("valid");
        assert!(text.contains(&format!(" {to:6} eth0")), "{text}");
    }
}

#[test]
fn one_link_is_shown_as_a_whole() {
    let query = InterfacesQuery { interface: "eth1".parse().ok(), ..InterfacesQuery::default() };
    let text = shown(&Request::Igmp(query), "igmp");
    for line in [
        "querier                          10.0.1.1 for 1:00, expires in 4:11",
        "startup queries                  2 × 31.2s",
        "dropped: bad checksum            2",
        "queries sent                     31",
    ] {
        assert!(text.lines().any(|shown| shown == line), "no {line:?} in\n{text}");
    }
    assert!(!text.contains("bad ttl"), "what is 0 is not shown: {text}");
}

#[test]
fn the_router_the_proxies_and_the_routes() {
    let text = shown(&Request::Status, "status");
    assert!(
        text.starts_with("mgmd           0.1.0 (library 0.1.0), process 711, up 24:00:00\n"),
        "{text}"
    );
    assert!(text.contains("\ninterfaces     2 of 3 up\n"), "{text}");
    assert!(text.contains("read 1:00:00 ago; 1 reload, 0 refused\n"), "{text}");
    let text = shown(&Request::Proxies, "proxies");
    assert!(text.contains("active         eth0, 14 groups reported\n"), "{text}");
    assert!(text.contains("downstream     eth1            forwarding\n"), "{text}");
    let text = shown(&Request::Routes, "routes");
    assert!(
        text.contains(
            "eth0       10.1.0.0/16        239.2.0.0/16       eth2           waiting 0\n"
        ),
        "{text}"
    );
    assert!(text.contains("(eth2 does not exist)"), "{text}");
}

#[test]
fn changes_are_one_line() {
    let group = std::net::Ipv4Addr::new(239, 1, 1, 1);
    let membership = Membership { interface: "eth1".parse().expect("a name"), source: None, group };
    let join = shown(&Request::Join(membership.clone()), "membership");
    assert_eq!(join, "eth1: (*, 239.1.1.1) added\n");
    assert_eq!(shown(&Request::Leave(membership), "membership"), "eth1: (*, 239.1.1.1) removed\n");
    assert_eq!(
        shown(&Request::Reload, "reload"),
        "/etc/mgmd/mgmd.toml: reloaded\n  interface eth1: changed\n"
    );
    let text = shown(&Request::LogLevel(LogLevel::Debug), "log");
    assert_eq!(text, "log level: debug (was info)\n");
}

/// The flows of the example, and a second one.
fn two_flows() -> Flows {
    let mut flows: Flows = read(example("flows")).expect("valid");
    let mut other = flows.flows[0].clone();
    other.source = std::net::Ipv4Addr::new(10, 9, 0, 1);
    flows.flows.insert(0, other);
    flows
}

#[test]
fn rates_are_what_was_counted_between_two_tables() {
    let mut watch = Watch::default();
    watch.update(two_flows(), Duration::from_secs(1));
    assert!(watch.table(WIDTH).contains(" - "), "nothing to compare with yet");
    let mut second = two_flows();
    second.flows[1].packets += 100;
    second.flows[1].octets += 125_000;
    watch.update(second, Duration::from_secs(3));
    assert_eq!(
        watch.table(WIDTH),
        "SOURCE          GROUP           IN       PACKET/S   KBIT/S EXPIRES OUT\n\
         10.9.0.5        239.1.1.1       eth0         50.0    500.0   10:00 eth1\n\
         10.9.0.1        239.1.1.1       eth0          0.0      0.0   10:00 eth1\n"
    );
    watch.update(two_flows(), Duration::from_secs(4));
    let text = watch.table(WIDTH);
    assert!(text.contains("10.9.0.5        239.1.1.1       eth0          0.0"), "{text}");
}

#[test]
fn a_wide_terminal_shows_more_of_a_flow() {
    let mut flows = two_flows();
    flows.flows[0].incoming.interface = Some("a-very-long-one".into());
    let out = flows.flows[0].outgoing[0].clone();
    let hop = |index| Outgoing {
        interface: None,
        index,
        next_hop: Some(std::net::Ipv4Addr::new(10, 0, 0, 9)),
        ..out.clone()
    };
    flows.flows[0].outgoing = (2..6).map(hop).collect();
    let mut watch = Watch::default();
    watch.update(flows, Duration::ZERO);
    let (narrow, wide) = (watch.table(WIDTH), watch.table(150));
    assert!(narrow.lines().all(|line| line.chars().count() <= WIDTH), "{narrow}");
    let lines: Vec<&str> = wide.lines().collect();
    assert!(lines[1].ends_with("#2/10.0.0.9, #3/10.0.0.9, #4/10.0.0.9, #5/10.0.0.9"), "{wide}");
    assert_eq!(lines[0].find("OUT"), lines[2].find("eth1"), "the columns stay in line: {wide}");
}

/// The status of docs/status.md.
fn library_status() -> &'static str {
    let page = include_str!("../../../../docs/status.md");
    let (_, rest) = page.split_once("```json\n").expect("an example");
    rest.split_once("```").expect("the example ends").0
}

#[test]
fn the_status_of_a_library_is_shown() {
    let text = library(&library_status().replace("\"refused_flows\":0", "\"refused_flows\":1"));
    assert_eq!(
        text.expect("valid"),
        "library        0.1.0, up 5.1s\n\
         forwarder      memory\n\
         interfaces     2 taken by clients\n\
         memberships    1\n\
         flows          1, 0 being resolved\n\
         upcalls        0, 0 lost\n\
         clients        2\n               \
         1 flow refused in the last 10 s\n"
    );
    assert!(library("{}").is_err());
}

#[test]
fn packet_filters_without_effect_are_named() {
    let chains =
        ["\"bypassed_chains\":[]", "\"bypassed_chains\":[\"ip filter FORWARD\",\"b c d\"]"];
    let text = library(&library_status().replace(chains[0], chains[1])).expect("valid");
    let line = "               bypasses ip filter FORWARD, b c d: filter at tc egress\n";
    assert!(text.contains(line), "{text}");
    let mut status: Status = read(example("status")).expect("valid");
    status.bypassed_chains = vec!["ip filter FORWARD".into(), "inet firewalld filter".into()];
    let text = super::whole::status(&status);
    let line = "               bypasses ip filter FORWARD, +1: filter at tc egress\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn registers_are_counted_if_they_are_received() {
    let mut status: Status = read(example("status")).expect("valid");
    assert!(!super::whole::status(&status).contains("registers"));
    let dropped = [("checksum".to_owned(), 2), ("own".to_owned(), 1)].into();
    let counts = RegisterCounts { received: 12, forwarded: 8, null: 1, dropped };
    status.registers = Some(counts);
    let text = super::whole::status(&status);
    assert!(text.contains("PIM registers  12, 3 dropped\n"), "{text}");
}

#[test]
fn the_head_of_top_fits_a_terminal() {
    let summary = Summary::read(library_status()).expect("valid");
    let status: Status = read(example("status")).expect("valid");
    let heads = [Overview::Library(Box::new(summary)), Overview::Mgmd(Box::new(status))];
    let heads = heads.map(|router| head(&router).join("\n"));
    assert_eq!(
        heads,
        [
            "libmgm 0.1.0 (memory), up 5.1s; 2 clients, 2 interfaces\n\
             1 flow, 0 being resolved; 0 upcalls, 0 lost",
            "mgmd 0.1.0 (kernel), up 24:00:00; 2 of 3 interfaces up\n\
             31 flows, 0 being resolved; 14 groups",
        ]
    );
}

#[test]
fn an_answer_without_a_member_is_an_error() {
    assert!(answer(&Request::Status, "{\"api\":1}", true).is_err());
}
