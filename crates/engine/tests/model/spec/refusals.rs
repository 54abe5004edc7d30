//! Recently refused flows (spec 5.1, 5.2).

use super::rpf_path::{leads_to, RpfPath};
use super::{First, Model, Purpose, Refusal};
use mgm_engine::Refused;
use mgm_types::{Domain, Flow, Interface, Scope, Time};

/// They are remembered for 10 s.
const MEMORY: u64 = 10_000;

impl Model {
    pub fn refusal(&self, flow: Flow) -> Option<&Refusal> {
        self.refusals.iter().find(|refusal| refusal.flow == flow)
    }

    pub fn forget_refusal(&mut self, flow: Flow) {
        self.refusals.retain(|refusal| refusal.flow != flow);
    }

    pub fn remember(&mut self, flow: Flow, domain: Domain, first: First, why: Refused) {
        self.forget_refusal(flow);
        if self.master(first.arrival).is_some() {
            let until = Time(self.now.0 + MEMORY);
            self.refusals.push(Refusal { flow, first, domain, why, until });
        }
    }

    pub fn end_refusals(&mut self) {
        let now = self.now;
        self.refusals.retain(|refusal| refusal.until > now);
    }

    /// Whether another packet of a flow that was refused is refused, too.
    pub fn refused_lately(
        &mut self,
        flow: Flow,
        arrival: Interface,
        by_kernel: bool,
    ) -> Option<Refused> {
        let refusal = self.refusal(flow)?;
        let elsewhere = refusal.first.arrival != arrival;
        let has_callback =
            |name| self.master(name).is_some_and(|owner| !self.mute.contains(&owner));
        let may_ask = ![Refused::Boundary, Refused::FlowRate].contains(&refusal.why);
        let was_asked = may_ask && has_callback(refusal.first.arrival);
        let route = self.look_up(flow.source(), self.domain_of(arrival));
        let may_pass = match self.rpf_path(flow, &route, Some(arrival)) {
            RpfPath::In(..) => true,
            RpfPath::Bounded => false,
            RpfPath::Nowhere => !was_asked && has_callback(arrival),
        };
        if elsewhere && may_pass {
            self.forget_refusal(flow);
            return None;
        }
        let refusal = self.refusals.iter_mut().find(|refusal| refusal.flow == flow)?;
        refusal.first.by_kernel |= by_kernel;
        Some(refusal.why)
    }

    /// A change may permit refused flows: they are tried again.
    fn wake(&mut self, concerns: impl Fn(&Model, &Refusal) -> bool) {
        let mut woken: Vec<Refusal> =
            self.refusals.iter().filter(|refusal| concerns(self, refusal)).cloned().collect();
        woken.sort_by_key(|refusal| refusal.flow); // the limits let the first ones pass
        for Refusal { flow, first, domain, .. } in woken {
            self.forget_refusal(flow);
            if self.master(first.arrival).is_none() {
                continue;
            }
            if self.is_bounded(first.arrival, flow.group()) {
                self.remember(flow, domain, first, Refused::Boundary);
            } else if let Some(why) = self.begin_flow(first.arrival) {
                if why == Refused::FlowRate {
                    self.remember(flow, domain, first, why);
                }
                self.refused.push(why);
            } else {
                self.ask(flow, Purpose::Create, domain, first);
            }
        }
    }

    pub fn wake_flows(&mut self, flows: &[Flow]) {
        self.wake(|_, refusal| flows.contains(&refusal.flow));
    }

    pub fn wake_interface(&mut self, name: Interface) {
        self.wake(|model, refusal| {
            let route = model.look_up(refusal.flow.source(), refusal.domain);
            refusal.first.arrival == name || leads_to(&route, name.index)
        });
    }

    /// The limit of new flows of an interface has changed.
    pub fn wake_rate(&mut self, index: u32) {
        self.wake(|_, refusal| {
            refusal.why == Refused::FlowRate && refusal.first.arrival.index == index
        });
    }

    pub fn wake_scope(&mut self, scope: Scope) {
        self.wake(|_, refusal| scope.contains(refusal.flow.group()));
    }
}
