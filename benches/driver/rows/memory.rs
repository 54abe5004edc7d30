//! The resident memory of a flow: its membership and its MFE.

use super::{count, shapes, table, with_unit, Goal, Line, Row, ORDERS};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "memory", needs, judge };

/// Bytes of an entry of the kernel, for comparison. benches/peers measures the memory of other routers.
const KERNEL: &str = "kernel 192";

fn needs(scale: Scale) -> Vec<String> {
    let specs =
        shapes(scale).map(|groups| ORDERS.map(|order| table(scale.large, groups, order, false)));
    specs.concat()
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let mut lines = Vec::new();
    for groups in shapes(scale) {
        for order in ORDERS {
            let spec = table(scale.large, groups, order, false);
            let bytes = results.median(&spec, "bytes");
            lines.push(Line {
                measure: format!(
                    "resident memory per flow, {} (s,g) over {} groups, {order}",
                    count(scale.large),
                    count(groups)
                ),
                ours: format!(
                    "{}, {} at the peak",
                    with_unit(bytes, "bytes"),
                    with_unit(results.median(&spec, "peak_bytes"), "bytes")
                ),
                baseline: KERNEL.to_owned(),
                value: bytes,
                unit: "bytes",
                goal: Some(Goal::Stretch(160.0, 128.0)),
                point: None,
            });
        }
    }
    lines
}
