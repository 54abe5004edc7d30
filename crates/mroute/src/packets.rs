//! Datagrams as a daemon reads them from its raw IGMP socket: the kernel's upcalls, and the IGMP
//! packets of the interface mgm0. Also the IGMP queries that a daemon sends there.

use crate::options::address_at;
use mgm_types::{Flow, Ipv4Addr};

/// The types of upcalls (`IGMPMSG_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Upcall {
    /// IGMPMSG_NOCACHE: a packet of a flow without an entry.
    NoCache = 1,
    /// IGMPMSG_WRONGVIF: a packet on another VIF than the entry's.
    WrongVif = 2,
}

/// A datagram that the daemon reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// From its IP header on.
    pub bytes: Vec<u8>,
    /// Whether it comes from mgm0, otherwise it is an upcall.
    pub is_of_rest: bool,
}

impl Datagram {
    /// The source address in its IP header.
    #[must_use]
    pub fn source(&self) -> Ipv4Addr {
        address_at(&self.bytes, 12)
    }

    /// The destination address in its IP header.
    #[must_use]
    pub fn destination(&self) -> Ipv4Addr {
        address_at(&self.bytes, 16)
    }
}

/// IGMPMSG_WHOLEPKT.
const WHOLE_PACKET: u8 = 3;

const IPPROTO_IGMP: u8 = 2;
const IPPROTO_UDP: u8 = 17;
const QUERY: u8 = 0x11;
const REPORT: u8 = 0x16;
const LEAVE: u8 = 0x17;
/// For experiments (RFC 3228): no daemon does anything with it.
const NOTHING: u8 = 0xf0;

/// The bytes of an IP header with the option Router Alert.
const HEADER: usize = 24;

/// An IGMP packet as it has arrived on a link, with the padding of its frame: what a raw socket would
/// receive of it. `None`: the kernel drops it, or it is a fragment, or it is no IGMP to a group.
#[must_use]
pub fn arrived(frame: &[u8]) -> Option<Datagram> {
    let first = *frame.first()?;
    let header = frame.get(..usize::from(first & 15) * 4)?;
    if first >> 4 != 4 || header.len() < 20 || checksum(header) != 0 {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let is_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
    let to_group = address_at(header, 16).is_multicast();
    if header[9] != IPPROTO_IGMP || is_fragment || !to_group || length < header.len() {
        return None;
    }
    Some(Datagram { bytes: frame.get(..length)?.to_vec(), is_of_rest: false })
}

/// IGMPMSG_WHOLEPKT: a packet of a flow that leaves by the register interface, in a frame as it has
/// arrived on a link, behind a `struct igmpmsg` with the number of the register interface's VIF.
#[must_use]
pub fn whole(vif: u16, frame: &[u8]) -> Option<Datagram> {
    let header = frame.first_chunk::<20>()?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header[0] >> 4 != 4 || length < header.len() {
        return None;
    }
    let packet = frame.get(..length)?;
    let mut bytes = header.to_vec();
    bytes[0] = 0x45;
    bytes[2..4].copy_from_slice(&u16::try_from(length + header.len()).ok()?.to_be_bytes());
    let [low, high] = vif.to_le_bytes();
    bytes[8..12].copy_from_slice(&[WHOLE_PACKET, 0, low, high]);
    bytes.extend_from_slice(packet);
    Some(Datagram { bytes, is_of_rest: false })
}

/// Fills in the checksum of UDP in a packet whose sender has left that to a network card. A fragment
/// stays as it is: the kernel fills in the checksum before it divides a packet.
pub fn complete(frame: &mut [u8]) {
    let Some(header) = frame.first_chunk::<20>() else { return };
    let (first, length) = (header[0], usize::from(u16::from_be_bytes([header[2], header[3]])));
    let is_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
    let begin = usize::from(first & 15) * 4;
    if first >> 4 != 4 || header[9] != IPPROTO_UDP || is_fragment || begin < header.len() {
        return;
    }
    let mut pseudo = header[12..20].to_vec();
    let Some(datagram) = frame.get_mut(begin..length).filter(|of| of.len() >= 8) else { return };
    datagram[6..8].fill(0);
    pseudo.extend([0, IPPROTO_UDP]);
    pseudo.extend((datagram.len() as u16).to_be_bytes());
    pseudo.extend_from_slice(datagram);
    // 0 would mean that there is no checksum.
    let sum = Some(checksum(&pseudo)).filter(|sum| *sum != 0).unwrap_or(u16::MAX);
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
}

/// An upcall: `struct igmpmsg`, an IP header with the protocol 0, and 8 bytes, as from the kernel.
#[must_use]
pub fn upcall(kind: Upcall, vif: u16, flow: Flow) -> Datagram {
    let mut bytes = vec![0; 28];
    bytes[0] = 0x45;
    bytes[2..4].copy_from_slice(&28u16.to_be_bytes());
    bytes[8] = kind as u8;
    let [low, high] = vif.to_le_bytes();
    (bytes[10], bytes[11]) = (low, high);
    bytes[12..16].copy_from_slice(&flow.source().octets());
    bytes[16..20].copy_from_slice(&flow.group().octets());
    Datagram { bytes, is_of_rest: false }
}

/// An IGMPv2 report from a host on mgm0.
#[must_use]
pub fn report(from: Ipv4Addr, group: Ipv4Addr) -> Datagram {
    igmp(REPORT, from, group, group)
}

/// An IGMPv2 leave from a host on mgm0.
#[must_use]
pub fn leave(from: Ipv4Addr, group: Ipv4Addr) -> Datagram {
    igmp(LEAVE, from, Ipv4Addr::new(224, 0, 0, 2), group)
}

/// A datagram that means nothing: for a daemon that reads after its socket was ready, although
/// there is nothing for it. The daemon must not wait, and some daemons end if they get an error.
#[must_use]
pub fn nothing() -> Datagram {
    let all_hosts = Ipv4Addr::new(224, 0, 0, 1);
    igmp(NOTHING, Ipv4Addr::LOCALHOST, all_hosts, Ipv4Addr::UNSPECIFIED)
}

fn igmp(kind: u8, from: Ipv4Addr, to: Ipv4Addr, group: Ipv4Addr) -> Datagram {
    let mut bytes = vec![0; HEADER + 8];
    (bytes[0], bytes[1]) = (0x46, 0xc0);
    bytes[2..4].copy_from_slice(&(HEADER as u16 + 8).to_be_bytes());
    (bytes[8], bytes[9]) = (1, IPPROTO_IGMP);
    bytes[12..16].copy_from_slice(&from.octets());
    bytes[16..20].copy_from_slice(&to.octets());
    bytes[20..24].copy_from_slice(&[0x94, 4, 0, 0]);
    bytes[HEADER] = kind;
    bytes[HEADER + 4..].copy_from_slice(&group.octets());
    let sum = checksum(&bytes[..HEADER]);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    let sum = checksum(&bytes[HEADER..]);
    bytes[HEADER + 2..HEADER + 4].copy_from_slice(&sum.to_be_bytes());
    Datagram { bytes, is_of_rest: true }
}

fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match *pair {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(high) << 8,
        _ => 0,
    });
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

/// The group of an IGMP query; `Some(0.0.0.0)` for a general query; `None` for all other packets.
/// `has_header`: the daemon has written the IP header itself (IP_HDRINCL).
#[must_use]
pub fn queried(packet: &[u8], has_header: bool) -> Option<Ipv4Addr> {
    let message = match has_header {
        false => packet,
        true => {
            let first = *packet.first()?;
            if first >> 4 != 4 || *packet.get(9)? != IPPROTO_IGMP {
                return None;
            }
            packet.get(usize::from(first & 15) * 4..)?
        }
    };
    (message.len() >= 8 && message[0] == QUERY).then(|| address_at(message, 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
    const HOST: Ipv4Addr = Ipv4Addr::new(169, 254, 77, 2);

    #[test]
    fn an_upcall_is_laid_out_as_the_kernel_does() {
        let flow = Flow::new([10, 1, 0, 2].into(), GROUP);
        let datagram = upcall(Upcall::WrongVif, 0x0105, flow);
        let bytes = &datagram.bytes;
        assert_eq!((bytes[0], bytes[8], bytes[9], bytes[10], bytes[11]), (0x45, 2, 0, 5, 1));
        assert_eq!((datagram.source(), datagram.destination()), (flow.source(), GROUP));
        assert!(bytes.len() >= 20 && !datagram.is_of_rest);
    }

    #[test]
    fn reports_and_leaves_have_valid_checksums_and_router_alert() {
        for (datagram, kind, to) in [
            (report(HOST, GROUP), 0x16, GROUP),
            (leave(HOST, GROUP), 0x17, Ipv4Addr::new(224, 0, 0, 2)),
        ] {
            let bytes = &datagram.bytes;
            assert_eq!((checksum(&bytes[..24]), checksum(&bytes[24..])), (0, 0));
            assert_eq!((bytes[24], &bytes[28..]), (kind, &GROUP.octets()[..]));
            assert_eq!((datagram.source(), datagram.destination()), (HOST, to));
            assert_eq!(&bytes[20..24], [0x94, 4, 0, 0]);
            assert_eq!(usize::from(bytes[3]), bytes.len());
        }
        assert_eq!(nothing().bytes[24], 0xf0);
    }

    #[test]
    fn a_whole_packet_is_laid_out_as_the_kernel_does() {
        let packet = report(HOST, GROUP).bytes;
        let bytes = whole(4, &[&packet[..], &[0; 14]].concat()).expect("a packet").bytes;
        assert_eq!((bytes[0], bytes[8], bytes[9], bytes[10], bytes[11]), (0x45, 3, 0, 4, 0));
        assert_eq!(usize::from(bytes[3]), bytes.len());
        assert_eq!((&bytes[12..20], &bytes[20..]), (&packet[12..20], &packet[..]));
        for cut in 0..packet.len() {
            assert_eq!(whole(4, &packet[..cut]), None, "{cut} bytes");
        }
    }

    #[test]
    fn a_missing_checksum_of_udp_is_filled_in() {
        let mut packet = vec![0x45, 0, 0, 33, 0, 1, 0, 0, 16, 17, 0, 0, 10, 1, 0, 2, 239, 1, 2, 3];
        packet.extend([0x13, 0x88, 0x13, 0x88, 0, 13, 0xab, 0xcd, 1, 2, 3, 4, 5]);
        let padded = [&packet[..], &[9; 13]].concat();
        let mut filled = padded.clone();
        complete(&mut filled);
        let pseudo = [10, 1, 0, 2, 239, 1, 2, 3, 0, 17, 0, 13];
        assert_eq!(checksum(&[&pseudo, &filled[20..33]].concat()), 0);
        assert_ne!(filled[26..28], [0xab, 0xcd]);
        assert_eq!((&filled[..26], &filled[28..]), (&padded[..26], &padded[28..]));
        // A sum of 0 is written as 0xffff. The last word of the payload makes it so.
        let mut zero = packet[..32].to_vec();
        (zero[3], zero[25]) = (32, 12);
        zero[26..28].fill(0);
        zero[30..32].fill(0);
        let sum = checksum(&[&pseudo[..11], &[12], &zero[20..]].concat());
        zero[30..32].copy_from_slice(&sum.to_be_bytes());
        complete(&mut zero);
        assert_eq!(zero[26..28], [0xff, 0xff]);
        for (at, value) in [(0, 0x65), (0, 0x44), (3, 27), (6, 0x20), (7, 1), (9, 6)] {
            let mut other = padded.clone();
            other[at] = value;
            let before = other.clone();
            complete(&mut other);
            assert_eq!(other, before, "octet {at} is {value}");
        }
        for cut in 0..packet.len() {
            let mut cut_off = packet[..cut].to_vec();
            complete(&mut cut_off);
            assert_eq!(cut_off, packet[..cut]);
        }
    }

    #[test]
    fn packets_of_links_are_cut_and_checked() {
        let datagram = report(HOST, GROUP);
        let padded = [&datagram.bytes[..], &[0; 14]].concat();
        assert_eq!(arrived(&padded).map(|of| of.bytes), Some(datagram.bytes.clone()));
        for cut in 0..datagram.bytes.len() {
            assert_eq!(arrived(&datagram.bytes[..cut]), None, "{cut} bytes");
        }
        for (at, value) in [(0, 0x66), (0, 0x44), (3, 20), (6, 0x20), (7, 1), (9, 17), (16, 10)] {
            let mut bytes = datagram.bytes.clone();
            bytes[at] = value;
            assert_eq!(arrived(&bytes), None, "the checksum is wrong");
            let header = usize::from(bytes[0] & 15) * 4;
            bytes[10..12].fill(0);
            let sum = checksum(&bytes[..header]);
            bytes[10..12].copy_from_slice(&sum.to_be_bytes());
            assert_eq!(arrived(&bytes), None, "byte {at} is {value}");
        }
    }

    #[test]
    fn queries_are_recognized_with_and_without_an_ip_header() {
        let query = [0x11, 100, 0, 0, 239, 1, 2, 3];
        assert_eq!(queried(&query, false), Some(GROUP));
        let whole = [&igmp(0, HOST, GROUP, GROUP).bytes[..24], &query].concat();
        assert_eq!(queried(&whole, true), Some(GROUP));
        assert_eq!(queried(&report(HOST, GROUP).bytes, true), None);
        for cut in 0..whole.len() {
            assert_eq!(queried(&whole[..cut], true), None, "{cut} bytes");
        }
        assert_eq!(queried(&query[..7], false), None);
        let mut udp = whole;
        udp[9] = 17;
        assert_eq!(queried(&udp, true), None);
    }
}
