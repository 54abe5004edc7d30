//! The reasons why packets do not go out.

use serde::{Deserialize, Serialize};

/// Declares the reasons with their meanings, so that no list of them is written twice.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $reason:ident,)+) => {
        /// Why packets of a flow do not go out. A later version may add reasons.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[doc = $doc])+ $reason,)+
        }

        impl Reason {
            /// All reasons, in the order in which a packet meets them.
            pub const ALL: &[Reason] = &[$(Reason::$reason,)+];
        }
    };
}

reasons! {
    /// The library is not running.
    NotRunning,
    /// The group is in 224.0.0.0/24, which no router forwards.
    LinkLocal,
    /// mgmd is configured with the memory forwarder, which forwards no packets of the system.
    MemoryForwarder,
    /// Packets arrive, or are expected, on an interface that the configuration does not name.
    InterfaceNotConfigured,
    /// An interface does not exist.
    InterfaceMissing,
    /// An interface is down, or has no carrier.
    InterfaceDown,
    /// An interface is a port of a bridge, bond or team.
    InterfacePort,
    /// The library did not accept an interface, for example because the kernel has no VIF left.
    InterfaceRefused,
    /// No client of the library owns the interface on which packets arrive, or are expected.
    InterfaceNotOwned,
    /// A boundary blocks the group where packets arrive.
    ArrivalBoundary,
    /// Packets arrive whose source is an address of this router. The kernel drops them.
    OwnSource,
    /// rp_filter of the kernel drops the packets where they arrive.
    ReversePath,
    /// The rules of the kernel do not lead the packets to the multicast routing table of mgmd.
    OtherTable,
    /// Packets arrive, but do not reach multicast routing, although rp_filter accepts them.
    DroppedOnArrival,
    /// Packets arrive on another interface than the one on which they are accepted.
    WrongInterface,
    /// A client of the library has not answered RPF_CALLBACK or CREATION_ALERT.
    Waiting,
    /// No route covers the source.
    NoRoute,
    /// No route covers the source, and no proxy or client accepts it without a route.
    Declined,
    /// The router has as many flows as `max-flows` permits.
    FlowLimit,
    /// An interface has too large a part of the flows that `max-flows` permits.
    ArrivalLimit,
    /// More flows begin on an interface than its key `new-flows` permits.
    FlowRate,
    /// There is no memory for another flow.
    NoMemory,
    /// No host, membership, route or protocol wants the flow on an interface.
    NoMember,
    /// Only the interface on which packets arrive wants the flow.
    OnlyIif,
    /// A host has reported the group, and IGMP has refused the report.
    IgmpRefused,
    /// The link speaks a version of IGMP in which hosts cannot ask for a source.
    IgmpVersion,
    /// Hosts want other sources of the group only.
    OtherSources,
    /// Hosts exclude this source of the group.
    SourceExcluded,
    /// A bridge hides the reports of hosts from this router, which is not the querier.
    BridgeHidesReports,
    /// The link has no address, so mgmd sends no queries there.
    NoAddress,
    /// Another router is the querier of a downstream, and forwards instead of this one.
    NotQuerier,
    /// A static route for the flow has not been used yet, or its interfaces cannot be used.
    RouteWaiting,
    /// A static route for the flow has no effect, because a routing protocol owns its interface `from`.
    RouteRests,
    /// Packets arrive on another interface than `from` of the static route.
    RouteElsewhere,
    /// Static routes have joined as many flows as `max-flows` permits.
    RouteLimit,
    /// A proxy does not send the flow to its upstream.
    NotSentUp,
    /// A boundary blocks the group on an interface that wants it.
    OifBoundary,
    /// The owner of an interface that wants the flow refused it in CREATION_ALERT.
    CreationAlert,
    /// The owner of an interface that wants the flow switched forwarding off there.
    SwitchedOff,
    /// The TTL threshold of an interface lets no packet pass, or has stopped every one so far.
    TtlThreshold,
    /// The TTL with which packets arrive is not above the threshold of an interface.
    TtlTooLow,
    /// Packets are too long for an interface, and must not be fragmented.
    Mtu,
    /// The forwarder refused the entry of the flow. The library tries again every second.
    NotInstalled,
    /// The ebpf forwarder takes no packets from an interface, or sends none there: another
    /// multicast daemon has it, its neighbour is not known, or it is down.
    NotServed,
    /// The kernel's entry is not the one that the library has installed.
    EntryDiffers,
    /// Packets arrive, and do not leave, although nothing in the router prevents it.
    DroppedOnDeparture,
    /// No packet of the flow arrives, and no upstream of a proxy reports that it is wanted.
    NotReported,
    /// Nothing in this router prevents forwarding, but no packet of the flow arrives.
    NoPacket,
}

impl Reason {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            // A variant without fields is always a string.
            _ => String::new(),
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Reason> {
        serde_json::from_value(name.into()).ok()
    }
}

impl Reason {
    /// Whether it keeps packets from reaching any outgoing interface.
    #[must_use]
    pub fn is_before_departure(self) -> bool {
        self < Reason::NoMember
    }
}
