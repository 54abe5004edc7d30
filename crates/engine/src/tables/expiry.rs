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
    buckets: BTreeMap<u64, Vec<ExpiryEntry>>,
    /// When the first bucket is due. Stored, because each call asks.
    pub next: Option<Time>,
    entries: usize,
}

/// The MFEs that expire at one time.
#[derive(Debug, Default)]
struct Bucket {
    end: u64,
    entries: Vec<ExpiryEntry>,
}

/// An MFE: its place, and its serial number, which another MFE in this place does not have.
#[derive(Clone, Copy, Debug)]
pub struct ExpiryEntry {
    pub place: FlowPlace,
    pub serial: u32,
}

/// With more entries than this, at most as many entries may be outdated as there are MFEs.
pub const SLACK: usize = 1024;

impl Expiry {
    /// Adds an entry for an MFE at its expiry time.
    #[inline]
    pub fn schedule(&mut self, entry: ExpiryEntry, deadline: Time) {
        let mut end = deadline.0.div_ceil(GRAIN_MS);
        self.open(end);
        // If a bucket cannot grow, use a later one, which is smaller or new: without memory, MFEs
        // expire a little late.
        while self.open.entries.try_reserve(1).is_err() && !self.open.entries.is_empty() {
            end += 1;
            self.open(end);
        }
        self.open.entries.push(entry);
        self.next = Time::sooner(self.next, Some(Time(end * GRAIN_MS)));
        self.entries += 1;
    }

    /// Opens the bucket of this time.
    #[inline]
    fn open(&mut self, end: u64) {
        if end != self.open.end {
            let entries = self.buckets.remove(&end).unwrap_or_default();
            let before = std::mem::replace(&mut self.open, Bucket { end, entries });
            if !before.entries.is_empty() {
                self.buckets.insert(before.end, before.entries);
            }
        }
    }

    /// The number of entries, including outdated ones.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Takes some entries whose time has come. Some may be outdated.
    pub fn pop(&mut self, now: Time, most: usize) -> Vec<ExpiryEntry> {
        let Some(due) = self.next.filter(|&due| due <= now) else { return Vec::new() };
        let end = due.0 / GRAIN_MS;
        let entries = if self.open.end == end {
            &mut self.open.entries
        } else {
            self.buckets.entry(end).or_default()
        };
        let popped = entries.split_off(entries.len().saturating_sub(most));
        if entries.is_empty() {
            *entries = Vec::new();
            self.buckets.remove(&end);
            let open = Some(self.open.end).filter(|_| !self.open.entries.is_empty());
            let other = self.buckets.first_key_value().map(|(&end, _)| end);
            self.next = open.into_iter().chain(other).min().map(|end| Time(end * GRAIN_MS));
        }
        self.entries -= popped.len();
        popped
    }
}
