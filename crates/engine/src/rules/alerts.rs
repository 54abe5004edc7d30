//! Alerts: which clients are told of other clients' memberships (spec section 4).
//!
//! The engine does not store what a client was told, because it follows from the memberships.
//! Each change of a membership compares the interested components before and after it. A
//! client is told if the answer to "does any other client want this?" has changed for it.

use super::debug_log::{self, debug};
use super::rpf;
use crate::alert_topic::AlertTopic;
use crate::effects::Effects;
use crate::notice::{Notice, NoticeKind, NoticeKinds};
use crate::tables::{ClientId, Members, Side, Slot, Tables};
use mgm_types::{Flow, Interface};

/// The components that have a membership of one flow: none, one, or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    Nobody,
    One(ClientId),
    Many,
}

impl Interest {
    /// Adds the component of another interface, if it has one.
    #[inline]
    fn add(&mut self, component: Option<ClientId>) {
        *self = match (*self, component) {
            (all, None) => all,
            (Interest::Nobody, Some(first)) => Interest::One(first),
            (Interest::One(first), Some(other)) if first == other => return,
            _ => Interest::Many,
        }
    }

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
pub struct MembershipChange {
    /// The client that called; it is not told of its own act (spec 4.1).
    pub caller: Option<ClientId>,
    /// The interface that PRUNE_ALERT names (spec 4.7).
    pub interface: Interface,
}

/// A change of the components that have a membership of a flow.
pub struct InterestChange {
    pub flow: Flow,
    pub before: Interest,
    pub after: Interest,
    pub cause: MembershipChange,
}

/// The components that have a membership of exactly this flow.
pub fn interest(t: &Tables, flow: Flow) -> Interest {
    interest_of(t, t.flows.members(flow))
}

/// The components behind memberships; none if no client has a callback for it.
pub fn interest_of(t: &Tables, members: Option<&Members>) -> Interest {
    match members {
        Some(members) if has_alert_callbacks(t) => components_behind(t, members),
        _ => Interest::Nobody,
    }
}

/// The components behind memberships.
pub fn components_behind(t: &Tables, members: &Members) -> Interest {
    let mut all = Interest::Nobody;
    for id in members.side(Side::Owner).iter() {
        all.add(component(t, t.interfaces.get(id).and_then(Slot::owner_component)));
        if all == Interest::Many {
            return all;
        }
    }
    for id in members.side(Side::Igmp).iter() {
        all.add(component(t, t.interfaces.master(id)));
        if all == Interest::Many {
            return all;
        }
    }
    all
}

/// The component of an interface's owner: one that has ended and its successor are one (9.8).
#[inline]
fn component(t: &Tables, owner: Option<ClientId>) -> Option<ClientId> {
    match t.graces.is_empty() {
        true => owner,
        false => owner.map(|owner| t.graces.component(owner)),
    }
}

/// Whether any client has an alert callback. If not, interest need not be computed.
#[inline]
pub fn has_alert_callbacks(t: &Tables) -> bool {
    let alerts = [NoticeKind::Join, NoticeKind::Prune];
    t.config.debug || alerts.into_iter().any(|kind| t.clients.any_has_callback(kind))
}

/// Tells each client what the change means for it.
pub fn interest_changed(t: &Tables, change: &InterestChange, fx: &mut Effects) {
    let &InterestChange { flow, before, after, .. } = change;
    if before == after || flow.is_link_local() {
        return;
    }
    if flow.has_source() {
        if let Some(client) = rpf::towards(t, t.flows.source(flow)) {
            let callbacks = t.clients.callbacks(client);
            tell_if_changed(t, client, callbacks, change, fx);
        }
        return;
    }
    let wild = interest_of(t, t.flows.wildcard_members());
    let is_wild = flow == Flow::WILDCARD;
    let mut tell = |(client, callbacks)| {
        if !is_wild && wild.beside(client) {
            return; // the client already knows that everything is wanted (4.2, 4.5)
        }
        let ended = tell_if_changed(t, client, callbacks, change, fx);
        if is_wild && ended {
            repeat_groups(t, client, fx);
        }
    };
    // If there is interest before and after, only a component that is the only one before or
    // after can see a difference; otherwise every client can.
    match (before, after) {
        (Interest::One(a), Interest::One(b)) => {
            [a, b].map(|one| (one, t.clients.callbacks(one))).into_iter().for_each(tell);
        }
        (Interest::One(a), Interest::Many) | (Interest::Many, Interest::One(a)) => {
            tell((a, t.clients.callbacks(a)));
        }
        _ => t.clients.all_callbacks().for_each(tell),
    }
}

/// Tells one client if other clients now want the flow, or no longer want it; true if they
/// no longer want it.
fn tell_if_changed(
    t: &Tables,
    client: ClientId,
    callbacks: NoticeKinds,
    change: &InterestChange,
    fx: &mut Effects,
) -> bool {
    let &InterestChange { flow, before, after, cause } = change;
    let (was, is) = (before.beside(client), after.beside(client));
    if was == is || cause.caller == Some(client) {
        return false;
    }
    // Built in place, because there may be thousands of clients to tell.
    match is {
        true if callbacks.has(NoticeKind::Join) => {
            fx.tell(client, Notice::Join { flow, member: true });
        }
        false if callbacks.has(NoticeKind::Prune) => {
            fx.tell(client, Notice::Prune { flow, interface: cause.interface });
        }
        true => has_no_callback(t, client, &Notice::Join { flow, member: true }, fx),
        false => {
            let prune = Notice::Prune { flow, interface: cause.interface };
            has_no_callback(t, client, &prune, fx);
        }
    }
    was
}

/// After a PRUNE (*,*), which ends all that a client was told: a JOIN for each group that
/// other clients still want (spec 4.2). If there are many groups, the client is told later.
fn repeat_groups(t: &Tables, client: ClientId, fx: &mut Effects) {
    for (number, flow) in t.flows.wanted_flows(Flow::WILDCARD).enumerate() {
        if number >= REPEATED_AT_ONCE {
            return fx.tell_all_later(client, AlertTopic::Groups);
        }
        let is_group = flow != Flow::WILDCARD && !flow.has_source() && !flow.is_link_local();
        if is_group && interest(t, flow).beside(client) {
            send(t, client, Notice::Join { flow, member: true }, fx);
        }
    }
}

/// Tells a client, if it has the callback (spec 1.3).
pub fn send(t: &Tables, to: ClientId, notice: Notice, fx: &mut Effects) {
    if t.clients.has_callback(to, notice.kind()) {
        fx.tell(to, notice);
    } else {
        has_no_callback(t, to, &notice, fx);
    }
}

fn has_no_callback(t: &Tables, client: ClientId, notice: &Notice, fx: &mut Effects) {
    debug(t, fx, || format!("{} has no callback for {notice}", debug_log::who(t, client)));
}
