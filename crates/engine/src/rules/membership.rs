//! Which client may act on an interface (spec 3.1), and the consequences of its call (3.5, 3.6).

use super::alerts::{self, Interest, MembershipChange};
use super::oifs::{self, OifChange, Touch};
use crate::effects::Effects;
use crate::notice::Notice;
use crate::tables::{ClientId, FlowPlace, Side, Tables};
use mgm_types::{Flow, IfId, Interface, Refusal, Result};

/// What a membership call acts on (dwFlags; spec 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// MGM_JOIN_STATE_FLAG, alone or with the other.
    State,
    /// MGM_FORWARD_STATE_FLAG alone.
    Forward,
}

/// A membership call.
#[derive(Clone, Copy)]
pub struct MembershipCall {
    pub client: ClientId,
    pub flow: Flow,
    pub interface: Interface,
    pub join: Join,
}

/// A membership call whose caller and interface have been checked.
pub struct Act {
    pub client: ClientId,
    pub flow: Flow,
    pub id: IfId,
    pub side: Side,
    /// The protocol that owns the interface beside IGMP, and whether its release waits (D39).
    pub beside: Option<ClientId>,
    is_leaving: bool,
    pub change: MembershipChange,
}

/// Checks that the caller may act on the interface (spec 3.1). `not_there` is the refusal
/// if the interface is not taken.
#[inline(always)]
pub fn authorize(
    t: &Tables,
    call: MembershipCall,
    not_there: impl FnOnce(Interface) -> Refusal,
) -> Result<Act> {
    let MembershipCall { client, flow, interface, .. } = call;
    let is_igmp = t.clients.record(client)?.is_igmp;
    if interface.index == 0 {
        return Err(Refusal::ZeroInterface);
    }
    let found = t.interfaces.find(interface).and_then(|id| Some((id, t.interfaces.get(id)?)));
    let Some((id, slot)) = found else { return Err(not_there(interface)) };
    let (holder, side) = if is_igmp { (slot.igmp, Side::Igmp) } else { (slot.claim, Side::Owner) };
    if holder != Some(client) {
        return Err(Refusal::NotOwner(interface));
    }
    if is_igmp && slot.igmp_barred {
        return Err(Refusal::IgmpDisabled(interface));
    }
    let beside = if is_igmp { slot.owner } else { None };
    let is_leaving = is_igmp && slot.claim != slot.owner;
    let change = MembershipChange { caller: Some(client), interface };
    Ok(Act { client, flow, id, side, beside, is_leaving, change })
}

/// The consequences of a JOIN or its delete, whether or not it `changed` the membership.
/// IGMP beside an owner only informs the owner (spec 3.6) and leaves its overrides alone;
/// other callers end their own overrides, even by a redundant call (3.5).
#[inline]
pub fn follow_member(
    t: &mut Tables,
    act: &Act,
    changed: bool,
    local: impl FnOnce() -> Notice,
    fx: &mut Effects,
) {
    let touch = match act.beside {
        Some(_) if !changed => return,
        Some(owner) => {
            if !act.is_leaving {
                alerts::send(t, owner, local(), fx);
            }
            Touch::Members
        }
        None => Touch::Clear,
    };
    oifs::update(t, act.flow, OifChange { id: act.id, touch, caller: Some(act.client) }, fx);
}

/// The components behind the memberships in a place, if it matters.
#[inline]
pub fn interest_at(t: &Tables, place: FlowPlace, matters: bool) -> Interest {
    match t.flows.at(place).wanted_by() {
        Some(members) if matters => alerts::components_behind(t, members),
        _ => Interest::Nobody,
    }
}
