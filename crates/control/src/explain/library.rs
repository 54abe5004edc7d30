//! The members of the library's explanation that mgmd and mgmctl use. docs/explain.schema.json
//! describes all of them.

use serde::Deserialize;
use std::net::Ipv4Addr;

/// The explanation of one flow.
#[derive(Clone, Debug, Deserialize)]
pub struct LibraryFlow {
    /// Source and group.
    pub source: Ipv4Addr,
    /// The group.
    pub group: Ipv4Addr,
    /// Whether the library is running.
    pub running: bool,
    /// Whether packets are forwarded, by what the library knows.
    pub verdict: LibraryVerdict,
    /// The interface on which packets arrive.
    pub arrival: Option<ArrivalRow>,
    /// The route of the source.
    pub route: Option<RouteRow>,
    /// Where packets are expected by the route.
    pub expected: Option<Incoming>,
    /// Who was asked.
    pub rpf_callback: Option<Question>,
    /// The interfaces that want the flow.
    pub interfaces: Vec<WantedRow>,
    /// Why clients are being asked, if they are.
    pub resolving: Option<String>,
    /// The refusal of the flow, if there is a recent one.
    pub refusal: Option<RefusalRow>,
    /// The MFE.
    pub mfe: Option<MfeRow>,
    /// The entry that the forwarder must have.
    pub forwarder: Option<ForwarderRow>,
}

/// Whether packets are forwarded.
#[derive(Clone, Debug, Deserialize)]
pub struct LibraryVerdict {
    /// Whether they are.
    pub forwarded: bool,
    /// The code of the first reason.
    pub reason: Option<String>,
    /// The same in words.
    pub text: String,
}

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct ClientRow {
    /// Its protocol id.
    pub protocol: u32,
}

/// A boundary.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BoundaryRow {
    /// The groups, as address/length.
    pub scope: String,
    /// The name of the scope.
    pub name: Option<String>,
}

/// An interface, and the neighbour that packets come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Incoming {
    /// The index.
    pub index: u32,
    /// The name.
    pub name: Option<String>,
    /// The neighbour.
    pub upstream: Option<Ipv4Addr>,
}

/// The interface on which packets arrive.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ArrivalRow {
    /// The index.
    pub index: u32,
    /// The name.
    pub name: Option<String>,
    /// The client that owns it.
    pub owner: Option<ClientRow>,
    /// The boundary that blocks the group there.
    pub boundary: Option<BoundaryRow>,
}

/// The route of the source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RouteRow {
    /// "none", "local", "connected" or "gateway".
    pub kind: String,
    /// As network/length.
    pub prefix: Option<String>,
    /// Where it came from (PROTO_IP_*).
    pub protocol: u32,
    /// The paths: the system's choice first.
    pub paths: Vec<PathRow>,
}

/// A path of the route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PathRow {
    /// The index of the interface to which it leads.
    pub index: u32,
    /// The name.
    pub name: Option<String>,
    /// The gateway.
    pub gateway: Option<Ipv4Addr>,
    /// The client that owns the interface.
    pub owner: Option<ClientRow>,
    /// The boundary that blocks the group there.
    pub boundary: Option<BoundaryRow>,
}

/// RPF_CALLBACK.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Question {
    /// The client that was asked, or would be.
    pub client: Option<ClientRow>,
    /// "no_client", "no_callback", "not_asked", "waiting", "answered" or "declined".
    pub state: String,
    /// Where packets are accepted.
    pub accepted: Option<Incoming>,
}

/// An interface that wants the flow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WantedRow {
    /// The index.
    pub index: u32,
    /// The name.
    pub name: Option<String>,
    /// The protocol that owns it.
    pub owner: Option<ClientRow>,
    /// The memberships that match.
    pub memberships: Vec<MembershipRow>,
    /// "on" or "off", if the owner switched it.
    pub switched: Option<String>,
    /// "waiting" or "off".
    pub creation_alert: Option<String>,
    /// The boundary that blocks the group there.
    pub boundary: Option<BoundaryRow>,
    /// The TTL threshold.
    pub ttl_threshold: u8,
    /// Whether it is an outgoing interface of the MFE.
    pub oif: bool,
    /// Why it is not one.
    pub obstacle: Option<String>,
}

/// A membership.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MembershipRow {
    /// The source; `None` is any.
    pub source: Option<Ipv4Addr>,
    /// Who holds it.
    pub holder: Option<ClientRow>,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RefusalRow {
    /// The same code as a reason.
    pub reason: String,
    /// In words.
    pub text: String,
    /// Until the next packet is processed.
    pub ends_in_ms: u64,
}

/// The MFE.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MfeRow {
    /// The incoming interface.
    pub iif: Iface,
    /// The neighbour that packets come from.
    pub upstream: Option<Ipv4Addr>,
    /// Since it was created or renewed.
    pub up_ms: u64,
    /// Until its end.
    pub expires_in_ms: Option<u64>,
    /// Packets accepted.
    pub packets: u64,
    /// Their octets.
    pub octets: u64,
    /// Packets on other interfaces.
    pub wrong_if: u64,
    /// Packets accepted without an outgoing interface.
    pub negative: u64,
    /// The outgoing interfaces.
    pub oifs: Vec<Iface>,
    /// "route", "client" or "unrouted".
    pub iif_by: String,
}

/// An interface by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Iface {
    /// The index.
    pub index: u32,
}

/// The entry of the forwarder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ForwarderRow {
    /// "kernel", "ebpf" or "memory".
    pub name: Option<String>,
    /// "mfe", "refusal" or "none".
    pub entry: Option<String>,
    /// Whether the forwarder refused it.
    pub waiting: bool,
    /// What the ebpf forwarder has.
    #[serde(default)]
    pub installed: Option<InstalledRow>,
}

/// The entry of the ebpf forwarder as its programs read it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InstalledRow {
    /// The interface on which packets are accepted.
    pub index: u32,
    /// Its name.
    pub name: Option<String>,
    /// Whether the programs look at packets that arrive there.
    pub takes_packets: bool,
    /// Where copies are sent.
    pub oifs: Vec<InstalledOif>,
}

/// An oif of the ebpf forwarder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InstalledOif {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: Option<String>,
    /// The neighbour, if there is one.
    pub next_hop: Option<Ipv4Addr>,
    /// Whether copies can be sent.
    pub ready: bool,
}

/// The name of an interface, or "#" and its index.
#[must_use]
pub fn shown(name: Option<&String>, index: u32) -> String {
    name.cloned().unwrap_or_else(|| format!("#{index}"))
}

/// The name of a client: "igmp", or "protocol" and its number.
#[must_use]
pub fn client(row: Option<ClientRow>) -> Option<String> {
    /// PROTO_IP_IGMP, and the id that Windows' IGMP has.
    const IGMP: [u32; 2] = [10, 0x4137_000A];
    let protocol = row?.protocol;
    Some(if IGMP.contains(&protocol) { "igmp".into() } else { format!("protocol {protocol}") })
}

/// Whether it is IGMP that holds a membership.
#[must_use]
pub fn is_igmp(row: Option<ClientRow>) -> bool {
    client(row).as_deref() == Some("igmp")
}
