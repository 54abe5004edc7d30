//! Membership queries of the three versions (RFC 9776, section 4.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Type = 0x11  | Max Resp Code |           Checksum            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                         Group Address                         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+  v1 and v2 end here
//! | Flags |S| QRV |     QQIC      |     Number of Sources (N)     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       Source Address [1]                      |
//! +-                              ...                            -+
//! ```

use super::report::SourceList;
use super::{address_at, code, header, number_at, seal, types};
use crate::DropReason;
use std::net::Ipv4Addr;

/// Octets of a v1 or v2 query.
const OLD_LENGTH: usize = 8;
/// Octets of a v3 query without sources.
const V3_LENGTH: usize = 12;
/// The smallest MTU of IPv4.
const LEAST_MTU: u32 = 68;
/// The largest time that the linear code of a v2 query expresses, in milliseconds.
const V2_LARGEST: u32 = 25_500;

/// A query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// The queried group, 0.0.0.0 in a General Query.
    pub group: Ipv4Addr,
    /// How long hosts may take for their answers, in milliseconds. 0 in a v1 query.
    pub max_response: u32,
    /// What the version adds.
    pub body: QueryBody<'a>,
}

/// What distinguishes the versions of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryBody<'a> {
    /// IGMPv1: no specific queries, no response time.
    V1,
    /// IGMPv2.
    V2,
    /// IGMPv3.
    V3 {
        /// The S flag: routers must not lower their timers.
        suppress: bool,
        /// The robustness of the querier, 0 if it is not said.
        robustness: u8,
        /// The query interval of the querier in seconds, 0 if it is not said.
        interval: u16,
        /// The queried sources.
        sources: SourceList<'a>,
    },
}

impl<'a> Query<'a> {
    /// Reads a query whose checksum is right; it has at least 8 octets.
    pub(super) fn read(octets: &'a [u8]) -> Result<Query<'a>, DropReason> {
        let (max_code, group) = (octets[1], address_at(octets, 4));
        match octets.len() {
            // A v1 querier leaves the group unset, and hosts have never looked at it.
            OLD_LENGTH if max_code == 0 => {
                Ok(Query { group: Ipv4Addr::UNSPECIFIED, max_response: 0, body: QueryBody::V1 })
            }
            OLD_LENGTH => {
                Ok(Query { group, max_response: u32::from(max_code) * 100, body: QueryBody::V2 })
            }
            V3_LENGTH.. => {
                let length = 4 * usize::from(number_at(octets, 10));
                let Some(sources) = octets[V3_LENGTH..].get(..length) else {
                    return Err(DropReason::QueryLength);
                };
                Ok(Query {
                    group,
                    max_response: u32::from(code::decode(max_code)) * 100,
                    body: QueryBody::V3 {
                        suppress: octets[8] & 0x08 != 0,
                        robustness: octets[8] & 0x07,
                        interval: code::decode(octets[9]),
                        sources: SourceList::of(sources),
                    },
                })
            }
            _ => Err(DropReason::QueryLength),
        }
    }

    /// The version of IGMP that the query is of: 1, 2 or 3.
    #[must_use]
    pub fn version(&self) -> u8 {
        match self.body {
            QueryBody::V1 => 1,
            QueryBody::V2 => 2,
            QueryBody::V3 { .. } => 3,
        }
    }

    /// Whether this is a General Query.
    #[must_use]
    pub fn is_general(&self) -> bool {
        self.group.is_unspecified()
    }

    /// The octets of the query, with its checksum.
    ///
    /// Times that the code of the version cannot express become the next lower one. A v2 query
    /// has at least 0.1 s, because with 0 it would be a v1 query. A robustness over 7 is sent
    /// as 0.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let tenths = self.max_response / 100;
        let max_code = match self.body {
            QueryBody::V1 => 0,
            QueryBody::V2 => (self.max_response.min(V2_LARGEST) / 100).max(1) as u8,
            QueryBody::V3 { .. } => code::encode(tenths),
        };
        let mut octets = vec![types::QUERY, max_code, 0, 0];
        octets.extend(self.group.octets());
        if let QueryBody::V3 { suppress, robustness, interval, sources } = self.body {
            let robustness = if robustness > 7 { 0 } else { robustness };
            octets.extend([u8::from(suppress) << 3 | robustness, code::encode(interval.into())]);
            octets.extend((sources.len() as u16).to_be_bytes());
            octets.extend(sources.octets());
        }
        seal(&mut octets);
        octets
    }
}

/// How many sources fit into one query on a link of this MTU. Every link carries 68 octets (RFC
/// 791). An MTU below that counts as 68.
#[must_use]
pub fn sources_in_query(mtu: u32) -> usize {
    (mtu.max(LEAST_MTU) as usize - header::HEADER_LENGTH - V3_LENGTH) / 4
}
