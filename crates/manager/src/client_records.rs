//! The clients' callbacks and callback queues.

use super::counters::Deliveries;
use super::dispatch::{About, Backlog, Item, Key, Question, Queue};
use super::posted_client::PostedClient;
use super::Callbacks;
use crate::engine::{AlertTopic, ClientId, Notice, NoticeBox, NoticeKinds, Thing};
use crate::types::{grow_numbered, Flow, Result};
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};
use std::ops::{Deref, DerefMut};

/// A client's callbacks and its callback queue.
pub(super) struct ClientRecord {
    /// `None` while a thread runs the client: that thread holds them. Also `None` for a client in
    /// another process.
    pub callbacks: Option<Box<dyn Callbacks>>,
    /// Which of the nine callbacks the client has.
    pub kinds: NoticeKinds,
    pub queue: Queue<Queued>,
    pub backlog: Backlog<Queued>,
    pub delivered: Deliveries,
    /// WRONG_IF_CALLBACKs that were not made, because the client was behind.
    pub dropped: u64,
    /// Where the callbacks go, if the client is in another process.
    pub posted: Option<Box<PostedClient>>,
    /// The questions of an absent client that have not got the default answer yet.
    pub undecided: Undecided,
    /// The client was deregistered while a callback was running: the record is removed when the
    /// callback ends.
    pub gone: bool,
}

impl ClientRecord {
    /// The record of a client that was never called yet.
    pub fn new(callbacks: Option<Box<dyn Callbacks>>, kinds: NoticeKinds) -> ClientRecord {
        ClientRecord {
            callbacks,
            kinds,
            queue: Queue::default(),
            backlog: Backlog::default(),
            delivered: Deliveries::default(),
            dropped: 0,
            posted: None,
            undecided: Undecided::default(),
            gone: false,
        }
    }
}

/// Questions that get the default answer, a portion at a time: there may be as many as the kernel
/// has reported flows.
#[derive(Default)]
pub(super) struct Undecided {
    /// Those that were sent, or were in the queue.
    pub first: VecDeque<Queued>,
    /// Those that were held back, each time the client became absent.
    pub held_back: Vec<Backlog<Queued>>,
}

impl Undecided {
    /// Takes out the next one.
    pub fn next(&mut self) -> Option<Queued> {
        if let Some(first) = self.first.pop_front() {
            return Some(first);
        }
        loop {
            if let Some(next) = self.held_back.last_mut()?.take_next() {
                return Some(next);
            }
            self.held_back.pop();
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.held_back.iter().all(Backlog::is_empty)
    }
}

/// A notice in the callback queue of its client. The dispatcher and the engine do not depend on
/// each other, so this type makes a notice of the engine into an item of the dispatcher.
pub(super) struct Queued(pub NoticeBox);

impl Deref for Queued {
    type Target = Notice;

    #[inline]
    fn deref(&self) -> &Notice {
        &self.0
    }
}

impl DerefMut for Queued {
    #[inline]
    fn deref_mut(&mut self) -> &mut Notice {
        &mut self.0
    }
}

impl Item for Queued {
    type Key = Noted;

    fn about(&self) -> About<Noted> {
        match (self.thing(), &**self) {
            (Some((thing, _)), _)
                if thing.flow == Flow::WILDCARD && thing.topic == AlertTopic::Groups =>
            {
                About::All(thing.topic as usize)
            }
            (Some((thing, word)), _) => About::One(Noted(thing), word),
            (None, Notice::WrongIf { .. }) => About::Nothing,
            (None, _) => About::Itself,
        }
    }
}

/// The questions that may be held back: those about flows. The kernel may be waiting for the
/// entries that follow from their answers.
impl Question for Queued {
    type Subject = Flow;

    #[inline]
    fn subject(&self) -> Option<Flow> {
        match &**self {
            Notice::Rpf { flow, .. } | Notice::Creation { flow, .. } => Some(*flow),
            _ => None,
        }
    }
}

/// What a note of the dispatcher is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Noted(pub Thing);

impl Key for Noted {
    fn topic(self) -> usize {
        self.0.topic as usize
    }

    /// The notes about groups can become one, because `PRUNE (*,*)` ends everything that a client
    /// was told about groups. Those about MFEs can, because no alert is needed about an MFE that
    /// no longer exists. The other topics have no such rule (D40).
    fn becomes_one(topic: usize) -> bool {
        [AlertTopic::Groups, AlertTopic::Mfes].into_iter().any(|one| one as usize == topic)
    }
}

/// The place of a client's record. A later client never has the same place as a former one,
/// because it has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientPlace {
    pub client: ClientId,
    at: u32,
}

/// The records of all clients.
#[derive(Default)]
pub(super) struct ClientRecords {
    list: Vec<Option<(ClientId, ClientRecord)>>,
    places: HashMap<ClientId, u32, RandomState>,
    /// Unused places.
    free: Vec<u32>,
}

impl ClientRecords {
    /// Makes sure that there is room for another client, and for removing all clients.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn room(&mut self) -> Result<()> {
        self.places.try_reserve(1)?;
        grow_numbered(&mut self.list, &mut self.free, 1)
    }

    /// Adds a client. There is [room](ClientRecords::room) for it.
    pub fn insert(&mut self, client: ClientId, record: ClientRecord) {
        let at = self.free.pop().unwrap_or(self.list.len() as u32);
        if at as usize == self.list.len() {
            self.list.push(None);
        }
        self.list[at as usize] = Some((client, record));
        self.places.insert(client, at);
    }

    /// Removes a client.
    pub fn remove(&mut self, client: ClientId) {
        if let Some(at) = self.places.remove(&client) {
            self.list[at as usize] = None;
            self.free.push(at);
        }
    }

    /// A client's record and its place. Starts after the place `before`, because callers that tell
    /// all clients look them up in order.
    #[inline]
    pub fn find(
        &mut self,
        client: ClientId,
        before: Option<ClientPlace>,
    ) -> Option<(ClientPlace, &mut ClientRecord)> {
        // If no client was removed, clients are ordered by their numbers, which begin with 1.
        let next = before.map_or(client.0.wrapping_sub(1) as u32, |before| before.at + 1);
        let place = ClientPlace { client, at: next };
        if self.is_at(place) {
            return self.at(place).map(|record| (place, record));
        }
        let place = ClientPlace { client, at: *self.places.get(&client)? };
        self.at(place).map(|record| (place, record))
    }

    #[inline]
    fn is_at(&self, place: ClientPlace) -> bool {
        let there = self.list.get(place.at as usize).and_then(Option::as_ref);
        there.is_some_and(|(client, _)| *client == place.client)
    }

    /// The record at a place, unless its client has gone.
    #[inline]
    pub fn at(&mut self, place: ClientPlace) -> Option<&mut ClientRecord> {
        match self.list.get_mut(place.at as usize) {
            Some(Some((client, record))) if *client == place.client => Some(record),
            _ => None,
        }
    }

    /// The record of a client.
    pub fn get(&self, client: ClientId) -> Option<&ClientRecord> {
        let at = self.places.get(&client)?;
        self.list[*at as usize].as_ref().map(|(_, record)| record)
    }

    /// The next used place after this one; the first used place, if there is none.
    pub fn after(&self, before: Option<ClientPlace>) -> Option<ClientPlace> {
        let first = before.map_or(0, |before| before.at as usize + 1);
        let mut rest = self.list.iter().enumerate().skip(first);
        rest.find_map(|(at, one)| {
            one.as_ref().map(|(client, _)| ClientPlace { client: *client, at: at as u32 })
        })
    }

    /// All records.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (ClientId, &mut ClientRecord)> {
        self.list.iter_mut().flatten().map(|(client, record)| (*client, record))
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl Callbacks for Nothing {
        fn has(&self, _: crate::engine::NoticeKind) -> bool {
            false
        }
        fn call(&self, _: &mut Notice) {}
    }

    fn record() -> ClientRecord {
        ClientRecord::new(Some(Box::new(Nothing)), NoticeKinds::default())
    }

    #[test]
    fn t1_4_a_place_dies_with_its_client_and_what_it_took_is_used_again() {
        let mut records = ClientRecords::default();
        (1..=3).for_each(|number| records.insert(ClientId(number), record()));
        let places = [1, 2, 3].map(|number| records.find(ClientId(number), None).unwrap().0);
        records.remove(ClientId(2));
        assert!(
            records.at(places[1]).is_none() && records.find(ClientId(2), Some(places[0])).is_none()
        );
        records.insert(ClientId(4), record());
        assert_eq!(records.list.len(), 3);
        assert!(records.at(places[1]).is_none(), "it is another's");
        assert_eq!(records.find(ClientId(4), Some(places[0])).unwrap().0.at, places[1].at);
        let there: Vec<_> = records.iter_mut().map(|(client, _)| client.0).collect();
        assert_eq!(there, [1, 4, 3]);
        for client in [1, 3, 4].map(ClientId) {
            assert!(records.get(client).is_some() && !records.is_empty());
            records.remove(client);
        }
        assert!(records.is_empty() && records.at(places[0]).is_none());
    }
}
