//! Routes and routing domains that change (spec 4.6, 5.10).
//!
//! A source whose route changes gets another number ([`Sources`](super::sources)), and its
//! flows move to this number one by one. Each flow moves in one step: it leaves the old route,
//! its role of spec 4.6 moves, and its clients are asked about its MFE (5.10). A source with
//! very many flows needs several calls. Calls in between find each flow on one of the two
//! routes; flows that have not moved yet use the old one.

use super::flows::{FlowPlace, Flows};
use super::resolution::Purpose;
use super::rpf_path::RpfPath;
use super::sources::SourceId;
use super::wakes::AT_ONCE;
use super::{Effects, Engine, Refused};
use crate::types::{Domain, Flow, IfId, Interface, Ipv4Addr, Prefix, Result, Route, Time};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// The number of rows examined for each flow that may be changed.
const ROWS: usize = 64;

/// The number of sources examined in one step, to see whether all their flows have moved.
const SOURCES: usize = 64;

/// The remaining work of changes that concern too many flows for one call.
#[derive(Debug, Default)]
pub(super) struct Reroutes {
    /// Former and present numbers of sources whose flows have not all moved yet; a reference is
    /// held to both.
    pending: VecDeque<(SourceId, SourceId)>,
    /// Where the walk through the flows continues, if some of them must still move.
    next: Option<Flow>,
    /// Where the walk through the MFEs without a route continues.
    pub unrouted: Option<Flow>,
    /// Another walk through these MFEs must follow.
    pub unrouted_again: bool,
}

impl Reroutes {
    /// Whether any work remains.
    #[inline]
    pub fn is_on(&self) -> bool {
        !self.pending.is_empty() | self.unrouted.is_some()
    }
}

impl Engine {
    /// The domain that packets on an interface belong to.
    #[inline]
    fn domain_of(&self, interface: Interface) -> Domain {
        if !self.interfaces.has_domains() {
            return Domain::MAIN; // the usual case
        }
        let id = self.interfaces.find(interface);
        id.map_or(Domain::MAIN, |id| self.interfaces.domain(id))
    }

    /// Whether a flow has an entry, so that its source is known. This is cheaper than
    /// [`Engine::needs_route`] if the flow is looked up anyway.
    #[must_use]
    #[inline]
    pub fn knows_source_of(&self, flow: Flow, arrival: Interface) -> bool {
        self.flows.knows_source_of(flow, self.domain_of(arrival))
    }

    /// The look-up that must precede a call that names the flow: its source, in the routing
    /// domain of the arrival interface of a packet, or of the interface of a membership.
    #[must_use]
    #[inline]
    pub fn needs_route(&self, flow: Flow, arrival: Interface) -> Option<(Ipv4Addr, Domain)> {
        if !flow.has_source() {
            return None;
        }
        let (source, domain) = (flow.source(), self.domain_of(arrival));
        if self.flows.sources.knows(source, domain) {
            return None;
        }
        (!self.is_settled(flow)).then_some((source, domain))
    }

    /// A flow with an MFE has one route, wherever its packets arrive. While it is being resolved,
    /// a membership in another domain is still looked up in that domain.
    #[cold]
    fn is_settled(&self, flow: Flow) -> bool {
        self.interfaces.has_domains() && self.flows.has_mfe(flow)
    }

    /// Appends known sources within the prefixes that come after `after`, in ascending order, at
    /// most `most`. If it appends fewer, there are no more.
    pub fn sources_within(
        &self,
        prefixes: &[Prefix],
        after: Option<(Ipv4Addr, Domain)>,
        most: usize,
        out: &mut Vec<(Ipv4Addr, Domain)>,
    ) {
        let mut sorted: Vec<Prefix> = prefixes.to_vec();
        sorted.sort_unstable_by_key(|prefix| (prefix.network(), prefix.length()));
        let mut left = most;
        let mut last = after;
        for prefix in sorted {
            let ends = (prefix.network(), Domain(0))..=(prefix.last(), Domain(u32::MAX));
            if left == 0 {
                return;
            }
            // Sources that are also in a shorter prefix have been found already.
            let first = match last {
                Some(last) if last >= *ends.end() => continue,
                Some(last) if last >= *ends.start() => last,
                _ => *ends.start(),
            };
            let found = self.flows.sources.range(first, *ends.end());
            let before = out.len();
            out.extend(found.filter(|name| last.is_none_or(|last| *name > last)).take(left));
            left -= out.len() - before;
            last = last.max(Some(*ends.end()));
        }
    }

    /// New routes for sources: moves the role of spec 4.6, asks again about MFEs whose iif
    /// changes (5.10), and processes refused flows again (5.1). Sources that the engine does
    /// not know, or knows with this route, cost one look-up. [`Engine::reroute_some`] does what
    /// is too much for one call, such as the flows of a source with very many.
    ///
    /// # Errors
    /// `NoMemory`, and nothing has changed: the sources keep their former routes until they
    /// are looked up again.
    pub fn update_routes(
        &mut self,
        routes: &[(Ipv4Addr, Domain, Route)],
        fx: &mut Effects,
    ) -> Result<()> {
        let mut changed = Vec::new();
        changed.try_reserve_exact(routes.len())?;
        self.reroutes.pending.try_reserve(routes.len())?;
        self.flows.sources.grow(routes.len())?;
        self.room(fx)?;
        for (addr, domain, route) in routes {
            let Some(old) = self.flows.sources.find(*addr, *domain) else { continue };
            if self.flows.sources.route(old) == route {
                continue;
            }
            let new = self.flows.sources.supersede(old, route.clone());
            self.flows.sources.hold(old);
            self.flows.sources.hold(new);
            changed.push((old, new));
        }
        if changed.is_empty() {
            return Ok(());
        }
        let mut left = AT_ONCE;
        for &(old, _) in &changed {
            left -= self.move_resolutions(old, left, fx);
        }
        let mut left = AT_ONCE;
        for &(old, new) in &changed {
            left -= self.wake_source(old, left);
            let mut places = self.flows.of_source(old).unwrap_or_default();
            places.sort_unstable_by_key(|place| self.flows.at(*place).flow());
            for place in places {
                self.follow_route(place, new, fx);
            }
        }
        self.wake_some(AT_ONCE, fx);
        for (old, new) in changed {
            self.retire(old, new);
        }
        Ok(())
    }

    /// Whether [`Engine::reroute_some`] has something to do.
    #[must_use]
    pub fn has_reroutes(&self) -> bool {
        self.reroutes.is_on() || self.refusals.has_awake() || !self.wakes.is_empty()
    }

    /// Continues changes that were too much for one call, for a limited number of flows of each
    /// kind. [`Engine::tick`] does so, too.
    pub fn reroute_some(&mut self, now: Time, most: usize, fx: &mut Effects) {
        self.now = now;
        // Each kind has a part of its own: where changes come fast enough, those that come
        // first would otherwise leave nothing to the others.
        let part = |is_waiting: bool| if is_waiting { most / 4 } else { 0 };
        let walk = part(self.reroutes.next.is_some());
        let unrouted = walk + part(self.reroutes.unrouted.is_some());
        let refused = unrouted + part(self.refusals.has_awake());
        let mut left = most;
        left -= self.follow_sources(left - refused, fx);
        left -= self.wake_some(left - unrouted, fx);
        left -= self.route_some_unrouted(left - walk, fx);
        self.follow_some(left, fx);
        self.retire_some();
    }

    /// Moves new flows and refused flows to the present numbers of their sources, a limited number
    /// of each. Returns how many new flows moved; refused flows are only queued.
    fn follow_sources(&mut self, most: usize, fx: &mut Effects) -> usize {
        let (mut left, mut to_wake) = (most, most);
        for at in 0..self.reroutes.pending.len().min(SOURCES) {
            let (old, _) = self.reroutes.pending[at];
            left -= self.move_resolutions(old, left, fx);
            to_wake -= self.wake_source(old, to_wake);
            if left == 0 || to_wake == 0 {
                break;
            }
        }
        most - left
    }

    /// Drops former numbers of sources that are no longer used. One may be held by the next on
    /// the list, so this repeats until none can be dropped.
    fn retire_some(&mut self) {
        let mut kept = 0;
        for _ in 0..SOURCES {
            let pending = &mut self.reroutes.pending;
            let Some((old, new)) = pending.pop_front() else { break };
            let before = pending.len();
            self.retire(old, new);
            kept = if self.reroutes.pending.len() > before { kept + 1 } else { 0 };
            if kept > before {
                break;
            }
        }
    }

    /// Moves the entries of a limited number of flows to the present numbers of their sources.
    fn follow_some(&mut self, most: usize, fx: &mut Effects) {
        let Some(first) = self.reroutes.next.filter(|_| most > 0) else { return };
        let mut places = Vec::new();
        self.reroutes.next = self.flows.outdated(first, ROWS * most, most, &mut places);
        for place in places {
            let source = self.flows.sources.current(self.flows.at(place).source);
            self.follow_route(place, source, fx);
        }
    }

    /// Drops a former number of a source if it is no longer used; otherwise moves it to the end
    /// of the list.
    fn retire(&mut self, old: SourceId, new: SourceId) {
        // Besides flows, new flows and refused flows, the previous pair may hold a reference:
        // without this pair, the present number would be forgotten before they have moved to it.
        if self.flows.sources.is_shared(old) {
            self.reroutes.pending.push_back((old, new));
            // Flows whose route changed during the walk may lie behind its position.
            if self.flows.sources.has_flows(old) {
                self.reroutes.next.get_or_insert(Flow::WILDCARD);
            }
        } else {
            self.flows.sources.release(old);
            self.flows.sources.release(new);
        }
        if self.reroutes.pending.is_empty() {
            self.reroutes.next = None;
        }
    }

    /// Moves the flow in this place to another number of its source.
    fn follow_route(&mut self, place: FlowPlace, new: SourceId, fx: &mut Effects) {
        let entry = self.flows.at(place);
        let (flow, old) = (entry.flow(), entry.source);
        let before = entry.mfe.as_ref().map(|mfe| {
            // Its neighbour may differ from that of the first path through the same interface.
            let own = (mfe.iif, mfe.upstream);
            match self.is_rpf_path(flow, old, own) {
                true => RpfPath::In(own.0, own.1),
                false => self.rpf_path(flow, old, Some(mfe.iif)),
            }
        });
        self.move_entry(place, new, fx);
        if self.resolutions.contains_key(&flow) {
            self.restart_if_outdated(flow, fx);
            return;
        }
        let has_changed = match before {
            None => false,
            Some(RpfPath::In(iif, upstream)) => !self.is_rpf_path(flow, new, (iif, upstream)),
            // There was a boundary, or a client chose another iif: any legitimate path is a change.
            Some(_) => {
                let present = self.flows.mfe(flow).map(|mfe| mfe.iif);
                matches!(self.rpf_path(flow, new, present), RpfPath::In(..))
            }
        };
        if has_changed {
            self.resolve_again(flow, Purpose::Reroute, None, fx);
        }
    }

    /// Makes an entry refer to another source; the role of spec 4.6 moves with it.
    pub(super) fn move_entry(&mut self, place: FlowPlace, source: SourceId, fx: &mut Effects) {
        let entry = self.flows.at(place);
        let flow = entry.flow();
        let is_wanted = entry.wanted_by().is_some() && !flow.is_link_local();
        let old = if is_wanted { self.told_of_source(flow) } else { None };
        self.flows.set_source(place, source);
        if is_wanted {
            self.tell_role(flow, old, fx);
        }
    }

    /// Moves the source of an entry to this domain. Without memory for that, the source stays in
    /// the former domain until a membership in the flow is added again.
    fn move_home(&mut self, place: FlowPlace, domain: Domain, fx: &mut Effects) {
        let flow = self.flows.at(place).flow();
        if !flow.has_source() {
            return;
        }
        if self.room(fx).is_err() {
            return self
                .debug(fx, || format!("out of memory: {flow} stays in its former routing domain"));
        }
        let source = self.flows.hold_source(flow, domain, None);
        self.move_entry(place, source, fx);
        self.flows.sources.release(source);
    }

    /// Sets the routing domain of an interface. Nothing refers to the interface between
    /// [`Engine::prepare_take`] and [`Engine::take`]. Later, a change ends the MFEs with this
    /// iif; other sources that are then looked up in the new domain have no route until
    /// [`Engine::update_routes`] sets it.
    pub fn set_domain(&mut self, id: IfId, domain: Domain, fx: &mut Effects) {
        let Some(old) = self.interfaces.set_domain(id, domain) else { return };
        if old == domain || self.interfaces.get(id).is_none_or(|slot| slot.is_free()) {
            return;
        }
        let interface = self.interfaces.name(id);
        self.debug(fx, || format!("{interface} is now in routing domain {}", domain.0));
        self.remove_mfes(Flow::WILDCARD..=Flow::MAX, |mfe| mfe.iif == id, fx);
        // Flows with memberships there, and none in the domain in which they were looked up.
        let leaves = |engine: &Engine, place: FlowPlace| {
            let entry = engine.flows.at(place);
            let mut places = entry.members.all();
            entry.mfe.is_none()
                && entry.members.contains(id)
                && engine.flows.sources.domain(entry.source) == old
                && !places.any(|id| engine.interfaces.domain(id) == old)
        };
        let mut first = Flow::WILDCARD;
        loop {
            // A few at a time: there may be no memory for the list of all.
            let wanted = self.flows.wanted_places(first);
            let moving = wanted.filter(|&place| leaves(self, place)).take(Flows::FETCH);
            let moving: SmallVec<[FlowPlace; Flows::FETCH]> = moving.collect();
            let Some(&last) = moving.last() else { break };
            first = self.flows.at(last).flow().successor();
            for place in moving {
                self.move_home(place, domain, fx);
            }
        }
        self.cancel_first_packets(interface, fx, |engine, flow, packet, fx| {
            engine.rehome(flow, packet, Refused::NoUpstream, domain, fx);
        });
        self.move_refusals(interface, domain, fx);
        self.wake_some(AT_ONCE, fx);
    }
}
