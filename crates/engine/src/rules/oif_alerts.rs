//! What the owner of an iif is told about the first and the last oif of an MFE (spec 5.5, 5.8).

use super::alerts;
use crate::effects::Effects;
use crate::notice::{Notice, NoticeKind, QuestionId};
use crate::tables::{ClientId, Mfe, Tables};
use mgm_types::{Flow, IfId};

/// The alert that the owner of the iif gets when an MFE loses its last oif or gets its first.
#[derive(Clone, Copy, Debug)]
pub struct OifTurn {
    pub iif: IfId,
    pub serial: u32,
    pub is_negative: bool,
}

impl OifTurn {
    pub fn of(mfe: &Mfe) -> OifTurn {
        OifTurn { iif: mfe.iif, serial: mfe.serial, is_negative: mfe.oifs.is_empty() }
    }
}

/// An MFE has lost its last oif or got its first: tells the owner of its iif, unless that
/// client caused it (spec 5.8).
pub fn tell_turn(
    t: &Tables,
    flow: Flow,
    turn: OifTurn,
    caller: Option<ClientId>,
    fx: &mut Effects,
) {
    let Some(owner) = t.interfaces.master(turn.iif) else { return };
    if caller == Some(owner) {
        return;
    }
    if turn.is_negative {
        prune(t, owner, flow, turn, fx);
    } else {
        alerts::send(t, owner, Notice::Join { flow, member: false }, fx);
    }
}

/// PRUNE_ALERT with bMemberDelete FALSE to the owner of the iif, which may
/// answer with the MFE's time-out (spec 5.5).
pub fn tell_negative(t: &Tables, flow: Flow, fx: &mut Effects) {
    let Some(mfe) = t.flows.mfe(flow) else { return };
    if let Some(owner) = t.interfaces.master(mfe.iif) {
        prune(t, owner, flow, OifTurn::of(mfe), fx);
    }
}

/// PRUNE_ALERT with bMemberDelete FALSE.
pub fn prune(t: &Tables, to: ClientId, flow: Flow, turn: OifTurn, fx: &mut Effects) {
    if !t.clients.any_has_callback(NoticeKind::Prune) && !t.config.debug {
        return;
    }
    let question = QuestionId(u64::from(turn.serial));
    let (iif, timeout) = (t.interfaces.name(turn.iif), t.config.mfe_timeout);
    alerts::send(t, to, Notice::PruneMfe { question, flow, iif, timeout }, fx);
}
