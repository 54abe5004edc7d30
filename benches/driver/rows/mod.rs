//! The rows of the table: each says which probes it needs, and judges what they found.

mod curve;
mod ebpf;
mod expiry;
mod fanout;
mod forward;
mod forwarder;
mod get;
mod install;
mod leave;
mod memory;
mod remote;
mod stats;
mod threads;
mod touch;
mod walk;

use crate::plan::{Results, Scale};

/// One row of the table.
pub struct Row {
    /// What `BENCH=` takes.
    pub name: &'static str,
    /// The probes that it needs.
    pub needs: fn(Scale) -> Vec<String>,
    /// What it makes of their figures.
    pub judge: fn(Scale, &Results) -> Vec<Line>,
}

pub const ROWS: [Row; 15] = [
    install::ROW,
    forwarder::ROW,
    ebpf::ROW,
    forward::ROW,
    leave::ROW,
    get::ROW,
    walk::ROW,
    stats::ROW,
    memory::ROW,
    touch::ROW,
    fanout::ROW,
    threads::ROW,
    expiry::ROW,
    remote::ROW,
    curve::ROW,
];

/// One line: what was measured, beside what, and how it compares with the goal.
pub struct Line {
    pub measure: String,
    /// Ours, with its unit.
    pub ours: String,
    /// What it is compared with; empty if with nothing.
    pub baseline: String,
    /// What the goal is about; none if there is nothing to compare with.
    pub value: Option<f64>,
    pub unit: &'static str,
    /// At most, or at least; none where the line is told for the record.
    pub goal: Option<Goal>,
    /// Where it stands in the plot: the curve, and the number of entries.
    pub point: Option<(String, usize)>,
}

#[derive(Clone, Copy)]
pub enum Goal {
    AtMost(f64),
    /// At most the first; the second would be better still.
    Stretch(f64, f64),
    AtLeast(f64),
}

/// The orders that entries come in.
pub const ORDERS: [&str; 2] = ["ascending", "shuffled"];

/// The shape of the tables: over a thousand groups, and a group for each entry.
fn shapes(scale: Scale) -> [usize; 2] {
    [(scale.large / 1000).max(1), scale.large]
}

/// The probe of our table. Clients that hear get all their callbacks; others have none.
fn table(size: usize, groups: usize, order: &str, hears: bool) -> String {
    format!("table size={size} groups={groups} order={order} hears={}", u8::from(hears))
}

/// A probe of a baseline.
fn baseline(kind: &str, size: usize, groups: usize, order: &str) -> String {
    format!("{kind} size={size} groups={groups} order={order}")
}

/// A number as people write it: 1,000,000.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A figure with its unit, or that there is none.
fn with_unit(figure: Option<f64>, unit: &str) -> String {
    figure.map_or_else(|| "not measured".to_owned(), |figure| format!("{} {unit}", round(figure)))
}

/// Three digits that matter.
pub fn round(figure: f64) -> String {
    let decimals = match figure.abs() {
        f if f >= 100.0 => 0,
        f if f >= 10.0 => 1,
        _ => 2,
    };
    format!("{figure:.decimals$}")
}
