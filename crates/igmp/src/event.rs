//! What the state machine is told.

use crate::config::{LinkConfig, ProxyUpstream, Settings};
use crate::saved::SavedGroup;
use crate::MgmCall;
use mgm_types::{Code, Flow, Interface, Prefix};
use std::net::Ipv4Addr;

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The time has passed to the next deadline.
    Time,
    /// A packet arrived.
    Packet(Packet<'a>),
    /// Serve the link with this configuration. Its next hop must be 0.0.0.0.
    Configure {
        /// The interface.
        interface: Interface,
        /// What was configured.
        config: Box<LinkConfig>,
    },
    /// Stop serving the link.
    Unconfigure {
        /// The interface index.
        link: u32,
    },
    /// Adds a static membership beside those of the configuration, or deletes it again. It ends
    /// when the link is unconfigured.
    Static {
        /// The interface index.
        link: u32,
        /// `(s,g)` or `(*,g)`; it must be one that [`LinkConfig::check`] accepts.
        flow: Flow,
        /// Whether it is there from now on.
        wanted: bool,
    },
    /// Settings for all links together.
    Settings(Settings),
    /// What the system says about a device, now. Repeating the same state changes nothing, so the
    /// program may report all devices again at any time.
    Link {
        /// The interface index.
        link: u32,
        /// All that is known about it.
        info: LinkInfo,
    },
    /// The device does not exist any longer. Another one may get its index.
    LinkGone {
        /// The interface index.
        link: u32,
    },
    /// These are the upstreams of all proxies from now on, in the order in which they match
    /// (I60). Links that they name may be configured before or after.
    Proxies(Vec<ProxyUpstream>),
    /// The library makes a callback.
    Callback(Callback),
    /// What MgmGroupEnumeration lists right after the registration, before the first take: what
    /// other components want already (I54).
    Found(Vec<Flow>),
    /// [`crate::MgmCall::Take`] returned.
    Taken {
        /// The interface index.
        link: u32,
        /// Who else has the link, or why the library refused it.
        result: Result<Ownership, Code>,
    },
    /// The library refused an add or a delete.
    Refused {
        /// The call.
        call: MgmCall,
        /// What it returned.
        code: Code,
    },
    /// The system did not send a packet (ENOBUFS, ENETDOWN, EPERM).
    SendFailed {
        /// The interface index.
        link: u32,
        /// The system's error number.
        errno: i32,
    },
    /// The kernel's buffer of a link was full.
    PacketsLost {
        /// The interface index.
        link: u32,
        /// How many packets it lost since the last such event.
        packets: u32,
    },
    /// The program ends: the host sides leave all groups, and host routes are taken back (I62).
    /// What is to be saved must be read before.
    Stop,
    /// The groups of a link that the former process had saved, not long ago.
    Restore {
        /// The interface index.
        link: u32,
        /// Its groups.
        groups: Vec<SavedGroup>,
    },
}

/// A packet as a link delivered it: an IPv4 datagram, and octets of the link after it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The index of the interface that it arrived on.
    pub link: u32,
    /// Whether the frame was addressed to this router's own link-layer address. False where
    /// frames have none, as on tunnels.
    pub unicast_frame: bool,
    /// The datagram from its IPv4 header on.
    pub octets: &'a [u8],
}

/// What the system says about a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkInfo {
    /// Whether it is up and has a carrier.
    pub up: bool,
    /// Octets that an IPv4 datagram may have.
    pub mtu: u32,
    /// Whether it has only one neighbour, whose address need not be in a prefix of the link.
    pub point_to_point: bool,
    /// Its IPv4 addresses, in any order.
    pub addresses: Vec<LinkAddress>,
}

/// An address of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkAddress {
    /// The address.
    pub address: Ipv4Addr,
    /// The network that the link connects.
    pub prefix: Prefix,
}

impl LinkAddress {
    /// An address with the length of its prefix.
    #[must_use]
    pub fn new(address: Ipv4Addr, length: u8) -> LinkAddress {
        LinkAddress { address, prefix: Prefix::of(address, length) }
    }
}

/// Who has a link that IGMP has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// IGMP alone, so that it counts as the owner (the library's decision D3).
    Alone,
    /// A protocol.
    BesideOwner,
}

/// A callback of the library. The caller numbers each question, and the answer has the same
/// number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// DISABLE_IGMP_CALLBACK: the library takes no calls for this link until ENABLE_IGMP.
    DisableIgmp {
        /// The interface index.
        link: u32,
    },
    /// ENABLE_IGMP_CALLBACK.
    EnableIgmp {
        /// The interface index.
        link: u32,
        /// Who has the link now.
        ownership: Ownership,
    },
    /// CREATION_ALERT for one of the links that it names; answered at once.
    CreationAlert {
        /// The number that the answer must have.
        question: u64,
        /// The interface index.
        link: u32,
        /// The new flow.
        flow: Flow,
    },
    /// RPF_CALLBACK; answered at once.
    Rpf {
        /// The number that the answer must have.
        question: u64,
        /// The flow.
        flow: Flow,
        /// The interface index that the library expects its packets on; 0 without a route.
        expected: u32,
        /// The upstream neighbour towards the source.
        neighbour: Ipv4Addr,
        /// What MgmHostGetArrival returns: where they do arrive.
        arrival: u32,
    },
    /// JOIN_ALERT with bMemberUpdate TRUE: other components want the flow, which can be
    /// `(s,g)`, `(*,g)` or `(*,*)`. Those with FALSE need no event.
    JoinAlert(Flow),
    /// PRUNE_ALERT with bMemberDelete TRUE: they want it no longer. The time-out of one with
    /// FALSE stays as the library proposes it (I48).
    PruneAlert(Flow),
}
