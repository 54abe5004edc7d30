//! Routes that change (spec 4.6, 5.10).
//!
//! A source whose route changes gets another number (see `tables::sources`), and its flows move to
//! this number one by one. Each flow moves in one step: it leaves the old route,
//! its role of spec 4.6 moves, and its clients are asked about its MFE (5.10). A source with
//! very many flows needs several calls. Calls in between find each flow on one of the two
//! routes; flows that have not moved yet use the old one.

use super::rpf::{self, RpfPath};
use super::{memory, reconsider, renewal, restart, roles, unrouted};
use crate::effects::Effects;
use crate::tables::reroutes::AT_ONCE;
use crate::tables::{FlowPlace, Purpose, SourceId, Superseded, Tables};
use mgm_types::{Domain, Flow, Ipv4Addr, Result, Route};

/// The number of rows examined for each flow that may be changed.
const ROWS: usize = 64;

/// The number of sources examined in one step, to see whether all their flows have moved.
const SOURCES: usize = 64;

/// New routes for sources: moves the role of spec 4.6, asks again about MFEs whose iif changes
/// (5.10), and processes refused flows again (5.1).
pub fn update(
    t: &mut Tables,
    routes: &[(Ipv4Addr, Domain, Route)],
    fx: &mut Effects,
) -> Result<()> {
    let mut changed = Vec::new();
    changed.try_reserve_exact(routes.len())?;
    t.reroutes.pending.try_reserve(routes.len())?;
    t.flows.sources.grow(routes.len())?;
    memory::reserve(t, fx)?;
    for (addr, domain, route) in routes {
        let Some(old) = t.flows.sources.find(*addr, *domain) else { continue };
        if t.flows.sources.route(old) == route {
            continue;
        }
        let new = t.flows.sources.supersede(old, route.clone());
        t.flows.sources.hold(old);
        t.flows.sources.hold(new);
        changed.push(Superseded { old, new });
    }
    if changed.is_empty() {
        return Ok(());
    }
    let mut left = AT_ONCE;
    for &Superseded { old, .. } in &changed {
        left -= restart::move_resolutions(t, old, left, fx);
    }
    let mut left = AT_ONCE;
    for &Superseded { old, new } in &changed {
        left -= reconsider::source(t, old, left);
        let mut places = t.flows.of_source(old).unwrap_or_default();
        places.sort_unstable_by_key(|place| t.flows.at(*place).flow());
        for place in places {
            follow_route(t, place, new, fx);
        }
    }
    reconsider::some(t, AT_ONCE, fx);
    for pair in changed {
        retire(t, pair);
    }
    Ok(())
}

/// Whether `Engine::reroute_some` has something to do.
pub fn has_work(t: &Tables) -> bool {
    t.reroutes.is_on() || t.refusals.has_queued() || !t.changes.is_empty()
}

/// Continues changes that were too much for one call, for a limited number of flows of each kind.
pub fn continue_some(t: &mut Tables, most: usize, fx: &mut Effects) {
    // Each kind has a limit of its own. Otherwise, if changes come fast, the first kind would leave
    // nothing for the others.
    let part = |is_waiting: bool| if is_waiting { most / 4 } else { 0 };
    let walk = part(t.reroutes.next.is_some());
    let unrouted = walk + part(t.reroutes.unrouted.is_some());
    let refused = unrouted + part(t.refusals.has_queued());
    let mut left = most;
    left -= follow_sources(t, left - refused, fx);
    left -= reconsider::some(t, left - unrouted, fx);
    left -= unrouted::route_some(t, left - walk, fx);
    follow_some(t, left, fx);
    retire_some(t);
}

/// Moves new flows and refused flows to the present numbers of their sources, a limited number
/// of each. Returns how many new flows moved; refused flows are only queued.
fn follow_sources(t: &mut Tables, most: usize, fx: &mut Effects) -> usize {
    let (mut left, mut to_queue) = (most, most);
    for at in 0..t.reroutes.pending.len().min(SOURCES) {
        let Superseded { old, .. } = t.reroutes.pending[at];
        left -= restart::move_resolutions(t, old, left, fx);
        to_queue -= reconsider::source(t, old, to_queue);
        if left == 0 || to_queue == 0 {
            break;
        }
    }
    most - left
}

/// Drops former numbers of sources that are no longer used. One may be held by the next on
/// the list, so this repeats until none can be dropped.
fn retire_some(t: &mut Tables) {
    let mut kept = 0;
    for _ in 0..SOURCES {
        let pending = &mut t.reroutes.pending;
        let Some(pair) = pending.pop_front() else { break };
        let before = pending.len();
        retire(t, pair);
        kept = if t.reroutes.pending.len() > before { kept + 1 } else { 0 };
        if kept > before {
            break;
        }
    }
}

/// Moves the entries of a limited number of flows to the present numbers of their sources.
fn follow_some(t: &mut Tables, most: usize, fx: &mut Effects) {
    let Some(first) = t.reroutes.next.filter(|_| most > 0) else { return };
    let mut places = Vec::new();
    t.reroutes.next = t.flows.outdated(first, ROWS * most, most, &mut places);
    for place in places {
        let source = t.flows.sources.current(t.flows.at(place).source);
        follow_route(t, place, source, fx);
    }
}

/// Drops a former number of a source if it is no longer used; otherwise moves it to the end
/// of the list.
fn retire(t: &mut Tables, pair: Superseded) {
    let Superseded { old, new } = pair;
    // Besides flows, new flows and refused flows, the previous pair may hold a reference:
    // without this pair, the present number would be forgotten before they have moved to it.
    if t.flows.sources.is_shared(old) {
        t.reroutes.pending.push_back(pair);
        // Flows whose route changed during the walk may lie behind its position.
        if t.flows.sources.has_flows(old) {
            t.reroutes.next.get_or_insert(Flow::WILDCARD);
        }
    } else {
        t.flows.sources.release(old);
        t.flows.sources.release(new);
    }
    if t.reroutes.pending.is_empty() {
        t.reroutes.next = None;
    }
}

/// Moves the flow in this place to another number of its source.
fn follow_route(t: &mut Tables, place: FlowPlace, new: SourceId, fx: &mut Effects) {
    let entry = t.flows.at(place);
    let (flow, old) = (entry.flow(), entry.source);
    let before = entry.mfe.as_ref().map(|mfe| {
        // Its neighbour may differ from that of the first path through the same interface.
        match rpf::is_rpf_path(t, flow, old, mfe.rpf()) {
            true => RpfPath::In(mfe.rpf()),
            false => rpf::rpf_path(t, flow, old, Some(mfe.iif)),
        }
    });
    roles::move_entry(t, place, new, fx);
    if t.resolutions.contains(flow) {
        restart::if_outdated(t, flow, fx);
        return;
    }
    let has_changed = match before {
        None => false,
        Some(RpfPath::In(rpf)) => !rpf::is_rpf_path(t, flow, new, rpf),
        // There was a boundary, or a client chose another iif: any legitimate path is a change.
        Some(_) => {
            let present = t.flows.mfe(flow).map(|mfe| mfe.iif);
            matches!(rpf::rpf_path(t, flow, new, present), RpfPath::In(_))
        }
    };
    if has_changed {
        renewal::ask_again(t, flow, Purpose::Reroute, None, fx);
    }
}
