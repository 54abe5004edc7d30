//! Leaves of all flows, and the release of an interface that is an oif of all MFEs.

use super::install::clients;
use super::{count, shapes, table, with_unit, Goal, Line, Row, ORDERS};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "leave", needs, judge };

/// The goal for the release in seconds, without callbacks.
const RELEASE: f64 = 0.3;

fn needs(scale: Scale) -> Vec<String> {
    specs(scale).map(|(_, _, _, spec)| spec).collect()
}

fn specs(scale: Scale) -> impl Iterator<Item = (usize, &'static str, bool, String)> {
    shapes(scale).into_iter().flat_map(move |groups| {
        ORDERS.into_iter().flat_map(move |order| {
            clients(scale, groups)
                .iter()
                .map(move |&hears| (groups, order, hears, table(scale.large, groups, order, hears)))
        })
    })
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let mut lines = Vec::new();
    for (groups, order, hears, spec) in specs(scale) {
        let what = format!("{} (s,g) over {} groups, {order}", count(scale.large), count(groups));
        let callbacks = |figure| {
            let number = results.median(&spec, figure).unwrap_or_default() as usize;
            format!("{} callbacks", count(number))
        };
        lines.push(Line {
            measure: format!("leave of {what}, {}", callbacks("leave_callbacks")),
            ours: with_unit(results.median(&spec, "leave_ns"), "ns"),
            baseline: format!(
                "join + packet {}, join {}, join again {}",
                with_unit(results.median(&spec, "install_ns"), "ns"),
                with_unit(results.median(&spec, "join_ns"), "ns"),
                with_unit(results.median(&spec, "rejoin_ns"), "ns")
            ),
            value: results.ratio((&spec, "leave_ns"), (&spec, "install_ns")),
            unit: "×",
            goal: Some(Goal::AtMost(1.0)),
            point: None,
        });
        let release = results.median(&spec, "release_s");
        lines.push(Line {
            measure: format!(
                "release of the interface of {what}, {}",
                callbacks("release_callbacks")
            ),
            ours: with_unit(release, "s"),
            baseline: String::new(),
            value: release,
            unit: "s",
            // No goal with callbacks, because their time is that of the clients.
            goal: (!hears).then_some(Goal::AtMost(RELEASE)),
            point: None,
        });
    }
    lines
}
