//! The table of flows, without and with rates.

use super::name;
use crate::table::{count, list, perhaps, Column, Table};
use mgm_control::flows::{Flow, Flows};
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

const FLOWS: &[Column] = &[
    ("SOURCE", 15),
    ("GROUP", 15),
    ("IN", 8),
    ("PACKETS", -7),
    ("OCTETS", -7),
    ("EXPIRES", -7),
    ("OUT", 0),
];

/// How wide the last column is.
const OUT: usize = 14;

/// How wide a table of [`Watch`] is without the columns `IN` and `OUT`.
const OTHERS: usize = 58;

/// `mgmctl flows`.
pub fn flows(answer: &Flows, is_first: bool) -> String {
    let mut table = Table::new(FLOWS);
    if is_first {
        table.headings();
    }
    for flow in &answer.flows {
        table.row(&row(flow, [count(flow.packets), count(flow.octets)], OUT));
    }
    table.finish()
}

fn row(flow: &Flow, [packets, octets]: [String; 2], out: usize) -> [String; 7] {
    let outgoing: Vec<String> = flow
        .outgoing
        .iter()
        .map(|out| interface(out.interface.as_ref(), out.index, out.next_hop))
        .collect();
    [
        flow.source.to_string(),
        flow.group.to_string(),
        incoming(flow),
        packets,
        octets,
        perhaps(flow.expires_in_ms),
        list(&outgoing, out),
    ]
}

fn incoming(flow: &Flow) -> String {
    let incoming = &flow.incoming;
    interface(incoming.interface.as_ref(), incoming.index, incoming.next_hop)
}

/// An interface, with the neighbour on a point-to-multipoint link.
fn interface(named: Option<&String>, index: u32, next_hop: Option<Ipv4Addr>) -> String {
    let name = name(named, index);
    next_hop.map_or_else(|| name.clone(), |next_hop| format!("{name}/{next_hop}"))
}

/// The flows of a router that is asked repeatedly, with their rates.
#[derive(Debug, Default)]
pub struct Watch {
    /// When the router was asked last.
    at: Option<Duration>,
    /// The busiest first. Where the rates are equal, in the order of the answer, so that lines stay
    /// in place.
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    /// Packets and kilobits a second; none at the first sight of a flow.
    rate: Option<(f64, f64)>,
    flow: Flow,
}

impl Watch {
    /// Takes the flows of an answer. `at` is the time of the answer, by any clock.
    pub fn update(&mut self, flows: Flows, at: Duration) {
        let seconds = self.at.map_or(0.0, |before| at.saturating_sub(before).as_secs_f64());
        let before: HashMap<(Ipv4Addr, Ipv4Addr), (u64, u64)> = std::mem::take(&mut self.rows)
            .into_iter()
            .map(|Row { flow, .. }| ((flow.source, flow.group), (flow.packets, flow.octets)))
            .collect();
        let row = |flow: Flow| {
            let before = before.get(&(flow.source, flow.group)).filter(|_| seconds > 0.0);
            let rate = before.map(|(packets, octets)| {
                // If an MFE has ended and was created again, its counter begins at 0.
                let packets = flow.packets.saturating_sub(*packets) as f64 / seconds;
                let octets = flow.octets.saturating_sub(*octets) as f64 / seconds;
                (packets, octets * 8.0 / 1_000.0)
            });
            Row { rate, flow }
        };
        self.rows = flows.flows.into_iter().map(row).collect();
        self.rows.sort_by(|one, other| {
            let [one, other] = [one, other].map(|row| row.rate.unwrap_or_default());
            other.1.total_cmp(&one.1).then(other.0.total_cmp(&one.0))
        });
        self.at = Some(at);
    }

    /// The flows as a table of this width.
    pub fn table(&self, width: usize) -> String {
        let widest = self.rows.iter().map(|row| incoming(&row.flow).chars().count()).max();
        let widest = widest.unwrap_or(0).clamp(8, 40);
        let columns = [
            ("SOURCE", 15),
            ("GROUP", 15),
            ("IN", i8::try_from(widest).unwrap_or(8)),
            ("PACKET/S", -8),
            ("KBIT/S", -8),
            ("EXPIRES", -7),
            ("OUT", 0),
        ];
        let mut table = Table::of_width(&columns, width);
        table.headings();
        let out = width.saturating_sub(OTHERS + widest).max(OUT);
        for Row { rate, flow } in &self.rows {
            let shown = match rate {
                Some((packets, kilobits)) => [format!("{packets:.1}"), format!("{kilobits:.1}")],
                None => ["-".into(), "-".into()],
            };
            table.row(&row(flow, shown, out));
        }
        table.finish()
    }
}
