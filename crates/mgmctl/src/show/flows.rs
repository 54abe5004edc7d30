//! The table of flows, without and with rates.

use super::name;
use crate::table::{count, list, perhaps, Column, Table};
use mgm_control::flows::{Flow, Flows};
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Instant;

const FLOWS: &[Column] = &[
    ("SOURCE", 15),
    ("GROUP", 15),
    ("IN", 8),
    ("PACKETS", -7),
    ("OCTETS", -7),
    ("EXPIRES", -7),
    ("OUT", 0),
];

const WATCHED: &[Column] = &[
    ("SOURCE", 15),
    ("GROUP", 15),
    ("IN", 8),
    ("PACKET/S", -8),
    ("KBIT/S", -8),
    ("EXPIRES", -7),
    ("OUT", 0),
];

/// How wide the last column is.
const OUT: usize = 14;

/// `mgmctl flows`.
pub fn flows(answer: &Flows, is_first: bool) -> String {
    let mut table = Table::new(FLOWS);
    if is_first {
        table.headings();
    }
    for flow in &answer.flows {
        table.row(&row(flow, [count(flow.packets), count(flow.octets)]));
    }
    table.finish()
}

fn row(flow: &Flow, [packets, octets]: [String; 2]) -> [String; 7] {
    let outgoing: Vec<String> =
        flow.outgoing.iter().map(|out| name(out.interface.as_ref(), out.index)).collect();
    [
        flow.source.to_string(),
        flow.group.to_string(),
        name(flow.incoming.interface.as_ref(), flow.incoming.index),
        packets,
        octets,
        perhaps(flow.expires_in_ms),
        list(&outgoing, OUT),
    ]
}

/// The counters of the flows at the last table.
#[derive(Debug, Default)]
pub struct Rates {
    at: Option<Instant>,
    counters: HashMap<(Ipv4Addr, Ipv4Addr), (u64, u64)>,
}

/// A table of `mgmctl flows --watch`: the busiest flows first.
pub fn watched(answer: &Flows, rates: &mut Rates, now: Instant) -> String {
    let seconds = rates.at.map(|at| now.saturating_duration_since(at).as_secs_f64());
    let mut rows: Vec<(Option<(f64, f64)>, &Flow)> = Vec::new();
    let mut counters = HashMap::new();
    for flow in &answer.flows {
        let key = (flow.source, flow.group);
        let before = rates.counters.get(&key);
        let rate = before.zip(seconds.filter(|s| *s > 0.0)).map(|((packets, octets), seconds)| {
            // If an MFE has ended and was created again, its counter begins at 0.
            let packets = flow.packets.saturating_sub(*packets) as f64 / seconds;
            let octets = flow.octets.saturating_sub(*octets) as f64 / seconds;
            (packets, octets * 8.0 / 1_000.0)
        });
        rows.push((rate, flow));
        counters.insert(key, (flow.packets, flow.octets));
    }
    *rates = Rates { at: Some(now), counters };
    let busy = |row: &(Option<(f64, f64)>, &Flow)| row.0.map_or(0.0, |(_, kilobits)| kilobits);
    rows.sort_by(|one, other| busy(other).total_cmp(&busy(one)));
    let mut table = Table::new(WATCHED);
    table.headings();
    for (rate, flow) in rows {
        let shown = match rate {
            Some((packets, kilobits)) => [format!("{packets:.1}"), format!("{kilobits:.1}")],
            None => ["-".into(), "-".into()],
        };
        table.row(&row(flow, shown));
    }
    table.finish()
}
