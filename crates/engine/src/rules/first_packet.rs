//! From the first packet of a flow to its MFE (spec 5.1 to 5.5).
//!
//! ```text
//!  packet ──► route ──► RPF_CALLBACK ──► CREATION_ALERT ──► MFE installed
//!               ▲       owner of iif     owners of oifs
//!               └─────── state has changed meanwhile ───┘
//! ```

use super::creation_alert;
use super::debug_log::debug;
use super::installation::{self, NewMfe};
use super::rpf_callback::{self, Inquiry};
use super::{flow_limit, memory, oifs, refusals};
use crate::effects::Effects;
use crate::notice::NoticeKind;
use crate::packet::{Packet, Refused};
use crate::tables::{
    AllAsked, AwaitedAnswers, FirstPacket, FlowRefusal, IifOrigin, Overrides, Purpose, Resolution,
    SourceId, Tables,
};
use mgm_types::{IfId, IfSet, Route};

/// A packet whose flow has no MFE.
#[derive(Clone, Copy)]
pub struct NewPacket<'a> {
    pub packet: &'a Packet<'a>,
    /// The number of its arrival interface.
    pub arrived: IfId,
    /// The route of its source, if the caller has looked it up.
    pub route: Option<&'a Route>,
    /// The forwarder reports no further packet of this flow.
    pub by_forwarder: bool,
}

/// The first packet of a flow starts its resolution, which ends at once if no client must be
/// asked; later packets wait for it. The caller has set the time.
///
/// # Errors
/// Why there is no MFE: it cannot be created, or a limit or the lack of memory does not
/// permit another flow.
#[inline]
pub fn first_packet(t: &mut Tables, new: NewPacket<'_>, fx: &mut Effects) -> Result<(), Refused> {
    let NewPacket { packet, arrived, route, by_forwarder } = new;
    let flow = packet.flow;
    if t.resolutions.contains(flow) {
        if fx.again.try_reserve(1).is_ok() {
            fx.again.push(flow);
        }
        return Ok(());
    }
    let was_refused = t.refusals.get(flow).is_some();
    if was_refused {
        memory::reserve(t, fx).map_err(|_| Refused::NoMemory)?; // not another flow yet
    } else if let Err(why) = flow_limit::admit(t, arrived, fx) {
        if why == Refused::FlowRate {
            let source = t.flows.hold_source(flow, t.interfaces.domain(arrived), route);
            limited(t, new, source, why, fx);
        }
        return Err(why);
    }
    let source = t.flows.hold_source(flow, t.interfaces.domain(arrived), route);
    if was_refused {
        if let Some(why) = refusals::refused_lately(t, flow, arrived, source, fx) {
            if by_forwarder {
                refusals::refused_again(t, flow, fx);
            }
            t.flows.sources.release(source);
            return Err(why);
        }
        if let Err(why) = flow_limit::admit(t, arrived, fx) {
            limited(t, new, source, why, fx);
            return Err(why);
        }
    }
    debug(t, fx, || format!("first packet of {flow}, on {}", packet.arrival));
    let is_on = resolve(t, new, source, fx);
    is_on.then_some(()).ok_or(Refused::NoUpstream)
}

/// A limit refuses the packet. Takes over the reference to the source.
#[cold]
fn limited(t: &mut Tables, new: NewPacket<'_>, source: SourceId, why: Refused, fx: &mut Effects) {
    let NewPacket { packet: &Packet { flow, arrival, header, .. }, by_forwarder, .. } = new;
    let packet = FirstPacket { arrival, header: header.into(), by_forwarder };
    refusals::limited(t, flow, source, FlowRefusal { packet, why }, fx);
}

/// Starts to create an MFE; false if it is impossible. Takes over the reference to the source.
#[inline]
fn resolve(t: &mut Tables, new: NewPacket<'_>, source: SourceId, fx: &mut Effects) -> bool {
    let NewPacket { packet: &Packet { flow, arrival, header, .. }, arrived, by_forwarder, .. } =
        new;
    let path = rpf_callback::look_up(t, flow, source, Some(arrived), fx);
    let purpose = Purpose::Create;
    let way = rpf_callback::way_in(t, flow, purpose, path, Some(arrived));
    let first_packet = || FirstPacket { arrival, header: header.into(), by_forwarder };
    let inquiry = || Inquiry { flow, purpose, source, packet: first_packet() };
    let Some(way) = way else {
        rpf_callback::give_up(t, inquiry(), fx);
        return false;
    };
    let rpf = match way.expected {
        Some(rpf) if !t.clients.has_callback(way.owner, NoticeKind::Rpf) => rpf,
        _ => {
            rpf_callback::ask_owner(t, inquiry(), arrived, way, fx);
            return true;
        }
    };
    if t.clients.any_has_callback(NoticeKind::Creation) {
        let resolution = Resolution {
            purpose,
            source,
            packet: first_packet(),
            arrived,
            expected: way.expected,
            asked: way.asked,
            rpf,
            origin: IifOrigin::Route,
            waiting: AwaitedAnswers::Creation(AllAsked::default()),
            asked_about: IfSet::default(),
            overrides: Overrides::default(),
        };
        flow_limit::begin_resolution(t, flow, resolution);
        creation_alert::ask(t, flow, rpf.iif, fx);
    } else {
        // A missing callback counts as one that changes nothing (spec 1.3), so a flow without any
        // client to ask gets its MFE at once.
        let oifs = oifs::possible_oifs(t, flow, rpf.iif);
        let new = NewMfe { flow, source, rpf, oifs, arrival, arrived, header };
        installation::create(t, new, fx);
        t.flows.sources.release(source);
    }
    true
}
