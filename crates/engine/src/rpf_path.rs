//! The interfaces on which the packets of a source may arrive, by its route (spec 5.1).

use super::sources::SourceId;
use super::{ClientId, Engine};
use crate::types::{Flow, IfId, Interface, Ipv4Addr, NextHop, Route, RouteOrigin};

/// The result of the look-up of a source, for a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RpfPath {
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
    pub(super) fn rpf_path(&self, flow: Flow, source: SourceId, present: Option<IfId>) -> RpfPath {
        let route = self.flows.sources.route(source);
        if route.origin == RouteOrigin::Local {
            // Its packets arrive where the router sends them.
            let present = present.filter(|&id| self.interfaces.master(id).is_some());
            return match present {
                None => RpfPath::Nowhere,
                Some(id) if self.is_bounded(id, flow.group()) => RpfPath::Bounded,
                Some(id) => RpfPath::In(id, Ipv4Addr::UNSPECIFIED),
            };
        }
        if route.paths.is_none() {
            // The usual case: the system's choice is the only path.
            let choice = NextHop { origin: route.origin, if_index: route.if_index };
            return match self.interface_by(source, choice, present) {
                Some((id, _)) if self.interfaces.master(id).is_none() => RpfPath::Nowhere,
                Some((id, _)) if self.is_bounded(id, flow.group()) => RpfPath::Bounded,
                Some((id, upstream)) => RpfPath::In(id, upstream),
                None => RpfPath::Nowhere,
            };
        }
        self.rpf_path_of_many(flow, source, present)
    }

    /// The same for a route with several paths.
    #[cold]
    fn rpf_path_of_many(&self, flow: Flow, source: SourceId, present: Option<IfId>) -> RpfPath {
        let mut found = RpfPath::Nowhere;
        for (id, upstream) in self.all_paths(source) {
            if self.interfaces.master(id).is_none() {
                continue;
            }
            if self.is_bounded(id, flow.group()) {
                if found == RpfPath::Nowhere {
                    found = RpfPath::Bounded;
                }
                continue;
            }
            if Some(id) == present {
                return RpfPath::In(id, upstream);
            }
            if !matches!(found, RpfPath::In(..)) {
                found = RpfPath::In(id, upstream);
                if present.is_none() {
                    break;
                }
            }
        }
        found
    }

    /// Whether packets of a flow may arrive there, from this neighbour.
    pub(super) fn is_rpf_path(&self, flow: Flow, source: SourceId, path: (IfId, Ipv4Addr)) -> bool {
        if self.interfaces.master(path.0).is_none() || self.is_bounded(path.0, flow.group()) {
            return false;
        }
        match self.flows.sources.route(source).origin {
            RouteOrigin::Local => path.1.is_unspecified(),
            _ => self.all_paths(source).any(|other| other == path),
        }
    }

    /// All paths of a route through an interface with a number: first the system's choice, then
    /// the others in the route's order.
    fn all_paths(&self, source: SourceId) -> impl Iterator<Item = (IfId, Ipv4Addr)> + '_ {
        let Route { origin, if_index, paths, .. } = self.flows.sources.route(source);
        let choice = NextHop { origin: *origin, if_index: *if_index };
        let others = paths.as_deref().unwrap_or_default().iter().copied();
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
