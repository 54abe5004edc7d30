//! The rows of the table. Each returns the probes that it needs, and compares their figures with goals.

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
    /// Its name in `make bench BENCH=…`.
    pub name: &'static str,
    /// The probes that it needs.
    pub needs: fn(Scale) -> Vec<String>,
    /// The lines of the table that their figures give.
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

/// One line: what was measured, what it is compared with, and its goal.
pub struct Line {
    pub measure: String,
    /// The library's figure, with its unit.
    pub ours: String,
    /// What it is compared with; empty if with nothing.
    pub baseline: String,
    /// The figure that has the goal; none if it could not be measured.
    pub value: Option<f64>,
    pub unit: &'static str,
    /// None if the line has no goal.
    pub goal: Option<Goal>,
    /// Its place in the plot: the curve, and the number of entries.
    pub point: Option<(String, usize)>,
}

#[derive(Clone, Copy)]
pub enum Goal {
    AtMost(f64),
    /// At most the first number; the second is the stretch goal.
    Stretch(f64, f64),
    AtLeast(f64),
}

/// The orders in which tables are filled.
pub const ORDERS: [&str; 2] = ["ascending", "shuffled"];

/// The shape of the tables: over a thousand groups, and a group for each entry.
fn shapes(scale: Scale) -> [usize; 2] {
    [(scale.large / 1000).max(1), scale.large]
}

/// The probe of the library's table. Clients that hear have all callbacks; others have none.
fn table(size: usize, groups: usize, order: &str, hears: bool) -> String {
    format!("table size={size} groups={groups} order={order} hears={}", u8::from(hears))
}

/// How many MFEs the probes of one forwarder install.
fn entries_in_forwarder(scale: Scale) -> usize {
    scale.large / 10
}

/// The probe of this name, which installs MFEs in one forwarder.
fn in_forwarder(name: &str, scale: Scale, hears: bool) -> String {
    let (size, hears) = (entries_in_forwarder(scale), u8::from(hears));
    format!("{name} size={size} groups={} order=ascending hears={hears}", size / 100)
}

/// A probe of a baseline.
fn baseline(kind: &str, size: usize, groups: usize, order: &str) -> String {
    format!("{kind} size={size} groups={groups} order={order}")
}

/// A number with commas: 1,000,000.
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

/// A figure with its unit, or "not measured".
fn with_unit(figure: Option<f64>, unit: &str) -> String {
    figure.map_or_else(|| "not measured".to_owned(), |figure| format!("{} {unit}", round(figure)))
}

/// Three significant digits.
pub fn round(figure: f64) -> String {
    let decimals = match figure.abs() {
        f if f >= 100.0 => 0,
        f if f >= 10.0 => 1,
        _ => 2,
    };
    format!("{figure:.decimals$}")
}
