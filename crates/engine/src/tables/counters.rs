//! The counters of an MFE (spec 6.7). No counter falls while the MFE exists.
//!
//! The memory forwarder counts arriving packets for the MFE as a whole. How many packets each
//! oif has sent, and how many arrived without any oif, follows from that and from when oifs
//! were added and removed. Two numbers nearly always suffice for this. Otherwise each oif gets
//! its own counters, in [`Rare`].
//!
//! Another forwarder has counters of its own, also for the MFE as a whole. The library reads them
//! when a client asks, and before the MFE gets its first oif or loses its last one, because it
//! depends on the oifs at that time whether the packets until then were forwarded.

use super::mfe::{Mfe, OifCount, Rare};
use mgm_types::{Counters, Headroom, IfId};
use std::num::NonZeroU32;

impl Rare {
    fn count_mut(&mut self, id: IfId) -> &mut OifCount {
        let out = self.out.get_or_insert_default();
        let at = out.iter().position(|(other, _)| *other == id).unwrap_or_else(|| {
            out.push((id, OifCount::default()));
            out.len() - 1
        });
        &mut out[at].1
    }
}

impl Mfe {
    /// Prepares the counters for an interface that becomes an oif, or ceases to be one.
    ///
    /// Without counters of their own
    /// - the first oifs have sent `packets - before`;
    /// - `other`, if it is an oif, has sent `packets - since`, which is less;
    /// - `other`, if there is no oif, was the only one until `since`: it has sent `since - before`.
    #[inline]
    pub fn recount(&mut self, id: IfId, wanted: bool) {
        // The usual case: the only oif leaves, after it has sent packets.
        let is_only = !wanted && self.since.is_none() && self.rare.is_none() && self.oifs.is_one();
        match u32::try_from(self.packets).ok().and_then(NonZeroU32::new) {
            Some(now) if is_only && now.get() != self.before => {
                (self.other, self.since) = (id, Some(now));
            }
            _ => self.recount_any(id, wanted),
        }
    }

    #[cold]
    fn recount_any(&mut self, id: IfId, wanted: bool) {
        if self.counts_apart().is_none() {
            let now = u32::try_from(self.packets).ok().and_then(NonZeroU32::new);
            match now {
                Some(now) if self.follows(id, wanted, now) => return,
                _ => self.count_apart(),
            }
        }
        if wanted {
            self.rare().count_mut(id);
        }
    }

    /// Whether two numbers still suffice after the change. If so, updates them.
    fn follows(&mut self, id: IfId, wanted: bool, now: NonZeroU32) -> bool {
        match (self.oifs.len(), self.since) {
            (0, None) => self.before = now.get(),
            (0, Some(left)) if self.other == id => {
                self.before += now.get() - left.get();
                self.since = None;
            }
            (0, Some(_)) => return false,
            _ if wanted && now.get() == self.before => {} // as if it had come first
            (_, None) if wanted => (self.other, self.since) = (id, Some(now)),
            _ if wanted => return false,
            _ if self.oif_count(id) == OifCount::default() => {
                self.since = self.since.filter(|_| self.other != id);
            }
            (1, None) => (self.other, self.since) = (id, Some(now)),
            _ => return false,
        }
        true
    }

    /// The counters of present and former oifs, if there are counters for each oif.
    #[inline]
    fn counts_apart(&mut self) -> Option<&mut Vec<(IfId, OifCount)>> {
        self.rare.as_mut()?.out.as_mut()
    }

    /// Switches to counters for each oif.
    #[cold]
    fn count_apart(&mut self) {
        if self.counts_apart().is_some() {
            return;
        }
        let negative = self.negative();
        let mut counts = Vec::with_capacity(self.oifs.len() + 1); // mostly for one more
        counts.extend(self.oifs.iter().map(|id| (id, self.oif_count(id))));
        if self.oifs.is_empty() && self.since.is_some() {
            counts.push((self.other, self.oif_count(self.other)));
        }
        (self.before, self.since) = (0, None);
        let rare = self.rare();
        rare.out = Some(counts);
        rare.negative = negative;
    }

    #[cold]
    fn has_room_for_counts(&mut self, headroom: &mut Headroom) -> bool {
        let bytes = size_of::<Rare>() + (self.oifs.len() + 1) * size_of::<(IfId, OifCount)>();
        self.counts_apart().is_some() || headroom.take(bytes).is_ok()
    }

    /// Counts a packet in, and out on each oif that it `reaches`: `all`, or some.
    #[inline]
    pub fn count(
        &mut self,
        length: u32,
        all: bool,
        reaches: impl Fn(IfId) -> bool,
        headroom: &mut Headroom,
    ) {
        if self.is_read() {
            return; // the forwarder counts the packet, if it has seen it
        }
        // Without memory for separate counters, every oif counts every accepted packet.
        if !all && self.has_room_for_counts(headroom) {
            self.count_apart();
        }
        self.packets += 1;
        self.octets += u64::from(length);
        if self.rare.is_some() {
            self.count_out(|id| all || reaches(id));
        }
    }

    fn count_out(&mut self, reaches: impl Fn(IfId) -> bool) {
        let Some(rare) = &mut self.rare else { return };
        let Some(out) = &mut rare.out else { return };
        if self.oifs.is_empty() {
            rare.negative += 1;
        }
        for (id, count) in out.iter_mut().filter(|(id, _)| self.oifs.contains(*id)) {
            if reaches(*id) {
                count.packets += 1;
            } else {
                count.ttl_too_low += 1;
            }
        }
    }

    /// Counts a packet on another interface than the iif.
    pub fn count_wrong_if(&mut self, headroom: &mut Headroom) {
        let has_room = self.rare.is_some() || headroom.take(size_of::<Rare>()).is_ok();
        if !self.is_read() && has_room {
            self.rare().wrong_if += 1;
        }
    }

    /// An interface was released, and its number may be reused. What it has sent stays part of
    /// the sum.
    pub fn forget_oif(&mut self, id: IfId) {
        if self.is_read() || self.oifs.contains(id) {
            return;
        }
        if self.since.is_some() && self.other == id && self.oifs.is_empty() {
            self.count_apart();
        }
        let Some(rare) = &mut self.rare else { return };
        let Some(out) = &mut rare.out else { return };
        out.retain(|(other, count)| {
            let stays = *other != id;
            rare.released += if stays { 0 } else { count.packets };
            stays
        });
    }

    /// The counters of an oif.
    pub fn oif_count(&self, id: IfId) -> OifCount {
        if self.is_read() {
            return OifCount::default();
        }
        if let Some(out) = self.rare.as_ref().and_then(|rare| rare.out.as_ref()) {
            let own = out.iter().find(|(other, _)| *other == id);
            return own.map_or_else(OifCount::default, |(_, count)| *count);
        }
        let before = u64::from(self.before);
        let packets = match self.since {
            Some(since) if self.other == id => {
                let since = u64::from(since.get());
                if self.oifs.is_empty() {
                    since - before
                } else {
                    self.packets - since
                }
            }
            _ => self.packets - before,
        };
        OifCount { packets, ttl_too_low: 0 }
    }

    /// The usual case: what each oif has sent, and how many packets were accepted while there
    /// was no oif. The present oifs have sent all of it.
    #[inline]
    pub fn plain_counts(&self) -> Option<(u64, u64)> {
        if self.rare.is_some() || self.since.is_some() {
            return None;
        }
        let before = u64::from(self.before);
        if self.is_read() {
            return Some((0, before));
        }
        let negative = if self.oifs.is_empty() { self.packets } else { before };
        Some((self.packets.wrapping_sub(before), negative))
    }

    /// How many packets were accepted while there was no oif.
    pub fn negative(&self) -> u64 {
        let apart = self.rare.as_ref().filter(|rare| self.is_read() || rare.out.is_some());
        let before = u64::from(self.before);
        match (apart, self.since) {
            (Some(rare), _) => rare.negative.saturating_add(before),
            (None, _) if self.is_read() || !self.oifs.is_empty() => before,
            (None, Some(since)) => before + (self.packets - u64::from(since.get())),
            (None, None) => self.packets,
        }
    }

    /// How many packets were sent on former oifs.
    pub fn sent_by_former(&self) -> u64 {
        if self.oifs.is_empty() && self.since.is_some() {
            return self.oif_count(self.other).packets;
        }
        let Some(rare) = &self.rare else { return 0 };
        let out = rare.out.iter().flatten().filter(|(id, _)| !self.oifs.contains(*id));
        rare.released + out.map(|(_, count)| count.packets).sum::<u64>()
    }

    /// The forwarder has this MFE and counts its packets from now on. True if the forwarder's
    /// entry had oifs and this MFE has none, or the reverse.
    pub fn is_turning(&mut self) -> bool {
        if !self.is_read() {
            // The forwarder has not seen the packets that the host has handed in meanwhile.
            self.set_read();
            (self.packets, self.octets) = (0, 0);
            (self.before, self.since) = (0, None);
        }
        self.was_negative() != self.oifs.is_empty()
    }

    /// The forwarder knows whether this MFE has oifs.
    pub fn told(&mut self) {
        self.set_was_negative(self.oifs.is_empty());
    }

    /// Takes in what the forwarder has counted for its present entry.
    pub fn read(&mut self, now: Counters) {
        if !self.is_read() {
            return;
        }
        let (packets, octets) = (self.packets, self.octets);
        let same = Counters { packets, octets, wrong_if: 0 };
        if self.rare.is_none() && now == same {
            return; // no packet has arrived
        }
        let (mut lost, wrong_if, ahead) = match &self.rare {
            Some(rare) => (rare.lost, rare.wrong_if, rare.ahead),
            None => Default::default(),
        };
        let mut all = lost.plus(now);
        let arrived = (packets - ahead).saturating_add(wrong_if);
        let has_fallen = all.packets.saturating_add(all.wrong_if) < arrived;
        if has_fallen || all.octets < octets || all.wrong_if < wrong_if {
            // The counters are lower than before, so this is a new entry.
            lost = Counters { packets, octets, wrong_if };
            self.rare().lost = lost;
            all = lost.plus(now);
        }
        // The kernel first counts a packet, and a little later counts it as a packet on a wrong
        // interface. A reading in between shows one accepted packet too many.
        let too_many = packets.saturating_sub(all.packets);
        if too_many != ahead {
            self.rare().ahead = too_many;
        }
        let wrong_if = all.wrong_if;
        (self.packets, self.octets) = (all.packets + too_many, all.octets);
        if wrong_if > 0 {
            self.rare().wrong_if = wrong_if;
        }
        if self.was_negative() {
            self.add_negative(self.packets - packets);
        }
    }

    /// Adds packets that were accepted while there was no oif.
    fn add_negative(&mut self, more: u64) {
        let all = more.saturating_add(self.before.into());
        match u32::try_from(all) {
            Ok(before) => self.before = before,
            Err(_) => {
                self.before = 0;
                let rare = self.rare();
                rare.negative = rare.negative.saturating_add(all);
            }
        }
    }
}
