//! MFEs by expiry time (spec 5.6).

use super::flows::FlowPlace;
use mgm_types::Time;
use std::collections::BTreeMap;

/// The resolution of expiry times.
const GRAIN_MS: u64 = 100;

/// MFEs by expiry time. An entry may be out of date: the MFE itself has the valid time, and a
/// new time adds a new entry.
#[derive(Debug, Default)]
pub struct Expiry {
    /// The last bucket that was written to. Most further entries belong there, too.
    open: Bucket,
    /// All other buckets.
    buckets: BTreeMap<u64, Vec<Life>>,
    /// When the first bucket is due. Stored, because each call asks.
    pub next: Option<Time>,
    entries: usize,
}

/// The MFEs that expire at one time.
#[derive(Debug, Default)]
struct Bucket {
    end: u64,
    lives: Vec<Life>,
}

/// An MFE: its place, and its serial number, which another MFE in this place does not have.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    pub place: FlowPlace,
    pub serial: u32,
}

/// The number of entries from which on outdated entries are limited by the number of MFEs.
pub const SLACK: usize = 1024;

impl Expiry {
    /// Adds an entry for an MFE at its expiry time.
    #[inline]
    pub fn schedule(&mut self, life: Life, deadline: Time) {
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
    pub fn pop(&mut self, now: Time, most: usize) -> Vec<Life> {
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
