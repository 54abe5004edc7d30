//! The interfaces on which the packets of a source may arrive (spec 5.1).

use super::Model;
use mgm_engine::ClientId;
use mgm_types::{Flow, Interface, Ipv4Addr, NextHop, Route, RouteOrigin};

/// The result of the look-up of a source, for a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpfPath {
    In(Interface, Ipv4Addr),
    /// Only through interfaces with a boundary for the group.
    Bounded,
    /// No route, or none through an interface that a client owns.
    Nowhere,
}

/// The system's choice, then the others.
fn hops(route: &Route) -> Vec<NextHop> {
    let mut hops = vec![NextHop { origin: route.origin, if_index: route.if_index }];
    hops.extend(route.paths.iter().flat_map(|paths| paths.iter().copied()));
    hops
}

/// Whether one of the paths of a route leads to this index.
pub fn leads_to(route: &Route, index: u32) -> bool {
    hops(route).iter().any(|hop| hop.if_index == index)
}

impl Model {
    /// The interface of a path, if it exists, and the neighbour.
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

    /// The paths through interfaces that a client owns, and that no boundary forbids.
    fn open_paths(&self, flow: Flow, route: &Route) -> Vec<(Interface, Ipv4Addr)> {
        let all = self.served_ways(flow.source(), route);
        all.into_iter().filter(|(name, _)| !self.is_bounded(*name, flow.group())).collect()
    }

    fn served_ways(&self, source: Ipv4Addr, route: &Route) -> Vec<(Interface, Ipv4Addr)> {
        let hops = hops(route).into_iter();
        hops.filter_map(|hop| self.interface_of(source, hop))
            .filter(|(name, _)| self.master(*name).is_some())
            .collect()
    }

    /// Whether the kernel does not report on which interface the packets of this flow arrive.
    pub fn is_untold(&self, flow: Flow) -> bool {
        self.kernel && self.route(flow).origin == RouteOrigin::Local
    }

    /// The iif by a route, which may have several paths.
    pub fn rpf_path(&self, flow: Flow, route: &Route, present: Option<Interface>) -> RpfPath {
        if route.origin == RouteOrigin::Local {
            return match present.filter(|name| self.master(*name).is_some()) {
                None => RpfPath::Nowhere,
                Some(name) if self.is_bounded(name, flow.group()) => RpfPath::Bounded,
                Some(name) => RpfPath::In(name, Ipv4Addr::UNSPECIFIED),
            };
        }
        let open = self.open_paths(flow, route);
        let kept = open.iter().find(|(name, _)| Some(*name) == present);
        match kept.or(open.first()) {
            Some((name, upstream)) => RpfPath::In(*name, *upstream),
            None if self.served_ways(flow.source(), route).is_empty() => RpfPath::Nowhere,
            None => RpfPath::Bounded,
        }
    }

    /// The iif of a flow that has an MFE.
    pub fn present_way(&self, flow: Flow, present: Option<Interface>) -> RpfPath {
        self.rpf_path(flow, &self.route(flow), present)
    }

    /// Whether a route permits the flow on this interface, from this neighbour.
    pub fn is_rpf_path(&self, flow: Flow, route: &Route, way: (Interface, Ipv4Addr)) -> bool {
        if route.origin == RouteOrigin::Local {
            return self.rpf_path(flow, route, Some(way.0)) == RpfPath::In(way.0, way.1);
        }
        self.open_paths(flow, route).contains(&way)
    }

    /// The owner of the interface towards the source of a flow with memberships, by the system's
    /// choice (spec 4.6, D9).
    pub fn towards(&self, flow: Flow) -> Option<ClientId> {
        self.towards_by(flow.source(), &self.route(flow))
    }

    /// The same by any route.
    pub fn towards_by(&self, source: Ipv4Addr, route: &Route) -> Option<ClientId> {
        let choice = *hops(route).first()?;
        self.master(self.interface_of(source, choice)?.0)
    }
}
