//! The examples of docs/control.md as text.

use super::*;
use crate::table::WIDTH;
use mgm_control::flows::Flows;
use mgm_control::request::{FlowsQuery, GroupsQuery, InterfacesQuery, LogLevel, Membership};
use std::time::{Duration, Instant};

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

#[test]
fn rates_are_what_was_counted_between_two_tables() {
    let first: Flows = read(example("flows")).expect("valid");
    let mut rates = Rates::default();
    let begun = Instant::now();
    assert!(watched(&first, &mut rates, begun).contains(" - "), "nothing to compare with yet");
    let mut second = first.clone();
    second.flows[0].packets += 100;
    second.flows[0].octets += 125_000;
    let mut quiet = second.flows[0].clone();
    quiet.source = std::net::Ipv4Addr::new(10, 9, 0, 1);
    second.flows.insert(0, quiet);
    let text = watched(&second, &mut rates, begun + Duration::from_secs(2));
    assert_eq!(
        text,
        "SOURCE          GROUP           IN       PACKET/S   KBIT/S EXPIRES OUT\n\
         10.9.0.5        239.1.1.1       eth0         50.0    500.0   10:00 eth1\n\
         10.9.0.1        239.1.1.1       eth0            -        -   10:00 eth1\n"
    );
}

#[test]
fn an_answer_without_a_member_is_an_error() {
    assert!(answer(&Request::Status, "{\"api\":1}", true).is_err());
}
