//! RPF questions: on which link the packets of a flow have to arrive (I58, I59).

use super::raised::{Moved, Way};
use super::{Links, Proxy};
use crate::config::{ProxyUpstream, Role};
use crate::log_event::LogEvent;
use crate::step::Step;
use crate::{Action, Answer, MgmCall, NEVER};
use mgm_types::{Flow, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// How many flows without a route are remembered, so that they can be
/// moved to a backup.
const REMEMBERED: usize = 65_536;

/// What RPF_CALLBACK asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    /// The number of the question.
    pub number: u64,
    pub flow: Flow,
    /// The interface towards the source; 0 if the library has no route that it can use.
    pub expected: u32,
    /// The upstream neighbour towards the source.
    pub neighbour: Ipv4Addr,
    /// Where the packets arrive.
    pub arrival: u32,
}

/// The flows that were accepted without a route.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    flows: BTreeMap<Flow, Place>,
    ends: BTreeSet<(Time, Flow)>,
}

/// Where the packets of a flow are accepted.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The number of the upstream.
    upstream: usize,
    /// The incoming link of its MFE.
    link: u32,
    until: Time,
}

impl Accepted {
    fn note(&mut self, flow: Flow, place: Place) {
        self.forget(flow);
        // A flow beyond the limit moves when its MFE is renewed.
        if self.flows.len() < REMEMBERED {
            self.flows.insert(flow, place);
            self.ends.insert((place.until, flow));
        }
    }

    /// Removes a flow.
    pub fn forget(&mut self, flow: Flow) {
        if let Some(Place { until, .. }) = self.flows.remove(&flow) {
            self.ends.remove(&(until, flow));
        }
    }

    /// Adapts all flows to another configuration. The upstream of a flow is now the one that has
    /// the link of its MFE, and whose lists match the flow. If there is none, the flow is
    /// forgotten, and the library's next question decides.
    pub fn upstreams_changed(&mut self, upstreams: &[ProxyUpstream]) {
        let ends = &mut self.ends;
        self.flows.retain(|flow, place| {
            let is_for = |upstream: &ProxyUpstream| {
                upstream.links.contains(&place.link) && upstream.is_for(*flow)
            };
            let upstream = upstreams.iter().position(is_for);
            match upstream {
                Some(number) => place.upstream = number,
                None => {
                    ends.remove(&(place.until, *flow));
                }
            }
            upstream.is_some()
        });
    }

    /// Moves the MFEs of upstreams that use another link now.
    pub fn follow(&mut self, serving: &[Option<u32>], step: &mut Step) {
        for (flow, place) in &mut self.flows {
            let Some(link) = serving[place.upstream].filter(|link| *link != place.link) else {
                continue;
            };
            place.link = link;
            step.actions.push(Action::Mgm(MgmCall::SetMfe { flow: *flow, link }));
        }
    }

    /// When the next flow is forgotten.
    pub fn deadline(&self) -> Time {
        self.ends.first().map_or(NEVER, |(until, _)| *until)
    }

    /// Forgets the flows that the library has not asked about for a long time.
    pub fn expire(&mut self, at: Time) {
        while let Some((_, flow)) = self.ends.first().copied().filter(|(until, _)| *until <= at) {
            self.forget(flow);
        }
    }
}

impl Proxy {
    /// Answers an RPF question, and sends the flow up if its sender is on a downstream.
    pub fn asked(&mut self, question: Question, links: &mut Links, step: &mut Step) {
        let Question { number, flow, expected, neighbour, arrival } = question;
        // An MFE does not exist longer than this without another question.
        let until = Time(step.now.0 + 2_000 * u64::from(step.settings.mfe_timeout));
        let accepted = self.accepts(flow, expected, arrival);
        let has_backup = |upstream: usize| self.upstreams[upstream].links.len() > 1;
        if let Some(upstream) = accepted.filter(|upstream| has_backup(*upstream)) {
            self.accepted.note(flow, Place { upstream, link: arrival, until });
        } else {
            self.accepted.forget(flow);
        }
        let (link, neighbour) = match accepted {
            Some(_) => (arrival, Ipv4Addr::UNSPECIFIED),
            None => (expected, neighbour),
        };
        step.actions.push(Action::Answer(Answer::Rpf { question: number, link, neighbour }));
        if link != arrival {
            warn_of_arrival(question, links, step);
        }
        let is_down = links.get(&link).is_some_and(|l| l.base.config.role == Role::Downstream);
        let way_up = if is_down { self.way_up(flow, link, links) } else { None };
        match way_up {
            Some(to) => self.send_up(flow, Way { from: link, to, until }, links, step),
            None => {
                let former = self.raised.remove(flow);
                super::raise(links, former, flow, false, step);
            }
        }
    }

    /// The upstream on which a flow is accepted although no route leads there. It is the one
    /// on whose link the flow arrives, if its lists match the flow.
    pub fn accepts(&self, flow: Flow, expected: u32, arrival: u32) -> Option<usize> {
        let serves =
            |n: usize, link: u32| self.serving[n] == Some(link) && self.upstreams[n].is_for(flow);
        let upstream = (0..self.upstreams.len()).find(|n| serves(*n, arrival))?;
        if expected == 0 {
            return Some(upstream);
        }
        // If two upstreams name the same network, there is no host route for it. Then a route
        // to an upstream whose lists do not match the flow is ignored (G35).
        let listed = self.upstreams[upstream].sources.is_some();
        let is_other = self.serving.contains(&Some(expected)) && expected != arrival;
        let expected_serves = (0..self.upstreams.len()).any(|n| serves(n, expected));
        (listed && is_other && !expected_serves).then_some(upstream)
    }

    fn send_up(&mut self, flow: Flow, way: Way, links: &mut Links, step: &mut Step) {
        match self.raised.asked(flow, way) {
            Ok(Moved { from, to, .. }) if from != to => {
                super::raise(links, to, flow, true, step);
                super::raise(links, from, flow, false, step);
            }
            Ok(_) => {}
            Err(()) => {
                if let Some(link) = links.get_mut(&way.from) {
                    link.base.counters.flows_not_sent_up += 1;
                    link.base.log(step, LogEvent::ForwardUpLimit(flow));
                }
            }
        }
    }
}

/// Logs why a flow that arrives on an upstream is not accepted there.
fn warn_of_arrival(question: Question, links: &mut Links, step: &mut Step) {
    let Question { flow, expected, arrival, .. } = question;
    if let Some(link) = links.get_mut(&arrival).filter(|link| link.is_upstream()) {
        link.base.log(step, LogEvent::ArrivesElsewhere { flow, expected });
    }
}
