//! IGMP on the links.

use super::lists::{role, state};
use crate::table::{count, duration, perhaps, Column, Table};
use mgm_control::igmp::{IgmpCounters, IgmpLink, IgmpLinks, Timers};
use serde_json::Value;

const LINKS: &[Column] = &[
    ("INTERFACE", 15),
    ("STATE", 7),
    ("ROLE", 10),
    ("V", 1),
    ("QUERIER", 15),
    ("GROUPS", -6),
    ("RECEIVED", -8),
    ("DROPPED", -7),
];

/// `mgmctl igmp`.
pub fn links(answer: &IgmpLinks, is_first: bool) -> String {
    let mut table = Table::new(LINKS);
    if is_first {
        table.headings();
    }
    for link in &answer.links {
        table.row(&[
            link.interface.clone(),
            state(link.state).into(),
            role(link.role).into(),
            link.version.to_string(),
            querier(link),
            link.groups.to_string(),
            count(link.counters.received),
            count(dropped(&link.counters)),
        ]);
    }
    table.finish()
}

fn querier(link: &IgmpLink) -> String {
    match &link.querier {
        None => "-".into(),
        Some(querier) if querier.own => "this router".into(),
        Some(querier) => querier.address.map_or_else(|| "none".into(), |a| a.to_string()),
    }
}

fn dropped(counters: &IgmpCounters) -> u64 {
    counters.dropped.values().sum()
}

/// `mgmctl igmp INTERFACE`: the same, with all times and
/// counters.
pub fn details(answer: &IgmpLinks) -> String {
    answer.links.iter().map(link).collect()
}

fn link(link: &IgmpLink) -> String {
    let version = if link.version == link.configured_version {
        format!("{}", link.version)
    } else {
        format!("{} ({} is configured)", link.version, link.configured_version)
    };
    let mut lines = vec![
        ("interface", format!("{}, {}", link.interface, state(link.state))),
        ("role", role(link.role).into()),
        ("version", version),
        ("querier", election(link)),
        ("groups", format!("{} of at most {}", link.groups, link.max_groups)),
        ("leave", link.leave.clone()),
    ];
    if !link.memberships_in_library {
        lines.push(("memberships", "missing in the library at the moment".into()));
    }
    lines.extend(timers(&link.timers));
    let facts = lines.iter().map(|(name, value)| format!("{name:32} {value}\n"));
    facts.collect::<String>() + &counters(&link.counters)
}

fn election(link: &IgmpLink) -> String {
    let Some(querier) = &link.querier else { return querier(link) };
    let since = duration(querier.since_ms);
    let until = querier.other_expires_in_ms.filter(|_| !querier.own);
    let until = until.map_or_else(String::new, |left| format!(", expires in {}", duration(left)));
    let v1 = querier.v1_querier_present_ms;
    let v1 = v1.map_or_else(String::new, |_| format!(", IGMPv1 querier for {}", perhaps(v1)));
    format!("{} for {since}{until}{v1}", self::querier(link))
}

fn timers(timers: &Timers) -> Vec<(&'static str, String)> {
    let of = |interval, number: u8| format!("{number} × {}", duration(interval));
    vec![
        ("robustness", timers.robustness.to_string()),
        ("query interval", duration(timers.query_interval_ms)),
        ("query response interval", duration(timers.query_response_interval_ms)),
        ("startup queries", of(timers.startup_query_interval_ms, timers.startup_query_count)),
        (
            "last member queries",
            of(timers.last_member_query_interval_ms, timers.last_member_query_count),
        ),
        ("group membership interval", duration(timers.group_membership_interval_ms)),
        ("other querier present interval", duration(timers.other_querier_present_interval_ms)),
        ("older host present interval", duration(timers.older_host_present_interval_ms)),
    ]
}

/// The counters that are not 0, by the names that they have in the answer.
fn counters(counters: &IgmpCounters) -> String {
    let mut text = String::new();
    let Ok(Value::Object(all)) = serde_json::to_value(counters) else { return text };
    let mut line = |name: &str, number: &Value| {
        if let Some(number) = number.as_u64().filter(|number| *number > 0) {
            text.push_str(&format!("{:32} {number}\n", name.replace('_', " ")));
        }
    };
    for (name, value) in &all {
        match value {
            Value::Object(reasons) => {
                reasons.iter().for_each(|(reason, n)| line(&format!("dropped: {reason}"), n));
            }
            number => line(name, number),
        }
    }
    text
}
