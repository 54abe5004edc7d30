//! A client process and its router.

use super::{count, with_unit, Goal, Line, Row};
use crate::plan::{Results, Scale};
use crate::probes::CALLBACKS;

pub const ROW: Row = Row { name: "remote", needs, judge };

fn probe(what: &str, size: usize) -> String {
    format!("remote what={what} size={size}")
}

/// New flows, answered in one process or in a client process.
fn burst(place: &str, forwarder: &str, size: usize) -> String {
    format!("burst in={place} by={forwarder} size={size}")
}

const FORWARDERS: [&str; 2] = ["kernel", "ebpf"];

/// Joins one by one, joins in batches, callbacks of each kind.
fn sizes(scale: Scale) -> [usize; 3] {
    [scale.small, scale.large / 10, scale.small / 10]
}

fn needs(scale: Scale) -> Vec<String> {
    let [joins, batched, callbacks] = sizes(scale);
    let mut needs = vec![
        probe("join", joins),
        probe("batch", batched),
        probe("dump", scale.large),
        probe("dump-here", scale.large),
        probe("killed", batched),
        probe("latency", callbacks),
    ];
    for forwarder in FORWARDERS {
        needs.extend(["here", "client"].map(|place| burst(place, forwarder, batched)));
    }
    needs
}

/// A line without a baseline.
fn line(measure: String, ours: String, value: Option<f64>, unit: &'static str, most: f64) -> Line {
    let goal = Some(Goal::AtMost(most));
    Line { measure, ours, baseline: String::new(), value, unit, goal, point: None }
}

fn micro(results: &Results, spec: &str, figure: &str) -> Option<f64> {
    results.median(spec, figure).map(|ns| ns / 1000.0)
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let [joins, batched, callbacks] = sizes(scale);
    let mut lines = calls(results, joins, batched);
    lines.push(dumps(results, scale.large));
    lines.push(end(results, batched));
    lines.extend(FORWARDERS.map(|forwarder| flows(results, forwarder, batched)));
    let spec = probe("latency", callbacks);
    lines.extend(CALLBACKS.map(|kind| latency(results, &spec, kind)));
    lines
}

fn calls(results: &Results, joins: usize, batched: usize) -> Vec<Line> {
    let (join, batch) = (probe("join", joins), probe("batch", batched));
    let each = micro(results, &batch, "join_ns");
    vec![
        Line {
            baseline: format!("UNIX socket {}", with_unit(micro(results, &join, "bare_ns"), "µs")),
            ..line(
                "join of a client process".into(),
                with_unit(micro(results, &join, "join_ns"), "µs"),
                results.ratio((&join, "join_ns"), (&join, "bare_ns")),
                "×",
                1.5,
            )
        },
        line(
            format!("{} joins in batches of 1,000: each", count(batched)),
            with_unit(each, "µs"),
            each,
            "µs",
            2.0,
        ),
    ]
}

fn dumps(results: &Results, size: usize) -> Line {
    let (dump, here) = (probe("dump", size), probe("dump-here", size));
    Line {
        baseline: format!("one process {}", with_unit(results.median(&here, "walk_ns"), "ns")),
        ..line(
            format!("dump of {} MFEs, buffers of 1 MiB", count(size)),
            with_unit(results.median(&dump, "walk_ns"), "ns"),
            results.ratio((&dump, "walk_ns"), (&here, "walk_ns")),
            "×",
            2.0,
        )
    }
}

fn end(results: &Results, size: usize) -> Line {
    let killed = probe("killed", size);
    let late = micro(results, &killed, "late_ns");
    Line {
        baseline: format!(
            "median {}; all is deleted after {}",
            with_unit(micro(results, &killed, "call_ns"), "µs"),
            with_unit(results.median(&killed, "seconds"), "s")
        ),
        ..line(
            format!("calls while killed processes leave {} groups each: p99.9", count(size)),
            with_unit(late, "µs"),
            late,
            "µs",
            1000.0,
        )
    }
}

fn flows(results: &Results, forwarder: &str, size: usize) -> Line {
    let [here, client] = ["here", "client"].map(|place| burst(place, forwarder, size));
    Line {
        baseline: format!("one process {}", with_unit(micro(results, &here, "cpu_ns"), "µs")),
        ..line(
            format!(
                "{} new flows of real packets, {forwarder} forwarder: processor time of each",
                count(size)
            ),
            with_unit(micro(results, &client, "cpu_ns"), "µs"),
            results.ratio((&client, "cpu_ns"), (&here, "cpu_ns")),
            "×",
            3.0,
        )
    }
}

fn latency(results: &Results, spec: &str, kind: &str) -> Line {
    let figure = |suffix: &str| with_unit(micro(results, spec, &format!("{kind}{suffix}")), "µs");
    Line {
        baseline: format!("p99.9 {}", figure("_late_ns")),
        goal: None,
        ..line(
            format!("latency of {} across processes", kind.to_uppercase()),
            figure("_ns"),
            None,
            "",
            0.0,
        )
    }
}
