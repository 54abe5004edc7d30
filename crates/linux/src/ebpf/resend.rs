//! The first packets of new flows. They are kept until the flow has an entry, then sent on by
//! running the program `mgm_resend` for some of them at a time, so that thresholds, counters and
//! oifs are the same as for any packet.

use super::layout::{Parcel, Record, KEPT, PARCELS};
use super::memory::Array;
use super::sys::Program;
use crate::types::Flow;
use foldhash::fast::RandomState;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::io;
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

const ETHERNET: usize = 14;

/// A packet, from its IP header.
#[derive(Debug)]
pub(super) struct Packet {
    pub if_index: u32,
    mark: u32,
    priority: u32,
    bytes: Box<[u8]>,
}

impl Packet {
    pub(super) fn new(record: &Record<'_>) -> Packet {
        let Record { ifindex: if_index, mark, priority, .. } = *record;
        let mut bytes: Box<[u8]> = record.packet.into();
        complete_checksum(&mut bytes);
        Packet { if_index, mark, priority, bytes }
    }

    /// The memory that it needs.
    fn size(&self) -> usize {
        self.bytes.len() + BESIDE
    }

    /// The size of the IP packet.
    pub(super) fn octets(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// The Ethernet header that packets begin with, which the program replaces.
const HEADER: [u8; ETHERNET] = [0x01, 0x00, 0x5e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x00];

/// Sends packets on by the entries of their flows. Each entry has so few oifs that a run has tail calls
/// for all packets, unless there is only one packet. Nobody else may use the parcels meanwhile.
pub(super) fn send(
    packets: &[Packet],
    parcels: &Array<Parcel>,
    program: &Program,
) -> io::Result<()> {
    let same = packets.chunk_by(|one, next| one.if_index == next.if_index);
    for batch in same.flat_map(|packets| packets.chunks(PARCELS)) {
        let mut longest = 0;
        for (at, packet) in batch.iter().enumerate() {
            parcels.get(at).fill(&packet.bytes, packet.mark, packet.priority);
            longest = longest.max(packet.bytes.len());
        }
        if batch.len() < PARCELS {
            parcels.get(batch.len()).clear();
        }
        let mut frame = HEADER.to_vec();
        frame.resize(ETHERNET + longest, 0);
        let mut first = 0;
        while first < batch.len() {
            program.run(&frame, batch[0].if_index, first as u32)?;
            // A run ends early if the kernel has no memory for a packet.
            let done = (first..batch.len()).take_while(|at| parcels.get(*at).is_done()).count();
            if done == 0 {
                return Err(io::Error::other("the program does not take packets"));
            }
            first += done;
        }
    }
    Ok(())
}

/// The sum of 16-bit words, as a checksum adds them.
fn sum(bytes: &[u8], start: u32) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]))
    });
    let mut sum: u32 = words.fold(start, u32::wrapping_add);
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// Completes the checksum of a UDP datagram that a device of this machine should have computed. The
/// datagram comes from the router itself, or from a sender behind a virtual link. Such a datagram
/// has the sum of the pseudo header in this place. The copy that a program makes does not say so.
fn complete_checksum(packet: &mut [u8]) {
    const UDP: u8 = 17;
    let Some((header, payload)) = packet.split_at_mut_checked(20) else { return };
    let options = usize::from(header[0] & 15) * 4 - 20;
    let is_fragment = header[6] & 0x3f != 0 || header[7] != 0;
    let Some(datagram) = payload.get_mut(options..).filter(|it| it.len() >= 8) else { return };
    let length = u16::from_be_bytes([datagram[4], datagram[5]]);
    if header[9] != UDP || is_fragment || usize::from(length) != datagram.len() {
        return;
    }
    let pseudo = sum(&header[12..20], u32::from(UDP) + u32::from(length));
    if datagram[6..8] == pseudo.to_be_bytes() {
        let checksum = match !sum(datagram, 0) {
            0 => 0xffff,
            checksum => checksum,
        };
        datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// The packets of a flow, oldest first. Most flows of a burst have one.
pub(super) type Packets = SmallVec<[Packet; 1]>;

#[derive(Debug)]
struct Waiting {
    since: Instant,
    packets: Packets,
}

/// Packets by flow.
#[derive(Debug, Default)]
pub(super) struct Kept {
    flows: HashMap<Flow, Waiting, RandomState>,
    /// The memory that they need.
    bytes: usize,
    /// The same, by the index of the interface.
    by_index: HashMap<u32, usize, RandomState>,
    /// When the next search for expired packets is due, if there are packets.
    search_at: Option<Instant>,
    /// Packets that were dropped for want of room.
    pub dropped: u64,
}

impl Kept {
    /// Keeps a packet, if there is room.
    pub(super) fn keep(&mut self, flow: Flow, packet: Packet) {
        let (size, if_index) = (packet.size(), packet.if_index);
        let of_interface = self.by_index.get(&if_index).copied().unwrap_or_default();
        let has_room = of_interface + size + self.bytes + size <= MOST_BYTES
            && self.flows.try_reserve(1).is_ok()
            && self.by_index.try_reserve(1).is_ok();
        if !has_room {
            self.dropped += 1;
            return;
        }
        let waiting = self
            .flows
            .entry(flow)
            .or_insert_with(|| Waiting { since: Instant::now(), packets: Packets::new() });
        if waiting.packets.len() >= EACH {
            self.dropped += 1;
            return;
        }
        self.search_at.get_or_insert(waiting.since + LIFETIME);
        self.bytes += size;
        *self.by_index.entry(if_index).or_default() += size;
        waiting.packets.push(packet);
    }

    /// The flow is new again. Its packets that are about to expire would take the room of the new
    /// one, which would expire with them, so they are dropped. If the flow was only reported twice,
    /// they stay.
    pub(super) fn renew(&mut self, flow: Flow) {
        if self.flows.get(&flow).is_some_and(|waiting| waiting.since.elapsed() >= STALE) {
            self.take(flow);
        }
    }

    /// Takes the packets of a flow, oldest first.
    pub(super) fn take(&mut self, flow: Flow) -> Packets {
        let Some(waiting) = self.flows.remove(&flow) else { return Packets::new() };
        waiting.packets.iter().for_each(|packet| self.forget(packet));
        if self.flows.is_empty() {
            self.flows.shrink_to(1024); // a burst is over
        }
        waiting.packets
    }

    /// Drops all packets of those flows of which one has arrived at an index. Returns the flows.
    pub(super) fn forget_index(&mut self, if_index: u32) -> Vec<Flow> {
        if !self.by_index.contains_key(&if_index) {
            return Vec::new();
        }
        let is_there =
            |waiting: &Waiting| waiting.packets.iter().any(|packet| packet.if_index == if_index);
        let flows = self.flows.iter().filter(|(_, waiting)| is_there(waiting));
        let flows: Vec<Flow> = flows.map(|(flow, _)| *flow).collect();
        for flow in &flows {
            self.take(*flow);
        }
        flows
    }

    /// A packet is not kept any longer.
    fn forget(&mut self, packet: &Packet) {
        let (size, if_index) = (packet.size(), packet.if_index);
        self.bytes -= size;
        if let Some(bytes) = self.by_index.get_mut(&if_index) {
            *bytes -= size;
            if *bytes == 0 {
                self.by_index.remove(&if_index);
            }
        }
    }

    pub(super) fn has(&self, flow: Flow) -> bool {
        self.flows.contains_key(&flow)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Drops packets whose flow got no entry in time.
    pub(super) fn expire(&mut self) {
        let now = Instant::now();
        if self.search_at.is_none_or(|at| now < at) {
            return;
        }
        let late = self.flows.iter().filter(|(_, waiting)| now - waiting.since >= LIFETIME);
        let late: Vec<Flow> = late.map(|(flow, _)| *flow).collect();
        for flow in late {
            self.take(flow);
        }
        let oldest = self.flows.values().map(|waiting| waiting.since).min();
        self.search_at = oldest.map(|oldest| (oldest + LIFETIME).max(now + SEARCH));
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::{FlowKey, Told};
    use super::*;

    fn packet(size: usize) -> Packet {
        Packet::new(&Record {
            told: Told::New,
            number: 0,
            ifindex: 7,
            key: FlowKey { group: [239, 129, 2, 3], source: [10, 0, 0, 1] },
            is_whole: true,
            mark: 1,
            priority: 2,
            packet: &vec![9; size],
        })
    }

    fn flow(last: u8) -> Flow {
        Flow::new([10, 0, 0, last].into(), [239, 129, 2, 3].into())
    }

    /// A datagram of 12 bytes with this checksum.
    fn datagram(checksum: [u8; 2]) -> Vec<u8> {
        let mut packet =
            vec![0x45, 0, 0, 32, 0, 1, 0x40, 0, 16, 17, 0, 0, 10, 1, 0, 2, 239, 1, 2, 3];
        packet.extend([0x13, 0x88, 0x13, 0x88, 0, 12, checksum[0], checksum[1], 1, 2, 3, 4]);
        packet
    }

    #[test]
    fn checksums_that_a_device_was_to_compute_are_completed() {
        // 10.1 + 0.2 + 239.1 + 2.3 + 17 + 12
        let pseudo: u16 = 0x0a01 + 0x0002 + 0xef01 + 0x0203 + 17 + 12;
        let mut packet = datagram(pseudo.to_be_bytes());
        complete_checksum(&mut packet);
        let checked = sum(&packet[20..], u32::from(sum(&packet[12..20], 17 + 12)));
        assert_eq!(checked, 0xffff, "a valid datagram adds up to this");
        let complete = packet.clone();
        complete_checksum(&mut packet);
        assert_eq!(packet, complete, "a complete one stays");
    }

    #[test]
    fn other_checksums_stay() {
        for checksum in [[0, 0], [0x12, 0x34]] {
            let mut packet = datagram(checksum);
            complete_checksum(&mut packet);
            assert_eq!(packet, datagram(checksum));
        }
        for length in 0..32 {
            complete_checksum(&mut datagram([1, 2])[..length]); // must not panic
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
        kept.keep(flow(3), Packet { if_index: 8, ..packet(30) });
        kept.keep(flow(4), Packet { if_index: 9, ..packet(40) });
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
        assert_eq!(kept.flows[&flow(1)].packets.len(), 4, "they are young");
        kept.flows.get_mut(&flow(1)).unwrap().since -= STALE;
        kept.renew(flow(1));
        kept.keep(flow(1), packet(30));
        kept.flows.get_mut(&flow(1)).unwrap().since -= LIFETIME - STALE;
        kept.search_at = Some(Instant::now());
        kept.expire();
        let sizes: Vec<u64> = kept.take(flow(1)).iter().map(Packet::octets).collect();
        assert_eq!(sizes, [30]);
        assert_eq!(kept.bytes, 0);
    }

    #[test]
    fn t0_9_what_is_kept_is_bounded() {
        let mut kept = Kept::default();
        let most = MOST_BYTES / (2000 + BESIDE) / 2;
        let flow = |number: u32| Flow::new(number.into(), [239, 129, 2, 3].into());
        for number in 0..most as u32 + 10 {
            kept.keep(flow(number), packet(2000));
        }
        assert_eq!(kept.dropped, 10, "half of it is for other interfaces");
        let mut other = packet(2000);
        other.if_index = 8;
        kept.keep(flow(1 << 30), other);
        assert_eq!(kept.dropped, 10);
        assert!(kept.bytes <= MOST_BYTES);
        for number in 0..most as u32 {
            kept.take(flow(number));
        }
        kept.take(flow(1 << 30));
        assert!(kept.bytes == 0 && kept.by_index.is_empty());
    }
}
