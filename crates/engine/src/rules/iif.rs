//! Changes of the iif and the upstream neighbour of an MFE (spec 5.9, 5.10).

use super::debug_log::{self, debug};
use super::oif_alerts::{self, OifTurn};
use super::{limits, memory, oifs, questions};
use crate::effects::Effects;
use crate::tables::{ClientId, IifOrigin, Overrides, Rare, Rpf, Tables};
use mgm_types::{Flow, Interface, Ipv4Addr, Refusal, Result};

/// A call of MgmSetMfe.
pub struct SetMfe {
    pub client: ClientId,
    pub flow: Flow,
    pub upstream: Ipv4Addr,
    pub if_index: u32,
}

/// Changes the upstream neighbour of an MFE and, if the caller owns `if_index`, its incoming
/// interface (spec 5.9).
pub fn set_mfe(t: &mut Tables, call: SetMfe, fx: &mut Effects) -> Result<()> {
    let SetMfe { client, flow, upstream, if_index } = call;
    t.clients.record(client)?;
    let mfe = t.flows.mfe(flow).ok_or(Refusal::NoMfe(flow))?;
    if t.interfaces.master(mfe.iif) != Some(client) {
        return Err(Refusal::NotUpstreamOwner(flow));
    }
    let old = mfe.iif;
    memory::reserve(t, fx)?;
    let named = t.interfaces.find(Interface::link(if_index));
    let iif = named.filter(|&id| {
        t.interfaces.master(id) == Some(client) && !t.limits.bounds(if_index, flow.group())
    });
    let rpf = Rpf { iif: iif.unwrap_or(old), upstream };
    reshape(t, flow, &Shape::of(rpf, Some(client)), fx);
    if iif.is_some() && t.origins.of(flow) == IifOrigin::Route {
        t.origins.set(flow, IifOrigin::Client);
    }
    questions::overrule_rpf(t, flow);
    if iif.is_none() && if_index != 0 && t.interfaces.name(old).index != if_index {
        fx.log.push((
            log::Level::Warn,
            format!(
                "MFE {flow} keeps its iif: the caller does not own interface {if_index}, or \
                 a boundary blocks the group there"
            ),
        ));
    }
    Ok(())
}

/// What an MFE becomes.
pub struct Shape<'a> {
    pub rpf: Rpf,
    /// The answers to CREATION_ALERT: the interfaces `off` are switched off, the interfaces `on`
    /// are no longer off.
    pub answers: Option<&'a Overrides>,
    /// The client that causes the change.
    pub caller: Option<ClientId>,
}

impl Shape<'_> {
    /// Another iif and neighbour, without answers to CREATION_ALERT.
    pub fn of(rpf: Rpf, caller: Option<ClientId>) -> Shape<'static> {
        Shape { rpf, answers: None, caller }
    }
}

/// Changes an MFE in one step. A new owner of the iif gets JOIN, or PRUNE if there is
/// no oif, and the old owner gets PRUNE (spec 5.10). If the owner stays the same, it is told
/// only what 5.8 requires.
pub fn reshape(t: &mut Tables, flow: Flow, shape: &Shape<'_>, fx: &mut Effects) {
    let &Shape { rpf: Rpf { iif, upstream }, answers, caller } = shape;
    let mut members = oifs::member_interfaces(t, flow);
    let Some(mfe) = t.flows.mfe_mut(flow) else { return };
    if let Some(Overrides { off, .. }) = answers {
        off.iter().for_each(|id| mfe.rare().overrides.answer_off(id));
    }
    if let Some(Rare { overrides, .. }) = mfe.rare.as_deref_mut() {
        if let Some(Overrides { on, .. }) = answers {
            overrides.answer_on(on);
        }
        members.union_with(overrides.on.view());
        members.subtract(&overrides.off);
    }
    members.remove(iif);
    limits::subtract_bounded(t, &mut members, flow.group());
    let Some(mfe) = t.flows.mfe_mut(flow) else { return };
    let (old_iif, was_negative) = (mfe.iif, mfe.oifs.is_empty());
    mfe.iif = iif;
    mfe.upstream = upstream;
    let mut gone = mfe.oifs.clone();
    gone.subtract(&members);
    let left = gone.iter().filter(|&id| mfe.set_oif(id, false)).count();
    let came = members.iter().filter(|&id| mfe.set_oif(id, true)).count();
    let turned = was_negative != mfe.oifs.is_empty();
    let turn = OifTurn::of(mfe);
    if old_iif != iif || left + came > 0 {
        fx.changed(flow);
        debug(t, fx, || format!("{flow} changed: {}", debug_log::path(t, flow)));
    }
    let (old, new) = (t.interfaces.master(old_iif), t.interfaces.master(iif));
    if old != new {
        oif_alerts::tell_turn(t, flow, turn, caller, fx);
        if let Some(old) = old {
            oif_alerts::prune(t, old, flow, OifTurn { iif: old_iif, ..turn }, fx);
        }
    } else if turned {
        oif_alerts::tell_turn(t, flow, turn, caller, fx);
    }
}
