//! Restarts of resolutions (spec 5.4, D34): routes, owners or boundaries have changed, and the
//! questions about a flow must be asked again.

use super::flows::Flows;
use super::origins::IifOrigin;
use super::resolution::{FirstPacket, Purpose, Resolution};
use super::rpf_path::RpfPath;
use super::sources::SourceId;
use super::wakes::{AT_ONCE, ROWS};
use super::{Effects, Engine};
use crate::types::{Flow, IfId, Interface};
use smallvec::SmallVec;

impl Engine {
    /// Starts a resolution again, because state has changed (spec 5.4).
    fn restart(&mut self, flow: Flow, fx: &mut Effects) {
        let Some(resolution) = self.end_resolution(flow) else { return };
        let Resolution { purpose, source, packet, .. } = *resolution;
        self.debug(fx, || format!("state changed during the resolution of {flow}: starting again"));
        match purpose {
            Purpose::Create => {
                let present = self.flows.sources.current(source);
                self.flows.sources.hold(present);
                self.flows.sources.release(source);
                self.ask(flow, purpose, present, packet, fx);
            }
            // MgmSetMfe may have changed the iif meanwhile, and the former one may be gone.
            Purpose::Renew => self.resolve_again(flow, purpose, None, fx),
            Purpose::Reroute => {
                let arrived = self.interfaces.find(packet.arrival);
                self.resolve_again(flow, purpose, arrived, fx);
            }
        }
    }

    /// The same, but only if the question is no longer valid.
    pub(super) fn restart_if_outdated(&mut self, flow: Flow, fx: &mut Effects) {
        let resolution = self.resolutions.get(&flow);
        if resolution.is_some_and(|resolution| !self.still_holds(flow, resolution)) {
            self.restart(flow, fx);
        }
    }

    /// A route has changed: moves new flows of the source that are being resolved to the new route,
    /// a limited number. Returns how many; the others still use the old route.
    pub(super) fn move_resolutions(
        &mut self,
        old: SourceId,
        most: usize,
        fx: &mut Effects,
    ) -> usize {
        let mut done = 0;
        while done < most {
            let Some(flow) = self.new_flow_of(old) else { break };
            self.move_resolution(flow);
            self.restart_if_outdated(flow, fx);
            done += 1;
        }
        done
    }

    /// The first new flow of a source that is being resolved.
    pub(super) fn new_flow_of(&self, source: SourceId) -> Option<Flow> {
        let mut all = self.new_flows.range((source, Flow::WILDCARD)..=(source, Flow::MAX));
        all.next().map(|(_, flow)| *flow)
    }

    /// Moves a new flow to the present number of its source.
    fn move_resolution(&mut self, flow: Flow) {
        let Some(resolution) = self.resolutions.get_mut(&flow) else { return };
        let source = self.flows.sources.current(resolution.source);
        let old = std::mem::replace(&mut resolution.source, source);
        self.new_flows.remove(&(old, flow));
        self.new_flows.insert((source, flow));
        self.flows.sources.hold(source);
        self.flows.sources.release(old);
    }

    /// Called before an answer is processed: a new flow that still uses a former route of its
    /// source moves first, which can make the answer void.
    #[cold]
    pub(super) fn follow_before_answer(&mut self, flow: Flow, fx: &mut Effects) {
        let is_outdated = self.resolutions.get(&flow).is_some_and(|resolution| {
            resolution.purpose == Purpose::Create
                && self.flows.sources.is_outdated(resolution.source)
        });
        if is_outdated {
            self.move_resolution(flow);
            self.restart_if_outdated(flow, fx);
        }
    }

    /// Ends the resolutions of new flows whose first packet arrived on an interface, and calls
    /// `and_then` for each.
    pub(super) fn cancel_first_packets(
        &mut self,
        arrival: Interface,
        fx: &mut Effects,
        and_then: impl Fn(&mut Engine, Flow, FirstPacket, &mut Effects),
    ) {
        let is_there = |resolution: &Resolution| {
            resolution.purpose == Purpose::Create && resolution.packet.arrival == arrival
        };
        let mut next = self.first_resolution(Flow::WILDCARD, is_there);
        while let Some(flow) = next {
            if let Some(resolution) = self.end_resolution(flow) {
                self.flows.sources.release(resolution.source);
                fx.ended(flow);
                and_then(self, flow, resolution.packet, fx);
            }
            next = self.first_resolution(flow.successor(), is_there);
        }
    }

    fn first_resolution(&self, first: Flow, is_it: impl Fn(&Resolution) -> bool) -> Option<Flow> {
        let mut all = self.resolutions.range(first..);
        all.find(|(_, resolution)| is_it(resolution)).map(|(flow, _)| *flow)
    }

    /// Whether the question is still valid: the expected iif is still legitimate, or there is
    /// still none, and no boundary was added.
    pub(super) fn still_holds(&self, flow: Flow, resolution: &Resolution) -> bool {
        let source = match resolution.purpose {
            Purpose::Create => resolution.source,
            Purpose::Renew | Purpose::Reroute => self.flows.source(flow),
        };
        if self.is_bounded(resolution.iif, flow.group()) {
            return false;
        }
        match resolution.expected {
            Some(path) => self.is_rpf_path(flow, source, path),
            None => self.rpf_path(flow, source, Some(resolution.asked)) == RpfPath::Nowhere,
        }
    }

    /// The owner of an interface has changed: MFEs without a route through a client's interface
    /// move if there is one now, the first few of them at once.
    pub(super) fn route_unrouted(&mut self, fx: &mut Effects) {
        if self.reroutes.unrouted.is_some() {
            self.reroutes.unrouted_again = true; // some of them lie behind the position of the walk
        } else {
            self.reroutes.unrouted = Some(Flow::WILDCARD);
        }
        self.route_some_unrouted(AT_ONCE, fx);
    }

    /// Continues this for a limited number of MFEs. Returns how many move.
    pub(super) fn route_some_unrouted(&mut self, most: usize, fx: &mut Effects) -> usize {
        let Some(first) = self.reroutes.unrouted.filter(|_| most > 0) else { return 0 };
        let (most, mut rows) = (most.min(AT_ONCE), ROWS * most.min(AT_ONCE));
        let mut moving: SmallVec<[Flow; AT_ONCE]> = SmallVec::new();
        let mut rest = None;
        for (flow, origin) in self.origins.from(first) {
            if rows == 0 || moving.len() == most {
                rest = Some(flow);
                break;
            }
            rows -= 1;
            if matches!(origin, IifOrigin::Unrouted(_)) && self.is_led_to(flow) {
                moving.push(flow);
            }
        }
        let again = rest.is_none() && std::mem::take(&mut self.reroutes.unrouted_again);
        self.reroutes.unrouted = rest.or(again.then_some(Flow::WILDCARD));
        for &flow in &moving {
            self.resolve_again(flow, Purpose::Reroute, None, fx);
        }
        moving.len()
    }

    /// Whether a route now leads to the iif of an MFE, or to another possible iif.
    fn is_led_to(&self, flow: Flow) -> bool {
        !self.resolutions.contains_key(&flow)
            && self.flows.row(flow).is_some_and(|(source, mfe)| {
                matches!(self.rpf_path(flow, source, Some(mfe.iif)), RpfPath::In(..))
            })
    }

    /// The owner of an interface has changed: restarts the resolutions with this interface as the
    /// expected iif or as an oif, because the answers of its former owner are void (spec 5.4).
    pub(super) fn restart_resolutions_about(&mut self, id: IfId, fx: &mut Effects) {
        let is_about_it = |resolution: &Resolution| {
            resolution.iif == id || resolution.asked == id || resolution.asked_about.contains(id)
        };
        self.restart_those(
            |engine, flow, resolution| {
                is_about_it(resolution) || !engine.still_holds(flow, resolution)
            },
            fx,
        );
    }

    /// Routes or boundaries have changed: restarts the resolutions that depend on the old ones now,
    /// not when they are answered, which may never happen (D34).
    pub(super) fn restart_outdated_resolutions(&mut self, fx: &mut Effects) {
        self.restart_those(|engine, flow, resolution| !engine.still_holds(flow, resolution), fx);
    }

    fn restart_those(
        &mut self,
        is_void: impl Fn(&Engine, Flow, &Resolution) -> bool,
        fx: &mut Effects,
    ) {
        let mut first = Flow::WILDCARD;
        loop {
            // A few at a time, as above.
            let some = self.resolutions.range(first..);
            let void = some.filter(|&(&flow, resolution)| is_void(self, flow, resolution));
            let void = void.map(|(&flow, _)| flow);
            let flows: SmallVec<[Flow; Flows::FETCH]> = void.take(Flows::FETCH).collect();
            let Some(last) = flows.last() else { return };
            first = last.successor();
            flows.into_iter().for_each(|flow| self.restart(flow, fx));
        }
    }
}
