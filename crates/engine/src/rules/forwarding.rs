//! MGM_FORWARD_STATE_FLAG alone: an override for the MFEs that exist (spec 3.3, 3.5).

use super::debug_log::{self, debug};
use super::membership::Act;
use super::oifs::{self, OifChange, Touch};
use super::{alerts, rpf};
use crate::effects::Effects;
use crate::notice::Notice;
use crate::tables::Tables;
use mgm_types::Route;

/// FORWARD alone: an override for the MFEs that exist (spec 3.3, 3.5).
/// Beside an owner IGMP may not touch those.
pub fn switch(t: &mut Tables, act: &Act, on: bool, route: Option<&Route>, fx: &mut Effects) {
    let is_absent = t.interfaces.get(act.id).is_some_and(|slot| slot.absent);
    if act.flow.is_link_local() || is_absent {
        return; // nothing is forwarded there
    }
    debug(t, fx, || {
        let state = if on { "on" } else { "off" };
        let (who, Act { flow, change, .. }) = (debug_log::who(t, act.client), act);
        format!("{who} switches {} {state} for {flow}", change.interface)
    });
    if act.beside.is_none() {
        let change = OifChange { id: act.id, touch: Touch::Force(on), caller: Some(act.client) };
        oifs::update(t, act.flow, change, fx);
    }
    let finds_none = act.flow.has_source() && !t.flows.has_mfe(act.flow);
    if on && finds_none {
        // There is no MFE, so nothing has requested the flow upstream yet (spec 5.8).
        let domain = t.interfaces.domain(act.id);
        let source = t.flows.hold_source(act.flow, domain, route);
        if let Some(upstream) = rpf::towards(t, source) {
            if upstream != act.client {
                alerts::send(t, upstream, Notice::Join { flow: act.flow, member: false }, fx);
            }
        }
        t.flows.sources.release(source);
    }
}
