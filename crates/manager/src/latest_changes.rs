//! The latest changes of the routes, with which the results of look-ups are compared.

use crate::route_view::RouteChanges;
use crate::types::Ipv4Addr;
use std::collections::VecDeque;
use std::sync::Arc;

/// The latest changes of the routes.
#[derive(Debug, Default)]
pub(super) struct LatestChanges {
    /// The number of changes so far.
    count: u64,
    /// The last changes, the latest one last.
    latest: VecDeque<Arc<RouteChanges>>,
}

/// How many changes are remembered: more do not happen in the time of a few look-ups.
const REMEMBERED: usize = 64;

impl LatestChanges {
    /// Notes a change of routes.
    pub fn note(&mut self, changes: Arc<RouteChanges>) {
        self.count += 1;
        if self.latest.len() == REMEMBERED {
            self.latest.pop_front();
        }
        self.latest.push_back(changes);
    }

    /// The number of changes so far, to be passed to [`LatestChanges::since`].
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The changes since this number; `None` if that is too long ago.
    pub fn since(&self, count: u64) -> Option<impl Iterator<Item = &RouteChanges> + Clone> {
        let new = (self.count - count) as usize;
        let known = self.latest.len().checked_sub(new)?;
        Some(self.latest.iter().skip(known).map(Arc::as_ref))
    }

    /// Whether a look-up of this source, made at this number of changes, may be outdated.
    pub fn may_concern(&self, source: Ipv4Addr, count: u64) -> bool {
        self.since(count).is_none_or(|mut changes| changes.any(|one| one.contain(source)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Prefix;

    #[test]
    fn t5_10_a_change_concerns_those_within_and_later_ones_only() {
        let mut changes = LatestChanges::default();
        let source = Ipv4Addr::new(10, 1, 0, 1);
        let within = |network: [u8; 4], len| {
            Arc::new(RouteChanges::within([Prefix::of(network.into(), len)]))
        };
        changes.note(within([10, 1, 0, 0], 16));
        let before = changes.count();
        assert!(!changes.may_concern(source, before), "it was there before the look-up");
        changes.note(within([10, 2, 0, 0], 16));
        assert!(!changes.may_concern(source, before));
        changes.note(within([10, 1, 0, 0], 24));
        assert!(changes.may_concern(source, before));
        assert!(!changes.may_concern(source, changes.count()));
        // So many that the first ones are forgotten.
        for _ in 0..REMEMBERED {
            assert!(changes.may_concern(source, before));
            changes.note(within([10, 2, 0, 0], 16));
        }
        assert!(changes.since(before).is_none() && changes.may_concern(source, before));
        assert!(!changes.may_concern(source, changes.count() - REMEMBERED as u64));
    }
}
