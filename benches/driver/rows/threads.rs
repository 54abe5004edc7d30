//! Two threads: one walks the table again and again, the other one joins.

use super::{baseline, count, with_unit, Goal, Line, Row, ORDERS};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "threads", needs, judge };

/// The probe of the machine's noise.
pub fn noise(scale: Scale) -> String {
    format!("noise ms={}", scale.milliseconds)
}

/// The machine's noise, with which a latency is compared.
pub fn noise_found(scale: Scale, results: &Results) -> String {
    let noise = noise(scale);
    format!(
        "the machine's noise: p99.9 {}, maximum {}",
        with_unit(results.median(&noise, "p999_us"), "µs"),
        with_unit(results.median(&noise, "max_us"), "µs")
    )
}

fn spec(scale: Scale) -> String {
    let table = baseline("threads", scale.large, (scale.large / 1000).max(1), ORDERS[0]);
    format!("{table} ms={}", scale.milliseconds)
}

fn needs(scale: Scale) -> Vec<String> {
    vec![noise(scale), spec(scale)]
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let spec = spec(scale);
    let median = |figure: &str| results.median(&spec, figure);
    let of = count(scale.large);
    let kept = |who: &str, now: &str, alone: &str, kept: &str, least: f64| Line {
        measure: format!("{who}, in {of} MFEs: share of its speed alone"),
        ours: with_unit(median(now).map(|speed| speed / 1e6), "M/s"),
        baseline: format!("alone {}", with_unit(median(alone).map(|speed| speed / 1e6), "M/s")),
        value: median(kept),
        unit: "×",
        goal: Some(Goal::AtLeast(least)),
        point: None,
    };
    vec![
        kept("join while a thread walks", "join_per_s", "join_alone_per_s", "join_kept", 0.5),
        kept("walk while a thread joins", "dump_per_s", "dump_alone_per_s", "dump_kept", 0.2),
        Line {
            measure: format!("a join while a thread walks {of} MFEs: p99.9"),
            ours: format!(
                "{}, median {}, maximum {}, alone {}",
                with_unit(median("p999_us"), "µs"),
                with_unit(median("p50_us"), "µs"),
                with_unit(median("max_us"), "µs"),
                with_unit(median("alone_p999_us"), "µs")
            ),
            baseline: noise_found(scale, results),
            value: median("p999_us"),
            unit: "µs",
            goal: Some(Goal::AtMost(200.0)),
            point: None,
        },
    ]
}
