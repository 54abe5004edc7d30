//! The messages, rule by rule.

use super::*;
use crate::DropReason;

fn general_v3() -> Query<'static> {
    let body = QueryBody::V3 {
        suppress: false,
        robustness: 2,
        interval: 125,
        sources: SourceList::default(),
    };
    Query { group: Ipv4Addr::UNSPECIFIED, max_response: 10_000, body }
}

#[test]
fn i6_the_checksum_covers_octets_after_the_known_fields() {
    let wrong = octets("16 00 09 05 e0 00 00 fb");
    assert_eq!(Message::read(&wrong), Err(DropReason::BadChecksum));
    let mut long = octets("16 00 00 00 e0 00 00 fb 01 02 03 04 05 06 07 08");
    long[2..4].copy_from_slice(&[0x09, 0x04]);
    assert_eq!(Message::read(&long), Err(DropReason::BadChecksum), "right for 8 octets only");
    assert_eq!(Message::read(&sealed(long)), Ok(Message::ReportV2(address("224.0.0.251"))));
}

#[test]
fn i6_the_checksum_comes_before_type_and_length() {
    assert_eq!(Message::read(&octets("99 00 00 00 00 00 00 00")), Err(DropReason::BadChecksum));
    let ten = octets("11 64 ee 9c 00 00 00 00 00 00");
    assert_eq!(Message::read(&ten), Err(DropReason::BadChecksum));
}

#[test]
fn i6_octets_of_an_odd_length_have_a_checksum() {
    let odd = sealed(octets("16 00 00 00 e0 00 00 fb 77"));
    assert_eq!(Message::read(&odd), Ok(Message::ReportV2(address("224.0.0.251"))));
}

#[test]
fn i9_other_types_are_refused_as_unknown() {
    for kind in (0..=255).filter(|kind| ![0x11, 0x12, 0x16, 0x17, 0x22].contains(kind)) {
        let message = sealed(vec![kind, 0, 0, 0, 239, 1, 1, 1]);
        assert_eq!(Message::read(&message), Err(DropReason::UnknownType), "{kind:#x}");
    }
}

#[test]
fn i12_reports_and_leaves_have_8_octets_or_more() {
    let group = address("239.1.1.1");
    for (message, read) in [
        (report_v1(group), Message::ReportV1(group)),
        (report_v2(group), Message::ReportV2(group)),
        (leave(group), Message::Leave(group)),
    ] {
        assert_eq!(Message::read(&message), Ok(read.clone()));
        assert_eq!(Message::read(&message[..7]), Err(DropReason::ShortMessage));
        let mut long = message;
        long.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(Message::read(&sealed(long)), Ok(read));
    }
}

#[test]
fn i12_the_length_and_the_code_of_a_query_are_its_version() {
    let version = |octets: Vec<u8>| match Message::read(&sealed(octets)) {
        Ok(Message::Query(query)) => Ok(query.version()),
        Ok(other) => panic!("{other:?}"),
        Err(reason) => Err(reason),
    };
    let query = |code, length| {
        let mut octets = vec![0x11, code, 0, 0];
        octets.resize(length, 0);
        octets
    };
    assert_eq!(version(query(0, 8)), Ok(1));
    assert_eq!(version(query(1, 8)), Ok(2));
    for length in 9..12 {
        assert_eq!(version(query(100, length)), Err(DropReason::QueryLength));
        assert_eq!(version(query(0, length)), Err(DropReason::QueryLength));
    }
    assert_eq!(version(query(0, 12)), Ok(3));
    assert_eq!(version(query(0, 30)), Ok(3));
}

#[test]
fn i13_a_query_with_fewer_sources_than_it_says_is_refused() {
    let mut query = octets("11 64 00 00 ef 01 01 01 02 7d 00 04 0a 00 00 01");
    assert_eq!(Message::read(&sealed(query.clone())), Err(DropReason::QueryLength));
    query[11] = 1;
    assert!(Message::read(&sealed(query)).is_ok());
}

#[test]
fn i13_a_record_that_overruns_the_message_drops_all_records() {
    let good = octets("22 00 00 00 00 00 00 02 04 00 00 00 ef 01 01 01");
    for record in [
        "04 00 ff ff ef 01 01 02",
        "04 00 00 01 ef 01 01 02 0a 00 00",
        "04 01 00 00 ef 01 01 02",
        "04 00 00",
    ] {
        let message = sealed([good.clone(), octets(record)].concat());
        assert_eq!(Message::read(&message), Err(DropReason::RecordOverrun), "{record}");
    }
    let short = sealed(octets("22 00 00 00 00 00 00"));
    assert_eq!(Message::read(&short), Err(DropReason::ShortMessage));
}

#[test]
fn i13_no_records_and_octets_after_the_last_one_are_valid() {
    let empty = report_v3(&[]);
    let Ok(Message::ReportV3(none)) = Message::read(&empty) else { panic!() };
    assert!(none.is_empty() && none.count() == 0);
    let message = sealed(octets("22 00 00 00 00 00 00 01 04 00 00 00 ef 01 01 01 aa bb cc"));
    let Ok(Message::ReportV3(one)) = Message::read(&message) else { panic!() };
    assert_eq!(one.len(), 1);
    assert_eq!(one.count(), 1);
}

#[test]
fn i14_auxiliary_data_is_skipped_even_if_it_looks_like_a_record() {
    let message = octets(
        "22 00 f9 e1 00 00 00 02 04 02 00 00 ef 01 01 01 04 00 00 00 ef 09 09 09 04 00 00 00 ef 01 01 02",
    );
    let Ok(Message::ReportV3(records)) = Message::read(&message) else { panic!() };
    let groups: Vec<Ipv4Addr> = records.map(|record| record.group).collect();
    assert_eq!(groups, [address("239.1.1.1"), address("239.1.1.2")]);
}

#[test]
fn i14_records_of_an_unknown_type_are_skipped() {
    let message = sealed(octets(
        "22 00 00 00 00 00 00 02 09 00 00 01 ef 01 01 01 0a 00 00 01 04 00 00 00 ef 01 01 02",
    ));
    let Ok(Message::ReportV3(mut records)) = Message::read(&message) else { panic!() };
    let record = records.next().unwrap();
    assert_eq!((record.kind, record.group), (RecordType::ToEx, address("239.1.1.2")));
    assert_eq!(records.next(), None);
}

#[test]
fn i14_reserved_and_flag_bits_are_ignored() {
    let report = sealed(octets("22 ff 00 00 ff ff 00 01 04 00 00 00 ef 01 01 01"));
    let Ok(Message::ReportV3(records)) = Message::read(&report) else { panic!() };
    assert_eq!(records.count(), 1);
    let query = sealed(octets("11 64 00 00 00 00 00 00 f2 7d 00 00"));
    assert_eq!(Message::read(&query), Ok(Message::Query(general_v3())));
}

#[test]
fn i14_records_come_in_the_order_of_the_message() {
    let (group, sources) = (address("239.1.1.1"), [address("10.0.0.2"), address("10.0.0.1")]);
    let own: Vec<OwnRecord> =
        RecordType::ALL.map(|kind| OwnRecord { kind, group, sources: &sources }).into();
    let message = report_v3(&own);
    let Ok(Message::ReportV3(records)) = Message::read(&message) else { panic!() };
    assert!(records.clone().map(|record| record.kind).eq(RecordType::ALL));
    for record in records {
        assert_eq!((record.group, record.sources.iter().collect()), (group, sources.to_vec()));
    }
}

/// T21: all 256 codes decode, and every time is encoded to itself or the next lower one.
#[test]
fn t21_float_codes() {
    for code in 0..=255_u8 {
        let (exponent, mantissa) = (u32::from(code >> 4 & 7), u32::from(code & 15));
        let value =
            if code < 128 { u32::from(code) } else { (mantissa + 16) * 2_u32.pow(exponent + 3) };
        assert_eq!(u32::from(decode(code)), value);
        assert_eq!(encode(value), code);
    }
    for value in 0..=31_744_u32 {
        let lower = (0..=255).map(decode).filter(|known| u32::from(*known) <= value).max();
        assert_eq!(Some(decode(encode(value))), lower, "{value}");
    }
}

#[test]
fn i17_values_beyond_the_largest_are_the_largest() {
    assert_eq!(decode(255), LARGEST);
    assert_eq!(encode(31_745), 255);
    assert_eq!(encode(u32::MAX), 255);
}

#[test]
fn i17_codes_of_older_versions_are_linear_and_a_large_robustness_is_0() {
    let group = address("239.1.1.1");
    let query = |max_response, body| Query { group, max_response, body }.write();
    assert_eq!(query(10_000, QueryBody::V2)[1], 100);
    assert_eq!(query(25_500, QueryBody::V2)[1], 255);
    assert_eq!(query(60_000, QueryBody::V2)[1], 255);
    assert_eq!(query(50, QueryBody::V2)[1], 1, "with 0 it would be of version 1");
    assert_eq!(query(10_000, QueryBody::V1)[1], 0);
    let twenty = query(20_000, QueryBody::V2);
    let Ok(Message::Query(read)) = Message::read(&twenty) else { panic!() };
    assert_eq!(read.max_response, 20_000, "200 tenths, not a floating-point code");
    for (robustness, octet) in [(0, 0), (7, 7), (8, 0), (255, 0)] {
        let sources = SourceList::default();
        let body = QueryBody::V3 { suppress: false, robustness, interval: 125, sources };
        assert_eq!(query(1_000, body)[8], octet);
    }
}

#[test]
fn i18_own_queries_have_these_octets() {
    assert_eq!(general_v3().write(), octets("11 64 ec 1e 00 00 00 00 02 7d 00 00"));
    let list = list(&["10.0.0.1"]);
    let sources = SourceList::of(&list);
    let body = QueryBody::V3 { suppress: false, robustness: 2, interval: 125, sources };
    let specific = Query { group: address("239.1.1.1"), max_response: 1_000, body };
    assert_eq!(specific.write(), octets("11 0a f2 73 ef 01 01 01 02 7d 00 01 0a 00 00 01"));
}

#[test]
fn i18_reports_and_leaves_have_these_octets() {
    let group = address("224.0.0.251");
    assert_eq!(report_v2(group), octets("16 00 09 04 e0 00 00 fb"));
    assert_eq!(leave(group), octets("17 00 08 04 e0 00 00 fb"));
    let ssdp =
        OwnRecord { kind: RecordType::ToEx, group: address("239.255.255.250"), sources: &[] };
    let report = octets("22 00 ea 03 00 00 00 01 04 00 00 00 ef ff ff fa");
    assert_eq!(report_v3(&[ssdp]), report);
}

#[test]
fn i18_queries_fit_the_mtu() {
    assert_eq!(sources_in_query(1_500), 366);
    assert_eq!(sources_in_query(576), 135);
    assert_eq!(sources_in_query(0), 8);
    for mtu in [576, 1_280, 1_500, 9_000] {
        let octets = vec![10; 4 * sources_in_query(mtu)];
        let sources = SourceList::of(&octets);
        let body = QueryBody::V3 { suppress: false, robustness: 2, interval: 125, sources };
        let query = Query { group: address("239.1.1.1"), max_response: 1_000, body };
        let sent = datagram(address("10.0.0.1"), query.group, &query.write());
        assert!(sent.len() <= mtu as usize && sent.len() + 4 > mtu as usize);
    }
}

#[test]
fn i75_every_truncation_of_valid_messages_is_read_without_panic() {
    let messages = valid_messages();
    assert_eq!(messages.len(), 20);
    for message in messages {
        assert!(Message::read(&message).is_ok(), "{message:x?}");
        for length in 8..message.len() {
            // A right checksum, so that more than the checksum is tested.
            if let Ok(Message::ReportV3(records)) =
                Message::read(&sealed(message[..length].to_vec()))
            {
                assert!(records.count() <= 2);
            }
        }
    }
}
