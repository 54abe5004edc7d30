//! The interfaces on which the packets of a source may arrive, by its route (spec 5.1).

use super::limits;
use crate::tables::{ClientId, Rpf, SourceId, Tables};
use mgm_types::{Flow, IfId, Interface, Ipv4Addr, NextHop, Route, RouteOrigin};

/// The result of the look-up of a source, for a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpfPath {
    /// Packets arrive there.
    In(Rpf),
    /// All paths through a client's interface have a boundary for the group.
    Bounded,
    /// No route, or none through an interface that a client owns.
    Nowhere,
}

/// The expected iif of a flow: `present` if that is legitimate, otherwise the system's choice,
/// otherwise the first path through a client's interface.
#[inline(always)]
pub fn rpf_path(t: &Tables, flow: Flow, source: SourceId, present: Option<IfId>) -> RpfPath {
    let route = t.flows.sources.route(source);
    if route.origin == RouteOrigin::Local {
        // Its packets arrive where the router sends them.
        let present = present.filter(|&id| t.interfaces.master(id).is_some());
        return match present {
            None => RpfPath::Nowhere,
            Some(id) if limits::is_bounded(t, id, flow.group()) => RpfPath::Bounded,
            Some(id) => RpfPath::In(Rpf { iif: id, upstream: Ipv4Addr::UNSPECIFIED }),
        };
    }
    if route.paths.is_none() {
        // The usual case: the system's choice is the only path.
        let choice = NextHop { origin: route.origin, if_index: route.if_index };
        return match interface_by(t, source, choice, present) {
            Some(rpf) if t.interfaces.master(rpf.iif).is_none() => RpfPath::Nowhere,
            Some(rpf) if limits::is_bounded(t, rpf.iif, flow.group()) => RpfPath::Bounded,
            Some(rpf) => RpfPath::In(rpf),
            None => RpfPath::Nowhere,
        };
    }
    rpf_path_of_many(t, flow, source, present)
}

/// The same for a route with several paths.
#[cold]
fn rpf_path_of_many(t: &Tables, flow: Flow, source: SourceId, present: Option<IfId>) -> RpfPath {
    let mut found = RpfPath::Nowhere;
    for rpf in all_paths(t, source) {
        if t.interfaces.master(rpf.iif).is_none() {
            continue;
        }
        if limits::is_bounded(t, rpf.iif, flow.group()) {
            if found == RpfPath::Nowhere {
                found = RpfPath::Bounded;
            }
            continue;
        }
        if Some(rpf.iif) == present {
            return RpfPath::In(rpf);
        }
        if !matches!(found, RpfPath::In(_)) {
            found = RpfPath::In(rpf);
            if present.is_none() {
                break;
            }
        }
    }
    found
}

/// Whether packets of a flow may arrive on an interface.
pub fn leads_to(t: &Tables, flow: Flow, source: SourceId, iif: IfId) -> bool {
    matches!(rpf_path(t, flow, source, Some(iif)), RpfPath::In(rpf) if rpf.iif == iif)
}

/// Whether packets of a flow may arrive there, from this neighbour.
pub fn is_rpf_path(t: &Tables, flow: Flow, source: SourceId, path: Rpf) -> bool {
    if t.interfaces.master(path.iif).is_none() || limits::is_bounded(t, path.iif, flow.group()) {
        return false;
    }
    match t.flows.sources.route(source).origin {
        RouteOrigin::Local => path.upstream.is_unspecified(),
        _ => all_paths(t, source).any(|other| other == path),
    }
}

/// All paths of a route through an interface with a number: first the system's choice, then
/// the others in the route's order.
fn all_paths(t: &Tables, source: SourceId) -> impl Iterator<Item = Rpf> + '_ {
    let Route { origin, if_index, paths, .. } = t.flows.sources.route(source);
    let choice = NextHop { origin: *origin, if_index: *if_index };
    let others = paths.as_deref().unwrap_or_default().iter().copied();
    let all = std::iter::once(choice).chain(others.filter(move |hop| *hop != choice));
    all.filter_map(move |hop| interface_by(t, source, hop, None))
}

/// The interface of one path of a route, and the neighbour there. Tries the `likely` interface
/// first.
#[inline(always)]
fn interface_by(t: &Tables, source: SourceId, hop: NextHop, likely: Option<IfId>) -> Option<Rpf> {
    interface_of(t, || t.flows.sources.addr(source), hop, likely)
}

/// The same for a source with this address.
#[inline(always)]
pub fn interface_of(
    t: &Tables,
    addr: impl FnOnce() -> Ipv4Addr,
    hop: NextHop,
    likely: Option<IfId>,
) -> Option<Rpf> {
    let (neighbour, upstream) = match hop.origin {
        RouteOrigin::None | RouteOrigin::Local => return None,
        RouteOrigin::Connected => (addr(), Ipv4Addr::UNSPECIFIED),
        RouteOrigin::Via(gateway) => (gateway, gateway),
    };
    let link = Interface::link(hop.if_index);
    if let Some(id) = likely.filter(|&id| t.interfaces.name(id) == link) {
        return Some(Rpf { iif: id, upstream });
    }
    // An index with next hops has no interface with next hop 0.
    let id = t
        .interfaces
        .find(link)
        .or_else(|| t.interfaces.find(Interface { index: hop.if_index, next_hop: neighbour }))?;
    Some(Rpf { iif: id, upstream })
}

/// The client that owns the interface towards a source, by the system's choice (spec 4.6).
pub fn towards(t: &Tables, source: SourceId) -> Option<ClientId> {
    let Route { origin, if_index, .. } = *t.flows.sources.route(source);
    let rpf = interface_by(t, source, NextHop { origin, if_index }, None)?;
    t.interfaces.master(rpf.iif)
}
