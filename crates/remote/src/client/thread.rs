//! The state of a calling thread.

use super::Place;
use crate::messages::Ack;
use mgm_dispatch::{Cause, Outbox};
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;

/// The state of a thread.
pub(super) struct Thread {
    /// The cause of the outermost call that this thread makes; 0 if it makes none.
    pub cause: Cell<u64>,
    /// The number of the last callback that the thread must wait for.
    pub awaits: Cell<u64>,
    outbox: RefCell<ManuallyDrop<Outbox<Place>>>,
    owed: RefCell<ManuallyDrop<Vec<Ack>>>,
}

// Without a destructor, because a thread that is ending can still call the library (see
// manager::context).
thread_local! {
    static THREAD: Thread = const {
        Thread {
            cause: Cell::new(0),
            awaits: Cell::new(0),
            outbox: RefCell::new(ManuallyDrop::new(Outbox::new(Cause::WORKER))),
            owed: RefCell::new(ManuallyDrop::new(Vec::new())),
        }
    };
}

/// This thread's state.
pub(super) fn with<R>(call: impl FnOnce(&Thread) -> R) -> R {
    THREAD.with(call)
}

/// This thread's outbox.
pub(super) fn outbox<R>(with: impl FnOnce(&mut Outbox<Place>) -> R) -> R {
    THREAD.with(|thread| with(&mut thread.outbox.borrow_mut()))
}

/// Keeps an acknowledgement that this thread sends with its next `Settle`.
pub(super) fn owe(ack: Ack) {
    THREAD.with(|thread| thread.owed.borrow_mut().push(ack));
}

/// Takes these acknowledgements.
pub(super) fn take_owed() -> Vec<Ack> {
    THREAD.with(|thread| std::mem::take(&mut **thread.owed.borrow_mut()))
}
