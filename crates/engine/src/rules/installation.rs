//! Installs the MFE of a new flow (spec 5.4, 5.5), and renews an existing one (5.6), when all
//! answers have arrived.

use super::debug_log::{self, debug};
use super::iif::{self, Shape};
use super::{flow_limit, memory, oif_alerts, oifs, questions, roles, timeouts, wrong_interface};
use crate::effects::Effects;
use crate::packet::Packet;
use crate::tables::{Mfe, Purpose, Resolution, Rpf, SourceId, Tables};
use mgm_types::{Flow, IfId, IfSet, Interface};

/// The MFE of a new flow.
pub struct NewMfe<'a> {
    pub flow: Flow,
    pub source: SourceId,
    pub rpf: Rpf,
    pub oifs: IfSet,
    /// Where the first packet arrived, and the number of that interface.
    pub arrival: Interface,
    pub arrived: IfId,
    /// The header of the first packet.
    pub header: &'a [u8],
}

/// All answers have arrived.
pub fn finish(t: &mut Tables, flow: Flow, fx: &mut Effects) {
    let Some(resolution) = t.resolutions.get(flow) else { return };
    debug_assert!(
        questions::still_holds(t, flow, resolution),
        "or the change would have voided it"
    );
    if resolution.purpose == Purpose::Create {
        create_resolved(t, flow, fx);
    } else if let Some(resolution) = flow_limit::end_resolution(t, flow) {
        renew(t, flow, &resolution, fx);
    }
}

/// Creates the MFE of a new flow whose resolution ends.
fn create_resolved(t: &mut Tables, flow: Flow, fx: &mut Effects) {
    let Some(resolution) = t.resolutions.get_mut(flow) else { return };
    let &mut Resolution { source, rpf, origin, arrived, .. } = resolution;
    let arrival = resolution.packet.arrival;
    let header = std::mem::take(&mut resolution.packet.header);
    let off = std::mem::take(&mut resolution.overrides.off);
    flow_limit::end_creation(t, flow, arrived);
    if memory::reserve(t, fx).is_err() {
        return questions::give_up_unasked(t, flow, Purpose::Create, source, fx);
    }
    let mut oifs = oifs::possible_oifs(t, flow, rpf.iif);
    let has_off = !off.is_empty();
    if has_off {
        oifs.subtract(&off);
    }
    t.origins.set(flow, origin);
    create(t, NewMfe { flow, source, rpf, oifs, arrival, arrived, header: &header }, fx);
    t.flows.sources.release(source);
    if let Some(mfe) = has_off.then(|| t.flows.mfe_mut(flow)).flatten() {
        let overrides = &mut mfe.rare().overrides;
        overrides.answered = off.clone();
        overrides.off = off;
    }
}

/// Creates the MFE of a new flow (spec 5.4, 5.5), and forwards the packet that caused it. Inlined,
/// because each of its two callers makes all MFEs of some routers.
#[inline(always)]
pub fn create(t: &mut Tables, new: NewMfe<'_>, fx: &mut Effects) {
    let NewMfe { flow, source, rpf, oifs, arrival, arrived, header } = new;
    let is_negative = oifs.is_empty();
    let serial = t.next_serial();
    let mut mfe = Mfe::new(rpf, oifs, t.now, serial);
    mfe.arrival = arrived;
    t.begun_flows.begin(arrived);
    let deadline = mfe.deadline(t.config.mfe_timeout);
    let place = t.flows.insert_mfe(flow, source, mfe);
    if t.flows.at(place).source != source {
        roles::move_entry(t, place, source, fx); // its memberships were looked up in another domain
    }
    timeouts::schedule(t, place, serial as u32, deadline);
    fx.changed(flow);
    fx.ended(flow);
    debug(t, fx, || format!("{flow} installed: {}", debug_log::path(t, flow)));
    if is_negative {
        oif_alerts::tell_negative(t, flow, fx);
    }
    if t.interfaces.name(rpf.iif) != arrival {
        let packet = Packet { flow, arrival, header, length: 0, ttl: 0 };
        if let Some(id) = wrong_interface::arrival_of(t, &packet) {
            wrong_interface::tell(t, &packet, fx);
            let has_moved = wrong_interface::has_moved(t, flow, id, |_| Ok(Some(0)), fx);
            debug_assert!(!has_moved, "this is its first packet");
        }
    }
}

/// Renews an MFE: the new answers replace its overrides (spec 5.6).
fn renew(t: &mut Tables, flow: Flow, resolution: &Resolution, fx: &mut Effects) {
    let Resolution { rpf, origin, overrides, .. } = resolution;
    t.origins.set(flow, *origin);
    iif::reshape(t, flow, &Shape { rpf: *rpf, answers: Some(overrides), caller: None }, fx);
    if let Some(mfe) = t.flows.mfe_mut(flow) {
        mfe.restart_timeout(t.now);
    }
    timeouts::schedule_end(t, flow);
    debug(t, fx, || format!("{flow} renewed: {}", debug_log::path(t, flow)));
}
