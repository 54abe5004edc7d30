//! The callbacks that wait to be sent to a client process.

pub(super) use super::mailbox::Changed;

use super::mailbox::Mailbox;
use crate::frame::frame;
use crate::messages::Callback;
use crate::wire::Wire;
use mgm_linux::channel::Poller;
use mgm_manager::{Outlet, PeerProcess, PostedCallback};
use std::cell::Cell;
use std::sync::Arc;

/// A process that does not read gets no more callbacks than these bytes. The rest waits in the
/// manager.
const ROOM: usize = 1 << 20;

thread_local! {
    /// The number of the last callback that carries the cause of the call that this thread makes.
    static OWN: Cell<u64> = const { Cell::new(0) };
    /// Whether this is the thread that sends: it need not be woken.
    static SENDS: Cell<bool> = const { Cell::new(false) };
}

/// This thread sends what is posted.
pub(super) fn becomes_sender() {
    SENDS.set(true);
}

/// Returns the number of the last callback that this thread's call has caused for its own process,
/// and forgets it.
pub(super) fn take_own() -> u64 {
    OWN.take()
}

/// The outlet of one process.
pub(super) struct Events {
    session: u64,
    process: PeerProcess,
    mailbox: Mailbox,
    changed: Arc<Changed>,
    poller: Arc<Poller>,
}

impl Events {
    pub fn new(
        session: u64,
        process: PeerProcess,
        changed: Arc<Changed>,
        poller: Arc<Poller>,
    ) -> Events {
        Events { session, process, mailbox: Mailbox::default(), changed, poller }
    }

    /// Whether callbacks wait to be sent.
    pub fn is_waiting(&self) -> bool {
        self.mailbox.is_waiting()
    }

    /// Swaps the waiting bytes with an empty buffer. Returns whether the manager has to be told
    /// that there is room again.
    pub fn swap(&self, empty: &mut Vec<u8>) -> bool {
        self.mailbox.swap(empty)
    }
}

impl Outlet for Events {
    fn session(&self) -> u64 {
        self.session
    }

    fn process(&self) -> PeerProcess {
        self.process.clone()
    }

    fn post(&self, callback: PostedCallback<'_>) {
        let cause = callback.cause;
        let write = |bytes: &mut Vec<u8>| frame(bytes, |to| Callback::from(callback).put(to));
        let (number, is_first) = self.mailbox.post(write);
        if cause != 0 {
            OWN.set(number);
        }
        if is_first && self.changed.add(self.session) && !SENDS.get() {
            self.poller.wake();
        }
    }

    fn has_room(&self) -> bool {
        self.mailbox.has_room(ROOM)
    }
}
