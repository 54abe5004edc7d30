//! The datagrams that the kernel writes into the multicast routing socket.
//!
//! An upcall looks like an IPv4 packet whose fixed header is a `struct igmpmsg`
//! laid over that of the packet which caused it:
//!
//! ```text
//!  0        IP version and header length     of the packet
//!  2..4     total length                     rewritten
//!  4..8     identification, fragment         of the packet
//!  8        type of upcall                   over the TTL
//!  9        0                                over the protocol: no IGMP packet has that
//! 10        VIF                              over the checksum
//! 11        not to be read: see below        over the checksum
//! 12..16    source                           of the packet
//! 16..20    group                            of the packet
//! 20..      options of the packet, then 8 bytes of no interest
//! ```
//!
//! The types WHOLEPKT and WRVIFWHOLE have the twenty bytes and then the packet itself.
//!
//! Since Linux 5.10 byte 11 is the high byte of the VIF's number, which is always 0, because
//! a kernel has at most 32 VIFs. Older kernels leave half of the packet's checksum there.

use super::vifs::Vif;
use crate::forwarder::UpcallKind;
use crate::types::{is_host_source, Flow, Ipv4Addr};

const NOCACHE: u8 = 1;
const WRONGVIF: u8 = 2;
const WRVIFWHOLE: u8 = 4;

/// Length of an IPv4 header without options.
const FIXED: usize = 20;

/// The most bytes that are of interest: the twenty bytes, and after them a header with as many
/// options as possible.
pub(super) const LONGEST: usize = FIXED + 60;

/// One upcall.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DecodedUpcall {
    pub kind: UpcallKind,
    pub flow: Flow,
    /// Where the packet arrived.
    pub vif: Vif,
    /// The packet's header, with zeros for what the kernel overwrote.
    pub header: Vec<u8>,
}

/// Why a datagram is no upcall of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ignored {
    /// A real IGMP packet.
    Packet,
    /// Shorter than its type requires.
    Short,
    /// A type that the library does not use.
    Type(u8),
    /// An invalid VIF, source or group.
    Nonsense,
}

/// Parses `datagram`, which may be cut off after [`LONGEST`] bytes.
pub(super) fn parse(datagram: &[u8]) -> Result<DecodedUpcall, Ignored> {
    let fixed: &[u8; FIXED] = datagram.first_chunk().ok_or(Ignored::Short)?;
    if fixed[9] != 0 {
        return Err(Ignored::Packet);
    }
    let (kind, header) = match fixed[8] {
        NOCACHE => (UpcallKind::NoCache, with_zeros(datagram)?),
        WRONGVIF => (UpcallKind::WrongIf, with_zeros(datagram)?),
        WRVIFWHOLE => (UpcallKind::WrongIf, header(&datagram[FIXED..])?.to_vec()),
        other => return Err(Ignored::Type(other)),
    };
    let vif = Vif::new(fixed[10]).ok_or(Ignored::Nonsense)?;
    let address = |at: usize| Ipv4Addr::new(fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]);
    let (source, group) = (address(12), address(16));
    if !is_host_source(source) || !group.is_multicast() {
        return Err(Ignored::Nonsense);
    }
    Ok(DecodedUpcall { kind, flow: Flow::new(source, group), vif, header })
}

/// The IP header at the start of `packet`.
fn header(packet: &[u8]) -> Result<&[u8], Ignored> {
    let first = *packet.first().ok_or(Ignored::Short)?;
    let length = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || length < FIXED {
        return Err(Ignored::Nonsense);
    }
    packet.get(..length).ok_or(Ignored::Short)
}

/// The header of the packet that caused the upcall, as far as it was not overwritten.
fn with_zeros(datagram: &[u8]) -> Result<Vec<u8>, Ignored> {
    let mut header = header(datagram)?.to_vec();
    header[2..4].fill(0);
    header[8..12].fill(0);
    Ok(header)
}

/// Parses any bytes, and checks the result.
#[cfg(fuzzing)]
pub fn fuzz(datagram: &[u8]) {
    let Ok(DecodedUpcall { flow, vif, header, .. }) = parse(datagram) else { return };
    assert!(vif.slot() < super::vifs::MAX_VIFS);
    assert!(flow.group().is_multicast());
    assert!(matches!(flow.source().octets()[0], 1..=126 | 128..=223));
    assert_eq!(header.len(), usize::from(header[0] & 0x0f) * 4);
    assert!(header[0] >> 4 == 4 && (FIXED..=60).contains(&header.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As read on Linux 6.18 for 10.1.0.9 → 239.1.2.3 on VIF 5, but of this
    /// type and with this header length in words.
    fn upcall(kind: u8, words: u8) -> Vec<u8> {
        let mut bytes = vec![
            0x40 | words,
            0xc0,
            0x00,
            28,
            0x12,
            0x34,
            0x40,
            0x00, // to the fragment field
            kind,
            0,
            5,
            0,
            10,
            1,
            0,
            9,
            239,
            1,
            2,
            3, // igmpmsg's own
        ];
        bytes.extend((21..=60).take(usize::from(words).saturating_sub(5) * 4)); // options
        bytes.extend([kind, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    fn flow() -> Flow {
        Flow::new([10, 1, 0, 9].into(), [239, 1, 2, 3].into())
    }

    #[test]
    fn t5_1_nocache_tells_flow_vif_and_header() {
        let report = parse(&upcall(NOCACHE, 5)).unwrap();
        assert_eq!(report.kind, UpcallKind::NoCache);
        assert_eq!(report.flow, flow());
        assert_eq!(report.vif.number(), 5);
        assert_eq!(
            report.header,
            [0x45, 0xc0, 0, 0, 0x12, 0x34, 0x40, 0, 0, 0, 0, 0, 10, 1, 0, 9, 239, 1, 2, 3],
            "total length, TTL, protocol and checksum are zero, the rest is the packet's"
        );
    }

    #[test]
    fn t5_7_both_kinds_of_wrongvif_are_wrong_if() {
        assert_eq!(parse(&upcall(WRONGVIF, 5)).unwrap().kind, UpcallKind::WrongIf);

        let mut whole = upcall(WRVIFWHOLE, 5)[..20].to_vec();
        let inner = [
            0x45, 0xc0, 0x00, 0x20, 0x12, 0x34, 0x40, 0x00, 0x10, 0x11, 0xab, 0xcd, 10, 1, 0, 9,
            239, 1, 2, 3,
        ];
        whole.extend(inner);
        whole.extend([0x77; 12]);
        let report = parse(&whole).unwrap();
        assert_eq!((report.kind, report.flow), (UpcallKind::WrongIf, flow()));
        assert_eq!(report.header, inner, "nothing is overwritten in the packet itself");
    }

    #[test]
    fn t5_1_upcalls_of_kernels_before_5_10_name_their_vif_in_one_byte() {
        for kind in [NOCACHE, WRONGVIF] {
            for rubbish in [1, 0x1f, 0xcd, 0xff] {
                let mut old = upcall(kind, 5);
                old[11] = rubbish;
                let report = parse(&old).unwrap();
                assert_eq!((report.vif.number(), report.flow), (5, flow()));
                assert_eq!(report.header[8..12], [0; 4], "and none of it gets into the header");
            }
        }
        let mut whole = upcall(WRVIFWHOLE, 5)[..20].to_vec();
        whole[11] = 0xcd;
        whole.extend_from_slice(&upcall(0x10, 5)[..20]);
        assert_eq!(parse(&whole).unwrap().vif.number(), 5);
    }

    #[test]
    fn options_are_part_of_the_header() {
        for words in 6..=15 {
            let report = parse(&upcall(NOCACHE, words)).unwrap();
            assert_eq!(report.header.len(), usize::from(words) * 4);
            assert!(report.header[20..].iter().copied().eq(21..=40 + (words - 5) * 4 - 20));
        }
    }

    #[test]
    fn every_truncation_is_short_or_whole() {
        for words in [5, 7, 15] {
            let bytes = upcall(NOCACHE, words);
            for length in 0..bytes.len() {
                let whole = length >= usize::from(words) * 4;
                match parse(&bytes[..length]) {
                    Ok(report) => assert!(whole && report.header.len() == usize::from(words) * 4),
                    Err(why) => assert!(!whole && why == Ignored::Short),
                }
            }
        }
        let mut whole = upcall(WRVIFWHOLE, 5)[..20].to_vec();
        whole.extend([0x46; 24]);
        for length in 0..44 {
            assert_eq!(parse(&whole[..length]), Err(Ignored::Short));
        }
        assert!(parse(&whole).is_ok());
    }

    #[test]
    fn real_igmp_packets_are_no_upcalls() {
        let mut packet = upcall(NOCACHE, 6);
        packet[9] = 2;
        assert_eq!(parse(&packet), Err(Ignored::Packet));
    }

    #[test]
    fn other_types_are_ignored() {
        for kind in [0, 3, 5, 255] {
            assert_eq!(parse(&upcall(kind, 5)), Err(Ignored::Type(kind)));
        }
    }

    #[test]
    fn nonsense_is_ignored() {
        let with = |at: usize, bytes: &[u8]| {
            let mut upcall = upcall(NOCACHE, 5);
            upcall[at..at + bytes.len()].copy_from_slice(bytes);
            parse(&upcall)
        };
        assert_eq!(with(0, &[0x65]), Err(Ignored::Nonsense), "IP version 6");
        assert_eq!(with(0, &[0x44]), Err(Ignored::Nonsense), "a header of sixteen bytes");
        assert_eq!(with(10, &[32]), Err(Ignored::Nonsense), "VIF 32");
        assert_eq!(with(12, &[0; 4]), Err(Ignored::Nonsense), "no source");
        assert_eq!(with(12, &[224, 0, 0, 1]), Err(Ignored::Nonsense), "a group as the source");
        for source in [[0, 0, 0, 9], [127, 0, 0, 1], [240, 0, 0, 1], [255; 4]] {
            assert_eq!(with(12, &source), Err(Ignored::Nonsense), "{source:?} is no host's");
        }
        assert!(with(12, &[223, 255, 255, 255]).is_ok());
        assert_eq!(with(16, &[10, 0, 0, 1]), Err(Ignored::Nonsense), "a host as the group");
    }

    #[test]
    fn garbage_never_panics() {
        let mut seed = 1u32;
        let mut random = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        for _ in 0..50_000 {
            let length = random() as usize % (LONGEST + 20);
            let mut bytes: Vec<u8> = (0..length).map(|_| random()).collect();
            if let Some(type_and_zero) = bytes.get_mut(8..10) {
                type_and_zero.copy_from_slice(&[random() % 6, random() % 2]);
            }
            if let Ok(report) = parse(&bytes) {
                assert!((20..=60).contains(&report.header.len()));
            }
        }
    }
}
