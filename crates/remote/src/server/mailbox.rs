//! The bytes that wait to be sent to a process, and the list of the processes for which bytes wait.
//!
//! The threads that post and the thread that sends share both. `tests/mailbox_model.rs` runs these
//! threads through their interleavings.

use super::sync::Mutex;

/// The bytes that wait for one process.
#[derive(Default)]
pub struct Mailbox(Mutex<Buffer>);

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// How many callbacks were posted so far.
    count: u64,
    /// There was no room, so the manager has to be told when there is.
    was_full: bool,
}

impl Mailbox {
    /// Adds a callback. Returns its number, and whether no other one was waiting: then the process
    /// must be added to the list.
    pub fn post(&self, write: impl FnOnce(&mut Vec<u8>)) -> (u64, bool) {
        let mut buffer = self.0.lock();
        let is_first = buffer.bytes.is_empty();
        buffer.count += 1;
        write(&mut buffer.bytes);
        (buffer.count, is_first)
    }

    /// Whether callbacks wait to be sent.
    pub fn is_waiting(&self) -> bool {
        !self.0.lock().bytes.is_empty()
    }

    /// Whether less than these bytes wait. If not, the next swap says so.
    pub fn has_room(&self, room: usize) -> bool {
        let mut buffer = self.0.lock();
        let has_room = buffer.bytes.len() < room;
        buffer.was_full |= !has_room;
        has_room
    }

    /// Swaps the waiting bytes with an empty buffer. Returns whether the manager has to be told
    /// that there is room again.
    pub fn swap(&self, empty: &mut Vec<u8>) -> bool {
        let mut buffer = self.0.lock();
        std::mem::swap(&mut buffer.bytes, empty);
        std::mem::take(&mut buffer.was_full)
    }
}

/// The processes for which callbacks were posted since the last look.
#[derive(Default)]
pub struct Changed(Mutex<Vec<u64>>);

impl Changed {
    /// Adds a process. Returns whether it is the only one: then the thread that sends must be woken.
    pub fn add(&self, session: u64) -> bool {
        let mut changed = self.0.lock();
        changed.push(session);
        changed.len() == 1
    }

    /// Whether the list is empty. The thread that sends must not wait otherwise: what it posts itself
    /// wakes it as little as what others add after that.
    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    /// Takes the list.
    pub fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *self.0.lock())
    }
}
