//! Packets that arrived on another interface than the iif of their MFE: when the owner was told
//! (spec 5.7), and which flows may have moved there (spec 5.1).
//!
//! Senders control how many of both there are. So both are bounded, and their entries expire.

use foldhash::fast::RandomState;
use mgm_types::{Flow, Headroom, Interface, Ipv4Addr, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The time after a WRONG_IF_CALLBACK without another one for the same packets (spec 5.7).
const SILENCE_MS: u64 = 3000;

/// The most flows on wrong interfaces that are reported in that time.
const MOST_TOLD: usize = 1 << 16;

/// How many rivals are remembered; beyond that the oldest is forgotten.
pub const MOST_RIVALS: usize = 1 << 16;

/// A rival is forgotten this time after its first packet. It is the default time-out of an MFE:
/// an MFE that got packets only on the rival has expired by then.
const RIVAL_MS: u64 = 900_000;

/// The most memory that a rival needs in the nodes of both trees, which are half full.
const RIVAL_BYTES: usize = 192;

/// The most rivals that have started again which are examined to find the oldest.
const LOOKS: usize = 16;

/// Packets on other interfaces than the iif.
#[derive(Debug, Default)]
pub struct WrongIfs {
    /// When WRONG_IF_CALLBACK was last made, for each flow and interface.
    told: HashMap<(Flow, Interface), Time, RandomState>,
    /// When the entries whose time is over are next removed.
    silence_ends: Option<Time>,
    rivals: Rivals,
    /// When [`WrongIfs::sweep`] has something to do. Stored, because each call asks.
    next: Option<Time>,
}

impl WrongIfs {
    /// Whether the flow may be reported on this interface again. If so, its time starts again.
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

    /// Removes expired entries; of the rivals a limited number.
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

    /// Notes a packet on a rival of the iif. Whether the flow has arrived on the rival for the
    /// required time, and not on the iif.
    pub fn has_moved(&mut self, now: Time, packet: RivalPacket, headroom: &mut Headroom) -> bool {
        let has_moved = self.rivals.packet(now, packet, headroom);
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

/// Rivals: legitimate interfaces besides the iif on which packets of a flow arrive. In two
/// trees, which grow and shrink by small nodes, so that no call copies a large table.
#[derive(Debug, Default)]
struct Rivals {
    by_name: BTreeMap<(Flow, Interface), Rival>,
    /// Rivals by their time in this tree.
    by_age: BTreeSet<(Time, Flow, Interface)>,
}

/// A packet that arrived on a rival.
#[derive(Clone, Copy, Debug)]
pub struct RivalPacket {
    pub flow: Flow,
    pub rival: Interface,
    /// How many packets the iif has accepted.
    pub accepted: u64,
    /// The time in milliseconds after which the flow has moved.
    pub gap: u64,
}

/// A flow that has arrived on another legitimate interface than its iif.
#[derive(Clone, Copy, Debug)]
struct Rival {
    /// The first packet there since the last packet on the iif.
    since: Time,
    /// How many packets the iif had accepted then.
    accepted: u64,
    /// Its time in the tree of ages. It does not change when `since` starts again, because
    /// otherwise each packet would move the rival while both interfaces deliver.
    filed: Time,
}

impl Rivals {
    fn packet(&mut self, now: Time, packet: RivalPacket, headroom: &mut Headroom) -> bool {
        let RivalPacket { flow, rival, accepted, gap } = packet;
        let name = (flow, rival);
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

    /// Removes the rivals of a flow.
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

    /// Makes room for another rival.
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

    /// Moves the oldest to its present time in the tree; false if it is there already.
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

    /// When the oldest can be forgotten.
    fn next_end(&self) -> Option<Time> {
        self.by_age.first().map(|(filed, ..)| Time(filed.0 + RIVAL_MS))
    }

    /// Removes expired rivals; examines a limited number.
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
