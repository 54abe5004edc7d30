//! MgmGetMfe in random order.

use super::{baseline, count, shapes, table, with_unit, Goal, Line, Row, ORDERS};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "get", needs, judge };

fn needs(scale: Scale) -> Vec<String> {
    let mut specs = Vec::new();
    for groups in shapes(scale) {
        specs.extend(ORDERS.map(|order| table(scale.large, groups, order, false)));
        specs.push(baseline("hashmap", scale.large, groups, ORDERS[1]));
    }
    specs
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let mut lines = Vec::new();
    for groups in shapes(scale) {
        let map = baseline("hashmap", scale.large, groups, ORDERS[1]);
        for order in ORDERS {
            let ours = table(scale.large, groups, order, false);
            lines.push(Line {
                measure: format!(
                    "MgmGetMfe at random in {} over {} groups, filled {order}",
                    count(scale.large),
                    count(groups)
                ),
                ours: with_unit(results.median(&ours, "get_ns"), "ns"),
                baseline: format!("HashMap {}", with_unit(results.median(&map, "get_ns"), "ns")),
                value: results.ratio((&ours, "get_ns"), (&map, "get_ns")),
                unit: "×",
                goal: Some(Goal::AtMost(2.0)),
                point: None,
            });
        }
    }
    lines
}
