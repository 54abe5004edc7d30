//! Registration (spec section 1).

use super::{Effects, Engine, NoticeKind, NoticeKinds};
use crate::types::{Refusal, Result};
use std::collections::HashMap;

/// PROTO_IP_IGMP, and MS_IP_IGMP: both are IGMP (spec 0.6).
const IGMP_IDS: [u32; 2] = [10, 0x4137_000A];

/// A registered client. Numbers grow with each registration and never repeat,
/// so their order is the order of registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// Whether a protocol id is IGMP's.
#[must_use]
pub fn is_igmp(protocol: u32) -> bool {
    IGMP_IDS.contains(&protocol)
}

/// One registration.
#[derive(Debug)]
pub(super) struct Client {
    pub protocol: u32,
    pub component: u32,
    pub is_igmp: bool,
    /// How many interfaces it has taken.
    pub interfaces: usize,
    callbacks: NoticeKinds,
}

/// All registered clients.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// In order of registration.
    list: Vec<(ClientId, Client)>,
    by_key: HashMap<(u32, u32), ClientId>,
    /// How many clients have each of the callbacks.
    hearers: [usize; NoticeKind::ALL.len()],
    last: u64,
}

impl Clients {
    /// An empty table; the first client gets the number after `last`.
    pub fn after(last: u64) -> Clients {
        Clients { last, ..Clients::default() }
    }

    #[inline]
    pub fn get(&self, id: ClientId) -> Option<&Client> {
        self.list.get(self.place(id)).filter(|(other, _)| *other == id).map(|(_, client)| client)
    }

    pub fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        let place = self.place(id);
        let found = self.list.get_mut(place).filter(|(other, _)| *other == id);
        found.map(|(_, client)| client)
    }

    /// The position of a client, or where it would be inserted.
    #[inline]
    fn place(&self, id: ClientId) -> usize {
        self.list.partition_point(|(other, _)| *other < id)
    }

    /// Whether a client has a callback of this kind.
    pub fn hears(&self, id: ClientId, kind: NoticeKind) -> bool {
        self.callbacks(id).has(kind)
    }

    /// The callbacks of a client.
    pub fn callbacks(&self, id: ClientId) -> NoticeKinds {
        self.get(id).map_or(NoticeKinds::default(), |client| client.callbacks)
    }

    /// Whether any client has a callback of this kind.
    pub fn anybody_hears(&self, kind: NoticeKind) -> bool {
        self.hearers[kind as usize] > 0
    }

    /// The callbacks of all clients, in order of registration.
    pub fn all_callbacks(&self) -> impl Iterator<Item = (ClientId, NoticeKinds)> + '_ {
        self.list.iter().map(|(id, client)| (*id, client.callbacks))
    }

    /// The number of clients.
    #[inline]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// All clients, in order of registration.
    pub fn ids(&self) -> impl Iterator<Item = ClientId> + '_ {
        self.list.iter().map(|(id, _)| *id)
    }
}

impl Engine {
    /// Registers a client (spec 1.1, 1.2). It is not asked questions for which it has no
    /// callback (1.3).
    ///
    /// # Errors
    /// `AlreadyRegistered`, `NoMemory`.
    pub fn register(
        &mut self,
        protocol: u32,
        component: u32,
        callbacks: NoticeKinds,
    ) -> Result<ClientId> {
        let clients = &mut self.clients;
        if clients.by_key.contains_key(&(protocol, component)) {
            return Err(Refusal::AlreadyRegistered(protocol, component));
        }
        clients.list.try_reserve(1)?;
        clients.by_key.try_reserve(1)?;
        clients.last += 1;
        let id = ClientId(clients.last);
        clients.by_key.insert((protocol, component), id);
        let is_igmp = is_igmp(protocol);
        clients.list.push((id, Client { protocol, component, is_igmp, interfaces: 0, callbacks }));
        for kind in NoticeKind::ALL {
            clients.hearers[kind as usize] += usize::from(callbacks.has(kind));
        }
        Ok(id)
    }

    /// Whether [`Engine::deregister`] would succeed.
    ///
    /// # Errors
    /// `BadHandle`, `StillOwns`.
    pub fn check_deregister(&self, id: ClientId) -> Result<()> {
        match self.client(id)?.interfaces {
            0 => Ok(()),
            n => Err(Refusal::StillOwns(n)),
        }
    }

    /// Deregisters a client that owns no interface (spec 1.5). No resolution waits for such a
    /// client, because each change of owner has restarted the resolutions that did.
    ///
    /// # Errors
    /// As [`Engine::check_deregister`].
    pub fn deregister(&mut self, id: ClientId, fx: &mut Effects) -> Result<()> {
        self.check_deregister(id)?;
        self.finish_releases_of(id, fx);
        let clients = &mut self.clients;
        let (_, client) = clients.list.remove(clients.place(id));
        clients.by_key.remove(&(client.protocol, client.component));
        for kind in NoticeKind::ALL {
            clients.hearers[kind as usize] -= usize::from(client.callbacks.has(kind));
        }
        Ok(())
    }

    /// The number of the client that registered last.
    #[must_use]
    pub fn last_client(&self) -> u64 {
        self.clients.last
    }

    /// The record of a client.
    pub(super) fn client(&self, id: ClientId) -> Result<&Client> {
        self.clients.get(id).ok_or(Refusal::BadHandle(id.0))
    }

    /// The protocol and component ids of a client.
    #[must_use]
    pub fn client_key(&self, id: ClientId) -> Option<(u32, u32)> {
        self.clients.get(id).map(|client| (client.protocol, client.component))
    }
}
