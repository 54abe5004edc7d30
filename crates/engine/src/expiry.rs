//! The expiry of MFEs (spec 5.6).

use super::flows::{FlowPlace, Flows};
use super::resolution::Purpose;
use super::wakes::AT_ONCE;
use super::{Effects, Engine};
use crate::types::{Flow, Result, RouteOrigin, Time};
use std::collections::BTreeMap;

/// The resolution of expiry times.
const GRAIN_MS: u64 = 100;

/// MFEs by expiry time. An entry may be out of date: the MFE itself has the valid time, and a
/// new time adds a new entry.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    /// The last bucket that was written to. Most further entries belong there, too.
    open: Bucket,
    /// All other buckets.
    buckets: BTreeMap<u64, Vec<Life>>,
    /// When the first bucket is due. Stored, because each call asks.
    next: Option<Time>,
    entries: usize,
}

/// The MFEs that expire at one time.
#[derive(Debug, Default)]
struct Bucket {
    end: u64,
    lives: Vec<Life>,
}

/// The place of an MFE, and its serial number.
#[derive(Clone, Copy, Debug)]
struct Life(FlowPlace, u32);

/// The number of entries from which on outdated entries are limited by the number of MFEs.
const SLACK: usize = 1024;

impl Expiry {
    /// Adds an entry for an MFE at its expiry time.
    #[inline]
    fn schedule(&mut self, life: Life, deadline: Time) {
        let mut end = deadline.0.div_ceil(GRAIN_MS);
        self.open(end);
        // If a bucket cannot grow, use a later one, which is smaller or new: without memory, MFEs
        // expire a little late.
        while self.open.lives.try_reserve(1).is_err() && !self.open.lives.is_empty() {
            end += 1;
            self.open(end);
        }
        self.open.lives.push(life);
        self.next = Time::sooner(self.next, Some(Time(end * GRAIN_MS)));
        self.entries += 1;
    }

    /// Opens the bucket of this time.
    #[inline]
    fn open(&mut self, end: u64) {
        if end != self.open.end {
            let lives = self.buckets.remove(&end).unwrap_or_default();
            let before = std::mem::replace(&mut self.open, Bucket { end, lives });
            if !before.lives.is_empty() {
                self.buckets.insert(before.end, before.lives);
            }
        }
    }

    /// The number of entries, including outdated ones.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Takes some entries whose time has come. Some may be outdated.
    fn pop(&mut self, now: Time, most: usize) -> Vec<Life> {
        let Some(due) = self.next.filter(|&due| due <= now) else { return Vec::new() };
        let end = due.0 / GRAIN_MS;
        let lives = if self.open.end == end {
            &mut self.open.lives
        } else {
            self.buckets.entry(end).or_default()
        };
        let popped = lives.split_off(lives.len().saturating_sub(most));
        if lives.is_empty() {
            *lives = Vec::new();
            self.buckets.remove(&end);
            let open = Some(self.open.end).filter(|_| !self.open.lives.is_empty());
            let other = self.buckets.first_key_value().map(|(&end, _)| end);
            self.next = open.into_iter().chain(other).min().map(|end| Time(end * GRAIN_MS));
        }
        self.entries -= popped.len();
        popped
    }
}

impl Engine {
    /// Schedules the expiry of an MFE. Outdated entries must not outnumber the MFEs, because
    /// their own time can be a century away.
    pub(super) fn schedule_end(&mut self, flow: Flow) {
        let Some(place) = self.flows.find(flow) else { return };
        let Some(mfe) = &self.flows.at(place).mfe else { return };
        self.schedule(place, mfe.serial, mfe.deadline(self.config.mfe_timeout));
    }

    /// The same for an MFE whose expiry time is known.
    #[inline]
    pub(super) fn schedule(&mut self, place: FlowPlace, serial: u32, deadline: Option<Time>) {
        let Some(deadline) = deadline else { return };
        self.expiry.schedule(Life(place, serial), deadline);
        if self.expiry.len() > 2 * self.flows.mfe_len() + SLACK {
            self.expiry = Expiry::default();
            for (place, _, _, mfe) in self.flows.rows(Flow::WILDCARD) {
                if let Some(deadline) = mfe.deadline(self.config.mfe_timeout) {
                    self.expiry.schedule(Life(place, mfe.serial), deadline);
                }
            }
        }
    }

    /// Whether [`Engine::tick`] has something to do before this time. Fast, because each call asks.
    #[must_use]
    #[inline]
    pub fn is_due_before(&self, then: Time) -> bool {
        let has_rare =
            self.wrong_ifs.next_sweep().is_some() | self.reroutes.is_on() | self.refusals.has_any();
        self.expiry.next.is_some_and(|due| due < then)
            || has_rare && self.next_deadline().is_some_and(|due| due < then)
    }

    /// When [`Engine::tick`] has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        if self.has_reroutes() {
            return Some(Time(0));
        }
        let due = Time::sooner(self.expiry.next, self.wrong_ifs.next_sweep());
        Time::sooner(due, self.refusals.next_end())
    }

    /// Ends expired MFEs; examines at most `most` MFEs. The manager releases its lock and calls
    /// again until [`Engine::next_deadline`] is in the future. An MFE that has forwarded packets
    /// is renewed (spec 5.6): `packets` returns how many it accepted, if the forwarder counts
    /// them itself. If `packets` fails, it is called again a second later.
    pub fn tick(
        &mut self,
        now: Time,
        most: usize,
        mut packets: impl FnMut(Flow) -> Result<Option<u64>>,
        fx: &mut Effects,
    ) {
        self.now = now;
        if self.has_reroutes() {
            self.reroute_some(now, most.min(AT_ONCE), fx);
        }
        let mut left = most - self.end_refusals(now, most, fx);
        while left > 0 {
            let lives = self.expiry.pop(now, left.min(Flows::FETCH));
            if lives.is_empty() {
                break;
            }
            left -= lives.len();
            self.flows.fetch(lives.iter().map(|life| life.0));
            for life in lives.into_iter().rev() {
                self.end(now, life, &mut packets, fx);
            }
        }
        self.wrong_ifs.sweep(now, most);
    }

    /// Whether the router itself is the source. The kernel counts such packets on whichever
    /// interface they leave, and never reports one on a wrong interface. Only a new MFE shows
    /// whether the stream still arrives on the same interface (D55).
    fn is_own(&self, flow: Flow) -> bool {
        self.flows.sources.route(self.flows.source(flow)).origin == RouteOrigin::Local
    }

    /// Ends an MFE if it has expired and is not renewed.
    fn end(
        &mut self,
        now: Time,
        life: Life,
        packets: impl FnOnce(Flow) -> Result<Option<u64>>,
        fx: &mut Effects,
    ) {
        let Life(place, serial) = life;
        let Some((flow, mfe)) = self.flows.mfe_at(place).filter(|(_, mfe)| mfe.serial == serial)
        else {
            return; // the MFE is gone
        };
        if mfe.deadline(self.config.mfe_timeout).is_none_or(|deadline| deadline > now) {
            return; // it has another expiry time now
        }
        if self.resolutions.contains_key(&flow) {
            self.expiry.schedule(life, now.plus_secs(1));
            return; // its clients are being asked
        }
        if !mfe.oifs.is_empty() {
            let (count, is_exact) = match packets(flow) {
                Ok(packets) => (packets.unwrap_or(mfe.packets) as u32, packets.is_none()),
                Err(refusal) => {
                    self.expiry.schedule(life, now.plus_secs(1));
                    self.debug(fx, || format!("{flow}: expiry postponed: {refusal}"));
                    return;
                }
            };
            let is_used = std::mem::replace(&mut mfe.seen, count) != count;
            if is_used && (is_exact || !self.is_own(flow)) {
                self.resolve_again(flow, Purpose::Renew, None, fx);
                return;
            }
        }
        self.debug(fx, || format!("{flow} expired"));
        self.remove_mfe(flow, fx);
    }
}
