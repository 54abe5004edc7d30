//! The types of the status and of an explanation. Generated from docs/*.schema.json: make languages.
// A member without a comment is what its name says, such as `index`.
#![allow(missing_docs)]

use serde::Deserialize;

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusTotals {
    /// Registered clients.
    pub clients: i64,
    /// Interfaces that are taken.
    pub interfaces: i64,
    /// Flows that have memberships.
    pub memberships: i64,
    /// MFEs.
    pub mfes: i64,
    /// Flows whose clients are being asked.
    pub resolving: i64,
    /// Flows that were refused within the last 10 s and are remembered.
    pub refused_flows: i64,
    /// Entries that the forwarder refused and that will be retried.
    pub not_installed: i64,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusCallbacks {
    /// RPF_CALLBACK.
    pub rpf: i64,
    /// CREATION_ALERT.
    pub creation_alert: i64,
    /// PRUNE_ALERT, of both kinds.
    pub prune_alert: i64,
    /// JOIN_ALERT, of both kinds.
    pub join_alert: i64,
    /// WRONG_IF_CALLBACK.
    pub wrong_if: i64,
    /// LOCAL_JOIN.
    pub local_join: i64,
    /// LOCAL_LEAVE.
    pub local_leave: i64,
    /// DISABLE_IGMP.
    pub disable_igmp: i64,
    /// ENABLE_IGMP.
    pub enable_igmp: i64,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusCountersUpcalls {
    /// First packets of a flow.
    pub no_cache: i64,
    /// Packets on a wrong interface.
    pub wrong_if: i64,
    /// Upcalls lost because the kernel's buffer was full.
    pub lost: i64,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusCountersRefusedPackets {
    /// No client owns the interface that they arrived on.
    pub foreign_arrival: i64,
    /// Their group is in 224.0.0.0/24.
    pub link_local: i64,
    /// A boundary blocks their group on the interface that they arrived on.
    pub boundary: i64,
    /// No route to the source leads through an interface that a client owns.
    pub no_upstream: i64,
    /// They arrived on another interface than the iif of the MFE.
    pub wrong_interface: i64,
    /// The limit MGM_MAX_FLOWS is reached.
    pub flow_limit: i64,
    /// More than half of MGM_MAX_FLOWS are in use, and more than half of those began on this interface.
    pub arrival_limit: i64,
    /// The limit of new flows of the interface that they arrived on is reached.
    pub flow_rate: i64,
    /// There was no memory for their flow.
    pub no_memory: i64,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusCounters {
    pub callbacks: StatusCallbacks,
    /// How often a client fell behind.
    pub fell_behind: i64,
    /// WRONG_IF_CALLBACKs not made because the client was behind.
    pub wrong_if_dropped: i64,
    /// Upcalls from the kernel.
    pub upcalls: StatusCountersUpcalls,
    /// Packets that the library saw and did not forward.
    pub refused_packets: StatusCountersRefusedPackets,
    /// How often the forwarder refused an entry.
    pub install_errors: i64,
    /// How often a refused entry was retried.
    pub install_retries: i64,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusClientProcessAnswers {
    /// How many questions it has answered, including late answers.
    pub count: i64,
    /// The median of the last 128 answers, from the sending of the question, in microseconds.
    pub median_us: i64,
    /// The longest of the last 128 answers, in microseconds.
    pub worst_us: i64,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusClientProcess {
    /// Its process id when it connected.
    pub pid: i64,
    /// The user of the process.
    pub user: i64,
    /// The name of its program, as it says itself.
    pub name: String,
    /// Callbacks that were sent to the client and that it has not acknowledged.
    pub unacknowledged: i64,
    /// How long its last answers took; null if it has answered no question yet.
    pub answers: Option<StatusClientProcessAnswers>,
    /// Whether it is absent: it is not asked, because it has not answered in time.
    pub absent: bool,
    /// Whether the process has ended, and the state of the client is being deleted, or stays for a successor.
    pub ended: bool,
    /// How long it still stays, in milliseconds; null if it does not.
    pub grace_ends_in_ms: Option<i64>,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusClient {
    /// The number in its handle; no other client ever has it.
    pub serial: i64,
    /// The protocol id that it registered with.
    pub protocol: i64,
    /// The component id that it registered with.
    pub component: i64,
    /// Whether the protocol id is IGMP's.
    pub igmp: bool,
    /// How many interfaces it has taken.
    pub interfaces: i64,
    /// Whether one of its callbacks is running.
    pub running: bool,
    /// How many callbacks are queued for it.
    pub queued: i64,
    /// Whether it is behind: too many callbacks were queued for it. Until it has caught up, it receives only the current state, not each change.
    pub behind: bool,
    /// How many changes it will be told of once its callback queue is empty.
    pub noted: i64,
    /// WRONG_IF_CALLBACKs not made because it was behind.
    pub wrong_if_dropped: i64,
    pub callbacks: StatusCallbacks,
    /// The client process that it is in; null for a client in the router's own process.
    pub process: Option<StatusClientProcess>,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusInterfaceState {
    /// Index of the interface.
    pub index: i64,
    /// Its next hop; null except on point-to-multipoint links.
    pub next_hop: Option<String>,
    /// Its name in the system. Null if the system has none for the index, and with the memory forwarder.
    pub name: Option<String>,
    /// Serial of the protocol that owns it; null if none does.
    pub owner: Option<i64>,
    /// Serial of the IGMP client that is enabled on it; null if none is.
    pub igmp: Option<i64>,
    /// Whether its owner is about to change: DISABLE_IGMP has not been answered yet.
    pub changing: bool,
    /// Whether it no longer exists in the system.
    pub absent: bool,
    /// Which packets the system drops there before the library sees them: none (off), those whose source is routed through another interface (strict), those whose source has no unicast route (loose). Linux: the greater of net.ipv4.conf.all.rp_filter and the interface's own. Null if it is not known.
    pub reverse_path_filter: Option<String>,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusThreshold {
    /// Index of the interface.
    pub index: i64,
    /// Its next hop; null except on point-to-multipoint links.
    pub next_hop: Option<String>,
    /// A packet goes out if its TTL is greater.
    pub ttl: i64,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusBoundary {
    /// Index of the interface; the boundary applies to all its next hops.
    pub index: i64,
    /// The groups: address/length.
    pub scope: String,
    /// Name of the scope; null if it has none. An unpaired surrogate is replaced by U+FFFD.
    pub name: Option<String>,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusFlowRate {
    /// Index of the interface; the limit applies to all its next hops together.
    pub index: i64,
    /// Flows a second.
    pub per_second: i64,
    /// Flows at once.
    pub burst: i64,
    /// How often the limit has refused a flow since it was set. A flow that is still sent 10 s later counts again.
    pub refused: i64,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusLimits {
    /// Maximum number of flows that packets create: MFEs, and flows whose clients are being asked.
    pub max_flows: i64,
    /// TTL thresholds above 1, by index and next hop. All other interfaces have 1.
    pub thresholds: Vec<StatusThreshold>,
    /// Administrative boundaries, by index, then groups.
    pub boundaries: Vec<StatusBoundary>,
    /// Limits of new flows a second, by index. All other interfaces have none.
    pub flow_rates: Vec<StatusFlowRate>,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusInterface {
    /// Index of the interface.
    pub index: i64,
    /// Its next hop; null except on point-to-multipoint links.
    pub next_hop: Option<String>,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusMembership {
    /// The source; null means any.
    pub source: Option<String>,
    /// The group; null means any.
    pub group: Option<String>,
    /// The interfaces on which the owner added the membership.
    pub owner: Vec<StatusInterface>,
    /// The interfaces on which IGMP added the membership.
    pub igmp: Vec<StatusInterface>,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusOif {
    /// Index of the interface.
    pub index: i64,
    /// Its next hop; null except on point-to-multipoint links.
    pub next_hop: Option<String>,
    /// Packets sent; null if the forwarder counts only for the whole MFE.
    pub packets: Option<i64>,
    /// Packets whose TTL was too small; null if the forwarder counts only for the whole MFE.
    pub ttl_too_low: Option<i64>,
    /// Packets larger than the MTU, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE.
    pub too_large: Option<i64>,
    /// Packets that the system refused to send, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE.
    pub discards: Option<i64>,
}

/// A part of [`Status`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct StatusMfe {
    /// Its source.
    pub source: String,
    /// Its group.
    pub group: String,
    pub iif: StatusInterface,
    /// Protocol id of the incoming interface's owner, 0 if it has none.
    pub protocol: i64,
    /// The neighbour that packets come from; null if the source is directly connected.
    pub upstream: Option<String>,
    /// The route that the look-up of the source matched: network/length.
    pub route: String,
    /// Where that route came from (PROTO_IP_*).
    pub route_protocol: i64,
    /// Milliseconds since it was created or renewed, or its time-out was set.
    pub up_ms: i64,
    /// Milliseconds until it expires; null means never.
    pub expires_in_ms: Option<i64>,
    /// Packets accepted on the incoming interface.
    pub packets: i64,
    /// Their octets; with the kernel forwarder they include packets on a wrong interface.
    pub octets: i64,
    /// Packets that arrived on another interface than the iif.
    pub wrong_if: i64,
    /// Packets accepted while there was no outgoing interface.
    pub negative: i64,
    /// Packets sent, on all interfaces that are or were outgoing; null if the forwarder counts only for the whole MFE.
    pub sent: Option<i64>,
    /// The outgoing interfaces; empty if the MFE is negative.
    pub oifs: Vec<StatusOif>,
}

/// The state of the library.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// Version of the build.
    pub version: String,
    /// The target it was built for.
    pub target: String,
    /// Whether the library is running; if not, everything below is empty.
    pub running: bool,
    /// Null until the first interface is taken.
    pub forwarder: Option<String>,
    /// Chains of the system's packet filter that have no effect on what the ebpf forwarder forwards: family, table and chain of nftables, or iptables, table and chain. Empty with other forwarders.
    pub bypassed_chains: Vec<String>,
    /// Milliseconds since the start.
    pub uptime_ms: i64,
    /// Totals.
    pub totals: StatusTotals,
    /// Counts since the start.
    pub counters: StatusCounters,
    /// In order of registration.
    pub clients: Vec<StatusClient>,
    /// By index and next hop.
    pub interfaces: Vec<StatusInterfaceState>,
    /// Limits on packets: how many flows they may begin and how far they may go. They apply to taken interfaces and to others.
    pub limits: StatusLimits,
    /// By group, then source; absent if not asked for.
    pub memberships: Option<Vec<StatusMembership>>,
    /// By group, then source; absent if not asked for.
    pub mfes: Option<Vec<StatusMfe>>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationVerdict {
    /// Whether they leave by some interface.
    pub forwarded: bool,
    /// The first reason why not; null if they are forwarded.
    pub reason: Option<String>,
    /// The same in words.
    pub text: String,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationClient {
    /// Its number in the status.
    pub serial: i64,
    /// Its protocol id.
    pub protocol: i64,
    /// Its component id.
    pub component: i64,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationBoundary {
    /// The groups that it blocks, as address/length.
    pub scope: String,
    /// The name of this scope, if it has one.
    pub name: Option<String>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationArrival {
    pub index: i64,
    pub next_hop: Option<String>,
    pub name: Option<String>,
    pub owner: Option<ExplanationClient>,
    pub boundary: Option<ExplanationBoundary>,
    /// Which packets the system drops there before the library sees them; null if not known.
    pub reverse_path_filter: Option<String>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationRoutePathInterface {
    pub index: i64,
    pub next_hop: Option<String>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationRoutePath {
    pub index: i64,
    pub name: Option<String>,
    /// The gateway; null if the source is directly connected.
    pub gateway: Option<String>,
    /// The taken interface to which the path leads; null if no client has taken it.
    pub interface: Option<ExplanationRoutePathInterface>,
    pub owner: Option<ExplanationClient>,
    pub boundary: Option<ExplanationBoundary>,
    /// Whether packets may arrive there.
    pub legitimate: bool,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationRoute {
    /// No route, an address of the router itself, a directly connected source, or a gateway.
    pub kind: String,
    /// The route as network/length; null without a route.
    pub prefix: Option<String>,
    /// Where the route came from (PROTO_IP_*).
    pub protocol: i64,
    /// The system's choice, then the other paths of equal cost.
    pub paths: Vec<ExplanationRoutePath>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationIncoming {
    pub index: i64,
    pub next_hop: Option<String>,
    pub name: Option<String>,
    /// The neighbour; null for the source itself.
    pub upstream: Option<String>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationRpfCallback {
    pub client: Option<ExplanationClient>,
    /// There is no client to ask; it has no callback; it was not asked yet; it has not answered; it accepted the flow; it did not accept it.
    pub state: String,
    pub about: Option<ExplanationIncoming>,
    pub accepted: Option<ExplanationIncoming>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationInterfaceMembership {
    /// Null is any.
    pub source: Option<String>,
    /// Null is any.
    pub group: Option<String>,
    pub holder: Option<ExplanationClient>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationInterface {
    pub index: i64,
    pub next_hop: Option<String>,
    pub name: Option<String>,
    pub owner: Option<ExplanationClient>,
    pub igmp: Option<ExplanationClient>,
    /// The matching memberships there: (s,g), (*,g), (*,*).
    pub memberships: Vec<ExplanationInterfaceMembership>,
    /// Whether the owner has switched it on or off with MGM_FORWARD_STATE_FLAG; null if not.
    pub switched: Option<String>,
    /// The owner has not answered CREATION_ALERT yet, or has switched the interface off; otherwise null.
    pub creation_alert: Option<String>,
    pub boundary: Option<ExplanationBoundary>,
    /// A packet leaves there if its TTL is greater.
    pub ttl_threshold: i64,
    /// Whether it is an outgoing interface of the MFE.
    pub oif: bool,
    /// Why it is not an outgoing interface, or would not become one; null if nothing prevents it.
    pub obstacle: Option<String>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationRefusalArrival {
    pub index: i64,
    pub next_hop: Option<String>,
    pub name: Option<String>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationRefusal {
    /// A counter of refused_packets in the status.
    pub reason: String,
    /// The same in words.
    pub text: String,
    /// Where the packet arrived.
    pub arrival: ExplanationRefusalArrival,
    /// Milliseconds until the next packet is processed again.
    pub ends_in_ms: i64,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationMfeIif {
    pub index: i64,
    pub next_hop: Option<String>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationMfeOif {
    pub index: i64,
    pub next_hop: Option<String>,
    /// Packets sent.
    pub packets: Option<i64>,
    /// Packets that the TTL threshold stopped.
    pub ttl_too_low: Option<i64>,
    /// Packets larger than the MTU, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE.
    pub too_large: Option<i64>,
    /// Packets that the system refused to send, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE.
    pub discards: Option<i64>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationMfe {
    /// Its source.
    pub source: String,
    /// Its group.
    pub group: String,
    /// The incoming interface.
    pub iif: ExplanationMfeIif,
    /// Protocol id of its owner.
    pub protocol: i64,
    /// The neighbour that packets come from; null if the source is connected.
    pub upstream: Option<String>,
    /// The route of the source as network/length.
    pub route: String,
    /// Where that route came from (PROTO_IP_*).
    pub route_protocol: i64,
    /// Milliseconds since its life began.
    pub up_ms: i64,
    /// Milliseconds until its life ends; null is never.
    pub expires_in_ms: Option<i64>,
    /// Packets accepted.
    pub packets: i64,
    /// Octets, as the forwarder counts them.
    pub octets: i64,
    /// Packets on other interfaces.
    pub wrong_if: i64,
    /// Packets accepted while there was no oif.
    pub negative: i64,
    /// Packets sent; null if the forwarder counts only for the whole MFE.
    pub sent: Option<i64>,
    /// The outgoing interfaces.
    pub oifs: Vec<ExplanationMfeOif>,
    /// How the incoming interface was found: by the route; RPF_CALLBACK or MgmSetMfe named another one; RPF_CALLBACK accepted a source without a route.
    pub iif_by: String,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationForwarderCounters {
    /// Packets accepted.
    pub packets: i64,
    /// Octets.
    pub octets: i64,
    /// Packets on other interfaces.
    pub wrong_if: i64,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationForwarderInstalledOif {
    pub index: i64,
    pub next_hop: Option<String>,
    pub name: Option<String>,
    /// Only packets with a greater TTL go out.
    pub ttl_threshold: i64,
    /// Whether copies can be sent: the interface is up, its neighbour is known, and no other multicast daemon has it.
    pub ready: bool,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationForwarderInstalled {
    pub index: i64,
    pub name: Option<String>,
    /// Whether the programs look at packets that arrive there: not while another multicast daemon has the interface.
    pub takes_packets: bool,
    /// Where copies are sent.
    pub oifs: Vec<ExplanationForwarderInstalledOif>,
}

/// A part of [`Explanation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExplanationForwarder {
    /// Null until the first interface is taken.
    pub name: Option<String>,
    /// The entry that it must have: that of the MFE, that of a refused flow, or none; null if it has no entries of its own.
    pub entry: Option<String>,
    /// Whether the forwarder refused the entry. It then has another entry, or none, until a retry succeeds.
    pub waiting: bool,
    /// What the forwarder counts for its entry; null if it has none, or no counters.
    pub counters: Option<ExplanationForwarderCounters>,
    /// The entry that the ebpf forwarder has, as its programs read it; null if it has none, and with other forwarders.
    pub installed: Option<ExplanationForwarderInstalled>,
}

/// Why the packets of a flow are forwarded, or why not.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Explanation {
    /// Address of the source.
    pub source: String,
    /// Address of the group.
    pub group: String,
    /// Whether the library is running; if not, everything else is empty.
    pub running: bool,
    /// Whether packets are forwarded.
    pub verdict: ExplanationVerdict,
    /// The interface on which packets arrive; null if it is not known.
    pub arrival: Option<ExplanationArrival>,
    /// The route of the source; null if the library is not running.
    pub route: Option<ExplanationRoute>,
    pub expected: Option<ExplanationIncoming>,
    /// RPF_CALLBACK; null if the library is not running.
    pub rpf_callback: Option<ExplanationRpfCallback>,
    /// The interfaces that want the flow, or that their owners have switched on or off; by index and next hop.
    pub interfaces: Vec<ExplanationInterface>,
    /// Clients are being asked: to create the MFE, to renew it, or to change its incoming interface; otherwise null.
    pub resolving: Option<String>,
    /// The flow was refused within the last 10 s; otherwise null.
    pub refusal: Option<ExplanationRefusal>,
    /// The MFE, with the members of status.schema.json; null if there is none.
    pub mfe: Option<ExplanationMfe>,
    /// The entry of the forwarder; null if the library is not running.
    pub forwarder: Option<ExplanationForwarder>,
}
