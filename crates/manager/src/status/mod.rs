//! The status snapshot.
//!
//! The fields are those of the JSON text, which docs/status.md describes and
//! docs/status.schema.json defines: a field may be added, but never renamed or removed.

mod collect;
mod explain;
mod metrics;

#[cfg(test)]
mod tests;

pub use explain::FlowStatus;

use super::counters::Deliveries;
use crate::forwarder::ReversePath;
use crate::types::{Interface, Ipv4Addr};
use serde::Serialize;

/// Which of the lists that may be very long the status contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Every membership.
    pub memberships: bool,
    /// Every MFE, with its counters.
    pub mfes: bool,
}

impl Detail {
    /// Everything.
    pub const FULL: Detail = Detail { memberships: true, mfes: true };
    /// Numbers, clients and interfaces.
    pub const SUMMARY: Detail = Detail { memberships: false, mfes: false };
}

/// The status of the library.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The build's version.
    pub version: &'static str,
    /// The target that it was built for.
    pub target: &'static str,
    /// Whether the library is running; if not, everything below is empty.
    pub running: bool,
    /// `None` until the first interface is taken.
    pub forwarder: Option<&'static str>,
    /// Chains of the system's packet filter that have no effect on what the forwarder forwards.
    pub bypassed_chains: Vec<String>,
    /// Since the start.
    pub uptime_ms: u64,
    /// Totals.
    pub totals: Totals,
    /// Counts since the start.
    pub counters: CountersStatus,
    /// In order of registration.
    pub clients: Vec<ClientStatus>,
    /// By index and next hop.
    pub interfaces: Vec<IfaceStatus>,
    /// Limits on packets.
    pub limits: LimitsStatus,
    /// By group, then source. Absent if it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memberships: Option<Vec<Membership>>,
    /// By group, then source. Absent if it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfes: Option<Vec<MfeStatus>>,
}

/// Totals.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Totals {
    /// Registered clients.
    pub clients: usize,
    /// Interfaces that are taken.
    pub interfaces: usize,
    /// Flows that have memberships.
    pub memberships: usize,
    /// MFEs.
    pub mfes: usize,
    /// Flows whose clients are being asked.
    pub resolving: usize,
    /// Flows that were refused within the last 10 s and are remembered.
    pub refused_flows: usize,
    /// Entries that the forwarder refused and that will be retried.
    pub not_installed: usize,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CountersStatus {
    /// Callbacks made, to all present and former clients.
    pub callbacks: Deliveries,
    /// How often a client fell behind.
    pub fell_behind: u64,
    /// WRONG_IF_CALLBACKs not made because the client was behind.
    pub wrong_if_dropped: u64,
    /// Upcalls received from the kernel.
    pub upcalls: Upcalls,
    /// Packets that the library saw and did not forward.
    pub refused_packets: RefusedPackets,
    /// Entries that the forwarder refused.
    pub install_errors: u64,
    /// How often a refused entry was retried.
    pub install_retries: u64,
}

/// Upcalls from the kernel.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Upcalls {
    /// First packets of a flow.
    pub no_cache: u64,
    /// Packets on a wrong interface.
    pub wrong_if: u64,
    /// Upcalls lost because the kernel's buffer was full.
    pub lost: u64,
}

/// Packets that were not forwarded, by reason.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct RefusedPackets {
    /// No client owns the interface that they arrived on.
    pub foreign_arrival: u64,
    /// 224.0.0.0/24.
    pub link_local: u64,
    /// A boundary blocks their group on the interface that they arrived on.
    pub boundary: u64,
    /// No route to the source leads through an interface that a client owns.
    pub no_upstream: u64,
    /// They arrived on another interface than the iif of the MFE.
    pub wrong_interface: u64,
    /// The limit MGM_MAX_FLOWS is reached.
    pub flow_limit: u64,
    /// There are many flows, and more than half of them began on the arrival interface.
    pub arrival_limit: u64,
    /// The limit of new flows of the arrival interface is reached.
    pub flow_rate: u64,
    /// No memory for their flow.
    pub no_memory: u64,
}

/// A registered client.
#[derive(Clone, Debug, Serialize)]
pub struct ClientStatus {
    /// The number in its handle; never used twice.
    pub serial: u64,
    /// The protocol id with which it registered.
    pub protocol: u32,
    /// The component id with which it registered.
    pub component: u32,
    /// Whether it is IGMP.
    pub igmp: bool,
    /// How many interfaces it has taken.
    pub interfaces: usize,
    /// Whether one of its callbacks is running.
    pub running: bool,
    /// How many callbacks are queued for it.
    pub queued: usize,
    /// Whether it is behind: it receives only the current state, not each change.
    pub behind: bool,
    /// How many changes it will be told of once its callback queue is empty.
    pub noted: usize,
    /// WRONG_IF_CALLBACKs not made because it was behind.
    pub wrong_if_dropped: u64,
    /// Callbacks made to it.
    pub callbacks: Deliveries,
    /// The process that it is in; `None` for the router's own process.
    pub process: Option<ProcessStatus>,
}

/// The client process of a client.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessStatus {
    /// Its process id when it connected.
    pub pid: i32,
    /// The user of the process.
    pub user: u32,
    /// The name of its program, as it says itself.
    pub name: String,
    /// Callbacks that were sent to the client and that it has not acknowledged.
    pub unacknowledged: usize,
    /// How long its last answers took; `None` if it has answered no question yet.
    pub answers: Option<AnswersStatus>,
    /// Whether the client is absent: it is not asked, because it has not answered in time.
    pub absent: bool,
    /// Whether the process has ended, and the state of the client is being deleted, or stays for a
    /// successor.
    pub ended: bool,
    /// How long it still stays; `None` if it does not.
    pub grace_ends_in_ms: Option<u64>,
}

/// How long a client in another process takes for its answers to questions.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AnswersStatus {
    /// How many questions it has answered, including late answers.
    pub count: u64,
    /// The median of the last 128 answers, from the sending of the question, in microseconds.
    pub median_us: u32,
    /// The longest of the last 128 answers.
    pub worst_us: u32,
}

/// An interface: index and next hop.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Iface {
    /// Its index.
    pub index: u32,
    /// The neighbour, on a point-to-multipoint link.
    pub next_hop: Option<Ipv4Addr>,
}

impl From<Interface> for Iface {
    fn from(Interface { index, next_hop }: Interface) -> Iface {
        Iface { index, next_hop: (!next_hop.is_unspecified()).then_some(next_hop) }
    }
}

/// A taken interface.
#[derive(Clone, Debug, Serialize)]
pub struct IfaceStatus {
    /// Which.
    #[serde(flatten)]
    pub iface: Iface,
    /// Its name in the system; null if the system has none for the index, or if the indexes are
    /// the host's own.
    pub name: Option<String>,
    /// The serial of the protocol that owns it.
    pub owner: Option<u64>,
    /// The serial of the IGMP client that is enabled there.
    pub igmp: Option<u64>,
    /// DISABLE_IGMP has not been answered yet.
    pub changing: bool,
    /// It no longer exists in the system.
    pub absent: bool,
    /// Which packets the system drops there before the library sees them; null if not known.
    pub reverse_path_filter: Option<ReversePathFilter>,
}

/// The system's check of the source of packets (RFC 3704).
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReversePathFilter {
    /// Drops nothing.
    Off,
    /// Drops packets whose source is routed through another interface.
    Strict,
    /// Drops packets whose source no unicast route covers.
    Loose,
}

impl From<ReversePath> for ReversePathFilter {
    fn from(path: ReversePath) -> ReversePathFilter {
        match path {
            ReversePath::Off => ReversePathFilter::Off,
            ReversePath::Strict => ReversePathFilter::Strict,
            ReversePath::Loose => ReversePathFilter::Loose,
        }
    }
}

/// Limits on packets that the host has set, for taken interfaces and others.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LimitsStatus {
    /// How many flows packets may begin.
    pub max_flows: usize,
    /// By index and next hop.
    pub thresholds: Vec<Threshold>,
    /// By index, then groups.
    pub boundaries: Vec<Boundary>,
    /// By index.
    pub flow_rates: Vec<FlowRateStatus>,
}

/// A TTL threshold above 1. All other interfaces have 1.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Threshold {
    /// The interface.
    #[serde(flatten)]
    pub iface: Iface,
    /// A packet is forwarded if its TTL is greater.
    pub ttl: u8,
}

/// An administrative boundary.
#[derive(Clone, Debug, Serialize)]
pub struct Boundary {
    /// Index of the interface, with all its next hops.
    pub index: u32,
    /// The groups that it blocks, as address/length.
    pub scope: String,
    /// The name of this scope, if it has one. An invalid UTF-16 unit is shown as U+FFFD.
    pub name: Option<String>,
}

/// How many flows may begin on an interface in a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FlowRateStatus {
    /// Index of the interface, with all its next hops.
    pub index: u32,
    /// Flows a second.
    pub per_second: u32,
    /// Flows at once.
    pub burst: u32,
    /// How often the limit has refused a flow since it was set. The ebpf forwarder counts packets,
    /// since the interface was taken.
    pub refused: u64,
}

/// The memberships in a flow.
#[derive(Clone, Debug, Serialize)]
pub struct Membership {
    /// `None` is any.
    pub source: Option<Ipv4Addr>,
    /// `None` is any.
    pub group: Option<Ipv4Addr>,
    /// The interfaces on which the owner added the membership.
    pub owner: Vec<Iface>,
    /// The interfaces on which IGMP added the membership.
    pub igmp: Vec<Iface>,
}

/// An MFE.
#[derive(Clone, Debug, Serialize)]
pub struct MfeStatus {
    /// Its source.
    pub source: Ipv4Addr,
    /// Its group.
    pub group: Ipv4Addr,
    /// The incoming interface.
    pub iif: Iface,
    /// The protocol id of that interface's owner.
    pub protocol: u32,
    /// The neighbour that they come from; `None` if the source is connected.
    pub upstream: Option<Ipv4Addr>,
    /// The route that the look-up of the source matched, as network/length.
    pub route: String,
    /// Where that route came from (PROTO_IP_*).
    pub route_protocol: u32,
    /// Since its life began.
    pub up_ms: u64,
    /// Until its life ends; `None` is never.
    pub expires_in_ms: Option<u64>,
    /// Packets accepted.
    pub packets: u64,
    /// Octets, as the forwarder counts them.
    pub octets: u64,
    /// Packets on other interfaces than the iif.
    pub wrong_if: u64,
    /// Packets accepted while there was no oif.
    pub negative: u64,
    /// Packets sent, including those on oifs that have left; `None` if the forwarder counts only
    /// for the whole MFE.
    pub sent: Option<u64>,
    /// The outgoing interfaces.
    pub oifs: Vec<OifStatus>,
}

/// One oif of an MFE.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OifStatus {
    /// Which.
    #[serde(flatten)]
    pub iface: Iface,
    /// Packets sent; `None` if the forwarder counts only for the whole MFE.
    pub packets: Option<u64>,
    /// Packets that the TTL threshold stopped; `None` as for `packets`.
    pub ttl_too_low: Option<u64>,
    /// Packets larger than the MTU; `None` as for `packets`, 0 with the memory forwarder.
    pub too_large: Option<u64>,
    /// Packets that the system refused to send; `None` as for `packets`, 0 with the memory
    /// forwarder.
    pub discards: Option<u64>,
}

impl Status {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists cannot fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}
