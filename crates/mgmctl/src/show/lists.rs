//! Interfaces and groups.

use crate::table::{cut, list, perhaps, Column, Table};
use mgm_control::groups::{FilterMode, Group, Groups, Host};
use mgm_control::interfaces::{Interface, InterfaceState, Interfaces, Role};

const INTERFACES: &[Column] = &[
    ("INTERFACE", 15),
    ("STATE", 7),
    ("ROLE", 10),
    ("QUERIER", 15),
    ("GROUPS", -6),
    ("ADDRESSES", 0),
];

const GROUPS: &[Column] = &[
    ("INTERFACE", 15),
    ("GROUP", 15),
    ("MODE", 7),
    ("EXPIRES", -8),
    ("HOSTS", -5),
    ("SOURCES", 0),
];

pub(super) fn state(state: InterfaceState) -> &'static str {
    match state {
        InterfaceState::Up => "up",
        InterfaceState::Down => "down",
        InterfaceState::Missing => "missing",
    }
}

pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Router => "router",
        Role::Upstream => "upstream",
        Role::Downstream => "downstream",
        Role::NoIgmp => "no igmp",
    }
}

/// `mgmctl interfaces`.
pub fn interfaces(answer: &Interfaces, is_first: bool) -> String {
    let mut table = Table::new(INTERFACES);
    if is_first {
        table.headings();
    }
    for interface in &answer.interfaces {
        let Interface { name, igmp, .. } = interface;
        let querier = igmp.as_ref().map_or_else(
            || "-".into(),
            |igmp| match (igmp.querier, igmp.querier_address) {
                (true, _) => "this router".into(),
                (false, Some(address)) => address.to_string(),
                (false, None) => "none".into(),
            },
        );
        let groups = igmp.as_ref().map_or_else(|| "-".into(), |igmp| igmp.groups.to_string());
        table.row(&[
            cut(name, 15),
            state(interface.state).into(),
            role(interface.role).into(),
            querier,
            groups,
            list(&interface.addresses, 22),
        ]);
    }
    table.finish()
}

/// `mgmctl groups`.
pub fn groups(answer: &Groups, with_hosts: bool, is_first: bool) -> String {
    let mut table = Table::new(GROUPS);
    if is_first {
        table.headings();
    }
    for group in &answer.groups {
        table.row(&[
            group.interface.clone(),
            group.group.to_string(),
            mode(group.mode).into(),
            perhaps(group.expires_in_ms),
            group.host_count.map_or_else(|| "-".into(), |count| count.to_string()),
            sources(group),
        ]);
        for host in group.hosts.iter().flatten().filter(|_| with_hosts) {
            table.row(&host_row(host));
        }
    }
    table.finish()
}

fn mode(mode: FilterMode) -> &'static str {
    match mode {
        FilterMode::Include => "include",
        FilterMode::Exclude => "exclude",
    }
}

/// What is forwarded to the link: "all", "10.0.0.1", "all but 10.0.0.1", "static".
fn sources(group: &Group) -> String {
    let of = |forwarded| {
        let sources = group.sources.iter().filter(move |source| source.forwarded == forwarded);
        sources.map(|source| source.source.to_string()).collect::<Vec<String>>()
    };
    let blocked = of(false);
    let hosts = match group.mode {
        FilterMode::Exclude if blocked.is_empty() => "all".into(),
        FilterMode::Exclude => format!("all but {}", list(&blocked, 16)),
        FilterMode::Include if group.sources.is_empty() => String::new(),
        FilterMode::Include => list(&of(true), 24),
    };
    match (group.static_memberships.is_empty(), hosts.is_empty()) {
        (true, _) => hosts,
        (false, true) => "static".into(),
        (false, false) => format!("{hosts}, static"),
    }
}

fn host_row(host: &Host) -> [String; 6] {
    let sources: Vec<String> = host.sources.iter().map(ToString::to_string).collect();
    let wanted = match host.mode {
        FilterMode::Exclude if sources.is_empty() => "all".into(),
        FilterMode::Exclude => format!("all but {}", list(&sources, 16)),
        FilterMode::Include => list(&sources, 24),
    };
    let (host, mode, until) = (host.host, mode(host.mode), perhaps(Some(host.expires_in_ms)));
    ["  host".into(), host.to_string(), mode.into(), until, String::new(), wanted]
}
