//! Packets, and the decisions about them (spec 5.1, 5.7).

use super::first_packet::{self, NewPacket};
use super::{limits, memory, refusals, renewal, sources, wrong_interface};
use crate::effects::Effects;
use crate::packet::{Out, Outcome, Packet, Refused};
use crate::tables::{FirstPacket, FlowRefusal, ForwardingLimits, Interfaces, Mfe, Purpose, Tables};
use mgm_types::{Flow, IfId, Route, Time};

/// Processes a packet for the memory forwarder. `route` is that of the source, if
/// `Engine::needs_route`.
pub fn packet(
    t: &mut Tables,
    now: Time,
    packet: &Packet<'_>,
    route: Option<&Route>,
    fx: &mut Effects,
) -> Outcome {
    let arrived = match admit(t, packet) {
        Ok(arrived) => arrived,
        Err(why) => return refuse(t, why),
    };
    if !t.flows.has_mfe(packet.flow) {
        t.now = now;
        let new = NewPacket { packet, arrived, route, by_forwarder: false };
        if let Err(why) = first_packet::first_packet(t, new, fx) {
            return refuse(t, why);
        }
    }
    match t.flows.mfe_mut(packet.flow) {
        Some(mfe) if mfe.iif == arrived => {
            Outcome::Forwarded(forward(mfe, &t.limits, &t.interfaces, packet, fx))
        }
        Some(mfe) => {
            mfe.count_wrong_if(&mut fx.headroom);
            t.now = now;
            wrong_if(t, packet, None, |_| Ok(None), fx);
            refuse(t, Refused::WrongInterface)
        }
        None => Outcome::Resolving,
    }
}

/// Processes a packet whose flow has an MFE, if it arrived on the iif. Returns where it goes.
pub fn forward_known(t: &mut Tables, packet: &Packet<'_>, fx: &mut Effects) -> Option<Out> {
    let arrived = admit(t, packet).ok()?;
    let mfe = t.flows.mfe_mut(packet.flow).filter(|mfe| mfe.iif == arrived)?;
    Some(forward(mfe, &t.limits, &t.interfaces, packet, fx))
}

/// The interface that a packet arrived on, if no boundary blocks the group there.
#[inline]
fn admit(t: &Tables, packet: &Packet<'_>) -> Result<IfId, Refused> {
    let arrival = t.interfaces.served(packet.arrival).ok_or(Refused::ForeignArrival)?;
    if packet.flow.is_link_local() {
        return Err(Refused::LinkLocal);
    }
    if limits::is_bounded(t, arrival, packet.flow.group()) {
        return Err(Refused::Boundary);
    }
    Ok(arrival)
}

/// Processes a packet for which the kernel has no entry. Returns no decision.
pub fn no_entry(
    t: &mut Tables,
    now: Time,
    packet: &Packet<'_>,
    route: Option<&Route>,
    fx: &mut Effects,
) -> Outcome {
    if t.flows.has_mfe(packet.flow) {
        fx.changed(packet.flow); // the entry was lost, or is not installed yet
        fx.ended(packet.flow);
        return Outcome::Resolving;
    }
    t.now = now;
    let begun = match admit(t, packet) {
        Ok(arrived) => {
            let new = NewPacket { packet, arrived, route, by_forwarder: true };
            first_packet::first_packet(t, new, fx)
        }
        Err(Refused::Boundary) => {
            remember_bounded(t, packet, route, fx);
            Err(Refused::Boundary)
        }
        Err(why) => Err(why),
    };
    match begun {
        Ok(()) => Outcome::Resolving,
        Err(why) => {
            fx.ended(packet.flow);
            refuse(t, why)
        }
    }
}

/// Remembers a flow whose group a boundary blocks on its arrival interface: it may pass later,
/// or arrive elsewhere.
fn remember_bounded(t: &mut Tables, packet: &Packet<'_>, route: Option<&Route>, fx: &mut Effects) {
    let &Packet { flow, arrival, header, .. } = packet;
    let Some(id) = t.interfaces.served(arrival) else { return };
    if t.resolutions.contains(flow) {
        return;
    }
    if t.refusals.get(flow).is_some() {
        return refusals::refused_again(t, flow, fx);
    }
    if memory::reserve(t, fx).is_err() {
        return;
    }
    let source = t.flows.hold_source(flow, t.interfaces.domain(id), route);
    let packet = FirstPacket { arrival, header: header.into(), by_forwarder: true };
    refusals::remember(t, flow, source, FlowRefusal { packet, why: Refused::Boundary }, fx);
}

fn refuse(t: &mut Tables, why: Refused) -> Outcome {
    t.count_refused(why);
    Outcome::Refused(why)
}

/// Processes a packet that arrived on another interface than the iif of its MFE: sends
/// WRONG_IF_CALLBACK (spec 5.7), and moves the MFE if the flow has moved (5.1). `packets` is as in
/// `Engine::tick`. `route` is that of the source, if the flow is refused and
/// `Engine::needs_route`. The caller has set the time.
pub fn wrong_if(
    t: &mut Tables,
    packet: &Packet<'_>,
    route: Option<&Route>,
    packets: impl FnOnce(Flow) -> mgm_types::Result<Option<u64>>,
    fx: &mut Effects,
) {
    let &Packet { flow, arrival, .. } = packet;
    let Some(arrived) = wrong_interface::arrival_of(t, packet) else { return };
    if t.refusals.get(flow).is_some() {
        // The forwarder's entry has the interface where a refused flow arrived.
        if route.is_some() || sources::needs_route(t, flow, arrival).is_none() {
            let new = NewPacket { packet, arrived, route, by_forwarder: true };
            let _ = first_packet::first_packet(t, new, fx);
        }
        return;
    }
    wrong_interface::tell(t, packet, fx);
    if wrong_interface::has_moved(t, flow, arrived, packets, fx) {
        renewal::ask_again(t, flow, Purpose::Reroute, Some(arrived), fx);
    }
}

/// Counts a packet as accepted, and as sent on each oif whose threshold its TTL exceeds.
fn forward(
    mfe: &mut Mfe,
    limits: &ForwardingLimits,
    interfaces: &Interfaces,
    packet: &Packet<'_>,
    fx: &mut Effects,
) -> Out {
    let reaches = |id| packet.ttl > limits.threshold(interfaces.name(id));
    let all = packet.ttl > limits.highest_threshold() || mfe.oifs.iter().all(reaches);
    mfe.count(packet.length, all, reaches, &mut fx.headroom);
    let mut out = Out::new();
    for id in mfe.oifs.iter().filter(|&id| all || reaches(id)) {
        out.push(interfaces.name(id));
    }
    out
}
