//! Where the entry of a flow is.

use crate::types::Flow;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Parts that grow one at a time: a million flows in one table would stop
/// everybody for as long as it takes to hash all of them anew.
const SHARDS: usize = 256;

/// Numbers of entries by flow. The flows themselves stand in the entries, so
/// most functions want to be told how to get from a number to its flow.
#[derive(Debug)]
pub struct Index {
    hasher: RandomState,
    shards: Vec<HashTable<u32>>,
}

impl Default for Index {
    fn default() -> Index {
        Index {
            hasher: RandomState::default(),
            shards: std::iter::repeat_with(HashTable::new).take(SHARDS).collect(),
        }
    }
}

impl Index {
    /// The table takes the lowest and the highest bits of a hash, the choice of
    /// the shard some between.
    fn shard(hash: u64) -> usize {
        (hash >> 40) as usize % SHARDS
    }

    /// The number of a flow's entry.
    pub fn find(&self, flow: Flow, flow_of: impl Fn(u32) -> Flow) -> Option<u32> {
        let hash = self.hasher.hash_one(flow);
        self.shards[Index::shard(hash)].find(hash, |&number| flow_of(number) == flow).copied()
    }

    /// Adds a flow that is not there.
    pub fn insert(&mut self, flow: Flow, number: u32, flow_of: impl Fn(u32) -> Flow) {
        let Index { hasher, shards } = self;
        let hash = hasher.hash_one(flow);
        let rehash = |&number: &u32| hasher.hash_one(flow_of(number));
        shards[Index::shard(hash)].insert_unique(hash, number, rehash);
    }

    /// Removes the entry of this number.
    pub fn remove(&mut self, flow: Flow, number: u32) {
        let hash = self.hasher.hash_one(flow);
        let shard = &mut self.shards[Index::shard(hash)];
        if let Ok(found) = shard.find_entry(hash, |&other| other == number) {
            found.remove();
        }
    }
}
