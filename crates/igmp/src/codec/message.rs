//! One IGMP message, of any version.

use super::{address_at, checksum, types, Query, Records};
use crate::DropReason;
use std::net::Ipv4Addr;

/// The shortest message of any type.
const SHORTEST: usize = 8;

/// What a received message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A query of any version.
    Query(Query<'a>),
    /// A Version 1 Membership Report for this group.
    ReportV1(Ipv4Addr),
    /// A Version 2 Membership Report for this group.
    ReportV2(Ipv4Addr),
    /// A Version 3 Membership Report.
    ReportV3(Records<'a>),
    /// A Leave Group message for this group.
    Leave(Ipv4Addr),
}

impl<'a> Message<'a> {
    /// Reads a whole IGMP message. The checksum comes first: a message in which it is wrong
    /// has no effect, whatever else it says.
    ///
    /// # Errors
    /// The reason for which the message must be dropped.
    pub fn read(octets: &'a [u8]) -> Result<Message<'a>, DropReason> {
        if octets.len() < SHORTEST {
            return Err(DropReason::ShortMessage);
        }
        if checksum(octets) != 0 {
            return Err(DropReason::BadChecksum);
        }
        match octets[0] {
            types::QUERY => Query::read(octets).map(Message::Query),
            types::REPORT_V1 => Ok(Message::ReportV1(address_at(octets, 4))),
            types::REPORT_V2 => Ok(Message::ReportV2(address_at(octets, 4))),
            types::LEAVE => Ok(Message::Leave(address_at(octets, 4))),
            types::REPORT_V3 => Records::read(octets).map(Message::ReportV3),
            _ => Err(DropReason::UnknownType),
        }
    }

    /// Whether the message is of version 1 or 2.
    #[must_use]
    pub fn is_old(&self) -> bool {
        match self {
            Message::Query(query) => query.version() < 3,
            Message::ReportV1(_) | Message::ReportV2(_) | Message::Leave(_) => true,
            Message::ReportV3(_) => false,
        }
    }

    /// Whether the message has a version that sends Router Alert: hosts of version 1 never do.
    #[must_use]
    pub fn needs_router_alert(&self) -> bool {
        match self {
            Message::Query(query) => query.version() > 1,
            Message::ReportV1(_) => false,
            Message::ReportV2(_) | Message::ReportV3(_) | Message::Leave(_) => true,
        }
    }
}
