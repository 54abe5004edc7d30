//! The IPv4 header around an IGMP message.

use super::{address_at, checksum, number_at};
use crate::DropReason;
use std::net::Ipv4Addr;

/// The length of the header of packets that are sent, in octets: 20, and the Router Alert option.
pub const HEADER_LENGTH: usize = 24;
/// The shortest IPv4 header.
const SHORTEST: usize = 20;
/// The protocol number of IGMP.
const IGMP: u8 = 2;
/// Internetwork Control: what RFC 9776, section 4, asks for.
const TYPE_OF_SERVICE: u8 = 0xc0;
/// Router Alert (RFC 2113): type, length, and the value 0, "examine the packet".
const ROUTER_ALERT: [u8; 4] = [148, 4, 0, 0];
/// More Fragments, and the offset of a fragment.
const FRAGMENT_BITS: u16 = 0x3fff;

/// An IPv4 datagram with an IGMP message: what the rules need of its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The source address.
    pub source: Ipv4Addr,
    /// The destination address.
    pub destination: Ipv4Addr,
    /// The time to live.
    pub ttl: u8,
    /// Whether the header has the Router Alert option with the value 0.
    pub router_alert: bool,
    /// The IGMP message, without octets of the link after the datagram.
    pub message: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads the IPv4 datagram at the beginning of what a link delivered.
    ///
    /// The message ends where the total length says, because Ethernet pads short frames. The
    /// header's checksum is compared here, because packet sockets deliver packets before the system
    /// looks at it (G53).
    ///
    /// # Errors
    /// The reason for which the packet must be dropped.
    pub fn read(octets: &'a [u8]) -> Result<Datagram<'a>, DropReason> {
        if octets.len() < SHORTEST || octets[0] >> 4 != 4 {
            return Err(DropReason::BadHeader);
        }
        let header_length = usize::from(octets[0] & 0x0f) * 4;
        let total_length = usize::from(number_at(octets, 2));
        if header_length < SHORTEST {
            return Err(DropReason::BadHeader);
        }
        if total_length > octets.len() || total_length < header_length {
            return Err(DropReason::BadLength);
        }
        if checksum(&octets[..header_length]) != 0 {
            return Err(DropReason::BadHeader);
        }
        if number_at(octets, 6) & FRAGMENT_BITS != 0 {
            return Err(DropReason::Fragment);
        }
        if octets[9] != IGMP {
            return Err(DropReason::NotIgmp);
        }
        Ok(Datagram {
            source: address_at(octets, 12),
            destination: address_at(octets, 16),
            ttl: octets[8],
            router_alert: has_router_alert(&octets[SHORTEST..header_length]),
            message: &octets[header_length..total_length],
        })
    }
}

/// Whether Router Alert with the value 0 is among the options, wherever it is.
fn has_router_alert(mut options: &[u8]) -> bool {
    loop {
        match *options {
            // The end of the list, or of the header.
            [] | [0, ..] => return false,
            // No operation: one octet without a length.
            [1, ..] => options = &options[1..],
            [_, length, ..] => {
                let length = usize::from(length);
                if length < 2 || length > options.len() {
                    return false;
                }
                if options[..length] == ROUTER_ALERT {
                    return true;
                }
                options = &options[length..];
            }
            [_] => return false,
        }
    }
}

/// A whole datagram that carries this IGMP message: TTL 1, TOS 0xC0, Router Alert. Its
/// identification is 0, which makes Linux choose one.
#[must_use]
pub fn datagram(source: Ipv4Addr, destination: Ipv4Addr, message: &[u8]) -> Vec<u8> {
    let total = (HEADER_LENGTH + message.len()) as u16;
    let mut octets = Vec::with_capacity(usize::from(total));
    octets.extend([0x40 | (HEADER_LENGTH / 4) as u8, TYPE_OF_SERVICE]);
    octets.extend(total.to_be_bytes());
    octets.extend([0, 0, 0, 0, 1, IGMP, 0, 0]);
    octets.extend(source.octets());
    octets.extend(destination.octets());
    octets.extend(ROUTER_ALERT);
    let sum = checksum(&octets);
    octets[10..12].copy_from_slice(&sum.to_be_bytes());
    octets.extend(message);
    octets
}
