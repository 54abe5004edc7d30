//! Where the packets of a source may come in (spec 5.1).

use super::Model;
use mgm_engine::ClientId;
use mgm_types::{Flow, Interface, Ipv4Addr, NextHop, RouteOrigin};

/// What the look-up of a source means for a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    In(Interface, Ipv4Addr),
    /// Only through interfaces with a boundary for the group.
    Bounded,
    /// No route, or through nobody's interface.
    Nowhere,
}

impl Model {
    /// The interface that a way of a route means, if it is there, and the neighbour.
    fn interface_of(&self, source: Ipv4Addr, hop: NextHop) -> Option<(Interface, Ipv4Addr)> {
        let none = Ipv4Addr::UNSPECIFIED;
        let (next_hop, upstream) = match hop.origin {
            RouteOrigin::Connected => (source, none),
            RouteOrigin::Via(gateway) => (gateway, gateway),
            RouteOrigin::None | RouteOrigin::Local => return None,
        };
        let index = hop.if_index;
        let names = [Interface { index, next_hop }, Interface::link(index)];
        let there = names.into_iter().find(|name| self.place(*name).is_some())?;
        Some((there, upstream))
    }

    /// The system's choice, then the others.
    fn hops(&self, source: Ipv4Addr) -> Vec<NextHop> {
        let route = self.route(source);
        let mut hops = vec![NextHop { origin: route.origin, if_index: route.if_index }];
        hops.extend(route.ways.iter().flat_map(|ways| ways.iter().copied()));
        hops
    }

    /// The ways in that a client serves, and a boundary does not bar.
    fn open_ways(&self, flow: Flow) -> Vec<(Interface, Ipv4Addr)> {
        let all = self.served_ways(flow.source());
        all.into_iter().filter(|(name, _)| !self.is_bounded(*name, flow.group())).collect()
    }

    fn served_ways(&self, source: Ipv4Addr) -> Vec<(Interface, Ipv4Addr)> {
        let hops = self.hops(source).into_iter();
        hops.filter_map(|hop| self.interface_of(source, hop))
            .filter(|(name, _)| self.master(*name).is_some())
            .collect()
    }

    fn is_own(&self, source: Ipv4Addr) -> bool {
        self.route(source).origin == RouteOrigin::Local
    }

    /// Whether the kernel tells nothing of where the packets of this flow arrive.
    pub fn is_untold(&self, flow: Flow) -> bool {
        self.kernel && self.is_own(flow.source())
    }

    pub fn way(&self, flow: Flow, present: Option<Interface>) -> Way {
        if self.is_own(flow.source()) {
            return match present.filter(|name| self.master(*name).is_some()) {
                None => Way::Nowhere,
                Some(name) if self.is_bounded(name, flow.group()) => Way::Bounded,
                Some(name) => Way::In(name, Ipv4Addr::UNSPECIFIED),
            };
        }
        let open = self.open_ways(flow);
        let kept = open.iter().find(|(name, _)| Some(*name) == present);
        match kept.or(open.first()) {
            Some((name, upstream)) => Way::In(*name, *upstream),
            None if self.served_ways(flow.source()).is_empty() => Way::Nowhere,
            None => Way::Bounded,
        }
    }

    /// Whether the flow may come in there, from this neighbour.
    pub fn is_way(&self, flow: Flow, way: (Interface, Ipv4Addr)) -> bool {
        if self.is_own(flow.source()) {
            return self.way(flow, Some(way.0)) == Way::In(way.0, way.1);
        }
        self.open_ways(flow).contains(&way)
    }

    /// Whether one of the ways of the source's route leads to this index.
    pub fn leads_to(&self, source: Ipv4Addr, index: u32) -> bool {
        self.hops(source).iter().any(|hop| hop.if_index == index)
    }

    /// Who owns the interface towards a source, by the system's choice (spec 4.6, D9).
    pub fn towards(&self, source: Ipv4Addr) -> Option<ClientId> {
        let choice = *self.hops(source).first()?;
        self.master(self.interface_of(source, choice)?.0)
    }
}
