//! The answer to General Queries: one walk over all groups, spread over the time that the
//! querier gives (RFC 9776, 5.2).
//!
//! There is one walk at most. A query during a walk makes it go round once more from where it
//! is. So a query costs the same however many groups there are.

use super::HostGroup;
use crate::step::Step;
use crate::NEVER;
use mgm_types::Time;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The number of IPv4 addresses: the length of a walk.
const ALL: u64 = 1 << 32;

/// Where the walk is.
#[derive(Debug)]
pub(super) struct Sweep {
    /// When the next packet is due.
    at: Time,
    /// When all groups have to be reported.
    until: Time,
    /// When the last query came.
    asked: Time,
    /// The address that comes next.
    cursor: u64,
    /// Where the walk ends: past `ALL`, it goes on from address 0.
    end: u64,
    /// About how many groups are left, for the pace. Groups may come and go during the walk.
    left: usize,
}

impl Default for Sweep {
    fn default() -> Sweep {
        Sweep { at: NEVER, until: NEVER, asked: NEVER, cursor: 0, end: 0, left: 0 }
    }
}

impl Sweep {
    /// A General Query came, which gives this many milliseconds.
    pub fn asked(&mut self, groups: usize, response: u64, step: &mut Step) {
        if groups == 0 {
            return;
        }
        let until = Time(step.now.0 + response);
        // A walk over few groups need not take all the time, but it must not begin at once.
        let at = Time(step.now.0 + step.random.u64(1..=response));
        // What is left of a walk keeps its time (I63).
        self.until = self.until.min(until);
        self.at = self.at.min(at).min(self.until);
        self.asked = step.now;
        self.end = self.cursor + ALL;
        self.left = groups;
    }

    /// When the next packet is due.
    pub fn deadline(&self) -> Time {
        self.at
    }

    /// When the last query came.
    pub fn asked_at(&self) -> Time {
        self.asked
    }

    /// Whether a walk is under way that has this group before it, and reports it by then.
    pub fn reports_by(&self, at: Time, group: Ipv4Addr) -> bool {
        let group = u64::from(u32::from(group));
        let place = if group < self.cursor { group + ALL } else { group };
        self.until <= at && place < self.end
    }

    /// The next group of the walk.
    pub fn next(&self, groups: &BTreeMap<Ipv4Addr, HostGroup>) -> Option<Ipv4Addr> {
        let from = |start: u64, end: u64| {
            let end = Ipv4Addr::from(u32::try_from(end.checked_sub(1)?).unwrap_or(u32::MAX));
            let start = Ipv4Addr::from(u32::try_from(start).ok()?);
            groups.range(start..).next().map(|(group, _)| *group).filter(|group| *group <= end)
        };
        from(self.cursor, self.end).or_else(|| from(0, self.end.saturating_sub(ALL)))
    }

    /// The walk has passed this group.
    pub fn pass(&mut self, group: Ipv4Addr) {
        let group = u64::from(u32::from(group));
        if group < self.cursor {
            self.end -= ALL;
        }
        self.cursor = group + 1;
        self.left = self.left.saturating_sub(1);
    }

    /// The packet that was due has been sent, with this many groups; plans the next one.
    pub fn advance(
        &mut self,
        passed: usize,
        groups: &BTreeMap<Ipv4Addr, HostGroup>,
        step: &mut Step,
    ) {
        if self.next(groups).is_none() {
            *self = Sweep::default();
            return;
        }
        let left = self.left.clamp(1, groups.len());
        let packets = left.div_ceil(passed.max(1)) as u64;
        let gap = self.until.since(step.now) / packets;
        self.at = Time(step.now.0 + step.random.u64(1..=gap.max(1)));
    }
}
