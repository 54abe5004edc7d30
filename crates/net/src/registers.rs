//! PIM registers, in which the router next to a source sends packets to the rendezvous point
//! (RFC 7761, 4.4 and 4.9.3).

use crate::bpf::{step, unless, IF_EQUAL, RETURN};
use crate::sys;
use nix::errno::Errno;
use nix::sys::socket::{recv, MsgFlags};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// IPPROTO_PIM.
const PIM: i32 = 103;

/// Version 2, type 1.
const REGISTER: u8 = 0x21;

/// The bytes before the packet: version, type, checksum and flags.
const HEADER: usize = 8;

/// In the first byte of the flags: the register has no packet and only keeps the rendezvous point from
/// asking for one.
const NULL: u8 = 0x40;

/// The length of an IPv4 header without options.
const IPV4: usize = 20;

/// Longer than any packet.
const LONGEST: usize = 1 << 16;

/// The size of the receive buffer in bytes. The kernel doubles it.
const UNREAD: usize = 4 << 20;

const INDIRECT_BYTE: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_IND) as u16;
const HEADER_LENGTH: u16 = (libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH) as u16;

/// Only registers, so that no other PIM message wakes the program.
const FILTER: [SockFilter; 5] = [
    step(HEADER_LENGTH, 0),
    step(INDIRECT_BYTE, 0),
    unless(IF_EQUAL, REGISTER as u32, 1),
    step(RETURN, u32::MAX),
    step(RETURN, 0),
];

/// A socket that receives the registers which are addressed to this machine.
#[derive(Debug)]
pub struct Receiver {
    socket: Socket,
    buffer: Vec<u8>,
}

impl Receiver {
    /// Opens the socket, in the network namespace of the calling thread. Needs CAP_NET_RAW.
    ///
    /// # Errors
    /// EPERM: the capability is missing. EMFILE, ENFILE, ENOMEM, ENOBUFS: the system lacks resources.
    pub fn open() -> io::Result<Receiver> {
        let kind = Type::RAW.cloexec().nonblocking();
        let socket = Socket::new(Domain::IPV4, kind, Some(Protocol::from(PIM)))?;
        socket.attach_filter(&FILTER)?;
        // Without CAP_NET_ADMIN the buffer is smaller.
        let _ = sys::set_receive_buffer(&socket, UNREAD);
        Ok(Receiver { socket, buffer: vec![0; LONGEST] })
    }

    /// Reads the next register without blocking, from its IP header on. `None` if none waits.
    ///
    /// # Errors
    /// ENOMEM or ENOBUFS, seldom: try again later.
    pub fn read(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            match recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
                Ok(count) => return Ok(Some(&self.buffer[..count])),
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Receiver {
    /// Readable when registers wait.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What a register contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// A packet, which its source has sent to a group.
    Packet {
        /// From its IP header on.
        octets: &'a [u8],
        /// The group.
        group: Ipv4Addr,
    },
    /// No packet (Null-Register).
    Null,
}

/// Why a register is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invalid {
    /// It is too short, or is no register to one machine.
    Malformed,
    /// Its sender is no address of a router.
    Sender,
    /// Its checksum is wrong, be it that of the header alone or that of the whole message.
    Checksum,
    /// What it contains is no whole IPv4 packet with a valid header.
    Packet,
    /// The packet is not for a group that routers forward.
    Group,
    /// The source of the packet is no address of a host.
    Source,
}

/// A register, as [`Receiver::read`] returns it.
#[derive(Clone, Copy, Debug)]
pub struct Register<'a> {
    /// The router that has sent it.
    pub sender: Ipv4Addr,
    message: &'a [u8],
}

impl<'a> Register<'a> {
    /// Reads the IP header.
    ///
    /// # Errors
    /// `Malformed` or `Sender`.
    pub fn read(octets: &'a [u8]) -> Result<Register<'a>, Invalid> {
        let header = header(octets).ok_or(Invalid::Malformed)?;
        let (sender, destination) = (address(octets, 12), address(octets, 16));
        let message = &octets[header..];
        let is_register = message.len() >= HEADER && message[0] == REGISTER;
        if !is_register || destination.is_multicast() || destination.is_broadcast() {
            return Err(Invalid::Malformed);
        }
        match is_host(sender) {
            true => Ok(Register { sender, message }),
            false => Err(Invalid::Sender),
        }
    }

    /// Checks the message, and returns what it contains.
    ///
    /// # Errors
    /// `Checksum`, `Packet`, `Group` or `Source`.
    pub fn content(&self) -> Result<Content<'a>, Invalid> {
        let message = self.message;
        if checksum(&message[..HEADER]) != 0 && checksum(message) != 0 {
            return Err(Invalid::Checksum);
        }
        if message[4] & NULL != 0 {
            return Ok(Content::Null);
        }
        let packet = &message[HEADER..];
        let header = header(packet).ok_or(Invalid::Packet)?;
        let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
        if length < header || length > packet.len() || checksum(&packet[..header]) != 0 {
            return Err(Invalid::Packet);
        }
        let (source, group) = (address(packet, 12), address(packet, 16));
        if !group.is_multicast() || group.octets()[..3] == [224, 0, 0] {
            return Err(Invalid::Group);
        }
        match is_host(source) {
            true => Ok(Content::Packet { octets: &packet[..length], group }),
            false => Err(Invalid::Source),
        }
    }
}

/// The length of the IPv4 header at the beginning of a packet, if it has one.
fn header(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let length = usize::from(first & 15) * 4;
    (first >> 4 == 4 && (IPV4..=packet.len()).contains(&length)).then_some(length)
}

/// The address at a place of a packet, which is long enough.
fn address(packet: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3])
}

/// Whether an address can be that of one machine.
fn is_host(address: Ipv4Addr) -> bool {
    let first = address.octets()[0];
    first != 0 && first != 127 && first < 224
}

/// The checksum of the Internet; 0 if the octets contain a valid one.
fn checksum(octets: &[u8]) -> u16 {
    let words = octets.chunks(2).map(|two| match *two {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(high) << 8,
        _ => 0,
    });
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

#[cfg(test)]
mod tests;
