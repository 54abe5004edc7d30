//! Finds faults in what was seen. No I/O here.

mod bridges;
mod filters;
mod mgmd;
mod queriers;
mod queries;
mod reverse_path;
mod streams;
mod tables;
#[cfg(test)]
mod tests;

use super::facts::Facts;
use super::report::Report;

/// One kind of examination, which adds what it finds to the report.
type Check = fn(&Facts, &mut Report);

/// All examinations, in the order of their findings in the report: first what keeps the router
/// from running, then what stops streams, then what will stop them later.
const CHECKS: [Check; 8] = [
    tables::judge,
    mgmd::judge,
    reverse_path::judge,
    filters::judge,
    streams::judge,
    queries::judge,
    queriers::judge,
    bridges::judge,
];

/// Adds all faults to the report.
pub fn judge(facts: &Facts, report: &mut Report) {
    for check in CHECKS {
        check(facts, report);
    }
}

/// The least number of packets from which something follows: one or two may be lost for many
/// reasons.
const ENOUGH: u64 = 3;

/// The command that listens long enough for a General Query.
const LISTEN_LONG: &str = "mgmctl doctor --listen 130s";
