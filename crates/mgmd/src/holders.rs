//! Which processes may hold the kernel's multicast routing table. The kernel does not say it. But
//! the holder has a raw socket for IGMP in the same network namespace.

use crate::log::printable;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// IPPROTO_IGMP, which /proc/net/raw shows as the local port.
const IGMP: &str = "0002";

/// The other processes that have a raw socket for IGMP: "process 711 (pimd)". Those whose files
/// this process may not read are missing: only root sees all of them.
#[must_use]
pub fn candidates() -> Vec<String> {
    let sockets = sockets(&fs::read_to_string("/proc/self/net/raw").unwrap_or_default());
    let own = std::process::id();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|number| *number != own && has_one_of(*number, &sockets))
        .collect();
    numbers.sort_unstable();
    numbers.into_iter().map(named).collect()
}

/// The inodes of the sockets for IGMP in the text of /proc/net/raw.
fn sockets(text: &str) -> BTreeSet<String> {
    let rows = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_igmp = rows.filter_map(|columns| {
        let (_, protocol) = columns.get(1)?.split_once(':')?;
        (protocol == IGMP).then(|| columns.get(9).map(|inode| format!("socket:[{inode}]")))?
    });
    of_igmp.collect()
}

fn has_one_of(process: u32, sockets: &BTreeSet<String>) -> bool {
    let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let mut targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    targets.any(|target| target.to_str().is_some_and(|name| sockets.contains(name)))
}

fn named(process: u32) -> String {
    match fs::read_to_string(Path::new("/proc").join(process.to_string()).join("comm")) {
        Ok(name) => format!("process {process} ({})", printable(name.trim_end())),
        Err(_) => format!("process {process}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sockets_for_igmp_are_found_among_the_raw_sockets() {
        const TEXT: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when \
             retrnsmt   uid  timeout inode ref pointer drops\n\
             \u{20}  1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     \
             0        0 8001 2 00000000 0\n\
             \u{20}  2: 00000000:0002 00000000:0000 07 00000000:00000000 00:00000000 00000000     \
             0        0 8002 2 00000000 0\n\
             \u{20} 255: 00000000:00FF 00000000:0000 07 00000000:00000000 00:00000000 00000000    \
             0        0 8003 2 00000000 0\n";
        assert_eq!(sockets(TEXT), BTreeSet::from(["socket:[8002]".to_owned()]));
        for text in ["", "one line", "head\n\n", "head\n1: x", "head\n1: 0:0002 short"] {
            assert!(sockets(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_process_is_named_with_its_program() {
        let own = std::process::id();
        assert!(named(own).starts_with(&format!("process {own} (")), "{}", named(own));
        assert_eq!(named(u32::MAX), format!("process {}", u32::MAX));
        assert!(!has_one_of(own, &BTreeSet::from(["socket:[0]".to_owned()])));
    }
}
