//! Registered clients (spec section 1).

use crate::notice::{NoticeKind, NoticeKinds};
use mgm_types::{Refusal, Result};
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
pub struct Client {
    pub protocol: u32,
    pub component: u32,
    pub is_igmp: bool,
    /// How many interfaces it has taken.
    pub interfaces: usize,
    callbacks: NoticeKinds,
}

/// All registered clients.
#[derive(Debug, Default)]
pub struct Clients {
    /// In order of registration.
    list: Vec<(ClientId, Client)>,
    by_key: HashMap<(u32, u32), ClientId>,
    /// How many clients have each of the callbacks.
    with_callback: [usize; NoticeKind::ALL.len()],
    last: u64,
}

impl Clients {
    /// An empty table; the first client gets the number after `last`.
    pub fn after(last: u64) -> Clients {
        Clients { last, ..Clients::default() }
    }

    #[inline]
    pub fn get(&self, id: ClientId) -> Option<&Client> {
        match self.list.get(Clients::usual_place(id)) {
            Some((found, client)) if *found == id => Some(client),
            _ => self.get_elsewhere(id),
        }
    }

    /// The same if clients have been removed.
    #[cold]
    fn get_elsewhere(&self, id: ClientId) -> Option<&Client> {
        self.list.get(self.place(id)).filter(|(found, _)| *found == id).map(|(_, client)| client)
    }

    pub fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        let place = self.place(id);
        let found = self.list.get_mut(place).filter(|(other, _)| *other == id);
        found.map(|(_, client)| client)
    }

    /// The position of a client if no client was removed: the numbers begin with 1.
    #[inline]
    fn usual_place(id: ClientId) -> usize {
        id.0.wrapping_sub(1) as usize
    }

    /// The position of a client, or where it would be inserted.
    fn place(&self, id: ClientId) -> usize {
        self.list.partition_point(|(other, _)| *other < id)
    }

    /// Whether a client has a callback of this kind.
    pub fn has_callback(&self, id: ClientId, kind: NoticeKind) -> bool {
        self.callbacks(id).has(kind)
    }

    /// The callbacks of a client.
    pub fn callbacks(&self, id: ClientId) -> NoticeKinds {
        self.get(id).map_or(NoticeKinds::default(), |client| client.callbacks)
    }

    /// Whether any client has a callback of this kind.
    pub fn any_has_callback(&self, kind: NoticeKind) -> bool {
        self.with_callback[kind as usize] > 0
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

    /// Adds a client.
    ///
    /// # Errors
    /// `AlreadyRegistered`, `NoMemory`.
    pub fn insert(
        &mut self,
        protocol: u32,
        component: u32,
        callbacks: NoticeKinds,
    ) -> Result<ClientId> {
        if self.by_key.contains_key(&(protocol, component)) {
            return Err(Refusal::AlreadyRegistered(protocol, component));
        }
        self.list.try_reserve(1)?;
        self.by_key.try_reserve(1)?;
        self.last += 1;
        let id = ClientId(self.last);
        self.by_key.insert((protocol, component), id);
        let is_igmp = is_igmp(protocol);
        self.list.push((id, Client { protocol, component, is_igmp, interfaces: 0, callbacks }));
        self.count_callbacks(callbacks, usize::wrapping_add);
        Ok(id)
    }

    /// Adds a client with the ids of another one, which keeps its own number.
    ///
    /// # Errors
    /// `BadHandle`, `NoMemory`.
    pub fn insert_successor(&mut self, of: ClientId, callbacks: NoticeKinds) -> Result<ClientId> {
        let &Client { protocol, component, .. } = self.record(of)?;
        let key = (protocol, component);
        self.by_key.remove(&key);
        let added = self.insert(protocol, component, callbacks);
        if added.is_err() {
            self.by_key.insert(key, of); // into the room of the entry that was removed
        }
        added
    }

    /// The ids of a client that has had a successor are its own again.
    pub fn regain_ids(&mut self, id: ClientId) {
        if let Some(key) = self.key(id) {
            self.by_key.entry(key).or_insert(id);
        }
    }

    /// The client that has registered last with these ids.
    pub fn with_ids(&self, ids: (u32, u32)) -> Option<ClientId> {
        self.by_key.get(&ids).copied()
    }

    /// From now on a client has no callbacks.
    pub fn silence(&mut self, id: ClientId) {
        if let Some(client) = self.get_mut(id) {
            let former = std::mem::take(&mut client.callbacks);
            self.count_callbacks(former, usize::wrapping_sub);
        }
    }

    fn count_callbacks(&mut self, kinds: NoticeKinds, count: impl Fn(usize, usize) -> usize) {
        for kind in NoticeKind::ALL {
            let number = &mut self.with_callback[kind as usize];
            *number = count(*number, kinds.has(kind).into());
        }
    }

    /// Removes a client.
    pub fn remove(&mut self, id: ClientId) {
        let (_, client) = self.list.remove(self.place(id));
        let key = (client.protocol, client.component);
        if self.by_key.get(&key) == Some(&id) {
            self.by_key.remove(&key);
        }
        self.count_callbacks(client.callbacks, usize::wrapping_sub);
    }

    /// The number of the client that registered last.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The record of a client.
    ///
    /// # Errors
    /// `BadHandle`.
    #[inline]
    pub fn record(&self, id: ClientId) -> Result<&Client> {
        self.get(id).ok_or(Refusal::BadHandle(id.0))
    }

    /// The protocol and component ids of a client.
    pub fn key(&self, id: ClientId) -> Option<(u32, u32)> {
        self.get(id).map(|client| (client.protocol, client.component))
    }
}
