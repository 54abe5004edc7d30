//! Requests on their way to the event loop, and the answers on their way back.

use super::evidence::Evidence;
use super::Outcome;
use mgm_control::{ErrorCode, Failure, Request};
use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{sync_channel, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many requests wait at most. A connection has one request at a time. A withdrawn request
/// keeps its place until the event loop reaches it.
const ROOM: usize = 128;

/// A new event, for `poll`.
pub(super) fn event(flags: EfdFlags) -> nix::Result<EventFd> {
    EventFd::from_flags(flags | EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)
}

/// The queue from which the event loop takes requests. For `poll`, it is readable
/// while it is not empty.
#[derive(Debug)]
pub struct Inbox {
    receiver: Receiver<Asked>,
    /// Its value is the number of waiting requests.
    count: Arc<EventFd>,
}

/// The other end of an [`Inbox`].
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    sender: SyncSender<Asked>,
    count: Arc<EventFd>,
}

/// A request, which must be answered.
#[derive(Debug)]
pub struct Asked {
    request: Request,
    /// What was found out for a request to explain a flow.
    evidence: Option<Box<Evidence>>,
    slot: Arc<Slot>,
}

/// The place for the answer to one request.
#[derive(Debug)]
pub(super) struct Slot {
    state: Mutex<SlotState>,
    /// Signalled when the answer is there.
    answered: Arc<EventFd>,
}

#[derive(Debug)]
enum SlotState {
    /// The event loop has not seen the request yet.
    Sent,
    /// The event loop is working on it.
    Taken,
    /// The client does not wait any longer.
    Withdrawn,
    Answered(Box<Outcome>),
    /// The answer has been fetched.
    Fetched,
}

/// Makes both ends.
pub(super) fn mailbox() -> nix::Result<(Outbox, Inbox)> {
    let (sender, receiver) = sync_channel(ROOM);
    let count = Arc::new(event(EfdFlags::EFD_SEMAPHORE)?);
    Ok((Outbox { sender, count: Arc::clone(&count) }, Inbox { receiver, count }))
}

impl AsFd for Inbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.count.as_fd()
    }
}

impl Inbox {
    /// The next request, if there is one. Does not wait.
    pub fn receive(&mut self) -> Option<Asked> {
        loop {
            match self.count.read() {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(_) => return None,
            }
            let asked = self.receiver.try_recv().ok()?;
            if asked.take() {
                return Some(asked);
            }
        }
    }
}

impl Outbox {
    /// Passes on a request. Returns it as the error if too many wait already, or the event loop
    /// has ended.
    pub fn send(&self, asked: Asked) -> Result<(), Asked> {
        match self.sender.try_send(asked) {
            Ok(()) => {
                // It fails only if the count is at its limit, 2^64.
                self.count.write(1).ok();
                Ok(())
            }
            Err(TrySendError::Full(asked) | TrySendError::Disconnected(asked)) => Err(asked),
        }
    }
}

impl Asked {
    /// A request, and the slot for its answer. `answered` is signalled when the answer is
    /// there.
    pub(super) fn new(request: Request, answered: Arc<EventFd>) -> (Asked, Arc<Slot>) {
        let slot = Arc::new(Slot { state: Mutex::new(SlotState::Sent), answered });
        (Asked { request, evidence: None, slot: Arc::clone(&slot) }, slot)
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The same, with what was found out.
    pub(super) fn with(mut self, evidence: Evidence) -> Asked {
        self.evidence = Some(Box::new(evidence));
        self
    }

    /// What was found out for a request to explain a flow. Other requests have none.
    #[must_use]
    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_deref()
    }

    /// Answers the request. If the client no longer waits, the answer
    /// is dropped.
    pub fn answer(self, outcome: Outcome) {
        self.slot.put(outcome);
    }

    /// Begins to work on the request. Returns false if the client no
    /// longer waits.
    pub(super) fn take(&self) -> bool {
        let mut state = self.slot.lock();
        let sent = matches!(*state, SlotState::Sent);
        if sent {
            *state = SlotState::Taken;
        }
        sent
    }
}

/// If a request is dropped without an answer, for example after a fault in the event loop,
/// its client gets an error.
impl Drop for Asked {
    fn drop(&mut self) {
        self.slot.put(Err(Failure::new(ErrorCode::Internal, "mgmd has dropped the request")));
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, SlotState> {
        // The state is a single value, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, outcome: Outcome) {
        let mut state = self.lock();
        if matches!(*state, SlotState::Sent | SlotState::Taken) {
            *state = SlotState::Answered(Box::new(outcome));
            drop(state);
            self.answered.write(1).ok();
        }
    }

    /// The answer, if it is there.
    pub fn fetch(&self) -> Option<Outcome> {
        let mut state = self.lock();
        if !matches!(*state, SlotState::Answered(_)) {
            return None;
        }
        match std::mem::replace(&mut *state, SlotState::Fetched) {
            SlotState::Answered(outcome) => Some(*outcome),
            _ => None,
        }
    }

    /// Withdraws the request. Returns false if the event loop has already begun to work
    /// on it.
    pub fn withdraw(&self) -> bool {
        let mut state = self.lock();
        let sent = matches!(*state, SlotState::Sent);
        *state = SlotState::Withdrawn;
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{poll, PollFd, PollFlags};

    fn is_readable(inbox: &Inbox) -> bool {
        let mut fds = [PollFd::new(inbox.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, 0u8).expect("it polls") == 1
    }

    #[test]
    fn the_inbox_is_readable_until_it_is_empty() {
        let (outbox, mut inbox) = mailbox().expect("events");
        let done = Arc::new(event(EfdFlags::empty()).expect("an event"));
        assert!(!is_readable(&inbox));
        let slots = [(); 2].map(|()| {
            let (asked, slot) = Asked::new(Request::Status, Arc::clone(&done));
            outbox.send(asked).expect("there is room");
            slot
        });
        assert!(is_readable(&inbox));
        let first = inbox.receive().expect("the first");
        assert!(is_readable(&inbox), "one is left");
        drop(first);
        assert!(
            matches!(slots[0].fetch(), Some(Err(failure)) if failure.code == ErrorCode::Internal)
        );
        assert!(slots[0].fetch().is_none(), "an answer is fetched once");
        assert!(done.read().is_ok());

        assert!(slots[1].withdraw(), "nobody has begun");
        assert!(inbox.receive().is_none(), "a withdrawn request is not carried out");
        assert!(!is_readable(&inbox));
    }

    #[test]
    fn a_full_mailbox_returns_the_request() {
        let (outbox, mut inbox) = mailbox().expect("events");
        let done = Arc::new(event(EfdFlags::empty()).expect("an event"));
        let ask = || outbox.send(Asked::new(Request::Reload, Arc::clone(&done)).0);
        assert_eq!((0..ROOM).filter(|_| ask().is_ok()).count(), ROOM);
        assert!(ask().is_err());
        let asked = inbox.receive().expect("a request");
        assert!(!asked.slot.withdraw(), "the event loop has begun");
        asked.answer(Err(Failure::invalid("too late")));
        assert!(ask().is_ok());
    }
}
