//! Sends on the first packets of new flows, by running the program `mgm_resend` for some of them at a
//! time, so that thresholds, counters and oifs are the same as for any packet.

use super::layout::{Parcel, Record, PARCELS};
use super::memory::Array;
use super::sys::Program;
use std::io;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
