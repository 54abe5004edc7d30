//! A multicast forwarding entry: what is kept of it, and how its oifs count.

use super::planted::{self, Bug};
use super::Effects;
use crate::types::{IfId, IfSet, Ipv4Addr, Time};
use std::num::NonZeroU32;

/// One MFE. A million of them: see the budget in CONTRIBUTING.md.
#[derive(Debug)]
pub(super) struct Mfe {
    pub iif: IfId,
    pub upstream: Ipv4Addr,
    pub oifs: IfSet,
    pub born: Moment,
    /// The low bits of the packet counter when this life began: another value
    /// at its end says that it forwarded meanwhile (spec 5.6).
    pub seen: u32,
    /// Tells this MFE from an earlier one of the same flow: low bits of a serial
    /// number, of which four billion go by before a question could be mistaken.
    pub serial: u32,
    /// What had come in before the first of the oifs was one: none of them has
    /// sent it out.
    before: u32,
    /// The same of an oif that came later, if there is one: a second one is
    /// nothing rare.
    later_before: Option<NonZeroU32>,
    later_id: IfId,
    /// The interface that the first packet arrived on, as long as it is there.
    pub arrival: IfId,
    /// What the embedded forwarder counts.
    pub packets: u64,
    pub octets: u64,
    pub rare: Option<Box<Rare>>,
}

/// What few MFEs have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// Interfaces that the owner switched on, or off, whatever the memberships say.
    pub on: IfSet,
    pub off: IfSet,
    /// Life in seconds, if it is not the usual one; u32::MAX never ends.
    pub timeout: Option<u32>,
    /// Counters of each oif, from the moment on at which they are not all equal
    /// to what has come in since.
    pub out: Option<Vec<(IfId, OifCount)>>,
    /// Packets on other interfaces than the iif.
    pub wrong_if: u64,
}

/// A [`Time`] in six bytes: MGM may run for 8,900 years.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment([u16; 3]);

impl From<Time> for Moment {
    fn from(time: Time) -> Moment {
        Moment([time.0 as u16, (time.0 >> 16) as u16, (time.0 >> 32) as u16])
    }
}

impl From<Moment> for Time {
    fn from(Moment([low, middle, high]): Moment) -> Time {
        Time(u64::from(low) | u64::from(middle) << 16 | u64::from(high) << 32)
    }
}

/// What the embedded forwarder counts for an oif.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OifCount {
    pub packets: u64,
    pub ttl_too_low: u64,
}

/// What the owner of the iif is to hear of an MFE that went from some oifs to
/// none, or from none to some.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub iif: IfId,
    pub serial: u32,
    pub is_negative: bool,
}

impl Turn {
    pub fn of(mfe: &Mfe) -> Turn {
        Turn { iif: mfe.iif, serial: mfe.serial, is_negative: mfe.oifs.is_empty() }
    }
}

/// What a membership call does to the override of its interface (spec 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// Nothing: IGMP beside an owner.
    Members,
    /// Memberships decide again.
    Clear,
    /// On or off, whatever the memberships say.
    Force(bool),
}

impl Mfe {
    /// An MFE that nothing has come through yet.
    pub fn new(iif: IfId, upstream: Ipv4Addr, oifs: IfSet, born: Time, serial: u64) -> Mfe {
        Mfe {
            iif,
            upstream,
            oifs,
            born: born.into(),
            serial: serial as u32,
            seen: 0,
            before: 0,
            later_before: None,
            later_id: iif,
            arrival: iif,
            packets: 0,
            octets: 0,
            rare: None,
        }
    }

    /// Life in seconds, u32::MAX never ends; `usual` is that of most.
    pub fn timeout(&self, usual: u32) -> u32 {
        self.rare.as_ref().and_then(|rare| rare.timeout).unwrap_or(usual)
    }

    /// When its life ends.
    pub fn deadline(&self, usual: u32) -> Option<Time> {
        let timeout = self.timeout(usual);
        (timeout != u32::MAX).then(|| Time::from(self.born).plus_secs(timeout))
    }

    pub fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Changes the override of an interface.
    #[inline]
    pub fn override_oif(&mut self, id: IfId, touch: Touch) {
        match touch {
            Touch::Members => {}
            Touch::Clear => {
                if let Some(rare) = &mut self.rare {
                    rare.on.remove(id);
                    if !planted::has(Bug::VetoOutlivesJoin) {
                        rare.off.remove(id);
                    }
                }
            }
            Touch::Force(on) => {
                let rare = self.rare();
                let (set, cleared) =
                    if on { (&mut rare.on, &mut rare.off) } else { (&mut rare.off, &mut rare.on) };
                set.insert(id);
                cleared.remove(id);
            }
        }
    }

    /// Whether an interface belongs among the oifs, given its membership.
    fn wants(&self, id: IfId, is_member: bool) -> bool {
        if id == self.iif {
            return false;
        }
        match &self.rare {
            Some(rare) if rare.on.contains(id) => true,
            Some(rare) if rare.off.contains(id) => false,
            _ => is_member,
        }
    }

    /// Decides anew whether an interface is an oif. `None` if that changed nothing;
    /// else what the owner of the iif is to hear of it, if anything.
    #[inline]
    pub fn touch(
        &mut self,
        id: IfId,
        touch: Touch,
        is_member: bool,
        is_bounded: bool,
    ) -> Option<Option<Turn>> {
        self.override_oif(id, touch);
        let wanted = self.wants(id, is_member) && !is_bounded;
        let was_negative = self.oifs.is_empty();
        let has_changed = self.set_oif(id, wanted);
        has_changed.then(|| (was_negative != self.oifs.is_empty()).then(|| Turn::of(self)))
    }

    /// Puts an interface among the oifs, or takes it out; true if that changed them.
    #[inline]
    pub fn set_oif(&mut self, id: IfId, wanted: bool) -> bool {
        if wanted == self.oifs.contains(id) {
            return false;
        }
        let is_first = self.oifs.is_empty();
        if is_first {
            self.later_before = None;
            if let Some(rare) = &mut self.rare {
                rare.out = None;
            }
        }
        if wanted && self.packets > 0 && self.counts_apart().is_none() {
            match u32::try_from(self.packets).ok().and_then(NonZeroU32::new) {
                Some(before) if is_first => self.before = before.get(),
                Some(before) if self.later_before.is_none() => {
                    (self.later_id, self.later_before) = (id, Some(before));
                }
                _ => self.count_apart(),
            }
        }
        if wanted {
            self.oifs.insert(id);
            if let Some(out) = self.counts_apart() {
                out.push((id, OifCount::default()));
            }
        } else {
            self.oifs.remove(id);
            self.later_before = self.later_before.filter(|_| self.later_id != id);
            if let Some(out) = self.counts_apart() {
                out.retain(|(other, _)| *other != id);
            }
        }
        true
    }

    /// The oifs' own counters, if they have some.
    pub fn counts_apart(&mut self) -> Option<&mut Vec<(IfId, OifCount)>> {
        self.rare.as_mut()?.out.as_mut()
    }

    /// Whether a box for what few MFEs have is there, or there is memory for one.
    pub fn has_room_for_rare(&self, fx: &mut Effects) -> bool {
        self.rare.is_some() || fx.headroom.take(size_of::<Rare>()).is_ok()
    }

    /// Whether the oifs have counters of their own, or there is memory for them.
    pub fn has_room_for_counts(&mut self, fx: &mut Effects) -> bool {
        let bytes = size_of::<Rare>() + (self.oifs.len() + 1) * size_of::<(IfId, OifCount)>();
        self.counts_apart().is_some() || fx.headroom.take(bytes).is_ok()
    }

    /// From now on each oif has counters of its own.
    pub fn count_apart(&mut self) {
        if self.counts_apart().is_none() {
            let mut counts = Vec::with_capacity(self.oifs.len() + 1); // mostly for one more
            counts.extend(self.oifs.iter().map(|id| (id, self.oif_count(id))));
            self.rare().out = Some(counts);
        }
    }

    /// The counters of an oif.
    pub fn oif_count(&self, id: IfId) -> OifCount {
        if let Some(out) = self.rare.as_ref().and_then(|rare| rare.out.as_ref()) {
            let own = out.iter().find(|(other, _)| *other == id);
            return own.map_or_else(OifCount::default, |(_, count)| *count);
        }
        let later = self.later_before.filter(|_| self.later_id == id);
        let before = later.map_or(self.before, NonZeroU32::get);
        OifCount { packets: self.packets - u64::from(before), ttl_too_low: 0 }
    }
}
