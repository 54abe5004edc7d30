//! The callbacks that wait to be sent to a client process.

use crate::frame::frame;
use crate::messages::Callback;
use crate::wire::Wire;
use mgm_linux::channel::Poller;
use mgm_manager::{Outlet, PeerProcess, PostedCallback};
use parking_lot::Mutex;
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

/// The processes for which callbacks were posted since the last look.
#[derive(Debug, Default)]
pub(super) struct Changed(Mutex<Vec<u64>>);

impl Changed {
    /// Takes the list.
    pub fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock())
    }
}

/// The outlet of one process.
pub(super) struct Events {
    session: u64,
    process: PeerProcess,
    buffer: Mutex<Buffer>,
    changed: Arc<Changed>,
    poller: Arc<Poller>,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// How many callbacks were posted so far.
    count: u64,
    /// There was no room, so the manager has to be told when there is.
    was_full: bool,
}

impl Events {
    pub fn new(
        session: u64,
        process: PeerProcess,
        changed: Arc<Changed>,
        poller: Arc<Poller>,
    ) -> Events {
        Events { session, process, buffer: Mutex::default(), changed, poller }
    }

    /// Whether callbacks wait to be sent.
    pub fn is_waiting(&self) -> bool {
        !self.buffer.lock().bytes.is_empty()
    }

    /// Swaps the waiting bytes with an empty buffer. Returns whether the manager has to be told
    /// that there is room again.
    pub fn swap(&self, empty: &mut Vec<u8>) -> bool {
        let mut buffer = self.buffer.lock();
        std::mem::swap(&mut buffer.bytes, empty);
        std::mem::take(&mut buffer.was_full)
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
        let mut buffer = self.buffer.lock();
        let is_first = buffer.bytes.is_empty();
        buffer.count += 1;
        if callback.cause != 0 {
            OWN.set(buffer.count);
        }
        frame(&mut buffer.bytes, |to| Callback::from(callback).put(to));
        drop(buffer);
        if is_first {
            let mut changed = self.changed.0.lock();
            changed.push(self.session);
            if changed.len() == 1 && !SENDS.get() {
                self.poller.wake();
            }
        }
    }

    fn has_room(&self) -> bool {
        let mut buffer = self.buffer.lock();
        let has_room = buffer.bytes.len() < ROOM;
        buffer.was_full |= !has_room;
        has_room
    }
}
