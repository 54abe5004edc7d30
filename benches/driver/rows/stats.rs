//! The counters of MFEs that the kernel counts, compared with the two ways to read them directly.

use super::{count, with_unit, Line, Row};
use crate::plan::{Results, Scale};

pub const ROW: Row = Row { name: "stats", needs, judge };

fn needs(scale: Scale) -> Vec<String> {
    sizes(scale).map(spec).into()
}

fn sizes(scale: Scale) -> [usize; 3] {
    [scale.large / 1000, scale.small, scale.large / 10]
}

fn spec(size: usize) -> String {
    format!("stats size={size} groups={} order=ascending", size.div_ceil(100))
}

fn judge(scale: Scale, results: &Results) -> Vec<Line> {
    sizes(scale)
        .map(|size| {
            let figure = |name| results.median(&spec(size), name);
            let (stats, read, dump) = (figure("stats_ns"), figure("read_ns"), figure("dump_ns"));
            let cheaper = read.zip(dump).map(|(read, dump)| read.min(dump));
            Line {
                measure: format!(
                    "MgmGetFirstMfeStats/NextMfeStats of {} in the kernel: per MFE",
                    count(size)
                ),
                ours: with_unit(stats, "ns"),
                baseline: format!(
                    "SIOCGETSGCNT {}, netlink dump {}",
                    with_unit(read, "ns"),
                    with_unit(dump, "ns")
                ),
                value: stats.zip(cheaper).map(|(stats, cheaper)| stats / cheaper),
                unit: "×",
                goal: None,
                point: None,
            }
        })
        .into()
}
