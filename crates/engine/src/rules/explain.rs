//! Explains one flow, with or without an MFE (spec 3.5, 3.7, 5.1 to 5.5).
//!
//! Nothing is stored for this except which interfaces an answer to CREATION_ALERT has switched off.
//! All else follows from the state. An MFE ends when the owner of its iif changes, and
//! RPF_CALLBACK can only name an interface of the client that was asked. So the client that was
//! asked is the owner of the iif, and its answer is the iif and the neighbour of the MFE.

use super::explain_reason;
use super::explanation::{
    ArrivalRow, Explanation, FoundBy, Holder, Incoming, Obstacle, OifAnswer, PathRow, RefusalRow,
    ResolutionPurpose, RpfQuestion, RpfState, WantedRow,
};
use super::retrieval::{self, MfeRow};
use super::{forwarder, limits, rpf, sources};
use crate::notice::NoticeKind;
use crate::packet::Refused;
use crate::tables::{
    AwaitedAnswers, ClientId, IifOrigin, Mfe, Purpose, RefusedFlow, Resolution, Rpf, Side, Slot,
    Tables,
};
use mgm_types::{Flow, IfId, IfSet, Interface, Ipv4Addr, NextHop, Route, RouteOrigin, Scope, Time};

/// The flow to explain.
#[derive(Clone, Copy, Debug)]
pub struct ExplainedFlow<'a> {
    /// An `(s,g)`.
    pub flow: Flow,
    /// Where its packets arrive; `None` selects the interface where they arrived, or are expected.
    pub arrival: Option<Interface>,
    /// The route of the source, if [`Engine::needs_route`](crate::Engine::needs_route).
    pub route: Option<&'a Route>,
    /// Where a packet has arrived for which the forwarder's limit of new flows had no room.
    pub limited_on: Option<Interface>,
}

/// The state of a flow.
struct FlowState<'a> {
    t: &'a Tables,
    flow: Flow,
    mfe: Option<&'a Mfe>,
    resolution: Option<&'a Resolution>,
    refused: Option<&'a RefusedFlow>,
    /// Where packets arrive, if that is known.
    arrival: Option<Interface>,
}

/// Explains a flow.
pub fn explain(t: &Tables, now: Time, asked: ExplainedFlow<'_>) -> Explanation {
    let flow = asked.flow;
    let mfe = t.flows.mfe(flow);
    let resolution = t.resolutions.get(flow);
    let refused = t.refusals.get(flow);
    let known = match (mfe, resolution, refused) {
        (Some(mfe), _, _) => Some(t.interfaces.name(mfe.iif)),
        (_, Some(resolution), _) => Some(resolution.packet.arrival),
        (_, _, Some(refused)) => Some(refused.refusal.packet.arrival),
        _ => asked.limited_on,
    };
    // A flow that has begun since then is not refused any longer. The limit of one interface says
    // nothing about packets that arrive on another one.
    let has_begun = mfe.is_some() || resolution.is_some();
    let is_asked = |on: Interface| asked.arrival.is_none_or(|arrival| arrival.index == on.index);
    let limited = asked.limited_on.filter(|on| !has_begun && is_asked(*on));
    let limited = limited.map(|arrival| RefusalRow {
        why: Refused::FlowRate,
        arrival,
        ends_in_ms: 0, // the next packet tries again
    });
    let remembered = refused.map(|refused| recent(t, now, refused));
    let remembered = remembered.filter(|row| row.why != Refused::FlowRate || is_asked(row.arrival));
    let state = FlowState { t, flow, mfe, resolution, refused, arrival: asked.arrival.or(known) };
    let route = state.route(asked);
    let paths = state.paths(&route);
    let expected = state.expected(&route, &paths);
    let question = state.question(expected, &paths);
    let row = mfe.map(|_| {
        let mut row = MfeRow::default();
        retrieval::read_mfe(t, now, flow, &mut row);
        (row, found_by(t.origins.of(flow)))
    });
    let mut all = Explanation {
        flow,
        arrival: state.arrival.map(|interface| state.arrival_row(interface)),
        route,
        paths,
        expected,
        question,
        wanted_by: state.wanted_by(expected),
        resolving: resolution.map(|resolution| purpose(resolution.purpose)),
        refusal: remembered.or(limited),
        mfe: row,
        entry: forwarder::entry(t, flow, &mut Vec::new()),
        reason: None,
    };
    all.reason = explain_reason::first(t, &all);
    all
}

fn recent(t: &Tables, now: Time, refused: &RefusedFlow) -> RefusalRow {
    RefusalRow {
        why: refused.refusal.why,
        arrival: refused.refusal.packet.arrival,
        ends_in_ms: t.refusals.end_of(refused).map_or(0, |end| end.since(now)),
    }
}

fn found_by(origin: IifOrigin) -> FoundBy {
    match origin {
        IifOrigin::Route => FoundBy::Route,
        IifOrigin::Client => FoundBy::Client,
        IifOrigin::Unrouted(_) => FoundBy::Unrouted,
    }
}

fn purpose(purpose: Purpose) -> ResolutionPurpose {
    match purpose {
        Purpose::Create => ResolutionPurpose::Create,
        Purpose::Renew => ResolutionPurpose::Renew,
        Purpose::Reroute => ResolutionPurpose::Reroute,
    }
}

fn holder(t: &Tables, client: Option<ClientId>) -> Option<Holder> {
    let id = client?;
    let (protocol, component) = t.clients.key(id)?;
    Some(Holder { id, protocol, component })
}

impl FlowState<'_> {
    fn boundary(&self, if_index: u32) -> Option<Scope> {
        self.t.limits.boundary_of(if_index, self.flow.group())
    }

    fn incoming(&self, Rpf { iif, upstream }: Rpf) -> Incoming {
        Incoming { interface: self.t.interfaces.name(iif), upstream }
    }

    fn arrival_id(&self) -> Option<IfId> {
        self.arrival.and_then(|arrival| self.t.interfaces.served(arrival))
    }

    fn arrival_row(&self, interface: Interface) -> ArrivalRow {
        let id = self.t.interfaces.served(interface);
        ArrivalRow {
            interface,
            owner: holder(self.t, id.and_then(|id| self.t.interfaces.master(id))),
            boundary: self.boundary(interface.index),
        }
    }

    /// The route that decides about the flow.
    fn route(&self, asked: ExplainedFlow<'_>) -> Route {
        let t = self.t;
        let new = self.resolution.filter(|resolution| resolution.purpose == Purpose::Create);
        let source = match (self.mfe, new, self.refused) {
            (Some(_), _, _) => Some(t.flows.source(self.flow)),
            (_, Some(resolution), _) => Some(resolution.source),
            (_, _, Some(refused)) => Some(refused.source),
            _ => sources::find(t, self.flow, self.arrival.unwrap_or(Interface::NONE)),
        };
        match source {
            Some(source) => t.flows.sources.route(source).clone(),
            None => asked.route.cloned().unwrap_or(Route::NONE),
        }
    }

    /// The paths of a route: the system's choice, then the others.
    fn paths(&self, route: &Route) -> Vec<PathRow> {
        let choice = NextHop { origin: route.origin, if_index: route.if_index };
        let others = route.paths.as_deref().unwrap_or_default().iter().copied();
        let all = std::iter::once(choice).chain(others.filter(|hop| *hop != choice));
        all.filter_map(|hop| self.path(hop)).collect()
    }

    fn path(&self, hop: NextHop) -> Option<PathRow> {
        let gateway = match hop.origin {
            RouteOrigin::None | RouteOrigin::Local => return None,
            RouteOrigin::Connected => Ipv4Addr::UNSPECIFIED,
            RouteOrigin::Via(gateway) => gateway,
        };
        let interfaces = &self.t.interfaces;
        let found = rpf::interface_of(self.t, || self.flow.source(), hop, None);
        Some(PathRow {
            if_index: hop.if_index,
            gateway,
            interface: found.map(|rpf| interfaces.name(rpf.iif)),
            owner: holder(self.t, found.and_then(|rpf| interfaces.master(rpf.iif))),
            boundary: self.boundary(hop.if_index),
        })
    }

    /// Where packets are expected, as `rpf::rpf_path` decides: the arrival interface if it is
    /// legitimate, otherwise the first legitimate path.
    fn expected(&self, route: &Route, paths: &[PathRow]) -> Option<Incoming> {
        if route.origin == RouteOrigin::Local {
            let id = self.arrival_id()?;
            let is_open = !limits::is_bounded(self.t, id, self.flow.group());
            let there = Rpf { iif: id, upstream: Ipv4Addr::UNSPECIFIED };
            return is_open.then(|| self.incoming(there));
        }
        let legitimate = || paths.iter().filter(|path| path.is_legitimate());
        let here = legitimate().find(|path| path.interface == self.arrival);
        let path = here.or_else(|| legitimate().next())?;
        Some(Incoming { interface: path.interface?, upstream: path.gateway })
    }

    /// Which client RPF_CALLBACK has asked, or would ask, and its answer.
    fn question(&self, expected: Option<Incoming>, paths: &[PathRow]) -> RpfQuestion {
        let t = self.t;
        let (asked, about, accepted) = match (self.resolution, self.mfe) {
            (Some(resolution), _) => {
                let about = resolution.expected.map(|rpf| self.incoming(rpf));
                let is_answered = !matches!(resolution.waiting, AwaitedAnswers::Rpf(_));
                (Some(resolution.asked), about, is_answered.then_some(resolution.rpf))
            }
            (_, Some(mfe)) => {
                let is_unrouted = matches!(t.origins.of(self.flow), IifOrigin::Unrouted(_));
                (Some(mfe.iif), expected.filter(|_| !is_unrouted), Some(mfe.rpf()))
            }
            _ => match expected {
                Some(expected) => (t.interfaces.find(expected.interface), Some(expected), None),
                None => (self.asked_without_route(paths), None, None),
            },
        };
        let owner = asked.and_then(|id| t.interfaces.master(id));
        let is_refused =
            self.refused.is_some_and(|refused| refused.refusal.why == Refused::NoUpstream);
        let state = match owner {
            None => RpfState::NoClient,
            Some(owner) if !t.clients.has_callback(owner, NoticeKind::Rpf) => RpfState::NoCallback,
            Some(_) if accepted.is_some() => RpfState::Answered,
            Some(_) if self.resolution.is_some() => RpfState::Waiting,
            Some(_) if is_refused && self.arrived_where_refused() => RpfState::Declined,
            Some(_) => RpfState::NotAsked,
        };
        let accepted = accepted.map(|rpf| self.incoming(rpf));
        RpfQuestion { client: holder(t, owner), about, state, accepted }
    }

    /// The arrival interface, if its owner is asked about a flow without a route (spec 5.2, D63).
    fn asked_without_route(&self, paths: &[PathRow]) -> Option<IfId> {
        let id = self.arrival_id()?;
        let is_bounded = limits::is_bounded(self.t, id, self.flow.group());
        let leads_to_boundary =
            paths.iter().any(|path| path.owner.is_some() && path.boundary.is_some());
        (!is_bounded && !leads_to_boundary).then_some(id)
    }

    fn arrived_where_refused(&self) -> bool {
        self.refused.map(|refused| refused.refusal.packet.arrival) == self.arrival
    }

    /// The interfaces that want the flow, or that their owners switched on or off.
    fn wanted_by(&self, expected: Option<Incoming>) -> Vec<WantedRow> {
        let t = self.t;
        let mut all = IfSet::default();
        for flow in self.matching() {
            if let Some(members) = t.flows.members(flow) {
                members.add_to(&mut all);
            }
        }
        if let Some(mfe) = self.mfe {
            all.union_with(mfe.oifs.view());
            if let Some(rare) = &mfe.rare {
                all.union_with(rare.overrides.on.view());
                all.union_with(rare.overrides.off.view());
            }
        }
        let iif = match (self.mfe, self.resolution) {
            (Some(mfe), _) => Some(t.interfaces.name(mfe.iif)),
            (_, Some(resolution)) => Some(t.interfaces.name(resolution.rpf.iif)),
            _ => expected.map(|expected| expected.interface),
        };
        let slots = all.iter().filter_map(|id| Some((id, t.interfaces.get(id)?)));
        let mut rows: Vec<_> = slots.map(|(id, slot)| self.wanted_row(id, slot, iif)).collect();
        rows.sort_by_key(|row| row.interface);
        rows
    }

    /// The memberships that match the flow.
    fn matching(&self) -> [Flow; 3] {
        [self.flow, self.flow.shared(), Flow::WILDCARD]
    }

    fn wanted_row(&self, id: IfId, slot: &Slot, iif: Option<Interface>) -> WantedRow {
        let t = self.t;
        let mut memberships = Vec::new();
        for flow in self.matching() {
            let Some(members) = t.flows.members(flow) else { continue };
            for (side, is_igmp) in [(Side::Owner, false), (Side::Igmp, true)] {
                if members.side(side).contains(id) {
                    memberships.push((flow, is_igmp));
                }
            }
        }
        let mut row = WantedRow {
            interface: slot.interface,
            owner: holder(t, slot.owner),
            igmp: holder(t, slot.igmp),
            memberships,
            forced: self.forced(id),
            answer: self.answer(id),
            boundary: self.boundary(slot.interface.index),
            threshold: t.limits.threshold(slot.interface),
            is_oif: self.mfe.is_some_and(|mfe| mfe.oifs.contains(id)),
            obstacle: None,
        };
        row.obstacle = obstacle(&row, iif);
        row
    }

    /// Whether the owner has switched the interface on or off with MGM_FORWARD_STATE_FLAG.
    fn forced(&self, id: IfId) -> Option<bool> {
        let overrides = &self.mfe?.rare.as_ref()?.overrides;
        if overrides.on.contains(id) {
            return Some(true);
        }
        (overrides.off.contains(id) && !overrides.answered.contains(id)).then_some(false)
    }

    /// What the owner has answered to CREATION_ALERT.
    fn answer(&self, id: IfId) -> Option<OifAnswer> {
        if let Some(resolution) = self.resolution {
            if let AwaitedAnswers::Creation(asked) = &resolution.waiting {
                let is_due =
                    |of: &crate::tables::Asked| of.oifs.contains(id) && !of.overtaken.contains(id);
                if asked.iter().any(is_due) {
                    return Some(OifAnswer::Waiting);
                }
            }
            if resolution.overrides.off.contains(id) {
                return Some(OifAnswer::Off);
            }
        }
        let overrides = &self.mfe?.rare.as_ref()?.overrides;
        overrides.answered.contains(id).then_some(OifAnswer::Off)
    }
}

/// Why an interface is not an oif, in the order of spec 3.5 and 3.7.
fn obstacle(row: &WantedRow, iif: Option<Interface>) -> Option<Obstacle> {
    if row.is_oif {
        return None;
    }
    if Some(row.interface) == iif {
        return Some(Obstacle::Iif);
    }
    if row.boundary.is_some() {
        return Some(Obstacle::Boundary);
    }
    match (row.answer, row.forced) {
        (Some(OifAnswer::Off), _) => Some(Obstacle::CreationAlert),
        (_, Some(false)) => Some(Obstacle::SwitchedOff),
        (_, Some(true)) => None,
        _ => row.memberships.is_empty().then_some(Obstacle::NoMember),
    }
}
