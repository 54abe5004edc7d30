//! What the state machine is told.

use crate::config::{LinkConfig, Settings};
use mgm_types::{Interface, Prefix};
use std::net::Ipv4Addr;

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// Nothing but the passing of time: the next deadline is reached.
    Time,
    /// A packet arrived.
    Packet(Packet<'a>),
    /// A link shall be served so from now on. Its next hop must be 0.0.0.0.
    Configure {
        /// The interface.
        interface: Interface,
        /// What was configured.
        config: Box<LinkConfig>,
    },
    /// A link shall be served no longer.
    Unconfigure {
        /// The interface index.
        link: u32,
    },
    /// Settings for all links together.
    Settings(Settings),
    /// What the system says about a device, now. The same again changes nothing, so that all
    /// can be read again at any time.
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
