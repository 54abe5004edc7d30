//! How many flows packets may begin: in all, on one interface, and there in a second (spec 0.9).
//!
//! Senders choose sources and groups freely. Without a limit they could fill the memory, and
//! one sender could keep all others from getting any.

use super::memory;
use crate::effects::Effects;
use crate::packet::Refused;
use crate::tables::begun_flows::NOWHERE;
use crate::tables::{BegunFlows, Purpose, Resolution, Tables};
use mgm_types::{Flow, IfId, Rate, Time};

/// The time between two log messages about refused flows.
const SILENCE_MS: u64 = 60_000;

/// Whether a packet may begin a flow. If the limits or the memory do not permit it, one log
/// message a minute says what to do. A flow that is refused because of [`Refused::FlowRate`] must
/// be remembered.
pub fn admit(t: &mut Tables, arrival: IfId, fx: &mut Effects) -> Result<(), Refused> {
    let admitted = may_begin(&t.begun_flows, arrival);
    let admitted = admitted.and_then(|()| memory::reserve(t, fx).map_err(|_| Refused::NoMemory));
    if let Err(why) = admitted {
        tell_of_limit(t, arrival, why, fx);
        return admitted;
    }
    if t.flow_rates.is_empty() || t.flow_rates.is_elsewhere {
        return Ok(());
    }
    take_from_bucket(t, arrival, fx)
}

/// Takes room for a flow from the bucket of its arrival interface, if that has a limit. Last, so
/// that a flow that is refused for another reason takes none.
fn take_from_bucket(t: &mut Tables, arrival: IfId, fx: &mut Effects) -> Result<(), Refused> {
    let name = t.interfaces.name(arrival);
    let Some(bucket) = t.flow_rates.get_mut(name.index) else { return Ok(()) };
    if bucket.take(t.now) {
        return Ok(());
    }
    if t.now >= bucket.silent_until {
        bucket.silent_until = Time(t.now.0 + SILENCE_MS);
        let Rate { per_second, burst } = bucket.rate();
        fx.log.push((
            log::Level::Warn,
            format!(
                "refusing new flows that arrive on {name} for 10 s each, because they exceed the \
                 limit of {per_second} a second and {burst} at once: find the senders (mgmtop \
                 lists the flows) and block them with a filter or a boundary, or raise the limit \
                 with MgmHostSetFlowLimit"
            ),
        ));
    }
    Err(Refused::FlowRate)
}

/// If more than half of the limit is used, an interface with more than half of all flows gets no
/// more.
pub fn may_begin(begun: &BegunFlows, arrival: IfId) -> Result<(), Refused> {
    let all = begun.len();
    if all >= begun.most {
        return Err(Refused::FlowLimit);
    }
    if 2 * all > begun.most && 2 * begun.begun_on(arrival) > all {
        return Err(Refused::ArrivalLimit);
    }
    Ok(())
}

#[cold]
fn tell_of_limit(t: &mut Tables, arrival: IfId, why: Refused, fx: &mut Effects) {
    if t.now < t.begun_flows.silent_until {
        return;
    }
    t.begun_flows.silent_until = Time(t.now.0 + SILENCE_MS);
    let (most, all) = (t.begun_flows.most, t.begun_flows.len());
    let (name, its) = (t.interfaces.name(arrival), t.begun_flows.begun_on(arrival));
    let limit = match why {
        Refused::FlowLimit => format!("there are {all} flows, the limit set by MGM_MAX_FLOWS"),
        Refused::ArrivalLimit => format!(
            "more than half of MGM_MAX_FLOWS ({most}) are in use, and {its} of these {all} flows \
             began there"
        ),
        _ => format!("out of memory with {all} flows"),
    };
    fx.log.push((
        log::Level::Error,
        format!(
            "refusing new flows that arrive on {name}: {limit}; find the senders (mgmtop lists \
             the flows) and block them with a filter or a boundary, or raise the limit"
        ),
    ));
}

/// Begins a resolution. The resolution of a new flow counts.
pub fn begin_resolution(t: &mut Tables, flow: Flow, resolution: Resolution) {
    if resolution.purpose == Purpose::Create {
        t.begun_flows.begin(resolution.arrived);
    }
    t.resolutions.insert(flow, resolution);
}

/// Ends the resolution of a new flow, which arrived there. Its MFE is counted separately.
#[inline]
pub fn end_creation(t: &mut Tables, flow: Flow, arrived: IfId) {
    t.resolutions.discard(flow);
    t.begun_flows.end(arrived);
}

/// Ends a resolution. An MFE that it creates is counted separately.
pub fn end_resolution(t: &mut Tables, flow: Flow) -> Option<Resolution> {
    let resolution = t.resolutions.remove(flow)?;
    if resolution.purpose == Purpose::Create {
        t.begun_flows.end(resolution.arrived);
    }
    Some(resolution)
}

/// An interface is about to be removed: flows that began there and now arrive elsewhere must
/// not count for the next interface with its number.
pub fn forget_arrival(t: &mut Tables, id: IfId) {
    if t.begun_flows.begun_on(id) == 0 {
        return; // the usual case
    }
    t.flows.visit_mfes(Flow::WILDCARD..=Flow::MAX, id, |_, mfe, _| {
        if mfe.arrival == id {
            mfe.arrival = NOWHERE;
        }
        true
    });
    for resolution in t.resolutions.range_mut(Flow::WILDCARD..=Flow::MAX) {
        if resolution.arrived == id {
            resolution.arrived = NOWHERE;
        }
    }
    t.begun_flows.forget_arrival(id);
}
