//! Finds the entry of a flow.
//!
//! 256 small tables instead of one. 256 hashbrown tables of hash and number are as fast, but need
//! 3.6 bytes more for each flow, which would exceed the limit of 160 bytes; one table stops all
//! threads for 8 ms while it grows, and for 60 ms if it stores no hashes. These tables grow
//! separately, by half, and without reading the entries.

use foldhash::fast::RandomState;
use mgm_types::{Flow, Result};
use std::hash::BuildHasher;

const SHARDS: usize = 256;

/// Half of a flow's hash, and the number of its entry below.
const EMPTY: u64 = u64::MAX;

/// Numbers of entries by flow. The flows are stored in the entries.
#[derive(Debug)]
pub struct Index {
    hasher: RandomState,
    shards: Vec<Shard>,
    /// The shard without room for another flow, if there is one.
    full: Option<u8>,
}

impl Default for Index {
    fn default() -> Index {
        let shards = std::iter::repeat_with(Shard::default).take(SHARDS).collect();
        Index { hasher: RandomState::default(), shards, full: None }
    }
}

/// The hash of a flow.
#[derive(Clone, Copy, Debug)]
pub struct FlowHash {
    shard: u8,
    hash: u32,
}

/// Where a flow that was not found would be inserted.
#[derive(Clone, Copy, Debug)]
pub struct Vacant {
    key: FlowHash,
    at: usize,
}

impl Index {
    /// The hash of a flow.
    pub fn key(&self, flow: Flow) -> FlowHash {
        let hash = self.hasher.hash_one(flow);
        FlowHash { shard: hash as u8, hash: (hash >> 32) as u32 }
    }

    /// The number of a flow's entry; otherwise where [`Index::insert`] can put it. `is_it` returns
    /// whether a number is that of the flow's entry.
    pub fn find(
        &self,
        key: FlowHash,
        is_it: impl Fn(u32) -> bool,
    ) -> std::result::Result<u32, Vacant> {
        let shard = &self.shards[usize::from(key.shard)];
        shard
            .position(key.hash, is_it)
            .map(|at| shard.slots[at] as u32)
            .map_err(|at| Vacant { key, at })
    }

    /// The memory that a look-up of a flow reads first.
    pub fn home(&self, key: FlowHash) -> u64 {
        let shard = &self.shards[usize::from(key.shard)];
        shard.slots.get(shard.home(key.hash)).copied().unwrap_or(EMPTY)
    }

    /// Whether there is room for any one more flow.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.full.is_none()
    }

    /// Makes room for one more flow.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn grow(&mut self) -> Result<()> {
        if let Some(full) = self.full {
            self.shards[usize::from(full)].grow()?;
            self.full = None;
        }
        Ok(())
    }

    /// Adds a flow that the last look-up did not find.
    pub fn insert(&mut self, Vacant { key, at }: Vacant, number: u32) {
        let slot = u64::from(key.hash) << 32 | u64::from(number);
        let shard = &mut self.shards[usize::from(key.shard)];
        shard.insert(slot, at);
        if !shard.has_room() {
            self.full = Some(key.shard);
        }
    }

    /// Removes a flow, which has the entry of this number.
    pub fn remove(&mut self, key: FlowHash, number: u32) {
        let FlowHash { shard, hash } = key;
        let shard = &mut self.shards[usize::from(shard)];
        if let Ok(at) = shard.position(hash, |other| other == number) {
            shard.remove(at);
        }
    }
}

/// Open addressing with linear probing: a slot is at the home of its hash, or after others without
/// a gap.
#[derive(Debug, Default)]
struct Shard {
    slots: Vec<u64>,
    used: usize,
}

impl Shard {
    /// The home of a hash: the range of hashes is scaled to the number of slots.
    fn home(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.slots.len() as u64) >> 32) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() {
            0
        } else {
            at + 1
        }
    }

    /// The position of a hash, or else the first free slot from its home on; meaningless if there
    /// are no slots.
    fn position(
        &self,
        hash: u32,
        is_it: impl Fn(u32) -> bool,
    ) -> std::result::Result<usize, usize> {
        if self.used == 0 {
            return Err(self.home(hash));
        }
        let mut at = self.home(hash);
        loop {
            match self.slots[at] {
                EMPTY => return Err(at),
                slot if (slot >> 32) as u32 == hash && is_it(slot as u32) => return Ok(at),
                _ => at = self.after(at),
            }
        }
    }

    fn has_room(&self) -> bool {
        (self.used + 1) * 4 <= self.slots.len() * 3
    }

    /// Inserts a slot. The first one in an empty shard allocates room; later there always is some,
    /// because of [`Index::grow`].
    fn insert(&mut self, slot: u64, at: usize) {
        if self.has_room() {
            self.slots[at] = slot;
        } else {
            self.rehash(vec![EMPTY; self.more()]);
            self.put(slot);
        }
        self.used += 1;
    }

    /// The number of slots after the next growth.
    fn more(&self) -> usize {
        (self.slots.len() * 3 / 2).max(8)
    }

    /// Makes room for more slots.
    fn grow(&mut self) -> Result<()> {
        if self.has_room() || self.slots.is_empty() {
            return Ok(()); // after a removal
        }
        let (mut slots, more) = (Vec::new(), self.more());
        slots.try_reserve_exact(more)?;
        slots.resize(more, EMPTY);
        self.rehash(slots);
        Ok(())
    }

    /// Moves all to other slots, which are empty.
    fn rehash(&mut self, slots: Vec<u64>) {
        let all = std::mem::replace(&mut self.slots, slots);
        all.into_iter().filter(|slot| *slot != EMPTY).for_each(|slot| self.put(slot));
    }

    /// Inserts into the first free slot from its home on; there is one.
    fn put(&mut self, slot: u64) {
        let mut at = self.home((slot >> 32) as u32);
        while self.slots[at] != EMPTY {
            at = self.after(at);
        }
        self.slots[at] = slot;
    }

    /// Closes a gap, so that slots after it are still found.
    fn remove(&mut self, mut gap: usize) {
        self.used -= 1;
        if self.used == 0 {
            self.slots = Vec::new();
            return;
        }
        let mut at = self.after(gap);
        while self.slots[at] != EMPTY {
            let home = self.home((self.slots[at] >> 32) as u32);
            let len = self.slots.len();
            // A slot may move back if its home is not between the gap and itself.
            if (at + len - home) % len >= (at + len - gap) % len {
                self.slots[gap] = self.slots[at];
                gap = at;
            }
            at = self.after(at);
        }
        self.slots[gap] = EMPTY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_shard_behaves_as_a_map_also_where_hashes_meet() {
        let (mut shard, mut model) = (Shard::default(), BTreeMap::new());
        let mut seed = 5u32;
        for round in 0..50_000u32 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = (seed >> 8) % 300;
            // Few homes, the last slots among them, from where it goes on at 0.
            let hash = u32::MAX - (number % 7) * (1 << 27);
            let found = shard.position(hash, |other| other == number);
            assert_eq!(found.ok().map(|at| shard.slots[at] as u32), model.get(&number).copied());
            let adds = seed & 3 < if round / 5_000 % 2 == 0 { 3 } else { 1 };
            match found {
                Ok(at) if !adds => {
                    shard.remove(at);
                    model.remove(&number);
                }
                Err(at) if adds => {
                    shard.insert(u64::from(hash) << 32 | u64::from(number), at);
                    model.insert(number, number);
                }
                _ => {}
            }
            assert_eq!(shard.used, model.len());
        }
    }
}
