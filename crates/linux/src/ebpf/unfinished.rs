//! Repeats the requests about interfaces that the kernel has refused.

use super::layout::{NEIGHBOUR, UP};
use super::load::Loaded;
use super::work::{is_gone, Unfinished, Work};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// The time until what the kernel has refused is tried again.
const RETRY: Duration = Duration::from_secs(1);

impl Work {
    /// Tries again what the kernel has refused, once a second. Returns the indexes whose state it has
    /// read.
    pub(super) fn finish(&mut self, loaded: &Loaded) -> BTreeSet<u32> {
        let unfinished = &mut self.unfinished;
        let is_due = unfinished.last_try.is_none_or(|last| last.elapsed() >= RETRY);
        if unfinished.is_empty() || !is_due {
            return BTreeSet::new();
        }
        unfinished.last_try = Some(Instant::now());
        let unread = std::mem::take(&mut unfinished.unread);
        let mut left: BTreeSet<u32> = unfinished.detached.keys().copied().collect();
        left.extend(unfinished.in_map.union(&unfinished.all_multicast));
        left.into_iter().for_each(|index| self.finish_index(loaded, index));
        unread.iter().for_each(|index| self.refresh(loaded, *index));
        let unresolved: Vec<u32> = self.unfinished.unresolved.iter().copied().collect();
        unresolved.into_iter().for_each(|index| self.resolve(loaded, index));
        unread
    }

    /// The same for what is left of an index that is no longer served.
    pub(super) fn finish_index(&mut self, loaded: &Loaded, if_index: u32) {
        let Unfinished { detached, in_map, all_multicast, .. } = &mut self.unfinished;
        if detached.get_mut(&if_index).is_some_and(|attached| attached.detach().is_ok()) {
            detached.remove(&if_index);
        }
        if in_map.contains(&if_index) && loaded.maps.ifaces.delete(&if_index).is_ok() {
            in_map.remove(&if_index);
        }
        if all_multicast.contains(&if_index) {
            match self.links.receive_all(if_index, false) {
                Err(error) if !is_gone(&error) => {}
                _ => drop(all_multicast.remove(&if_index)),
            }
        }
    }

    /// Makes the kernel find out the addresses of those next hops of an index that it does not know.
    pub(super) fn resolve(&mut self, loaded: &Loaded, if_index: u32) {
        let Some(served) = self.by_index.get(&if_index) else {
            self.unfinished.unresolved.remove(&if_index);
            return;
        };
        for (id, next_hop) in &served.ports {
            let flags = loaded.maps.ports.get(id.0.into()).flags.load(Relaxed);
            if flags & NEIGHBOUR == 0 || flags & UP != 0 {
                continue;
            }
            if let Err(error) = self.requests.resolve(if_index, *next_hop) {
                // For want of CAP_NET_ADMIN: then other packets to the neighbour must do so.
                log::debug!("{next_hop} on {}: cannot be resolved: {error}", served.facts.name);
            }
        }
    }
}
