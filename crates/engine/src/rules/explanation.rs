//! What [`Engine::explain`](crate::Engine::explain) returns about one flow.

use super::forwarder::WantedEntry;
use super::retrieval::MfeRow;
use crate::packet::Refused;
use crate::tables::ClientId;
use mgm_types::{Flow, Interface, Ipv4Addr, Route, Scope};
use std::fmt;

/// One flow: from its route to the first reason why a packet would not go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Source and group.
    pub flow: Flow,
    /// The interface on which its packets arrive; `None` if it is not known.
    pub arrival: Option<ArrivalRow>,
    /// The route of the source.
    pub route: Route,
    /// The paths of the route: the system's choice, then the others.
    pub paths: Vec<PathRow>,
    /// Where packets are expected by the route (spec 5.1); `None` if the route leads through no
    /// interface of a client, or only through boundaries.
    pub expected: Option<Incoming>,
    /// RPF_CALLBACK (spec 5.2).
    pub question: RpfQuestion,
    /// The interfaces that want the flow, or that an owner has switched on or off.
    pub wanted_by: Vec<WantedRow>,
    /// The clients are being asked.
    pub resolving: Option<ResolutionPurpose>,
    /// The flow was refused lately.
    pub refusal: Option<RefusalRow>,
    /// The MFE, and how its iif was found.
    pub mfe: Option<(MfeRow, FoundBy)>,
    /// The entry that a forwarder with entries of its own must have.
    pub entry: WantedEntry,
    /// The first reason why a packet would not go out; `None` if it goes out.
    pub reason: Option<Reason>,
}

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub id: ClientId,
    /// The ids that it registered with.
    pub protocol: u32,
    /// The second of them.
    pub component: u32,
}

/// An interface and the neighbour that packets come from, 0.0.0.0 for the source itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The interface.
    pub interface: Interface,
    /// The neighbour.
    pub upstream: Ipv4Addr,
}

/// The interface on which packets arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrivalRow {
    /// The interface.
    pub interface: Interface,
    /// Its owner in the sense of spec 0.7.
    pub owner: Option<Holder>,
    /// The boundary there that blocks the group.
    pub boundary: Option<Scope>,
}

/// One path of the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathRow {
    /// The index to which it leads.
    pub if_index: u32,
    /// The gateway; 0.0.0.0 if the source is directly connected.
    pub gateway: Ipv4Addr,
    /// The interface with this index that is taken, if there is one.
    pub interface: Option<Interface>,
    /// Its owner; `None` also while it does not exist in the system.
    pub owner: Option<Holder>,
    /// The boundary there that blocks the group.
    pub boundary: Option<Scope>,
}

impl PathRow {
    /// Whether packets may arrive there.
    #[must_use]
    pub fn is_legitimate(&self) -> bool {
        self.owner.is_some() && self.boundary.is_none()
    }
}

/// RPF_CALLBACK: which client is asked, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpfQuestion {
    /// The client that was asked, or would be asked by the next first packet.
    pub client: Option<Holder>,
    /// The interface that the callback names; `None` is interface 0: no route leads through an
    /// interface of a client.
    pub about: Option<Incoming>,
    /// How far it is.
    pub state: RpfState,
    /// Where packets are accepted, by the answer or by `MgmSetMfe`.
    pub accepted: Option<Incoming>,
}

/// How far RPF_CALLBACK is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpfState {
    /// There is no client to ask.
    NoClient,
    /// The client has no RPF_CALLBACK: the route decides.
    NoCallback,
    /// It was not asked yet.
    NotAsked,
    /// It was asked, and has not answered.
    Waiting,
    /// It has accepted the flow.
    Answered,
    /// It was asked without a route, and has not accepted the flow.
    Declined,
}

/// How the iif of an MFE was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// By the route.
    Route,
    /// RPF_CALLBACK or `MgmSetMfe` named another one.
    Client,
    /// RPF_CALLBACK accepted a flow that no route covers.
    Unrouted,
}

/// An interface that wants the flow, or that its owner has switched on or off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedRow {
    /// The interface.
    pub interface: Interface,
    /// The protocol that owns it.
    pub owner: Option<Holder>,
    /// The IGMP client that is enabled there.
    pub igmp: Option<Holder>,
    /// The matching memberships there: `(s,g)`, `(*,g)` or `(*,*)`; true if it is IGMP's.
    pub memberships: Vec<(Flow, bool)>,
    /// The owner switched it on or off with MGM_FORWARD_STATE_FLAG (spec 3.5).
    pub forced: Option<bool>,
    /// CREATION_ALERT, if it is not answered yet, or was answered with FALSE.
    pub answer: Option<OifAnswer>,
    /// The boundary there that blocks the group.
    pub boundary: Option<Scope>,
    /// A packet leaves there only if its TTL is greater.
    pub threshold: u8,
    /// Whether it is an oif of the MFE.
    pub is_oif: bool,
    /// Why it is not an oif, or would not be one.
    pub obstacle: Option<Obstacle>,
}

/// What the owner of an oif has answered to CREATION_ALERT. TRUE changes nothing, so it is not
/// stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OifAnswer {
    /// Nothing yet.
    Waiting,
    /// FALSE.
    Off,
}

/// Why an interface is not an oif.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It is the iif.
    Iif,
    /// A boundary blocks the group there.
    Boundary,
    /// Its owner answered CREATION_ALERT with FALSE.
    CreationAlert,
    /// Its owner switched it off with MGM_FORWARD_STATE_FLAG.
    SwitchedOff,
    /// No membership there matches.
    NoMember,
}

/// Why clients are being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolutionPurpose {
    /// To create the MFE.
    Create,
    /// To renew it.
    Renew,
    /// To change its iif.
    Reroute,
}

/// A recent refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalRow {
    /// Why.
    pub why: Refused,
    /// Where the packet arrived.
    pub arrival: Interface,
    /// Until the next packet is processed again.
    pub ends_in_ms: u64,
}

/// The first reason why a packet of a flow would not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The group is in 224.0.0.0/24.
    LinkLocal,
    /// No client owns the interface on which it arrives.
    ForeignArrival,
    /// A boundary blocks the group where it arrives, or on each path of the route.
    ArrivalBoundary,
    /// It arrives on another interface than the iif, or than the expected one.
    WrongInterface,
    /// A client has not answered yet.
    Waiting,
    /// No route covers the source.
    NoRoute,
    /// The route leads through no interface that a client owns.
    UnownedInterface,
    /// The owner of the arrival interface did not accept the source.
    Declined,
    /// A limit refuses the flow.
    Limit(Refused),
    /// No interface wants the flow.
    NoMember,
    /// Only the iif wants the flow.
    OnlyIif,
    /// A boundary blocks the group on each interface that wants it.
    OifBoundary,
    /// The owner of an oif answered CREATION_ALERT with FALSE.
    CreationAlert,
    /// The owner of an oif switched it off.
    SwitchedOff,
    /// The TTL is not above the threshold of any oif.
    TtlThreshold,
    /// Nothing prevents it, but no packet has arrived.
    NoPacket,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::LinkLocal => "groups in 224.0.0.0/24 are never forwarded",
            Reason::ForeignArrival => "no client owns the interface on which packets arrive",
            Reason::ArrivalBoundary => {
                "a boundary blocks the group on the interface on which packets arrive"
            }
            Reason::WrongInterface => {
                "packets arrive on another interface than the one on which they are accepted"
            }
            Reason::Waiting => "a client has not answered a question about the flow",
            Reason::NoRoute => "no route covers the source",
            Reason::UnownedInterface => {
                "the route to the source leads through no interface that a client owns"
            }
            Reason::Declined => {
                "no route covers the source, and the owner of the arrival interface did not \
                 accept it"
            }
            Reason::Limit(why) => return why.fmt(f),
            Reason::NoMember => "no interface has a membership of the group",
            Reason::OnlyIif => "only the interface on which packets arrive has a membership",
            Reason::OifBoundary => "a boundary blocks the group on the interface that wants it",
            Reason::CreationAlert => {
                "the owner of the interface that wants the group refused it in CREATION_ALERT"
            }
            Reason::SwitchedOff => {
                "the owner of the interface that wants the group switched forwarding off there"
            }
            Reason::TtlThreshold => {
                "the TTL of the packets is not above the threshold of any outgoing interface"
            }
            Reason::NoPacket => "nothing prevents forwarding, but no packet has arrived",
        })
    }
}
