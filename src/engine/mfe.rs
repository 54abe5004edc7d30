//! The multicast forwarding entries and what moves their oifs (spec 3.5, 5.8, 5.9).

use super::planted::{self, Bug};
use super::{ClientId, Effects, Engine, Notice, QuestionId};
use crate::types::{Flow, IfId, IfSet, Interface, Ipv4Addr, Refusal, Result, Time};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

/// One MFE. A million of them: see the budget in CONTRIBUTING.md.
#[derive(Debug)]
pub(super) struct Mfe {
    pub iif: IfId,
    pub upstream: Ipv4Addr,
    pub oifs: IfSet,
    pub born: Moment,
    /// The low bits of the packet counter when this life began: another value
    /// at its end says that it forwarded meanwhile (spec 5.6).
    pub seen: u32,
    /// Tells this MFE from an earlier one of the same flow: low bits of a serial
    /// number, of which four billion go by before a question could be mistaken.
    pub serial: u32,
    /// What had come in before the first of the oifs was one: none of them has
    /// sent it out.
    before: u32,
    /// The same of an oif that came later, if there is one: a second one is
    /// nothing rare.
    later: Option<Later>,
    /// What the embedded forwarder counts.
    pub packets: u64,
    pub octets: u64,
    pub rare: Option<Box<Rare>>,
}

/// An oif that has sent out only what came in after `before` packets.
#[derive(Clone, Copy, Debug)]
struct Later {
    id: IfId,
    before: NonZeroU32,
}

/// What few MFEs have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// Interfaces that the owner switched on, or off, whatever the memberships say.
    pub on: IfSet,
    pub off: IfSet,
    /// Life in seconds, if it is not the usual one; u32::MAX never ends.
    pub timeout: Option<u32>,
    /// Counters of each oif, from the moment on at which they are not all equal
    /// to what has come in since.
    pub out: Option<Vec<(IfId, OifCount)>>,
    /// Packets on other interfaces than the iif.
    pub wrong_if: u64,
}

/// A [`Time`] in six bytes: MGM may run for 8,900 years.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment([u16; 3]);

impl From<Time> for Moment {
    fn from(time: Time) -> Moment {
        Moment([time.0 as u16, (time.0 >> 16) as u16, (time.0 >> 32) as u16])
    }
}

impl From<Moment> for Time {
    fn from(Moment([low, middle, high]): Moment) -> Time {
        Time(u64::from(low) | u64::from(middle) << 16 | u64::from(high) << 32)
    }
}

/// What the embedded forwarder counts for an oif.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OifCount {
    pub packets: u64,
    pub ttl_too_low: u64,
}

/// What the owner of the iif is to hear of an MFE that went from some oifs to
/// none, or from none to some.
#[derive(Clone, Copy, Debug)]
struct Turn {
    iif: IfId,
    serial: u32,
    is_negative: bool,
}

impl Turn {
    fn of(mfe: &Mfe) -> Turn {
        Turn { iif: mfe.iif, serial: mfe.serial, is_negative: mfe.oifs.is_empty() }
    }
}

/// What a membership call does to the override of its interface (spec 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// Nothing: IGMP beside an owner.
    Members,
    /// Memberships decide again.
    Clear,
    /// On or off, whatever the memberships say.
    Force(bool),
}

impl Mfe {
    /// An MFE that nothing has come through yet.
    pub fn new(iif: IfId, upstream: Ipv4Addr, oifs: IfSet, born: Time, serial: u64) -> Mfe {
        Mfe {
            iif,
            upstream,
            oifs,
            born: born.into(),
            serial: serial as u32,
            seen: 0,
            before: 0,
            later: None,
            packets: 0,
            octets: 0,
            rare: None,
        }
    }

    /// Life in seconds, u32::MAX never ends; `usual` is that of most.
    pub fn timeout(&self, usual: u32) -> u32 {
        self.rare.as_ref().and_then(|rare| rare.timeout).unwrap_or(usual)
    }

    /// When its life ends.
    pub fn deadline(&self, usual: u32) -> Option<Time> {
        let timeout = self.timeout(usual);
        (timeout != u32::MAX).then(|| Time::from(self.born).plus_secs(timeout))
    }

    pub fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Changes the override of an interface.
    #[inline]
    fn override_oif(&mut self, id: IfId, touch: Touch) {
        match touch {
            Touch::Members => {}
            Touch::Clear => {
                if let Some(rare) = &mut self.rare {
                    rare.on.remove(id);
                    if !planted::has(Bug::VetoOutlivesJoin) {
                        rare.off.remove(id);
                    }
                }
            }
            Touch::Force(on) => {
                let rare = self.rare();
                let (set, cleared) =
                    if on { (&mut rare.on, &mut rare.off) } else { (&mut rare.off, &mut rare.on) };
                set.insert(id);
                cleared.remove(id);
            }
        }
    }

    /// Whether an interface belongs among the oifs, given its membership.
    fn wants(&self, id: IfId, is_member: bool) -> bool {
        if id == self.iif {
            return false;
        }
        match &self.rare {
            Some(rare) if rare.on.contains(id) => true,
            Some(rare) if rare.off.contains(id) => false,
            _ => is_member,
        }
    }

    /// Decides anew whether an interface is an oif. `None` if that changed nothing;
    /// else what the owner of the iif is to hear of it, if anything.
    #[inline]
    fn touch(
        &mut self,
        id: IfId,
        touch: Touch,
        is_member: bool,
        is_bounded: bool,
    ) -> Option<Option<Turn>> {
        self.override_oif(id, touch);
        let wanted = self.wants(id, is_member) && !is_bounded;
        let was_negative = self.oifs.is_empty();
        let has_changed = self.set_oif(id, wanted);
        has_changed.then(|| (was_negative != self.oifs.is_empty()).then(|| Turn::of(self)))
    }

    /// Puts an interface among the oifs, or takes it out; true if that changed them.
    #[inline]
    fn set_oif(&mut self, id: IfId, wanted: bool) -> bool {
        if wanted == self.oifs.contains(id) {
            return false;
        }
        let is_first = self.oifs.is_empty();
        if is_first {
            self.later = None;
            if let Some(rare) = &mut self.rare {
                rare.out = None;
            }
        }
        if wanted && self.packets > 0 && self.counts_apart().is_none() {
            match u32::try_from(self.packets).ok().and_then(NonZeroU32::new) {
                Some(before) if is_first => self.before = before.get(),
                Some(before) if self.later.is_none() => self.later = Some(Later { id, before }),
                _ => self.count_apart(),
            }
        }
        if wanted {
            self.oifs.insert(id);
            if let Some(out) = self.counts_apart() {
                out.push((id, OifCount::default()));
            }
        } else {
            self.oifs.remove(id);
            self.later = self.later.filter(|later| later.id != id);
            if let Some(out) = self.counts_apart() {
                out.retain(|(other, _)| *other != id);
            }
        }
        true
    }

    /// The oifs' own counters, if they have some.
    pub fn counts_apart(&mut self) -> Option<&mut Vec<(IfId, OifCount)>> {
        self.rare.as_mut()?.out.as_mut()
    }

    /// From now on each oif has counters of its own.
    pub fn count_apart(&mut self) {
        if self.counts_apart().is_none() {
            let mut counts = Vec::with_capacity(self.oifs.len() + 1); // mostly for one more
            counts.extend(self.oifs.iter().map(|id| (id, self.oif_count(id))));
            self.rare().out = Some(counts);
        }
    }

    /// The counters of an oif.
    pub fn oif_count(&self, id: IfId) -> OifCount {
        if let Some(out) = self.rare.as_ref().and_then(|rare| rare.out.as_ref()) {
            let own = out.iter().find(|(other, _)| *other == id);
            return own.map_or_else(OifCount::default, |(_, count)| *count);
        }
        let later = self.later.filter(|later| later.id == id);
        let before = later.map_or(self.before, |later| later.before.get());
        OifCount { packets: self.packets - u64::from(before), ttl_too_low: 0 }
    }
}

impl Engine {
    /// All interfaces on which memberships want `flow`, an (s,g).
    pub(super) fn member_interfaces(&self, flow: Flow) -> IfSet {
        let mut all = IfSet::default();
        let flows = &self.flows;
        let wanted = [flows.members(flow), flows.group_members(flow), flows.wildcard_members()];
        for members in wanted.into_iter().flatten() {
            members.add_to(&mut all);
        }
        all
    }

    /// Decides anew whether an interface is an oif of each MFE that a
    /// membership of `matching` concerns.
    pub(super) fn update_mfes(
        &mut self,
        matching: Flow,
        id: IfId,
        touch: Touch,
        caller: Option<ClientId>,
        fx: &mut Effects,
    ) {
        if matching.is_link_local() {
            return;
        }
        match matching {
            Flow::WILDCARD => self.update_range(matching..=Flow::MAX, id, touch, caller, fx),
            flow if flow.has_source() => self.update_one(flow, id, touch, caller, fx),
            group => self.update_range(group..=group.last_of_group(), id, touch, caller, fx),
        }
    }

    /// The same for the MFE of one flow, if there is one.
    fn update_one(
        &mut self,
        flow: Flow,
        id: IfId,
        touch: Touch,
        caller: Option<ClientId>,
        fx: &mut Effects,
    ) {
        if let Some(resolution) = self.resolutions.get_mut(&flow) {
            resolution.overtaken(id, touch);
        }
        if !self.flows.has_mfe(flow) {
            return;
        }
        let is_member = self.member_interfaces(flow).contains(id);
        let is_bounded = self.is_bounded(id, flow.group());
        let Some(mfe) = self.flows.mfe_mut(flow) else { return };
        let Some(turn) = mfe.touch(id, touch, is_member, is_bounded) else { return };
        fx.dirty.push(flow);
        self.story(fx, || format!("{flow} changes: {}", self.path(flow)));
        if let Some(turn) = turn {
            self.tell_turn(flow, turn, caller, fx);
        }
    }

    /// The same for the MFEs of a range of flows.
    pub(super) fn update_range(
        &mut self,
        flows: RangeInclusive<Flow>,
        id: IfId,
        touch: Touch,
        caller: Option<ClientId>,
        fx: &mut Effects,
    ) {
        for (_, resolution) in self.resolutions.range_mut(flows.clone()) {
            resolution.overtaken(id, touch);
        }
        let index = self.interfaces.name(id).index;
        let limits = &self.limits;
        let mut turned = Vec::new();
        let before = fx.dirty.len();
        self.flows.visit_mfes(flows, id, |flow, mfe, is_member| {
            let is_bounded = limits.bounds(index, flow.group());
            if let Some(turn) = mfe.touch(id, touch, is_member, is_bounded) {
                fx.dirty.push(flow);
                turned.extend(turn.map(|turn| (flow, turn)));
            }
        });
        if self.config.debug {
            self.tell_changes(&fx.dirty[before..], &mut fx.log);
        }
        for (flow, turn) in turned {
            self.tell_turn(flow, turn, caller, fx);
        }
    }

    /// An MFE went from some oifs to none, or from none to some: tells the
    /// owner of its iif, unless it is the one who did it (spec 5.8).
    fn tell_turn(&self, flow: Flow, turn: Turn, caller: Option<ClientId>, fx: &mut Effects) {
        let Some(owner) = self.interfaces.master(turn.iif) else { return };
        if caller == Some(owner) && !planted::has(Bug::CauserTold) {
            return;
        }
        if turn.is_negative {
            self.tell_prune(owner, flow, turn.iif, turn.serial, fx);
        } else {
            self.alert(owner, Notice::Join { flow, member: false }, fx);
        }
    }

    /// PRUNE_ALERT with bMemberDelete FALSE to the owner of the iif, which may
    /// answer with the MFE's time-out (spec 5.5).
    pub(super) fn tell_negative(&self, flow: Flow, fx: &mut Effects) {
        let Some(mfe) = self.flows.mfe(flow) else { return };
        if let Some(owner) = self.interfaces.master(mfe.iif) {
            self.tell_prune(owner, flow, mfe.iif, mfe.serial, fx);
        }
    }

    /// PRUNE_ALERT with bMemberDelete FALSE.
    fn tell_prune(&self, to: ClientId, flow: Flow, iif: IfId, serial: u32, fx: &mut Effects) {
        let question = QuestionId(u64::from(serial));
        let (iif, timeout) = (self.interfaces.name(iif), self.config.mfe_timeout);
        self.alert(to, Notice::PruneMfe { question, flow, iif, timeout }, fx);
    }

    /// The answer to [`Engine::tell_negative`]: a time-out, from now on (spec
    /// 5.5). `packets` is as in [`Engine::tick`].
    pub(super) fn set_timeout(
        &mut self,
        now: Time,
        client: ClientId,
        flow: Flow,
        question: QuestionId,
        timeout: u32,
        packets: impl FnOnce(Flow) -> Option<u64>,
    ) {
        let Some(mfe) = self.flows.mfe_mut(flow) else { return };
        if u64::from(mfe.serial) != question.0 || self.interfaces.master(mfe.iif) != Some(client) {
            return;
        }
        let usual = self.config.mfe_timeout;
        let timeout = Some(timeout).filter(|&timeout| timeout != 0 && timeout != usual);
        if timeout.is_some() || mfe.rare.is_some() {
            mfe.rare().timeout = timeout;
        }
        mfe.born = now.into();
        let packets = packets(flow).filter(|_| !planted::has(Bug::FormerLifeCounts));
        mfe.seen = packets.unwrap_or(mfe.packets) as u32;
        self.schedule_end(flow);
    }

    /// An interface changed hands: MFEs that it brings packets for end, and in
    /// all others memberships alone decide about it (spec 2.5).
    pub(super) fn clear_interface(&mut self, id: IfId, caller: Option<ClientId>, fx: &mut Effects) {
        let before = fx.dirty.len();
        let ending = self.flows.mfes(Flow::WILDCARD).filter(|(_, mfe)| mfe.iif == id);
        let ending: Vec<Flow> = ending.map(|(flow, _)| flow).collect();
        for flow in ending {
            self.flows.remove_mfe(flow);
            self.resolutions.remove(&flow); // of its renewal
            fx.dirty.push(flow);
        }
        if self.config.debug {
            let gone = &fx.dirty[before..];
            fx.log.extend(gone.iter().map(|flow| {
                (
                    log::Level::Debug,
                    format!("{flow} deleted: it came in by {}", self.interfaces.name(id)),
                )
            }));
        }
        self.update_mfes(Flow::WILDCARD, id, Touch::Clear, caller, fx);
    }

    /// Deletes an MFE.
    pub(super) fn remove_mfe(&mut self, flow: Flow, fx: &mut Effects) {
        if self.flows.remove_mfe(flow).is_some() {
            self.story(fx, || format!("{flow} deleted"));
            self.resolutions.remove(&flow); // of its renewal
            fx.dirty.push(flow);
        }
    }

    /// Changes the upstream neighbour of an MFE and, if the caller owns
    /// `if_index`, its incoming interface (spec 5.9).
    ///
    /// # Errors
    /// `BadHandle`, `NoMfe`, `NotUpstreamOwner`.
    pub fn set_mfe(
        &mut self,
        client: ClientId,
        flow: Flow,
        upstream: Ipv4Addr,
        if_index: u32,
        fx: &mut Effects,
    ) -> Result<()> {
        self.client(client)?;
        let mfe = self.flows.mfe(flow).ok_or(Refusal::NoMfe(flow))?;
        if self.interfaces.master(mfe.iif) != Some(client) {
            return Err(Refusal::NotUpstreamOwner(flow));
        }
        let old = mfe.iif;
        let named = self.interfaces.find(Interface::link(if_index));
        let iif = named.filter(|&id| {
            self.interfaces.master(id) == Some(client)
                && !self.limits.bounds(if_index, flow.group())
        });
        let nothing = IfSet::default();
        let to = (iif.unwrap_or(old), upstream);
        self.reshape(flow, to, (&nothing, &nothing), Some(client), fx);
        self.overrule_rpf(flow);
        if iif.is_none() && if_index != 0 && self.interfaces.name(old).index != if_index {
            fx.log.push((
                log::Level::Warn,
                format!(
                    "MFE {flow} keeps its incoming interface: interface {if_index} is not the \
                     caller's, or a boundary keeps the group off it"
                ),
            ));
        }
        Ok(())
    }

    /// Gives an MFE another iif and neighbour, and the overrides that
    /// CREATION_ALERT answers ask for, all at once: `off` are switched off,
    /// `on` are off no longer. Tells what comes of it: a new owner of the iif
    /// the JOIN, or the PRUNE if there is no oif, and the old one the PRUNE
    /// (spec 5.10); the same owner only what 5.8 has for it.
    pub(super) fn reshape(
        &mut self,
        flow: Flow,
        (iif, upstream): (IfId, Ipv4Addr),
        (off, on): (&IfSet, &IfSet),
        caller: Option<ClientId>,
        fx: &mut Effects,
    ) {
        let mut members = self.member_interfaces(flow);
        let Some(mfe) = self.flows.mfe_mut(flow) else { return };
        off.iter().for_each(|id| mfe.override_oif(id, Touch::Force(false)));
        if let Some(rare) = &mut mfe.rare {
            rare.off.subtract(on);
            members.union_with(rare.on.view());
            members.subtract(&rare.off);
        }
        members.remove(iif);
        self.subtract_bounded(&mut members, flow.group());
        let Some(mfe) = self.flows.mfe_mut(flow) else { return };
        let (old_iif, was_negative) = (mfe.iif, mfe.oifs.is_empty());
        mfe.iif = iif;
        mfe.upstream = upstream;
        let mut gone = mfe.oifs.clone();
        gone.subtract(&members);
        let left = gone.iter().filter(|&id| mfe.set_oif(id, false)).count();
        let came = members.iter().filter(|&id| mfe.set_oif(id, true)).count();
        let turned = was_negative != mfe.oifs.is_empty();
        let turn = Turn::of(mfe);
        if old_iif != iif || left + came > 0 {
            fx.dirty.push(flow);
            self.story(fx, || format!("{flow} changes: {}", self.path(flow)));
        }
        let (old, new) = (self.interfaces.master(old_iif), self.interfaces.master(iif));
        if old != new {
            self.tell_turn(flow, turn, caller, fx);
            if let Some(old) = old {
                self.tell_prune(old, flow, old_iif, turn.serial, fx);
            }
        } else if turned {
            self.tell_turn(flow, turn, caller, fx);
        }
    }
}
