//! What a thread is doing for MGM right now.

use super::records::Place;
use crate::engine::ClientId;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem::ManuallyDrop;

/// The callback that a thread is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// One of a client's.
    Client(ClientId),
    /// The host's: its log.
    Host,
}

/// A notice that this thread is bound to see delivered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    pub place: Place,
    pub number: u64,
}

/// What is known of a thread.
struct Thread {
    inside: Cell<Option<Inside>>,
    outbox: RefCell<ManuallyDrop<Outbox>>,
    draining: Cell<bool>,
}

// It has no destructor: a thread that is ending still calls MGM from those of
// its own, after Rust's have run.
thread_local! {
    static THREAD: Thread = const {
        Thread {
            inside: Cell::new(None),
            outbox: RefCell::new(ManuallyDrop::new(Outbox { first: None, rest: VecDeque::new() })),
            draining: Cell::new(false),
        }
    };
}

/// Tickets, first in first out. There is seldom more than one: that takes no memory.
struct Outbox {
    /// Stands before the rest; there is none without it.
    first: Option<Ticket>,
    rest: VecDeque<Ticket>,
}

impl Outbox {
    fn push(&mut self, ticket: Ticket) {
        match self.first {
            None => self.first = Some(ticket),
            Some(_) => self.rest.push_back(ticket),
        }
    }

    /// Takes the first; with none left, gives the memory back, which nobody else would.
    fn pop(&mut self) -> Option<Ticket> {
        let next = self.rest.pop_front();
        if next.is_none() && self.rest.capacity() > 0 {
            self.rest = VecDeque::new();
        }
        std::mem::replace(&mut self.first, next)
    }
}

/// The callback that this thread is inside of, if any.
pub(super) fn inside() -> Option<Inside> {
    THREAD.with(|thread| thread.inside.get())
}

/// Makes a callback: within it, [`inside`] tells so. All code of the host's is called here
/// and nowhere else, because this returns from it in the router's process only (spec 8.10).
pub(super) fn within<R>(callback: Inside, call: impl FnOnce() -> R) -> R {
    struct Restore<'a>(&'a Thread, Option<Inside>);
    impl Drop for Restore<'_> {
        fn drop(&mut self) {
            self.0.inside.set(self.1);
        }
    }
    THREAD.with(|thread| {
        let _restore = Restore(thread, thread.inside.replace(Some(callback)));
        let result = call();
        crate::fork::after_callback();
        result
    })
}

/// Puts a ticket into this thread's outbox.
pub(super) fn post(ticket: Ticket) {
    THREAD.with(|thread| thread.outbox.borrow_mut().push(ticket));
}

/// Whether this thread has anything to see delivered.
pub(super) fn owes() -> bool {
    THREAD.with(|thread| thread.outbox.borrow().first.is_some())
}

/// Empties this thread's outbox, first in first out, including what comes in
/// meanwhile. Does nothing inside a callback or when it is at it already: the
/// frame further out goes on with it (spec 8.1).
pub(super) fn drain(mut deliver: impl FnMut(Ticket)) {
    struct Stop<'a>(&'a Thread);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.draining.set(false);
        }
    }
    THREAD.with(|thread| {
        let next = || thread.outbox.borrow_mut().pop();
        let nothing = thread.outbox.borrow().first.is_none();
        if nothing || thread.inside.get().is_some() || thread.draining.replace(true) {
            return;
        }
        let _stop = Stop(thread);
        while let Some(ticket) = next() {
            deliver(ticket);
        }
    });
}
