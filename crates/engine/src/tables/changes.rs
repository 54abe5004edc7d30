//! Changes that can make refused flows acceptable (spec 5.1), while their flows are still to be
//! found.

use mgm_types::{Interface, Scope};
use smallvec::SmallVec;

/// How many changes are stored separately. With more, all flows refused before are forgotten.
const MOST: usize = 64;

/// A change that can make refused flows acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The owner of this interface has changed: flows that arrived there, or whose route leads
    /// there, can be accepted.
    Owner(Interface),
    /// This interface has no owner now: flows that arrived there are forgotten, because the system
    /// delivers no more packets from there.
    Gone(Interface),
    /// The limit of the flows that begin on the interfaces of this index has changed.
    FlowRate(u32),
    /// A boundary was deleted.
    Boundary(Scope),
    /// The interface is in another domain: flows that arrived there are forgotten, and looked up
    /// in the new domain with their next packet.
    Domain(Interface),
    /// Too many changes: all refused flows are forgotten, and their next packets count as first
    /// ones.
    Any,
}

/// A change, and the position of the walk through the refusals that it may concern.
#[derive(Clone, Copy, Debug)]
pub struct PendingChange {
    pub change: Change,
    /// The walk continues with the refusal of this number.
    pub next: u64,
    /// The walk ends with the refusal of this number.
    pub last: u64,
}

/// Changes whose flows are still being looked for, the oldest first.
#[derive(Debug, Default)]
pub struct Changes(SmallVec<[PendingChange; 4]>);

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes that a change may concern the refusals with these numbers. If a walk through the
    /// refusals for the same change has not begun, it is extended. A walk that has begun continues
    /// to its end: otherwise a change that comes often would begin again each time, and delay all
    /// others.
    pub fn note(&mut self, change: Change, next: u64, last: u64) {
        let is_to_begin = |other: &&mut PendingChange| other.change == change && other.next == 0;
        if let Some(other) = self.0.iter_mut().find(is_to_begin) {
            other.last = last;
            return;
        }
        if self.0.len() < MOST && self.0.try_reserve(1).is_ok() {
            self.0.push(PendingChange { change, next, last });
        } else {
            self.0.clear();
            self.0.push(PendingChange { change: Change::Any, next: 0, last });
        }
    }

    /// The changes, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &PendingChange> + '_ {
        self.0.iter()
    }

    /// The oldest change.
    pub fn first(&self) -> Option<PendingChange> {
        self.0.first().copied()
    }

    /// Moves the walk for the oldest change to a refusal, or ends it.
    pub fn advance(&mut self, next: Option<u64>) {
        match (next, self.0.first_mut()) {
            (Some(next), Some(first)) => first.next = next,
            _ => _ = self.0.remove(0),
        }
    }
}
