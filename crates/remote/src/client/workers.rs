//! The threads `mgm-worker`, which run the callbacks that no call of this process has caused; and the
//! acknowledgements, which tell the router that callbacks have returned.

use super::portions::portions;
use super::shell::Shell;
use super::state::State;
use super::{Link, Place};
use crate::messages::{Ack, Acks};
use crate::wire::Wire;
use mgm_dispatch::{work, Ticket};
use mgm_linux::threads;
use parking_lot::MutexGuard;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

/// How many workers are started without looking whether the others are stuck. With one, callbacks of
/// several clients run in the order in which the router has sent them, unless one of them is slow.
const BASE: usize = 1;

/// A worker ends after this time without work.
const SPARE_LIFE: Duration = Duration::from_secs(10);

/// So many acknowledgements are sent at once.
const ACKS: usize = 64;

impl Link {
    /// Leaves a callback to a worker.
    pub(super) fn leave(
        self: &Arc<Link>,
        state: &mut MutexGuard<'_, State>,
        ticket: Ticket<Place>,
    ) {
        let Some(record) = state.clients.get_mut(&ticket.place) else { return };
        if let Some(number) = ticket.number {
            record.queue.leave(number);
        }
        if record.queue.needs_worker() {
            self.schedule(state, ticket.place);
        }
    }

    /// Puts a client on the list of those that wait for a worker.
    pub(super) fn schedule(self: &Arc<Link>, state: &mut MutexGuard<'_, State>, place: Place) {
        state.ready.push_back(place);
        if state.ready.len() <= state.idle {
            self.work.notify_one();
        } else if state.workers < BASE {
            self.add_worker(state);
        } else {
            self.poller.wake(); // `mgm-events` looks from now on whether all workers are stuck
        }
    }

    pub(super) fn add_worker(self: &Arc<Link>, state: &mut MutexGuard<'_, State>) {
        let link = Arc::clone(self);
        match threads::spawn("mgm-worker", move || link.be_worker()) {
            Ok(()) => state.workers += 1,
            Err(error) => {
                // `mgm-events` logs it without the lock: the log callback may call the library.
                state.refused_worker = Some(error);
                self.poller.wake();
            }
        }
    }

    /// The main function of a worker.
    fn be_worker(self: &Arc<Link>) {
        // Also after a panic of the library, because MgmHostStop waits for all workers. The
        // panic hook has reported it.
        let _ = catch_unwind(AssertUnwindSafe(|| self.run_clients()));
        self.state.lock().workers -= 1;
        self.ended.notify_all();
    }

    /// Runs clients that wait for a worker.
    fn run_clients(self: &Arc<Link>) {
        let shell = Shell(self);
        let mut state = self.state.lock();
        while !state.is_over {
            if let Some(place) = state.ready.pop_front() {
                state.taken += 1;
                state = work(&shell, state, place);
                // When the run is over: what follows from an answer is then delivered in the order
                // in which the router sends it.
                self.send_acks(&mut state);
                continue;
            }
            state.idle += 1;
            let is_late = self.work.wait_for(&mut state, SPARE_LIFE).timed_out();
            state.idle -= 1;
            if is_late && state.ready.is_empty() && state.workers > BASE {
                return;
            }
        }
    }

    /// A callback has returned. The acknowledgement is sent with others, at the end of the run or
    /// when there are many.
    pub(super) fn acknowledge(&self, state: &mut MutexGuard<'_, State>, ack: Ack) {
        state.acks.push(ack);
        if state.acks.len() >= ACKS {
            self.send_acks(state);
        }
    }

    /// Sends the acknowledgements that wait.
    pub(super) fn send_acks(&self, state: &mut MutexGuard<'_, State>) {
        if state.acks.is_empty() || state.is_over {
            return;
        }
        MutexGuard::unlocked(state, || {
            let _order = self.sending.lock();
            let list = std::mem::take(&mut self.state.lock().acks);
            let mut bytes = Vec::new();
            for list in portions(list) {
                crate::frame::frame(&mut bytes, |to| Acks { list }.put(to));
            }
            // If the connection is broken, `mgm-events` notices.
            let _ = self.events.send_all(&bytes);
        });
    }
}
