//! Refused flows that can be accepted now, because something has changed (spec 5.1).
//!
//! 65,536 refusals may be remembered, so a change does not find those that it concerns in one
//! step. It is stored with the number of the newest refusal, and later steps walk the table by
//! age, a few refusals in each. Refusals after the change are not concerned, because the change
//! was already in effect. If a packet of a flow arrives before the walk has reached the flow, it
//! is processed as if the walk had.

use super::refusals::RefusedFlow;
use super::resolution::{FirstPacket, Purpose};
use super::sources::SourceId;
use super::{Effects, Engine, Refused};
use crate::types::{Domain, Flow, Interface, Route, Scope};
use smallvec::SmallVec;

/// How many flows are processed again within the call that changed something.
pub(super) const AT_ONCE: usize = 64;

/// How many refused flows are examined for each that a step may act on.
pub(super) const ROWS: usize = 16;

/// How many changes are stored separately. With more, all flows refused before are forgotten.
const MOST_WAKES: usize = 64;

/// A change that can make refused flows acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// The owner of this interface has changed: flows that arrived there, or whose route leads
    /// there, can be accepted.
    Owner(Interface),
    /// This interface has no owner now: flows that arrived there are forgotten, because the system
    /// delivers no more packets from there.
    Gone(Interface),
    /// A boundary was deleted.
    Boundary(Scope),
    /// The interface is in another domain: flows that arrived there are forgotten, and looked up
    /// in the new domain with their next packet.
    Domain(Interface),
    /// Too many changes: all refused flows are forgotten, and their next packets count as first
    /// ones.
    Any,
}

/// A change, and the position of the walk through the refusals that it may concern.
#[derive(Clone, Copy, Debug)]
struct RefusalWake {
    change: Change,
    next: u64,
    last: u64,
}

/// Changes whose flows are still being looked for, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Wakes(SmallVec<[RefusalWake; 4]>);

impl Wakes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The refusals with these numbers may be concerned. Where they are being gone through for
    /// the same change already, that goes on to its end: a change that comes often enough would
    /// otherwise begin anew each time, and hold up all others.
    fn note(&mut self, change: Change, next: u64, last: u64) {
        let is_to_begin = |wake: &&mut RefusalWake| wake.change == change && wake.next == 0;
        if let Some(wake) = self.0.iter_mut().find(is_to_begin) {
            wake.last = last;
            return;
        }
        if self.0.len() < MOST_WAKES && self.0.try_reserve(1).is_ok() {
            self.0.push(RefusalWake { change, next, last });
        } else {
            self.0.clear();
            self.0.push(RefusalWake { change: Change::Any, next: 0, last });
        }
    }
}

impl Engine {
    /// Whether a refused flow must be processed again, even if the walk has not reached it.
    pub(super) fn is_concerned(&self, flow: Flow, refusal: &RefusedFlow) -> bool {
        let by = |wake: &RefusalWake| {
            (wake.next..=wake.last).contains(&refusal.serial)
                && self.concerns(wake.change, flow, refusal)
        };
        refusal.is_awake
            || self.flows.sources.is_outdated(refusal.source)
            || self.wakes.0.iter().any(by)
    }

    fn concerns(&self, change: Change, flow: Flow, refusal: &RefusedFlow) -> bool {
        match change {
            Change::Owner(interface) | Change::Gone(interface) => {
                let route = self.flows.sources.route(refusal.source);
                refusal.packet.arrival == interface || leads_to(route, interface.index)
            }
            Change::Boundary(scope) => scope.flows().contains(&flow),
            Change::Domain(interface) => refusal.packet.arrival == interface,
            Change::Any => true,
        }
    }

    /// The route of a source has changed, and with it its number: its refused flows can be accepted
    /// now. Moves a limited number of them to the present number, and returns how many.
    pub(super) fn wake_source(&mut self, old: SourceId, most: usize) -> usize {
        let new = self.flows.sources.current(old);
        let mut done = 0;
        while done < most {
            let Some(flow) = self.refusals.of_source(old) else { break };
            self.refusals.set_source(flow, new);
            self.flows.sources.hold(new);
            self.flows.sources.release(old);
            self.refusals.wake(flow);
            done += 1;
        }
        done
    }

    /// The owner of an interface has changed, or it has none: refused flows that arrived there, or
    /// whose route leads there, can be accepted now.
    pub(super) fn wake_interface(&mut self, interface: Interface, fx: &mut Effects) {
        let is_there = self.interfaces.served(interface).is_some();
        let change = if is_there { Change::Owner } else { Change::Gone };
        self.wake_for(change(interface), fx);
    }

    /// No refused flow is left that a change could concern.
    pub(super) fn forget_wakes(&mut self) {
        self.wakes = Wakes::default();
    }

    /// A boundary was deleted: refused flows of its groups can be accepted now.
    pub(super) fn wake_scope(&mut self, scope: Scope, fx: &mut Effects) {
        self.wake_for(Change::Boundary(scope), fx);
    }

    fn wake_for(&mut self, change: Change, fx: &mut Effects) {
        if self.refusals.len() > 0 {
            let last = self.refusals.last();
            self.wakes.note(change, 0, last);
        }
        self.wake_some(AT_ONCE, fx);
    }

    /// Continues the walks for the stored changes, and processes some of the flows again. Returns
    /// how many.
    pub(super) fn wake_some(&mut self, most: usize, fx: &mut Effects) -> usize {
        self.find_concerned(most.min(AT_ONCE), fx);
        let mut done = 0;
        while done < most {
            let Some(flow) = self.refusals.awake.pop_front() else { break };
            done += 1;
            if self.refusals.get(flow).is_some_and(|refusal| refusal.is_awake) {
                self.look_again(flow, fx);
            }
        }
        done
    }

    /// Examines some refused flows. Forgets or queues those that the changes concern, a limited
    /// number.
    fn find_concerned(&mut self, most: usize, fx: &mut Effects) {
        let (mut left, mut rows) = (most, ROWS * most);
        while let Some(&RefusalWake { change, next, last }) = self.wakes.0.first() {
            let mut found: SmallVec<[Flow; AT_ONCE]> = SmallVec::new();
            let mut rest = None;
            for (serial, flow) in self.refusals.aged(next..=last) {
                if rows == 0 || found.len() == left {
                    rest = Some(serial);
                    break;
                }
                rows -= 1;
                let refusal = self.refusals.get(flow);
                if refusal.is_some_and(|refusal| self.concerns(change, flow, refusal)) {
                    found.push(flow);
                }
            }
            match (rest, self.wakes.0.first_mut()) {
                (Some(rest), Some(wake)) => wake.next = rest,
                _ => _ = self.wakes.0.remove(0),
            }
            left -= found.len();
            found.sort_unstable();
            for flow in found {
                self.follow_change(change, flow, fx);
            }
            if rest.is_some() {
                return;
            }
        }
    }

    /// Applies a change to a refused flow that it concerns.
    fn follow_change(&mut self, change: Change, flow: Flow, fx: &mut Effects) {
        let arrival = self.refusals.get(flow).map(|refusal| refusal.packet.arrival);
        let is_over = match change {
            Change::Gone(interface) => arrival == Some(interface),
            Change::Domain(_) | Change::Any => true,
            Change::Owner(_) | Change::Boundary(_) => false,
        };
        if is_over {
            self.forget_refusal(flow, fx);
        } else {
            self.refusals.wake(flow);
        }
    }

    fn look_again(&mut self, flow: Flow, fx: &mut Effects) {
        let Some(refusal) = self.refusals.get(flow) else { return };
        let source = self.flows.sources.current(refusal.source);
        self.flows.sources.hold(source);
        let Some(packet) = self.forget_refusal(flow, fx) else { return };
        self.debug(fx, || format!("{flow} was refused: processing its packet again"));
        match self.interfaces.served(packet.arrival) {
            None => self.flows.sources.release(source),
            Some(id) if self.is_bounded(id, flow.group()) => {
                self.remember_refusal(flow, source, packet, Refused::Boundary, fx);
            }
            Some(id) => match self.admit_flow(self.now, id, fx) {
                Ok(()) => self.ask(flow, Purpose::Create, source, packet, fx),
                Err(why) => {
                    self.flows.sources.release(source);
                    self.count_refused(why);
                }
            },
        }
    }

    /// The interface on which refused flows arrived changes its domain: they are looked up in the
    /// new one. The caller then walks the sources of that domain. Only the first few flows are
    /// found before; further ones are forgotten later, and begin again with their next packets.
    pub(super) fn move_refusals(&mut self, interface: Interface, domain: Domain, fx: &mut Effects) {
        let mut here: SmallVec<[Flow; AT_ONCE]> = SmallVec::new();
        let (mut rest, last) = (None, self.refusals.last());
        for (at, (serial, flow)) in self.refusals.aged(0..=last).enumerate() {
            if at == ROWS * AT_ONCE || here.len() == AT_ONCE {
                rest = Some(serial);
                break;
            }
            let refusal = self.refusals.get(flow);
            if refusal.is_some_and(|refusal| refusal.packet.arrival == interface) {
                here.push(flow);
            }
        }
        if let Some(next) = rest {
            self.wakes.note(Change::Domain(interface), next, last);
        }
        here.sort_unstable();
        for flow in here {
            let Some(refusal) = self.refusals.get(flow) else { continue };
            let (packet, why) = (refusal.packet.clone(), refusal.why);
            self.rehome(flow, packet, why, domain, fx);
        }
    }

    /// Remembers a flow as refused until its source has been looked up in another domain.
    pub(super) fn rehome(
        &mut self,
        flow: Flow,
        packet: FirstPacket,
        why: Refused,
        domain: Domain,
        fx: &mut Effects,
    ) {
        if self.room(fx).is_err() {
            self.forget_refusal(flow, fx);
            return;
        }
        let known = self.flows.find_source(flow, domain).is_some();
        let source = self.flows.hold_source(flow, domain, None);
        self.remember_refusal(flow, source, packet, why, fx);
        if known {
            self.refusals.wake(flow);
        }
    }
}

/// Whether one of the paths of a route leads to this index.
fn leads_to(route: &Route, if_index: u32) -> bool {
    let paths = route.paths.as_deref().unwrap_or_default();
    route.if_index == if_index || paths.iter().any(|hop| hop.if_index == if_index)
}
