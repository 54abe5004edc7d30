//! Changes of the oifs of MFEs, and other changes of MFEs (spec 3.5, 5.5, 5.8, 5.9).

use super::flows::{Flows, Members};
use super::mfe::{Mfe, OifTurn, Touch};
use super::origins::IifOrigin;
use super::room::mfes_of;
use super::{ClientId, Effects, Engine, Notice, NoticeKind, QuestionId};
use crate::types::{Flow, IfId, IfSet, Interface, Ipv4Addr, Refusal, Result, Time};
use smallvec::SmallVec;
use std::ops::RangeInclusive;

/// MFEs whose oifs have changed, and what their owners are told.
type OifChanges = SmallVec<[(Flow, Option<OifTurn>); 16]>;

impl Engine {
    /// All interfaces with memberships that want `flow`, an (s,g).
    pub(super) fn member_interfaces(&self, flow: Flow) -> IfSet {
        let mut all = IfSet::default();
        let flows = &self.flows;
        // One after the other, because a list would have to be built for each packet.
        let mut add = |members: Option<&Members>| {
            if let Some(members) = members {
                members.add_to(&mut all);
            }
        };
        add(flows.members(flow));
        add(flows.group_members(flow));
        add(flows.wildcard_members());
        all
    }

    /// Decides again whether an interface is an oif of each MFE that a membership of `matching`
    /// concerns.
    #[inline]
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
        if matching.has_source() {
            // Most memberships of a source are added before its packets arrive.
            if !self.resolutions.is_empty() || self.flows.has_mfe(matching) {
                self.update_one(matching, id, touch, caller, fx);
            }
        } else {
            self.update_range(mfes_of(matching), id, touch, caller, fx);
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
        fx.changed(flow);
        self.debug(fx, || format!("{flow} changed: {}", self.path(flow)));
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
        let mut left = Some(flows);
        while let Some(flows) = left {
            // A few at a time, because there may be no memory for the list of all.
            let mut some: OifChanges = SmallVec::new();
            let limits = &self.limits;
            left = self.flows.visit_mfes(flows, id, |flow, mfe, is_member| {
                let is_bounded = limits.bounds(index, flow.group());
                if let Some(turn) = mfe.touch(id, touch, is_member, is_bounded) {
                    fx.changed(flow);
                    some.push((flow, turn));
                }
                some.len() < some.inline_size()
            });
            self.tell_changes(some.iter().map(|(flow, _)| *flow), &mut fx.log);
            for (flow, turn) in some {
                if let Some(turn) = turn {
                    self.tell_turn(flow, turn, caller, fx);
                }
            }
        }
    }

    /// An MFE has lost its last oif or got its first: tells the owner of its iif, unless that
    /// client caused it (spec 5.8).
    fn tell_turn(&self, flow: Flow, turn: OifTurn, caller: Option<ClientId>, fx: &mut Effects) {
        let Some(owner) = self.interfaces.master(turn.iif) else { return };
        if caller == Some(owner) {
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
        if !self.clients.anybody_hears(NoticeKind::Prune) && !self.config.debug {
            return;
        }
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
        (flow, question): (Flow, QuestionId),
        timeout: u32,
        packets: impl FnOnce(Flow) -> Result<Option<u64>>,
        fx: &mut Effects,
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
        mfe.begin_life(now);
        match packets(flow) {
            Ok(packets) => {
                mfe.seen = packets.unwrap_or(mfe.packets) as u32;
            }
            // Packets since the last reading count for the new time-out. An MFE may then be renewed
            // once too often, which is better than ending one that forwards.
            Err(refusal) => self.debug(fx, || {
                format!("{flow}: its counters are unknown at the start of its time-out: {refusal}")
            }),
        }
        self.schedule_end(flow);
    }

    /// The owner of an interface has changed: MFEs with this iif end, and in all others only
    /// memberships decide whether it is an oif (spec 2.5).
    pub(super) fn clear_interface(&mut self, id: IfId, caller: Option<ClientId>, fx: &mut Effects) {
        self.remove_mfes(Flow::WILDCARD..=Flow::MAX, |mfe| mfe.iif == id, fx);
        self.update_mfes(Flow::WILDCARD, id, Touch::Gone, caller, fx);
    }

    /// Deletes those MFEs of a range of flows for which `ends` returns true.
    pub(super) fn remove_mfes(
        &mut self,
        flows: RangeInclusive<Flow>,
        ends: impl Fn(&Mfe) -> bool,
        fx: &mut Effects,
    ) {
        let (mut first, last) = flows.into_inner();
        loop {
            // A few at a time: there may be no memory for the list of all, and the entries found
            // are still in the cache when removed.
            let within = self.flows.mfes(first).take_while(|(flow, _)| *flow <= last);
            let ending = within.filter(|(_, mfe)| ends(mfe)).map(|(flow, _)| flow);
            let some: SmallVec<[Flow; Flows::FETCH]> = ending.take(Flows::FETCH).collect();
            some.iter().for_each(|&flow| self.remove_mfe(flow, fx));
            match some.last() {
                Some(&flow) if some.len() == Flows::FETCH => first = flow.successor(),
                _ => return,
            }
        }
    }

    /// Deletes an MFE.
    pub(super) fn remove_mfe(&mut self, flow: Flow, fx: &mut Effects) {
        if let Some(mfe) = self.flows.remove_mfe(flow) {
            self.debug(fx, || {
                format!("{flow} deleted: its iif was {}", self.interfaces.name(mfe.iif))
            });
            self.flow_limit.end(mfe.arrival);
            self.origins.set(flow, IifOrigin::Route);
            self.wrong_ifs.mfe_gone(flow);
            self.end_resolution(flow); // the renewal of this MFE
            fx.changed(flow);
        }
    }

    /// Changes the upstream neighbour of an MFE and, if the caller owns
    /// `if_index`, its incoming interface (spec 5.9).
    ///
    /// # Errors
    /// `BadHandle`, `NoMfe`, `NotUpstreamOwner`, `NoMemory`.
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
        self.room(fx)?;
        let named = self.interfaces.find(Interface::link(if_index));
        let iif = named.filter(|&id| {
            self.interfaces.master(id) == Some(client)
                && !self.limits.bounds(if_index, flow.group())
        });
        let nothing = IfSet::default();
        let to = (iif.unwrap_or(old), upstream);
        self.reshape(flow, to, (&nothing, &nothing), Some(client), fx);
        if iif.is_some() && self.origins.of(flow) == IifOrigin::Route {
            self.origins.set(flow, IifOrigin::Client);
        }
        self.overrule_rpf(flow);
        if iif.is_none() && if_index != 0 && self.interfaces.name(old).index != if_index {
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

    /// Gives an MFE another iif and neighbour, and the overrides that
    /// CREATION_ALERT answers ask for, in one step: the interfaces `off` are switched off, the
    /// interfaces `on` are no longer off. A new owner of the iif gets JOIN, or PRUNE if there is
    /// no oif, and the old owner gets PRUNE (spec 5.10). If the owner stays the same, it is told
    /// only what 5.8 requires.
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
        let turn = OifTurn::of(mfe);
        if old_iif != iif || left + came > 0 {
            fx.changed(flow);
            self.debug(fx, || format!("{flow} changed: {}", self.path(flow)));
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
