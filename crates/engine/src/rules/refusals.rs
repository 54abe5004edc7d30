//! Recently refused flows, and why they were refused (spec 5.1, 5.2).
//!
//! A forwarder such as the kernel reports only the first packet of a flow. A refused flow is
//! therefore remembered for 10 s, or until the reason of its refusal changes, so that it can
//! be accepted then. Meanwhile no client is asked about it again, and the kernel has an entry
//! without oifs for it. Without this entry the flow would stay in the kernel's list of
//! unresolved flows, which the kernel searches for each packet of every other such flow.

use super::debug_log::debug;
use super::memory;
use super::rpf::{self, RpfPath};
use crate::effects::Effects;
use crate::notice::NoticeKind;
use crate::packet::Refused;
use crate::tables::refusals::MOST;
use crate::tables::{
    Change, Changes, FirstPacket, FlowRefusal, PendingChange, RefusedFlow, SourceId, Tables,
};
use mgm_types::{Flow, IfId, Interface, Result, Route};

/// The memory that a refused flow needs, in tree nodes and for its packet.
const REFUSAL_BYTES: usize = 256;

/// Remembers a refused flow, if there is memory. Takes over the reference to its source.
pub fn remember(
    t: &mut Tables,
    flow: Flow,
    source: SourceId,
    refusal: FlowRefusal,
    fx: &mut Effects,
) {
    forget(t, flow, fx);
    if t.interfaces.served(refusal.packet.arrival).is_none() {
        t.flows.sources.release(source); // the system delivers no more packets from there
        return;
    }
    while t.refusals.len() >= MOST {
        let Some(oldest) = t.refusals.oldest() else { break };
        forget(t, oldest, fx);
    }
    if reserve(t, fx).is_err() {
        t.flows.sources.release(source); // its next packet is a first one
        return;
    }
    if refusal.packet.by_forwarder {
        fx.changed(flow);
    }
    t.refusals.insert(t.now, flow, source, refusal);
}

/// A limit refuses a flow. That of its arrival interface is remembered: otherwise its next packets
/// would take from the bucket as well. Takes over the reference to its source.
#[cold]
pub fn limited(
    t: &mut Tables,
    flow: Flow,
    source: SourceId,
    refusal: FlowRefusal,
    fx: &mut Effects,
) {
    match refusal.why {
        Refused::FlowRate => remember(t, flow, source, refusal, fx),
        _ => t.flows.sources.release(source),
    }
}

fn reserve(t: &mut Tables, fx: &mut Effects) -> Result<()> {
    t.refusals.room()?;
    fx.headroom.take(REFUSAL_BYTES)?;
    fx.room_for_changes(memory::changeable(t))
}

/// Forgets a refused flow; its next packet is a first one.
pub fn forget(t: &mut Tables, flow: Flow, fx: &mut Effects) -> Option<FirstPacket> {
    let RefusedFlow { source, refusal, .. } = t.refusals.remove(flow)?;
    if t.refusals.len() == 0 {
        t.changes = Changes::default();
    }
    t.flows.sources.release(source);
    if refusal.packet.by_forwarder {
        fx.changed(flow);
    }
    Some(refusal.packet)
}

/// Why another packet of a recently refused flow is refused, too; `None` if it counts as a
/// first packet, because it arrives on a possible iif. The caller passes on a forwarder's report
/// with [`refused_again`].
pub fn refused_lately(
    t: &mut Tables,
    flow: Flow,
    arrival: IfId,
    source: SourceId,
    fx: &mut Effects,
) -> Option<Refused> {
    let refused = t.refusals.get(flow)?;
    let FlowRefusal { packet, why } = &refused.refusal;
    let why = *why;
    let elsewhere = packet.arrival != t.interfaces.name(arrival);
    // For the first packet no client was asked, because of a boundary or a limit, or because the
    // owner has no RPF_CALLBACK. The owner of this interface is asked, if no route covers the flow.
    let may_ask = !matches!(why, Refused::Boundary | Refused::FlowRate);
    let was_asked = may_ask && accepts_unrouted(t, packet.arrival);
    let may_pass = || match rpf::rpf_path(t, flow, source, Some(arrival)) {
        RpfPath::In(_) => true,
        RpfPath::Bounded => false,
        RpfPath::Nowhere => !was_asked && accepts_unrouted(t, t.interfaces.name(arrival)),
    };
    if is_concerned(t, flow, refused) || elsewhere && may_pass() {
        forget(t, flow, fx);
        return None;
    }
    Some(why)
}

/// Whether an owner of the interface could accept flows that no route covers (spec 5.2).
fn accepts_unrouted(t: &Tables, interface: Interface) -> bool {
    let owner = t.interfaces.find(interface).and_then(|id| t.interfaces.master(id));
    owner.is_some_and(|owner| t.clients.has_callback(owner, NoticeKind::Rpf))
}

/// The forwarder reports a refused flow again: its entry was lost, or is not installed yet.
pub fn refused_again(t: &mut Tables, flow: Flow, fx: &mut Effects) {
    if let Some(refused) = t.refusals.get_mut(flow) {
        refused.refusal.packet.by_forwarder = true;
        fx.changed(flow);
    }
}

/// Forgets flows that were refused 10 s ago. Returns their number.
pub fn end_old(t: &mut Tables, most: usize, fx: &mut Effects) -> usize {
    let mut done = 0;
    while done < most && t.refusals.next_end().is_some_and(|end| end <= t.now) {
        done += 1;
        let Some(flow) = t.refusals.oldest() else { break };
        debug(t, fx, || format!("{flow} was refused: its next packet is processed again"));
        forget(t, flow, fx);
    }
    done
}

/// Whether a refused flow must be processed again, even if the walk has not reached it.
fn is_concerned(t: &Tables, flow: Flow, refused: &RefusedFlow) -> bool {
    let by = |pending: &PendingChange| {
        (pending.next..=pending.last).contains(&refused.serial)
            && concerns(t, pending.change, flow, refused)
    };
    refused.is_queued || t.flows.sources.is_outdated(refused.source) || t.changes.iter().any(by)
}

/// Whether a change can make a refused flow acceptable, or ends its refusal.
pub fn concerns(t: &Tables, change: Change, flow: Flow, refused: &RefusedFlow) -> bool {
    let arrival = refused.refusal.packet.arrival;
    match change {
        Change::Owner(interface) | Change::Gone(interface) => {
            let route = t.flows.sources.route(refused.source);
            arrival == interface || leads_to(route, interface.index)
        }
        Change::FlowRate(index) => {
            refused.refusal.why == Refused::FlowRate && arrival.index == index
        }
        Change::Boundary(scope) => scope.flows().contains(&flow),
        Change::Domain(interface) => arrival == interface,
        Change::Any => true,
    }
}

/// Whether one of the paths of a route leads to this index.
fn leads_to(route: &Route, if_index: u32) -> bool {
    let paths = route.paths.as_deref().unwrap_or_default();
    route.if_index == if_index || paths.iter().any(|hop| hop.if_index == if_index)
}
