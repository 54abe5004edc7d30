//! The groups of a link, and which of them has a timer that is due.

use crate::router::group::Group;
use crate::NEVER;
use mgm_types::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::Bound;

/// The groups, by address, and their deadlines. A group has one deadline, that of its earliest
/// timer.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<Ipv4Addr, Group>,
    deadlines: BTreeSet<(Time, Ipv4Addr)>,
}

impl Groups {
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    pub fn get(&self, group: Ipv4Addr) -> Option<&Group> {
        self.groups.get(&group)
    }

    pub fn get_mut(&mut self, group: Ipv4Addr) -> Option<&mut Group> {
        self.groups.get_mut(&group)
    }

    /// All groups, by address.
    pub fn iter(&self) -> impl Iterator<Item = (Ipv4Addr, &Group)> {
        self.groups.iter().map(|(address, group)| (*address, group))
    }

    /// The groups from this bound on, by address.
    pub fn from(&self, start: Bound<Ipv4Addr>) -> impl Iterator<Item = (Ipv4Addr, &Group)> {
        let groups = self.groups.range((start, Bound::Unbounded));
        groups.map(|(address, group)| (*address, group))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Group> {
        self.groups.values_mut()
    }

    /// The group, which is created if it does not exist.
    pub fn create(&mut self, group: Ipv4Addr) -> &mut Group {
        self.groups.entry(group).or_insert_with(Group::new)
    }

    /// Removes a group; returns how many sources it had.
    pub fn remove(&mut self, address: Ipv4Addr) -> Option<usize> {
        let group = self.groups.remove(&address)?;
        self.deadlines.remove(&(group.deadline, address));
        Some(group.sources.len())
    }

    /// Timers of a group were lowered or added. Timers that rise need no call: then the deadline
    /// comes too early, and this is called when it is there.
    pub fn settle(&mut self, address: Ipv4Addr) {
        let Some(group) = self.groups.get_mut(&address) else { return };
        let earliest = group.earliest();
        self.set_deadline(address, earliest);
    }

    /// The same, if none of these timers ends before `at`: the other ones, of which a group may
    /// have hundreds, need not be looked at.
    pub fn lower(&mut self, address: Ipv4Addr, at: Time) {
        if self.groups.get(&address).is_some_and(|group| at < group.deadline) {
            self.set_deadline(address, at);
        }
    }

    fn set_deadline(&mut self, address: Ipv4Addr, deadline: Time) {
        let Some(group) = self.groups.get_mut(&address) else { return };
        if deadline == group.deadline {
            return;
        }
        self.deadlines.remove(&(group.deadline, address));
        group.deadline = deadline;
        if deadline != NEVER {
            self.deadlines.insert((deadline, address));
        }
    }

    /// The earliest deadline, and the group that it belongs to.
    pub fn first(&self) -> Option<(Time, Ipv4Addr)> {
        self.deadlines.first().copied()
    }
}
