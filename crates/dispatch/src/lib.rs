//! Delivers callbacks: in order, one at a time for each client, on the calling thread up to
//! a bound, and on workers beyond it (spec 8.1 to 8.4, 8.9).
//!
//! The crate does not know what a callback is, or which locks and threads there are: a [`Host`]
//! provides them, and the [`Bounds`] are parameters. So `tests/delivery_model` runs the same
//! code on loom's locks, with bounds of 2. README.md documents how it works, with a drawing.
//!
//! - `queue`: the callbacks that wait for one client, and the thread that makes them.
//! - `notes`: the things about which a client that is behind has to be told.
//! - `turn`: how many callbacks one call makes.
//! - `backlog`: questions that are held back from a queue.
//! - `outbox`: the callbacks that a thread must see delivered.
//! - `run`: the loops of the threads.
//! - `pull`: the queue of a client in another process, which no thread runs.
#![forbid(unsafe_code)]

mod backlog;
mod notes;
mod outbox;
mod pull;
mod queue;
mod run;
mod turn;

pub use backlog::{Backlog, ForgetWalk, Origin, Question};
pub use notes::Tell;
pub use outbox::{Outbox, Ticket};
pub use pull::Pulled;
pub use queue::{Pushed, Queue};
pub use run::{
    drain, drain_held, drain_locked, drain_within, pass_on, turn_of, work, Client, Host,
};
pub use turn::{Cause, Turn};

use std::hash::Hash;

/// The bounds of the delivery.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most callbacks that a call makes without having caused them.
    pub others: usize,
    /// The most callbacks that a call makes and has caused itself.
    pub own: usize,
    /// How many callbacks wait for a client when it falls behind.
    pub waiting: usize,
    /// The most tickets that a thread has. Further ones are left to workers.
    pub tickets: usize,
    /// How many notes there are about one topic before they become one.
    pub notes: usize,
    /// How many notes are handled while the lock is held once.
    pub batch: usize,
}

/// The bounds of spec 8.3 and 8.9.
pub const BOUNDS: Bounds =
    Bounds { others: 32, own: 1024, waiting: 1024, tickets: 1024, notes: 65_536, batch: 64 };

/// A callback that waits.
pub trait Item {
    /// What a callback may be about.
    type Key: Key;

    /// What is done with the callback if the client is behind.
    fn about(&self) -> About<Self::Key>;
}

/// What happens to a callback for a client that is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About<K> {
    /// It is queued nevertheless.
    Itself,
    /// It reports the state of one thing, which is true or false. The thing is noted.
    One(K, bool),
    /// It concerns all things of a topic. The topic is noted as a whole.
    All(usize),
    /// It is dropped.
    Nothing,
}

/// The number of topics.
pub const TOPICS: usize = 4;

/// What a note is about.
pub trait Key: Copy + Eq + Ord + Hash {
    /// Which topic it belongs to, below [`TOPICS`]. The first is told first.
    fn topic(self) -> usize;

    /// Whether too many notes about a topic become one about all of it. Otherwise notes about
    /// things that are again as the client knows them are dropped.
    fn becomes_one(topic: usize) -> bool;
}

/// The kind of thread that delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The thread that made the call.
    Caller,
    /// One of the library's own threads.
    Worker,
}
