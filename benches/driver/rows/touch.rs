//! A (*,g) join that changes ten thousand MFEs.

use super::{baseline, count, with_unit, Goal, Line, Row, ORDERS};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "touch", needs, judge };

fn needs(scale: Scale) -> Vec<String> {
    ORDERS.map(|order| spec(scale, order)).into()
}

fn spec(scale: Scale, order: &str) -> String {
    baseline("touch", scale.large, scale.large / scale.small, order)
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let mut lines = Vec::new();
    for order in ORDERS {
        for (what, figure) in [("join", "join_ns"), ("leave", "leave_ns")] {
            let each = results.median(&spec(scale, order), figure);
            lines.push(Line {
                measure: format!(
                    "(*,g) {what} that changes {} MFEs of {}, filled {order}: per MFE",
                    count(scale.small),
                    count(scale.large)
                ),
                ours: with_unit(each, "ns"),
                baseline: String::new(),
                value: each,
                unit: "ns",
                goal: Some(Goal::AtMost(100.0)),
                point: None,
            });
        }
    }
    lines
}
