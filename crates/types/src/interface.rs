//! Interfaces as callers name them, and as the engine numbers them.

use std::fmt;
use std::net::Ipv4Addr;

/// An interface: an index, and a next hop (spec 0.2). The next hop distinguishes the neighbours of
/// a point-to-multipoint link, and is 0.0.0.0 on other links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interface {
    /// The system's interface index, never 0 for a real interface.
    pub index: u32,
    /// The neighbour on an NBMA link, or 0.0.0.0.
    pub next_hop: Ipv4Addr,
}

impl Interface {
    /// No interface: index 0, which callbacks get if there is no interface to name.
    pub const NONE: Interface = Interface { index: 0, next_hop: Ipv4Addr::UNSPECIFIED };

    /// The whole link of an index.
    #[must_use]
    pub fn link(index: u32) -> Interface {
        Interface { index, next_hop: Ipv4Addr::UNSPECIFIED }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.next_hop.is_unspecified() {
            write!(f, "interface {}", self.index)
        } else {
            write!(f, "interface {} (next hop {})", self.index, self.next_hop)
        }
    }
}

/// The small number of an interface inside the engine and the forwarders. Reused after the
/// interface is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfId(pub u16);
