//! What mgmd has refused after the connection was lost, for example because another client was there
//! first.

use mgm_types::Flow;
use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

/// At most so many memberships or flows are asked for at once, because the daemon waits meanwhile.
pub(crate) const AT_ONCE: usize = 32;

/// What is missing.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    /// Interfaces.
    pub takes: BTreeSet<u32>,
    /// Memberships on interfaces that the daemon owns.
    pub adds: BTreeSet<(Flow, u32)>,
    /// The last of them that was asked for again.
    last: Option<(Flow, u32)>,
}

impl Refused {
    /// The daemon has deleted a VIF.
    pub fn forget(&mut self, index: u32) {
        self.takes.remove(&index);
        self.adds.retain(|(_, on)| *on != index);
    }

    /// The next memberships, in a circle.
    pub fn next(&mut self) -> BTreeSet<Flow> {
        let after = self.last.map_or(Unbounded, Excluded);
        let mut found: Vec<_> =
            self.adds.range((after, Unbounded)).take(AT_ONCE).copied().collect();
        if found.is_empty() {
            found = self.adds.iter().take(AT_ONCE).copied().collect();
        }
        self.last = found.last().copied();
        found.into_iter().map(|(flow, _)| flow).collect()
    }
}
