//! Listings of all MFEs, and of all groups.

use super::{baseline, count, shapes, table, with_unit, Goal, Line, Row, ORDERS};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "walk", needs, judge };

fn needs(scale: Scale) -> Vec<String> {
    let mut specs = Vec::new();
    for groups in shapes(scale) {
        for order in ORDERS {
            specs.push(table(scale.large, groups, order, false));
            specs.push(baseline("btreemap", scale.large, groups, order));
        }
    }
    specs
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let mut lines = Vec::new();
    for (what, figure) in
        [("MgmGetFirstMfe/NextMfe", "walk_ns"), ("group enumeration", "groups_ns")]
    {
        for groups in shapes(scale) {
            for order in ORDERS {
                let ours = table(scale.large, groups, order, false);
                let map = baseline("btreemap", scale.large, groups, order);
                lines.push(Line {
                    measure: format!(
                        "{what} of {} over {} groups, filled {order}",
                        count(scale.large),
                        count(groups)
                    ),
                    ours: with_unit(results.median(&ours, figure), "ns"),
                    baseline: format!("BTreeMap {}", with_unit(results.median(&map, figure), "ns")),
                    value: results.ratio((&ours, figure), (&map, figure)),
                    unit: "×",
                    goal: Some(Goal::Stretch(1.5, 0.5)),
                    point: None,
                });
            }
        }
    }
    lines
}
