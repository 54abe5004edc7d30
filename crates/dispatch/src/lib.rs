//! Delivers callbacks: in order, one at a time for each client, on the calling thread up to
//! a bound, and on workers beyond it (spec 8.1 to 8.4, 8.9).
//!
//! Nothing here knows what a callback is, or which locks and threads there are: a [`Host`]
//! provides them, and the [`Bounds`] are parameters. So `tests/delivery_model` runs the same
//! code on loom's locks, with bounds of 2. README.md documents how it works, with a drawing.
//!
//! - `queue`: one client's callbacks that wait, and which thread makes them.
//! - `notes`: what a client that is behind has to be told.
//! - `turn`: how many callbacks one call makes.
//! - `backlog`: questions that are held back from a queue.
//! - `outbox`: the callbacks that a thread must see delivered.
//! - `run`: the loops of the threads.
#![forbid(unsafe_code)]

mod backlog;
mod notes;
mod outbox;
mod queue;
mod run;
mod turn;

pub use backlog::{Backlog, ForgetWalk, Origin, Question};
pub use notes::Tell;
pub use outbox::{Outbox, Ticket};
pub use queue::{Pushed, Queue};
pub use run::{drain, drain_locked, pass_on, work, Host};
pub use turn::Cause;

use std::hash::Hash;

/// How much there is at most of everything.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Callbacks that a call makes and that it did not cause.
    pub others: usize,
    /// Callbacks that a call makes and that it did cause.
    pub own: usize,
    /// Callbacks that wait for a client, before it is behind.
    pub waiting: usize,
    /// Tickets that a thread keeps. What goes beyond is a worker's.
    pub tickets: usize,
    /// Notes about one topic, before they become one.
    pub notes: usize,
    /// Notes that are looked at while the lock is held.
    pub batch: usize,
}

/// Those of spec 8.3 and 8.9.
pub const BOUNDS: Bounds =
    Bounds { others: 32, own: 1024, waiting: 1024, tickets: 1024, notes: 65_536, batch: 64 };

/// A callback that waits.
pub trait Item {
    /// What it may be about.
    type Key: Key;

    /// What a client that is behind is told of it later.
    fn about(&self) -> About<Self::Key>;
}

/// What becomes of a callback for a client that is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About<K> {
    /// It is made: it waits as ever.
    Itself,
    /// It says this of one thing, which is noted.
    One(K, bool),
    /// It says something that all things of a topic depend on.
    All(usize),
    /// It is dropped.
    Nothing,
}

/// So many topics there are at most.
pub const TOPICS: usize = 4;

/// What a note is about.
pub trait Key: Copy + Eq + Ord + Hash {
    /// Which topic it belongs to, below [`TOPICS`]. The first is told first.
    fn topic(self) -> usize;

    /// Whether too many notes about a topic become one about all of it. Where they do not,
    /// those about things that are again as the client knows them are forgotten.
    fn becomes_one(topic: usize) -> bool;
}

/// Which thread does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The one that made the call.
    Caller,
    /// One of the library's own.
    Worker,
}
