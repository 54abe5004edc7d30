//! Whether another group or source may be created: the limits of I52 and the rate of I76.

use crate::counters::Counters;
use mgm_types::{Time, TokenBucket};

/// What limits the creations of one step.
pub(super) struct Room<'a> {
    /// Groups and sources of all links.
    pub entries: &'a mut u32,
    /// How many there may be.
    pub max_entries: u32,
    /// Sources that a group may have.
    pub max_sources: usize,
    /// How fast groups and sources may be created, if that is limited.
    pub bucket: Option<&'a mut TokenBucket>,
    /// The counters of the link.
    pub counters: &'a mut Counters,
    /// The present time.
    pub now: Time,
    /// The limit that was reached last, if any.
    pub reached: Option<Limit>,
}

/// A limit that refused a creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// The link, or the group, has as many as it may have.
    Number,
    /// All links together have as many as there may be.
    Total,
    /// They come too fast.
    Rate,
}

impl Room<'_> {
    /// Makes room for a group on a link that has `have` and may have `max`.
    pub fn group(&mut self, have: usize, max: usize) -> bool {
        let made = self.entry(have < max);
        if matches!(self.reached, Some(Limit::Number | Limit::Total)) {
            self.counters.groups_refused += 1;
        }
        made
    }

    /// Makes room for a source of a group that has `have`.
    pub fn source(&mut self, have: usize) -> bool {
        let made = self.entry(have < self.max_sources);
        if !made && matches!(self.reached, Some(Limit::Number | Limit::Total)) {
            self.counters.sources_refused += 1;
        }
        made
    }

    fn entry(&mut self, below_limit: bool) -> bool {
        if !below_limit {
            self.reached = Some(Limit::Number);
            return false;
        }
        if *self.entries >= self.max_entries {
            self.reached = Some(Limit::Total);
            return false;
        }
        let now = self.now;
        if !self.bucket.as_mut().is_none_or(|bucket| bucket.take(now)) {
            self.reached = Some(Limit::Rate);
            self.counters.creations_limited += 1;
            return false;
        }
        *self.entries += 1;
        true
    }

    /// Groups or sources have gone.
    pub fn give_back(&mut self, entries: u32) {
        *self.entries -= entries;
    }
}
