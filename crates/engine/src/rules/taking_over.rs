//! A successor takes interfaces that its predecessor has left (spec 9.8).

use super::debug_log::{self, debug};
use super::{alerts, roles};
use crate::alert_topic::AlertTopic;
use crate::effects::Effects;
use crate::notice::Notice;
use crate::tables::{ClientId, Side, Tables};
use mgm_types::{Flow, IfId};

/// How many LOCAL_JOINs a take sends. If there are more, the client is told of all of them later.
const LOCAL_AT_ONCE: usize = 1024;

/// Whether an interface is left to a client: it is the successor of the one that has it.
pub fn is_left_to(t: &Tables, holder: Option<ClientId>, client: ClientId) -> bool {
    t.graces.is_left(holder) && t.graces.left_to(client, t.now) == holder
}

/// Takes an interface that is left to a client, without DISABLE_IGMP and ENABLE_IGMP: its
/// memberships and MFEs stay. False if it is not left to that client.
pub fn take(t: &mut Tables, client: ClientId, id: IfId, fx: &mut Effects) -> bool {
    let is_igmp = t.clients.get(client).is_some_and(|client| client.is_igmp);
    let holder = t.interfaces.get(id).and_then(|s| if is_igmp { s.igmp } else { s.claim });
    let Some(left) = holder.filter(|_| is_left_to(t, holder, client)) else { return false };
    if let Some(grace) = t.graces.of_mut(left) {
        grace.take(id);
    }
    for (one, more) in [(left, usize::MAX), (client, 1)] {
        if let Some(record) = t.clients.get_mut(one) {
            record.interfaces = record.interfaces.wrapping_add(more);
        }
    }
    debug(t, fx, || format!("{} takes over {}", debug_log::who(t, client), t.interfaces.name(id)));
    let since = t.next_serial();
    roles::change_slot(t, id, fx, |slot| {
        for holder in [&mut slot.claim, &mut slot.owner, &mut slot.igmp] {
            if *holder == Some(left) {
                *holder = Some(client);
            }
        }
        if is_igmp {
            slot.igmp_since = since;
        }
    });
    if !is_igmp {
        tell_locals(t, client, id, fx);
    }
    true
}

/// LOCAL_JOIN for each membership of IGMP on an interface, to its new owner: all at once, or all
/// later, so that it is told of none twice.
fn tell_locals(t: &Tables, client: ClientId, id: IfId, fx: &mut Effects) {
    let interface = t.interfaces.name(id);
    let wanted = || t.flows.wanted_on(Flow::WILDCARD, id, &[Side::Igmp]);
    if wanted().nth(LOCAL_AT_ONCE).is_some() {
        return fx.tell_all_later(client, AlertTopic::Locals);
    }
    for (flow, _) in wanted() {
        alerts::send(t, client, Notice::LocalJoin { flow, interface }, fx);
    }
}
