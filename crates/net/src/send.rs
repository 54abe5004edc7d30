//! Sending IGMP packets on a chosen link.

use crate::links::Link;
use crate::sys;
use nix::errno::Errno;
use nix::sys::socket::{sendmsg, ControlMessage, MsgFlags, SockaddrIn};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, IoSlice};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;

/// The length of an IPv4 header without options, and the offsets of its fields.
const HEADER: usize = 20;
const TOTAL_LENGTH: usize = 2;
const CHECKSUM: usize = 10;
const SOURCE: usize = 12;
const DESTINATION: usize = 16;

/// A packet to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The link that it leaves by. Its index and its type of hardware are used.
    pub link: &'a Link,
    /// The whole packet: the IPv4 header with its options, and the message. Total length and header
    /// checksum are filled in. The source may be any address, or 0.0.0.0.
    pub octets: &'a [u8],
    /// Whether this machine hears the packet too if it has joined the group on the link: true for
    /// General Queries, so that its own memberships are reported.
    pub loop_back: bool,
}

/// A socket that sends IPv4 packets with the header it is given, on any link. It receives
/// nothing. One thread uses it.
#[derive(Debug)]
pub struct Sender {
    /// Of IPPROTO_RAW, not of IGMP: the kernel would queue all incoming IGMP packets for it.
    raw: Socket,
    /// For packets with the source 0.0.0.0, which the kernel would replace on the raw socket.
    packet: Socket,
    is_looping: bool,
}

impl Sender {
    /// Opens the sockets, in the network namespace of the calling thread. Needs CAP_NET_RAW.
    ///
    /// # Errors
    /// EPERM: the capability is missing. EAFNOSUPPORT: a sandbox blocks AF_PACKET. EMFILE, ENFILE,
    /// ENOMEM, ENOBUFS: the system lacks resources.
    pub fn open() -> io::Result<Sender> {
        let protocol = Protocol::from(libc::IPPROTO_RAW);
        let raw = Socket::new(Domain::IPV4, Type::RAW.cloexec().nonblocking(), Some(protocol))?;
        raw.set_header_included_v4(true)?;
        raw.set_multicast_loop_v4(false)?;
        // Of protocol 0, so that it receives nothing.
        let kind = Type::DGRAM.cloexec().nonblocking();
        let packet = Socket::new(Domain::PACKET, kind, Some(Protocol::from(0)))?;
        Ok(Sender { raw, packet, is_looping: false })
    }

    /// Sends a packet without blocking. netfilter's OUTPUT chain sees it, unless its source is
    /// 0.0.0.0. Such a packet does not loop back either.
    ///
    /// # Errors
    /// The system's error number, which is always there:
    /// EINVAL: the packet has no valid IPv4 header. EMSGSIZE: it is longer than the link's MTU.
    /// ENODEV, ENXIO: the link has gone. ENETDOWN, ENETUNREACH: it is down. EPERM: a firewall
    /// rejects the packet. EAGAIN, ENOBUFS, ENOMEM: the system lacks memory.
    pub fn send(&mut self, packet: &Outgoing<'_>) -> io::Result<()> {
        let Some((source, destination)) = addresses(packet.octets) else {
            return Err(Errno::EINVAL.into());
        };
        if source.is_unspecified() {
            return self.send_without_source(packet, destination);
        }
        if packet.loop_back != self.is_looping {
            self.raw.set_multicast_loop_v4(packet.loop_back)?;
            self.is_looping = packet.loop_back;
        }
        // Like IP_MULTICAST_IF with an index, but for this packet only.
        let info = libc::in_pktinfo {
            ipi_ifindex: packet.link.index as libc::c_int,
            ipi_spec_dst: libc::in_addr { s_addr: 0 },
            ipi_addr: libc::in_addr { s_addr: 0 },
        };
        let [a, b, c, d] = destination.octets();
        sendmsg(
            self.raw.as_raw_fd(),
            &[IoSlice::new(packet.octets)],
            &[ControlMessage::Ipv4PacketInfo(&info)],
            MsgFlags::empty(),
            Some(&SockaddrIn::new(a, b, c, d, 0)),
        )?;
        Ok(())
    }

    fn send_without_source(&self, packet: &Outgoing<'_>, destination: Ipv4Addr) -> io::Result<()> {
        let mut octets = packet.octets.to_vec();
        complete(&mut octets);
        let mut address = sys::link_address(packet.link.index, libc::ETH_P_IP as u16);
        if packet.link.hardware == libc::ARPHRD_ETHER {
            let [_, b, c, d] = destination.octets();
            address.sll_halen = 6;
            address.sll_addr[..6].copy_from_slice(&[1, 0, 0x5e, b & 0x7f, c, d]);
        }
        sys::send_to_link(&self.packet, &octets, &address)
    }
}

/// Source and destination of a packet; `None` if its IPv4 header is invalid.
fn addresses(octets: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let first = *octets.first()?;
    let length = usize::from(first & 0xf) * 4;
    let fits = length >= HEADER && octets.len() >= length && octets.len() <= u16::MAX.into();
    let at = |offset: usize| {
        let bytes: [u8; 4] = octets.get(offset..offset + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(bytes))
    };
    (first >> 4 == 4 && fits).then_some(())?;
    Some((at(SOURCE)?, at(DESTINATION)?))
}

/// Fills in total length and header checksum, as the kernel does for raw sockets. The header is
/// valid.
fn complete(octets: &mut [u8]) {
    let length = octets.len() as u16;
    octets[TOTAL_LENGTH..][..2].copy_from_slice(&length.to_be_bytes());
    octets[CHECKSUM..][..2].fill(0);
    let header = &octets[..usize::from(octets[0] & 0xf) * 4];
    let words = header.chunks_exact(2).map(|two| u32::from(u16::from_be_bytes([two[0], two[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !((folded & 0xffff) + (folded >> 16)) as u16;
    octets[CHECKSUM..][..2].copy_from_slice(&checksum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i69_length_and_checksum_are_filled_in() {
        // The header of a captured v3 report with Router Alert.
        let mut octets = vec![0x46, 0xc0, 0, 0, 0, 0, 0x40, 0, 1, 2, 9, 9, 10, 60, 0, 189, 224, 0];
        octets.extend([0, 22, 0x94, 4, 0, 0, 0x22, 0, 0xea, 3, 0, 0, 0, 1, 4, 0, 0, 0]);
        octets.extend([0xef, 0xff, 0xff, 0xfa]);
        complete(&mut octets);
        assert_eq!(octets[2..4], [0, 40]);
        let sum: u32 =
            octets[..24].chunks(2).map(|two| u32::from(u16::from_be_bytes([two[0], two[1]]))).sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
        let found = addresses(&octets);
        assert_eq!(found, Some(([10, 60, 0, 189].into(), [224, 0, 0, 22].into())));
    }

    #[test]
    fn i79_an_invalid_header_is_no_packet() {
        let whole = [0x46u8; 24];
        assert!(addresses(&whole).is_some());
        for length in 0..24 {
            assert_eq!(addresses(&whole[..length]), None);
        }
        assert_eq!(addresses(&[0x66; 40]), None);
        assert_eq!(addresses(&[0x44; 40]), None);
        assert_eq!(addresses(&[0x45; 65_536]), None);
    }
}
