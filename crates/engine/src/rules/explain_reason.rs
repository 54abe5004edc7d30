//! The first reason why a packet of a flow would not go out, in the order in which a packet meets
//! the rules (spec 3.7, 5.1 to 5.4, 3.5).

use super::explanation::{Explanation, Obstacle, Reason, RpfState, WantedRow};
use super::flow_limit;
use crate::packet::Refused;
use crate::tables::Tables;
use mgm_types::RouteOrigin;

/// The first reason; `None` if packets go out.
pub fn first(t: &Tables, all: &Explanation) -> Option<Reason> {
    if all.flow.is_link_local() {
        return Some(Reason::LinkLocal);
    }
    if let Some(arrival) = all.arrival {
        if arrival.owner.is_none() {
            return Some(Reason::ForeignArrival);
        }
        if arrival.boundary.is_some() {
            return Some(Reason::ArrivalBoundary);
        }
    }
    if let Some((mfe, _)) = &all.mfe {
        let is_elsewhere = all.arrival.is_some_and(|arrival| arrival.interface != mfe.iif);
        return if is_elsewhere { Some(Reason::WrongInterface) } else { on_the_way_out(all) };
    }
    if all.resolving.is_some() {
        return Some(Reason::Waiting);
    }
    match all.refusal.map(|refusal| refusal.why) {
        // The owner of another interface has not been asked yet.
        Some(Refused::NoUpstream | Refused::Boundary) | None => {}
        Some(limit) => return Some(Reason::Limit(limit)),
    }
    on_the_way_in(all).or_else(|| limit(t, all)).or_else(|| {
        // There is no MFE, so something must come first.
        Some(on_the_way_out(all).unwrap_or(Reason::NoPacket))
    })
}

/// Why the next packet would get no iif.
fn on_the_way_in(all: &Explanation) -> Option<Reason> {
    if let Some(expected) = all.expected {
        let is_elsewhere =
            all.arrival.is_some_and(|arrival| arrival.interface != expected.interface);
        return is_elsewhere.then_some(Reason::WrongInterface);
    }
    match all.question.state {
        RpfState::Declined => return Some(Reason::Declined),
        RpfState::NotAsked => return None, // the owner of the arrival interface may accept it
        _ => {}
    }
    if all.paths.iter().any(|path| path.owner.is_some() && path.boundary.is_some()) {
        return Some(Reason::ArrivalBoundary);
    }
    match all.route.origin {
        RouteOrigin::None => Some(Reason::NoRoute),
        RouteOrigin::Local if all.arrival.is_none() => None, // it arrives where the router sends
        _ => Some(Reason::UnownedInterface),
    }
}

/// Whether a limit would refuse the next packet (spec 0.9).
fn limit(t: &Tables, all: &Explanation) -> Option<Reason> {
    let arrival = all.arrival.map(|arrival| arrival.interface);
    let arrival = arrival.or(all.expected.map(|expected| expected.interface))?;
    let id = t.interfaces.find(arrival)?;
    flow_limit::may_begin(&t.begun_flows, id).err().map(Reason::Limit)
}

/// Why an accepted packet would leave by no interface.
fn on_the_way_out(all: &Explanation) -> Option<Reason> {
    let goes_out = |row: &&WantedRow| match all.mfe {
        Some(_) => row.is_oif,
        None => row.obstacle.is_none(),
    };
    let mut out = all.wanted_by.iter().filter(goes_out).peekable();
    if out.peek().is_some() {
        let is_stopped = out.all(|row| row.threshold == u8::MAX) || stops_all(all);
        return is_stopped.then_some(Reason::TtlThreshold);
    }
    let obstacles = all.wanted_by.iter().filter_map(|row| row.obstacle);
    let mut found = Reason::NoMember;
    for obstacle in obstacles {
        found = match obstacle {
            Obstacle::Boundary => return Some(Reason::OifBoundary),
            Obstacle::CreationAlert => return Some(Reason::CreationAlert),
            Obstacle::SwitchedOff => return Some(Reason::SwitchedOff),
            Obstacle::Iif => Reason::OnlyIif,
            Obstacle::NoMember => continue,
        };
    }
    Some(found)
}

/// Whether the thresholds have stopped every packet so far, as far as the forwarder counts that.
fn stops_all(all: &Explanation) -> bool {
    let Some((mfe, _)) = &all.mfe else { return false };
    mfe.sent == 0 && mfe.oifs.iter().all(|oif| oif.packets == 0 && oif.ttl_too_low > 0)
}
