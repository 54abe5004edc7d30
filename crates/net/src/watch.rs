//! The packets of one flow as they enter and leave this machine, by AF_PACKET.
//!
//! Packets are seen before rp_filter, the firewall and multicast routing on their way in, and
//! after them on their way out. So a packet that enters and does not leave was dropped in between.

use crate::bpf::{
    step, unless, AND, HAS_TAG, IF_EQUAL, LOAD_WORD, PROTOCOL, RETURN, TAG, VLAN_NUMBER,
};
use crate::sys;
use nix::errno::Errno;
use nix::sys::socket::{recvfrom, LinkAddr};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// The size of the receive buffer in bytes. One header of a packet counts as some 800 bytes.
const UNREAD: usize = 4 << 20;

/// The offsets of the addresses in an IPv4 header.
const SOURCE: u32 = 12;
const DESTINATION: u32 = 16;
/// The bytes of an IPv4 header without options, which are all that is read of a packet.
const HEADER: usize = 20;

/// PACKET_HOST, PACKET_BROADCAST and PACKET_MULTICAST, from <linux/if_packet.h>.
const ARRIVED: std::ops::RangeInclusive<u8> = 0..=2;
const LEFT: u8 = 4;

/// The bit DF in the bytes 6 and 7 of an IPv4 header.
const DONT_FRAGMENT: u16 = 0x4000;

/// A socket that receives the packets from one source to one group on all links.
///
/// Frames of VLANs are seen on the VLAN device only. Packets of a port of a bridge, bond or team
/// are seen on the port and on the bridge. While the socket is open, the kernel runs its filter
/// for each packet that any link receives or sends.
#[derive(Debug)]
pub struct Watch {
    socket: Socket,
}

/// A packet enters or leaves this machine on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// It arrives.
    In,
    /// This machine sends it.
    Out,
}

/// What was seen of a flow on one link in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// How many packets.
    pub packets: u64,
    /// The lowest TTL.
    pub lowest_ttl: u8,
    /// The highest TTL.
    pub highest_ttl: u8,
    /// The octets of the longest IPv4 packet.
    pub longest: u16,
    /// The octets of the longest one that must not be fragmented; 0 if there is none.
    pub longest_unfragmentable: u16,
}

/// What was seen, by the index of the link and the direction.
pub type Sightings = BTreeMap<(u32, Direction), Sighting>;

impl Watch {
    /// Opens the socket in the network namespace of the calling thread. Needs CAP_NET_RAW.
    ///
    /// # Errors
    /// EPERM or EACCES without the capability; EAFNOSUPPORT if AF_PACKET is missing or a sandbox
    /// blocks it; EMFILE, ENFILE, ENOMEM: the system lacks resources.
    pub fn open(source: Ipv4Addr, group: Ipv4Addr) -> io::Result<Watch> {
        // Of protocol 0, so that nothing arrives until the filter is there.
        let kind = Type::DGRAM.cloexec().nonblocking();
        let socket = Socket::new(Domain::PACKET, kind, Some(Protocol::from(0)))?;
        socket.attach_filter(&filter(source, group))?;
        // Without CAP_NET_ADMIN the buffer is smaller.
        let _ = sys::set_receive_buffer(&socket, UNREAD);
        sys::bind_to_link(&socket, &sys::link_address(0, libc::ETH_P_ALL as u16))?;
        Ok(Watch { socket })
    }

    /// Adds the packets that wait to `seen`, at most `most` of them, and returns their number.
    /// Does not block.
    ///
    /// # Errors
    /// ENOMEM or ENOBUFS, seldom: try again.
    pub fn read(&self, seen: &mut Sightings, most: usize) -> io::Result<usize> {
        let mut header = [0; HEADER];
        for count in 0..most {
            loop {
                match recvfrom::<LinkAddr>(self.socket.as_raw_fd(), &mut header) {
                    Ok((HEADER, Some(from))) => note(seen, &from, header),
                    Ok(_) => {}
                    Err(Errno::EAGAIN) => return Ok(count),
                    // The socket tells once that a link has gone down.
                    Err(Errno::ENETDOWN | Errno::EINTR) => continue,
                    Err(error) => return Err(error.into()),
                }
                break;
            }
        }
        Ok(most)
    }
}

impl AsFd for Watch {
    /// Readable when packets wait.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The packets of the flow, without a VLAN's tag. The bytes begin with the IP header.
fn filter(source: Ipv4Addr, group: Ipv4Addr) -> [SockFilter; 13] {
    [
        step(LOAD_WORD, DESTINATION),
        unless(IF_EQUAL, group.into(), 10),
        step(LOAD_WORD, SOURCE),
        unless(IF_EQUAL, source.into(), 8),
        step(LOAD_WORD, PROTOCOL),
        unless(IF_EQUAL, libc::ETH_P_IP as u32, 6),
        step(LOAD_WORD, HAS_TAG),
        // The tag of VLAN 0 has a priority and nothing else.
        SockFilter::new(IF_EQUAL, 3, 0, 0),
        step(LOAD_WORD, TAG),
        step(AND, VLAN_NUMBER),
        unless(IF_EQUAL, 0, 1),
        step(RETURN, u32::MAX),
        step(RETURN, 0),
    ]
}

fn note(seen: &mut Sightings, from: &LinkAddr, header: [u8; HEADER]) {
    let direction = match from.pkttype() {
        kind if ARRIVED.contains(&kind) => Direction::In,
        LEFT => Direction::Out,
        _ => return,
    };
    let ttl = header[8];
    let length = u16::from_be_bytes([header[2], header[3]]);
    let flags = u16::from_be_bytes([header[6], header[7]]);
    let sighting = seen.entry((from.ifindex() as u32, direction)).or_insert(Sighting {
        packets: 0,
        lowest_ttl: ttl,
        highest_ttl: ttl,
        longest: 0,
        longest_unfragmentable: 0,
    });
    sighting.packets += 1;
    sighting.lowest_ttl = sighting.lowest_ttl.min(ttl);
    sighting.highest_ttl = sighting.highest_ttl.max(ttl);
    sighting.longest = sighting.longest.max(length);
    if flags & DONT_FRAGMENT != 0 {
        sighting.longest_unfragmentable = sighting.longest_unfragmentable.max(length);
    }
}
