//! Which interfaces are oifs of an MFE (spec 3.5).

use super::debug_log::{self, debug};
use super::limits;
use super::memory::mfes_of;
use super::oif_alerts::{self, OifTurn};
use crate::effects::Effects;
use crate::tables::{AwaitedAnswers, ClientId, Members, Mfe, Purpose, Resolution, Tables};
use mgm_types::{Flow, IfId, IfSet};
use smallvec::SmallVec;
use std::ops::RangeInclusive;

/// MFEs whose oifs have changed, and what their owners are told.
type OifChanges = SmallVec<[(Flow, Option<OifTurn>); 16]>;

/// All interfaces with memberships that want `flow`, an (s,g).
pub fn member_interfaces(t: &Tables, flow: Flow) -> IfSet {
    let mut all = IfSet::default();
    add(&mut all, t.flows.members(flow));
    add_shared_members(t, flow, &mut all);
    all
}

/// Adds the interfaces with memberships in the group of `flow`, or in `(*,*)`.
#[inline]
fn add_shared_members(t: &Tables, flow: Flow, all: &mut IfSet) {
    if t.flows.has_shared() {
        add_group_members(t, flow, all);
    }
}

/// The same if there are such memberships.
#[inline(never)]
fn add_group_members(t: &Tables, flow: Flow, all: &mut IfSet) {
    add(all, t.flows.group_members(flow));
    add(all, t.flows.wildcard_members());
}

#[inline]
fn add(all: &mut IfSet, members: Option<&Members>) {
    if let Some(members) = members {
        members.add_to(all);
    }
}

/// The possible oifs of a flow that arrives on `iif`: interfaces with memberships and
/// without a boundary for the group.
pub fn possible_oifs(t: &Tables, flow: Flow, iif: IfId) -> IfSet {
    let mut oifs = IfSet::default();
    if let Some(place) = t.flows.find(flow) {
        let entry = t.flows.at(place);
        add(&mut oifs, entry.wanted_by());
        if let Some(rare) = entry.mfe.as_ref().and_then(|mfe| mfe.rare.as_ref()) {
            // the overrides of an MFE that is being renewed
            oifs.union_with(rare.overrides.on.view());
        }
    }
    add_shared_members(t, flow, &mut oifs);
    limits::subtract_bounded(t, &mut oifs, flow.group());
    oifs.remove(iif);
    oifs
}

/// What a membership call does to the override of its interface (spec 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Nothing changes: IGMP beside an owner.
    Members,
    /// The override ends: memberships decide again.
    Clear,
    /// The same, and the counters of the interface end, because it changes its owner or is lost.
    Gone,
    /// On or off, regardless of memberships.
    Force(bool),
}

/// A change that may make an interface an oif, or no longer one.
#[derive(Clone, Copy)]
pub struct OifChange {
    pub id: IfId,
    /// What it does to the override of the interface.
    pub touch: Touch,
    /// The client that causes it.
    pub caller: Option<ClientId>,
}

/// Decides again whether an interface is an oif of each MFE that a membership of `matching`
/// concerns.
#[inline]
pub fn update(t: &mut Tables, matching: Flow, change: OifChange, fx: &mut Effects) {
    if matching.is_link_local() {
        return;
    }
    if matching.has_source() {
        // Most memberships of a source are added before its packets arrive.
        if !t.resolutions.is_empty() || t.flows.has_mfe(matching) {
            update_one(t, matching, change, fx);
        }
    } else {
        update_range(t, mfes_of(matching), change, fx);
    }
}

/// The same for the MFE of one flow, if there is one.
fn update_one(t: &mut Tables, flow: Flow, change: OifChange, fx: &mut Effects) {
    let OifChange { id, caller, .. } = change;
    if let Some(resolution) = t.resolutions.get_mut(flow) {
        overtake(resolution, change);
    }
    if !t.flows.has_mfe(flow) {
        return;
    }
    let is_member = member_interfaces(t, flow).contains(id);
    let is_bounded = limits::is_bounded(t, id, flow.group());
    let Some(mfe) = t.flows.mfe_mut(flow) else { return };
    let Some(turn) = touch(mfe, change, is_member, is_bounded) else { return };
    fx.changed(flow);
    debug(t, fx, || format!("{flow} changed: {}", debug_log::path(t, flow)));
    if let Some(turn) = turn {
        oif_alerts::tell_turn(t, flow, turn, caller, fx);
    }
}

/// The same for the MFEs of a range of flows.
pub fn update_range(
    t: &mut Tables,
    flows: RangeInclusive<Flow>,
    change: OifChange,
    fx: &mut Effects,
) {
    let OifChange { id, caller, .. } = change;
    for resolution in t.resolutions.range_mut(flows.clone()) {
        overtake(resolution, change);
    }
    let index = t.interfaces.name(id).index;
    let mut left = Some(flows);
    while let Some(flows) = left {
        // A few at a time, because there may be no memory for the list of all.
        let mut some: OifChanges = SmallVec::new();
        let limits = &t.limits;
        left = t.flows.visit_mfes(flows, id, |flow, mfe, is_member| {
            let is_bounded = limits.bounds(index, flow.group());
            if let Some(turn) = touch(mfe, change, is_member, is_bounded) {
                fx.changed(flow);
                some.push((flow, turn));
            }
            some.len() < some.inline_size()
        });
        debug_log::tell_changes(t, some.iter().map(|(flow, _)| *flow), &mut fx.log);
        for (flow, turn) in some {
            if let Some(turn) = turn {
                oif_alerts::tell_turn(t, flow, turn, caller, fx);
            }
        }
    }
}

/// The owner of an interface has called during a resolution: the call overrules its answer (spec
/// 3.5). A FORWARD acts on existing MFEs, so it overrules only the answers of a renewal.
fn overtake(resolution: &mut Resolution, change: OifChange) {
    let OifChange { id, touch, .. } = change;
    match touch {
        Touch::Members => return,
        Touch::Force(_) if resolution.purpose == Purpose::Create => return,
        Touch::Clear | Touch::Gone | Touch::Force(_) => {}
    }
    resolution.overrides.clear(id);
    if let AwaitedAnswers::Creation(asked) = &mut resolution.waiting {
        for asked in asked.iter_mut().filter(|asked| asked.oifs.contains(id)) {
            asked.overtaken.insert(id);
        }
    }
}

/// Changes the override of an interface, and decides again whether it is an oif. `None` if that
/// changed nothing; otherwise what the owner of the iif is told, if anything.
#[inline]
fn touch(
    mfe: &mut Mfe,
    change: OifChange,
    is_member: bool,
    is_bounded: bool,
) -> Option<Option<OifTurn>> {
    let OifChange { id, touch, .. } = change;
    match touch {
        Touch::Members => {}
        Touch::Clear | Touch::Gone => {
            if let Some(rare) = &mut mfe.rare {
                rare.overrides.clear(id);
            }
        }
        Touch::Force(on) => mfe.rare().overrides.force(id, on),
    }
    let is_wanted = match &mfe.rare {
        Some(rare) if rare.overrides.on.contains(id) => true,
        Some(rare) if rare.overrides.off.contains(id) => false,
        _ => is_member,
    };
    let was_negative = mfe.oifs.is_empty();
    let has_changed = mfe.set_oif(id, is_wanted && id != mfe.iif && !is_bounded);
    if touch == Touch::Gone {
        mfe.forget_oif(id);
    }
    has_changed.then(|| (was_negative != mfe.oifs.is_empty()).then(|| OifTurn::of(mfe)))
}
