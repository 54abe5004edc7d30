//! Keeps the first packets of new flows until the flow has an entry, is refused, or they expire. No
//! I/O here.
//!
//! In a flood, a hundred thousand flows and more are kept. So there are many small tables instead of
//! one: a large table stops all threads for 8 ms while it grows, and as long for each search.

use super::layout::KEPT;
use super::resend::Packet;
use crate::types::Flow;
use foldhash::fast::RandomState;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

/// How long a packet is kept: as long as the kernel's multicast routing keeps one.
const LIFETIME: Duration = Duration::from_secs(10);

/// When a flow is new again, its packets of this age are dropped. It is less than [`LIFETIME`]: the
/// programs count from the time of a packet, and the library reads the packet later.
const STALE: Duration = Duration::from_secs(9);

/// The most memory for packets that are kept. An interface may use at most as much as it leaves for
/// the others, so a flood on one interface leaves half of it. Then further packets are dropped, but not
/// their flows.
const MOST_BYTES: usize = 64 << 20;

/// The packets of a flow that the programs pass on.
const EACH: usize = KEPT as usize;

/// The memory that a packet needs beside its octets, with its share of the tables.
const BESIDE: usize = 128;

/// The time between two searches for packets that have expired.
const SEARCH: Duration = Duration::from_millis(250);

/// The number of tables.
const SHARDS: usize = 256;

/// A table without flows keeps room for so many: a burst is over.
const ROOM: usize = 4;

/// The parts of the tables that are searched at a time for packets that have expired.
pub(super) const PARTS: usize = 32;

/// The packets of a flow, oldest first. Most flows of a burst have one.
pub(super) type Packets = SmallVec<[Packet; 1]>;

#[derive(Debug)]
struct Waiting {
    since: Instant,
    packets: Packets,
}

#[derive(Debug, Default)]
struct Shard {
    flows: HashMap<Flow, Waiting, RandomState>,
    /// When the next search for expired packets is due, if there are packets.
    search_at: Option<Instant>,
}

/// Packets by flow.
#[derive(Debug)]
pub(super) struct Kept {
    /// Selects the shard of a flow.
    hasher: RandomState,
    shards: Vec<Shard>,
    /// How many flows there are.
    count: usize,
    /// The memory that the packets need.
    bytes: usize,
    /// The same, by the index of the interface.
    by_index: HashMap<u32, usize, RandomState>,
    /// Packets that were dropped for want of room.
    pub dropped: u64,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept {
            hasher: RandomState::default(),
            shards: std::iter::repeat_with(Shard::default).take(SHARDS).collect(),
            count: 0,
            bytes: 0,
            by_index: HashMap::default(),
            dropped: 0,
        }
    }
}

impl Kept {
    fn shard_of(&self, flow: Flow) -> usize {
        self.hasher.hash_one(flow) as usize % SHARDS
    }

    fn get(&self, flow: Flow) -> Option<&Waiting> {
        self.shards[self.shard_of(flow)].flows.get(&flow)
    }

    /// Keeps a packet, if there is room.
    pub(super) fn keep(&mut self, flow: Flow, packet: Packet) {
        let (size, if_index) = (size_of(&packet), packet.if_index);
        let at = self.shard_of(flow);
        let shard = &mut self.shards[at];
        let of_interface = self.by_index.get(&if_index).copied().unwrap_or_default();
        let has_room = of_interface + size + self.bytes + size <= MOST_BYTES
            && shard.flows.try_reserve(1).is_ok()
            && self.by_index.try_reserve(1).is_ok();
        if !has_room {
            self.dropped += 1;
            return;
        }
        let count = &mut self.count;
        let waiting = shard.flows.entry(flow).or_insert_with(|| {
            *count += 1;
            Waiting { since: Instant::now(), packets: Packets::new() }
        });
        if waiting.packets.len() >= EACH {
            self.dropped += 1;
            return;
        }
        shard.search_at.get_or_insert(waiting.since + LIFETIME);
        self.bytes += size;
        *self.by_index.entry(if_index).or_default() += size;
        waiting.packets.push(packet);
    }

    /// The flow is new again. Its packets that are about to expire would take the room of the new
    /// one, which would expire with them, so they are dropped. If the flow was only reported twice,
    /// they stay.
    pub(super) fn renew(&mut self, flow: Flow) {
        if self.get(flow).is_some_and(|waiting| waiting.since.elapsed() >= STALE) {
            self.take(flow);
        }
    }

    /// Takes the packets of a flow, oldest first.
    pub(super) fn take(&mut self, flow: Flow) -> Packets {
        let at = self.shard_of(flow);
        let flows = &mut self.shards[at].flows;
        let Some(waiting) = flows.remove(&flow) else { return Packets::new() };
        if flows.is_empty() {
            flows.shrink_to(ROOM);
        }
        self.count -= 1;
        waiting.packets.iter().for_each(|packet| self.forget(packet));
        waiting.packets
    }

    /// Drops all packets of those flows of which one has arrived at an index. Returns the flows.
    pub(super) fn forget_index(&mut self, if_index: u32) -> Vec<Flow> {
        if !self.by_index.contains_key(&if_index) {
            return Vec::new();
        }
        let is_there =
            |waiting: &Waiting| waiting.packets.iter().any(|packet| packet.if_index == if_index);
        let all = self.shards.iter().flat_map(|shard| &shard.flows);
        let flows: Vec<Flow> =
            all.filter(|(_, waiting)| is_there(waiting)).map(|(flow, _)| *flow).collect();
        for flow in &flows {
            self.take(*flow);
        }
        flows
    }

    /// A packet is not kept any longer.
    fn forget(&mut self, packet: &Packet) {
        let (size, if_index) = (size_of(packet), packet.if_index);
        self.bytes -= size;
        if let Some(bytes) = self.by_index.get_mut(&if_index) {
            *bytes -= size;
            if *bytes == 0 {
                self.by_index.remove(&if_index);
            }
        }
    }

    pub(super) fn has(&self, flow: Flow) -> bool {
        self.get(flow).is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Drops packets whose flow got no entry in time. Searches one of [`PARTS`], because the caller
    /// holds a lock.
    pub(super) fn expire(&mut self, part: usize) {
        const EACH_PART: usize = SHARDS / PARTS;
        let now = Instant::now();
        for at in part * EACH_PART..(part + 1) * EACH_PART {
            if self.shards[at].search_at.is_some_and(|due| due <= now) {
                self.search(at, now);
            }
        }
    }

    fn search(&mut self, at: usize, now: Instant) {
        let all = self.shards[at].flows.iter();
        let late: Vec<Flow> = all
            .filter(|(_, waiting)| now - waiting.since >= LIFETIME)
            .map(|(flow, _)| *flow)
            .collect();
        for flow in late {
            self.take(flow);
        }
        let shard = &mut self.shards[at];
        let oldest = shard.flows.values().map(|waiting| waiting.since).min();
        shard.search_at = oldest.map(|oldest| (oldest + LIFETIME).max(now + SEARCH));
    }
}

/// The memory that a packet needs.
fn size_of(packet: &Packet) -> usize {
    packet.octets() as usize + BESIDE
}

#[cfg(test)]
mod tests {
    use super::super::layout::{FlowKey, Record, Told};
    use super::*;

    fn packet(size: usize) -> Packet {
        arrived_on(7, size)
    }

    fn arrived_on(ifindex: u32, size: usize) -> Packet {
        Packet::new(&Record {
            told: Told::New,
            number: 0,
            ifindex,
            key: FlowKey { group: [239, 129, 2, 3], source: [10, 0, 0, 1] },
            is_whole: true,
            mark: 1,
            priority: 2,
            packet: &vec![9; size],
        })
    }

    fn flow(number: u32) -> Flow {
        Flow::new(number.into(), [239, 129, 2, 3].into())
    }

    impl Kept {
        /// As if the first packet of a flow had come earlier, and a search were due.
        fn age(&mut self, flow: Flow, by: Duration) {
            let at = self.shard_of(flow);
            let shard = &mut self.shards[at];
            shard.flows.get_mut(&flow).unwrap().since -= by;
            shard.search_at = Some(Instant::now());
        }
    }

    #[test]
    fn four_packets_of_a_flow_are_kept_and_taken_in_order() {
        let mut kept = Kept::default();
        for size in 20..26 {
            kept.keep(flow(1), packet(size));
        }
        kept.keep(flow(2), packet(50));
        assert_eq!(kept.dropped, 2);
        let sizes: Vec<u64> = kept.take(flow(1)).iter().map(Packet::octets).collect();
        assert_eq!(sizes, [20, 21, 22, 23]);
        assert!(kept.take(flow(1)).is_empty() && !kept.is_empty());
        kept.take(flow(2));
        assert!(kept.is_empty() && kept.bytes == 0);
    }

    #[test]
    fn packets_of_a_former_interface_are_dropped() {
        let mut kept = Kept::default();
        (1..4).for_each(|last| kept.keep(flow(last), packet(20)));
        kept.keep(flow(3), arrived_on(8, 30));
        kept.keep(flow(4), arrived_on(9, 40));
        assert_eq!(kept.forget_index(8), [flow(3)], "also those that arrived elsewhere");
        assert_eq!((kept.has(flow(2)), kept.has(flow(3))), (true, false));
        assert!(kept.forget_index(8).is_empty());
        assert_eq!(kept.forget_index(7).len(), 2);
        kept.take(flow(4));
        assert!(kept.is_empty() && kept.bytes == 0 && kept.by_index.is_empty());
    }

    #[test]
    fn a_first_packet_does_not_expire_with_those_of_ten_seconds_ago() {
        let mut kept = Kept::default();
        (20..24).for_each(|size| kept.keep(flow(1), packet(size)));
        kept.renew(flow(1));
        assert_eq!(kept.get(flow(1)).unwrap().packets.len(), 4, "they are young");
        kept.age(flow(1), STALE);
        kept.renew(flow(1));
        kept.keep(flow(1), packet(30));
        kept.age(flow(1), LIFETIME - STALE);
        (0..PARTS).for_each(|part| kept.expire(part));
        let sizes: Vec<u64> = kept.take(flow(1)).iter().map(Packet::octets).collect();
        assert_eq!(sizes, [30]);
        assert_eq!(kept.bytes, 0);
    }

    #[test]
    fn packets_expire_in_each_part() {
        const MANY: u32 = 1000;
        let mut kept = Kept::default();
        (0..MANY).for_each(|number| kept.keep(flow(number), packet(20)));
        (0..MANY).filter(|number| *number != 7).for_each(|n| kept.age(flow(n), LIFETIME));
        let mut most = 0;
        for part in 0..PARTS {
            let before = kept.count;
            kept.expire(part);
            most = most.max(before - kept.count);
        }
        assert!(most < MANY as usize / 4, "{most} at a time");
        assert_eq!((kept.count, kept.has(flow(7))), (1, true));
        assert!(kept
            .shards
            .iter()
            .all(|shard| shard.search_at.is_some() != shard.flows.is_empty()));
    }

    #[test]
    fn d125_no_table_is_so_large_that_threads_wait_for_its_growth() {
        const MANY: u32 = 150_000;
        let mut kept = Kept::default();
        (0..MANY).for_each(|number| kept.keep(flow(number), packet(20)));
        let largest = kept.shards.iter().map(|shard| shard.flows.len()).max();
        assert!(largest.is_some_and(|largest| largest < 1500), "{largest:?}");
        (0..MANY).for_each(|number| drop(kept.take(flow(number))));
        assert!(kept.is_empty() && kept.bytes == 0);
        assert!(kept.shards.iter().all(|shard| shard.flows.capacity() <= 2 * ROOM));
    }

    #[test]
    fn t0_9_what_is_kept_is_bounded() {
        let mut kept = Kept::default();
        let most = MOST_BYTES / (2000 + BESIDE) / 2;
        for number in 0..most as u32 + 10 {
            kept.keep(flow(number), packet(2000));
        }
        assert_eq!(kept.dropped, 10, "half of it is for other interfaces");
        kept.keep(flow(1 << 30), arrived_on(8, 2000));
        assert_eq!(kept.dropped, 10);
        assert!(kept.bytes <= MOST_BYTES);
        for number in 0..most as u32 {
            kept.take(flow(number));
        }
        kept.take(flow(1 << 30));
        assert!(kept.bytes == 0 && kept.by_index.is_empty());
    }
}
