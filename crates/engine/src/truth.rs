//! The current state for one client, which it is told after it has missed alerts (spec 8.9).

use super::flows::Side;
use super::{ClientId, Effects, Engine, Notice, QuestionId};
use crate::types::{Flow, IfId, Interface};

/// The topics of alerts, in the order in which a client is told their state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertTopic {
    /// `(*,*)`, and with it every `(*,g)`.
    Groups,
    /// Each `(s,g)` that the client must request upstream.
    Sources,
    /// IGMP's memberships on the client's interfaces.
    Locals,
    /// The MFEs whose iif the client owns.
    Mfes,
}

impl AlertTopic {
    /// All topics.
    pub const ALL: [AlertTopic; 4] =
        [AlertTopic::Groups, AlertTopic::Sources, AlertTopic::Locals, AlertTopic::Mfes];
}

/// The subject of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thing {
    pub topic: AlertTopic,
    pub flow: Flow,
    /// For [`AlertTopic::Locals`]; else none.
    pub interface: Interface,
}

impl Thing {
    fn new(topic: AlertTopic, flow: Flow) -> Thing {
        Thing { topic, flow, interface: Interface::NONE }
    }
}

impl Notice {
    /// The subject of an alert, and whether it reports yes or no. All other groups depend on
    /// `(*,*)`.
    #[must_use]
    pub fn thing(&self) -> Option<(Thing, bool)> {
        let of_flow = |flow: Flow| {
            Thing::new(
                if flow.has_source() { AlertTopic::Sources } else { AlertTopic::Groups },
                flow,
            )
        };
        Some(match *self {
            Notice::Join { flow, member: true } => (of_flow(flow), true),
            Notice::Prune { flow, .. } => (of_flow(flow), false),
            Notice::Join { flow, member: false } => (Thing::new(AlertTopic::Mfes, flow), true),
            Notice::PruneMfe { flow, .. } => (Thing::new(AlertTopic::Mfes, flow), false),
            Notice::LocalJoin { flow, interface } => {
                (Thing { topic: AlertTopic::Locals, flow, interface }, true)
            }
            Notice::LocalLeave { flow, interface } => {
                (Thing { topic: AlertTopic::Locals, flow, interface }, false)
            }
            _ => return None,
        })
    }

    /// Whether it concerns an interface that its client has released or lost.
    #[must_use]
    pub fn is_over_with(&self, gone: Interface) -> bool {
        match self {
            Notice::LocalJoin { interface, .. } | Notice::LocalLeave { interface, .. } => {
                *interface == gone
            }
            Notice::DisableIgmp { interface, .. } | Notice::EnableIgmp { interface, .. } => {
                *interface == gone
            }
            _ => false,
        }
    }
}

impl Engine {
    /// Tells a client the state of one subject. Does nothing if no alert would report it: a group
    /// while everything is wanted, an MFE that is gone or has another owner.
    pub fn tell_truth(&self, client: ClientId, thing: Thing, fx: &mut Effects) {
        let Thing { topic, flow, interface } = thing;
        let notice = match topic {
            AlertTopic::Groups if flow == Flow::WILDCARD => alert(flow, self.is_all_wanted(client)),
            AlertTopic::Groups if self.is_all_wanted(client) => return,
            AlertTopic::Groups => alert(flow, self.interest(flow).beside(client)),
            AlertTopic::Sources => alert(flow, self.is_pulled_by(client, flow)),
            AlertTopic::Locals => match self.interfaces.find(interface) {
                Some(id) if self.hears_igmp_on(client, id) => {
                    let members = self.flows.members(flow);
                    match members.is_some_and(|all| all.side(Side::Igmp).contains(id)) {
                        true => Notice::LocalJoin { flow, interface },
                        false => Notice::LocalLeave { flow, interface },
                    }
                }
                _ => return,
            },
            AlertTopic::Mfes => match self.truth_of_mfe(client, flow) {
                Some(notice) => notice,
                None => return,
            },
        };
        self.alert(client, notice, fx);
    }

    /// Begins to tell a client the state of a topic: first that of `(*,*)`. True if
    /// [`Engine::tell_after`] must continue with the single subjects.
    pub fn tell_all(&self, client: ClientId, topic: AlertTopic, fx: &mut Effects) -> bool {
        if topic != AlertTopic::Groups {
            return true;
        }
        self.tell_truth(client, Thing::new(topic, Flow::WILDCARD), fx);
        !self.is_all_wanted(client)
    }

    /// Tells a client which subjects of a topic hold, after the last one that was examined;
    /// examines only some. Returns the last one now, or `None` if there are no more.
    pub fn tell_after(
        &self,
        client: ClientId,
        topic: AlertTopic,
        after: Option<Thing>,
        most: usize,
        fx: &mut Effects,
    ) -> Option<Thing> {
        let mut last = after.map_or(Flow::WILDCARD, |thing| thing.flow);
        for _ in 0..most {
            last = self.next_of(topic, last)?;
            let is_link_local = last.is_link_local();
            match topic {
                AlertTopic::Groups if last.has_source() => last = last.last_of_group(),
                AlertTopic::Groups | AlertTopic::Sources if is_link_local => {}
                AlertTopic::Groups if self.interest(last).beside(client) => {
                    self.alert(client, alert(last, true), fx);
                }
                AlertTopic::Sources if !last.has_source() => {}
                AlertTopic::Sources if self.is_pulled_by(client, last) => {
                    self.alert(client, alert(last, true), fx);
                }
                AlertTopic::Groups | AlertTopic::Sources => {}
                AlertTopic::Locals => self.tell_locals(client, last, fx),
                AlertTopic::Mfes => {
                    if let Some(notice) = self.truth_of_mfe(client, last) {
                        self.alert(client, notice, fx);
                    }
                }
            }
        }
        // After all interfaces of this flow.
        let interface = Interface { index: u32::MAX, next_hop: [u8::MAX; 4].into() };
        Some(Thing { topic, flow: last, interface })
    }

    /// The next flow after this one that can be a subject of the topic.
    fn next_of(&self, topic: AlertTopic, last: Flow) -> Option<Flow> {
        match topic {
            AlertTopic::Mfes => self.flows.mfes(last.successor()).next().map(|(flow, _)| flow),
            _ => self.flows.wanted_flows(last.successor()).next(),
        }
    }

    /// W of spec 4.2.
    fn is_all_wanted(&self, client: ClientId) -> bool {
        self.interest(Flow::WILDCARD).beside(client)
    }

    /// Whether a client has the role of spec 4.6 for an `(s,g)`, and others want that.
    fn is_pulled_by(&self, client: ClientId, flow: Flow) -> bool {
        self.flows.members(flow).is_some() && self.told_of_source(flow) == Some(client)
    }

    /// Whether a client gets the LOCAL_* callbacks of IGMP on an interface.
    fn hears_igmp_on(&self, client: ClientId, id: IfId) -> bool {
        let slot = self.interfaces.get(id).filter(|slot| !slot.absent);
        slot.and_then(|slot| slot.staying_owner()) == Some(client)
    }

    fn tell_locals(&self, client: ClientId, flow: Flow, fx: &mut Effects) {
        let Some(members) = self.flows.members(flow) else { return };
        for id in members.side(Side::Igmp).iter().filter(|&id| self.hears_igmp_on(client, id)) {
            let interface = self.interfaces.name(id);
            self.alert(client, Notice::LocalJoin { flow, interface }, fx);
        }
    }

    /// Whether an MFE has oifs, for the owner of its iif (spec 5.5, 5.8).
    fn truth_of_mfe(&self, client: ClientId, flow: Flow) -> Option<Notice> {
        let mfe = self.flows.mfe(flow)?;
        if self.interfaces.master(mfe.iif) != Some(client) {
            return None;
        }
        Some(if mfe.oifs.is_empty() {
            Notice::PruneMfe {
                question: QuestionId(u64::from(mfe.serial)),
                flow,
                iif: self.interfaces.name(mfe.iif),
                timeout: self.config.mfe_timeout,
            }
        } else {
            Notice::Join { flow, member: false }
        })
    }
}

/// JOIN or PRUNE with TRUE; no single delete caused it (spec 4.7).
fn alert(flow: Flow, is_wanted: bool) -> Notice {
    if is_wanted {
        Notice::Join { flow, member: true }
    } else {
        Notice::Prune { flow, interface: Interface::NONE }
    }
}
