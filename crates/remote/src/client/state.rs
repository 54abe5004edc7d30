//! What the lock of a connection guards.

use super::settling::Causes;
use super::Place;
use crate::messages::Ack;
use mgm_dispatch::{About, Item, Key, Queue};
use mgm_engine::Notice;
use mgm_manager::Callbacks;
use mgm_types::Interface;
use std::collections::{HashMap, VecDeque};
use std::io;

/// A callback that has arrived.
pub(super) struct Arrived {
    /// The client's number at the router.
    pub client: u64,
    pub number: u64,
    pub notice: Notice,
}

/// The router notes things for a client that is behind. Nothing is noted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NoKey;

impl Key for NoKey {
    fn topic(self) -> usize {
        0
    }

    fn becomes_one(_: usize) -> bool {
        true
    }
}

impl Item for Arrived {
    type Key = NoKey;

    fn about(&self) -> About<NoKey> {
        About::Itself
    }
}

impl Arrived {
    /// Whether it is about an interface that the client has released since.
    pub fn is_void(&self, released: &[(Interface, u64)]) -> bool {
        let about = match &self.notice {
            Notice::LocalJoin { interface, .. }
            | Notice::LocalLeave { interface, .. }
            | Notice::DisableIgmp { interface, .. }
            | Notice::EnableIgmp { interface, .. } => *interface,
            _ => return false,
        };
        released.iter().any(|(interface, last)| *interface == about && self.number <= *last)
    }
}

/// A client of this process.
pub(super) struct Record {
    /// Its number at the router.
    pub remote: u64,
    /// `None` while a thread runs the client.
    pub callbacks: Option<Box<dyn Callbacks>>,
    pub queue: Queue<Arrived>,
    /// Interfaces that the client has released: callbacks about them up to these numbers are void.
    pub released: Vec<(Interface, u64)>,
    /// It is being deregistered: no callback may start.
    pub is_closing: bool,
    /// It is deregistered, and a callback is still running.
    pub gone: bool,
}

/// The state.
#[derive(Default)]
pub(super) struct State {
    pub clients: HashMap<Place, Record>,
    /// The clients by their numbers at the router.
    pub places: HashMap<u64, Place>,
    /// How many registrations have not been answered yet.
    pub registering: usize,
    /// Callbacks of clients whose registration has not been answered yet, and perhaps of clients
    /// that were deregistered meanwhile.
    pub early: HashMap<u64, Vec<Arrived>>,
    /// The numbers of open enumerations at the router, and their clients.
    pub enumerations: HashMap<u64, (u64, Place)>,
    pub causes: Causes<Place>,
    /// Acknowledgements that are not sent yet.
    pub acks: Vec<Ack>,
    /// Clients that wait for a worker.
    pub ready: VecDeque<Place>,
    pub idle: usize,
    /// How many clients workers have taken so far: shows whether the workers make progress.
    pub taken: u64,
    pub workers: usize,
    /// Why the system could not start a worker; not logged yet.
    pub refused_worker: Option<io::Error>,
    pub is_over: bool,
    /// It is over because the router has ended, or the connection is broken.
    pub is_lost: bool,
    /// The thread `mgm-events` has not ended.
    pub has_events: bool,
}

impl State {
    /// A registration has been answered. After the last one, callbacks that still wait for their
    /// client are those of clients that were deregistered.
    pub fn registered(&mut self) {
        self.registering -= 1;
        if self.registering == 0 {
            self.early.clear();
        }
    }

    /// Whether no callback is running and all threads have ended.
    pub fn is_quiet(&self) -> bool {
        let has_threads = self.workers > 0 || self.has_events;
        !has_threads && self.clients.values().all(|record| !record.queue.is_running())
    }
}
