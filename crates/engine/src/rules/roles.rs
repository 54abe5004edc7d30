//! The role towards sources (spec 4.6): which client gets the alerts of an (s,g), and what
//! happens when another client gets the role.

use super::{alerts, rpf};
use crate::effects::Effects;
use crate::notice::Notice;
use crate::tables::{ClientId, FlowPlace, Flows, Slot, SourceId, Tables};
use mgm_types::{Flow, IfId, Interface};
use smallvec::SmallVec;

/// The client that gets the alerts of `flow`, an (s,g), by its role for the source (spec 4.6).
pub fn told_of_source(t: &Tables, flow: Flow) -> Option<ClientId> {
    let client = rpf::towards(t, t.flows.source(flow))?;
    alerts::interest(t, flow).beside(client).then_some(client)
}

/// The role towards the source of `flow` may have moved away from `old`, which was told of
/// the flow: sends PRUNE to the old client and JOIN to the new one (spec 4.6).
pub fn tell_role(t: &Tables, flow: Flow, old: Option<ClientId>, fx: &mut Effects) {
    let new = told_of_source(t, flow);
    if old == new {
        return;
    }
    if let Some(client) = old.filter(|&client| t.clients.get(client).is_some()) {
        alerts::send(t, client, Notice::Prune { flow, interface: Interface::NONE }, fx);
    }
    if let Some(client) = new {
        alerts::send(t, client, Notice::Join { flow, member: true }, fx);
    }
}

/// Makes an entry refer to another source; the role of spec 4.6 moves with it.
pub fn move_entry(t: &mut Tables, place: FlowPlace, source: SourceId, fx: &mut Effects) {
    let entry = t.flows.at(place);
    let flow = entry.flow();
    let is_wanted = entry.wanted_by().is_some() && !flow.is_link_local();
    let old = if is_wanted { told_of_source(t, flow) } else { None };
    t.flows.set_source(place, source);
    if is_wanted {
        tell_role(t, flow, old, fx);
    }
}

/// Changes an interface. For every (s,g) whose role towards the source moves with it, sends
/// PRUNE to the client that had the role, and JOIN to the client that has it now.
///
/// There may be a million of them, and no memory to note the former client of each. So the
/// function restores the former state temporarily, for a few flows at a time.
pub fn change_slot(t: &mut Tables, id: IfId, fx: &mut Effects, change: impl FnOnce(&mut Slot)) {
    let Some(slot) = t.interfaces.get_mut(id) else { return };
    let mut before = slot.clone();
    change(slot);
    let index = slot.interface.index;
    let mut first = Flow::WILDCARD;
    loop {
        let concerned: SmallVec<[Flow; Flows::FETCH]> = t
            .flows
            .wanted_flows(first)
            .filter(|flow| flow.has_source() && !flow.is_link_local())
            .filter(|&flow| t.flows.sources.route(t.flows.source(flow)).if_index == index)
            .take(Flows::FETCH)
            .collect();
        let Some(last) = concerned.last() else { return };
        first = last.successor();
        swap_slot(t, id, &mut before);
        let told: SmallVec<[Option<ClientId>; Flows::FETCH]> =
            concerned.iter().map(|&flow| told_of_source(t, flow)).collect();
        swap_slot(t, id, &mut before);
        for (flow, old) in concerned.into_iter().zip(told) {
            tell_role(t, flow, old, fx);
        }
    }
}

fn swap_slot(t: &mut Tables, id: IfId, other: &mut Slot) {
    if let Some(slot) = t.interfaces.get_mut(id) {
        std::mem::swap(slot, other);
    }
}
