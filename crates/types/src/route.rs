//! What a look-up of a source in the multicast view of the routes returns.

use std::net::Ipv4Addr;
use std::sync::Arc;

/// Where a look-up is made: the index of a VRF's device, or 0 outside of any VRF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(pub u32);

impl Domain {
    /// Outside of any VRF.
    pub const MAIN: Domain = Domain(0);
}

/// A network: the addresses that share the first `len` bits of `network`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    network: Ipv4Addr,
    len: u8,
}

impl Prefix {
    /// Every address.
    pub const ALL: Prefix = Prefix { network: Ipv4Addr::UNSPECIFIED, len: 0 };

    /// The network of this length that contains `addr`. Lengths beyond 32 count as 32.
    #[must_use]
    pub fn of(addr: Ipv4Addr, len: u8) -> Prefix {
        let len = len.min(32);
        Prefix { network: (u32::from(addr) & bits(len)).into(), len }
    }

    /// Its first address.
    #[must_use]
    pub fn network(self) -> Ipv4Addr {
        self.network
    }

    /// Its last address.
    #[must_use]
    pub fn last(self) -> Ipv4Addr {
        (u32::from(self.network) | !bits(self.len)).into()
    }

    /// How many leading bits its addresses share, 0 to 32.
    #[must_use]
    pub fn length(self) -> u8 {
        self.len
    }

    /// Its netmask.
    #[must_use]
    pub fn mask(self) -> Ipv4Addr {
        bits(self.len).into()
    }

    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(self, addr: Ipv4Addr) -> bool {
        u32::from(addr) & bits(self.len) == u32::from(self.network)
    }
}

/// A mask of this many leading ones.
fn bits(len: u8) -> u32 {
    !u32::MAX.checked_shr(len.into()).unwrap_or(0)
}

/// How a source is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteOrigin {
    /// No route covers the source.
    None,
    /// The source is an address of this router itself.
    Local,
    /// The source is on a directly connected network.
    Connected,
    /// The source is reached through this gateway.
    Via(Ipv4Addr),
}

/// One of several equal-cost paths towards a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NextHop {
    /// [`RouteOrigin::Connected`] or [`RouteOrigin::Via`].
    pub origin: RouteOrigin,
    /// The interface towards the source.
    pub if_index: u32,
}

/// The result of a route look-up for one source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// How the source is reached, by the path that the system prefers.
    pub origin: RouteOrigin,
    /// The interface towards the source on that path; 0 without a route, and for `Local`.
    pub if_index: u32,
    /// All equal-cost paths in the route's order, including the preferred one; `None` if
    /// there is no other.
    pub paths: Option<Arc<[NextHop]>>,
    /// The network of the route that matched.
    pub network: Ipv4Addr,
    /// The length of that network's prefix, 0 to 32.
    pub prefix_len: u8,
    /// PROTO_IP_*: LOCAL (2) for connected networks, NETMGMT (3) for static routes …
    pub protocol: u32,
}

impl Route {
    /// No route at all.
    pub const NONE: Route = Route {
        origin: RouteOrigin::None,
        if_index: 0,
        paths: None,
        network: Ipv4Addr::UNSPECIFIED,
        prefix_len: 0,
        protocol: 0,
    };

    /// Assigns another route; cheap if neither has several paths.
    #[inline]
    pub fn become_like(&mut self, other: &Route) {
        let Route { origin, if_index, paths, network, prefix_len, protocol } = other;
        if self.paths.is_some() || paths.is_some() {
            self.paths.clone_from(paths);
        }
        (self.origin, self.if_index, self.network) = (*origin, *if_index, *network);
        (self.prefix_len, self.protocol) = (*prefix_len, *protocol);
    }

    /// The network of the route that matched.
    #[must_use]
    pub fn prefix(&self) -> Prefix {
        Prefix::of(self.network, self.prefix_len)
    }

    /// The route's netmask.
    #[must_use]
    pub fn mask(&self) -> Ipv4Addr {
        bits(self.prefix_len).into()
    }

    /// The neighbour towards the source; 0.0.0.0 if it is directly connected.
    #[must_use]
    pub fn upstream(&self) -> Ipv4Addr {
        match self.origin {
            RouteOrigin::Via(gateway) => gateway,
            _ => Ipv4Addr::UNSPECIFIED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_the_addresses_from_its_first_to_its_last() {
        let prefix = Prefix::of([10, 1, 2, 3].into(), 16);
        assert_eq!((prefix.network(), prefix.length()), ([10, 1, 0, 0].into(), 16));
        assert_eq!(prefix.last(), Ipv4Addr::from([10, 1, 255, 255]));
        assert!(prefix.contains([10, 1, 9, 9].into()) && !prefix.contains([10, 2, 0, 0].into()));
        assert!(Prefix::ALL.contains([255, 0, 0, 1].into()));
        assert_eq!(Prefix::of([10, 0, 0, 1].into(), 40), Prefix::of([10, 0, 0, 1].into(), 32));
    }

    #[test]
    fn masks_of_all_lengths() {
        let mask = |prefix_len| Route { prefix_len, ..Route::NONE }.mask();
        assert_eq!(mask(0), Ipv4Addr::new(0, 0, 0, 0));
        assert_eq!(mask(8), Ipv4Addr::new(255, 0, 0, 0));
        assert_eq!(mask(32), Ipv4Addr::new(255, 255, 255, 255));
    }
}
