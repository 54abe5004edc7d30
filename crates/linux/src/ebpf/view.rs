//! The part of the state of served interfaces that all threads read: those that install entries, read
//! counters, or pass upcalls on. No system call is made while it is locked, so they never wait for one.

use super::advice;
use super::layout::Arrivals;
use super::load::Loaded;
use super::ports::{reset, set_limit};
use crate::types::{IfId, Interface, Ipv4Addr, Rate, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// The time between two messages about refused flows of an interface.
const LINES: Duration = Duration::from_secs(60);

/// An index that is served.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub name: String,
    /// The next hop of its first port.
    pub next_hop: Ipv4Addr,
    /// The number of the element that counts arrivals.
    pub arrivals: usize,
    /// Whether the programs look at its packets.
    pub is_attached: bool,
}

/// How many flows may begin on an index in a second.
#[derive(Debug)]
struct Limit {
    rate: Rate,
    /// The refused packets that a message has reported, and when.
    reported: u64,
    last_line: Option<Instant>,
}

/// All interfaces that are served.
#[derive(Debug, Default)]
pub(super) struct View {
    by_id: BTreeMap<IfId, Interface>,
    by_index: BTreeMap<u32, Seen>,
    /// Numbers of ports that programs may still use for the former interface.
    stale: BTreeSet<IfId>,
    /// How many flows may begin on an index in a second. Kept when the interface goes.
    limits: BTreeMap<u32, Limit>,
}

impl View {
    /// The interface of a number.
    pub(super) fn interface(&self, id: IfId) -> Option<Interface> {
        self.by_id.get(&id).copied()
    }

    /// The index of an interface, if it is served.
    pub(super) fn index(&self, id: IfId) -> Option<u32> {
        self.by_id.get(&id).map(|interface| interface.index)
    }

    /// The interface that packets arrive on at an index. Of several next hops the first: frames do
    /// not say which neighbour sent them.
    pub(super) fn arrival(&self, if_index: u32) -> Option<Interface> {
        let next_hop = self.by_index.get(&if_index)?.next_hop;
        Some(Interface { index: if_index, next_hop })
    }

    /// Whether the programs look at packets of an index.
    pub(super) fn is_attached(&self, if_index: u32) -> bool {
        self.by_index.get(&if_index).is_some_and(|seen| seen.is_attached)
    }

    /// Whether an interface of this index is served.
    pub(super) fn has(&self, if_index: u32) -> bool {
        self.by_index.contains_key(&if_index)
    }

    /// Whether the port was another interface's since the last grace period.
    pub(super) fn is_stale(&self, id: IfId) -> bool {
        self.stale.contains(&id)
    }

    /// There was a grace period: no program uses the former interface of any port. Returns the ports of
    /// which this was not known.
    pub(super) fn settle(&mut self) -> BTreeSet<IfId> {
        std::mem::take(&mut self.stale)
    }

    /// Refuses an interface that has a number already.
    pub(super) fn refuse_same(&self, interface: Interface) -> Result<()> {
        match self.by_id.iter().find(|(_, other)| **other == interface) {
            Some((other, _)) => Err(advice::same_interface(interface, *other)),
            None => Ok(()),
        }
    }

    pub(super) fn add(&mut self, id: IfId, interface: Interface) {
        self.by_id.insert(id, interface);
    }

    pub(super) fn remove(&mut self, id: IfId) -> Option<Interface> {
        let interface = self.by_id.remove(&id)?;
        self.stale.insert(id);
        Some(interface)
    }

    /// The state of an index has changed; `None` if it is no longer served.
    pub(super) fn show(&mut self, if_index: u32, seen: Option<Seen>) {
        match seen {
            Some(seen) => self.by_index.insert(if_index, seen),
            None => self.by_index.remove(&if_index),
        };
    }

    /// The elements that count arrivals.
    pub(super) fn arrivals<'a>(
        &'a self,
        loaded: &'a Loaded,
    ) -> impl Iterator<Item = (u32, &'a Arrivals)> {
        self.by_index.iter().map(|(index, seen)| (*index, loaded.maps.arrivals.get(seen.arrivals)))
    }

    /// An index is about to be served, and counts arrivals in this element.
    pub(super) fn begin_counting(&mut self, if_index: u32, counters: &Arrivals) {
        reset(counters);
        let limit = self.limits.get_mut(&if_index);
        set_limit(counters, limit.as_ref().map(|limit| limit.rate));
        if let Some(limit) = limit {
            limit.reported = 0;
        }
    }

    /// Sets how many flows may begin on the interfaces of an index in a second.
    pub(super) fn set_limit(&mut self, loaded: &Loaded, if_index: u32, rate: Option<Rate>) {
        match rate {
            Some(rate) => {
                let reported = self.refused(loaded, if_index);
                let limit = Limit { rate, reported, last_line: None };
                self.limits.insert(if_index, limit)
            }
            None => self.limits.remove(&if_index),
        };
        if let Some(seen) = self.by_index.get(&if_index) {
            set_limit(loaded.maps.arrivals.get(seen.arrivals), rate);
        }
    }

    /// Whether there is a limit.
    pub(super) fn is_limited(&self, if_index: u32) -> bool {
        self.limits.contains_key(&if_index)
    }

    /// How many packets of new flows the limit of an index has refused.
    pub(super) fn refused(&self, loaded: &Loaded, if_index: u32) -> u64 {
        let seen = self.by_index.get(&if_index);
        seen.map_or(0, |seen| loaded.maps.arrivals.get(seen.arrivals).refused.load(Relaxed))
    }

    /// The log lines about limits that have refused flows: at most one a minute for an interface.
    pub(super) fn lines_about_refused(&mut self, loaded: &Loaded) -> Vec<String> {
        let mut lines = Vec::new();
        for (if_index, limit) in &mut self.limits {
            let Some(seen) = self.by_index.get(if_index) else { continue };
            let refused = loaded.maps.arrivals.get(seen.arrivals).refused.load(Relaxed);
            let may_log = limit.last_line.is_none_or(|last| last.elapsed() >= LINES);
            if refused > limit.reported && may_log {
                limit.last_line = Some(Instant::now());
                let new = refused - limit.reported;
                lines.push(advice::refused(*if_index, &seen.name, limit.rate, new));
                limit.reported = refused;
            }
        }
        lines
    }
}
