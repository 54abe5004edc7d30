//! Packets that came in on another interface than their MFE's iif: when their owner was told
//! (spec 5.7), and which flows may have moved there (spec 5.1).
//!
//! Whoever sends the packets decides how many of both there are. So both have a bound, and
//! nothing in them stays for ever.

use crate::types::{Flow, Headroom, Interface, Ipv4Addr, Time};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// After a WRONG_IF_CALLBACK the same packets are left unmentioned so long (spec 5.7).
const SILENCE_MS: u64 = 3000;

/// So many flows on wrong interfaces are told of in that time.
const MOST_TOLD: usize = 1 << 16;

/// So many rivals are remembered; the oldest makes room for a new one.
pub(super) const MOST_RIVALS: usize = 1 << 16;

/// A rival is forgotten so long after its first packet, the usual time-out of an MFE: one that
/// got packets by its rival only has ended by then.
const RIVAL_MS: u64 = 900_000;

/// What one takes in the nodes of both trees, at the most: nodes are half full.
const RIVAL_BYTES: usize = 192;

/// To find the oldest, no more than so many are looked at that have begun anew.
const LOOKS: usize = 16;

/// Packets on other interfaces than the iif.
#[derive(Debug, Default)]
pub(super) struct WrongIfs {
    /// When WRONG_IF_CALLBACK was last made, for each flow and interface.
    told: HashMap<(Flow, Interface), Time, RandomState>,
    /// When those whose silence is over are next thrown out.
    silence_ends: Option<Time>,
    rivals: Rivals,
    /// When [`WrongIfs::sweep`] has something to do: each call asks.
    next: Option<Time>,
}

impl WrongIfs {
    /// Whether the silence is over; if so another one begins.
    pub fn may_tell(&mut self, now: Time, flow: Flow, arrival: Interface) -> bool {
        let told = self.told.get(&(flow, arrival));
        if told.is_some_and(|&told| now.since(told) < SILENCE_MS) {
            return false;
        }
        if self.told.len() >= MOST_TOLD || self.told.try_reserve(1).is_err() {
            return false;
        }
        self.told.insert((flow, arrival), now);
        self.silence_ends.get_or_insert(Time(now.0 + SILENCE_MS));
        self.next = Time::sooner(self.next, self.silence_ends);
        true
    }

    /// When [`WrongIfs::sweep`] has something to do.
    #[inline]
    pub fn next_sweep(&self) -> Option<Time> {
        self.next
    }

    /// Throws out what does not matter any more; of the rivals so many at the most.
    pub fn sweep(&mut self, now: Time, most: usize) {
        if self.next.is_none_or(|due| due > now) {
            return;
        }
        if self.silence_ends.is_some_and(|due| due <= now) {
            self.told.retain(|_, told| now.since(*told) < SILENCE_MS);
            let more = !self.told.is_empty();
            self.silence_ends = more.then_some(Time(now.0 + SILENCE_MS));
        }
        self.rivals.forget_old(now, most);
        self.next = Time::sooner(self.silence_ends, self.rivals.next_end());
    }

    /// A packet has come in by a rival of its iif, which had `accepted` so many. Whether the
    /// flow has come in by the rival for so long, and by the iif not at all.
    pub fn has_moved(
        &mut self,
        now: Time,
        (flow, rival): (Flow, Interface),
        accepted: u64,
        gap: u64,
        headroom: &mut Headroom,
    ) -> bool {
        let has_moved = self.rivals.packet(now, (flow, rival), accepted, gap, headroom);
        self.next = Time::sooner(self.next, self.rivals.next_end());
        has_moved
    }

    /// The MFE of a flow has gone, and its rivals with it.
    #[inline]
    pub fn mfe_gone(&mut self, flow: Flow) {
        if !self.rivals.by_name.is_empty() {
            self.rivals.forget(flow);
            self.next = Time::sooner(self.silence_ends, self.rivals.next_end());
        }
    }

    /// How many rivals are remembered.
    #[cfg(test)]
    pub fn rivals(&self) -> usize {
        assert_eq!(self.rivals.by_name.len(), self.rivals.by_age.len());
        self.rivals.by_name.len()
    }
}

/// Interfaces where a flow may come in as well as by its iif, and does. In two trees, which
/// grow and shrink by small nodes: no call waits for a table to be copied.
#[derive(Debug, Default)]
struct Rivals {
    by_name: BTreeMap<(Flow, Interface), Rival>,
    /// By the time that each is filed under.
    by_age: BTreeSet<(Time, Flow, Interface)>,
}

/// A flow has come in by another legitimate interface than its iif.
#[derive(Clone, Copy, Debug)]
struct Rival {
    /// The first packet there since the iif has accepted one.
    since: Time,
    /// How many the iif had accepted then.
    accepted: u64,
    /// Its time in the tree of ages, where it stays when `since` begins anew: while both
    /// interfaces deliver, each packet would move it.
    filed: Time,
}

impl Rivals {
    fn packet(
        &mut self,
        now: Time,
        name: (Flow, Interface),
        accepted: u64,
        gap: u64,
        headroom: &mut Headroom,
    ) -> bool {
        let Some(rival) = self.by_name.get_mut(&name) else {
            if headroom.take(RIVAL_BYTES).is_ok() {
                self.make_room();
                self.by_name.insert(name, Rival { since: now, accepted, filed: now });
                self.by_age.insert((now, name.0, name.1));
            }
            return false;
        };
        if rival.accepted != accepted {
            (rival.since, rival.accepted) = (now, accepted);
        }
        let has_moved = now.since(rival.since) >= gap;
        if has_moved {
            self.remove(name);
        }
        has_moved
    }

    fn remove(&mut self, name: (Flow, Interface)) {
        if let Some(rival) = self.by_name.remove(&name) {
            self.by_age.remove(&(rival.filed, name.0, name.1));
        }
    }

    /// Forgets those of a flow.
    fn forget(&mut self, flow: Flow) {
        let least = Interface { index: 0, next_hop: Ipv4Addr::UNSPECIFIED };
        let rivals = |rivals: &Rivals| {
            let mut from = rivals.by_name.range((flow, least)..);
            from.next().map(|(name, _)| *name).filter(|name| name.0 == flow)
        };
        while let Some(name) = rivals(self) {
            self.remove(name);
        }
    }

    /// Makes sure that another one is not too many.
    fn make_room(&mut self) {
        let mut looks = 0;
        while self.by_name.len() >= MOST_RIVALS {
            if looks == LOOKS || !self.refile_oldest() {
                if let Some((_, flow, interface)) = self.by_age.first().copied() {
                    self.remove((flow, interface));
                }
            }
            looks += 1;
        }
    }

    /// Files the oldest under its present time; false if it is filed there already.
    fn refile_oldest(&mut self) -> bool {
        let Some(&(filed, flow, interface)) = self.by_age.first() else { return false };
        let Some(rival) = self.by_name.get_mut(&(flow, interface)) else { return false };
        if rival.since == filed {
            return false;
        }
        rival.filed = rival.since;
        let since = rival.since;
        self.by_age.pop_first();
        self.by_age.insert((since, flow, interface));
        true
    }

    /// When the oldest may be forgotten.
    fn next_end(&self) -> Option<Time> {
        self.by_age.first().map(|(filed, ..)| Time(filed.0 + RIVAL_MS))
    }

    /// Forgets those whose time is over, looking at so many at the most.
    fn forget_old(&mut self, now: Time, most: usize) {
        for _ in 0..most {
            if self.next_end().is_none_or(|end| end > now) {
                return;
            }
            if !self.refile_oldest() {
                if let Some((_, flow, interface)) = self.by_age.first().copied() {
                    self.remove((flow, interface));
                }
            }
        }
    }
}
