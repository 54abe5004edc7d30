//! Multicast routing tables that another program uses, or that no packets reach.

use super::super::facts::{Facts, Table};
use super::super::report::{Finding, Kind, Report};
use super::super::shell::quoted;
use super::queriers::path;
use mgm_net::mroute::DEFAULT_TABLE;

/// See [`super::CHECKS`].
pub fn judge(facts: &Facts, report: &mut Report) {
    report.findings.extend(held(facts));
    report.findings.extend(facts.tables.iter().filter_map(|table| without_rule(facts, table)));
}

/// mgmd is to run, does not, and cannot because another program has its table.
fn held(facts: &Facts) -> Option<Finding> {
    let needed = facts.mgmd.table?;
    let table = facts.tables.iter().find(|table| table.id == needed);
    let is_held = table.is_some_and(|table| !table.vifs.is_empty());
    if !is_held || !facts.mgmd.is_wanted || !facts.mgmd.is_absent {
        return None;
    }
    let names: Vec<String> = facts
        .routers
        .iter()
        .map(|process| format!("{} (process {})", process.name, process.pid))
        .collect();
    let (holder, command) = match &facts.routers[..] {
        [] => ("a program that could not be found".to_owned(), "ss -wp".to_owned()),
        [one] => {
            let stop = match &one.service {
                Some(service) => format!("systemctl disable --now {}", quoted(service)),
                None => format!("kill {}", one.pid),
            };
            (names.join(", "), stop)
        }
        many => {
            let pids: Vec<String> = many.iter().map(|process| process.pid.to_string()).collect();
            (format!("one of {}", names.join(", ")), format!("ps -fp {}", pids.join(",")))
        }
    };
    let number = if needed == DEFAULT_TABLE { String::new() } else { format!(" {needed}") };
    let text = format!(
        "nothing listens at {}: mgmd cannot start while {holder} uses the multicast routing \
         table{number} of the kernel: stop that program, then start mgmd",
        path(&facts.mgmd.socket),
    );
    Some(Finding::new(Kind::TableHeld, None, text, command))
}

/// A table that the packets of its interfaces do not reach.
fn without_rule(facts: &Facts, table: &Table) -> Option<Finding> {
    if table.id == DEFAULT_TABLE {
        return None;
    }
    let vifs = table.vifs.iter().filter(|vif| !vif.is_virtual);
    let names: Vec<String> = vifs
        .filter(|vif| facts.links.contains_key(&vif.link) && !facts.reaches(vif.link, table.id))
        .map(|vif| facts.name(vif.link))
        .collect();
    if names.is_empty() {
        return None;
    }
    let (id, list) = (table.id, names.join(", "));
    let text = format!(
        "{list}: a router uses the multicast routing table {id}, but no rule leads packets there, so \
         it forwards no packet that arrives on {list}"
    );
    let rules: Vec<String> =
        names.iter().map(|name| format!("ip mrule add iif {} lookup {id}", quoted(name))).collect();
    let interface = names.first().map(String::as_str);
    Some(Finding::new(Kind::TableWithoutRule, interface, text, rules.join(" && ")))
}
