//! The answer to `GET /v1/igmp`.

use crate::interfaces::{InterfaceState, Role};
use crate::request::InterfaceName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A page of the links that have IGMP, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IgmpLinks {
    /// The links.
    pub links: Vec<IgmpLink>,
    /// The value of `after` for the next page; null on the last page.
    pub next: Option<InterfaceName>,
}

/// IGMP on a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IgmpLink {
    /// The name of the interface.
    pub interface: String,
    /// The index of the interface; null while it does not exist.
    pub index: Option<u32>,
    /// Whether the interface exists, and is up.
    pub state: InterfaceState,
    /// What mgmd does on the link.
    pub role: Role,
    /// The version that the link speaks now: 1, 2 or 3.
    pub version: u8,
    /// The configured version.
    pub configured_version: u8,
    /// The election of the querier; null on an upstream, and while the link is down.
    pub querier: Option<Querier>,
    /// The configured times.
    pub timers: Timers,
    /// How hosts that leave are treated: "query", "immediate" or "tracked".
    pub leave: String,
    /// How many groups the hosts want.
    pub groups: u64,
    /// The maximum number of groups.
    pub max_groups: u32,
    /// Whether the memberships of the link are in the library. They are not while the owner of the
    /// interface changes, or while another router is the querier of a downstream.
    pub memberships_in_library: bool,
    /// The counters of the link since mgmd began to serve it.
    pub counters: IgmpCounters,
}

/// The querier of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Querier {
    /// Whether this router is the querier.
    pub own: bool,
    /// The address of the querier; null if there is none, because the link has no address.
    pub address: Option<Ipv4Addr>,
    /// Milliseconds since the querier changed.
    pub since_ms: u64,
    /// Milliseconds until the other querier counts as gone, unless it sends a query
    /// before.
    pub other_expires_in_ms: Option<u64>,
    /// Milliseconds until the IGMPv1 querier counts as gone; null if there is none.
    pub v1_querier_present_ms: Option<u64>,
}

/// The configured times of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Timers {
    /// The robustness: how many copies of a message are sent. All but one of them may be lost.
    pub robustness: u8,
    /// The time between two General Queries.
    pub query_interval_ms: u64,
    /// How long hosts may take for an answer.
    pub query_response_interval_ms: u64,
    /// The time between two specific queries after a leave.
    pub last_member_query_interval_ms: u64,
    /// How many specific queries are sent after a leave.
    pub last_member_query_count: u8,
    /// The time between two of the first General Queries.
    pub startup_query_interval_ms: u64,
    /// How many General Queries are sent at
    /// `startup_query_interval_ms`.
    pub startup_query_count: u8,
    /// How long a report is valid.
    pub group_membership_interval_ms: u64,
    /// How long a silent querier still counts as present.
    pub other_querier_present_interval_ms: u64,
    /// How long an IGMPv1 or IGMPv2 host counts as present.
    pub older_host_present_interval_ms: u64,
}

/// The counters of a link. They never decrease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IgmpCounters {
    /// IGMP packets that arrived, including the dropped ones.
    pub received: u64,
    /// Packets that were processed.
    pub accepted: u64,
    /// Packets and records that were dropped, by reason; all reasons are listed.
    pub dropped: BTreeMap<String, u64>,
    /// Messages of version 1 or 2 with more than 8 octets; they are processed.
    pub long_messages: u64,
    /// Packets without Router Alert; they are processed unless it is required.
    pub without_router_alert: u64,
    /// General Queries that were accepted.
    pub general_queries: u64,
    /// Specific queries that were accepted.
    pub specific_queries: u64,
    /// Queries of another version than that of the link.
    pub wrong_version_queries: u64,
    /// Reports and records that were accepted, except leaves.
    pub reports: u64,
    /// Leave messages that were accepted.
    pub leaves: u64,
    /// Records of an unknown type.
    pub unknown_records: u64,
    /// Sources that were removed from a list: no host can have them, or the link denies them.
    pub sources_removed: u64,
    /// Groups that were added.
    pub groups_added: u64,
    /// New groups that a limit refused.
    pub groups_refused: u64,
    /// New sources that a limit refused.
    pub sources_refused: u64,
    /// New groups and sources that the rate limit refused.
    pub creations_limited: u64,
    /// Sequences of specific queries that the rate limit refused.
    pub queries_limited: u64,
    /// How often the tracking of a group ended because it had too many hosts.
    pub tracking_ended: u64,
    /// Sources that hosts exclude, but whose packets are forwarded
    /// nevertheless.
    pub exclusions_not_applied: u64,
    /// Flows that are not sent up because of a limit.
    pub flows_not_sent_up: u64,
    /// Queries that were sent.
    pub queries_sent: u64,
    /// Reports and leaves that were sent.
    pub reports_sent: u64,
    /// Packets that the system did not send.
    pub send_failures: u64,
    /// Packets that were lost because the buffer of the
    /// kernel was full.
    pub packets_lost: u64,
    /// Calls that the library refused.
    pub mgm_refusals: u64,
}
