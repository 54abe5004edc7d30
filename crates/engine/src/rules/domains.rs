//! The routing domain of an interface (spec 5.1).

use super::debug_log::debug;
use super::{deletion, memory, reconsider, restart, roles};
use crate::effects::Effects;
use crate::packet::Refused;
use crate::tables::reroutes::AT_ONCE;
use crate::tables::{FlowPlace, FlowRefusal, Flows, Tables};
use mgm_types::{Domain, Flow, IfId};
use smallvec::SmallVec;

/// Sets the routing domain of an interface.
pub fn set(t: &mut Tables, id: IfId, domain: Domain, fx: &mut Effects) {
    let Some(old) = t.interfaces.set_domain(id, domain) else { return };
    if old == domain || t.interfaces.get(id).is_none_or(|slot| slot.is_free()) {
        return;
    }
    let interface = t.interfaces.name(id);
    debug(t, fx, || format!("{interface} is now in routing domain {}", domain.0));
    deletion::delete_all(t, Flow::WILDCARD..=Flow::MAX, |mfe| mfe.iif == id, fx);
    // Flows with memberships there, and none in the domain in which they were looked up.
    let leaves = |t: &Tables, place: FlowPlace| {
        let entry = t.flows.at(place);
        let mut places = entry.members.all();
        entry.mfe.is_none()
            && entry.members.contains(id)
            && t.flows.sources.domain(entry.source) == old
            && !places.any(|id| t.interfaces.domain(id) == old)
    };
    let mut first = Flow::WILDCARD;
    loop {
        // A few at a time: there may be no memory for the list of all.
        let wanted = t.flows.wanted_places(first);
        let moving = wanted.filter(|&place| leaves(t, place)).take(Flows::FETCH);
        let moving: SmallVec<[FlowPlace; Flows::FETCH]> = moving.collect();
        let Some(&last) = moving.last() else { break };
        first = t.flows.at(last).flow().successor();
        for place in moving {
            move_source(t, place, domain, fx);
        }
    }
    restart::cancel_first_packets(t, interface, fx, |t, flow, packet, fx| {
        let refusal = FlowRefusal { packet, why: Refused::NoUpstream };
        reconsider::remember_in_domain(t, flow, refusal, domain, fx);
    });
    reconsider::move_to_domain(t, interface, domain, fx);
    reconsider::some(t, AT_ONCE, fx);
}

/// Moves the source of an entry to this domain. Without memory for that, the source stays in
/// the former domain until a membership in the flow is added again.
fn move_source(t: &mut Tables, place: FlowPlace, domain: Domain, fx: &mut Effects) {
    let flow = t.flows.at(place).flow();
    if !flow.has_source() {
        return;
    }
    if memory::reserve(t, fx).is_err() {
        return debug(t, fx, || {
            format!("out of memory: {flow} stays in its former routing domain")
        });
    }
    let source = t.flows.hold_source(flow, domain, None);
    roles::move_entry(t, place, source, fx);
    t.flows.sources.release(source);
}
