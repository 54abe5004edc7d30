//! MFEs without a route through a client's interface, when there may be one now (spec 5.10).

use super::renewal;
use super::rpf::{self, RpfPath};
use crate::effects::Effects;
use crate::tables::reroutes::AT_ONCE;
use crate::tables::{IifOrigin, Purpose, Tables};
use mgm_types::Flow;
use smallvec::SmallVec;

/// How many MFEs are examined for each that a step may move.
const ROWS: usize = 16;

/// The owner of an interface has changed: MFEs without a route through a client's interface
/// move if there is one now, the first few of them at once.
pub fn route_all(t: &mut Tables, fx: &mut Effects) {
    if t.reroutes.unrouted.is_some() {
        t.reroutes.unrouted_again = true; // some of them lie behind the position of the walk
    } else {
        t.reroutes.unrouted = Some(Flow::WILDCARD);
    }
    route_some(t, AT_ONCE, fx);
}

/// Continues this for a limited number of MFEs. Returns how many move.
pub fn route_some(t: &mut Tables, most: usize, fx: &mut Effects) -> usize {
    let Some(first) = t.reroutes.unrouted.filter(|_| most > 0) else { return 0 };
    let (most, mut rows) = (most.min(AT_ONCE), ROWS * most.min(AT_ONCE));
    let mut moving: SmallVec<[Flow; AT_ONCE]> = SmallVec::new();
    let mut rest = None;
    for (flow, origin) in t.origins.from(first) {
        if rows == 0 || moving.len() == most {
            rest = Some(flow);
            break;
        }
        rows -= 1;
        if matches!(origin, IifOrigin::Unrouted(_)) && is_led_to(t, flow) {
            moving.push(flow);
        }
    }
    let again = rest.is_none() && std::mem::take(&mut t.reroutes.unrouted_again);
    t.reroutes.unrouted = rest.or(again.then_some(Flow::WILDCARD));
    for &flow in &moving {
        renewal::ask_again(t, flow, Purpose::Reroute, None, fx);
    }
    moving.len()
}

/// Whether a route now leads to the iif of an MFE, or to another possible iif.
fn is_led_to(t: &Tables, flow: Flow) -> bool {
    !t.resolutions.contains(flow)
        && t.flows.row(flow).is_some_and(|(source, mfe)| {
            matches!(rpf::rpf_path(t, flow, source, Some(mfe.iif)), RpfPath::In(_))
        })
}
