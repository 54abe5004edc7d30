//! Grace: what a client leaves when its process ends stays for a successor (spec 9.8).
//!
//! The client itself stays registered, without callbacks. A successor is another client with the
//! same ids. It takes the interfaces again, one by one, and adds the memberships again. What is
//! left in the end belongs to the former client, or is a membership that was not added again.

use super::alerts::MembershipChange;
use super::debug_log::{self, debug};
use super::leaving::{self, Ending};
use super::oifs::{self, OifChange, Touch};
use super::{change_of_owner, releasing};
use crate::effects::Effects;
use crate::notice::NoticeKinds;
use crate::tables::{ClientId, Side, Tables};
use mgm_types::{Flow, IfId, Interface, Refusal, Result, Time};

/// A client's process has ended: everything that it has stays until `ends`, and the client is told
/// nothing. If it has taken over from another client, whose time has not ended, that time goes on.
pub fn begin(t: &mut Tables, client: ClientId, ends: Time, fx: &mut Effects) {
    t.clients.silence(client);
    change_of_owner::finish_releases_of(t, client, fx);
    free_igmp(t, client, fx);
    match t.graces.left_to(client, t.now) {
        Some(first) => give_back(t, client, first, fx),
        None => t.graces.insert(client, ends),
    }
    debug(t, fx, || format!("{} has ended, and its state stays", debug_log::who(t, client)));
}

/// An IGMP client that has ended answers no DISABLE_IGMP, and gets no ENABLE_IGMP.
fn free_igmp(t: &mut Tables, client: ClientId, fx: &mut Effects) {
    for id in interfaces_of(t, client) {
        let Some(slot) = t.interfaces.get_mut(id).filter(|slot| slot.igmp == Some(client)) else {
            continue;
        };
        slot.igmp_barred = false;
        if slot.disabling.take().is_some() {
            change_of_owner::make_claimant_owner(t, id, fx);
        }
    }
}

/// A successor has ended, too: everything that it has belongs to the first client again.
fn give_back(t: &mut Tables, client: ClientId, first: ClientId, fx: &mut Effects) {
    for id in interfaces_of(t, client) {
        let Some(slot) = t.interfaces.get_mut(id) else { continue };
        for holder in [&mut slot.claim, &mut slot.owner, &mut slot.igmp] {
            if *holder == Some(client) {
                *holder = Some(first);
            }
        }
    }
    let interfaces = t.clients.get(client).map_or(0, |client| client.interfaces);
    if let Some(record) = t.clients.get_mut(first) {
        record.interfaces += interfaces;
    }
    lose_successor(t, client);
    fx.departed.push(client);
}

/// The successor of a client goes. Its ids belong to the former client again, whose time goes on.
pub fn lose_successor(t: &mut Tables, client: ClientId) {
    let left = t.graces.left_to(client, t.now);
    t.clients.remove(client);
    if let Some(grace) = left.and_then(|left| t.graces.of_mut(left)) {
        grace.loses_successor();
        t.clients.regain_ids(grace.client);
    }
}

/// The client with these ids that has left its state, and that no other has succeeded.
pub fn left_by(t: &Tables, ids: (u32, u32)) -> Option<ClientId> {
    let client = t.clients.with_ids(ids)?;
    let grace = t.graces.of(client)?;
    (!grace.is_over(t.now)).then_some(client)
}

/// Registers the successor of a client that has left its state.
pub fn succeed(t: &mut Tables, left: ClientId, callbacks: NoticeKinds) -> Result<ClientId> {
    let (protocol, component) = t.clients.key(left).ok_or(Refusal::BadHandle(left.0))?;
    if left_by(t, (protocol, component)) != Some(left) {
        return Err(Refusal::AlreadyRegistered(protocol, component));
    }
    let client = t.clients.insert_successor(left, callbacks)?;
    if let Some(grace) = t.graces.of_mut(left) {
        grace.successor = Some(client);
    }
    Ok(client)
}

/// A successor has taken and added again what it wants (spec 9.8): the rest ends.
pub fn done(t: &mut Tables, client: ClientId) {
    let left = t.graces.left_to(client, t.now);
    if let Some(grace) = left.and_then(|left| t.graces.of_mut(left)) {
        grace.ends = t.now;
    }
}

/// Ends what is left of a client whose time has ended, at most `most` memberships or MFEs. Returns
/// how much it has examined; 0 if there is nothing to end.
pub fn end_portion(t: &mut Tables, most: usize, fx: &mut Effects) -> usize {
    let now = t.now;
    let Some(grace) = t.graces.first_over(now) else { return 0 };
    let (client, mut at) = (grace.client, grace.at);
    if let Some(id) = grace.taken_again() {
        let first = at.next.max(Flow::WILDCARD.successor());
        at.next = end_missing(t, (client, id), first, most, fx).unwrap_or(Flow::WILDCARD);
    } else if let Some(interface) = first_taken(t, client) {
        releasing::release_portion(t, (client, interface), &mut at, most, fx);
    } else {
        // Releases that wait for an answer to DISABLE_IGMP need not wait any longer.
        change_of_owner::finish_releases_of(t, client, fx);
        t.clients.remove(client);
        t.graces.remove(client);
        fx.departed.push(client);
    }
    if let Some(grace) = t.graces.of_mut(client) {
        grace.at = at;
    }
    most
}

/// On an interface that was taken again, ends the memberships that were not added again. Overrides
/// stay.
fn end_missing(
    t: &mut Tables,
    (client, id): (ClientId, IfId),
    first: Flow,
    most: usize,
    fx: &mut Effects,
) -> Option<Flow> {
    let is_igmp = t.clients.get(client)?.is_igmp;
    let sides = &[if is_igmp { Side::Igmp } else { Side::Owner }];
    let slot = t.interfaces.get(id)?;
    let owner = slot.staying_owner().filter(|_| is_igmp);
    let cause = MembershipChange { caller: None, interface: slot.interface };
    let wanted = t.flows.wanted_on(first, id, sides).take(most);
    let mut flows: Vec<Flow> = wanted.map(|(flow, _)| flow).collect();
    let next = flows.last().map(|last| last.successor());
    if next.is_none() {
        flows.push(Flow::WILDCARD); // last, as in the end of an interface (4.8)
    }
    flows.retain(|&flow| t.graces.of(client).is_some_and(|grace| !grace.is_added(id, flow)));
    for flow in flows {
        leaving::end_one(t, flow, &Ending { id, sides, owner, cause }, fx);
        oifs::update(t, flow, OifChange { id, touch: Touch::Members, caller: None }, fx);
    }
    if next.is_none() {
        t.graces.of_mut(client)?.forget(id);
    }
    next
}

/// An interface that a client has taken, and not released.
fn first_taken(t: &Tables, client: ClientId) -> Option<Interface> {
    let mut slots = t.interfaces.iter();
    let found = slots.find(|(_, slot)| [slot.claim, slot.igmp].contains(&Some(client)));
    found.map(|(_, slot)| slot.interface)
}

/// The interfaces that a client has taken, and those whose release waits.
fn interfaces_of(t: &Tables, client: ClientId) -> Vec<IfId> {
    let own = t
        .interfaces
        .iter()
        .filter(|(_, slot)| [slot.claim, slot.owner, slot.igmp].contains(&Some(client)));
    own.map(|(id, _)| id).collect()
}
