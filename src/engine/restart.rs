//! What was asked does not hold any more (spec 5.4, D34): routes, owners or boundaries have
//! changed, and the questions about a flow are asked anew.

use super::flows::Flows;
use super::refusals::FirstPacket;
use super::resolve::{Purpose, Resolution};
use super::ways::Way;
use super::{Effects, Engine};
use crate::types::{Flow, IfId, Interface, Ipv4Addr};
use smallvec::SmallVec;

impl Engine {
    /// Asks again from the start, because the world has moved (spec 5.4).
    fn restart(&mut self, flow: Flow, fx: &mut Effects) {
        let Some(resolution) = self.end_resolution(flow) else { return };
        let Resolution { purpose, source, packet, .. } = *resolution;
        self.story(fx, || format!("{flow}: the world has moved meanwhile, once again"));
        match purpose {
            Purpose::Create => self.ask(flow, purpose, source, packet, fx),
            // MgmSetMfe may have moved it since: what was its iif may be gone.
            Purpose::Renew => self.resolve_again(flow, purpose, None, fx),
            Purpose::Reroute => {
                let arrived = self.interfaces.find(packet.arrival);
                self.resolve_again(flow, purpose, arrived, fx);
            }
        }
    }

    /// The same if what was asked does not hold any more.
    pub(super) fn restart_if_outdated(&mut self, flow: Flow, fx: &mut Effects) {
        let resolution = self.resolutions.get(&flow);
        if resolution.is_some_and(|resolution| !self.still_holds(flow, resolution)) {
            self.restart(flow, fx);
        }
    }

    /// The route of a source has changed: new flows of it that are being asked about go by the
    /// new one. Others are not looked at, there may be very many of them.
    pub(super) fn move_resolutions(&mut self, source: Ipv4Addr, fx: &mut Effects) {
        let mut first = Flow::WILDCARD.group();
        loop {
            // A few at a time: there may be no memory for the list of all.
            let mut moved: SmallVec<[Flow; Flows::FETCH]> = SmallVec::new();
            let sources = &mut self.flows.sources;
            for &(_, group) in self.new_flows.range((source, first)..=(source, Flow::MAX.group())) {
                let flow = Flow::new(source, group);
                let Some(resolution) = self.resolutions.get_mut(&flow) else { continue };
                if sources.is_outdated(resolution.source) {
                    let source = sources.current(resolution.source);
                    sources.hold(source);
                    sources.release(std::mem::replace(&mut resolution.source, source));
                    moved.push(flow);
                    if moved.len() == Flows::FETCH {
                        break;
                    }
                }
            }
            let Some(last) = moved.last() else { return };
            first = (u32::from(last.group()) + 1).into(); // no group is the last address
            for flow in moved {
                self.restart_if_outdated(flow, fx);
            }
        }
    }

    /// Ends the resolutions of new flows whose first packet arrived on an interface: `and_then`
    /// says what becomes of each.
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

    /// Whether what was asked still holds: the way in is legitimate, or there is none still,
    /// and no boundary has come in between.
    pub(super) fn still_holds(&self, flow: Flow, resolution: &Resolution) -> bool {
        let source = match resolution.purpose {
            Purpose::Create => resolution.source,
            Purpose::Renew | Purpose::Reroute => self.flows.source(flow),
        };
        if self.is_bounded(resolution.iif, flow.group()) {
            return false;
        }
        match resolution.expected {
            Some(way) => self.is_way(flow, source, way),
            None => self.way(flow, source, Some(resolution.asked)) == Way::Nowhere,
        }
    }

    /// Somebody else speaks for an interface: MFEs that no route led to move if one does now.
    pub(super) fn route_unrouted(&mut self, fx: &mut Effects) {
        let mut next = self.origins.unrouted(Flow::WILDCARD);
        while let Some(flow) = next {
            let leads_there = self.flows.row(flow).is_some_and(|(source, mfe)| {
                matches!(self.way(flow, source, Some(mfe.iif)), Way::In(..))
            });
            if leads_there && !self.resolutions.contains_key(&flow) {
                self.resolve_again(flow, Purpose::Reroute, None, fx);
            }
            next = self.origins.unrouted(flow.successor());
        }
    }

    /// An interface changed hands: flows that were to come in through it start
    /// again, and so do those whose oif it was to be: what its former owner
    /// answers, or has answered, is void (spec 5.4).
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

    /// Routes or boundaries have changed: resolutions that the old ones led to
    /// start again now and not when they are answered, which may be never (D34).
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
