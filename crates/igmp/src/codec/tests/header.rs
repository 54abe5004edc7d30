//! The IPv4 header.

use super::*;
use crate::DropReason;

/// A datagram with these options, four octets at a time.
fn with_options(options: &[u8]) -> Vec<u8> {
    let plain =
        datagram(address("10.0.0.5"), address("239.1.1.1"), &report_v2(address("239.1.1.1")));
    let mut octets = plain[..20].to_vec();
    octets.extend(options);
    octets.extend(&plain[HEADER_LENGTH..]);
    octets[0] = 0x45 + (options.len() / 4) as u8;
    let total = octets.len() as u16;
    octets[2..4].copy_from_slice(&total.to_be_bytes());
    headed(octets)
}

#[test]
fn i5_the_message_ends_where_the_total_length_says() {
    let mut frame = with_options(&[148, 4, 0, 0]);
    assert_eq!(frame.len(), 32);
    frame.resize(60, 0xaa);
    let read = Datagram::read(&frame).unwrap();
    assert_eq!(read.message, report_v2(address("239.1.1.1")));
}

#[test]
fn i5_short_headers_and_lengths_beyond_the_packet_are_refused() {
    let whole = with_options(&[148, 4, 0, 0]);
    for length in 0..20 {
        assert_eq!(Datagram::read(&whole[..length]), Err(DropReason::BadHeader), "{length}");
    }
    for length in 20..whole.len() {
        assert_eq!(Datagram::read(&whole[..length]), Err(DropReason::BadLength), "{length}");
    }
    let mut short_header = whole.clone();
    short_header[0] = 0x44;
    assert_eq!(Datagram::read(&short_header), Err(DropReason::BadHeader));
    let mut version_6 = whole.clone();
    version_6[0] = 0x66;
    assert_eq!(Datagram::read(&version_6), Err(DropReason::BadHeader));
    let mut header_beyond_total = whole;
    header_beyond_total[3] = 23;
    assert_eq!(Datagram::read(&header_beyond_total), Err(DropReason::BadLength));
}

#[test]
fn i5_fragments_are_refused_and_dont_fragment_is_not_one() {
    let mut packet = with_options(&[]);
    for (bits, is_fragment) in [([0x40, 0], false), ([0x20, 0], true), ([0, 1], true)] {
        packet[6..8].copy_from_slice(&bits);
        packet = headed(packet);
        let expected = if is_fragment { Some(DropReason::Fragment) } else { None };
        assert_eq!(Datagram::read(&packet).err(), expected, "{bits:?}");
    }
}

#[test]
fn i9_another_protocol_is_refused() {
    let mut packet = with_options(&[]);
    packet[9] = 17;
    assert_eq!(Datagram::read(&headed(packet)), Err(DropReason::NotIgmp));
}

#[test]
fn g53_a_header_with_a_wrong_checksum_is_refused() {
    for options in [&[][..], &[148, 4, 0, 0], &[1, 1, 1, 1, 148, 4, 0, 0]] {
        let good = with_options(options);
        assert!(Datagram::read(&good).is_ok());
        // The source, the destination, the checksum itself, the options.
        for at in [15, 19, 10, 11].into_iter().chain(20..20 + options.len()) {
            let mut damaged = good.clone();
            damaged[at] ^= 4;
            assert_eq!(Datagram::read(&damaged), Err(DropReason::BadHeader), "octet {at}");
        }
    }
}

#[test]
fn i8_router_alert_is_searched_in_the_whole_option_list() {
    let has = |options: &[u8]| Datagram::read(&with_options(options)).unwrap().router_alert;
    assert!(has(&[148, 4, 0, 0]));
    assert!(has(&[1, 1, 1, 1, 148, 4, 0, 0]), "after four no-operations");
    assert!(has(&[7, 3, 4, 148, 4, 0, 0, 0]), "after a record route, then the end of the list");
    assert!(!has(&[]));
    assert!(!has(&[148, 4, 0, 1]), "another value");
    assert!(!has(&[148, 3, 0, 0]), "another length");
    assert!(!has(&[0, 0, 0, 0, 148, 4, 0, 0]), "behind the end of the list");
    assert!(!has(&[7, 0, 0, 0, 148, 4, 0, 0]), "behind an option without a length");
    assert!(!has(&[7, 99, 0, 0]), "an option longer than the list");
    assert!(!has(&[1, 1, 1, 148]), "cut off");
}

#[test]
fn t5_alert_after_nop() {
    let read = with_options(&[1, 1, 148, 4, 0, 0, 0, 0]);
    assert!(Datagram::read(&read).unwrap().router_alert);
}

#[test]
fn i18_what_is_sent_has_ttl_1_tos_c0_and_router_alert() {
    let message = report_v2(address("239.1.1.1"));
    let sent = datagram(address("10.0.0.1"), address("239.1.1.1"), &message);
    assert_eq!(sent[..2], [0x46, 0xc0]);
    assert_eq!(sent[2..4], [0, 32]);
    assert_eq!((sent[8], sent[9]), (1, 2));
    assert_eq!(sent[20..24], [148, 4, 0, 0]);
    assert_eq!(checksum(&sent[..24]), 0);
    let read = Datagram::read(&sent).unwrap();
    assert_eq!((read.source, read.destination), (address("10.0.0.1"), address("239.1.1.1")));
    assert_eq!((read.ttl, read.router_alert, read.message), (1, true, &message[..]));
}
