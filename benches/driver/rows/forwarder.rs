//! What MGM takes for an entry beside what the kernel takes.

use super::{count, round, with_unit, Goal, Line, Row};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "forwarder", needs, judge };

/// Nanoseconds that are our own.
const GOAL: f64 = 500.0;

fn needs(scale: Scale) -> Vec<String> {
    [false, true].map(|hears| spec(scale, hears)).into()
}

fn entries(scale: Scale) -> usize {
    scale.large / 10
}

fn spec(scale: Scale, hears: bool) -> String {
    let (size, hears) = (entries(scale), u8::from(hears));
    format!("forwarder size={size} groups={} order=ascending hears={hears}", size / 100)
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    [false, true]
        .map(|hears| {
            let spec = spec(scale, hears);
            let figure = |name| results.median(&spec, name);
            let own = figure("own_ns");
            let spread = |name| figure(name).map_or_else(|| "?".to_owned(), round);
            Line {
                measure: format!(
                    "packet that installs one of {} MFEs in the kernel, {}: in addition to MRT_ADD_MFC",
                    count(entries(scale)),
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
