//! Restarts of resolutions (spec 5.4, D34): routes, owners or boundaries have changed, and the
//! questions about a flow must be asked again.

use super::debug_log::debug;
use super::rpf_callback::{self, Inquiry};
use super::{flow_limit, questions, renewal};
use crate::effects::Effects;
use crate::tables::{FirstPacket, Flows, Purpose, Resolution, SourceId, Tables};
use mgm_types::{Flow, IfId, Interface};
use smallvec::SmallVec;

/// Starts a resolution again, because state has changed (spec 5.4).
fn restart(t: &mut Tables, flow: Flow, fx: &mut Effects) {
    let Some(resolution) = flow_limit::end_resolution(t, flow) else { return };
    let Resolution { purpose, source, packet, .. } = resolution;
    debug(t, fx, || format!("state changed during the resolution of {flow}: starting again"));
    match purpose {
        Purpose::Create => {
            let present = t.flows.sources.current(source);
            t.flows.sources.hold(present);
            t.flows.sources.release(source);
            rpf_callback::ask(t, Inquiry { flow, purpose, source: present, packet }, fx);
        }
        // MgmSetMfe may have changed the iif meanwhile, and the former one may be gone.
        Purpose::Renew => renewal::ask_again(t, flow, purpose, None, fx),
        Purpose::Reroute => {
            let arrived = t.interfaces.find(packet.arrival);
            renewal::ask_again(t, flow, purpose, arrived, fx);
        }
    }
}

/// The same, but only if the question is no longer valid.
pub fn if_outdated(t: &mut Tables, flow: Flow, fx: &mut Effects) {
    let resolution = t.resolutions.get(flow);
    if resolution.is_some_and(|resolution| !questions::still_holds(t, flow, resolution)) {
        restart(t, flow, fx);
    }
}

/// A route has changed: moves new flows of the source that are being resolved to the new route,
/// a limited number. Returns how many; the others still use the old route.
pub fn move_resolutions(t: &mut Tables, old: SourceId, most: usize, fx: &mut Effects) -> usize {
    let mut done = 0;
    while done < most {
        let Some(flow) = t.resolutions.new_flow_of(old) else { break };
        move_resolution(t, flow);
        if_outdated(t, flow, fx);
        done += 1;
    }
    done
}

/// Moves a new flow to the present number of its source.
fn move_resolution(t: &mut Tables, flow: Flow) {
    let Some(resolution) = t.resolutions.get(flow) else { return };
    let source = t.flows.sources.current(resolution.source);
    t.flows.sources.hold(source);
    if let Some(old) = t.resolutions.set_source(flow, source) {
        t.flows.sources.release(old);
    }
}

/// Called before an answer is processed: a new flow that still uses a former route of its
/// source moves first, which can make the answer void.
#[cold]
pub fn follow_before_answer(t: &mut Tables, flow: Flow, fx: &mut Effects) {
    let is_outdated = t.resolutions.get(flow).is_some_and(|resolution| {
        resolution.purpose == Purpose::Create && t.flows.sources.is_outdated(resolution.source)
    });
    if is_outdated {
        move_resolution(t, flow);
        if_outdated(t, flow, fx);
    }
}

/// Ends the resolutions of new flows whose first packet arrived on an interface, and calls
/// `and_then` for each.
pub fn cancel_first_packets(
    t: &mut Tables,
    arrival: Interface,
    fx: &mut Effects,
    and_then: impl Fn(&mut Tables, Flow, FirstPacket, &mut Effects),
) {
    let is_there = |resolution: &Resolution| {
        resolution.purpose == Purpose::Create && resolution.packet.arrival == arrival
    };
    let mut next = first_resolution(t, Flow::WILDCARD, is_there);
    while let Some(flow) = next {
        if let Some(resolution) = flow_limit::end_resolution(t, flow) {
            t.flows.sources.release(resolution.source);
            fx.ended(flow);
            and_then(t, flow, resolution.packet, fx);
        }
        next = first_resolution(t, flow.successor(), is_there);
    }
}

fn first_resolution(t: &Tables, first: Flow, is_it: impl Fn(&Resolution) -> bool) -> Option<Flow> {
    let mut all = t.resolutions.from(first);
    all.find(|(_, resolution)| is_it(resolution)).map(|(flow, _)| flow)
}

/// The owner of an interface has changed: restarts the resolutions with this interface as the
/// expected iif or as an oif, because the answers of its former owner are void (spec 5.4).
pub fn about_interface(t: &mut Tables, id: IfId, fx: &mut Effects) {
    let is_about_it = |resolution: &Resolution| {
        resolution.rpf.iif == id || resolution.asked == id || resolution.asked_about.contains(id)
    };
    where_void(
        t,
        |t, flow, resolution| {
            is_about_it(resolution) || !questions::still_holds(t, flow, resolution)
        },
        fx,
    );
}

/// Routes or boundaries have changed: restarts the resolutions that depend on the old ones now,
/// not when they are answered, which may never happen (D34).
pub fn all_outdated(t: &mut Tables, fx: &mut Effects) {
    where_void(t, |t, flow, resolution| !questions::still_holds(t, flow, resolution), fx);
}

fn where_void(
    t: &mut Tables,
    is_void: impl Fn(&Tables, Flow, &Resolution) -> bool,
    fx: &mut Effects,
) {
    let mut first = Flow::WILDCARD;
    loop {
        // A few at a time: there may be no memory for the list of all.
        let some = t.resolutions.from(first);
        let void = some.filter(|&(flow, resolution)| is_void(t, flow, resolution));
        let void = void.map(|(flow, _)| flow);
        let flows: SmallVec<[Flow; Flows::FETCH]> = void.take(Flows::FETCH).collect();
        let Some(last) = flows.last() else { return };
        first = last.successor();
        flows.into_iter().for_each(|flow| restart(t, flow, fx));
    }
}
