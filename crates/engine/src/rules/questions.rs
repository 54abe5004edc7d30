//! Questions that are no longer valid, or that no client can be asked (spec 5.4, 0.9).

use super::debug_log::debug;
use super::rpf::{self, RpfPath};
use super::{deletion, flow_limit, limits};
use crate::effects::Effects;
use crate::notice::Notice;
use crate::packet::Refused;
use crate::tables::{AwaitedAnswers, Purpose, Resolution, SourceId, Tables};
use mgm_types::Flow;

/// Whether a flow is between its first packet and its MFE.
pub fn is_resolving(t: &Tables, flow: Flow) -> bool {
    t.resolutions.contains(flow) && !t.flows.has_mfe(flow)
}

/// Whether the question is still valid: the expected iif is still legitimate, or there is
/// still none, and no boundary was added.
pub fn still_holds(t: &Tables, flow: Flow, resolution: &Resolution) -> bool {
    let source = match resolution.purpose {
        Purpose::Create => resolution.source,
        Purpose::Renew | Purpose::Reroute => t.flows.source(flow),
    };
    if limits::is_bounded(t, resolution.rpf.iif, flow.group()) {
        return false;
    }
    match resolution.expected {
        Some(path) => rpf::is_rpf_path(t, flow, source, path),
        None => rpf::rpf_path(t, flow, source, Some(resolution.asked)) == RpfPath::Nowhere,
    }
}

/// Drops a question that no client was asked yet, and the flow, if it is new and waits for this
/// answer.
pub fn forget(t: &mut Tables, notice: &Notice, fx: &mut Effects) {
    let (Notice::Rpf { question, flow, .. } | Notice::Creation { question, flow, .. }) = notice
    else {
        return;
    };
    let waits = t.resolutions.get(*flow).is_some_and(|resolution| {
        resolution.purpose == Purpose::Create && resolution.waiting.is_for(*question)
    });
    if waits {
        if let Some(resolution) = flow_limit::end_resolution(t, *flow) {
            t.flows.sources.release(resolution.source);
        }
        fx.ended(*flow);
        debug(t, fx, || format!("{flow} dropped: its clients could not be asked in time"));
    }
}

/// MgmSetMfe overrules an earlier answer to RPF_CALLBACK, but not a later one (D20).
pub fn overrule_rpf(t: &mut Tables, flow: Flow) {
    let Some(resolution) = t.resolutions.get_mut(flow) else { return };
    let Some(mfe) = t.flows.mfe(flow) else { return };
    if let AwaitedAnswers::Creation(_) = resolution.waiting {
        resolution.rpf = mfe.rpf();
        resolution.origin = t.origins.of(flow);
    }
}

/// There is no memory for a question about a flow, or for its MFE. A new flow is refused; an
/// existing MFE ends, because no client was asked about it. The next packet of the flow
/// starts again. Takes over the reference to the source of a new flow.
#[cold]
pub fn give_up_unasked(
    t: &mut Tables,
    flow: Flow,
    purpose: Purpose,
    source: SourceId,
    fx: &mut Effects,
) {
    if purpose == Purpose::Create {
        t.flows.sources.release(source);
        fx.ended(flow);
        t.count_refused(Refused::NoMemory);
    } else {
        deletion::delete(t, flow, fx);
    }
    debug(t, fx, || format!("out of memory: {flow} dropped"));
}

/// There is no memory to pass a question to its client.
pub fn unasked(t: &mut Tables, flow: Flow, fx: &mut Effects) {
    let Some(resolution) = flow_limit::end_resolution(t, flow) else { return };
    let Resolution { purpose, source, .. } = resolution;
    give_up_unasked(t, flow, purpose, source, fx);
}
