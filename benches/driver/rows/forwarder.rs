//! The time of the library for an entry of the kernel forwarder, without that of the kernel.

use super::{count, entries_in_forwarder, in_forwarder, round, with_unit, Goal, Line, Row};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "forwarder", needs, judge };

/// Nanoseconds beside MRT_ADD_MFC.
const GOAL: f64 = 500.0;

fn needs(scale: Scale) -> Vec<String> {
    [false, true].map(|hears| in_forwarder(ROW.name, scale, hears)).into()
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    [false, true]
        .map(|hears| {
            let spec = in_forwarder(ROW.name, scale, hears);
            let figure = |name| results.median(&spec, name);
            let own = figure("own_ns");
            let spread = |name| figure(name).map_or_else(|| "?".to_owned(), round);
            Line {
                measure: format!(
                    "packet that installs one of {} MFEs in the kernel, {}: in addition to MRT_ADD_MFC",
                    count(entries_in_forwarder(scale)),
                    if hears { "all callbacks" } else { "no callbacks" }
                ),
                ours: format!(
                    "{}, from {} to {}",
                    with_unit(own, "ns"),
                    spread("least_own_ns"),
                    spread("most_own_ns")
                ),
                baseline: format!(
                    "packet {}, MRT_ADD_MFC {}",
                    with_unit(figure("packet_ns"), "ns"),
                    with_unit(figure("bare_ns"), "ns")
                ),
                value: own,
                unit: "ns",
                goal: (!hears).then_some(Goal::AtMost(GOAL)),
                point: None,
            }
        })
        .into()
}
