//! A multicast forwarding entry: what is kept of it.

use super::planted::{self, Bug};
use crate::types::{Counters, IfId, IfSet, Ipv4Addr, Time};
use std::num::NonZeroU32;

/// One MFE. A million of them: see the budget in CONTRIBUTING.md.
#[derive(Debug)]
pub(super) struct Mfe {
    pub iif: IfId,
    pub upstream: Ipv4Addr,
    pub oifs: IfSet,
    born: Moment,
    /// The interface that the first packet arrived on, as long as it is there.
    pub arrival: IfId,
    /// The low bits of the packet counter when this life began: another value
    /// at its end says that it forwarded meanwhile (spec 5.6).
    pub seen: u32,
    /// Tells this MFE from an earlier one of the same flow: low bits of a serial
    /// number, of which four billion go by before a question could be mistaken.
    pub serial: u32,
    /// An oif beside those that came first, or the only one there ever was and which has
    /// left, with the number of packets at that time: see [`Mfe::recount`].
    pub(super) other: IfId,
    pub(super) since: Option<NonZeroU32>,
    /// How many packets came in while the MFE had no oif; but see `Rare::negative`.
    pub(super) before: u32,
    /// Packets accepted, and their octets.
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
    /// Counters of each oif, and of those that have left, from the moment on at which
    /// they do not follow from what has come in.
    pub out: Option<Vec<(IfId, OifCount)>>,
    /// What went out by interfaces that were released since.
    pub(super) released: u64,
    /// Packets accepted without an oif, beyond `Mfe::before`.
    pub negative: u64,
    /// Packets on other interfaces than the iif.
    pub wrong_if: u64,
    /// What the forwarder had counted in entries that it lost.
    pub(super) lost: Counters,
    /// So many packets more than the forwarder's last reading an earlier one had: they
    /// turned out to have come in on a wrong interface.
    pub(super) ahead: u64,
}

/// What the embedded forwarder counts for an oif.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OifCount {
    pub packets: u64,
    pub ttl_too_low: u64,
}

/// A [`Time`] and two flags in six bytes: MGM may run for 2,200 years.
#[derive(Clone, Copy, Debug)]
struct Moment([u16; 3]);

/// The flags: see [`Mfe::is_read`] and [`Mfe::was_negative`].
const IS_READ: u16 = 1 << 15;
const WAS_NEGATIVE: u16 = 1 << 14;
const FLAGS: u16 = IS_READ | WAS_NEGATIVE;

impl Moment {
    fn time(self) -> Time {
        let Moment([low, middle, high]) = self;
        Time(u64::from(low) | u64::from(middle) << 16 | u64::from(high & !FLAGS) << 32)
    }

    fn set_time(&mut self, Time(time): Time) {
        let high = (time >> 32) as u16 & !FLAGS;
        self.0 = [time as u16, (time >> 16) as u16, high | self.0[2] & FLAGS];
    }

    fn has(self, flag: u16) -> bool {
        self.0[2] & flag != 0
    }

    fn set(&mut self, flag: u16, on: bool) {
        self.0[2] = if on { self.0[2] | flag } else { self.0[2] & !flag };
    }
}

/// What the owner of the iif is to hear of an MFE that went from some oifs to
/// none, or from none to some.
#[derive(Clone, Copy, Debug)]
pub(super) struct OifTurn {
    pub iif: IfId,
    pub serial: u32,
    pub is_negative: bool,
}

impl OifTurn {
    pub fn of(mfe: &Mfe) -> OifTurn {
        OifTurn { iif: mfe.iif, serial: mfe.serial, is_negative: mfe.oifs.is_empty() }
    }
}

/// What a membership call does to the override of its interface (spec 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// Nothing: IGMP beside an owner.
    Members,
    /// Memberships decide again.
    Clear,
    /// The same, and its counters are at an end: it changes hands, or is lost.
    Gone,
    /// On or off, whatever the memberships say.
    Force(bool),
}

impl Mfe {
    /// An MFE that nothing has come through yet.
    pub fn new(iif: IfId, upstream: Ipv4Addr, oifs: IfSet, born: Time, serial: u64) -> Mfe {
        let mut moment = Moment([0; 3]);
        moment.set_time(born);
        moment.set(WAS_NEGATIVE, oifs.is_empty());
        Mfe {
            iif,
            upstream,
            oifs,
            born: moment,
            arrival: iif,
            serial: serial as u32,
            seen: 0,
            other: IfId(0),
            since: None,
            before: 0,
            packets: 0,
            octets: 0,
            rare: None,
        }
    }

    /// Life in seconds, u32::MAX never ends; `usual` is that of most.
    pub fn timeout(&self, usual: u32) -> u32 {
        self.rare.as_ref().and_then(|rare| rare.timeout).unwrap_or(usual)
    }

    /// When its life began.
    pub fn born(&self) -> Time {
        self.born.time()
    }

    /// Another life begins.
    pub fn begin_life(&mut self, now: Time) {
        self.born.set_time(now);
    }

    /// The forwarder counts this MFE by itself: what is counted here is its last reading.
    #[inline]
    pub(super) fn is_read(&self) -> bool {
        self.born.has(IS_READ)
    }

    /// From now on it does.
    pub(super) fn set_read(&mut self) {
        self.born.set(IS_READ, true);
    }

    /// The forwarder was last told of an MFE without oifs.
    pub(super) fn was_negative(&self) -> bool {
        self.born.has(WAS_NEGATIVE)
    }

    pub(super) fn set_was_negative(&mut self, negative: bool) {
        self.born.set(WAS_NEGATIVE, negative);
    }

    /// When its life ends.
    pub fn deadline(&self, usual: u32) -> Option<Time> {
        let timeout = self.timeout(usual);
        (timeout != u32::MAX).then(|| self.born().plus_secs(timeout))
    }

    pub fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Changes the override of an interface.
    #[inline]
    pub fn override_oif(&mut self, id: IfId, touch: Touch) {
        match touch {
            Touch::Members => {}
            Touch::Clear | Touch::Gone => {
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
    ) -> Option<Option<OifTurn>> {
        self.override_oif(id, touch);
        let wanted = self.wants(id, is_member) && !is_bounded;
        let was_negative = self.oifs.is_empty();
        let has_changed = self.set_oif(id, wanted);
        if touch == Touch::Gone {
            self.forget_oif(id);
        }
        has_changed.then(|| (was_negative != self.oifs.is_empty()).then(|| OifTurn::of(self)))
    }

    /// Puts an interface among the oifs, or takes it out; true if that changed them.
    #[inline]
    pub fn set_oif(&mut self, id: IfId, wanted: bool) -> bool {
        if wanted == self.oifs.contains(id) {
            return false;
        }
        if self.packets > 0 && !self.is_read() {
            self.recount(id, wanted);
        }
        if wanted {
            self.oifs.insert(id);
        } else {
            self.oifs.remove(id);
        }
        true
    }
}
