//! The state of clients whose processes have ended, which stays for a successor (spec 9.8).

use super::clients::ClientId;
use super::release_progress::ReleaseProgress;
use mgm_types::{Flow, IfId, Result, Time};
use std::collections::HashSet;

/// What one client has left. The client itself stays registered, without callbacks: so it owns its
/// interfaces, is told nothing, and its questions get the default answer.
#[derive(Debug)]
pub struct Grace {
    /// The client.
    pub client: ClientId,
    /// When everything that no successor has taken or added again ends.
    pub ends: Time,
    /// The client that has registered with the same ids since.
    pub successor: Option<ClientId>,
    /// How far the end of the present interface has come. Of an interface that was taken again, only
    /// memberships end.
    pub at: ReleaseProgress,
    taken: Vec<TakenAgain>,
}

/// An interface that the successor has taken again, with the memberships that it has added since.
#[derive(Debug)]
struct TakenAgain {
    id: IfId,
    added: HashSet<Flow>,
}

impl Grace {
    /// Whether its time has ended.
    pub fn is_over(&self, now: Time) -> bool {
        self.ends <= now
    }

    /// An interface that was taken again, on which memberships may be left that were not added
    /// again.
    pub fn taken_again(&self) -> Option<IfId> {
        self.taken.last().map(|taken| taken.id)
    }

    /// Whether the successor has added a membership again.
    pub fn is_added(&self, id: IfId, flow: Flow) -> bool {
        self.taken.iter().any(|taken| taken.id == id && taken.added.contains(&flow))
    }

    /// The successor has taken an interface again.
    pub fn take(&mut self, id: IfId) {
        self.taken.push(TakenAgain { id, added: HashSet::new() });
    }

    /// Nothing is left on an interface that was taken again.
    pub fn forget(&mut self, id: IfId) {
        self.taken.retain(|taken| taken.id != id);
    }

    /// Its successor has ended, too. What it has taken is to be taken again.
    pub fn loses_successor(&mut self) {
        self.successor = None;
        self.taken.clear();
    }
}

/// What all such clients have left. Usually there is none.
#[derive(Debug, Default)]
pub struct Graces {
    list: Vec<Grace>,
}

impl Graces {
    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// A client has left everything that it has.
    pub fn insert(&mut self, client: ClientId, ends: Time) {
        let (successor, at, taken) = (None, ReleaseProgress::default(), Vec::new());
        self.list.push(Grace { client, ends, successor, at, taken });
    }

    /// Nothing is left of a client.
    pub fn remove(&mut self, client: ClientId) {
        self.list.retain(|grace| grace.client != client);
    }

    /// What a client has left.
    #[inline]
    pub fn of(&self, client: ClientId) -> Option<&Grace> {
        self.list.iter().find(|grace| grace.client == client)
    }

    /// The same, to change it.
    pub fn of_mut(&mut self, client: ClientId) -> Option<&mut Grace> {
        self.list.iter_mut().find(|grace| grace.client == client)
    }

    /// Whether a client is one that has left everything.
    #[inline]
    pub fn is_left(&self, client: Option<ClientId>) -> bool {
        client.is_some_and(|client| self.of(client).is_some())
    }

    /// The client whose state is left to a successor, until its time ends.
    pub fn left_to(&self, successor: ClientId, now: Time) -> Option<ClientId> {
        let mut left = self.list.iter();
        let found = left.find(|grace| grace.successor == Some(successor) && !grace.is_over(now));
        found.map(|grace| grace.client)
    }

    /// The client whose component a client's interfaces belong to: its last successor, or itself.
    #[inline]
    pub fn component(&self, client: ClientId) -> ClientId {
        match self.of(client).and_then(|grace| grace.successor) {
            Some(successor) => self.component(successor),
            None => client,
        }
    }

    /// A successor adds a membership. Does nothing if the client is not a successor, or if its
    /// predecessor has left nothing on the interface.
    ///
    /// # Errors
    /// `NoMemory`.
    #[inline]
    pub fn added(&mut self, successor: ClientId, id: IfId, flow: Flow) -> Result<()> {
        if self.list.is_empty() {
            return Ok(());
        }
        let left = self.list.iter_mut().filter(|grace| grace.successor == Some(successor));
        for taken in left.flat_map(|grace| &mut grace.taken).filter(|taken| taken.id == id) {
            taken.added.try_reserve(1)?;
            taken.added.insert(flow);
        }
        Ok(())
    }

    /// A successor has released an interface: nothing is left there.
    pub fn released(&mut self, successor: ClientId, id: IfId) {
        let left = self.list.iter_mut().filter(|grace| grace.successor == Some(successor));
        left.for_each(|grace| grace.forget(id));
    }

    /// One whose time has ended.
    pub fn first_over(&mut self, now: Time) -> Option<&mut Grace> {
        self.list.iter_mut().find(|grace| grace.is_over(now))
    }

    /// When the next one ends.
    pub fn next_end(&self) -> Option<Time> {
        self.list.iter().map(|grace| grace.ends).min()
    }
}
