//! The answer to `GET /v1/flows`.

use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A page of the flows that have an MFE, by group and source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Flows {
    /// How many flows match the request, on all pages.
    pub total: u64,
    /// The flows.
    pub flows: Vec<Flow>,
    /// The value of `after` for the next page; null on the last page.
    pub next: Option<String>,
}

/// An MFE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Flow {
    /// The source.
    pub source: Ipv4Addr,
    /// The group.
    pub group: Ipv4Addr,
    /// The incoming interface.
    pub incoming: FlowInterface,
    /// The next router towards the source; null if the source is on the incoming link.
    pub upstream_neighbour: Option<Ipv4Addr>,
    /// The route to the source, as network/length.
    pub route: String,
    /// The outgoing interfaces.
    pub outgoing: Vec<Outgoing>,
    /// Packets that were accepted.
    pub packets: u64,
    /// Octets of the accepted packets, as the forwarder counts them.
    pub octets: u64,
    /// Packets that arrived on another interface and were dropped.
    pub wrong_interface_packets: u64,
    /// Packets that were accepted while there was no outgoing interface.
    pub unwanted_packets: u64,
    /// Milliseconds since the MFE was made or renewed.
    pub up_ms: u64,
    /// Milliseconds until the MFE is renewed or ends; null if it never
    /// ends.
    pub expires_in_ms: Option<u64>,
}

/// An interface of an MFE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FlowInterface {
    /// Its name; null if the system has none for the index.
    pub interface: Option<String>,
    /// Its index.
    pub index: u32,
    /// The neighbour, on a point-to-multipoint link.
    pub next_hop: Option<Ipv4Addr>,
}

/// An outgoing interface of an MFE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outgoing {
    /// Its name; null if the system has none for the index.
    pub interface: Option<String>,
    /// Its index.
    pub index: u32,
    /// The neighbour, on a point-to-multipoint link.
    pub next_hop: Option<Ipv4Addr>,
    /// Packets that were sent; null if the forwarder counts only for the MFE as a whole,
    /// as the kernel does.
    pub packets: Option<u64>,
    /// Packets that were not sent because of the TTL threshold; null in the same case as
    /// `packets`.
    pub ttl_too_low: Option<u64>,
}
