//! Packets on another interface than the iif of their MFE (spec 5.7), and flows that have moved
//! there (5.1).

use super::debug_log::debug;
use super::{alerts, limits, rpf};
use crate::effects::Effects;
use crate::notice::Notice;
use crate::packet::Packet;
use crate::tables::{IifOrigin, RivalPacket, Tables};
use mgm_types::{Flow, IfId, Result};

/// A flow has moved to another legitimate interface if it has arrived there, and not on its
/// iif, for this time (spec 5.1).
const MOVED_MS: u64 = 3000;

/// The same if a kernel reports such packets: it reports one only if the last report was more
/// than 3 s ago by its own clock, and reports arrive a little later.
const MOVED_BY_KERNEL_MS: u64 = 2500;

/// The interface that such a packet arrived on. `None` if no client owns it, if it has become the
/// iif since, or if a boundary blocks the group there: then the packet was refused before the
/// expected interface could be determined.
pub fn arrival_of(t: &Tables, packet: &Packet<'_>) -> Option<IfId> {
    let &Packet { flow, arrival, .. } = packet;
    let id = t.interfaces.served(arrival)?;
    let is_iif = t.flows.mfe(flow).is_some_and(|mfe| mfe.iif == id);
    (!is_iif && !limits::is_bounded(t, id, flow.group())).then_some(id)
}

/// Sends WRONG_IF_CALLBACK to the owner of the interface that a packet arrived on, at most
/// once in 3 s for each flow and interface (spec 5.7).
pub fn tell(t: &mut Tables, packet: &Packet<'_>, fx: &mut Effects) {
    let &Packet { flow, arrival, header, .. } = packet;
    let owner = t.interfaces.find(arrival).and_then(|id| t.interfaces.master(id));
    let Some(owner) = owner else { return };
    if t.wrong_ifs.may_tell(t.now, flow, arrival) {
        alerts::send(t, owner, Notice::WrongIf { flow, arrival, header: header.into() }, fx);
    }
}

/// Notes that a flow has arrived on another interface than its iif. True if it has moved there:
/// that interface is legitimate, and nothing has arrived on the iif meanwhile (spec 5.1).
/// `packets` is as in `Engine::tick`.
pub fn has_moved(
    t: &mut Tables,
    flow: Flow,
    arrival: IfId,
    packets: impl FnOnce(Flow) -> Result<Option<u64>>,
    fx: &mut Effects,
) -> bool {
    let Some((source, mfe)) = t.flows.row(flow) else { return false };
    let accepted = mfe.packets;
    if t.origins.of(flow) != IifOrigin::Route || t.resolutions.contains(flow) {
        return false;
    }
    if !rpf::leads_to(t, flow, source, arrival) {
        return false;
    }
    let (accepted, gap) = match packets(flow) {
        Ok(None) => (accepted, MOVED_MS),
        Ok(Some(counted)) => (counted, MOVED_BY_KERNEL_MS),
        Err(_) => return false, // the next packet tries again
    };
    let rival = t.interfaces.name(arrival);
    let packet = RivalPacket { flow, rival, accepted, gap };
    let has_moved = t.wrong_ifs.has_moved(t.now, packet, &mut fx.headroom);
    if has_moved {
        debug(t, fx, || format!("{flow} now arrives on {rival}, not on its iif"));
    }
    has_moved
}
