//! What a forwarder must have installed for a flow (spec 5.4, 5.1), and what it has counted (6.7).

use crate::tables::Tables;
use mgm_types::{Counters, Flow, IfId};

/// The entry that a forwarder must have for a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedEntry {
    /// The entry of an MFE with this iif.
    Mfe(IfId),
    /// An entry without oifs, so that the forwarder does not report the flow again: that of a
    /// refused flow whose first packet arrived there.
    Refusal(IfId),
    /// None.
    Nothing,
}

/// The iif and oifs of an MFE as a forwarder needs them: oifs with the TTL that a packet must
/// exceed.
pub fn forwarding(t: &Tables, flow: Flow, oifs: &mut Vec<(IfId, u8)>) -> Option<IfId> {
    let mfe = t.flows.mfe(flow)?;
    oifs.clear();
    oifs.extend(mfe.oifs.iter().map(|id| (id, t.limits.threshold(t.interfaces.name(id)))));
    Some(mfe.iif)
}

/// The next entry of a flow for a forwarder with counters of its own, see `Engine::entry`; and
/// whether its counters must be read first (spec 6.7), because the entry is the first with oifs, or
/// the first without.
pub fn next_entry(t: &mut Tables, flow: Flow, oifs: &mut Vec<(IfId, u8)>) -> (WantedEntry, bool) {
    let Some(mfe) = t.flows.mfe_mut(flow) else { return (entry(t, flow, oifs), false) };
    let is_turning = mfe.is_turning();
    oifs.clear();
    for id in mfe.oifs.iter() {
        oifs.push((id, t.limits.threshold(t.interfaces.name(id))));
    }
    (WantedEntry::Mfe(mfe.iif), is_turning)
}

/// The entry that a forwarder must have for a flow, with the oifs of its MFE.
pub fn entry(t: &Tables, flow: Flow, oifs: &mut Vec<(IfId, u8)>) -> WantedEntry {
    if let Some(iif) = forwarding(t, flow, oifs) {
        return WantedEntry::Mfe(iif);
    }
    oifs.clear();
    let packet = t.refusals.get(flow).map(|refused| &refused.refusal.packet);
    let packet = packet.filter(|packet| packet.by_forwarder);
    let arrival = packet.and_then(|packet| t.interfaces.served(packet.arrival));
    arrival.map_or(WantedEntry::Nothing, WantedEntry::Refusal)
}

/// Stores what a forwarder has counted for its entry of `flow` (spec 6.7).
pub fn counted(t: &mut Tables, flow: Flow, counters: Counters) {
    if let Some(mfe) = t.flows.mfe_mut(flow) {
        mfe.read(counters);
    }
}

/// A forwarder has installed what `Engine::next_entry` returned.
#[inline]
pub fn turned(t: &mut Tables, flow: Flow) {
    if let Some(mfe) = t.flows.mfe_mut(flow) {
        mfe.told();
    }
}
