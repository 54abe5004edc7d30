//! What a thread is doing for MGM right now.

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
    pub client: ClientId,
    pub number: u64,
}

// None of these has a destructor: a thread that is ending still calls MGM from
// those of its own, after Rust's have run.
thread_local! {
    static INSIDE: Cell<Option<Inside>> = const { Cell::new(None) };
    static OUTBOX: RefCell<ManuallyDrop<VecDeque<Ticket>>> =
        const { RefCell::new(ManuallyDrop::new(VecDeque::new())) };
    static DRAINING: Cell<bool> = const { Cell::new(false) };
}

/// The callback that this thread is inside of, if any.
pub(super) fn inside() -> Option<Inside> {
    INSIDE.get()
}

/// Makes a callback: within it, [`inside`] tells so.
pub(super) fn within<R>(callback: Inside, call: impl FnOnce() -> R) -> R {
    struct Restore(Option<Inside>);
    impl Drop for Restore {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    let _restore = Restore(INSIDE.replace(Some(callback)));
    call()
}

/// Puts a ticket into this thread's outbox.
pub(super) fn post(ticket: Ticket) {
    OUTBOX.with_borrow_mut(|outbox| outbox.push_back(ticket));
}

/// Whether this thread has anything to see delivered.
pub(super) fn owes() -> bool {
    OUTBOX.with_borrow(|outbox| !outbox.is_empty())
}

/// Empties this thread's outbox, first in first out, including what comes in
/// meanwhile. Does nothing inside a callback or when it is at it already: the
/// frame further out goes on with it (spec 8.1).
pub(super) fn drain(mut deliver: impl FnMut(Ticket)) {
    struct Stop;
    impl Drop for Stop {
        fn drop(&mut self) {
            DRAINING.set(false);
        }
    }
    if inside().is_some() || DRAINING.replace(true) {
        return;
    }
    let _stop = Stop;
    while let Some(ticket) = next_ticket() {
        deliver(ticket);
    }
}

/// Takes the first ticket; with none left, gives the memory back, which nobody
/// else would.
fn next_ticket() -> Option<Ticket> {
    OUTBOX.with_borrow_mut(|outbox| {
        let first = outbox.pop_front();
        if first.is_none() {
            **outbox = VecDeque::new();
        }
        first
    })
}
