//! A multicast forwarding entry.

use mgm_types::{Counters, IfId, IfSet, Ipv4Addr, Time};
use std::num::NonZeroU32;

/// One MFE. There can be a million of them, so its size matters: see docs/architecture.md.
#[derive(Debug)]
pub struct Mfe {
    pub iif: IfId,
    pub upstream: Ipv4Addr,
    pub oifs: IfSet,
    born: Moment,
    /// The interface that the first packet arrived on, as long as that interface exists.
    pub arrival: IfId,
    /// The low bits of the packet counter when the time-out started. Another value at expiry
    /// means that the MFE forwarded packets meanwhile (spec 5.6).
    pub seen: u32,
    /// Distinguishes this MFE from an earlier one of the same flow: the low bits of a serial
    /// number, which repeats only after four billion questions.
    pub serial: u32,
    /// An oif that was added after the first ones, or the only one, which has left; with the
    /// number of packets at that time: see [`Mfe::recount`].
    pub other: IfId,
    pub since: Option<NonZeroU32>,
    /// How many packets were accepted while the MFE had no oif; see also `Rare::negative`.
    pub before: u32,
    /// Packets accepted, and their octets.
    pub packets: u64,
    pub octets: u64,
    pub rare: Option<Box<Rare>>,
}

/// Where the packets of a flow arrive: the interface, and the neighbour that sends them (0.0.0.0:
/// the source itself).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rpf {
    pub iif: IfId,
    pub upstream: Ipv4Addr,
}

/// Interfaces that their owners switched on or off, regardless of memberships (spec 3.5).
#[derive(Debug, Default)]
pub struct Overrides {
    pub on: IfSet,
    pub off: IfSet,
    /// Those of `off` that an answer to CREATION_ALERT switched off, for `Engine::explain`.
    pub answered: IfSet,
}

impl Overrides {
    /// Switches an interface on or off.
    pub fn force(&mut self, id: IfId, on: bool) {
        let (set, cleared) =
            if on { (&mut self.on, &mut self.off) } else { (&mut self.off, &mut self.on) };
        set.insert(id);
        cleared.remove(id);
        self.answered.remove(id);
    }

    /// An answer to CREATION_ALERT switches an interface off.
    pub fn answer_off(&mut self, id: IfId) {
        self.force(id, false);
        self.answered.insert(id);
    }

    /// Answers to CREATION_ALERT leave interfaces on: they are no longer off.
    pub fn answer_on(&mut self, on: &IfSet) {
        self.off.subtract(on);
        self.answered.subtract(on);
    }

    /// Ends the override of an interface.
    pub fn clear(&mut self, id: IfId) {
        self.on.remove(id);
        self.off.remove(id);
        self.answered.remove(id);
    }
}

/// Members that few MFEs need.
#[derive(Debug, Default)]
pub struct Rare {
    pub overrides: Overrides,
    /// The time-out in seconds, if it is not the default; u32::MAX never expires.
    pub timeout: Option<u32>,
    /// Counters of each present and former oif, once they no longer follow from the number of
    /// accepted packets.
    pub out: Option<Vec<(IfId, OifCount)>>,
    /// Packets sent on interfaces that have been released since.
    pub released: u64,
    /// Packets accepted without an oif, beyond `Mfe::before`.
    pub negative: u64,
    /// Packets on other interfaces than the iif.
    pub wrong_if: u64,
    /// The counters of entries that the forwarder has lost.
    pub lost: Counters,
    /// By how many packets an earlier reading of the forwarder's counters exceeds the last one:
    /// these packets arrived on a wrong interface.
    pub ahead: u64,
}

/// The counters of an oif in the memory forwarder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OifCount {
    pub packets: u64,
    pub ttl_too_low: u64,
}

/// A [`Time`] and two flags in six bytes, enough for 2,200 years.
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

impl Mfe {
    /// A new MFE, without packets.
    pub fn new(rpf: Rpf, oifs: IfSet, born: Time, serial: u64) -> Mfe {
        let Rpf { iif, upstream } = rpf;
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

    /// Where its packets arrive.
    pub fn rpf(&self) -> Rpf {
        Rpf { iif: self.iif, upstream: self.upstream }
    }

    /// The time-out in seconds, u32::MAX never expires; `usual` is the default.
    pub fn timeout(&self, usual: u32) -> u32 {
        self.rare.as_ref().and_then(|rare| rare.timeout).unwrap_or(usual)
    }

    /// When the time-out started.
    pub fn born(&self) -> Time {
        self.born.time()
    }

    /// Starts the time-out again.
    pub fn restart_timeout(&mut self, now: Time) {
        self.born.set_time(now);
    }

    /// Whether the forwarder counts this MFE's packets: the counters here are its last reading.
    #[inline]
    pub fn is_read(&self) -> bool {
        self.born.has(IS_READ)
    }

    /// From now on the forwarder counts them.
    pub fn set_read(&mut self) {
        self.born.set(IS_READ, true);
    }

    /// Whether the forwarder's entry was last written without oifs.
    pub fn was_negative(&self) -> bool {
        self.born.has(WAS_NEGATIVE)
    }

    pub fn set_was_negative(&mut self, negative: bool) {
        self.born.set(WAS_NEGATIVE, negative);
    }

    /// When the MFE expires.
    pub fn deadline(&self, usual: u32) -> Option<Time> {
        let timeout = self.timeout(usual);
        (timeout != u32::MAX).then(|| self.born().plus_secs(timeout))
    }

    pub fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Adds an interface to the oifs, or removes it; true if that changed them.
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
