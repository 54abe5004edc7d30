//! Alerts to a thousand clients.

use super::{count, with_unit, Goal, Line, Row};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "fanout", needs, judge };

/// With the clients, and without them. A call without clients is short, so more of them are measured.
fn specs(scale: Scale) -> [String; 2] {
    let calls = scale.small / 10;
    [
        format!("fanout clients={} calls={calls}", scale.clients),
        format!("fanout clients=0 calls={}", scale.small),
    ]
}

fn needs(scale: Scale) -> Vec<String> {
    specs(scale).into()
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let [many, none] = specs(scale);
    [("join", "JOIN_ALERT", "join_ns"), ("leave", "PRUNE_ALERT", "leave_ns")]
        .map(|(what, alert, figure)| {
            let (call, own) = (results.median(&many, figure), results.median(&none, figure));
            let each = call.zip(own).map(|(call, own)| (call - own) / scale.clients as f64);
            Line {
                measure: format!(
                    "{alert} of a (*,g) {what} to {} clients: per client",
                    count(scale.clients)
                ),
                ours: with_unit(each, "ns"),
                baseline: format!(
                    "the call {}, without the clients {}",
                    with_unit(call, "ns"),
                    with_unit(own, "ns")
                ),
                value: each,
                unit: "ns",
                goal: Some(Goal::AtMost(60.0)),
                point: None,
            }
        })
        .into()
}
