//! Memberships and the alerts with TRUE (spec sections 3 and 4).

use super::{Answered, Member, Model, Purpose};
use mgm_engine::{ClientId, EnumKind, Notice};
use mgm_types::{Code, Flow, Interface};

/// Whether a membership in `wanted` includes the (s,g) `flow` (spec 3.5).
pub fn matches(wanted: Flow, flow: Flow) -> bool {
    wanted == Flow::WILDCARD
        || (wanted.group() == flow.group()
            && (!wanted.has_source() || wanted.source() == flow.source()))
}

fn is_group(flow: Flow) -> bool {
    flow != Flow::WILDCARD && !flow.has_source()
}

/// MgmAdd- or MgmDeleteGroupMembershipEntry.
#[derive(Clone, Copy)]
pub struct MembershipCall {
    pub add: bool,
    /// MGM_FORWARD_STATE_FLAG alone.
    pub forward: bool,
    pub client: ClientId,
    pub flow: Flow,
    pub interface: Interface,
}

impl Model {
    /// The component that a membership counts for (spec 4.1).
    fn component(&self, member: &Member) -> Option<ClientId> {
        let place = self.place(member.place)?;
        let owner =
            if member.igmp { place.owner.or(place.igmp) } else { place.owner.or(place.claim) };
        owner.map(|owner| self.with_successor(owner))
    }

    /// E and W of spec 4.2: whether another component than the client's has a membership.
    pub fn others_want(&self, flow: Flow, client: ClientId) -> bool {
        self.members
            .iter()
            .filter(|member| member.flow == flow)
            .any(|member| self.component(member) != Some(client))
    }

    /// Every flow with memberships, in order.
    pub fn wanted_flows(&self) -> Vec<Flow> {
        let mut flows: Vec<_> = self.members.iter().map(|member| member.flow).collect();
        flows.sort_unstable();
        flows.dedup();
        flows
    }

    /// A change of the memberships of one flow, and its alerts (spec 4.2, 4.6).
    fn change_members(
        &mut self,
        flow: Flow,
        caller: Option<ClientId>,
        interface: Interface,
        change: impl FnOnce(&mut Vec<Member>),
    ) {
        let before: Vec<bool> =
            self.clients.iter().map(|client| self.others_want(flow, client.id)).collect();
        change(&mut self.members);
        if flow.is_link_local() {
            return;
        }
        for (client, was) in self.clients.clone().into_iter().zip(before) {
            let is = self.others_want(flow, client.id);
            if was == is || caller == Some(client.id) {
                continue;
            }
            if flow.has_source() && self.towards(flow) != Some(client.id) {
                continue;
            }
            if is_group(flow) && self.others_want(Flow::WILDCARD, client.id) {
                continue;
            }
            if is {
                self.tell(client.id, Notice::Join { flow, member: true });
                continue;
            }
            self.tell(client.id, Notice::Prune { flow, interface });
            if flow == Flow::WILDCARD {
                for group in self.wanted_flows() {
                    if is_group(group)
                        && !group.is_link_local()
                        && self.others_want(group, client.id)
                    {
                        self.tell(client.id, Notice::Join { flow: group, member: true });
                    }
                }
            }
        }
    }

    /// A change after which another client may have the role of spec 4.6.
    pub fn moving_roles(&mut self, change: impl FnOnce(&mut Model)) {
        let told = |model: &Model, flow: Flow| {
            let client = model.towards(flow)?;
            model.others_want(flow, client).then_some(client)
        };
        let flows: Vec<_> = self
            .wanted_flows()
            .into_iter()
            .filter(|flow| flow.has_source() && !flow.is_link_local())
            .map(|flow| (flow, told(self, flow)))
            .collect();
        change(self);
        for (flow, old) in flows {
            let new = told(self, flow);
            if old == new {
                continue;
            }
            if let Some(old) = old {
                self.tell(old, Notice::Prune { flow, interface: Interface::NONE });
            }
            if let Some(new) = new {
                self.tell(new, Notice::Join { flow, member: true });
            }
        }
    }

    /// MgmAdd- and MgmDeleteGroupMembershipEntry (spec 3.1 to 3.6).
    pub fn membership(&mut self, call: MembershipCall) -> Answered {
        let MembershipCall { add, forward, client, flow, interface: name } = call;
        let igmp = self.client(client).ok_or(Code::InvalidParameter)?.is_igmp();
        if name.index == 0 {
            return Err(Code::InvalidParameter);
        }
        let not_taken = if add { Code::InvalidParameter } else { Code::NotFound };
        let place = self.place(name).ok_or(not_taken)?.clone();
        if Some(client) != (if igmp { place.igmp } else { place.claim }) {
            return Err(Code::InvalidParameter);
        }
        if (igmp && place.barred) || (add && place.absent) {
            return Err(Code::CanNotComplete);
        }
        let beside = place.owner.filter(|_| igmp);
        if forward {
            self.switch(call, beside.is_some());
            return Ok(());
        }
        if add {
            self.added(client, name, flow);
        }
        let member = Member { place: name, igmp, flow };
        if self.members.contains(&member) != add {
            if add {
                self.settle_home(flow, self.domain_of(name));
            }
            self.change_members(flow, Some(client), name, |members| {
                if add {
                    members.push(member);
                } else {
                    members.retain(|other| *other != member);
                }
            });
            // A client whose release waits gets no LOCAL_* callbacks (D39).
            if let Some(owner) = beside.filter(|_| place.claim == place.owner) {
                let interface = name;
                self.tell(
                    owner,
                    if add {
                        Notice::LocalJoin { flow, interface }
                    } else {
                        Notice::LocalLeave { flow, interface }
                    },
                );
            }
        }
        if beside.is_none() && !flow.is_link_local() {
            self.clear_overrides(flow, name);
        }
        self.settle(Some(client));
        Ok(())
    }

    /// FORWARD alone (spec 3.3, 5.8, D12, D13).
    fn switch(&mut self, call: MembershipCall, beside: bool) {
        let MembershipCall { add: on, client, flow, interface: name, .. } = call;
        if flow.is_link_local() {
            return;
        }
        if !beside {
            for mfe in self.mfes.iter_mut().filter(|mfe| matches(flow, mfe.flow)) {
                mfe.switched.retain(|(other, _)| *other != name);
                mfe.switched.push((name, on));
            }
            // It changes only MFEs that exist, not a flow that is being resolved.
            self.overtake(flow, name, |purpose| purpose != Purpose::Create);
            self.settle(Some(client));
        }
        if on && flow.has_source() && self.mfe(flow).is_none() {
            let route = self.look_up(flow.source(), self.domain_of(name));
            let upstream = self.towards_by(flow.source(), &route);
            if let Some(upstream) = upstream.filter(|other| *other != client) {
                self.tell(upstream, Notice::Join { flow, member: false });
            }
        }
    }

    /// Ends memberships on an interface (spec 4.8, D2): `owner` gets LOCAL_LEAVE.
    pub fn end_members(
        &mut self,
        name: Interface,
        ends: impl Fn(&Member) -> bool,
        owner: Option<ClientId>,
        caller: Option<ClientId>,
    ) {
        let mut flows = self.wanted_flows();
        flows.sort_by_key(|flow| (*flow == Flow::WILDCARD, *flow));
        for flow in flows {
            let goes =
                |member: &Member| member.flow == flow && member.place == name && ends(member);
            if !self.members.iter().any(goes) {
                continue;
            }
            self.change_members(flow, caller, name, |members| {
                members.retain(|member| !goes(member));
            });
            if let Some(owner) = owner {
                self.tell(owner, Notice::LocalLeave { flow, interface: name });
            }
        }
        // A source without entries has few flows again, even if the same call creates an MFE of it.
        self.tidy_homes();
    }

    /// The enumeration entry after `last` (spec 7.1).
    pub fn next_group(&self, kind: EnumKind, last: Option<Flow>) -> Option<Flow> {
        let mut entries = self.wanted_flows();
        if kind == EnumKind::AnySource {
            entries.retain(|flow| flow.has_source());
            for flow in &mut entries {
                *flow = flow.shared();
            }
        }
        entries.into_iter().filter(|flow| last.is_none_or(|last| *flow > last)).min()
    }
}
