//! Interfaces that disappear, and return (spec 5.11).

use super::alerts::MembershipChange;
use super::change_of_owner;
use super::leaving::{self, Ending};
use crate::effects::Effects;
use crate::notice::{Notice, QuestionId};
use crate::tables::{Side, Tables};
use mgm_types::{IfId, Interface};

/// An interface no longer exists in the system: its memberships and MFEs end as in a release; its
/// number and the claims to it are kept (spec 5.11).
pub fn lost(t: &mut Tables, id: IfId, fx: &mut Effects) {
    let Some(slot) = t.interfaces.get_mut(id).filter(|slot| !slot.absent) else { return };
    let (interface, igmp) = (slot.interface, slot.igmp);
    slot.disabling = None; // the change of owner need not wait for an answer
    fx.released.extend(slot.owner.map(|owner| (owner, interface)));
    let cause = MembershipChange { caller: None, interface };
    let ending = Ending { id, sides: &[Side::Owner, Side::Igmp], owner: None, cause };
    leaving::drop_members(t, &ending, fx);
    change_of_owner::change_master(t, id, None, fx, |slot| {
        slot.owner = slot.claim;
        slot.absent = true;
    });
    fx.detached.push(id);
    if let Some(igmp) = igmp.filter(|&igmp| !t.graces.is_left(Some(igmp))) {
        let question = QuestionId(t.next_serial());
        fx.tell_surely(igmp, Notice::DisableIgmp { question, interface });
    }
}

/// A lost interface is back, and the forwarder serves it: the clients that have claims to it own it
/// again.
pub fn back(t: &mut Tables, id: IfId, fx: &mut Effects) {
    if !t.interfaces.get(id).is_some_and(|slot| slot.absent) {
        return;
    }
    change_of_owner::change_master(t, id, None, fx, |slot| slot.absent = false);
    change_of_owner::enable_igmp(t, id, fx);
}

/// The lost interfaces to which clients have claims.
pub fn absent(t: &Tables) -> Vec<(IfId, Interface)> {
    let absent = t.interfaces.iter().filter(|(_, slot)| slot.absent);
    absent.map(|(id, slot)| (id, slot.interface)).collect()
}
