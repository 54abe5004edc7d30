//! The change of an interface's owner where IGMP is enabled (spec 2.3, 2.4).
//!
//! A protocol's take or release of an interface on which IGMP is enabled is a
//! *change of owner* in three steps: DISABLE_IGMP, the change, ENABLE_IGMP.
//! The call itself records the claim; the change follows when DISABLE_IGMP has
//! been answered. Another take or release in between only moves the claim.

use super::alerts::MembershipChange;
use super::debug_log::{self, debug};
use super::leaving::{self, Ending};
use super::oifs::{self, OifChange, Touch};
use super::{deletion, flow_limit, reconsider, restart, roles, unrouted};
use crate::effects::Effects;
use crate::notice::{Notice, QuestionId};
use crate::tables::{ClientId, Side, Slot, Tables};
use mgm_types::{Flow, IfId, Interface};

/// Makes the claiming protocol the owner: after DISABLE_IGMP if IGMP is enabled, at once if
/// it is not, or if the call cannot wait.
pub fn start_change(t: &mut Tables, id: IfId, at_once: bool, fx: &mut Effects) {
    let question = QuestionId(t.next_serial());
    let Some(slot) = t.interfaces.get_mut(id) else { return };
    if slot.disabling.is_some() {
        return; // the change that is under way includes it
    }
    let (interface, igmp) = (slot.interface, slot.igmp.filter(|_| !slot.absent));
    let igmp = igmp.filter(|&igmp| !t.graces.is_left(Some(igmp)));
    match igmp {
        None => make_claimant_owner(t, id, fx),
        Some(igmp) if at_once => {
            make_claimant_owner(t, id, fx);
            fx.tell_surely(igmp, Notice::DisableIgmp { question, interface });
            enable_igmp(t, id, fx);
        }
        Some(igmp) => {
            slot.disabling = Some(question);
            fx.tell_surely(igmp, Notice::DisableIgmp { question, interface });
        }
    }
}

/// DISABLE_IGMP has been answered: the change, then ENABLE_IGMP.
pub fn igmp_disabled(
    t: &mut Tables,
    client: ClientId,
    interface: Interface,
    question: QuestionId,
    fx: &mut Effects,
) {
    let Some(id) = t.interfaces.find(interface) else { return };
    let Some(slot) = t.interfaces.get_mut(id) else { return };
    if slot.disabling != Some(question) {
        return igmp_disabled_late(t, client, id, question, fx);
    }
    slot.disabling = None;
    make_claimant_owner(t, id, fx);
    enable_igmp(t, id, fx);
}

/// The change was made before DISABLE_IGMP. Memberships that IGMP has added since end like
/// its earlier ones: IGMP starts again (spec 2.4, D35).
fn igmp_disabled_late(
    t: &mut Tables,
    client: ClientId,
    id: IfId,
    question: QuestionId,
    fx: &mut Effects,
) {
    let Some(slot) = t.interfaces.get(id) else { return };
    let is_disabled = slot.igmp == Some(client) && slot.igmp_barred;
    if !is_disabled || question.0 < slot.igmp_since {
        return;
    }
    let cause = MembershipChange { caller: None, interface: slot.interface };
    let ending = Ending { id, sides: &[Side::Igmp], owner: slot.staying_owner(), cause };
    leaving::drop_members(t, &ending, fx);
    let change = OifChange { id, touch: Touch::Members, caller: None };
    oifs::update(t, Flow::WILDCARD, change, fx);
}

/// ENABLE_IGMP to the IGMP client on the interface, if there is one.
pub fn enable_igmp(t: &Tables, id: IfId, fx: &mut Effects) {
    let Some(slot) = t.interfaces.get(id) else { return };
    if let Some(igmp) = slot.igmp.filter(|&igmp| !t.graces.is_left(Some(igmp))) {
        let (interface, since) = (slot.interface, slot.igmp_since);
        fx.tell_surely(igmp, Notice::EnableIgmp { interface, since });
    }
}

/// Called before a callback is made; false if the callback is obsolete.
pub fn starting(t: &mut Tables, client: ClientId, notice: &Notice) -> bool {
    let (interface, serial, bars) = match notice {
        Notice::DisableIgmp { question, interface } => (*interface, question.0, true),
        Notice::EnableIgmp { interface, since } => (*interface, *since, false),
        _ => return true,
    };
    let slot = t.interfaces.find(interface).and_then(|id| t.interfaces.get_mut(id));
    let Some(slot) = slot.filter(|slot| slot.igmp == Some(client)) else { return false };
    // IGMP has left and was enabled again since, so this DISABLE_IGMP is obsolete. If it set
    // the bar, no ENABLE_IGMP would remove it, or an earlier one would remove it too early.
    if serial < slot.igmp_since {
        return false;
    }
    slot.igmp_barred = bars;
    true
}

/// Makes the claiming protocol the owner. IGMP's memberships end (it adds them again after
/// ENABLE_IGMP), and so do those of a protocol that has released the interface.
pub fn make_claimant_owner(t: &mut Tables, id: IfId, fx: &mut Effects) {
    let Some(slot) = t.interfaces.get(id) else { return };
    // The memberships found here are the former owner's: `take` ends them before the new
    // owner can add any.
    let sides: &[Side] =
        if slot.owner.is_some() { &[Side::Owner, Side::Igmp] } else { &[Side::Igmp] };
    // The owner is not told of what its own release ends; a take tells its caller.
    let cause = MembershipChange { caller: slot.owner, interface: slot.interface };
    let ending = Ending { id, sides, owner: None, cause };
    leaving::drop_members(t, &ending, fx);
    change_master(t, id, cause.caller, fx, |slot| slot.owner = slot.claim);
}

/// Changes the owner of an interface in the sense of sections 4 and 5, and updates MFEs, the
/// role towards sources, and flows that are being resolved. Frees the interface if it is no
/// longer taken.
pub fn change_master(
    t: &mut Tables,
    id: IfId,
    caller: Option<ClientId>,
    fx: &mut Effects,
    change: impl FnOnce(&mut Slot),
) {
    if t.interfaces.master(id).is_some() {
        deletion::clear_interface(t, id, caller, fx);
    }
    let interface = t.interfaces.name(id);
    roles::change_slot(t, id, fx, change);
    let Some(slot) = t.interfaces.get(id) else { return };
    let (name, master) = (slot.interface, slot.master());
    let (is_free, absent) = (slot.is_free(), slot.absent);
    debug(t, fx, || format!("owner of {name}: {}", debug_log::whose(t, master)));
    if is_free {
        if !absent {
            fx.detached.push(id);
        }
        flow_limit::forget_arrival(t, id);
        t.interfaces.forget(id);
    }
    restart::about_interface(t, id, fx);
    unrouted::route_all(t, fx);
    reconsider::interface(t, interface, fx);
}

/// A client deregisters while one of its releases still waits for DISABLE_IGMP: the change does not
/// wait any longer.
pub fn finish_releases_of(t: &mut Tables, client: ClientId, fx: &mut Effects) {
    let waiting: Vec<IfId> = t
        .interfaces
        .iter()
        .filter(|(_, slot)| slot.owner == Some(client) && slot.disabling.is_some())
        .map(|(id, _)| id)
        .collect();
    for id in waiting {
        make_claimant_owner(t, id, fx);
    }
}
