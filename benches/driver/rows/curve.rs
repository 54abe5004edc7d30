//! The cost of an entry in tables of several sizes, for the plot. It has no goals.

use super::{baseline, count, table, with_unit, Line, Row, ORDERS};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "curve", needs, judge };

/// From the small table to the large one, two to each power of ten.
fn sizes(scale: Scale) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut size = scale.small;
    while size < scale.large {
        sizes.extend([size, size * 3].into_iter().filter(|&size| size < scale.large));
        size *= 10;
    }
    sizes.push(scale.large);
    sizes
}

/// The curves of the plot: their names, their probes and figures. Each entry has a group of its own.
fn series(size: usize) -> Vec<(String, String, &'static str)> {
    let [ascending, shuffled] = ORDERS;
    vec![
        ("mgm: join + packet, ascending".into(), table(size, size, ascending, false), "install_ns"),
        ("mgm: join + packet, shuffled".into(), table(size, size, shuffled, false), "install_ns"),
        ("mgm: MgmGetMfe at random".into(), table(size, size, shuffled, false), "get_ns"),
        (
            "kernel: MRT_ADD_MFC, shuffled".into(),
            baseline("kernel", size, size, shuffled),
            "add_ns",
        ),
        (
            "BTreeMap: insert, shuffled".into(),
            baseline("btreemap", size, size, shuffled),
            "insert_ns",
        ),
        (
            "HashMap: insert, shuffled".into(),
            baseline("hashmap", size, size, shuffled),
            "insert_ns",
        ),
        ("HashMap: get at random".into(), baseline("hashmap", size, size, shuffled), "get_ns"),
    ]
}

fn needs(scale: Scale) -> Vec<String> {
    sizes(scale).into_iter().flat_map(series).map(|(_, spec, _)| spec).collect()
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    let line = |size, (name, spec, figure): (String, String, &str)| {
        let value = results.median(&spec, figure);
        Line {
            measure: format!("{name}, {}", count(size)),
            ours: with_unit(value, "ns"),
            baseline: String::new(),
            value,
            unit: "ns",
            goal: None,
            point: Some((name, size)),
        }
    };
    sizes(scale)
        .into_iter()
        .flat_map(|size| series(size).into_iter().map(move |of| (size, of)))
        .map(|(size, of)| line(size, of))
        .collect()
}
