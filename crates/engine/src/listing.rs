//! What a status snapshot sees beside the MFEs: clients, interfaces, memberships.

use super::flows::Side;
use super::{ClientId, Engine};
use crate::types::{Flow, IfView, Interface};

/// A registered client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientRow {
    /// Its number.
    pub id: ClientId,
    /// The ids that it registered with.
    pub protocol: u32,
    /// The second of them.
    pub component: u32,
    /// Whether it is IGMP.
    pub is_igmp: bool,
    /// How many interfaces it has: taken, or enabled on.
    pub interfaces: usize,
}

/// An interface that somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceRow {
    /// Index and next hop.
    pub interface: Interface,
    /// The protocol that took it.
    pub owner: Option<ClientId>,
    /// The IGMP client that is enabled there.
    pub igmp: Option<ClientId>,
    /// It is about to change hands: DISABLE_IGMP has not been answered yet.
    pub is_changing: bool,
    /// The system has lost it.
    pub is_absent: bool,
}

/// Who wants a flow, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipRow {
    /// `(s,g)`, `(*,g)` or `(*,*)`.
    pub flow: Flow,
    /// Where the interface's owner does.
    pub owner: Vec<Interface>,
    /// Where IGMP does.
    pub igmp: Vec<Interface>,
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Registered clients.
    pub clients: usize,
    /// Interfaces that somebody has.
    pub interfaces: usize,
    /// Flows that somebody wants.
    pub memberships: usize,
    /// MFEs.
    pub mfes: usize,
    /// Flows whose clients are being asked.
    pub resolving: usize,
    /// Flows that were refused lately.
    pub refused_flows: usize,
}

impl Engine {
    /// All clients, in order of registration.
    pub fn clients(&self) -> impl Iterator<Item = ClientRow> + '_ {
        self.clients.ids().filter_map(|id| {
            let client = self.clients.get(id)?;
            Some(ClientRow {
                id,
                protocol: client.protocol,
                component: client.component,
                is_igmp: client.is_igmp,
                interfaces: client.interfaces,
            })
        })
    }

    /// All interfaces that somebody has, by index and next hop.
    pub fn interfaces(&self) -> impl Iterator<Item = InterfaceRow> + '_ {
        self.interfaces.iter().map(|(_, slot)| InterfaceRow {
            interface: slot.interface,
            owner: slot.claim,
            igmp: slot.igmp,
            is_changing: slot.owner != slot.claim,
            is_absent: slot.absent,
        })
    }

    /// The memberships from `first` on, by group, then source.
    pub fn memberships(&self, first: Flow) -> impl Iterator<Item = MembershipRow> + '_ {
        let names = |set: IfView| set.iter().map(|id| self.interfaces.name(id)).collect();
        self.flows.wanted(first).map(move |(flow, members)| MembershipRow {
            flow,
            owner: names(members.side(Side::Owner)),
            igmp: names(members.side(Side::Igmp)),
        })
    }

    /// How much there is of everything.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        Sizes {
            clients: self.clients.len(),
            interfaces: self.interfaces.iter().count(),
            memberships: self.flows.wanted_len(),
            mfes: self.flows.mfe_len(),
            resolving: self.resolutions.len(),
            refused_flows: self.refusals.len(),
        }
    }
}
