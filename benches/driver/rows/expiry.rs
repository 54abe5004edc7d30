//! All MFEs expire in the same second, while a thread joins.

use super::threads::{noise, noise_found};
use super::{baseline, count, shapes, table, with_unit, Goal, Line, Row, ORDERS};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "expiry", needs, judge };

fn spec(scale: Scale, order: &str, renew: bool) -> String {
    let table = baseline("expiry", scale.large, shapes(scale)[0], order);
    format!("{table} due={} renew={}", scale.due, u8::from(renew))
}

fn needs(scale: Scale) -> Vec<String> {
    let mut specs = vec![noise(scale)];
    for order in ORDERS {
        specs.push(spec(scale, order, false));
        specs.push(table(scale.large, shapes(scale)[0], order, false));
    }
    specs.push(spec(scale, ORDERS[0], true));
    specs
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let mut lines = Vec::new();
    for order in ORDERS {
        let (spec, table) =
            (spec(scale, order, false), table(scale.large, shapes(scale)[0], order, false));
        let what = format!("{} MFEs, created {order}, expire", count(scale.large));
        lines.push(latency(scale, results, &spec, &what));
        lines.push(Line {
            measure: format!("{what} while a thread joins: per MFE"),
            ours: format!(
                "{}, all in {}",
                with_unit(results.median(&spec, "timer_ns"), "ns"),
                with_unit(results.median(&spec, "seconds"), "s")
            ),
            baseline: format!("leave {}", with_unit(results.median(&table, "leave_ns"), "ns")),
            value: results.ratio((&spec, "timer_ns"), (&table, "leave_ns")),
            unit: "×",
            goal: Some(Goal::AtMost(1.0)),
            point: None,
        });
    }
    let what = format!("{} MFEs are renewed, two callbacks each", count(scale.large));
    lines.push(latency(scale, results, &spec(scale, ORDERS[0], true), &what));
    lines
}

fn latency(scale: Scale, results: &Results, spec: &str, what: &str) -> Line {
    let median = |figure: &str| results.median(spec, figure);
    Line {
        measure: format!("a join while {what}: p99.9"),
        ours: format!(
            "{}, median {}, maximum {}",
            with_unit(median("p999_us"), "µs"),
            with_unit(median("p50_us"), "µs"),
            with_unit(median("max_us"), "µs")
        ),
        baseline: noise_found(scale, results),
        value: median("p999_us"),
        unit: "µs",
        goal: Some(Goal::AtMost(1000.0)),
        point: None,
    }
}
