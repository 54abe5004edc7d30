//! What a look-up of a source in the multicast view of the routes tells.

use std::net::Ipv4Addr;

/// How a source is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteOrigin {
    /// No route covers the source.
    None,
    /// The source is an address of this router itself.
    Local,
    /// The source is on a directly connected network.
    Connected,
    /// The source is behind this gateway.
    Via(Ipv4Addr),
}

/// The result of a route look-up for one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// How the source is reached.
    pub origin: RouteOrigin,
    /// The interface towards the source; 0 without a route, and for `Local`.
    pub if_index: u32,
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
        network: Ipv4Addr::UNSPECIFIED,
        prefix_len: 0,
        protocol: 0,
    };

    /// The route's netmask.
    #[must_use]
    pub fn mask(&self) -> Ipv4Addr {
        Ipv4Addr::from(!u32::MAX.checked_shr(self.prefix_len.into()).unwrap_or(0))
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
    fn masks_of_all_lengths() {
        let mask = |prefix_len| Route { prefix_len, ..Route::NONE }.mask();
        assert_eq!(mask(0), Ipv4Addr::new(0, 0, 0, 0));
        assert_eq!(mask(8), Ipv4Addr::new(255, 0, 0, 0));
        assert_eq!(mask(32), Ipv4Addr::new(255, 255, 255, 255));
    }
}
