//! The codec against etherparse, an independent parser of IPv4 and IGMP.

use super::*;
use ::etherparse::{IgmpSlice, Ipv4Slice};

/// What either parser reads of a message, in a form that both can be brought into.
#[derive(Debug, PartialEq)]
enum Neutral {
    Short(u8, [u8; 4]),
    Query {
        version: u8,
        tenths: u16,
        group: [u8; 4],
    },
    V3 {
        tenths: u16,
        group: [u8; 4],
        suppress: bool,
        robustness: u8,
        qqic: u16,
        sources: Vec<[u8; 4]>,
    },
    Records(Vec<(u8, [u8; 4], Vec<[u8; 4]>)>),
}

fn ours(octets: &[u8]) -> Option<Neutral> {
    Some(match Message::read(octets).ok()? {
        Message::ReportV1(group) => Neutral::Short(0x12, group.octets()),
        Message::ReportV2(group) => Neutral::Short(0x16, group.octets()),
        Message::Leave(group) => Neutral::Short(0x17, group.octets()),
        Message::Query(query) => {
            let (tenths, group) = ((query.max_response / 100) as u16, query.group.octets());
            match query.body {
                QueryBody::V3 { suppress, robustness, interval: qqic, sources } => {
                    let sources = sources.iter().map(|source| source.octets()).collect();
                    Neutral::V3 { tenths, group, suppress, robustness, qqic, sources }
                }
                _ => Neutral::Query { version: query.version(), tenths, group },
            }
        }
        Message::ReportV3(records) => Neutral::Records(
            records
                .map(|record| {
                    let sources = record.sources.iter().map(|source| source.octets()).collect();
                    (record.kind as u8, record.group.octets(), sources)
                })
                .collect(),
        ),
    })
}

fn theirs(octets: &[u8]) -> Option<Neutral> {
    Some(match IgmpSlice::from_slice(octets).ok()? {
        IgmpSlice::MembershipReportV1(r) => Neutral::Short(0x12, r.group_address().octets),
        IgmpSlice::MembershipReportV2(r) => Neutral::Short(0x16, r.group_address().octets),
        IgmpSlice::LeaveGroup(r) => Neutral::Short(0x17, r.group_address().octets),
        IgmpSlice::MembershipQuery(q) => {
            let tenths = u16::from(q.max_response_time());
            // It does not tell v1 from v2, and does not say that a v1 query has no group.
            let version = if tenths == 0 { 1 } else { 2 };
            let group = if version == 1 { [0; 4] } else { q.group_address().octets };
            Neutral::Query { version, tenths, group }
        }
        IgmpSlice::MembershipQueryWithSources(q) => Neutral::V3 {
            tenths: q.max_response_code().as_10th_secs(),
            group: q.group_address().octets,
            suppress: q.s_flag(),
            robustness: q.qrv().value(),
            qqic: ::etherparse::igmp::MaxResponseCode(q.qqic()).as_10th_secs(),
            sources: q.source_addresses().collect(),
        },
        IgmpSlice::MembershipReportV3(r) => {
            let records: Result<Vec<_>, _> = r.group_records().collect();
            let known = records.ok()?.into_iter().filter(|r| (1..=6).contains(&r.record_type().0));
            Neutral::Records(
                known
                    .map(|r| {
                        (r.record_type().0, r.multicast_address(), r.source_addresses().collect())
                    })
                    .collect(),
            )
        }
        IgmpSlice::Unknown(_) => return None,
    })
}

#[test]
fn i18_etherparse_reads_the_datagrams_that_we_build() {
    for message in valid_messages() {
        let (source, destination) = (address("10.1.2.3"), address("224.0.0.22"));
        let octets = datagram(source, destination, &message);
        let slice = Ipv4Slice::from_slice(&octets).unwrap();
        let header = slice.header();
        assert_eq!((header.source_addr(), header.destination_addr()), (source, destination));
        assert_eq!((header.ttl(), header.protocol().0, header.ihl()), (1, 2, 6));
        assert_eq!(header.dcp().value() << 2 | header.ecn().value(), 0xc0);
        assert_eq!(header.options(), [148, 4, 0, 0]);
        assert_eq!(header.to_header().calc_header_checksum(), header.header_checksum());
        assert_eq!(usize::from(header.total_len()), octets.len());
        assert_eq!(slice.payload().payload, message);
    }
}

#[test]
fn i12_etherparse_reads_valid_messages_as_we_do() {
    for message in valid_messages() {
        let read = ours(&message);
        assert!(read.is_some());
        assert_eq!(read, theirs(&message));
    }
}

#[test]
fn i13_etherparse_reads_damaged_messages_as_we_do() {
    let mut random = fastrand::Rng::with_seed(1);
    let messages = valid_messages();
    let mut accepted = 0;
    for _ in 0..50_000 {
        let mut message = random.choice(&messages).unwrap().clone();
        for _ in 0..random.usize(..4) {
            let at = random.usize(..message.len());
            message[at] = random.u8(..);
        }
        message.truncate(random.usize(8..=message.len()));
        let message = sealed(message);
        let read = ours(&message);
        accepted += usize::from(read.is_some());
        assert_eq!(read, theirs(&message), "{message:x?}");
    }
    assert!(accepted > 15_000, "{accepted}");
}
