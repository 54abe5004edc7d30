//! The codec against the octets of real packets, against the rules, and against another parser.

mod etherparse;
mod header;
mod rules;

use super::*;

pub fn octets(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|octet| u8::from_str_radix(octet, 16).unwrap()).collect()
}

pub fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// Corrects the checksum of a message that a test has built by hand.
pub fn sealed(mut message: Vec<u8>) -> Vec<u8> {
    seal(&mut message);
    message
}

/// Corrects the checksum of an IPv4 header that a test has changed, as far as there is a whole one.
pub fn headed(mut datagram: Vec<u8>) -> Vec<u8> {
    let length = datagram.first().map_or(0, |octet| usize::from(octet & 0x0f) * 4);
    if (20..=datagram.len()).contains(&length) {
        datagram[10..12].fill(0);
        let sum = checksum(&datagram[..length]);
        datagram[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    datagram
}

/// The octets of source addresses.
pub fn list(sources: &[&str]) -> Vec<u8> {
    sources.iter().flat_map(|source| address(source).octets()).collect()
}

/// Twenty valid messages, of every type.
pub fn valid_messages() -> Vec<Vec<u8>> {
    let group = address("239.1.1.1");
    let sources: Vec<Ipv4Addr> = (1..=9).map(|host| Ipv4Addr::new(10, 0, 0, host)).collect();
    let mut messages = vec![
        report_v1(group),
        report_v2(group),
        leave(group),
        octets("16 00 09 04 e0 00 00 fb"),
        octets("17 00 08 04 e0 00 00 fb"),
        octets("22 00 ea 03 00 00 00 01 04 00 00 00 ef ff ff fa"),
        octets("11 64 ec 1e 00 00 00 00 02 7d 00 00"),
        octets("11 0a f2 73 ef 01 01 01 02 7d 00 01 0a 00 00 01"),
        octets(
            "22 00 f9 e1 00 00 00 02 04 02 00 00 ef 01 01 01 04 00 00 00 ef 09 09 09 04 00 00 00 \
             ef 01 01 02",
        ),
        octets("11 00 ee ff 00 00 00 00"),
        octets("11 64 ee 9b 00 00 00 00"),
    ];
    for (n, kind) in RecordType::ALL.into_iter().enumerate() {
        messages.push(report_v3(&[
            OwnRecord { kind, group, sources: &sources[..n] },
            OwnRecord { kind: RecordType::IsEx, group: address("239.2.2.2"), sources: &[] },
        ]));
    }
    for suppress in [false, true] {
        let list: Vec<u8> = sources.iter().flat_map(Ipv4Addr::octets).collect();
        let sources = SourceList::of(&list);
        let body = QueryBody::V3 { suppress, robustness: 3, interval: 300, sources };
        messages.push(Query { group, max_response: 1_000, body }.write());
    }
    messages.push(report_v3(&[]));
    messages
}
