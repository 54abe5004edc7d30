//! The time-out of an MFE (spec 5.5, 5.6).

use super::debug_log::debug;
use crate::effects::Effects;
use crate::notice::QuestionId;
use crate::tables::expiry::SLACK;
use crate::tables::{ClientId, Expiry, ExpiryEntry, FlowPlace, Tables};
use mgm_types::{Flow, Result, Time};

/// Schedules the expiry of an MFE. Outdated entries must not outnumber the MFEs, because
/// their own time can be a century away.
pub fn schedule_end(t: &mut Tables, flow: Flow) {
    let Some(place) = t.flows.find(flow) else { return };
    let Some(mfe) = &t.flows.at(place).mfe else { return };
    schedule(t, place, mfe.serial, mfe.deadline(t.config.mfe_timeout));
}

/// The same for an MFE whose expiry time is known.
#[inline]
pub fn schedule(t: &mut Tables, place: FlowPlace, serial: u32, deadline: Option<Time>) {
    let Some(deadline) = deadline else { return };
    t.expiry.schedule(ExpiryEntry { place, serial }, deadline);
    if t.expiry.len() > 2 * t.flows.mfe_len() + SLACK {
        t.expiry = Expiry::default();
        for (place, mfe) in t.flows.mfe_places() {
            if let Some(deadline) = mfe.deadline(t.config.mfe_timeout) {
                t.expiry.schedule(ExpiryEntry { place, serial: mfe.serial }, deadline);
            }
        }
    }
}

/// The answer to PRUNE_ALERT about an MFE without oifs: its time-out.
pub struct PruneAnswer {
    pub client: ClientId,
    pub flow: Flow,
    pub question: QuestionId,
    /// In seconds; 0 is the default, u32::MAX never expires.
    pub timeout: u32,
}

/// Starts the time-out of an MFE again, as its owner has answered (spec 5.5). `packets` is as in
/// `Engine::tick`.
pub fn set(
    t: &mut Tables,
    answer: PruneAnswer,
    packets: impl FnOnce(Flow) -> Result<Option<u64>>,
    fx: &mut Effects,
) {
    let PruneAnswer { client, flow, question, timeout } = answer;
    let Some(mfe) = t.flows.mfe_mut(flow) else { return };
    if u64::from(mfe.serial) != question.0 || t.interfaces.master(mfe.iif) != Some(client) {
        return;
    }
    let usual = t.config.mfe_timeout;
    let timeout = Some(timeout).filter(|&timeout| timeout != 0 && timeout != usual);
    if timeout.is_some() || mfe.rare.is_some() {
        mfe.rare().timeout = timeout;
    }
    mfe.restart_timeout(t.now);
    match packets(flow) {
        Ok(packets) => mfe.seen = packets.unwrap_or(mfe.packets) as u32,
        // Packets since the last reading count for the new time-out. An MFE may then be renewed
        // once too often, which is better than ending one that forwards.
        Err(refusal) => debug(t, fx, || {
            format!("{flow}: cannot read its counters at the start of its time-out: {refusal}")
        }),
    }
    schedule_end(t, flow);
}
