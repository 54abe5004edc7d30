//! Attaches the programs to an interface: by tcx links, or as filters of a clsact qdisc.

use super::links::Framing;
use super::load::Programs;
use super::sys::{self, Hook, Program};
use crate::fork::{Guarded, GuardedFd};
use mgm_net::netlink::wire;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::Socket;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// How programs are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// By tcx, or by clsact where the kernel has no tcx.
    Auto,
    /// By clsact.
    Clsact,
}

/// Why programs cannot be attached.
#[derive(Debug)]
pub(super) enum AttachError {
    /// Another ebpf forwarder serves the interface.
    Taken,
    /// There is no such interface.
    Gone,
    /// The interface has an ingress qdisc, which leaves no room for clsact.
    OtherQdisc,
    System(&'static str, io::Error),
}

/// The programs of one interface. They are detached when this is dropped.
#[derive(Debug)]
pub(super) struct Attached {
    if_index: u32,
    means: Means,
}

#[derive(Debug)]
enum Means {
    /// The links to both hooks.
    Tcx([GuardedFd; 2]),
    Clsact {
        /// Its name can be bound once in a network namespace.
        _lock: GuardedFd,
        netlink: Netlink,
        /// Whether there was none before.
        is_ours: bool,
    },
}

/// The names of the ingress programs, by which another forwarder is recognised.
const INGRESS: [&str; 2] = ["mgm_l2", "mgm_l3"];

impl Attached {
    /// Attaches the programs that fit the interface.
    pub(super) fn new(
        if_index: u32,
        framing: Framing,
        programs: &Programs,
        how: Attachment,
    ) -> Result<Attached, AttachError> {
        let both = match framing {
            Framing::Ethernet => [&programs.l2, &programs.own],
            Framing::Bare => [&programs.l3, &programs.own_l3],
        };
        if how == Attachment::Auto {
            match by_tcx(if_index, both) {
                Err(AttachError::System(_, error)) if is_missing(&error) => {}
                result => return result,
            }
        }
        by_clsact(if_index, both)
    }

    /// Whether the programs are attached by tcx links.
    pub(super) fn is_tcx(&self) -> bool {
        matches!(self.means, Means::Tcx(_))
    }

    /// Whether the programs are still attached: not after the device is gone, even if another one
    /// has its index.
    pub(super) fn is_attached(&mut self) -> io::Result<bool> {
        match &mut self.means {
            Means::Tcx(links) => Ok(sys::link_interface(&links[0])? == self.if_index),
            Means::Clsact { netlink, .. } => netlink.has_filter(self.if_index, Hook::Ingress),
        }
    }
}

/// What a kernel before 6.6 answers.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
}

fn by_tcx(if_index: u32, programs: [&Program; 2]) -> Result<Attached, AttachError> {
    let link = |program: &Program, hook| {
        program.link(if_index, hook).map_err(|error| match error.raw_os_error() {
            Some(libc::ENODEV) => AttachError::Gone,
            _ => AttachError::System("a tcx link", error),
        })
    };
    let links = [link(programs[0], Hook::Ingress)?, link(programs[1], Hook::Egress)?];
    let attached = Attached { if_index, means: Means::Tcx(links) };
    // Afterwards, so that of two that do this at once one sees the other.
    let names = sys::attached(if_index, Hook::Ingress).unwrap_or_default();
    if names.iter().filter(|name| INGRESS.contains(&name.as_str())).count() > 1 {
        return Err(AttachError::Taken);
    }
    Ok(attached)
}

fn by_clsact(if_index: u32, programs: [&Program; 2]) -> Result<Attached, AttachError> {
    let lock = GuardedFd::open(|| {
        let name = SocketAddr::from_abstract_name(format!("mgm-ebpf/{if_index}"))?;
        UnixDatagram::bind_addr(&name)
    })
    .map_err(|error| match error.raw_os_error() {
        Some(libc::EADDRINUSE) => AttachError::Taken,
        _ => AttachError::System("a lock", error),
    })?;
    let mut netlink = Netlink::open().map_err(|error| AttachError::System("netlink", error))?;
    let is_ours = match netlink.add_clsact(if_index) {
        Ok(()) => true,
        Err(error) => match error.raw_os_error() {
            Some(libc::EEXIST) => false,
            Some(libc::ENODEV) => return Err(AttachError::Gone),
            _ => return Err(AttachError::System("a clsact qdisc", error)),
        },
    };
    let mut attached =
        Attached { if_index, means: Means::Clsact { _lock: lock, netlink, is_ours } };
    let Means::Clsact { netlink, .. } = &mut attached.means else { unreachable!() };
    for (hook, program) in [(Hook::Ingress, programs[0]), (Hook::Egress, programs[1])] {
        if let Err(error) = netlink.set_filter(if_index, hook, program) {
            return Err(match error.raw_os_error() {
                Some(libc::ENODEV) => AttachError::Gone,
                Some(libc::EINVAL) if !is_ours => AttachError::OtherQdisc,
                _ => AttachError::System("a filter of clsact", error),
            });
        }
    }
    Ok(attached)
}

impl Drop for Attached {
    fn drop(&mut self) {
        let Means::Clsact { netlink, is_ours, .. } = &mut self.means else { return };
        if crate::fork::is_child() {
            return;
        }
        let mut is_empty = *is_ours;
        for hook in [Hook::Ingress, Hook::Egress] {
            // It fails if the device, and the filter with it, is gone.
            if let Err(error) = netlink.delete_filter(self.if_index, hook) {
                log::debug!("interface {}: {hook:?} filter: {error}", self.if_index);
            }
            is_empty &= netlink.count_filters(self.if_index, hook).is_ok_and(|count| count == 0);
        }
        // Not if others have filters there, which the kernel would delete with it.
        if is_empty {
            if let Err(error) = netlink.delete_clsact(self.if_index) {
                log::debug!("interface {}: clsact: {error}", self.if_index);
            }
        }
    }
}

/// Requests of traffic control.
#[derive(Debug)]
struct Netlink {
    socket: Guarded<Socket>,
    sequence: u32,
}

/// From <linux/rtnetlink.h> and <linux/pkt_sched.h>.
const RTM_NEWQDISC: u16 = 36;
const RTM_DELQDISC: u16 = 37;
const RTM_NEWTFILTER: u16 = 44;
const RTM_DELTFILTER: u16 = 45;
const RTM_GETTFILTER: u16 = 46;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
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
    fn open() -> io::Result<Netlink> {
        let socket = Guarded::open(|| Socket::new(NETLINK_ROUTE))?;
        Ok(Netlink { socket, sequence: 0 })
    }

    /// Makes a request, and passes what it answers to `see`.
    fn request(
        &mut self,
        (kind, flags): (u16, u16),
        parts: &[&[u8]],
        mut see: impl FnMut(&wire::Message<'_>),
    ) -> io::Result<()> {
        self.sequence += 1;
        let request = wire::message(kind, REQUEST | flags, self.sequence, parts);
        self.socket.send(&request, 0)?;
        loop {
            let (answer, _) = self.socket.recv_from_full()?;
            for message in wire::messages(&answer) {
                if message.sequence != self.sequence {
                    continue;
                }
                match (message.kind, wire::u32_at(message.body, 0)) {
                    (NLMSG_ERROR, Some(0)) | (NLMSG_DONE, _) => return Ok(()),
                    (NLMSG_ERROR, Some(error)) => {
                        return Err(io::Error::from_raw_os_error(-(error as i32)));
                    }
                    (NLMSG_ERROR, None) => return Err(io::ErrorKind::InvalidData.into()),
                    _ => see(&message),
                }
            }
        }
    }

    fn add_clsact(&mut self, if_index: u32) -> io::Result<()> {
        let head = tcmsg(if_index, [CLSACT_HANDLE, CLSACT, 0]);
        let kind = wire::attr(TCA_KIND, b"clsact\0");
        self.request((RTM_NEWQDISC, ACK | CREATE | EXCL), &[&head, &kind], |_| {})
    }

    fn delete_clsact(&mut self, if_index: u32) -> io::Result<()> {
        let head = tcmsg(if_index, [CLSACT_HANDLE, CLSACT, 0]);
        self.request((RTM_DELQDISC, ACK), &[&head], |_| {})
    }

    /// Adds our filter, or replaces the one that is there.
    fn set_filter(&mut self, if_index: u32, hook: Hook, program: &Program) -> io::Result<()> {
        let head = tcmsg(if_index, [FILTER, parent(hook), filter_info()]);
        let options = [
            wire::attr(TCA_BPF_FD, &program.raw_fd().to_ne_bytes()),
            wire::attr(TCA_BPF_NAME, b"mgm\0"),
            wire::attr(TCA_BPF_FLAGS, &ACT_DIRECT.to_ne_bytes()),
        ]
        .concat();
        let kind = wire::attr(TCA_KIND, b"bpf\0");
        let options = wire::attr(TCA_OPTIONS, &options);
        self.request((RTM_NEWTFILTER, ACK | CREATE | REPLACE), &[&head, &kind, &options], |_| {})
    }

    fn delete_filter(&mut self, if_index: u32, hook: Hook) -> io::Result<()> {
        let head = tcmsg(if_index, [FILTER, parent(hook), filter_info()]);
        let kind = wire::attr(TCA_KIND, b"bpf\0");
        self.request((RTM_DELTFILTER, ACK), &[&head, &kind], |_| {})
    }

    /// Passes handle and `tcm_info` of the filters of an interface to `see`.
    fn filters(
        &mut self,
        if_index: u32,
        hook: Hook,
        mut see: impl FnMut(u32, u32),
    ) -> io::Result<()> {
        let head = tcmsg(if_index, [0, parent(hook), 0]);
        self.request((RTM_GETTFILTER, DUMP), &[&head], |message| {
            let at = |offset| wire::u32_at(message.body, offset).unwrap_or_default();
            // Each priority has a line of its own, with handle 0.
            if message.kind == RTM_NEWTFILTER && at(8) != 0 {
                see(at(8), at(16));
            }
        })
    }

    fn count_filters(&mut self, if_index: u32, hook: Hook) -> io::Result<usize> {
        let mut count = 0;
        self.filters(if_index, hook, |_, _| count += 1)?;
        Ok(count)
    }

    fn has_filter(&mut self, if_index: u32, hook: Hook) -> io::Result<bool> {
        let mut has = false;
        self.filters(if_index, hook, |handle, info| {
            has |= handle == FILTER && info == filter_info();
        })?;
        Ok(has)
    }
}
