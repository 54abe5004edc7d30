//! Processes, and the programs that are installed.

use super::super::facts::{Privileges, Process};
use super::super::firewall::Programs;
use super::super::report::Report;
use super::AS_ROOT;
use std::collections::HashSet;
use std::fs::{canonicalize, read_dir, read_link, read_to_string};
use std::path::PathBuf;

/// The capabilities that mgmd needs, with their numbers in <linux/capability.h>.
const NEEDED: [(&str, u32); 2] = [("CAP_NET_ADMIN", 12), ("CAP_NET_RAW", 13)];

/// The processes with a raw IGMP socket in this network namespace.
pub fn routers(report: &mut Report) -> Vec<Process> {
    let sockets = igmp_sockets(&read_to_string("/proc/self/net/raw").unwrap_or_default());
    let mut found = Vec::new();
    if sockets.is_empty() {
        return found;
    }
    let mut is_complete = true;
    for pid in pids() {
        match has_socket(pid, &sockets) {
            Some(true) => found.push(process(pid)),
            Some(false) => {}
            None => is_complete = false,
        }
    }
    if found.is_empty() && !is_complete {
        let why = "the processes of other users cannot be looked at";
        report.gap("which program is the multicast router", why, Some(AS_ROOT));
    }
    found.sort_by_key(|process| process.pid);
    found
}

/// The inodes of the raw sockets for IGMP. The port of a raw socket is its protocol.
fn igmp_sockets(table: &str) -> HashSet<String> {
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let igmp = rows.filter(|words| words.get(1).is_some_and(|local| local.ends_with(":0002")));
    igmp.filter_map(|words| words.get(9).map(|inode| format!("socket:[{inode}]"))).collect()
}

fn pids() -> Vec<u32> {
    let entries = read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// `None` if the descriptors of the process cannot be read.
fn has_socket(pid: u32, sockets: &HashSet<String>) -> Option<bool> {
    let descriptors = read_dir(format!("/proc/{pid}/fd")).ok()?;
    let mut targets = descriptors.flatten().filter_map(|entry| read_link(entry.path()).ok());
    Some(targets.any(|target| target.to_str().is_some_and(|target| sockets.contains(target))))
}

fn process(pid: u32) -> Process {
    let name = read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let own = read_to_string("/proc/self/cgroup").unwrap_or_default();
    let service = read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let service = service_of(&service).filter(|service| service_of(&own).as_ref() != Some(service));
    Process { pid, name: name.trim().into(), service }
}

/// The systemd service of a process, by the names of its control groups.
fn service_of(groups: &str) -> Option<String> {
    let names = groups.lines().filter_map(|line| line.rsplit('/').next());
    names.into_iter().find(|name| name.ends_with(".service")).map(ToOwned::to_owned)
}

/// The privileges of mgmd, if that is the process with this id.
pub fn privileges(pid: u32) -> Option<Privileges> {
    let process = process(pid);
    // mgmd may run in a container, where it has another id.
    if process.name != "mgmd" {
        return None;
    }
    let status = read_to_string(format!("/proc/{pid}/status")).ok()?;
    let (effective, allowed) = (set(&status, "CapEff:")?, set(&status, "CapBnd:")?);
    let has = |set: u64, number: u32| set & (1 << number) != 0;
    let missing = NEEDED.iter().filter(|(_, number)| !has(effective, *number));
    Some(Privileges {
        missing: missing.map(|(name, _)| *name).collect(),
        are_allowed: NEEDED.iter().all(|(_, number)| has(allowed, *number)),
        program: read_link(format!("/proc/{pid}/exe")).unwrap_or_else(|_| "/usr/sbin/mgmd".into()),
        process,
    })
}

fn set(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// The programs that change the packet filter.
pub fn programs() -> Programs {
    let plain = found("iptables").and_then(|path| canonicalize(path).ok());
    let is_plain = |kind: &str| {
        let name = plain.as_ref().and_then(|path| path.file_name());
        name.is_some_and(|name| name.to_string_lossy().contains(kind))
    };
    let either = |name: &'static str, kind: &str| {
        let plain = is_plain(kind).then_some("iptables");
        plain.or_else(|| found(name).map(|_| name))
    };
    Programs {
        nft: found("nft").is_some(),
        iptables_nft: either("iptables-nft", "nft"),
        iptables_legacy: either("iptables-legacy", "legacy"),
    }
}

/// Where a program is installed. An ordinary user's PATH may lack the directories of root's
/// programs.
fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let fixed = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(fixed).map(|folder| folder.join(name)).find(|p| p.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn igmp_sockets_are_found_by_their_protocol() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
                     uid  timeout inode ref pointer drops\n\
                     2: 00000000:0002 00000000:0000 07 00000000:00000000 00:00000000 00000000     \
                     0        0 7788 2 0000000000000000 0\n\
                     18: 00000000:0012 00000000:0000 07 00000000:00000000 00:00000000 00000000     \
                     0        0 5566 2 0000000000000000 0\n\
                     255: 00000000:00FF 00000000:0000 07 00000000:00000000 00:00000000 00000000     \
                     0        0 9900 2 0000000000000000 0\n";
        assert_eq!(igmp_sockets(table), HashSet::from(["socket:[7788]".to_owned()]));
        assert!(igmp_sockets("").is_empty());
    }

    #[test]
    fn a_service_is_found_in_both_versions_of_control_groups() {
        let service = |text: &str| service_of(text);
        assert_eq!(service("0::/system.slice/smcroute.service\n"), Some("smcroute.service".into()));
        let first = "9:name=systemd:/system.slice/frr.service\n8:pids:/\n";
        assert_eq!(service(first), Some("frr.service".into()));
        assert_eq!(service("0::/user.slice/user-0.slice/session-1.scope\n"), None);
    }

    #[test]
    fn capabilities_are_bits() {
        let status = "Name:\tmgmd\nCapEff:\t0000000000003000\nCapBnd:\t000001ffffffffff\n";
        assert_eq!(set(status, "CapEff:"), Some(0x3000));
        assert_eq!(set(status, "CapAmb:"), None);
    }

    #[test]
    fn this_process_is_no_mgmd() {
        assert_eq!(privileges(std::process::id()), None);
    }
}
