//! When the answers to specific queries are due.

use crate::NEVER;
use mgm_types::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The groups that were queried, and when each is answered.
#[derive(Debug, Default)]
pub(super) struct Answers {
    times: BTreeMap<Ipv4Addr, Time>,
    order: BTreeSet<(Time, Ipv4Addr)>,
}

impl Answers {
    /// Schedules an answer. If one is pending already, the earlier time counts.
    pub fn add(&mut self, group: Ipv4Addr, at: Time, pending: bool) {
        let known = self.times.get(&group).copied().filter(|_| pending);
        let at = known.map_or(at, |known| known.min(at));
        self.remove(group);
        self.times.insert(group, at);
        self.order.insert((at, group));
    }

    /// No answer for this group.
    pub fn remove(&mut self, group: Ipv4Addr) {
        if let Some(at) = self.times.remove(&group) {
            self.order.remove(&(at, group));
        }
    }

    /// The earliest deadline.
    pub fn deadline(&self) -> Time {
        self.order.first().map_or(NEVER, |(at, _)| *at)
    }

    /// Takes a group whose answer is due at `at`.
    pub fn due(&mut self, at: Time) -> Option<Ipv4Addr> {
        let (_, group) = self.order.first().copied().filter(|(due, _)| *due <= at)?;
        self.remove(group);
        Some(group)
    }
}
