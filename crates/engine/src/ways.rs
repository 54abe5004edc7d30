//! The interfaces on which the packets of a source may arrive, by its route (spec 5.1).

use super::sources::SourceId;
use super::{ClientId, Engine};
use crate::types::{Flow, IfId, Interface, Ipv4Addr, NextHop, Route, RouteOrigin};

/// The result of the look-up of a source, for a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Packets arrive there, from this neighbour (0.0.0.0: from the source itself).
    In(IfId, Ipv4Addr),
    /// All paths through a client's interface have a boundary for the group.
    Bounded,
    /// No route, or none through an interface that a client owns.
    Nowhere,
}

impl Engine {
    /// The expected iif of a flow: `present` if that is legitimate, otherwise the system's choice,
    /// otherwise the first path through a client's interface.
    #[inline(always)]
    pub(super) fn way(&self, flow: Flow, source: SourceId, present: Option<IfId>) -> Way {
        let route = self.flows.sources.route(source);
        if route.origin == RouteOrigin::Local {
            // Its packets arrive where the router sends them.
            let present = present.filter(|&id| self.interfaces.master(id).is_some());
            return match present {
                None => Way::Nowhere,
                Some(id) if self.is_bounded(id, flow.group()) => Way::Bounded,
                Some(id) => Way::In(id, Ipv4Addr::UNSPECIFIED),
            };
        }
        if route.ways.is_none() {
            // The usual case: the system's choice is the only path.
            let choice = NextHop { origin: route.origin, if_index: route.if_index };
            return match self.interface_by(source, choice, present) {
                Some((id, _)) if self.interfaces.master(id).is_none() => Way::Nowhere,
                Some((id, _)) if self.is_bounded(id, flow.group()) => Way::Bounded,
                Some((id, upstream)) => Way::In(id, upstream),
                None => Way::Nowhere,
            };
        }
        self.way_of_many(flow, source, present)
    }

    /// The same for a route with several paths.
    #[cold]
    fn way_of_many(&self, flow: Flow, source: SourceId, present: Option<IfId>) -> Way {
        let mut found = Way::Nowhere;
        for (id, upstream) in self.all_ways(source) {
            if self.interfaces.master(id).is_none() {
                continue;
            }
            if self.is_bounded(id, flow.group()) {
                if found == Way::Nowhere {
                    found = Way::Bounded;
                }
                continue;
            }
            if Some(id) == present {
                return Way::In(id, upstream);
            }
            if !matches!(found, Way::In(..)) {
                found = Way::In(id, upstream);
                if present.is_none() {
                    break;
                }
            }
        }
        found
    }

    /// Whether packets of a flow may arrive there, from this neighbour.
    pub(super) fn is_way(&self, flow: Flow, source: SourceId, way: (IfId, Ipv4Addr)) -> bool {
        if self.interfaces.master(way.0).is_none() || self.is_bounded(way.0, flow.group()) {
            return false;
        }
        match self.flows.sources.route(source).origin {
            RouteOrigin::Local => way.1.is_unspecified(),
            _ => self.all_ways(source).any(|other| other == way),
        }
    }

    /// All paths of a route through an interface with a number: first the system's choice, then
    /// the others in the route's order.
    fn all_ways(&self, source: SourceId) -> impl Iterator<Item = (IfId, Ipv4Addr)> + '_ {
        let Route { origin, if_index, ways, .. } = self.flows.sources.route(source);
        let choice = NextHop { origin: *origin, if_index: *if_index };
        let others = ways.as_deref().unwrap_or_default().iter().copied();
        let all = std::iter::once(choice).chain(others.filter(move |hop| *hop != choice));
        all.filter_map(move |hop| self.interface_of(source, hop))
    }

    /// The interface of one path of a route, and the neighbour there.
    fn interface_of(&self, source: SourceId, hop: NextHop) -> Option<(IfId, Ipv4Addr)> {
        self.interface_by(source, hop, None)
    }

    /// The same, but tries the `likely` interface first.
    #[inline(always)]
    fn interface_by(
        &self,
        source: SourceId,
        hop: NextHop,
        likely: Option<IfId>,
    ) -> Option<(IfId, Ipv4Addr)> {
        let (neighbour, upstream) = match hop.origin {
            RouteOrigin::None | RouteOrigin::Local => return None,
            RouteOrigin::Connected => (self.flows.sources.addr(source), Ipv4Addr::UNSPECIFIED),
            RouteOrigin::Via(gateway) => (gateway, gateway),
        };
        let link = Interface::link(hop.if_index);
        if let Some(id) = likely.filter(|&id| self.interfaces.name(id) == link) {
            return Some((id, upstream));
        }
        // An index with next hops has no interface with next hop 0.
        let id = self.interfaces.find(link).or_else(|| {
            self.interfaces.find(Interface { index: hop.if_index, next_hop: neighbour })
        })?;
        Some((id, upstream))
    }

    /// The client that owns the interface towards a source, by the system's choice (spec 4.6).
    pub(super) fn towards(&self, source: SourceId) -> Option<ClientId> {
        let Route { origin, if_index, .. } = *self.flows.sources.route(source);
        let (id, _) = self.interface_by(source, NextHop { origin, if_index }, None)?;
        self.interfaces.master(id)
    }
}
