//! Group memberships (spec section 3).

use super::alerts::{Interest, MembershipChange};
use super::flows::{FlowPlace, Flows, Side};
use super::mfe::Touch;
use super::{ClientId, Effects, Engine, Notice};
use crate::types::{Flow, IfId, Interface, Refusal, Result, Route};
use smallvec::SmallVec;

/// What a membership call acts on (dwFlags; spec 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// MGM_JOIN_STATE_FLAG, alone or with the other.
    State,
    /// MGM_FORWARD_STATE_FLAG alone.
    Forward,
}

/// A membership call whose caller and interface have been checked.
struct Act {
    client: ClientId,
    flow: Flow,
    id: IfId,
    side: Side,
    /// The protocol that owns the interface beside IGMP, and whether its release waits (D39).
    beside: Option<ClientId>,
    is_leaving: bool,
    change: MembershipChange,
}

impl Engine {
    /// Adds a membership, or switches an interface on (spec 3.3). `route` is
    /// that of the source, if [`Engine::needs_route`].
    ///
    /// # Errors
    /// `BadHandle`, `NotOwner`, `IgmpDisabled`, `Absent`, `NoMemory`.
    pub fn join(
        &mut self,
        client: ClientId,
        flow: Flow,
        interface: Interface,
        join: Join,
        route: Option<&Route>,
        fx: &mut Effects,
    ) -> Result<()> {
        let act = self.authorize(client, flow, interface, Refusal::NotOwner)?;
        if self.interfaces.get(act.id).is_some_and(|slot| slot.absent) {
            return Err(Refusal::Absent(interface));
        }
        self.room(fx)?;
        self.room_for_mfes(flow, act.id, fx)?;
        if join == Join::Forward {
            self.switch_forwarding(&act, true, route, fx);
            return Ok(());
        }
        let is_new = self.insert_member(&act, route, fx);
        self.follow_member(&act, is_new, || Notice::LocalJoin { flow, interface }, fx);
        Ok(())
    }

    /// Deletes a membership, or switches an interface off (spec 3.3).
    ///
    /// # Errors
    /// `BadHandle`, `NobodyOwns`, `NotOwner`, `IgmpDisabled`.
    pub fn leave(
        &mut self,
        client: ClientId,
        flow: Flow,
        interface: Interface,
        join: Join,
        fx: &mut Effects,
    ) -> Result<()> {
        let act = self.authorize(client, flow, interface, Refusal::NobodyOwns)?;
        if join == Join::Forward {
            self.switch_forwarding(&act, false, None, fx);
            return Ok(());
        }
        let place = self.flows.find(flow);
        let was_there = place.is_some_and(|place| {
            self.remove_member(flow, place, act.id, &[act.side], act.change, fx)
        });
        self.follow_member(&act, was_there, || Notice::LocalLeave { flow, interface }, fx);
        if let Some(place) = place {
            self.flows.tidy(place);
        }
        Ok(())
    }

    /// The consequences of a JOIN or its delete, whether or not it `changed` the membership.
    /// IGMP beside an owner only informs the owner (spec 3.6) and leaves its overrides alone;
    /// other callers end their own overrides, even by a redundant call (3.5).
    #[inline]
    fn follow_member(
        &mut self,
        act: &Act,
        changed: bool,
        local: impl FnOnce() -> Notice,
        fx: &mut Effects,
    ) {
        let touch = match act.beside {
            Some(_) if !changed => return,
            Some(owner) => {
                if !act.is_leaving {
                    self.alert(owner, local(), fx);
                }
                Touch::Members
            }
            None => Touch::Clear,
        };
        self.update_mfes(act.flow, act.id, touch, Some(act.client), fx);
    }

    /// Checks that the caller may act on the interface (spec 3.1). `not_there` is the refusal
    /// if the interface is not taken.
    #[inline(always)]
    fn authorize(
        &self,
        client: ClientId,
        flow: Flow,
        interface: Interface,
        not_there: impl FnOnce(Interface) -> Refusal,
    ) -> Result<Act> {
        let is_igmp = self.client(client)?.is_igmp;
        if interface.index == 0 {
            return Err(Refusal::ZeroInterface);
        }
        let found =
            self.interfaces.find(interface).and_then(|id| Some((id, self.interfaces.get(id)?)));
        let Some((id, slot)) = found else { return Err(not_there(interface)) };
        let (holder, side) =
            if is_igmp { (slot.igmp, Side::Igmp) } else { (slot.claim, Side::Owner) };
        if holder != Some(client) {
            return Err(Refusal::NotOwner(interface));
        }
        if is_igmp && slot.igmp_barred {
            return Err(Refusal::IgmpDisabled(interface));
        }
        let beside = if is_igmp { slot.owner } else { None };
        let is_leaving = is_igmp && slot.claim != slot.owner;
        let change = MembershipChange { caller: Some(client), interface };
        Ok(Act { client, flow, id, side, beside, is_leaving, change })
    }

    /// Records a membership; false if it existed already.
    #[inline]
    fn insert_member(&mut self, act: &Act, route: Option<&Route>, fx: &mut Effects) -> bool {
        let place = self.flows.make(act.flow, self.interfaces.domain(act.id), route);
        let is_heard = self.is_interest_heard();
        let before = self.interest_at(place, is_heard);
        if !self.flows.insert_member(place, act.side, act.id) {
            return false;
        }
        self.debug(fx, || {
            let (who, Act { flow, change, .. }) = (self.who(act.client), act);
            format!("{who} joins {flow} on {}", change.interface)
        });
        if is_heard {
            let after = self.interest_at(place, is_heard);
            self.interest_changed(act.flow, before, after, act.change, fx);
        }
        true
    }

    /// Deletes memberships on one interface; false if there was none. The caller must then
    /// tidy the place.
    fn remove_member(
        &mut self,
        flow: Flow,
        place: FlowPlace,
        id: IfId,
        sides: &[Side],
        change: MembershipChange,
        fx: &mut Effects,
    ) -> bool {
        let is_heard = self.is_interest_heard();
        let before = self.interest_at(place, is_heard);
        if !self.flows.remove_member(place, sides, id) {
            return false;
        }
        self.debug(fx, || {
            let (who, name) = (self.whose(change.caller), self.interfaces.name(id));
            format!("the membership {flow} on {name} ends; cause: {who}")
        });
        if is_heard {
            let after = self.interest_at(place, is_heard);
            self.interest_changed(flow, before, after, change, fx);
        }
        true
    }

    /// The components behind the memberships in a place, if it matters.
    #[inline]
    fn interest_at(&self, place: FlowPlace, matters: bool) -> Interest {
        match self.flows.at(place).wanted_by() {
            Some(members) if matters => self.components_behind(members),
            _ => Interest::Nobody,
        }
    }

    /// FORWARD alone: an override for the MFEs that exist (spec 3.3, 3.5).
    /// Beside an owner IGMP may not touch those.
    fn switch_forwarding(&mut self, act: &Act, on: bool, route: Option<&Route>, fx: &mut Effects) {
        let is_absent = self.interfaces.get(act.id).is_some_and(|slot| slot.absent);
        if act.flow.is_link_local() || is_absent {
            return; // nothing is forwarded there
        }
        self.debug(fx, || {
            let state = if on { "on" } else { "off" };
            let (who, Act { flow, change, .. }) = (self.who(act.client), act);
            format!("{who} switches {flow} {state} on {}", change.interface)
        });
        if act.beside.is_none() {
            self.update_mfes(act.flow, act.id, Touch::Force(on), Some(act.client), fx);
        }
        let finds_none = act.flow.has_source() && !self.flows.has_mfe(act.flow);
        if on && finds_none {
            // There is no MFE, so nothing has requested the flow upstream yet (spec 5.8).
            let domain = self.interfaces.domain(act.id);
            let source = self.flows.hold_source(act.flow, domain, route);
            if let Some(upstream) = self.towards(source) {
                if upstream != act.client {
                    self.alert(upstream, Notice::Join { flow: act.flow, member: false }, fx);
                }
            }
            self.flows.sources.release(source);
        }
    }

    /// Ends the memberships on an interface, with their alerts (spec 4.8):
    /// groups and sources first, so that the end of a `(*,*)` is not followed by JOIN_ALERTs for
    /// memberships that end, too. LOCAL_LEAVE goes to `owner`. The caller updates the MFEs,
    /// because it has more to change in them.
    pub(super) fn drop_members(
        &mut self,
        id: IfId,
        sides: &[Side],
        owner: Option<ClientId>,
        change: MembershipChange,
        fx: &mut Effects,
    ) {
        let mut first = Flow::WILDCARD.successor();
        loop {
            // A few at a time, so that the entries found are still in the cache when removed.
            let wanted = self.flows.wanted_on(first, id, sides);
            let flows: SmallVec<[_; Flows::FETCH]> = wanted.take(Flows::FETCH).collect();
            let Some((last, _)) = flows.last() else { break };
            first = last.successor();
            self.flows.fetch(flows.iter().map(|(_, place)| *place));
            for (flow, place) in flows {
                self.drop_member(flow, place, id, sides, owner, change, fx);
            }
        }
        if let Some(place) = self.flows.find(Flow::WILDCARD) {
            self.drop_member(Flow::WILDCARD, place, id, sides, owner, change, fx);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn drop_member(
        &mut self,
        flow: Flow,
        place: FlowPlace,
        id: IfId,
        sides: &[Side],
        owner: Option<ClientId>,
        change: MembershipChange,
        fx: &mut Effects,
    ) {
        if self.remove_member(flow, place, id, sides, change, fx) {
            if let Some(owner) = owner {
                self.alert(owner, Notice::LocalLeave { flow, interface: change.interface }, fx);
            }
        }
        self.flows.tidy(place);
    }
}
