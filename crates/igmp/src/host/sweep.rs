//! The answer to General Queries: one walk over all groups, spread over the time that the
//! querier gives (RFC 9776, 5.2).
//!
//! There is one walk at most. A query during a walk makes it go round once more from where it
//! is, and the groups that it has passed already get the time that the query gives. So a query
//! costs the same however many groups there are, and a flood of queries causes at most two reports
//! of a group within one response time (G51).

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
    /// When the groups before `turn` have to be reported.
    until: Time,
    /// When the groups from `turn` on have to be.
    later: Time,
    /// When the last query came.
    asked: Time,
    /// The address that comes next.
    cursor: u64,
    /// Where the groups begin that are reported once more, because a query came after they were
    /// reported. Past `ALL`, the walk goes on from address 0.
    turn: u64,
    /// Where the walk ends.
    end: u64,
    /// About how many groups are left before `turn`, for the pace. Groups may come and go during
    /// the walk.
    left: usize,
    /// About how many groups are left from `turn` on.
    again: usize,
}

impl Default for Sweep {
    fn default() -> Sweep {
        Sweep {
            at: NEVER,
            until: NEVER,
            later: NEVER,
            asked: NEVER,
            cursor: 0,
            turn: 0,
            end: 0,
            left: 0,
            again: 0,
        }
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
        if self.at == NEVER {
            self.turn = self.cursor + ALL;
            self.left = groups;
        } else {
            self.later = self.later.min(until);
            self.again = groups.saturating_sub(self.left);
        }
        // What is left of a walk keeps its time (I63).
        self.until = self.until.min(until);
        self.at = self.at.min(at).min(self.until);
        self.asked = step.now;
        self.end = self.cursor + ALL;
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
        let place = self.place(group);
        let until = if place < self.turn { self.until } else { self.later };
        until <= at && place < self.end
    }

    /// Where a group is on the way of the walk, which goes on from address 0 past `ALL`.
    fn place(&self, group: Ipv4Addr) -> u64 {
        let group = u64::from(u32::from(group));
        if group < self.cursor {
            group + ALL
        } else {
            group
        }
    }

    /// This group comes next. From `turn` on, the walk has the time that a later query gave.
    fn reach(&mut self, group: Ipv4Addr) {
        if self.place(group) >= self.turn {
            self.until = std::mem::replace(&mut self.later, NEVER);
            self.turn = self.end;
            self.left = std::mem::take(&mut self.again);
        }
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
        self.reach(group);
        if self.place(group) >= ALL {
            self.turn -= ALL;
            self.end -= ALL;
        }
        self.cursor = u64::from(u32::from(group)) + 1;
        self.left = self.left.saturating_sub(1);
    }

    /// The packet that was due has been sent, with this many groups; plans the next one.
    pub fn advance(
        &mut self,
        passed: usize,
        groups: &BTreeMap<Ipv4Addr, HostGroup>,
        step: &mut Step,
    ) {
        let Some(next) = self.next(groups) else {
            *self = Sweep::default();
            return;
        };
        self.reach(next);
        let left = self.left.clamp(1, groups.len());
        let packets = left.div_ceil(passed.max(1)) as u64;
        let gap = self.until.since(step.now) / packets;
        self.at = Time(step.now.0 + step.random.u64(1..=gap.max(1)));
    }
}
