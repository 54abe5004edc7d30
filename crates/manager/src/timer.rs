//! The timer thread: expiry, retries, additional workers.

use super::dispatch::Lane;
use super::state::{Run, NEVER};
use super::Manager;
use crate::types::Time;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

/// How often it checks whether the workers are stuck, while clients wait.
const RELIEF_MS: u64 = 5;
/// How many MFEs expire before other threads get the lock.
const BATCH: usize = 256;
/// The pause after a panic.
const PAUSE: Duration = Duration::from_secs(1);
/// How long it sleeps if there is nothing to do.
const LONG_MS: u64 = 3_600_000;

/// The timer is about to look for work, so no deadline has to wake it up.
const NOW: Time = Time(0);

impl Manager {
    /// Makes sure that the timer wakes up in time for the next deadline. Most calls set none.
    #[inline]
    pub(super) fn set_alarm(&self, run: &mut Run) {
        let Run { engine, system, pool, timer_due, .. } = run;
        if pool.is_short() || engine.is_due_before(*timer_due) || system.may_try_again() {
            self.move_alarm(run);
        }
    }

    #[cold]
    #[inline(never)]
    fn move_alarm(&self, run: &mut Run) {
        let Some(due) = due(run) else { return };
        if due >= run.timer_due {
            return;
        }
        if run.timer_runs {
            run.timer_due = due;
            self.shared.alarm.notify_one();
            return;
        }
        let manager = self.clone();
        if self.add_thread(run, "mgm-timer", move || manager.be_timer()) {
            run.timer_runs = true;
            run.timer_due = NOW;
        }
    }

    /// The main function of the timer, which a panic does not end (spec 8.5).
    fn be_timer(&self) {
        while catch_unwind(AssertUnwindSafe(|| self.keep_time())).is_err() {
            ::log::error!("internal error: a panic in the timer; please report it");
            // So that repeated panics do not make it spin.
            let mut guard = self.lock();
            if let Some(run) = guard.running() {
                run.timer_due = NOW;
                guard.wait_for(&self.shared.alarm, PAUSE);
            }
        }
    }

    fn keep_time(&self) {
        let mut guard = self.lock();
        let mut looked = Time(0);
        while let Some(run) = guard.running() {
            let now = run.now();
            let is_due = run.engine.next_deadline().is_some_and(|due| due <= now);
            if is_due {
                let Run { engine, system, fx, .. } = run;
                engine.tick(now, BATCH, |flow| system.packets(flow), fx);
                self.publish(&mut guard, Lane::Worker);
                drop(guard); // between two batches others get the lock
                self.pass_on();
                guard = self.lock();
                if now.since(looked) < RELIEF_MS {
                    continue;
                }
            }
            // This is done every RELIEF_MS, even while the engine always has MFEs to expire.
            looked = now;
            let Some(run) = guard.running() else { break };
            run.system.try_again(&mut run.engine, now);
            self.relieve(run);
            let asked;
            (guard, asked) = self.retry_lookups(guard);
            if asked || is_due {
                continue;
            }
            if super::log::is_waiting() {
                // Do not log while holding the lock: the log callback may sleep.
                drop(guard);
                self.pass_on();
                guard = self.lock();
                continue;
            }
            let Some(run) = guard.running() else { break };
            let due = due(run).unwrap_or(Time(now.0 + LONG_MS));
            run.timer_due = due;
            guard.wait_for(&self.shared.alarm, Duration::from_millis(due.since(now).max(1)));
        }
        if let Some(run) = guard.run.as_mut() {
            run.timer_runs = false;
            run.timer_due = NEVER;
        }
        self.shared.ended.notify_all();
    }
}

/// When the timer has something to do next.
#[inline]
fn due(run: &Run) -> Option<Time> {
    let due = Time::sooner(run.engine.next_deadline(), run.system.next_try());
    if run.pool.is_short() {
        Time::sooner(due, Some(relief(run)))
    } else {
        due
    }
}

/// When to look whether the workers are stuck.
#[cold]
fn relief(run: &Run) -> Time {
    let soon = Time(run.now().0 + RELIEF_MS);
    run.pool.refused_until.map_or(soon, |end| soon.max(end))
}
