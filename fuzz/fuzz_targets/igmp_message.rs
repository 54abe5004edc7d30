//! What any machine on a link can send: IPv4 datagrams with IGMP messages.
#![no_main]

use mgm_igmp::codec::{checksum, Datagram, Message};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Ok(datagram) = Datagram::read(octets) {
        read(datagram.message);
    }
    read(octets);
    // With a right checksum of the header.
    let length = octets.first().map_or(0, |octet| usize::from(octet & 0x0f) * 4);
    if (20..=octets.len()).contains(&length) {
        let mut datagram = octets.to_vec();
        datagram[10..12].fill(0);
        let sum = checksum(&datagram[..length]).to_be_bytes();
        datagram[10..12].copy_from_slice(&sum);
        if let Ok(datagram) = Datagram::read(&datagram) {
            read(datagram.message);
        }
    }
    // With a right checksum, which the fuzzer would not find.
    if octets.len() >= 4 {
        let mut message = octets.to_vec();
        message[2..4].fill(0);
        let sum = checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        read(&message);
    }
});

fn read(message: &[u8]) {
    match Message::read(message) {
        Ok(Message::Query(query)) => {
            // What is written is read as the same query.
            let written = query.write();
            let Ok(Message::Query(again)) = Message::read(&written) else {
                panic!("{query:?} is written as {written:x?}")
            };
            assert_eq!(query, again);
        }
        Ok(Message::ReportV3(records)) => {
            let sources: usize = records.map(|record| record.sources.iter().count()).sum();
            assert!(4 * sources <= message.len());
        }
        _ => {}
    }
}
