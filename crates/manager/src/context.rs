//! The state of a thread: the callback that it is inside of, and its outbox.

use super::client_records::ClientPlace;
use super::dispatch::{Cause, Outbox};
use crate::engine::ClientId;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU32, Ordering};

/// The kind of callback that a thread is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// A callback of a client.
    Client(ClientId),
    /// The log callback of the host.
    Host,
}

/// The state of a thread.
struct Thread {
    inside: Cell<Option<Inside>>,
    outbox: RefCell<ManuallyDrop<Outbox<ClientPlace>>>,
    draining: Cell<bool>,
    process: Cell<Option<ForProcess>>,
}

/// The call of another process that this thread makes.
#[derive(Clone, Copy)]
struct ForProcess {
    session: u64,
    cause: u64,
}

// Without a destructor, because a thread that is ending can still call the library from its own
// destructors, after Rust's have run.
thread_local! {
    static THREAD: Thread = const {
        Thread {
            inside: Cell::new(None),
            outbox: RefCell::new(ManuallyDrop::new(Outbox::new(Cause::WORKER))),
            draining: Cell::new(false),
            process: Cell::new(None),
        }
    };
}

/// The callback that this thread is inside of, if any.
#[inline]
#[must_use]
pub fn inside() -> Option<Inside> {
    THREAD.with(|thread| thread.inside.get())
}

/// Makes a callback; meanwhile [`inside`] returns its kind. All code of the program is called
/// here, because this function returns only in the router's process (spec 8.10).
pub fn within<R>(callback: Inside, call: impl FnOnce() -> R) -> R {
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

/// Makes a call for another process. The process names the cause, and the client whose callback
/// makes the call, if any.
pub(super) fn for_process<R>(
    session: u64,
    cause: u64,
    inside: Option<ClientId>,
    call: impl FnOnce() -> R,
) -> R {
    struct Restore<'a>(&'a Thread, Option<Inside>);
    impl Drop for Restore<'_> {
        fn drop(&mut self) {
            self.0.process.set(None);
            self.0.inside.set(self.1);
        }
    }
    THREAD.with(|thread| {
        thread.process.set(Some(ForProcess { session, cause }));
        let before = thread.inside.replace(inside.map(Inside::Client));
        let _restore = Restore(thread, before);
        call()
    })
}

/// Whether this thread makes a call for another process.
#[inline]
pub(super) fn is_for_process() -> bool {
    THREAD.with(|thread| thread.process.get().is_some())
}

/// The cause of callbacks for this process that this thread's call causes; 0 if the call is not
/// one of that process.
pub(super) fn cause_for(session: u64) -> u64 {
    let process = THREAD.with(|thread| thread.process.get());
    process.filter(|process| process.session == session).map_or(0, |process| process.cause)
}

/// The cause of callbacks: the number of the thread and that of its call.
pub(super) fn cause_of(outbox: &mut Outbox<ClientPlace>) -> Cause {
    if outbox.cause == Cause::WORKER {
        outbox.cause = first_cause();
    }
    outbox.cause
}

#[cold]
fn first_cause() -> Cause {
    static THREADS: AtomicU32 = AtomicU32::new(0);
    let thread = THREADS.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
    Cause(u64::from(thread) << 32)
}

/// This thread's outbox.
#[inline]
pub(super) fn outbox<R>(with: impl FnOnce(&mut Outbox<ClientPlace>) -> R) -> R {
    THREAD.with(|thread| with(&mut thread.outbox.borrow_mut()))
}

/// Whether this thread has callbacks to deliver.
#[inline]
pub(super) fn owes() -> bool {
    outbox(|outbox| !outbox.is_empty())
}

/// Has `empty` deliver this thread's outbox. Does nothing inside a callback, or if the thread is
/// already delivering: the outer frame continues (spec 8.1).
#[inline]
pub(super) fn drain(empty: impl FnOnce()) {
    THREAD.with(|thread| drain_some(thread, empty));
}

#[inline(never)]
fn drain_some(thread: &Thread, empty: impl FnOnce()) {
    struct StopDraining<'a>(&'a Thread);
    impl Drop for StopDraining<'_> {
        fn drop(&mut self) {
            self.0.draining.set(false);
            let cause = &mut self.0.outbox.borrow_mut().cause;
            let call = (cause.0 as u32).wrapping_add(1);
            *cause = Cause(cause.0 >> 32 << 32 | u64::from(call));
        }
    }
    if thread.inside.get().is_some() || thread.draining.replace(true) {
        return;
    }
    let _stop = StopDraining(thread);
    // The outbox may contain only callbacks that other threads have caused. The call still needs
    // a cause of its own. Otherwise the callbacks that such threads cause would count as caused by
    // this call, and the reverse.
    cause_of(&mut thread.outbox.borrow_mut());
    empty();
}
