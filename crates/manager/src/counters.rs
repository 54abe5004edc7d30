//! Counters of the running manager.

use crate::engine::NoticeKind;
use crate::forwarder::UpcallKind;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// How often each kind of callback was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliveries([u64; NoticeKind::ALL.len()]);

impl Deliveries {
    /// Counts a callback of this kind.
    pub(super) fn count(&mut self, kind: NoticeKind) {
        self.0[kind as usize] += 1;
    }

    /// Each kind's name and number.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        NoticeKind::ALL.iter().map(|&kind| (name(kind), self.0[kind as usize]))
    }
}

/// The name of a kind of callback in the status and the metrics.
fn name(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Rpf => "rpf",
        NoticeKind::Creation => "creation_alert",
        NoticeKind::Prune => "prune_alert",
        NoticeKind::Join => "join_alert",
        NoticeKind::WrongIf => "wrong_if",
        NoticeKind::LocalJoin => "local_join",
        NoticeKind::LocalLeave => "local_leave",
        NoticeKind::DisableIgmp => "disable_igmp",
        NoticeKind::EnableIgmp => "enable_igmp",
    }
}

impl Serialize for Deliveries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, count) in self.iter() {
            map.serialize_entry(name, &count)?;
        }
        map.end()
    }
}

/// The counts since the start of the library, except those of the engine and the system state.
#[derive(Debug, Default)]
pub(super) struct RunCounters {
    pub callbacks: Deliveries,
    /// How often a client fell behind, and the WRONG_IF_CALLBACKs that were not made for it.
    pub fell_behind: u64,
    pub dropped: u64,
    /// Processed upcalls, of each kind.
    pub no_cache: u64,
    pub wrong_if: u64,
}

impl RunCounters {
    /// Counts an upcall.
    pub fn count_upcall(&mut self, kind: UpcallKind) {
        match kind {
            UpcallKind::NoCache => self.no_cache += 1,
            UpcallKind::WrongIf => self.wrong_if += 1,
        }
    }
}

/// Counts of changes of the forwarder's entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Installs {
    /// Entries that the forwarder refused.
    pub errors: u64,
    /// How often a refused entry was retried.
    pub retries: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_place_and_a_name_of_its_own() {
        let mut deliveries = Deliveries::default();
        for (place, &kind) in NoticeKind::ALL.iter().enumerate() {
            assert_eq!(kind as usize, place);
            deliveries.count(kind);
        }
        assert!(deliveries.iter().all(|(_, count)| count == 1));
        let names: std::collections::BTreeSet<_> =
            deliveries.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), NoticeKind::ALL.len());
    }
}
