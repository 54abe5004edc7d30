//! The filters of the ebpf forwarder that a killed router has left, by netlink.

use super::super::facts::FILTER_PRIORITY;
use super::kernel::text;
use mgm_net::netlink::wire::{attribute, u32_at, Message};
use mgm_net::netlink::Dumper;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// From <linux/rtnetlink.h> and <linux/pkt_sched.h>.
const RTM_GETQDISC: u16 = 38;
const RTM_GETTFILTER: u16 = 46;
/// `struct tcmsg`, and where it has the index, the handle, and priority and protocol.
const HEAD: usize = 20;
const INDEX: usize = 4;
const HANDLE: usize = 8;
const INFO: usize = 16;
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_BPF_NAME: u16 = 7;
/// The parents of the filters of clsact.
const HOOKS: [(&str, u32); 2] = [("ingress", 0xffff_fff2), ("egress", 0xffff_fff3)];
/// What the ebpf forwarder always uses.
const NAME: &[u8] = b"mgm\0";

/// The hooks with a filter of the ebpf forwarder that no process uses any longer, by link.
///
/// # Errors
/// Those of netlink, and of reading /proc/net/unix.
pub fn stale(dumper: &mut Dumper) -> io::Result<BTreeMap<u32, Vec<&'static str>>> {
    let links = with_clsact(dumper)?;
    if links.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut found = BTreeMap::new();
    for link in links {
        let mut hooks = Vec::new();
        for (hook, parent) in HOOKS {
            let mut is_there = false;
            dumper.dump(RTM_GETTFILTER, &head(link, parent), &[], |message| {
                is_there |= is_ours(message);
            })?;
            hooks.extend(is_there.then_some(hook));
        }
        if !hooks.is_empty() {
            found.insert(link, hooks);
        }
    }
    // Read after the filters: a router binds the socket before it adds a filter, and keeps it
    // longer.
    let sockets = std::fs::read_to_string("/proc/net/unix")?;
    let served = served(&sockets);
    found.retain(|link, _| !served.contains(link));
    Ok(found)
}

fn head(link: u32, parent: u32) -> Vec<u8> {
    [0, link, 0, parent, 0].iter().flat_map(|word: &u32| word.to_ne_bytes()).collect()
}

/// The links with a qdisc of the kind clsact.
fn with_clsact(dumper: &mut Dumper) -> io::Result<BTreeSet<u32>> {
    let mut links = BTreeSet::new();
    dumper.dump(RTM_GETQDISC, &head(0, 0), &[], |message| {
        let link = message.split(HEAD).and_then(|(head, rest)| {
            let kind = attribute(rest, TCA_KIND)?;
            (text(kind) == "clsact").then(|| u32_at(head, INDEX))?
        });
        links.extend(link);
    })?;
    Ok(links)
}

fn is_ours(message: &Message<'_>) -> bool {
    let found = message.split(HEAD).and_then(|(head, rest)| {
        let name = attribute(attribute(rest, TCA_OPTIONS)?, TCA_BPF_NAME)?;
        Some((u32_at(head, HANDLE)?, u32_at(head, INFO)? >> 16, name))
    });
    // Each priority has a message of its own, without handle and name.
    found == Some((1, FILTER_PRIORITY, NAME))
}

/// The links that an ebpf forwarder serves by clsact: it has an abstract socket for each.
fn served(sockets: &str) -> BTreeSet<u32> {
    let names = sockets.lines().filter_map(|line| line.split_whitespace().last());
    names.filter_map(|name| name.strip_prefix("@mgm-ebpf/")?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mgm_net::netlink::wire::{attr, message, messages};

    fn filter(handle: u32, info: u32, name: &[u8]) -> bool {
        let words = [0, 7, handle, 0xffff_fff2, info];
        let head: Vec<u8> = words.iter().flat_map(|word: &u32| word.to_ne_bytes()).collect();
        let options = attr(TCA_OPTIONS, &attr(TCA_BPF_NAME, name));
        let bytes = message(44, 0, 1, &[&head, &options]);
        let found = messages(&bytes).next().is_some_and(|message| is_ours(&message));
        found
    }

    #[test]
    fn only_filters_of_the_ebpf_forwarder_are_found() {
        const INFO: u32 = FILTER_PRIORITY << 16 | 0x300;
        assert!(filter(1, INFO, b"mgm\0"));
        assert!(!filter(0, INFO, b"mgm\0"), "the priority itself");
        assert!(!filter(1, 49152 << 16 | 0x300, b"mgm\0"), "another priority");
        assert!(!filter(1, INFO, b"mgm_l2\0"), "another name");
    }

    #[test]
    fn a_socket_names_the_link_that_is_served() {
        let text = "Num       RefCount Protocol Flags    Type St Inode Path\n\
                    0000000000000000: 00000002 00000000 00000000 0002 01 4711 @mgm-ebpf/7\n\
                    0000000000000000: 00000002 00000000 00000000 0002 01 4712\n\
                    0000000000000000: 00000002 00000000 00000000 0002 01 4713 /run/mgm-ebpf/8\n\
                    0000000000000000: 00000002 00000000 00000000 0002 01 4714 @mgm-ebpf/x\n";
        assert_eq!(served(text), [7].into());
    }
}
