//! Packets, and why they are refused.

use mgm_types::{Flow, Interface};
use smallvec::SmallVec;
use std::fmt;
use std::ops::Deref;

/// A packet that arrived.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    /// Source and group.
    pub flow: Flow,
    /// The interface it arrived on.
    pub arrival: Interface,
    /// Its header bytes, for the callbacks.
    pub header: &'a [u8],
    /// Length in octets.
    pub length: u32,
    /// Time to live on arrival.
    pub ttl: u8,
}

/// A copy of the header of a packet. It needs allocated memory only if it has more options than
/// Router Alert, which is rare.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Header(SmallVec<[u8; 24]>);

impl Header {
    /// Whether it needs allocated memory.
    #[inline]
    pub(crate) fn is_allocated(&self) -> bool {
        self.0.spilled()
    }
}

impl From<&[u8]> for Header {
    #[inline]
    fn from(bytes: &[u8]) -> Header {
        Header(SmallVec::from_slice(bytes))
    }
}

impl Clone for Header {
    // Copies the bytes at once: the list's own function copies one after the other.
    #[inline]
    fn clone(&self) -> Header {
        Header::from(&**self)
    }
}

impl Deref for Header {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Why a packet is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No client owns the interface it arrived on.
    ForeignArrival,
    /// Groups in 224.0.0.0/24 are never forwarded.
    LinkLocal,
    /// A boundary blocks its group on the interface it arrived on (spec 3.7).
    Boundary,
    /// No route to the source, or none through an interface that a client owns.
    NoUpstream,
    /// It arrived on another interface than the iif of the MFE.
    WrongInterface,
    /// The number of flows has reached the limit (spec 0.9).
    FlowLimit,
    /// There are many flows, and more than half of them began on its interface (spec 0.9).
    ArrivalLimit,
    /// More flows begin on its interface than the host's limit permits (spec 0.9).
    FlowRate,
    /// There is no memory for the flow.
    NoMemory,
}

impl Refused {
    /// All reasons, in their order.
    pub const ALL: [Refused; 9] = [
        Refused::ForeignArrival,
        Refused::LinkLocal,
        Refused::Boundary,
        Refused::NoUpstream,
        Refused::WrongInterface,
        Refused::FlowLimit,
        Refused::ArrivalLimit,
        Refused::FlowRate,
        Refused::NoMemory,
    ];
}

/// The interfaces that a packet is forwarded on.
pub type Out = SmallVec<[Interface; 4]>;

/// The decision about a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted, and forwarded on these interfaces.
    Forwarded(Out),
    /// Its flow is being resolved; with a forwarder of the system also: its MFE exists. Ask again
    /// when the resolution has ended.
    Resolving,
    /// Dropped.
    Refused(Refused),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::ForeignArrival => "no client owns its arrival interface",
            Refused::LinkLocal => "groups in 224.0.0.0/24 are never forwarded",
            Refused::Boundary => "a boundary blocks its group",
            Refused::NoUpstream => {
                "no route to its source leads through an interface that a client owns, and the \
                 owner of its arrival interface does not accept it"
            }
            Refused::WrongInterface => "its arrival interface is not the iif of its MFE",
            Refused::FlowLimit => "the number of flows has reached MGM_MAX_FLOWS",
            Refused::ArrivalLimit => {
                "more than half of MGM_MAX_FLOWS are in use, and more than half of those flows \
                 began on its arrival interface"
            }
            Refused::FlowRate => "its arrival interface has reached its limit of new flows",
            Refused::NoMemory => "out of memory",
        })
    }
}
