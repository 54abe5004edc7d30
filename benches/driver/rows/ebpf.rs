//! What an MFE of the ebpf forwarder costs: its installation, its memory, and reading its counters.

use super::{count, entries_in_forwarder, in_forwarder, with_unit, Goal, Line, Row};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "ebpf", needs, judge };

/// Nanoseconds of a packet that installs an MFE: without callbacks, and with all callbacks.
const PACKET: [f64; 2] = [500.0, 1200.0];
/// The time of an installation, compared with MRT_ADD_MFC alone. A single MFE is installed like those of
/// a burst, so both have the same goal.
const INSTALL: f64 = 0.5;
const STATS: f64 = 400.0;
const BYTES: f64 = 384.0;

fn needs(scale: Scale) -> Vec<String> {
    [false, true].map(|hears| in_forwarder(ROW.name, scale, hears)).into()
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let of = count(entries_in_forwarder(scale));
    let mut lines = Vec::new();
    for hears in [false, true] {
        let spec = in_forwarder(ROW.name, scale, hears);
        let figure = |name| results.median(&spec, name);
        let kernel = || format!("MRT_ADD_MFC {}", with_unit(figure("bare_ns"), "ns"));
        lines.push(Line {
            measure: format!(
                "packet that installs one of {of} MFEs by ebpf, {}",
                if hears { "all callbacks" } else { "no callbacks" }
            ),
            ours: with_unit(figure("packet_ns"), "ns"),
            baseline: kernel(),
            value: figure("packet_ns"),
            unit: "ns",
            goal: Some(Goal::AtMost(PACKET[usize::from(hears)])),
            point: None,
        });
        if hears {
            continue;
        }
        lines.push(Line {
            measure: format!("installation of one of {of} MFEs by ebpf, without the engine"),
            ours: with_unit(figure("install_ns"), "ns"),
            baseline: kernel(),
            value: results.ratio((&spec, "install_ns"), (&spec, "bare_ns")),
            unit: "×",
            goal: Some(Goal::AtMost(INSTALL)),
            point: None,
        });
        let alone = |measure: String, name, unit, most| Line {
            measure,
            ours: with_unit(figure(name), unit),
            baseline: String::new(),
            value: figure(name),
            unit,
            goal: Some(Goal::AtMost(most)),
            point: None,
        };
        lines.push(alone(
            format!("MgmGetFirstMfeStats/NextMfeStats of {of} with ebpf: per MFE"),
            "stats_ns",
            "ns",
            STATS,
        ));
        lines.push(alone(
            format!("memory of kernel and library for one of {of} MFEs, beyond 32 MB, ebpf"),
            "bytes",
            "bytes",
            BYTES,
        ));
    }
    lines
}
