//! The answer to `GET /v1/explain`: one flow, from its route to the first reason why its packets do
//! not go out.
//!
//! ```text
//!   library (MgmHostExplain) ──► Explanation::of_library ─┐
//!   mgmd: IGMP, proxies, routes, interfaces ──────────────┼──► judge ──► verdicts
//!   system: entry, rules, rp_filter, packets seen ────────┘
//! ```
//! - [`library`]: the members of the library's explanation that are used here.
//! - `convert`: makes an [`Explanation`] from that of the library alone.
//! - `judge`: decides why packets do not go out, in the order in which a packet meets the rules.
//!   `facts` has the data on which this depends.
//!   `arrival` has the reasons on the way in, and `departure` the reasons on the way out.
//!   `membership` has the reasons why the flow is not wanted on an interface, and `absence` the
//!   reasons why no packet arrives.

mod absence;
mod arrival;
mod convert;
mod departure;
mod facts;
mod judge;
pub mod library;
mod membership;
mod reason;
#[cfg(test)]
mod tests;

pub use reason::Reason;

use crate::interfaces::{Boundary, InterfaceState, Role};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// One flow: who wants it, what forwards it, and the first reason why its packets do not go out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Explanation {
    /// The source.
    pub source: Ipv4Addr,
    /// The group.
    pub group: Ipv4Addr,
    /// Whether packets are forwarded, and the first reason why not.
    pub verdict: Verdict,
    /// The interface on which packets arrive, or are expected; null if none is known.
    pub arrival: Option<Arrival>,
    /// The interfaces by which packets go out, or might: all configured ones except that of
    /// `arrival`, by name.
    pub outgoing: Vec<Exit>,
    /// The upstreams whose proxies the flow concerns, in the order of the configuration.
    pub proxies: Vec<ProxyShare>,
    /// The static routes for the flow, in the order of the configuration.
    pub routes: Vec<RouteShare>,
    /// The packets of the flow that were seen; null if the request did not ask for that.
    pub listening: Option<Listening>,
    /// What the kernel's multicast routing has; null with another forwarder than the kernel.
    pub kernel: Option<Kernel>,
    /// The explanation of the library, which docs/explain.schema.json describes.
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, serde_json::Value>"))]
    pub library: serde_json::Value,
}

/// Whether packets go out, and why not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Verdict {
    /// Whether they go out.
    pub forwarded: bool,
    /// The first reason why not; null if they go out.
    pub reason: Option<Reason>,
    /// The interface that the reason is about; null if it is about none, or about several.
    pub interface: Option<String>,
    /// The same in words.
    pub text: String,
    /// What to do; null if there is nothing to do.
    pub advice: Option<String>,
}

/// The interface on which packets arrive, or are expected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Arrival {
    /// Its name; "#7" if the system has none for the index 7.
    pub interface: String,
    /// Its index.
    pub index: u32,
    /// Whether packets were seen there. Otherwise they have arrived there before, or are expected.
    pub seen: bool,
    /// Why it cannot be used; null if it can.
    pub trouble: Option<Trouble>,
    /// What makes mgmd accept the flow there, whatever the routes say; null if nothing does.
    pub accepted_by: Option<AcceptedBy>,
    /// Whether the kernel accepts packets of this source there (rp_filter); null if not known.
    pub source_accepted: Option<bool>,
    /// The multicast routing table to which the rules of the kernel lead its packets; null if not
    /// known, or if they lead to none.
    pub table: Option<u32>,
}

/// What accepts a flow on an interface to which no route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AcceptedBy {
    /// A static route that begins there.
    StaticRoute,
    /// A proxy, whose upstream it is.
    Proxy,
}

/// Why mgmd cannot use an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Trouble {
    /// The kind.
    pub kind: TroubleKind,
    /// What the log has said about it; null if nothing.
    pub text: Option<String>,
}

/// The kinds of trouble with an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// The configuration does not name it.
    NotConfigured,
    /// It does not exist.
    Missing,
    /// It is down, or has no carrier.
    Down,
    /// It is a port of a bridge, bond or team.
    Port,
    /// The library did not accept it, for example because the kernel has no VIF left.
    Refused,
}

/// An interface by which packets go out, or might.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Exit {
    /// Its name; "#7" if the system has none for the index 7; a pattern if no interface matches
    /// it.
    pub interface: String,
    /// Its index; null while it does not exist.
    pub index: Option<u32>,
    /// Whether packets go out by it, and the first reason why not.
    pub verdict: Verdict,
    /// Who wants the flow there.
    pub wanted_by: Vec<Want>,
    /// Why it cannot be used; null if it can.
    pub trouble: Option<Trouble>,
    /// IGMP there; null without IGMP, or if the interface is not served.
    pub igmp: Option<IgmpShare>,
    /// The reports of hosts for the group that IGMP refused, the latest first.
    pub refusals: Vec<RefusedReport>,
    /// The boundary that blocks the group there; null if there is none.
    pub boundary: Option<Boundary>,
    /// A packet leaves there only if the TTL with which it arrived is greater.
    pub ttl_threshold: u8,
    /// The octets of the longest packet that may leave there unfragmented; null if not known.
    pub mtu: Option<u32>,
    /// Whether the MFE has it as an outgoing interface.
    pub in_mfe: bool,
    /// How many packets of the flow were seen leaving there; null if mgmd did not listen.
    pub seen_leaving: Option<u64>,
}

/// Someone who wants a flow on an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Want {
    /// Who.
    pub by: WantedBy,
    /// The source; null for all sources.
    pub source: Option<Ipv4Addr>,
    /// Details: the protocol, or the route.
    pub detail: Option<String>,
    /// Milliseconds until it ends, unless it is repeated; null if it does not end by itself.
    pub expires_in_ms: Option<u64>,
}

/// Who wants a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WantedBy {
    /// Hosts, which have reported it.
    Hosts,
    /// A static membership of the configuration.
    Static,
    /// A membership that `POST /v1/join` added.
    Join,
    /// A static route.
    Route,
    /// A proxy, whose downstream has the source.
    ForwardUp,
    /// The IGMP client of a program that is not mgmd.
    Igmp,
    /// A routing protocol.
    Protocol,
}

/// IGMP on an interface, as far as it decides about the flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IgmpShare {
    /// What mgmd does there.
    pub role: Option<Role>,
    /// The version that the link speaks now.
    pub version: u8,
    /// The configured version.
    pub configured_version: u8,
    /// Whether the group is in the range of source-specific multicast.
    pub ssm: bool,
    /// Whether this router is the querier.
    pub querier: bool,
    /// The other router that is the querier; null if there is none.
    pub other_querier: Option<Ipv4Addr>,
    /// Whether the link has an address, or one for its queries is configured.
    pub has_address: bool,
    /// Whether mgmd is configured never to query there.
    pub passive: bool,
    /// Whether the memberships of hosts rest: mgmd does not forward there, because it is not the
    /// querier.
    pub rests: bool,
    /// Whether the link is a bridge that hides the reports of hosts from this router.
    pub hides_reports: bool,
    /// What hosts want of the group; null if no host wants it.
    pub hosts: Option<HostsWant>,
    /// IGMP packets that were dropped there, by reason; reasons without packets are left out.
    pub dropped: std::collections::BTreeMap<String, u64>,
}

/// What hosts want of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HostsWant {
    /// Whether they want this source.
    pub source_wanted: bool,
    /// Whether they want all sources except some. Otherwise they want only some.
    pub all_except: bool,
    /// The first of these sources, at most 8.
    pub sources: Vec<Ipv4Addr>,
    /// Milliseconds until this ends, unless a host repeats its report.
    pub expires_in_ms: Option<u64>,
    /// How many hosts are known to want the group; null if hosts are not tracked.
    pub host_count: Option<u64>,
}

/// A report of a host that IGMP refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefusedReport {
    /// Why: "max_groups", "max_entries", "max_sources", "rate", "denied_source", or a reason of
    /// `dropped` in the answer to `GET /v1/igmp`.
    pub why: String,
    /// The last host that reported the group; 0.0.0.0 if it has no address.
    pub host: Ipv4Addr,
    /// Milliseconds since the last report.
    pub age_ms: u64,
    /// How many such reports there were.
    pub count: u64,
}

/// The part of a proxy's upstream in a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProxyShare {
    /// The name or pattern of the upstream.
    pub upstream: String,
    /// The interface that is used now; null if none is up and has an address.
    pub active: Option<String>,
    /// Whether it is a backup.
    pub is_backup: bool,
    /// The names of its downstreams.
    pub downstreams: Vec<String>,
    /// Whether it accepts packets of the flow: its groups and sources match.
    pub accepts: bool,
    /// Whether it reports that packets of the flow are wanted.
    pub reports: bool,
    /// Whether packets that arrive on a downstream are sent up.
    pub sends_up: bool,
    /// Why it does not report the flow; null if it does, or if no downstream wants it.
    pub not_reported: Option<String>,
    /// Why it does not accept the flow; null if it does.
    pub not_accepted: Option<String>,
}

/// A static route for the flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RouteShare {
    /// The name or pattern of the interface where the packets arrive.
    pub from: String,
    /// The interfaces that match it now.
    pub from_interfaces: Vec<String>,
    /// The sources, as address/length.
    pub source: String,
    /// The groups, as address/length.
    pub group: String,
    /// The interfaces to which it sends the packets now.
    pub to_interfaces: Vec<String>,
    /// Whether it is for one flow: a static membership, which exists before the first packet.
    pub exact: bool,
    /// The interface whose owner is a routing protocol, so that the route rests; null if it does
    /// not rest.
    pub rests_because_of: Option<String>,
    /// Whether it has joined the flow. One that is exact always has.
    pub joined: bool,
    /// Whether routes have joined as many flows as `max-flows` permits.
    pub at_limit: bool,
}

/// The packets of the flow that mgmd has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Listening {
    /// For how many milliseconds it listened.
    pub listened_ms: u64,
    /// Why it could not listen; null if it could.
    pub error: Option<String>,
    /// What it saw on each interface, in each direction.
    pub seen: Vec<Seen>,
}

/// Packets of the flow on an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Seen {
    /// The name of the interface; null if the system has none for the index.
    pub interface: Option<String>,
    /// Its index.
    pub index: u32,
    /// Whether they leave there. Otherwise they arrive.
    pub leaving: bool,
    /// How many.
    pub packets: u64,
    /// The lowest TTL.
    pub lowest_ttl: u8,
    /// The highest TTL.
    pub highest_ttl: u8,
    /// The octets of the longest one.
    pub longest: u16,
    /// The octets of the longest one that must not be fragmented; 0 if there is none.
    pub longest_unfragmentable: u16,
}

/// What the kernel's multicast routing has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Kernel {
    /// The table of mgmd; 253 is the default one.
    pub table: u32,
    /// How many of the 32 VIFs of the table are in use; null if not known.
    pub vifs: Option<u32>,
    /// The entry of the flow; null if there is none.
    pub entry: Option<KernelEntry>,
    /// How it differs from what the library has installed; empty if it does not differ.
    pub differences: Vec<String>,
    /// Why the kernel could not be asked; null if it could.
    pub error: Option<String>,
}

/// The kernel's own entry of the flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KernelEntry {
    /// The incoming interface; null if it has none any longer.
    pub incoming: Option<String>,
    /// The outgoing interfaces.
    pub outgoing: Vec<String>,
    /// Packets of the flow that reached multicast routing.
    pub packets: u64,
    /// Their octets.
    pub octets: u64,
    /// Those of them that arrived on another interface, and were dropped.
    pub wrong_interface_packets: u64,
    /// How many came while mgmd listened; null if it did not, or if the entry is new.
    pub packets_while_listening: Option<u64>,
}

/// The state of an interface as trouble, if it is one.
#[must_use]
pub fn trouble_of(state: InterfaceState) -> Option<Trouble> {
    let kind = match state {
        InterfaceState::Up => return None,
        InterfaceState::Down => TroubleKind::Down,
        InterfaceState::Missing => TroubleKind::Missing,
    };
    Some(Trouble { kind, text: None })
}
