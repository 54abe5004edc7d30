//! The answer to General Queries: one walk over all groups, spread over the time that the
//! querier gives (RFC 9776, 5.2).
//!
//! There is one walk at most. A query during a walk makes it go round once more from where it
//! is. So a query costs the same however many groups there are.

use super::NEVER;
use crate::port::Step;
use mgm_types::Time;
use std::net::Ipv4Addr;

/// Where the walk is.
#[derive(Debug)]
pub(super) struct Sweep {
    /// When the next packet is due.
    at: Time,
    /// When all groups have to be reported.
    until: Time,
    /// When the last query came.
    asked: Time,
    /// The first group that comes next.
    pub cursor: Ipv4Addr,
    /// How many groups are left.
    pub left: usize,
}

impl Default for Sweep {
    fn default() -> Sweep {
        Sweep { at: NEVER, until: NEVER, asked: NEVER, cursor: Ipv4Addr::UNSPECIFIED, left: 0 }
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
        let is_pending = self.at != NEVER;
        self.until = match is_pending && self.left == groups {
            true => self.until.min(until),
            false => until,
        };
        self.at = self.at.min(at).min(self.until);
        self.asked = step.now;
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

    /// Whether a walk is under way that reports each group by then.
    pub fn ends_by(&self, at: Time) -> bool {
        self.at != NEVER && self.until <= at
    }

    /// The packet that was due has been sent, with this many groups; plans the next one.
    pub fn advance(&mut self, groups: usize, step: &mut Step) {
        self.left = self.left.saturating_sub(groups);
        if self.left == 0 {
            *self = Sweep::default();
            return;
        }
        let packets = self.left.div_ceil(groups.max(1)) as u64;
        let gap = self.until.since(step.now) / packets;
        self.at = Time(step.now.0 + step.random.u64(1..=gap.max(1)));
    }
}
