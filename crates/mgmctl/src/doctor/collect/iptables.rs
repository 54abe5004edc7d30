//! The chains of the kernel's older packet filter, by the program iptables, because they cannot
//! be read by netlink.

use super::super::firewall::{
    may_drop, Chain, ChainName, Firewall, Hook, Programs, Rules, Suspicion,
};
use super::super::report::Report;
use super::{is_forbidden, AS_ROOT};
use std::collections::HashMap;
use std::fs::read_to_string;
use std::io;
use std::process::Command;

/// The names of the tables that exist.
const TABLES: &str = "/proc/self/net/ip_tables_names";

/// Adds the chains that may drop packets.
pub fn read(programs: Programs, firewall: &mut Firewall, report: &mut Report) {
    let tables = match read_to_string(TABLES) {
        Ok(tables) => tables,
        Err(error) => {
            // The file exists if the kernel has this packet filter.
            if is_forbidden(&error) {
                firewall.is_known = false;
                report.gap("the packet filter", "CAP_NET_ADMIN is needed", Some(AS_ROOT));
            }
            return;
        }
    };
    for table in tables.lines() {
        match list(programs, table) {
            Ok(text) => firewall.chains.extend(suspects(table, &text)),
            Err(error) => {
                let what = format!("the table {table} of iptables");
                report.gap(what, error.to_string(), Some("iptables-legacy -S"));
                firewall.is_known = false;
                firewall.chains.extend(unread(table));
            }
        }
    }
}

/// The table as iptables prints it.
fn list(programs: Programs, table: &str) -> io::Result<String> {
    let Some(program) = programs.iptables_legacy else {
        return Err(io::Error::other("the program iptables-legacy is not installed"));
    };
    let output = Command::new(program).args(["-t", table, "-S"]).output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("{program}: {}", text.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The chains of a table that may drop packets.
fn suspects(table: &str, text: &str) -> Vec<Chain> {
    let (mut policies, mut chains) = (Vec::new(), HashMap::<String, Rules>::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["-P", chain, policy] => policies.push((chain, policy == "DROP")),
            ["-A", chain, ..] => {
                let jump = words.iter().position(|word| matches!(*word, "-j" | "-g"));
                let Some(target) = jump.and_then(|at| words.get(at + 1)) else { continue };
                let rules = chains.entry(chain.into()).or_default();
                rules.drops |= matches!(*target, "DROP" | "REJECT" | "NFQUEUE" | "QUEUE");
                rules.jumps.push((*target).into());
            }
            _ => {}
        }
    }
    let suspected = policies.into_iter().filter_map(|(chain, drops)| {
        let suspicion = match (drops, may_drop(&chains, chain)) {
            (true, _) => Suspicion::Policy,
            (false, true) => Suspicion::Rule,
            (false, false) => return None,
        };
        suspect(table, chain, suspicion)
    });
    suspected.collect()
}

fn suspect(table: &str, chain: &str, suspicion: Suspicion) -> Option<Chain> {
    let hook = Hook::of_iptables(chain)?;
    let name = ChainName::Iptables { table: table.into(), chain: chain.into() };
    Some(Chain { hook, name, suspicion })
}

/// The chains of a table that could not be read. Those of the table nat drop nothing.
fn unread(table: &str) -> Vec<Chain> {
    let chains: &[&str] = match table {
        "filter" | "security" => &["INPUT", "FORWARD", "OUTPUT"],
        "raw" => &["PREROUTING", "OUTPUT"],
        "mangle" => &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
        _ => &[],
    };
    chains.iter().filter_map(|chain| suspect(table, chain, Suspicion::Unread)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chains_that_drop_are_found() {
        let text = "-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N DOCKER\n\
                    -A FORWARD -i docker0 -j DOCKER\n-A OUTPUT -d 1.2.3.4/32 -j ACCEPT\n\
                    -A DOCKER ! -i docker0 -o docker0 -j DROP\n-A OUTPUT -p udp\n";
        let found: Vec<_> = suspects("filter", text)
            .into_iter()
            .map(|chain| (chain.hook, chain.suspicion))
            .collect();
        assert_eq!(found, [(Hook::Input, Suspicion::Policy), (Hook::Forward, Suspicion::Rule)]);
        assert!(suspects("filter", "-P FORWARD ACCEPT\n").is_empty());
        let goes = "-P FORWARD ACCEPT\n-A FORWARD -g user\n-A user -j REJECT --reject-with x\n";
        assert_eq!(suspects("filter", goes).len(), 1);
    }

    #[test]
    fn a_table_that_cannot_be_read_is_suspected_as_a_whole() {
        let hooks = |table: &str| unread(table).iter().map(|chain| chain.hook).collect::<Vec<_>>();
        assert_eq!(hooks("filter"), [Hook::Input, Hook::Forward, Hook::Output]);
        assert!(hooks("nat").is_empty());
    }
}
