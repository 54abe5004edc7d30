//! What programs and user space share: the structures of `bpf/shared.h`. No I/O here.

use super::memory::Shared;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};
use std::time::Duration;

/// Entries, or oifs, in an inner map.
pub(super) const CHUNK: usize = 16_384;
/// The most inner maps of entries, and of oifs.
pub(super) const CHUNKS: usize = 1088;
/// Hash tables of flows, each twice as large as the one before.
pub(super) const GENERATIONS: usize = 9;
/// Buckets of flows in the first of them, and in an inner map.
pub(super) const BUCKETS: usize = 65_536;
/// The inner maps of all of them.
pub(super) const BUCKET_CHUNKS: usize = (1 << GENERATIONS) - 1;
/// Sets of flows, or arrivals, that user space has been told of.
pub(super) const SETS: usize = 16_384;
/// The members of each.
pub(super) const WAYS: usize = 4;
/// The first packets of a flow that user space is told of.
pub(super) const KEPT: u32 = 4;
/// The most interfaces.
pub(super) const PORTS: usize = 16_384;
/// The most oifs of an entry: the kernel permits 33 tail calls, and each is for 64 copies.
pub(super) const MOST_OIFS: usize = 33 * ROUND;
/// The most copies before a tail call.
pub(super) const ROUND: usize = 64;

/// The key of a flow: group and source in network byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(super) struct FlowKey {
    pub group: [u8; 4],
    pub source: [u8; 4],
}

impl FlowKey {
    /// As a number, which is how it is stored.
    fn number(self) -> u64 {
        let FlowKey { group: [a, b, c, d], source: [e, f, g, h] } = self;
        u64::from_ne_bytes([a, b, c, d, e, f, g, h])
    }

    /// The hash that the programs use.
    pub(super) fn hash(self, factors: [u64; 2]) -> u32 {
        let [group, source] = [self.group, self.source].map(u32::from_ne_bytes);
        let flow = u64::from(source) << 32 | u64::from(group);
        let mixed = flow.wrapping_mul(factors[0]);
        ((mixed ^ (mixed >> 32)).wrapping_mul(factors[1]) >> 32) as u32
    }
}

/// A flow in memory that is shared.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct SharedFlow(AtomicU64);

impl SharedFlow {
    pub(super) fn is(&self, key: FlowKey) -> bool {
        self.0.load(Relaxed) == key.number()
    }

    pub(super) fn set(&self, key: FlowKey) {
        self.0.store(key.number(), Relaxed);
    }
}

/// Two buckets of a hash table of flows. A slot is stored as its number + 1; 0 ends the chain.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Buckets(pub [AtomicU32; 2]);

/// The inner map of a bucket, and its number there.
pub(super) fn bucket_of(generation: usize, hash: u32) -> (usize, usize) {
    let size = (1 << generation) - 1;
    (size + ((hash as usize / BUCKETS) & size), hash as usize % BUCKETS)
}

impl From<crate::types::Flow> for FlowKey {
    fn from(flow: crate::types::Flow) -> FlowKey {
        FlowKey { group: flow.group().octets(), source: flow.source().octets() }
    }
}

/// One (s,g) entry. All zero: no oifs, and no interface is its iif.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Entry {
    pub flow: SharedFlow,
    /// The slot of the next entry in the same bucket, + 1.
    pub next: AtomicU32,
    pub iif: AtomicU32,
    /// The number of oifs << 32 | the index of the first.
    pub run: AtomicU64,
    pub flags: AtomicU32,
    pub unused: AtomicU32,
    pub packets: AtomicU64,
    pub octets: AtomicU64,
    pub negative: AtomicU64,
    pub wrong: AtomicU64,
    /// What former oifs have sent.
    pub sent_before: AtomicU64,
}

/// [`Entry::flags`]: packets still go to user space.
pub(super) const HELD: u32 = 1;

/// One oif of an entry.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Out {
    pub port: AtomicU32,
    pub threshold: AtomicU32,
    pub packets: AtomicU64,
    pub ttl_too_low: AtomicU64,
    pub too_large: AtomicU64,
    pub discards: AtomicU64,
}

/// An interface as an oif. The addresses are written while the port is not up.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Port {
    pub ifindex: AtomicU32,
    pub mtu: AtomicU32,
    pub flags: AtomicU32,
    /// The address of the neighbour, then that of the interface: 12 bytes.
    pub addresses: [AtomicU32; 3],
    pub unused: [AtomicU32; 2],
}

/// [`Port::flags`]: copies may be sent.
pub(super) const UP: u32 = 1;
/// [`Port::flags`]: copies go to the neighbour's address, not to the group's.
pub(super) const NEIGHBOUR: u32 = 2;

/// An interface on which packets arrive.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Arrivals {
    /// When the bucket of new flows is full again, in ns.
    pub full_at: AtomicI64,
    /// What a new flow adds to that; 0 means that flows are not limited.
    pub interval: AtomicI64,
    pub depth: AtomicI64,
    /// New flows of which user space was told.
    pub told: AtomicU64,
    /// Packets of new flows that the limit refused.
    pub refused: AtomicU64,
    /// Packets of which user space could not be told.
    pub lost: AtomicU64,
    /// Packets with an invalid header.
    pub invalid: AtomicU64,
    /// First packets that were too large to be kept.
    pub cut: AtomicU64,
    /// Records that were written, and those of them that are done.
    pub written: AtomicU64,
    pub taken: AtomicU64,
}

#[derive(Debug)]
#[repr(C)]
pub(super) struct Config {
    pub on: AtomicU32,
    pub generations: AtomicU32,
    /// What flows are hashed with.
    pub factors: [AtomicU64; 2],
}

/// A flow without an entry that user space was told of.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Pending {
    flow: SharedFlow,
    since: AtomicU32,
    /// Packets that user space was told of; 0: free.
    count: AtomicU32,
}

/// A flow that the limit of new flows of an interface has refused.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Refusal {
    flow: SharedFlow,
    ifindex: AtomicU32,
    since: AtomicU32,
}

/// Programs tell times in units of 2^20 ns, about a millisecond.
const TICK: u32 = 20;

/// A refusal may be up to this many ticks (about a second) later than `now`: the thread may be
/// interrupted after it has read the clock. A more negative age is really one of 26 to 52 days.
const LATER: i32 = 1000;

impl Refusal {
    /// The index on which a packet of the flow was refused, unless that was longer ago. `now` is
    /// CLOCK_MONOTONIC.
    pub(super) fn of(&self, key: FlowKey, now: Duration, most: Duration) -> Option<u32> {
        let ticks = |time: Duration| (time.as_nanos() as u64 >> TICK) as u32;
        let age = ticks(now).wrapping_sub(self.since.load(Relaxed)) as i32;
        let is_recent = (-LATER..ticks(most) as i32).contains(&age);
        let ifindex = self.ifindex.load(Relaxed);
        (ifindex != 0 && is_recent && self.flow.is(key)).then_some(ifindex)
    }
}

/// Packets that are sent on in one run of a program.
pub(super) const PARCELS: usize = 16;

const PARCEL_WORDS: usize = 259;

/// A packet that user space has kept, to be sent on.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Parcel {
    /// 0: there are no more.
    length: AtomicU32,
    mark: AtomicU32,
    priority: AtomicU32,
    done: AtomicU32,
    packet: [AtomicU64; PARCEL_WORDS],
}

impl Parcel {
    /// No packet, which ends the list.
    pub(super) fn clear(&self) {
        self.length.store(0, Relaxed);
    }

    /// Whether the program has taken it.
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Relaxed) != 0
    }

    pub(super) fn fill(&self, packet: &[u8], mark: u32, priority: u32) {
        for (word, bytes) in self.packet.iter().zip(packet.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_ne_bytes(whole), Relaxed);
        }
        self.length.store(packet.len() as u32, Relaxed);
        self.mark.store(mark, Relaxed);
        self.priority.store(priority, Relaxed);
        self.done.store(0, Release);
    }
}

/// The flows with the same number.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Pendings([Pending; WAYS]);

impl Pendings {
    /// The next packet of the flow is reported again.
    pub(super) fn forget(&self, key: FlowKey) {
        self.0.iter().filter(|it| it.flow.is(key)).for_each(|it| it.count.store(0, Relaxed));
    }

    /// If the programs remember the flow, they do not tell of it until they have forgotten it.
    pub(super) fn silence(&self, key: FlowKey) {
        let known = self.0.iter().filter(|it| it.flow.is(key) && it.count.load(Relaxed) != 0);
        known.for_each(|it| it.count.store(KEPT, Relaxed));
    }

    /// The same as [`Pendings::forget`] for all flows.
    pub(super) fn clear(&self) {
        self.0.iter().for_each(|it| it.count.store(0, Relaxed));
    }
}

// SAFETY: atomic numbers alone.
unsafe impl Shared for Entry {}
// SAFETY: atomic numbers alone.
unsafe impl Shared for Out {}
// SAFETY: atomic numbers alone.
unsafe impl Shared for Port {}
// SAFETY: atomic numbers alone.
unsafe impl Shared for Arrivals {}
// SAFETY: atomic numbers alone.
unsafe impl Shared for Config {}
// SAFETY: atomic numbers alone.
unsafe impl Shared for Buckets {}
// SAFETY: atomic numbers alone.
unsafe impl Shared for Pendings {}
// SAFETY: atomic numbers alone.
unsafe impl Shared for Parcel {}
// SAFETY: atomic numbers alone.
unsafe impl Shared for Refusal {}

/// What the programs tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The first packet of a flow without an entry.
    New,
    /// A further one, or one of an entry that is held.
    More,
    /// A packet on another interface than the iif.
    Wrong,
}

/// A record of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub told: Told,
    /// The number of the element that counts arrivals.
    pub number: u16,
    pub ifindex: u32,
    pub key: FlowKey,
    /// Whether the packet is whole.
    pub is_whole: bool,
    pub mark: u32,
    pub priority: u32,
    /// The packet, or its start, from its IP header.
    pub packet: &'a [u8],
}

const RECORD: usize = 32;

impl Record<'_> {
    /// `None` if it is not a record that the programs write.
    pub(super) fn parse(bytes: &[u8]) -> Option<Record<'_>> {
        let (head, rest) = bytes.split_first_chunk::<RECORD>()?;
        let four = |at: usize| [head[at], head[at + 1], head[at + 2], head[at + 3]];
        let number = |at: usize| u32::from_ne_bytes(four(at));
        let (length, held) = (number(16), number(20));
        Some(Record {
            told: match u16::from_ne_bytes([head[0], head[1]]) {
                1 => Told::New,
                2 => Told::More,
                3 => Told::Wrong,
                _ => return None,
            },
            number: u16::from_ne_bytes([head[2], head[3]]),
            ifindex: number(4),
            key: FlowKey { group: four(8), source: four(12) },
            is_whole: length == held,
            mark: number(24),
            priority: number(28),
            packet: rest.get(..held as usize)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_recent_for_ten_seconds_and_not_again_after_weeks() {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let key = FlowKey { group: [239, 1, 2, 3], source: [10, 0, 0, 1] };
        let refused_at = 40 * DAY;
        let refusal = Refusal {
            flow: SharedFlow(AtomicU64::new(key.number())),
            ifindex: AtomicU32::new(7),
            since: AtomicU32::new((refused_at.as_nanos() >> TICK) as u32),
        };
        let most = Duration::from_secs(10);
        let at = |now| refusal.of(key, now, most);
        assert_eq!(at(refused_at), Some(7));
        assert_eq!(at(refused_at + Duration::from_secs(9)), Some(7));
        assert_eq!(at(refused_at + Duration::from_secs(11)), None);
        assert_eq!(at(refused_at - Duration::from_millis(5)), Some(7), "the clock was read before");
        for days in [1, 25, 26, 27, 40, 52] {
            assert_eq!(at(refused_at + days * DAY), None, "{days} days");
        }
    }
}
