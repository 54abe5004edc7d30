//! Alerts: which clients are told of other clients' memberships (spec section 4).
//!
//! The engine does not store what a client was told, because it follows from the memberships.
//! Each change of a membership compares the interested components before and after it. A
//! client is told if the answer to "does any other client want this?" has changed for it.

use super::flows::{Members, Side};
use super::truth::AlertTopic;
use super::{ClientId, Effects, Engine, Notice, NoticeKind, NoticeKinds};
use crate::types::{Flow, Interface};

/// The components that have a membership of one flow: none, one, or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    Nobody,
    One(ClientId),
    Many,
}

impl Interest {
    /// Whether a component other than `client`'s is interested: E and W of spec 4.2.
    pub fn beside(self, client: ClientId) -> bool {
        match self {
            Interest::Nobody => false,
            Interest::One(component) => component != client,
            Interest::Many => true,
        }
    }
}

/// The number of memberships examined for each client that must be told of all groups.
const REPEATED_AT_ONCE: usize = 1024;

/// The cause of a change of membership.
#[derive(Clone, Copy, Debug)]
pub(super) struct MembershipChange {
    /// The client that called; it is not told of its own act (spec 4.1).
    pub caller: Option<ClientId>,
    /// The interface that PRUNE_ALERT names (spec 4.7).
    pub interface: Interface,
}

impl Engine {
    /// The components that have a membership of exactly this flow.
    pub(super) fn interest(&self, flow: Flow) -> Interest {
        self.interest_of(self.flows.members(flow))
    }

    /// The components behind memberships; none if no client has a callback for it.
    pub(super) fn interest_of(&self, members: Option<&Members>) -> Interest {
        match members {
            Some(members) if self.is_interest_heard() => self.components_behind(members),
            _ => Interest::Nobody,
        }
    }

    /// The components behind memberships.
    pub(super) fn components_behind(&self, members: &Members) -> Interest {
        let by_owner = members
            .side(Side::Owner)
            .iter()
            .filter_map(|id| self.interfaces.get(id)?.owner_component());
        let by_igmp = members.side(Side::Igmp).iter().filter_map(|id| self.interfaces.master(id));
        let mut only = None;
        for component in by_owner.chain(by_igmp) {
            match only {
                None => only = Some(component),
                Some(first) if first != component => return Interest::Many,
                Some(_) => {}
            }
        }
        only.map_or(Interest::Nobody, Interest::One)
    }

    /// Whether any client has an alert callback. If not, interest need not be computed.
    #[inline]
    pub(super) fn is_interest_heard(&self) -> bool {
        let alerts = [NoticeKind::Join, NoticeKind::Prune];
        self.config.debug || alerts.into_iter().any(|kind| self.clients.anybody_hears(kind))
    }

    /// Tells each client what the change of interest in `flow` means for it.
    pub(super) fn interest_changed(
        &self,
        flow: Flow,
        before: Interest,
        after: Interest,
        change: MembershipChange,
        fx: &mut Effects,
    ) {
        if before == after || flow.is_link_local() {
            return;
        }
        if flow.has_source() {
            if let Some(client) = self.towards(self.flows.source(flow)) {
                let callbacks = self.clients.callbacks(client);
                self.tell_if_changed((client, callbacks), flow, (before, after), change, fx);
            }
            return;
        }
        let wild = self.interest_of(self.flows.wildcard_members());
        let is_wild = flow == Flow::WILDCARD;
        let mut tell = |(client, callbacks)| {
            if !is_wild && wild.beside(client) {
                return; // the client already knows that everything is wanted (4.2, 4.5)
            }
            let ended =
                self.tell_if_changed((client, callbacks), flow, (before, after), change, fx);
            if is_wild && ended {
                self.repeat_groups(client, fx);
            }
        };
        // If there is interest before and after, only a component that is the only one before or
        // after can see a difference; otherwise every client can.
        match (before, after) {
            (Interest::One(a), Interest::One(b)) => {
                [a, b].map(|one| (one, self.clients.callbacks(one))).into_iter().for_each(tell);
            }
            (Interest::One(a), Interest::Many) | (Interest::Many, Interest::One(a)) => {
                tell((a, self.clients.callbacks(a)));
            }
            _ => self.clients.all_callbacks().for_each(tell),
        }
    }

    /// Tells one client if other clients now want the flow, or no longer want it; true if they
    /// no longer want it.
    fn tell_if_changed(
        &self,
        (client, callbacks): (ClientId, NoticeKinds),
        flow: Flow,
        (before, after): (Interest, Interest),
        change: MembershipChange,
        fx: &mut Effects,
    ) -> bool {
        let (was, is) = (before.beside(client), after.beside(client));
        if was == is || change.caller == Some(client) {
            return false;
        }
        // Built in place, because there may be thousands of clients to tell.
        match is {
            true if callbacks.has(NoticeKind::Join) => {
                fx.tell(client, Notice::Join { flow, member: true });
            }
            false if callbacks.has(NoticeKind::Prune) => {
                fx.tell(client, Notice::Prune { flow, interface: change.interface });
            }
            true => self.has_no_callback(client, &Notice::Join { flow, member: true }, fx),
            false => {
                let prune = Notice::Prune { flow, interface: change.interface };
                self.has_no_callback(client, &prune, fx);
            }
        }
        was
    }

    /// After a PRUNE (*,*), which ends all that a client was told: a JOIN for each group that
    /// other clients still want (spec 4.2). If there are many groups, the client is told later.
    fn repeat_groups(&self, client: ClientId, fx: &mut Effects) {
        for (number, flow) in self.flows.wanted_flows(Flow::WILDCARD).enumerate() {
            if number >= REPEATED_AT_ONCE {
                return fx.tell_all_later(client, AlertTopic::Groups);
            }
            let is_group = flow != Flow::WILDCARD && !flow.has_source() && !flow.is_link_local();
            if is_group && self.interest(flow).beside(client) {
                self.alert(client, Notice::Join { flow, member: true }, fx);
            }
        }
    }

    /// Tells a client, if it has the callback (spec 1.3).
    pub(super) fn alert(&self, to: ClientId, notice: Notice, fx: &mut Effects) {
        if self.clients.hears(to, notice.kind()) {
            fx.tell(to, notice);
        } else {
            self.has_no_callback(to, &notice, fx);
        }
    }

    fn has_no_callback(&self, client: ClientId, notice: &Notice, fx: &mut Effects) {
        self.debug(fx, || format!("{} has no callback for {notice}", self.who(client)));
    }

    /// The client that gets the alerts of `flow`, an (s,g), by its role for the source (spec 4.6).
    pub(super) fn told_of_source(&self, flow: Flow) -> Option<ClientId> {
        let client = self.towards(self.flows.source(flow))?;
        self.interest(flow).beside(client).then_some(client)
    }

    /// The role towards the source of `flow` may have moved away from `old`, which was told of
    /// the flow: sends PRUNE to the old client and JOIN to the new one (spec 4.6).
    pub(super) fn tell_role(&self, flow: Flow, old: Option<ClientId>, fx: &mut Effects) {
        let new = self.told_of_source(flow);
        if old == new {
            return;
        }
        if let Some(client) = old.filter(|&client| self.clients.get(client).is_some()) {
            self.alert(client, Notice::Prune { flow, interface: Interface::NONE }, fx);
        }
        if let Some(client) = new {
            self.alert(client, Notice::Join { flow, member: true }, fx);
        }
    }
}
