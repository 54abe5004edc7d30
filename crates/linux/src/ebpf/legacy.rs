//! The tables of the kernel's older iptables, by the interface of the program iptables-legacy.

use nix::sys::socket::{socket, AddressFamily, SockFlag, SockType};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// NF_INET_*, of both packet filters.
pub(super) const PREROUTING: u32 = 0;
pub(super) const FORWARD: u32 = 2;

/// The tables that exist in this network namespace. To ask for another one would create it.
const NAMES: &str = "/proc/self/net/ip_tables_names";

/// From <linux/netfilter_ipv4/ip_tables.h>: options of a raw socket, and the length of a name.
const IPT_SO_GET_INFO: libc::c_int = 64;
const IPT_SO_GET_ENTRIES: libc::c_int = 65;
const NAME: usize = 32;

/// `struct ipt_getinfo`
#[derive(Clone, Copy)]
#[repr(C)]
struct Info {
    name: [u8; NAME],
    valid_hooks: u32,
    /// Where the rules of each hook begin in the table.
    hook_entry: [u32; 5],
    /// Where the policy of each hook is.
    underflow: [u32; 5],
    num_entries: u32,
    size: u32,
}

/// `struct ipt_get_entries`: name and size, padded to a multiple of 8. The entries follow.
const ENTRIES_HEAD: usize = 40;
/// Where `struct ipt_entry` says where its target begins.
const TARGET_OFFSET: usize = 88;
/// The verdict of a standard target follows `struct xt_entry_target`.
const VERDICT: usize = 32;
/// -NF_DROP - 1
const DROPS: i32 = -1;

/// The names of the chains at prerouting and forward that have rules or drop by default.
pub(super) fn bypassed() -> Vec<String> {
    let names = std::fs::read_to_string(NAMES).unwrap_or_default(); // without iptables
    names.lines().flat_map(|table| of_table(table).unwrap_or_default()).collect()
}

fn of_table(table: &str) -> io::Result<Vec<String>> {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        nix::sys::socket::SockProtocol::Raw,
    )?;
    let mut request = vec![0; size_of::<Info>()];
    let name = table.as_bytes();
    let name = &name[..name.len().min(NAME - 1)];
    request[..name.len()].copy_from_slice(name);
    option(&socket, IPT_SO_GET_INFO, &mut request)?;
    let Some(info) = Info::parse(&request) else { return Ok(Vec::new()) };
    let mut entries = vec![0; ENTRIES_HEAD + info.size as usize];
    entries[..name.len()].copy_from_slice(name);
    entries[NAME..NAME + 4].copy_from_slice(&info.size.to_ne_bytes());
    option(&socket, IPT_SO_GET_ENTRIES, &mut entries)?;
    Ok(chains(table, &info, &entries[ENTRIES_HEAD..]))
}

/// Reads an option into `value`, which names the table.
fn option(socket: &OwnedFd, option: libc::c_int, value: &mut [u8]) -> io::Result<()> {
    let mut length = value.len() as libc::socklen_t;
    // SAFETY: the kernel reads and writes `length` bytes of `value` at most.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            option,
            value.as_mut_ptr().cast(),
            &mut length,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

impl Info {
    fn parse(bytes: &[u8]) -> Option<Info> {
        let mut words = bytes.get(NAME..)?.chunks_exact(4);
        let mut word = || {
            let word = words.next()?;
            Some(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]))
        };
        let mut info = Info {
            name: bytes.get(..NAME)?.try_into().ok()?,
            valid_hooks: word()?,
            hook_entry: [0; 5],
            underflow: [0; 5],
            num_entries: 0,
            size: 0,
        };
        for place in info.hook_entry.iter_mut().chain(&mut info.underflow) {
            *place = word()?;
        }
        info.num_entries = word()?;
        info.size = word()?;
        Some(info)
    }
}

/// The chains with rules, or with the policy to drop.
fn chains(table: &str, info: &Info, entries: &[u8]) -> Vec<String> {
    [(PREROUTING, "PREROUTING"), (FORWARD, "FORWARD")]
        .into_iter()
        .filter(|(hook, _)| {
            let at = *hook as usize;
            let has_rules = info.hook_entry[at] != info.underflow[at];
            let drops = verdict(entries, info.underflow[at] as usize) == Some(DROPS);
            info.valid_hooks & 1 << hook != 0 && (has_rules || drops)
        })
        .map(|(_, chain)| format!("iptables {table} {chain}"))
        .collect()
}

/// The verdict of the entry at an offset, which is a policy.
fn verdict(entries: &[u8], entry: usize) -> Option<i32> {
    let target = entries.get(entry + TARGET_OFFSET..)?.get(..2)?;
    let target = usize::from(u16::from_ne_bytes(target.try_into().ok()?));
    let verdict = entries.get(entry + target + VERDICT..)?.get(..4)?;
    Some(i32::from_ne_bytes(verdict.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry of a table without matches: 112 bytes, then a standard target with this verdict.
    fn entry(verdict: i32) -> Vec<u8> {
        let mut bytes = vec![0; 152];
        bytes[TARGET_OFFSET..TARGET_OFFSET + 2].copy_from_slice(&112u16.to_ne_bytes());
        bytes[112 + VERDICT..112 + VERDICT + 4].copy_from_slice(&verdict.to_ne_bytes());
        bytes
    }

    const ACCEPTS: i32 = -2;

    /// The chains of a table with the hooks input, forward and output, whose chain FORWARD has so
    /// many rules and this policy.
    fn filter(rules: usize, policy: i32) -> Vec<String> {
        let mut entries = entry(ACCEPTS);
        (0..rules).for_each(|_| entries.extend(entry(DROPS)));
        let end = entries.len() as u32;
        entries.extend(entry(policy));
        entries.extend(entry(ACCEPTS));
        let words =
            [0x0e, 0, 0, 152, end + 152, 0, 0, 0, end, end + 152, 0, 4, entries.len() as u32];
        let mut bytes = b"filter".to_vec();
        bytes.resize(NAME, 0);
        bytes.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
        assert_eq!(bytes.len(), size_of::<Info>());
        chains("filter", &Info::parse(&bytes).unwrap(), &entries)
    }

    #[test]
    fn chains_with_rules_or_a_policy_to_drop_are_named() {
        assert_eq!(filter(0, ACCEPTS), [""; 0]);
        assert_eq!(filter(1, ACCEPTS), ["iptables filter FORWARD"]);
        assert_eq!(filter(0, DROPS), ["iptables filter FORWARD"]);
    }

    #[test]
    fn an_entry_beyond_the_table_has_no_verdict() {
        let whole = entry(DROPS);
        assert_eq!(verdict(&whole, 0), Some(DROPS));
        for length in 0..whole.len() - 4 {
            assert_eq!(verdict(&whole[..length], 0), None, "{length}");
        }
        assert_eq!(verdict(&whole, 400), None);
    }
}
