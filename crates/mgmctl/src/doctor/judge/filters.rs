//! Filters that a killed ebpf forwarder has left.

use super::super::facts::{Facts, FILTER_PRIORITY};
use super::super::report::{Finding, Kind, Report};
use super::super::shell::quoted;

/// See [`super::CHECKS`].
pub fn judge(facts: &Facts, report: &mut Report) {
    let mut names = Vec::new();
    let mut commands = Vec::new();
    for (link, hooks) in &facts.stale_filters {
        let name = facts.name(*link);
        commands.extend(hooks.iter().map(|hook| {
            format!("tc filter del dev {} {hook} prio {FILTER_PRIORITY}", quoted(&name))
        }));
        names.push(name);
    }
    let Some(first) = names.first() else { return };
    let list = names.join(", ");
    let text = format!(
        "{list}: a router with the ebpf forwarder was killed, and has left its filters of clsact. \
         They forward nothing, and packets pass them: delete them, or start the router again, which \
         replaces them"
    );
    let command = commands.join(" && ");
    report.findings.push(Finding::new(Kind::StaleFilter, Some(first), text, command));
}
