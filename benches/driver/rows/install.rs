//! A join and a packet, which installs an MFE.

use super::{baseline, count, shapes, table, with_unit, Goal, Line, Row, ORDERS};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "install", needs, judge };

/// The goals, compared with MRT_ADD_MFC alone, by order: without callbacks, and with all callbacks.
const AGAINST_KERNEL: [[f64; 2]; 2] = [[0.3, 0.6], [0.5, 0.65]];
/// The goals for an entry of a large table, compared with one of a small table.
const AGAINST_SMALL: [f64; 2] = [3.0, 6.0];

fn needs(scale: Scale) -> Vec<String> {
    let mut specs = Vec::new();
    for groups in shapes(scale) {
        for order in ORDERS {
            for &hears in clients(scale, groups) {
                specs.push(table(scale.large, groups, order, hears));
                specs.push(table(scale.small, small_groups(scale, groups), order, hears));
            }
            specs.push(baseline("kernel", scale.large, groups, order));
        }
    }
    specs
}

/// Clients without callbacks and, for one shape, also clients with all callbacks.
pub(super) fn clients(scale: Scale, groups: usize) -> &'static [bool] {
    if groups == shapes(scale)[0] {
        &[false, true]
    } else {
        &[false]
    }
}

/// The groups of the small table: with as many entries each as in the large table, or one for each entry.
fn small_groups(scale: Scale, groups: usize) -> usize {
    (scale.small * groups / scale.large).max(1)
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let mut lines = Vec::new();
    for groups in shapes(scale) {
        for (i, order) in ORDERS.into_iter().enumerate() {
            let kernel = baseline("kernel", scale.large, groups, order);
            for &hears in clients(scale, groups) {
                let large = table(scale.large, groups, order, hears);
                let small = table(scale.small, small_groups(scale, groups), order, hears);
                let what = format!(
                    "join + packet, {} (s,g) over {} groups, {order}, {}",
                    count(scale.large),
                    count(groups),
                    if hears { "all callbacks" } else { "no callbacks" }
                );
                let ours = with_unit(results.median(&large, "install_ns"), "ns");
                lines.push(Line {
                    measure: what.clone(),
                    ours: ours.clone(),
                    baseline: format!(
                        "MRT_ADD_MFC {}",
                        with_unit(results.median(&kernel, "add_ns"), "ns")
                    ),
                    value: results.ratio((&large, "install_ns"), (&kernel, "add_ns")),
                    unit: "×",
                    goal: Some(Goal::AtMost(AGAINST_KERNEL[usize::from(hears)][i])),
                    point: None,
                });
                lines.push(Line {
                    measure: format!("{what}: compared with {} entries", count(scale.small)),
                    ours,
                    baseline: with_unit(results.median(&small, "install_ns"), "ns"),
                    value: results.ratio((&large, "install_ns"), (&small, "install_ns")),
                    unit: "×",
                    goal: Some(Goal::AtMost(AGAINST_SMALL[i])),
                    point: None,
                });
            }
        }
    }
    lines
}
