//! The end of an MFE (spec 5.6, 5.11).

use super::debug_log::debug;
use super::flow_limit;
use super::oifs::{self, OifChange, Touch};
use crate::effects::Effects;
use crate::tables::{ClientId, Flows, IifOrigin, Mfe, Tables};
use mgm_types::{Flow, IfId, Interface};
use smallvec::SmallVec;
use std::ops::RangeInclusive;

/// The owner of an interface has changed: MFEs with this iif end, and in all others only
/// memberships decide whether it is an oif (spec 2.5).
pub fn clear_interface(t: &mut Tables, id: IfId, caller: Option<ClientId>, fx: &mut Effects) {
    delete_all(t, Flow::WILDCARD..=Flow::MAX, |mfe| mfe.iif == id, fx);
    oifs::update(t, Flow::WILDCARD, OifChange { id, touch: Touch::Gone, caller }, fx);
}

/// Deletes those MFEs of a range of flows for which `ends` returns true.
pub fn delete_all(
    t: &mut Tables,
    flows: RangeInclusive<Flow>,
    ends: impl Fn(&Mfe) -> bool,
    fx: &mut Effects,
) {
    let (mut first, last) = flows.into_inner();
    loop {
        // A few at a time: there may be no memory for the list of all, and the entries found
        // are still in the cache when removed.
        let within = t.flows.mfes(first).take_while(|(flow, _)| *flow <= last);
        let ending = within.filter(|(_, mfe)| ends(mfe)).map(|(flow, _)| flow);
        let some: SmallVec<[Flow; Flows::FETCH]> = ending.take(Flows::FETCH).collect();
        some.iter().for_each(|&flow| delete(t, flow, fx));
        match some.last() {
            Some(&flow) if some.len() == Flows::FETCH => first = flow.successor(),
            _ => return,
        }
    }
}

/// How many MFEs one call of [`delete_portion`] looks at.
const LOOKED_AT: usize = 1024;

/// Deletes up to `most` MFEs whose iif is an interface that this client is about to release, among
/// the first ones from `first` on. Returns where to continue, and how many it has deleted; `None`
/// if there are no further MFEs, or if the MFEs of the interface do not end with the release.
pub fn delete_portion(
    t: &mut Tables,
    of: (ClientId, Interface),
    first: Flow,
    most: usize,
    fx: &mut Effects,
) -> Option<(Flow, usize)> {
    let (client, interface) = of;
    let id = t.interfaces.find(interface)?;
    if t.interfaces.master(id) != Some(client) {
        return None;
    }
    let (mut last, mut ending) = (None, Vec::new());
    for (flow, mfe) in t.flows.mfes(first).take(LOOKED_AT) {
        last = Some(flow);
        if mfe.iif == id {
            ending.push(flow);
            if ending.len() == most {
                break;
            }
        }
    }
    ending.iter().for_each(|&flow| delete(t, flow, fx));
    Some((last?.successor(), ending.len()))
}

/// Deletes an MFE.
pub fn delete(t: &mut Tables, flow: Flow, fx: &mut Effects) {
    if let Some(mfe) = t.flows.remove_mfe(flow) {
        debug(t, fx, || format!("{flow} deleted: its iif was {}", t.interfaces.name(mfe.iif)));
        t.begun_flows.end(mfe.arrival);
        t.origins.set(flow, IifOrigin::Route);
        t.wrong_ifs.mfe_gone(flow);
        flow_limit::end_resolution(t, flow); // the renewal of this MFE
        fx.changed(flow);
    }
}
