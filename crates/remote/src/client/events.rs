//! The thread `mgm-events`: it reads callbacks and puts them into the queues of their clients.

use super::state::{Arrived, State};
use super::{Link, Place};
use crate::frame::FrameReader;
use crate::messages::{decode, Callback};
use mgm_dispatch::{Bounds, Pushed, BOUNDS};
use mgm_engine::Notice;
use parking_lot::MutexGuard;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often to look for acknowledgements that are late, because a callback that does not return
/// holds them back, and whether all workers are stuck while clients wait for one.
const LOOK: Duration = Duration::from_millis(20);

/// How many workers are added at a time.
const STEP: usize = 256;

/// How many bytes are read at a time.
const PIECE: usize = 64 << 10;

impl Link {
    /// The main function of the thread.
    pub(super) fn be_reader(self: &Arc<Link>, reader: FrameReader) {
        // MgmHostStop waits for this thread, also after a panic of the library or of the program's
        // callback. The panic hook has reported it.
        if catch_unwind(AssertUnwindSafe(|| self.read_events(reader))).is_err() {
            self.lose();
        }
        if self.state.lock().is_lost {
            let _ = catch_unwind(AssertUnwindSafe(|| self.report_loss()));
        }
        self.state.lock().has_events = false;
        self.ended.notify_all();
    }

    /// Reads callbacks until the connection is over.
    fn read_events(self: &Arc<Link>, mut reader: FrameReader) {
        let (mut piece, mut ready, mut taken) = (vec![0; PIECE], Vec::new(), 0);
        let mut next_look = Instant::now();
        let mut next_line = Instant::now();
        loop {
            if self.take_callbacks(&mut reader).is_err() {
                log::error!("the router has sent a malformed message: the connection is closed");
                break;
            }
            ready.clear();
            self.poller.wait(self.patience(), &mut ready);
            if ready.is_empty() && self.state.lock().is_over {
                return; // disconnected by this process
            }
            self.log_refused_worker(&mut next_line);
            // Callbacks may arrive without a pause.
            if Instant::now() >= next_look {
                self.look_after_workers(&mut taken);
                next_look = Instant::now() + LOOK;
            }
            if ready.is_empty() {
                continue;
            }
            match self.events.receive(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(count) => reader.add(&piece[..count]),
            }
        }
        self.lose();
    }

    /// How long to wait for callbacks.
    fn patience(&self) -> Option<Duration> {
        let state = self.state.lock();
        let has_some = || state.clients.values().any(|one| one.queue.is_running());
        // A client that is ready may run before this thread looks again.
        let is_busy = !state.ready.is_empty() || !state.acks.is_empty() || has_some();
        is_busy.then_some(LOOK)
    }

    /// Sends acknowledgements that are late. Adds workers if clients wait, and the workers have
    /// taken none since the last look.
    fn look_after_workers(self: &Arc<Link>, taken: &mut u64) {
        let mut state = self.state.lock();
        self.send_acks(&mut state);
        if std::mem::replace(taken, state.taken) != state.taken {
            return;
        }
        let short = state.ready.len().saturating_sub(state.idle).min(STEP);
        for _ in 0..short {
            self.add_worker(&mut state);
        }
    }

    /// Logs that a worker cannot be started, at most once in a minute.
    fn log_refused_worker(&self, next_line: &mut Instant) {
        let Some(error) = self.state.lock().refused_worker.take() else { return };
        if Instant::now() >= *next_line {
            *next_line = Instant::now() + Duration::from_secs(60);
            log::error!(
                "cannot start a worker thread ({error}): callbacks are late; raise the limit on \
                 threads (ulimit -u)"
            );
        }
    }

    /// Takes the callbacks that have arrived.
    fn take_callbacks(self: &Arc<Link>, reader: &mut FrameReader) -> Result<(), ()> {
        let mut state = self.state.lock();
        while let Some(message) = reader.take().map_err(drop)? {
            let callback: Callback = decode(message).map_err(drop)?;
            self.take_callback(&mut state, callback);
        }
        drop(state);
        self.arrived.notify_all();
        Ok(())
    }

    fn take_callback(self: &Arc<Link>, state: &mut MutexGuard<'_, State>, callback: Callback) {
        let Callback { client, number, cause, body } = callback;
        state.causes.receive();
        if state.is_over {
            return;
        }
        let arrived = Arrived { client, number, notice: Notice::from(body) };
        match state.places.get(&client) {
            Some(&place) => self.queue(state, place, cause, arrived),
            // Its registration has not been answered yet, or it was deregistered.
            None if state.registering > 0 => state.early.entry(client).or_default().push(arrived),
            None => {}
        }
    }

    /// Puts a callback into the queue of its client.
    pub(super) fn queue(
        self: &Arc<Link>,
        state: &mut MutexGuard<'_, State>,
        place: Place,
        cause: u64,
        arrived: Arrived,
    ) {
        const HERE: Bounds = Bounds { waiting: usize::MAX, ..BOUNDS };
        let State { clients, causes, .. } = &mut **state;
        let Some(record) = clients.get_mut(&place) else { return };
        causes.queue(place, cause, |of| match record.queue.push(&HERE, of, arrived) {
            Pushed::Queued(number) => Some(number),
            _ => None,
        });
        let needs_worker = record.queue.needs_worker();
        if needs_worker {
            self.schedule(state, place);
        }
    }
}

#[cfg(test)]
mod tests;
