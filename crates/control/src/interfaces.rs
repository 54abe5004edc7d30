//! The answer to `GET /v1/interfaces`.

use crate::request::InterfaceName;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A page of the configured interfaces, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Interfaces {
    /// The interfaces, and the configured names and patterns that match no interface.
    pub interfaces: Vec<Interface>,
    /// The value of `after` for the next page; null on the last page.
    pub next: Option<InterfaceName>,
}

/// A configured interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Interface {
    /// Its name; a configured pattern if no interface matches it.
    pub name: String,
    /// Its index in the system; null while it does not exist.
    pub index: Option<u32>,
    /// The name or pattern of the configuration that it matches.
    pub configured_as: String,
    /// Whether it exists, and is up.
    pub state: InterfaceState,
    /// Its IPv4 addresses, such as "10.0.0.1/24".
    pub addresses: Vec<String>,
    /// What mgmd does on it.
    pub role: Role,
    /// IGMP on it; null without IGMP.
    pub igmp: Option<InterfaceIgmp>,
    /// The client of the library that owns it.
    pub owner: Option<Owner>,
    /// Packets are sent out of it only if the TTL with which they arrived is
    /// greater.
    pub ttl_threshold: u8,
    /// The groups whose packets do not cross it.
    pub boundaries: Vec<Boundary>,
    /// The maximum number of flows a second that may begin on it; null if there
    /// is no limit.
    pub new_flows_per_second: Option<u32>,
    /// Its counters.
    pub counters: InterfaceCounters,
}

/// Whether an interface can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum InterfaceState {
    /// It exists and is up.
    Up,
    /// It exists and is down.
    Down,
    /// It does not exist. mgmd serves it as soon as it appears.
    Missing,
}

/// What mgmd does on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It is the IGMP router of the hosts.
    Router,
    /// It reports what the hosts of the downstreams want.
    Upstream,
    /// It is the IGMP router of hosts whose memberships the upstreams report.
    Downstream,
    /// It sends no queries and processes no reports.
    NoIgmp,
}

/// A summary of the state of IGMP. `GET /v1/igmp` returns all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InterfaceIgmp {
    /// The version that the link speaks now: 1, 2 or 3.
    pub version: u8,
    /// Whether this router is the querier.
    pub querier: bool,
    /// The address of the querier; null if there is none, or none is known.
    pub querier_address: Option<Ipv4Addr>,
    /// How many groups the hosts want.
    pub groups: u64,
}

/// A client of the library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Owner {
    /// "igmp", the name of the module, or "protocol" and the number.
    pub name: String,
    /// Its protocol id (PROTO_IP_*).
    pub protocol: u32,
    /// Its component id.
    pub component: u32,
}

/// An administrative boundary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Boundary {
    /// The groups, as address/length.
    pub scope: String,
    /// The name of the scope, if it has one.
    pub name: Option<String>,
}

/// The counters of an interface since mgmd began to serve it. They never
/// decrease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InterfaceCounters {
    /// IGMP packets that arrived, including the dropped ones.
    pub igmp_received: u64,
    /// IGMP packets and records that were dropped.
    pub igmp_dropped: u64,
    /// IGMP packets that were sent.
    pub igmp_sent: u64,
    /// How often the interface appeared, including the first time.
    pub appearances: u64,
}
