//! Taking and releasing interfaces (spec 2.1, 2.2, 2.5, 2.6).

use super::alerts::MembershipChange;
use super::debug_log::{self, debug};
use super::leaving::{self, Ending};
use super::oifs::{self, OifChange, Touch};
use super::{change_of_owner, memory, taking_over};
use crate::effects::Effects;
use crate::tables::{ClientId, Side, Tables};
use mgm_types::{Flow, IfId, Interface, Refusal, Result};

/// Checks a take and finds or makes the interface's number; true if it is new, so that the
/// forwarder must accept it (spec 2.1, 2.2, 0.2).
pub fn prepare_take(
    t: &mut Tables,
    client: ClientId,
    interface: Interface,
    fx: &mut Effects,
) -> Result<(IfId, bool)> {
    let is_igmp = t.clients.record(client)?.is_igmp;
    if interface.index == 0 {
        return Err(Refusal::ZeroInterface);
    }
    let Some(id) = t.interfaces.find(interface) else {
        memory::reserve(t, fx)?;
        let id = t.interfaces.allocate(interface)?;
        if let Err(refusal) = t.begun_flows.serve(id) {
            t.interfaces.forget(id);
            return Err(refusal);
        }
        return Ok((id, true));
    };
    let slot = t.interfaces.get(id);
    let holder = slot.and_then(|slot| if is_igmp { slot.igmp } else { slot.claim });
    if holder.is_some() && !taking_over::is_left_to(t, holder, client) {
        return Err(Refusal::Owned(interface));
    }
    if !is_igmp && holder.is_none() && t.graces.is_left(slot.and_then(|slot| slot.igmp)) {
        // The change of owner would end memberships that IGMP does not add again (D107).
        return Err(Refusal::Owned(interface));
    }
    if t.interfaces.get(id).is_some_and(|slot| slot.absent) {
        return Err(Refusal::NoSuchInterface(interface.index));
    }
    memory::reserve(t, fx)?;
    Ok((id, false))
}

/// Takes an interface that `Engine::prepare_take` has accepted; `at_once` inside a callback, where
/// the call cannot wait (spec 2.3).
pub fn take(t: &mut Tables, client: ClientId, id: IfId, at_once: bool, fx: &mut Effects) {
    debug(t, fx, || {
        format!("{} takes ownership of {}", debug_log::who(t, client), t.interfaces.name(id))
    });
    if taking_over::take(t, client, id, fx) {
        return;
    }
    let is_igmp = match t.clients.get_mut(client) {
        Some(record) => {
            record.interfaces += 1;
            record.is_igmp
        }
        None => return,
    };
    if is_igmp {
        let has_owner = t.interfaces.master(id).is_some();
        let since = t.next_serial();
        if let Some(slot) = t.interfaces.get_mut(id) {
            slot.igmp_since = since;
        }
        if has_owner {
            if let Some(slot) = t.interfaces.get_mut(id) {
                slot.igmp = Some(client);
            }
        } else {
            change_of_owner::change_master(t, id, None, fx, |slot| slot.igmp = Some(client));
        }
        return;
    }
    // Finish a release that still waits, so that it does not end the new owner's memberships.
    let releasing =
        t.interfaces.get(id).is_some_and(|slot| slot.owner.is_some() && slot.claim.is_none());
    if releasing {
        change_of_owner::make_claimant_owner(t, id, fx);
    }
    if let Some(slot) = t.interfaces.get_mut(id) {
        slot.claim = Some(client);
    }
    change_of_owner::start_change(t, id, at_once, fx);
}

/// Releases an interface, or disables IGMP on it (spec 2.5).
pub fn release(
    t: &mut Tables,
    client: ClientId,
    interface: Interface,
    at_once: bool,
    fx: &mut Effects,
) -> Result<()> {
    let is_igmp = t.clients.record(client)?.is_igmp;
    if interface.index == 0 {
        return Err(Refusal::ZeroInterface);
    }
    let id = t.interfaces.find(interface).ok_or(Refusal::NotOwner(interface))?;
    let holder = t.interfaces.get(id).and_then(|slot| if is_igmp { slot.igmp } else { slot.claim });
    if holder != Some(client) {
        return Err(Refusal::NotOwner(interface));
    }
    debug(t, fx, || format!("{} releases ownership of {interface}", debug_log::who(t, client)));
    if let Some(record) = t.clients.get_mut(client) {
        record.interfaces -= 1;
    }
    t.graces.released(client, id);
    if is_igmp {
        release_igmp(t, id, client, fx);
    } else {
        release_protocol(t, id, client, at_once, fx);
    }
    Ok(())
}

/// IGMP leaves an interface. If a protocol owns the interface, only IGMP's memberships end;
/// otherwise the interface is no longer taken.
fn release_igmp(t: &mut Tables, id: IfId, client: ClientId, fx: &mut Effects) {
    let Some(slot) = t.interfaces.get_mut(id) else { return };
    let (owner, staying) = (slot.owner, slot.staying_owner());
    let cause = MembershipChange { caller: Some(client), interface: slot.interface };
    slot.disabling = None;
    slot.igmp_barred = false;
    fx.released.push((client, cause.interface));
    let ending = Ending { id, sides: &[Side::Igmp], owner: staying, cause };
    leaving::drop_members(t, &ending, fx);
    if owner.is_some() {
        let change = OifChange { id, touch: Touch::Members, caller: Some(client) };
        oifs::update(t, Flow::WILDCARD, change, fx);
        if let Some(slot) = t.interfaces.get_mut(id) {
            slot.igmp = None;
        }
        // A release that waited for DISABLE_IGMP need not wait any longer.
        if t.interfaces.get(id).is_some_and(|slot| slot.owner != slot.claim) {
            change_of_owner::make_claimant_owner(t, id, fx);
        }
    } else {
        change_of_owner::change_master(t, id, Some(client), fx, |slot| {
            slot.igmp = None;
            slot.owner = slot.claim;
        });
    }
}

/// A protocol releases an interface.
fn release_protocol(t: &mut Tables, id: IfId, client: ClientId, at_once: bool, fx: &mut Effects) {
    let Some(slot) = t.interfaces.get_mut(id) else { return };
    let (had_it, interface) = (slot.owner == Some(client), slot.interface);
    fx.released.push((client, interface));
    if !had_it {
        // Its take still waits for DISABLE_IGMP, and will find no claim.
        let cause = MembershipChange { caller: Some(client), interface };
        let ending = Ending { id, sides: &[Side::Owner], owner: None, cause };
        leaving::drop_members(t, &ending, fx);
        let change = OifChange { id, touch: Touch::Clear, caller: Some(client) };
        oifs::update(t, Flow::WILDCARD, change, fx);
    }
    if let Some(slot) = t.interfaces.get_mut(id) {
        slot.claim = None;
    }
    change_of_owner::start_change(t, id, at_once, fx);
}

/// The protocol and component ids of the owner of an interface (spec 2.6).
pub fn protocol_on(t: &Tables, interface: Interface) -> Result<(u32, u32)> {
    t.interfaces
        .find(interface)
        .and_then(|id| t.interfaces.master(id))
        .and_then(|client| t.clients.key(client))
        .ok_or(Refusal::NoProtocol(interface))
}
