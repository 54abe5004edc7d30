//! The subjects of alerts, for clients that are told the current state (spec 8.9).

use crate::notice::Notice;
use mgm_types::{Flow, Interface};

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
    pub fn new(topic: AlertTopic, flow: Flow) -> Thing {
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
