//! The hash tables of flows: buckets, and the entries that are chained in each of them.

use super::chunks::{Chunks, Missing, NewChunks};
use super::layout::{bucket_of, Buckets, Entry, FlowKey, BUCKETS, GENERATIONS};
use crate::types::Flow;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Relaxed, Release};

/// One of the hash tables of flows.
#[derive(Debug)]
struct Generation {
    /// How many flows it takes: as many as it has buckets.
    room: usize,
    used: usize,
}

impl Generation {
    fn has_room(&self) -> bool {
        self.used < self.room
    }
}

/// All hash tables. The entries are the table's.
#[derive(Debug)]
pub(super) struct Flows {
    /// What the programs hash flows with.
    factors: [u64; 2],
    buckets: Chunks<Buckets>,
    generations: Vec<Generation>,
}

impl Flows {
    pub(super) fn new(factors: [u64; 2]) -> Flows {
        Flows { factors, buckets: Chunks::new(), generations: Vec::new() }
    }

    /// The chunks of one more hash table, if it is time to make it.
    pub(super) fn missing(&self) -> Option<Missing> {
        let room: usize = self.generations.iter().map(|it| it.room - it.used).sum();
        let generation = self.generations.len();
        let count = 1 << generation;
        let is_time = room < BUCKETS / 2 && generation < GENERATIONS;
        is_time.then_some(Missing { first: count - 1, count })
    }

    pub(super) fn add(&mut self, chunks: NewChunks<Buckets>) {
        self.buckets.add(chunks);
        let room = BUCKETS << self.generations.len();
        self.generations.push(Generation { room, used: 0 });
    }

    /// The first hash table that is not full.
    pub(super) fn with_room(&self) -> Option<usize> {
        self.generations.iter().position(Generation::has_room)
    }

    /// Where the slot of the first entry with this hash is stored.
    fn bucket(&self, generation: usize, hash: u32) -> &AtomicU32 {
        let (chunk, bucket) = bucket_of(generation, hash);
        &self.buckets.element(chunk, bucket / 2).0[bucket % 2]
    }

    /// The slot of a flow.
    pub(super) fn find(&self, flow: Flow, entries: &Chunks<Entry>) -> Option<u32> {
        let key = FlowKey::from(flow);
        let hash = key.hash(self.factors);
        for generation in 0..self.generations.len() {
            let mut next = self.bucket(generation, hash).load(Relaxed);
            while next != 0 {
                let entry = entries.get(next - 1);
                if entry.flow.is(key) {
                    return Some(next - 1);
                }
                next = entry.next.load(Relaxed);
            }
        }
        None
    }

    /// Puts an entry into a bucket. From then on the programs find it.
    pub(super) fn link(
        &mut self,
        flow: Flow,
        slot: u32,
        generation: usize,
        entries: &Chunks<Entry>,
    ) {
        let key = FlowKey::from(flow);
        let first = self.bucket(generation, key.hash(self.factors));
        let entry = entries.get(slot);
        entry.flow.set(key);
        entry.next.store(first.load(Relaxed), Relaxed);
        first.store(slot + 1, Release);
        self.generations[generation].used += 1;
    }

    /// Takes an entry out of its bucket. Programs that are reading the entry still find the next
    /// one through it.
    pub(super) fn unlink(
        &mut self,
        flow: Flow,
        slot: u32,
        generation: usize,
        entries: &Chunks<Entry>,
    ) {
        self.generations[generation].used -= 1;
        let mut place = self.bucket(generation, FlowKey::from(flow).hash(self.factors));
        loop {
            let next = place.load(Relaxed);
            if next == 0 {
                return;
            }
            let entry = entries.get(next - 1);
            if next - 1 == slot {
                return place.store(entry.next.load(Relaxed), Release);
            }
            place = &entry.next;
        }
    }
}
