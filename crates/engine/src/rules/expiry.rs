//! The expiry of MFEs (spec 5.6).

use super::debug_log::debug;
use super::{deletion, grace, refusals, renewal, route_changes};
use crate::effects::Effects;
use crate::tables::reroutes::AT_ONCE;
use crate::tables::{ExpiryEntry, Flows, Purpose, Tables};
use mgm_types::{Flow, Result, RouteOrigin, Time};

/// Whether `Engine::tick` has something to do before this time. Fast, because each call asks.
#[inline]
pub fn is_due_before(t: &Tables, then: Time) -> bool {
    let has_rare = t.wrong_ifs.next_sweep().is_some()
        | t.reroutes.is_on()
        | t.refusals.has_any()
        | !t.graces.is_empty();
    t.expiry.next.is_some_and(|due| due < then)
        || has_rare && next_deadline(t).is_some_and(|due| due < then)
}

/// When `Engine::tick` has something to do next.
pub fn next_deadline(t: &Tables) -> Option<Time> {
    if route_changes::has_work(t) {
        return Some(Time(0));
    }
    let due = Time::sooner(t.expiry.next, t.wrong_ifs.next_sweep());
    Time::sooner(Time::sooner(due, t.graces.next_end()), t.refusals.next_end())
}

/// How much of the state of a client whose process has ended ends at a time (D115).
const LEFT_AT_ONCE: usize = 64;

/// Ends expired MFEs; examines at most `most` MFEs.
pub fn tick(
    t: &mut Tables,
    most: usize,
    mut packets: impl FnMut(Flow) -> Result<Option<u64>>,
    fx: &mut Effects,
) {
    if route_changes::has_work(t) {
        route_changes::continue_some(t, most.min(AT_ONCE), fx);
    }
    let most = most - grace::end_portion(t, most.min(LEFT_AT_ONCE), fx);
    let mut left = most - refusals::end_old(t, most, fx);
    while left > 0 {
        let entries = t.expiry.pop(t.now, left.min(Flows::FETCH));
        if entries.is_empty() {
            break;
        }
        left -= entries.len();
        t.flows.fetch(entries.iter().map(|entry| entry.place));
        for entry in entries.into_iter().rev() {
            end(t, entry, &mut packets, fx);
        }
    }
    t.wrong_ifs.sweep(t.now, most);
}

/// Whether the router itself is the source. The kernel counts such packets on whichever
/// interface they leave, and never reports one on a wrong interface. Only a new MFE shows
/// whether the stream still arrives on the same interface (D55).
fn is_own(t: &Tables, flow: Flow) -> bool {
    t.flows.sources.route(t.flows.source(flow)).origin == RouteOrigin::Local
}

/// Ends an MFE if it has expired and is not renewed.
fn end(
    t: &mut Tables,
    entry: ExpiryEntry,
    packets: impl FnOnce(Flow) -> Result<Option<u64>>,
    fx: &mut Effects,
) {
    let ExpiryEntry { place, serial } = entry;
    let now = t.now;
    let Some((flow, mfe)) = t.flows.mfe_at(place).filter(|(_, mfe)| mfe.serial == serial) else {
        return; // the MFE is gone
    };
    if mfe.deadline(t.config.mfe_timeout).is_none_or(|deadline| deadline > now) {
        return; // it has another expiry time now
    }
    if t.resolutions.contains(flow) {
        t.expiry.schedule(entry, now.plus_secs(1));
        return; // its clients are being asked
    }
    if !mfe.oifs.is_empty() {
        let (count, is_exact) = match packets(flow) {
            Ok(packets) => (packets.unwrap_or(mfe.packets) as u32, packets.is_none()),
            Err(refusal) => {
                t.expiry.schedule(entry, now.plus_secs(1));
                debug(t, fx, || format!("{flow}: expiry postponed: {refusal}"));
                return;
            }
        };
        let is_used = std::mem::replace(&mut mfe.seen, count) != count;
        if is_used && (is_exact || !is_own(t, flow)) {
            renewal::ask_again(t, flow, Purpose::Renew, None, fx);
            return;
        }
    }
    debug(t, fx, || format!("{flow} expired"));
    deletion::delete(t, flow, fx);
}
