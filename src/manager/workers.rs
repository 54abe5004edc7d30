//! The threads that make the callbacks of upcalls, timers and route changes.
//!
//! A client is run by one thread at a time, so at most as many workers are
//! stuck in callbacks as there are clients. Two are usually enough; if all are
//! stuck while others wait, the timer adds more ([`Manager::relieve`]).

use super::queue::Lane;
use super::state::Run;
use super::Manager;
use crate::engine::ClientId;
use std::collections::VecDeque;
use std::time::Duration;

/// As many are started without asking whether the others are stuck.
const BASE: usize = 2;
/// A worker beyond these that has nothing to do for so long goes.
const SPARE_LIFE: Duration = Duration::from_secs(10);
/// At the most so many are added at a time.
const STEP: usize = 256;

/// The workers and those who wait for them.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Clients that wait to be run, first come, first served.
    ready: VecDeque<ClientId>,
    idle: usize,
    total: usize,
    /// How many clients were ever taken up: shows whether anything moves.
    taken: u64,
    taken_before: u64,
}

impl Pool {
    #[cfg(test)]
    pub fn idle(&self) -> usize {
        self.idle
    }

    /// Whether there is no worker.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Whether more clients wait than there are idle workers. Those that have
    /// been woken up for a client count as idle until they have taken it.
    pub fn is_short(&self) -> bool {
        self.ready.len() > self.idle
    }
}

impl Manager {
    /// Has a worker run the client.
    pub(super) fn schedule(&self, run: &mut Run, client: ClientId) {
        run.pool.ready.push_back(client);
        if !run.pool.is_short() {
            self.shared.work.notify_one();
        } else if run.pool.total < BASE {
            self.add_worker(&mut run.pool);
        }
        // Should all workers be stuck, the timer has to see it.
        self.set_alarm(run);
    }

    /// Adds workers if nothing has moved since the last time it was asked.
    pub(super) fn relieve(&self, run: &mut Run) {
        let pool = &mut run.pool;
        let stuck = pool.taken == pool.taken_before;
        pool.taken_before = pool.taken;
        if pool.is_short() && stuck {
            for _ in 0..pool.ready.len().min(STEP) {
                self.add_worker(pool);
            }
        }
    }

    fn add_worker(&self, pool: &mut Pool) {
        let manager = self.clone();
        if super::timer::spawn("mgm-worker", move || manager.work()) {
            pool.total += 1;
        }
    }

    /// A worker's life.
    fn work(&self) {
        let mut guard = self.lock();
        while let Some(run) = guard.running() {
            let Some(client) = run.pool.ready.pop_front() else {
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
            let runs =
                run.clients.get_mut(&client).is_some_and(|record| record.queue.start_worker());
            if runs {
                self.run_queue(guard, client, Lane::Worker);
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
