//! The rows of a status snapshot besides the MFEs: clients, interfaces, memberships.

use crate::tables::{ClientId, Side, Tables};
use mgm_types::{Flow, IfView, Interface};

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
    /// How many interfaces it has taken.
    pub interfaces: usize,
}

/// A taken interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceRow {
    /// Index and next hop.
    pub interface: Interface,
    /// The protocol that owns it.
    pub owner: Option<ClientId>,
    /// The IGMP client that is enabled there.
    pub igmp: Option<ClientId>,
    /// Its owner is about to change: DISABLE_IGMP has not been answered yet.
    pub is_changing: bool,
    /// It no longer exists in the system.
    pub is_absent: bool,
}

/// The memberships in a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipRow {
    /// `(s,g)`, `(*,g)` or `(*,*)`.
    pub flow: Flow,
    /// The interfaces on which the owner added the membership.
    pub owner: Vec<Interface>,
    /// The interfaces on which IGMP added the membership.
    pub igmp: Vec<Interface>,
}

/// Totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Registered clients.
    pub clients: usize,
    /// Taken interfaces.
    pub interfaces: usize,
    /// Flows with memberships.
    pub memberships: usize,
    /// MFEs.
    pub mfes: usize,
    /// Flows whose clients are being asked.
    pub resolving: usize,
    /// Flows that were refused lately.
    pub refused_flows: usize,
}

/// All clients, in order of registration.
pub fn clients(t: &Tables) -> impl Iterator<Item = ClientRow> + '_ {
    t.clients.ids().filter_map(|id| {
        let client = t.clients.get(id)?;
        Some(ClientRow {
            id,
            protocol: client.protocol,
            component: client.component,
            is_igmp: client.is_igmp,
            interfaces: client.interfaces,
        })
    })
}

/// All taken interfaces, by index and next hop.
pub fn interfaces(t: &Tables) -> impl Iterator<Item = InterfaceRow> + '_ {
    t.interfaces.iter().map(|(_, slot)| InterfaceRow {
        interface: slot.interface,
        owner: slot.claim,
        igmp: slot.igmp,
        is_changing: slot.owner != slot.claim,
        is_absent: slot.absent,
    })
}

/// The memberships from `first` on, by group, then source.
pub fn memberships(t: &Tables, first: Flow) -> impl Iterator<Item = MembershipRow> + '_ {
    let names = |set: IfView| set.iter().map(|id| t.interfaces.name(id)).collect();
    t.flows.wanted(first).map(move |(flow, members)| MembershipRow {
        flow,
        owner: names(members.side(Side::Owner)),
        igmp: names(members.side(Side::Igmp)),
    })
}

/// Totals.
pub fn sizes(t: &Tables) -> Sizes {
    Sizes {
        clients: t.clients.len(),
        interfaces: t.interfaces.iter().count(),
        memberships: t.flows.wanted_len(),
        mfes: t.flows.mfe_len(),
        resolving: t.resolutions.len(),
        refused_flows: t.refusals.len(),
    }
}
