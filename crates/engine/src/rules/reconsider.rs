//! Refused flows that can be accepted now, because something has changed (spec 5.1).
//!
//! 65,536 refusals may be remembered, so a change does not find those that it concerns in one
//! step. It is stored with the number of the newest refusal, and later steps walk the table by
//! age, a few refusals in each. Refusals after the change are not concerned, because the change
//! was already in effect. If a packet of a flow arrives before the walk has reached the flow, it
//! is processed as if the walk had.

use super::debug_log::debug;
use super::rpf_callback::{self, Inquiry};
use super::{flow_limit, limits, memory, refusals};
use crate::effects::Effects;
use crate::packet::Refused;
use crate::tables::reroutes::AT_ONCE;
use crate::tables::{Change, FlowRefusal, PendingChange, Purpose, SourceId, Tables};
use mgm_types::{Domain, Flow, Interface, Scope};
use smallvec::SmallVec;

/// How many refused flows are examined for each that a step may act on.
const ROWS: usize = 16;

/// The route of a source has changed, and with it its number: its refused flows can be accepted
/// now. Moves a limited number of them to the present number, and returns how many.
pub fn source(t: &mut Tables, old: SourceId, most: usize) -> usize {
    let new = t.flows.sources.current(old);
    let mut done = 0;
    while done < most {
        let Some(flow) = t.refusals.of_source(old) else { break };
        t.refusals.set_source(flow, new);
        t.flows.sources.hold(new);
        t.flows.sources.release(old);
        t.refusals.enqueue(flow);
        done += 1;
    }
    done
}

/// The owner of an interface has changed, or it has none: refused flows that arrived there, or
/// whose route leads there, can be accepted now.
pub fn interface(t: &mut Tables, interface: Interface, fx: &mut Effects) {
    let is_there = t.interfaces.served(interface).is_some();
    let change = if is_there { Change::Owner } else { Change::Gone };
    after(t, change(interface), fx);
}

/// A boundary was deleted: refused flows of its groups can be accepted now.
pub fn scope(t: &mut Tables, scope: Scope, fx: &mut Effects) {
    after(t, Change::Boundary(scope), fx);
}

/// The limit of new flows of the interfaces of an index has changed: flows that it has refused
/// can be accepted now.
pub fn flow_rate(t: &mut Tables, if_index: u32, fx: &mut Effects) {
    after(t, Change::FlowRate(if_index), fx);
}

fn after(t: &mut Tables, change: Change, fx: &mut Effects) {
    if t.refusals.len() > 0 {
        let last = t.refusals.last();
        t.changes.note(change, 0, last);
    }
    some(t, AT_ONCE, fx);
}

/// Continues the walks for the stored changes, and processes some of the flows again. Returns
/// how many.
pub fn some(t: &mut Tables, most: usize, fx: &mut Effects) -> usize {
    find_concerned(t, most.min(AT_ONCE), fx);
    let mut done = 0;
    while done < most {
        let Some(flow) = t.refusals.queue.pop_front() else { break };
        done += 1;
        if t.refusals.get(flow).is_some_and(|refusal| refusal.is_queued) {
            again(t, flow, fx);
        }
    }
    done
}

/// Examines some refused flows. Forgets or queues those that the changes concern, a limited
/// number.
fn find_concerned(t: &mut Tables, most: usize, fx: &mut Effects) {
    let (mut left, mut rows) = (most, ROWS * most);
    while let Some(PendingChange { change, next, last }) = t.changes.first() {
        let mut found: SmallVec<[Flow; AT_ONCE]> = SmallVec::new();
        let mut rest = None;
        for (serial, flow) in t.refusals.aged(next..=last) {
            if rows == 0 || found.len() == left {
                rest = Some(serial);
                break;
            }
            rows -= 1;
            let refusal = t.refusals.get(flow);
            if refusal.is_some_and(|refusal| refusals::concerns(t, change, flow, refusal)) {
                found.push(flow);
            }
        }
        t.changes.advance(rest);
        left -= found.len();
        found.sort_unstable();
        for flow in found {
            follow_change(t, change, flow, fx);
        }
        if rest.is_some() {
            return;
        }
    }
}

/// Applies a change to a refused flow that it concerns.
fn follow_change(t: &mut Tables, change: Change, flow: Flow, fx: &mut Effects) {
    let arrival = t.refusals.get(flow).map(|refused| refused.refusal.packet.arrival);
    let is_over = match change {
        Change::Gone(interface) => arrival == Some(interface),
        Change::Domain(_) | Change::Any => true,
        Change::Owner(_) | Change::Boundary(_) | Change::FlowRate(_) => false,
    };
    if is_over {
        refusals::forget(t, flow, fx);
    } else {
        t.refusals.enqueue(flow);
    }
}

fn again(t: &mut Tables, flow: Flow, fx: &mut Effects) {
    let Some(refusal) = t.refusals.get(flow) else { return };
    let source = t.flows.sources.current(refusal.source);
    t.flows.sources.hold(source);
    let Some(packet) = refusals::forget(t, flow, fx) else { return };
    let purpose = Purpose::Create;
    debug(t, fx, || format!("{flow} was refused: processing its packet again"));
    match t.interfaces.served(packet.arrival) {
        None => t.flows.sources.release(source),
        Some(id) if limits::is_bounded(t, id, flow.group()) => {
            refusals::remember(t, flow, source, FlowRefusal { packet, why: Refused::Boundary }, fx);
        }
        Some(id) => match flow_limit::admit(t, id, fx) {
            Ok(()) => rpf_callback::ask(t, Inquiry { flow, purpose, source, packet }, fx),
            Err(why) => {
                refusals::limited(t, flow, source, FlowRefusal { packet, why }, fx);
                t.count_refused(why);
            }
        },
    }
}

/// The interface on which refused flows arrived changes its domain: they are looked up in the
/// new one. The caller then looks up the sources of that domain. This finds only the first few
/// flows; the others are forgotten later, and their next packets count as first ones.
pub fn move_to_domain(t: &mut Tables, interface: Interface, domain: Domain, fx: &mut Effects) {
    let mut here: SmallVec<[Flow; AT_ONCE]> = SmallVec::new();
    let (mut rest, last) = (None, t.refusals.last());
    for (at, (serial, flow)) in t.refusals.aged(0..=last).enumerate() {
        if at == ROWS * AT_ONCE || here.len() == AT_ONCE {
            rest = Some(serial);
            break;
        }
        let refusal = t.refusals.get(flow);
        if refusal.is_some_and(|refused| refused.refusal.packet.arrival == interface) {
            here.push(flow);
        }
    }
    if let Some(next) = rest {
        t.changes.note(Change::Domain(interface), next, last);
    }
    here.sort_unstable();
    for flow in here {
        let Some(refused) = t.refusals.get(flow) else { continue };
        remember_in_domain(t, flow, refused.refusal.clone(), domain, fx);
    }
}

/// Remembers a flow as refused until its source has been looked up in another domain.
pub fn remember_in_domain(
    t: &mut Tables,
    flow: Flow,
    refusal: FlowRefusal,
    domain: Domain,
    fx: &mut Effects,
) {
    if memory::reserve(t, fx).is_err() {
        refusals::forget(t, flow, fx);
        return;
    }
    let known = t.flows.find_source(flow, domain).is_some();
    let source = t.flows.hold_source(flow, domain, None);
    refusals::remember(t, flow, source, refusal, fx);
    if known {
        t.refusals.enqueue(flow);
    }
}
