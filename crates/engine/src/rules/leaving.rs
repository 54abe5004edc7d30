//! Deletes of memberships (spec 3.3), and the end of all memberships on an interface (4.8).

use super::alerts::{self, InterestChange, MembershipChange};
use super::debug_log::{self, debug};
use super::forwarding;
use super::membership::{self, Join, MembershipCall};
use crate::effects::Effects;
use crate::notice::Notice;
use crate::tables::{ClientId, FlowPlace, Flows, Side, Tables};
use mgm_types::{Flow, IfId, Interface, Refusal, Result};
use smallvec::SmallVec;

/// The memberships on an interface that end.
pub struct Ending<'a> {
    pub id: IfId,
    pub sides: &'a [Side],
    /// The client that gets LOCAL_LEAVE, if any.
    pub owner: Option<ClientId>,
    pub cause: MembershipChange,
}

/// Deletes a membership, or switches an interface off (spec 3.3).
pub fn leave(t: &mut Tables, call: MembershipCall, fx: &mut Effects) -> Result<()> {
    let MembershipCall { flow, interface, join, .. } = call;
    let act = membership::authorize(t, call, Refusal::NobodyOwns)?;
    if join == Join::Forward {
        forwarding::switch(t, &act, false, None, fx);
        return Ok(());
    }
    let place = t.flows.find(flow);
    let was_there = place.is_some_and(|place| {
        let sides = &[act.side];
        let ending = Ending { id: act.id, sides, owner: None, cause: act.change };
        remove_member(t, flow, place, &ending, fx)
    });
    membership::follow_member(t, &act, was_there, || Notice::LocalLeave { flow, interface }, fx);
    if let Some(place) = place {
        t.flows.tidy(place);
    }
    Ok(())
}

/// Deletes memberships on one interface; false if there was none. The caller must then
/// tidy the place.
fn remove_member(
    t: &mut Tables,
    flow: Flow,
    place: FlowPlace,
    ending: &Ending<'_>,
    fx: &mut Effects,
) -> bool {
    let &Ending { id, sides, cause, .. } = ending;
    let matters = alerts::has_alert_callbacks(t);
    let before = membership::interest_at(t, place, matters);
    if !t.flows.remove_member(place, sides, id) {
        return false;
    }
    debug(t, fx, || {
        let (who, name) = (debug_log::whose(t, cause.caller), t.interfaces.name(id));
        format!("the membership {flow} on {name} ends, caused by {who}")
    });
    if matters {
        let after = membership::interest_at(t, place, matters);
        alerts::interest_changed(t, &InterestChange { flow, before, after, cause }, fx);
    }
    true
}

/// Ends the memberships on an interface, with their alerts (spec 4.8):
/// groups and sources first, so that the end of a `(*,*)` is not followed by JOIN_ALERTs for
/// memberships that end, too. The caller updates the MFEs, because it has more to change in them.
pub fn drop_members(t: &mut Tables, ending: &Ending<'_>, fx: &mut Effects) {
    let &Ending { id, sides, .. } = ending;
    let mut first = Flow::WILDCARD.successor();
    loop {
        // A few at a time, so that the entries found are still in the cache when removed.
        let wanted = t.flows.wanted_on(first, id, sides);
        let flows: SmallVec<[_; Flows::FETCH]> = wanted.take(Flows::FETCH).collect();
        let Some((last, _)) = flows.last() else { break };
        first = last.successor();
        t.flows.fetch(flows.iter().map(|(_, place)| *place));
        for (flow, place) in flows {
            drop_member(t, flow, place, ending, fx);
        }
    }
    if let Some(place) = t.flows.find(Flow::WILDCARD) {
        drop_member(t, Flow::WILDCARD, place, ending, fx);
    }
}

/// Ends up to `most` memberships of a client on an interface, as its own deletes do. Begins at the
/// flow `first`, which is not `(*,*)`. Returns where to continue; `None` if nothing is left there
/// that the client may delete now.
pub fn leave_portion(
    t: &mut Tables,
    of: (ClientId, Interface),
    first: Flow,
    most: usize,
    fx: &mut Effects,
) -> Option<Flow> {
    let (client, interface) = of;
    let side = if t.clients.get(client)?.is_igmp { Side::Igmp } else { Side::Owner };
    let id = t.interfaces.find(interface)?;
    let flows: Vec<Flow> =
        t.flows.wanted_on(first, id, &[side]).take(most).map(|(flow, _)| flow).collect();
    for flow in &flows {
        let call = MembershipCall { client, flow: *flow, interface, join: Join::State };
        leave(t, call, fx).ok()?;
    }
    flows.last().map(|last| last.successor())
}

/// Ends one membership on an interface, if it is there. The caller updates the MFEs.
pub fn end_one(t: &mut Tables, flow: Flow, ending: &Ending<'_>, fx: &mut Effects) {
    if let Some(place) = t.flows.find(flow) {
        drop_member(t, flow, place, ending, fx);
    }
}

fn drop_member(
    t: &mut Tables,
    flow: Flow,
    place: FlowPlace,
    ending: &Ending<'_>,
    fx: &mut Effects,
) {
    let &Ending { owner, cause: MembershipChange { interface, .. }, .. } = ending;
    if remove_member(t, flow, place, ending, fx) {
        if let Some(owner) = owner {
            alerts::send(t, owner, Notice::LocalLeave { flow, interface }, fx);
        }
    }
    t.flows.tidy(place);
}
