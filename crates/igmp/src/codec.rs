//! Octets to messages and back: the IPv4 header (RFC 791), IGMPv1 (RFC 1112), IGMPv2
//! (RFC 2236) and IGMPv3 (RFC 9776, section 4).
//!
//! Nothing here knows a link or a time. What is read borrows from the packet; what is built is
//! a whole IPv4 datagram, ready for a socket with IP_HDRINCL.

mod checksum;
mod code;
mod header;
mod message;
mod query;
mod report;

#[cfg(test)]
pub(crate) mod tests;

pub use checksum::checksum;
pub use code::{decode, encode, LARGEST};
pub use header::{datagram, Datagram, HEADER_LENGTH};
pub use message::Message;
pub use query::{sources_in_query, Query, QueryBody};
pub use report::{
    leave, report_v1, report_v2, report_v3, OwnRecord, Record, RecordType, Records, SourceList,
    RECORDS_OFFSET, RECORD_HEADER,
};

use std::net::Ipv4Addr;

/// 224.0.0.1, all systems: where a General Query goes to.
pub const ALL_SYSTEMS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
/// 224.0.0.2, all routers: where a Leave goes to.
pub const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
/// 224.0.0.22, all IGMPv3 routers: where a v3 report goes to.
pub const ALL_V3_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);

/// The message types (RFC 9776, section 4).
mod types {
    pub const QUERY: u8 = 0x11;
    pub const REPORT_V1: u8 = 0x12;
    pub const REPORT_V2: u8 = 0x16;
    pub const LEAVE: u8 = 0x17;
    pub const REPORT_V3: u8 = 0x22;
}

/// The address in the four octets from `at` on; the caller has checked that they are there.
fn address_at(octets: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3])
}

/// The number in the two octets from `at` on, in network byte order.
fn number_at(octets: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([octets[at], octets[at + 1]])
}

/// Writes the checksum of a whole IGMP message into its octets 2 and 3.
fn seal(message: &mut [u8]) {
    message[2..4].fill(0);
    let sum = checksum(message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
}
