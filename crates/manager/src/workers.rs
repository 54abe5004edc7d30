//! The threads that make the callbacks of upcalls, timers and route changes.
//!
//! A client is run by one thread at a time, so at most as many workers are
//! stuck in callbacks as there are clients. Two are usually enough; if all are
//! stuck while others wait, the timer adds more ([`Manager::relieve`]).

use super::client_records::ClientPlace;
use super::context;
use super::dispatch::{self, Ticket, BOUNDS};
use super::shell::Shell;
use super::state::Run;
use super::Manager;
use crate::types::Time;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

/// How many workers are started without checking whether the others are stuck.
const BASE: usize = 2;
/// An additional worker ends after this time without work.
const SPARE_LIFE: Duration = Duration::from_secs(10);
/// The time until the next attempt after the system could not start a thread.
const REFUSED_MS: u64 = 1000;
/// The most workers that are added at a time.
const STEP: usize = 256;

impl Manager {
    /// Puts the client on the list of those that wait for a worker. Callbacks of a client in
    /// another process are posted instead, as far as there is room.
    pub(super) fn schedule_at(&self, run: &mut Run, place: ClientPlace) {
        if let Some(record) = run.clients.at(place).filter(|record| record.posted.is_some()) {
            record.queue.unschedule();
            return run.post_waiting(place);
        }
        run.pool.ready.push_back(place);
        if !run.pool.is_short() {
            self.shared.work.notify_one();
        } else if run.pool.total < BASE {
            self.add_worker(run);
        }
        // The timer adds workers if all are stuck.
        self.set_alarm(run);
    }

    /// Adds workers if no worker has made progress since the last call.
    pub(super) fn relieve(&self, run: &mut Run) {
        let pool = &mut run.pool;
        let stuck = pool.taken == pool.taken_before;
        pool.taken_before = pool.taken;
        if pool.is_short() && stuck {
            for _ in 0..run.pool.ready.len().min(STEP) {
                self.add_worker(run);
            }
        }
    }

    fn add_worker(&self, run: &mut Run) {
        let manager = self.clone();
        if self.add_thread(run, "mgm-worker", move || manager.work()) {
            run.pool.total += 1;
        }
    }

    /// Starts a thread of the library. False, with a log message from time to time, if the system
    /// cannot start it.
    pub(super) fn add_thread(
        &self,
        run: &mut Run,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> bool {
        let now = run.now();
        let pool = &mut run.pool;
        if pool.refused_until.is_some_and(|end| now < end) {
            return false;
        }
        let started = crate::threads::spawn(name, body);
        pool.refused_until = None;
        if let Err(error) = &started {
            pool.refused_until = Some(Time(now.0 + REFUSED_MS));
            // Calls of `packet_in` wait for workers, and must now continue without them.
            self.shared.ended.notify_all();
            ::log::error!(
                "cannot start a worker thread ({error}): callbacks are late; raise the limit on \
                 threads (ulimit -u)"
            );
        }
        started.is_ok()
    }

    /// If the system cannot start a worker, the threads that call the library make the workers'
    /// callbacks: otherwise these would never be made.
    #[inline]
    pub(super) fn adopt(&self, run: &mut Run) {
        if Manager::has_no_worker(run) {
            Manager::adopt_some(run, BOUNDS.others);
        }
    }

    /// Takes at most as many clients as a call makes callbacks for others. Takes none inside a
    /// callback, which may never return: the outermost call takes them later.
    #[cold]
    fn adopt_some(run: &mut Run, most: usize) {
        if context::inside().is_some() {
            return context::outbox(|outbox| outbox.adopts_later = true);
        }
        for _ in 0..most {
            let Some(place) = run.pool.ready.pop_front() else { break };
            if !context::outbox(|outbox| outbox.push(&BOUNDS, Ticket { place, number: None })) {
                return run.pool.ready.push_front(place);
            }
        }
    }

    /// Whether callers must do what waits for a worker.
    pub(super) fn has_no_worker(run: &Run) -> bool {
        run.pool.refused_until.is_some() && run.pool.is_short()
    }

    /// The main function of a worker, which a panic of the library does not end (spec 8.5).
    fn work(&self) {
        while catch_unwind(AssertUnwindSafe(|| self.serve())).is_err() {
            ::log::error!("internal error: a panic in a worker; please report it");
        }
    }

    fn serve(&self) {
        let shell = Shell(self);
        let mut guard = self.lock();
        while let Some(run) = guard.running() {
            let Some(place) = run.pool.ready.pop_front() else {
                run.pool.idle += 1;
                let woken = guard.wait_for(&self.shared.work, SPARE_LIFE);
                let Some(run) = guard.run.as_mut() else { break };
                run.pool.idle -= 1;
                if !woken && run.pool.ready.is_empty() && run.pool.total > BASE {
                    break;
                }
                continue;
            };
            run.pool.taken += 1;
            guard = dispatch::work(&shell, guard, place);
            if context::owes() {
                drop(guard);
                self.drain(); // calls made inside those callbacks
                guard = self.lock();
            }
        }
        if let Some(run) = guard.run.as_mut() {
            run.pool.total -= 1;
        }
        // A stop waits for the workers.
        self.shared.ended.notify_all();
    }
}
