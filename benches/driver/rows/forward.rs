//! The packets that the ebpf forwarder forwards in a second, compared with the kernel's multicast
//! routing.

use super::{Goal, Line, Row};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "forward", needs, judge };

/// The number of oifs, and the goal: how many times the packets of the kernel's multicast routing.
const GOALS: [(usize, f64); 3] = [(1, 1.1), (4, 1.3), (16, 1.5)];

fn needs(scale: Scale) -> Vec<String> {
    GOALS.map(|(oifs, _)| spec(scale, oifs)).into()
}

fn spec(scale: Scale, oifs: usize) -> String {
    format!("forward oifs={oifs} packets={}", scale.large / 5 / oifs)
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    GOALS
        .map(|(oifs, goal)| {
            let spec = spec(scale, oifs);
            let speed = |name| match results.median(&spec, name) {
                Some(speed) => format!("{:.0},000 packets/s", speed / 1000.0),
                None => "not measured".to_owned(),
            };
            Line {
                measure: format!("packets of 128 bytes from veth to {oifs} veth, by ebpf"),
                ours: speed("ebpf_per_s"),
                baseline: format!("kernel's multicast routing {}", speed("kernel_per_s")),
                value: results.ratio((&spec, "ebpf_per_s"), (&spec, "kernel_per_s")),
                unit: "×",
                goal: Some(Goal::AtLeast(goal)),
                point: None,
            }
        })
        .into()
}
