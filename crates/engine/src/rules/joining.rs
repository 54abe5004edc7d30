//! Adds of memberships (spec 3.3, 3.4).

use super::alerts::{self, InterestChange};
use super::debug_log::{self, debug};
use super::membership::{self, Act, Join, MembershipCall};
use super::{forwarding, memory};
use crate::effects::Effects;
use crate::notice::Notice;
use crate::tables::Tables;
use mgm_types::{Refusal, Result, Route};

/// Adds a membership, or switches an interface on (spec 3.3).
pub fn join(
    t: &mut Tables,
    call: MembershipCall,
    route: Option<&Route>,
    fx: &mut Effects,
) -> Result<()> {
    let MembershipCall { flow, interface, join, .. } = call;
    let act = membership::authorize(t, call, Refusal::NotOwner)?;
    if t.interfaces.get(act.id).is_some_and(|slot| slot.absent) {
        return Err(Refusal::Absent(interface));
    }
    t.flows.expect(flow);
    memory::reserve(t, fx)?;
    memory::reserve_for_mfes(t, flow, act.id, fx)?;
    if join == Join::Forward {
        forwarding::switch(t, &act, true, route, fx);
        return Ok(());
    }
    t.graces.added(act.client, act.id, flow)?;
    let is_new = insert_member(t, &act, route, fx);
    membership::follow_member(t, &act, is_new, || Notice::LocalJoin { flow, interface }, fx);
    Ok(())
}

/// Records a membership; false if it existed already.
#[inline]
fn insert_member(t: &mut Tables, act: &Act, route: Option<&Route>, fx: &mut Effects) -> bool {
    let place = t.flows.make(act.flow, t.interfaces.domain(act.id), route);
    let matters = alerts::has_alert_callbacks(t);
    let before = membership::interest_at(t, place, matters);
    if !t.flows.insert_member(place, act.side, act.id) {
        return false;
    }
    debug(t, fx, || {
        let (who, Act { flow, change, .. }) = (debug_log::who(t, act.client), act);
        format!("{who} joins {flow} on {}", change.interface)
    });
    if matters {
        let after = membership::interest_at(t, place, matters);
        let change = InterestChange { flow: act.flow, before, after, cause: act.change };
        alerts::interest_changed(t, &change, fx);
    }
    true
}
