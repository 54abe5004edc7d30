//! The thread that knows what time it is: expiry, second tries, spare workers.

use super::queue::Lane;
use super::state::Run;
use super::Manager;
use crate::engine::Effects;
use crate::types::Time;
use std::time::Duration;

/// How often it looks whether the workers are stuck, while clients wait.
const RELIEF_MS: u64 = 5;
/// How many MFEs end with the lock held before others get it.
const BATCH: usize = 256;
/// With nothing to do it sleeps so long.
const LONG_MS: u64 = 3_600_000;

/// Starts one of MGM's own threads. False, with a log line, if the system refuses.
pub(super) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> bool {
    match crate::threads::spawn(name, body) {
        Ok(()) => true,
        Err(error) => {
            ::log::error!(
                "cannot start a thread ({error}): callbacks are late; raise the limit of threads \
                 (ulimit -u)"
            );
            false
        }
    }
}

impl Manager {
    /// Makes sure that the timer wakes up in time for what the state wants.
    pub(super) fn set_alarm(&self, run: &mut Run) {
        let Some(due) = due(run) else { return };
        if !run.timer_runs {
            let manager = self.clone();
            run.timer_runs = spawn("mgm-timer", move || manager.keep_time());
        } else if run.timer_due.is_some_and(|planned| due < planned) {
            run.timer_due = Some(due);
            self.shared.alarm.notify_one();
        }
    }

    /// The timer's life.
    fn keep_time(&self) {
        let mut guard = self.lock();
        while let Some(run) = guard.running() {
            let now = run.now();
            if run.engine.next_deadline().is_some_and(|due| due <= now) {
                let mut fx = Effects::default();
                let Run { engine, world, .. } = run;
                engine.tick(
                    now,
                    BATCH,
                    |flow| world.counters(flow).map(|counters| counters.packets),
                    &mut fx,
                );
                self.publish(&mut guard, &mut fx, Lane::Worker);
                drop(guard); // between two batches others get the lock
                self.pass_on();
                guard = self.lock();
                continue;
            }
            run.world.try_again(&mut run.engine, now);
            self.relieve(run);
            if super::log::is_waiting() {
                // Who sleeps with the lock in mind writes no lines.
                drop(guard);
                self.pass_on();
                guard = self.lock();
                continue;
            }
            let Some(run) = guard.running() else { break };
            let due = due(run).unwrap_or(Time(now.0 + LONG_MS));
            run.timer_due = Some(due);
            guard.wait_for(&self.shared.alarm, Duration::from_millis(due.since(now).max(1)));
        }
        if let Some(run) = guard.run.as_mut() {
            run.timer_runs = false;
        }
        self.shared.ended.notify_all();
    }
}

/// When the timer has something to do next.
fn due(run: &Run) -> Option<Time> {
    let relief = run.pool.is_short().then(|| Time(run.now().0 + RELIEF_MS));
    [run.engine.next_deadline(), run.world.next_try(), relief].into_iter().flatten().min()
}
