//! What a thread is doing for MGM right now.

use super::dispatch::{Cause, Outbox};
use super::records::Place;
use crate::engine::ClientId;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU32, Ordering};

/// The callback that a thread is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// One of a client's.
    Client(ClientId),
    /// The host's: its log.
    Host,
}

/// What is known of a thread.
struct Thread {
    inside: Cell<Option<Inside>>,
    outbox: RefCell<ManuallyDrop<Outbox<Place>>>,
    draining: Cell<bool>,
    /// Tells it from all others; 0 until that is needed.
    number: Cell<u32>,
    /// How many of its calls have been delivered.
    calls: Cell<u32>,
}

// It has no destructor: a thread that is ending still calls MGM from those of
// its own, after Rust's have run.
thread_local! {
    static THREAD: Thread = const {
        Thread {
            inside: Cell::new(None),
            outbox: RefCell::new(ManuallyDrop::new(Outbox::new())),
            draining: Cell::new(false),
            number: Cell::new(0),
            calls: Cell::new(0),
        }
    };
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

/// What this thread's calls cause now, until it has been delivered.
pub(super) fn cause() -> Cause {
    THREAD.with(|thread| {
        if thread.number.get() == 0 {
            thread.number.set(next_number());
        }
        Cause(u64::from(thread.number.get()) << 32 | u64::from(thread.calls.get()))
    })
}

#[cold]
fn next_number() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1)
}

/// This thread's outbox.
pub(super) fn outbox<R>(with: impl FnOnce(&mut Outbox<Place>) -> R) -> R {
    THREAD.with(|thread| with(&mut thread.outbox.borrow_mut()))
}

/// Whether this thread has anything to see delivered.
pub(super) fn owes() -> bool {
    outbox(|outbox| !outbox.is_empty())
}

/// Has this thread's outbox emptied. Does nothing inside a callback or when it is at it
/// already: the frame further out goes on with it (spec 8.1).
pub(super) fn drain(empty: impl FnOnce()) {
    struct Stop<'a>(&'a Thread);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.draining.set(false);
            self.0.calls.set(self.0.calls.get().wrapping_add(1));
        }
    }
    THREAD.with(|thread| {
        if !owes() || thread.inside.get().is_some() || thread.draining.replace(true) {
            return;
        }
        let _stop = Stop(thread);
        empty();
    });
}
