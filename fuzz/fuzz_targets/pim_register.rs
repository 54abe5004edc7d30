//! What any machine can send to a rendezvous point: PIM registers with packets in them.
#![no_main]

use mgm_net::registers::{Content, Register};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    read(octets);
    // With right checksums, which the fuzzer would not find.
    let mut datagram = octets.to_vec();
    let Some(message) = header(&datagram) else { return };
    if datagram.len() < message + 8 {
        return;
    }
    if let Some(length) = header(&datagram[message + 8..]) {
        repair(&mut datagram[message + 8..][..length], 10);
    }
    // The checksum covers the header of the message, or all of it.
    let is_of_all = datagram[message + 7] & 1 == 1;
    let end = if is_of_all { datagram.len() } else { message + 8 };
    repair(&mut datagram[message..end], 2);
    read(&datagram);
});

fn read(datagram: &[u8]) {
    let Ok(register) = Register::read(datagram) else { return };
    assert!(!register.sender.is_multicast() && !register.sender.is_unspecified());
    let Ok(Content::Packet { octets, group }) = register.content() else { return };
    // A whole packet, which was in the register.
    assert!(datagram.windows(octets.len()).any(|part| part == octets));
    assert!(header(octets).is_some_and(|length| checksum(&octets[..length]) == 0));
    assert_eq!(usize::from(u16::from_be_bytes([octets[2], octets[3]])), octets.len());
    assert!(octets[16..20] == group.octets() && group.is_multicast());
    assert!(group.octets()[..3] != [224, 0, 0]);
}

/// The length of the IPv4 header at the beginning.
fn header(packet: &[u8]) -> Option<usize> {
    let length = usize::from(packet.first()? & 15) * 4;
    (packet[0] >> 4 == 4 && length >= 20 && length <= packet.len()).then_some(length)
}

/// Puts the right checksum at a place.
fn repair(octets: &mut [u8], at: usize) {
    octets[at..at + 2].fill(0);
    let sum = checksum(octets).to_be_bytes();
    octets[at..at + 2].copy_from_slice(&sum);
}

/// The checksum of the Internet, in another way than the crate computes it.
fn checksum(octets: &[u8]) -> u16 {
    let sum: u64 = octets.iter().zip([256, 1].into_iter().cycle()).map(|(octet, of)| u64::from(*octet) * of).sum();
    // The carries of 16 bits are added until there are none: the remainder by 65535, except that only 0 has 0.
    !if sum == 0 { 0 } else { ((sum - 1) % 65535 + 1) as u16 }
}
