//! What a client that is behind is told when its queue is empty (spec 8.9).
//!
//! A note names a thing, and not what happened to it: the client is told the state of the thing
//! at that time. So a thing is noted once, however often it changes.

use super::{About, Bounds, Key, TOPICS};
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};

/// What to tell next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell<K> {
    /// The state of a topic as a whole. If its things are to be told too, call
    /// `Notes::walk`.
    All(usize),
    /// The state of the things of a topic that follow this one, or of all its things.
    After(usize, Option<K>),
    /// The state of this thing.
    One(K),
}

/// How many things of a topic are told before it is the next topic's turn. No topic waits for
/// ever because things of others are noted again and again.
const TURN: usize = 64;

/// All notes of one client.
#[derive(Debug)]
pub struct Notes<K> {
    topics: [Topic<K>; TOPICS],
    /// The topic whose turn it is, and how many of its things are still told in it. The topics
    /// take turns in their order, round by round.
    turn: usize,
    left: usize,
    /// In this round the first topic was told as a whole.
    first_is_told: bool,
}

impl<K> Default for Notes<K> {
    fn default() -> Self {
        let topics = std::array::from_fn(|_| Topic::default());
        Notes { topics, turn: 0, left: TURN, first_is_told: false }
    }
}

/// The notes about one topic.
#[derive(Debug)]
struct Topic<K> {
    /// The topic as a whole is noted. That needs no memory, so it is always possible.
    all: bool,
    /// How far the walk through its things has come.
    walk: Walk<K>,
    /// The things that are noted one by one, the oldest first, and the alerts about each.
    order: VecDeque<K>,
    said: HashMap<K, Said, RandomState>,
    /// With this number of notes, those that can be dropped are searched; 0: the usual number.
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk<K> {
    No,
    From(Option<K>),
}

/// The first and the last of the alerts about a thing that were not queued.
#[derive(Clone, Copy, Debug)]
struct Said {
    first: bool,
    last: bool,
}

impl<K> Default for Topic<K> {
    fn default() -> Self {
        Topic {
            all: false,
            walk: Walk::No,
            order: VecDeque::new(),
            said: HashMap::default(),
            limit: 0,
        }
    }
}

impl<K: Key> Topic<K> {
    fn is_empty(&self) -> bool {
        !self.all && self.walk == Walk::No && self.order.is_empty()
    }

    /// Drops the notes about single things, and frees their memory.
    fn clear(&mut self) {
        self.order = VecDeque::new();
        self.said = HashMap::default();
        self.limit = 0;
    }

    fn note_all(&mut self) {
        self.clear();
        self.walk = Walk::No;
        self.all = true;
    }

    fn note(&mut self, key: K, word: bool, bounds: &Bounds) {
        let is_ahead = match self.walk {
            Walk::No => false,
            Walk::From(after) => after.is_none_or(|after| key > after),
        };
        if self.all || is_ahead {
            return; // it will be told with the rest
        }
        if let Some(said) = self.said.get_mut(&key) {
            said.last = word;
            return;
        }
        if self.order.len() >= self.limit.max(bounds.notes) {
            if K::becomes_one(key.topic()) {
                return self.note_all();
            }
            self.forget_what_is_known();
            self.limit = bounds.notes.max(2 * self.order.len());
        }
        if self.order.try_reserve(1).is_err() || self.said.try_reserve(1).is_err() {
            return self.note_all();
        }
        self.order.push_back(key);
        self.said.insert(key, Said { first: word, last: word });
    }

    /// Forgets things whose last alert reports what the client knew before the first one. The
    /// things that remain differ from what the client knows, so their number does not grow with
    /// time.
    fn forget_what_is_known(&mut self) {
        self.said.retain(|_, said| said.first == said.last);
        let said = &self.said;
        self.order.retain(|key| said.contains_key(key));
    }
}

impl<K: Key> Notes<K> {
    /// Notes what a callback is about.
    pub(super) fn note(&mut self, about: About<K>, bounds: &Bounds) {
        match about {
            About::One(key, word) => self.topics[key.topic()].note(key, word, bounds),
            About::All(topic) => self.note_all(topic),
            About::Itself | About::Nothing => {}
        }
    }

    /// Notes a topic as a whole. It needs no memory.
    pub fn note_all(&mut self, topic: usize) {
        self.topics[topic].note_all();
    }

    /// Begins or continues a walk through the things of a topic, after this one.
    pub fn walk(&mut self, topic: usize, after: Option<K>) {
        self.topics[topic].walk = Walk::From(after);
    }

    /// Forgets what is noted about some things.
    pub(super) fn forget(&mut self, is_over: impl Fn(K) -> bool) {
        for topic in &mut self.topics {
            topic.said.retain(|key, _| !is_over(*key));
            topic.order.retain(|key| !is_over(*key));
        }
    }

    /// Takes out what is to be told next. The first topic as a whole comes first in each round, and
    /// only once in it.
    pub fn next(&mut self) -> Option<Tell<K>> {
        // After a whole round it is again the turn of the topic that it began with.
        for _ in 0..=TOPICS {
            if self.topics[0].all && !self.first_is_told {
                (self.turn, self.left) = (0, TURN);
                self.first_is_told = true;
                self.topics[0].all = false;
                return Some(Tell::All(0));
            }
            if let Some(tell) = self.next_of_turn() {
                return Some(tell);
            }
            self.turn = (self.turn + 1) % TOPICS;
            self.left = TURN;
            self.first_is_told &= self.turn != 0;
        }
        // Whatever is noted next begins a round.
        (self.turn, self.first_is_told) = (0, false);
        None
    }

    fn next_of_turn(&mut self) -> Option<Tell<K>> {
        let (number, topic) = (self.turn, &mut self.topics[self.turn]);
        if self.left == 0 {
            return None;
        }
        if number != 0 && std::mem::take(&mut topic.all) {
            return Some(Tell::All(number));
        }
        if let Walk::From(after) = std::mem::replace(&mut topic.walk, Walk::No) {
            self.left = 0; // that is many things
            return Some(Tell::After(number, after));
        }
        let key = topic.order.pop_front()?;
        topic.said.remove(&key);
        if topic.order.is_empty() {
            topic.clear();
        }
        self.left -= 1;
        Some(Tell::One(key))
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.topics.iter().all(Topic::is_empty)
    }

    /// How many things are noted. A topic that is noted as a whole counts as one.
    pub fn len(&self) -> usize {
        let of =
            |topic: &Topic<K>| topic.order.len() + usize::from(topic.all || topic.walk != Walk::No);
        self.topics.iter().map(of).sum()
    }
}

#[cfg(test)]
mod tests;
