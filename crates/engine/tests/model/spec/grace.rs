//! What a client leaves when its process ends, and its successor (spec 9.8).

use super::{Client, MembershipCall, Model};
use mgm_engine::{ClientId, Notice};
use mgm_types::{Flow, Interface};

/// A client whose process has ended. It stays registered.
#[derive(Clone, Debug)]
pub struct Left {
    pub client: ClientId,
    pub successor: Option<ClientId>,
    /// What the successor has taken again, and the memberships that it has added there.
    taken: Vec<(Interface, Vec<Flow>)>,
}

impl Model {
    pub fn is_left(&self, client: Option<ClientId>) -> bool {
        self.left.iter().any(|left| Some(left.client) == client)
    }

    pub fn is_left_to(&self, holder: Option<ClientId>, client: ClientId) -> bool {
        let mut left = self.left.iter();
        left.any(|left| Some(left.client) == holder && left.successor == Some(client))
    }

    /// A client that has ended is one component with its successor.
    pub fn with_successor(&self, client: ClientId) -> ClientId {
        let left = self.left.iter().find(|left| left.client == client);
        left.and_then(|left| left.successor).unwrap_or(client)
    }

    /// The process of a client ends.
    pub fn die(&mut self, client: ClientId) {
        self.mute.push(client);
        self.finish_releases_of(client);
        for name in self.names_of(client) {
            let Some(place) = self.place_mut(name).filter(|place| place.igmp == Some(client))
            else {
                continue;
            };
            place.barred = false;
            if place.disabling.take().is_some() {
                self.make_claimant_owner(name);
            }
        }
        let Some(left) = self.left.iter_mut().find(|left| left.successor == Some(client)) else {
            let (successor, taken) = (None, Vec::new());
            return self.left.push(Left { client, successor, taken });
        };
        left.successor = None;
        left.taken.clear();
        let first = left.client;
        self.rename(client, first, None);
        self.clients.retain(|other| other.id != client);
    }

    /// A client with the same ids registers.
    pub fn succeed(&mut self, client: ClientId) -> ClientId {
        self.last_client += 1;
        let id = ClientId(self.last_client);
        let of = self.client(client).expect("it is there");
        self.clients.push(Client { id, ..of });
        for left in self.left.iter_mut().filter(|left| left.client == client) {
            left.successor = Some(id);
        }
        id
    }

    /// The successor takes an interface that is left to it.
    pub fn take_over(&mut self, client: ClientId, name: Interface) {
        let Some(left) = self.left.iter_mut().find(|left| left.successor == Some(client)) else {
            return;
        };
        left.taken.push((name, Vec::new()));
        let former = left.client;
        let since = self.number().0;
        self.moving_roles(|model| model.rename(former, client, Some(name)));
        if self.client(client).is_some_and(|client| client.is_igmp()) {
            if let Some(place) = self.place_mut(name) {
                place.igmp_since = since;
            }
            return;
        }
        let mut flows: Vec<Flow> = self
            .members
            .iter()
            .filter(|member| member.igmp && member.place == name)
            .map(|member| member.flow)
            .collect();
        flows.sort_unstable();
        for flow in flows {
            self.tell(client, Notice::LocalJoin { flow, interface: name });
        }
    }

    /// A client adds a membership.
    pub fn added(&mut self, client: ClientId, name: Interface, flow: Flow) {
        let left = self.left.iter_mut().filter(|left| left.successor == Some(client));
        for (_, added) in left.flat_map(|left| &mut left.taken).filter(|(it, _)| *it == name) {
            added.push(flow);
        }
    }

    /// A client releases an interface.
    pub fn released(&mut self, client: ClientId, name: Interface) {
        for left in self.left.iter_mut().filter(|left| left.successor == Some(client)) {
            left.taken.retain(|(taken, _)| *taken != name);
        }
    }

    /// A successor has deregistered.
    pub fn loses_successor(&mut self, client: ClientId) {
        for left in self.left.iter_mut().filter(|left| left.successor == Some(client)) {
            left.successor = None;
            left.taken.clear();
        }
    }

    /// A successor calls MgmHostGraceDone: the rest ends.
    pub fn grace_done(&mut self, client: ClientId) {
        let Some(left) = self.left.iter().find(|left| left.successor == Some(client)).cloned()
        else {
            return;
        };
        let igmp = self.client(client).is_some_and(|client| client.is_igmp());
        for (name, added) in left.taken.iter().rev() {
            let place = self.place(*name).cloned();
            let owner = place.filter(|place| igmp && place.owner == place.claim);
            let owner = owner.and_then(|place| place.owner);
            let ends =
                |member: &super::Member| member.igmp == igmp && !added.contains(&member.flow);
            self.end_members(*name, ends, owner, None);
            self.settle(None);
        }
        for name in self.names_of(left.client) {
            let mut flows = self.wanted_flows();
            flows.retain(|flow| *flow != Flow::WILDCARD);
            for flow in flows {
                let is_there = self.members.iter().any(|member| {
                    member.flow == flow && member.place == name && member.igmp == igmp
                });
                let (client, interface) = (left.client, name);
                let call = MembershipCall { add: false, forward: false, client, flow, interface };
                if is_there && self.membership(call).is_err() {
                    break;
                }
            }
            self.end_mfes_from(left.client, name);
            self.release(left.client, name, false).expect("it has it");
        }
        self.finish_releases_of(left.client);
        self.clients.retain(|other| other.id != left.client);
        self.left.retain(|other| other.client != left.client);
    }

    /// The MFEs of an interface end before its release, which may wait for DISABLE_IGMP (D115).
    fn end_mfes_from(&mut self, client: ClientId, name: Interface) {
        if self.master(name) != Some(client) {
            return;
        }
        let from_there = self.mfes.iter().filter(|mfe| mfe.iif == name);
        let flows: Vec<Flow> = from_there.map(|mfe| mfe.flow).collect();
        flows.into_iter().for_each(|flow| self.delete_mfe(flow));
    }

    /// The interfaces that a client has taken, in order.
    fn names_of(&self, client: ClientId) -> Vec<Interface> {
        let own = self
            .places
            .iter()
            .filter(|place| place.claim == Some(client) || place.igmp == Some(client));
        let mut names: Vec<_> = own.map(|place| place.name).collect();
        names.sort_unstable();
        names
    }

    /// Passes one interface, or all interfaces, of a client to another one.
    fn rename(&mut self, from: ClientId, to: ClientId, only: Option<Interface>) {
        let places = self.places.iter_mut();
        for place in places.filter(|place| only.is_none_or(|only| only == place.name)) {
            for holder in [&mut place.claim, &mut place.owner, &mut place.igmp] {
                if *holder == Some(from) {
                    *holder = Some(to);
                }
            }
        }
    }
}
