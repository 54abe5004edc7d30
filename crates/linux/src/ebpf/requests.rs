//! Requests by netlink: qdiscs and filters of traffic control, neighbours, and which interfaces are
//! VIFs.

use super::sys::{Hook, Program};
use crate::fork::Guarded;
use crate::types::Ipv4Addr;
use mgm_net::netlink::{wire, Dumper};
use std::io;

/// Requests to the kernel by netlink.
#[derive(Debug)]
pub(super) struct Netlink(Guarded<Dumper>);

/// From <linux/rtnetlink.h> and <linux/pkt_sched.h>.
const RTM_NEWQDISC: u16 = 36;
const RTM_DELQDISC: u16 = 37;
const RTM_NEWTFILTER: u16 = 44;
const RTM_DELTFILTER: u16 = 45;
const RTM_GETTFILTER: u16 = 46;
/// From <linux/neighbour.h>.
const RTM_NEWNEIGH: u16 = 28;
const NDA_DST: u16 = 1;
const NTF_USE: u8 = 1;
/// `struct ndmsg`
const NEIGHBOUR_HEAD: usize = 12;
/// From <linux/netconf.h>.
const RTM_NEWNETCONF: u16 = 80;
const RTM_GETNETCONF: u16 = 82;
const NETCONFA_IFINDEX: u16 = 1;
const NETCONFA_MC_FORWARDING: u16 = 4;
const AF_INET: u8 = libc::AF_INET as u8;
const REPLACE: u16 = 0x100;
const EXCL: u16 = 0x200;
const DUMP: u16 = 0x300;
const CREATE: u16 = 0x400;
const CLSACT: u32 = 0xffff_fff1;
const CLSACT_HANDLE: u32 = 0xffff_0000;
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
/// From <linux/pkt_cls.h>.
const TCA_BPF_FD: u16 = 6;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_FLAGS: u16 = 8;
const ACT_DIRECT: u32 = 1;
/// The handle and the priority of our filters, always the same, so that a filter that a killed
/// router left is replaced.
const FILTER: u32 = 1;
const PRIORITY: u32 = 0xc4a7;

fn parent(hook: Hook) -> u32 {
    match hook {
        Hook::Ingress => 0xffff_fff2,
        Hook::Egress => 0xffff_fff3,
    }
}

/// `struct tcmsg`
fn tcmsg(if_index: u32, [handle, parent, info]: [u32; 3]) -> Vec<u8> {
    let words = [0, if_index, handle, parent, info];
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// The field `tcm_info` of a filter: priority, and ETH_P_ALL in network byte order.
fn filter_info() -> u32 {
    PRIORITY << 16 | u32::from(3u16.to_be())
}

impl Netlink {
    pub(super) fn open() -> io::Result<Netlink> {
        Ok(Netlink(Guarded::open(Dumper::open)?))
    }

    /// The kernel refuses all requests of this one, because it is for the packet filter.
    #[cfg(test)]
    pub(super) fn useless() -> io::Result<Netlink> {
        Ok(Netlink(Guarded::open(Dumper::open_netfilter)?))
    }

    pub(super) fn add_clsact(&mut self, if_index: u32) -> io::Result<()> {
        let head = tcmsg(if_index, [CLSACT_HANDLE, CLSACT, 0]);
        let kind = wire::attr(TCA_KIND, b"clsact\0");
        self.0.request((RTM_NEWQDISC, CREATE | EXCL), &[&head, &kind], |_| {})
    }

    pub(super) fn delete_clsact(&mut self, if_index: u32) -> io::Result<()> {
        let head = tcmsg(if_index, [CLSACT_HANDLE, CLSACT, 0]);
        self.0.request((RTM_DELQDISC, 0), &[&head], |_| {})
    }

    /// Adds our filter, or replaces the one that is there.
    pub(super) fn set_filter(
        &mut self,
        if_index: u32,
        hook: Hook,
        program: &Program,
    ) -> io::Result<()> {
        let head = tcmsg(if_index, [FILTER, parent(hook), filter_info()]);
        let options = [
            wire::attr(TCA_BPF_FD, &program.raw_fd().to_ne_bytes()),
            wire::attr(TCA_BPF_NAME, b"mgm\0"),
            wire::attr(TCA_BPF_FLAGS, &ACT_DIRECT.to_ne_bytes()),
        ]
        .concat();
        let kind = wire::attr(TCA_KIND, b"bpf\0");
        let options = wire::attr(TCA_OPTIONS, &options);
        self.0.request((RTM_NEWTFILTER, CREATE | REPLACE), &[&head, &kind, &options], |_| {})
    }

    pub(super) fn delete_filter(&mut self, if_index: u32, hook: Hook) -> io::Result<()> {
        let head = tcmsg(if_index, [FILTER, parent(hook), filter_info()]);
        let kind = wire::attr(TCA_KIND, b"bpf\0");
        self.0.request((RTM_DELTFILTER, 0), &[&head, &kind], |_| {})
    }

    /// Passes handle and `tcm_info` of the filters of an interface to `see`.
    fn filters(
        &mut self,
        if_index: u32,
        hook: Hook,
        mut see: impl FnMut(u32, u32),
    ) -> io::Result<()> {
        let head = tcmsg(if_index, [0, parent(hook), 0]);
        self.0.request((RTM_GETTFILTER, DUMP), &[&head], |message| {
            let at = |offset| wire::u32_at(message.body, offset).unwrap_or_default();
            // Each priority has a line of its own, with handle 0.
            if message.kind == RTM_NEWTFILTER && at(8) != 0 {
                see(at(8), at(16));
            }
        })
    }

    pub(super) fn count_filters(&mut self, if_index: u32, hook: Hook) -> io::Result<usize> {
        let mut count = 0;
        self.filters(if_index, hook, |_, _| count += 1)?;
        Ok(count)
    }

    pub(super) fn has_filter(&mut self, if_index: u32, hook: Hook) -> io::Result<bool> {
        let mut has = false;
        self.filters(if_index, hook, |handle, info| {
            has |= handle == FILTER && info == filter_info();
        })?;
        Ok(has)
    }

    /// Makes the kernel find out the Ethernet address of a neighbour, as if it had a packet for it.
    /// It announces what it has found.
    pub(super) fn resolve(&mut self, if_index: u32, of: Ipv4Addr) -> io::Result<()> {
        let mut head = [0; NEIGHBOUR_HEAD];
        head[0] = AF_INET;
        head[4..8].copy_from_slice(&if_index.to_ne_bytes());
        head[10] = NTF_USE;
        let address = wire::attr(NDA_DST, &of.octets());
        self.0.request((RTM_NEWNEIGH, CREATE), &[&head, &address], |_| {})
    }

    /// Whether an interface is a VIF of the kernel's multicast routing, of whichever table. Kernels
    /// without multicast routing have no VIFs.
    pub(super) fn has_vif(&mut self, if_index: u32) -> io::Result<bool> {
        let index = wire::attr(NETCONFA_IFINDEX, &if_index.to_ne_bytes());
        let mut has = false;
        let asked =
            self.0.request((RTM_GETNETCONF, 0), &[&[AF_INET, 0, 0, 0], &index], |message| {
                has |= vif_change(message) == Some((if_index, true));
            });
        match asked {
            Err(error) if error.raw_os_error() != Some(libc::EOPNOTSUPP) => Err(error),
            _ => Ok(has),
        }
    }
}

/// What a message says of an interface as a VIF: its index, and whether it is one.
pub(super) fn vif_change(message: &wire::Message<'_>) -> Option<(u32, bool)> {
    if message.kind != RTM_NEWNETCONF {
        return None;
    }
    let (_, attributes) = message.split(4)?;
    let number = |kind| wire::u32_at(wire::attribute(attributes, kind)?, 0);
    Some((number(NETCONFA_IFINDEX)?, number(NETCONFA_MC_FORWARDING)? != 0))
}
