//! The sockets for system calls about interfaces, and the state of the interfaces that these calls have
//! returned.

use super::attach::{Attached, Attachment};
use super::layout::PORTS;
use super::links::{Device, Facts, LinkSocket};
use super::load::Loaded;
use super::requests::Netlink;
use super::view::Seen;
use crate::types::{IfId, Ipv4Addr};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Instant;

/// The interfaces of an index.
#[derive(Debug)]
pub(super) struct Served {
    /// `None` while the kernel's multicast routing has a VIF there.
    pub attached: Option<Attached>,
    /// The device, while nothing is attached that would be gone with it.
    pub apart: Option<Device>,
    pub facts: Facts,
    /// Its ports with their next hops. The counters of arrivals are those of the first.
    pub ports: Vec<(IfId, Ipv4Addr)>,
    /// The number of the element that counts arrivals.
    pub arrivals: usize,
    /// Its device is gone, even if another one has the index by now.
    pub is_lost: bool,
}

impl Served {
    pub(super) fn seen(&self) -> Option<Seen> {
        let (_, next_hop) = *self.ports.first()?;
        Some(Seen {
            name: self.facts.name.clone(),
            next_hop,
            arrivals: self.arrivals,
            is_attached: self.attached.is_some() && !self.is_lost,
        })
    }
}

/// The sockets for system calls, and the state of all interfaces.
#[derive(Debug)]
pub(super) struct Work {
    pub links: LinkSocket,
    pub requests: Netlink,
    pub how: Attachment,
    pub by_index: BTreeMap<u32, Served>,
    pub unfinished: Unfinished,
}

/// The requests that the kernel has refused. They are repeated every second.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    /// Indexes whose state could not be read, or whose programs could not be attached again.
    pub unread: BTreeSet<u32>,
    /// Programs that could not be detached, by index.
    pub detached: BTreeMap<u32, Attached>,
    /// Indexes that are still in the map of the programs, although they are no longer served.
    pub in_map: BTreeSet<u32>,
    /// Indexes that still receive all multicast packets.
    pub all_multicast: BTreeSet<u32>,
    /// Indexes with a next hop whose Ethernet address the kernel does not know.
    pub unresolved: BTreeSet<u32>,
    pub last_try: Option<Instant>,
}

impl Unfinished {
    pub(super) fn is_empty(&self) -> bool {
        self.unread.is_empty()
            && self.detached.is_empty()
            && self.in_map.is_empty()
            && self.all_multicast.is_empty()
            && self.unresolved.is_empty()
    }
}

impl Work {
    /// An element for arrivals that no other index uses: the one with the number of the port, unless
    /// that port was the first of an index whose other ports are still served.
    pub(super) fn free_arrivals(&self, id: IfId) -> usize {
        let used: BTreeSet<usize> = self.by_index.values().map(|served| served.arrivals).collect();
        let mut numbers = (0..PORTS).map(|step| (usize::from(id.0) + step) % PORTS);
        numbers.find(|number| !used.contains(number)).unwrap_or_default()
    }

    /// Removes the index from the map of the programs, so that they ignore its packets.
    pub(super) fn leave_map(&mut self, loaded: &Loaded, if_index: u32, name: &str) {
        if let Err(error) = loaded.maps.ifaces.delete(&if_index) {
            log::debug!("{name}: cannot stop serving it: {error}");
            self.unfinished.in_map.insert(if_index);
        }
    }
}

/// Whether the error means that the device is gone, and with it what the call was about.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENODEV | libc::EADDRNOTAVAIL))
}
