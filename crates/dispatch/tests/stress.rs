//! Runs the dispatcher with real threads, with the clients of the delivery model and bounds of 2: callers,
//! threads of the library and workers make thousands of steps. This finds faults that need more
//! preemptions than `delivery_model` tries.

#[path = "delivery_model/client.rs"]
#[expect(dead_code, reason = "the delivery model uses the rest")]
mod client;

/// The locks of the clients.
mod sync {
    pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};
}

use client::{Desk, Fault, Hand};
use std::sync::Arc;
use std::thread;

const CALLERS: u64 = 4;
const LIBRARY_THREADS: u64 = 2;
const WORKERS: usize = 3;
const CALLS: usize = 5000;

/// Reproducible random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % end
    }

    /// Up to four changes. Each has a subject, and the client that must be told.
    fn changes(&mut self) -> Vec<(usize, usize)> {
        (0..1 + self.below(4)).map(|_| (self.below(3), self.below(3))).collect()
    }
}

fn stress(desk: &Arc<Desk>, seed: u64) {
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..WORKERS).map(|_| scope.spawn(|| Hand::worker(desk).work())).collect();
        let callers: Vec<_> = (1..=CALLERS + LIBRARY_THREADS)
            .map(|number| scope.spawn(move || make_changes(desk, number, seed)))
            .collect();
        for caller in callers {
            caller.join().unwrap();
        }
        desk.end_work();
        for worker in workers {
            worker.join().unwrap();
        }
    });
    desk.check();
}

fn make_changes(desk: &Arc<Desk>, number: u64, seed: u64) {
    let (hand, mut random) = (Hand::caller(desk, number), Random(number << 32 | seed));
    for _ in 0..CALLS {
        let changes = random.changes();
        if number <= CALLERS {
            hand.call(&changes);
        } else {
            changes.iter().for_each(|&(client, thing)| hand.upcall(client, thing));
        }
    }
}

#[test]
fn t8_2_many_threads_change_things_at_once() {
    let mut fell_behind = false;
    for seed in 0..5 {
        let desk = Desk::new(Fault::None);
        stress(&desk, seed);
        fell_behind |= (0..3).any(|client| desk.heard(client).1);
    }
    assert!(fell_behind, "no client was ever behind");
}

#[test]
fn t8_1_many_threads_change_things_at_once_and_callbacks_make_calls() {
    for seed in 5..10 {
        stress(&Desk::that_calls_back(Fault::None), seed);
    }
}

#[test]
fn t8_3_many_threads_change_things_at_once_and_answers_cause_callbacks() {
    for seed in 10..15 {
        stress(&Desk::that_answers(Fault::None), seed);
    }
}

/// A run may pass in spite of a fault, if each client happens to know the current state in the end. One
/// run in eight did, so a hundred runs do not.
fn stress_until_seen(fault: Fault) {
    (15..115).for_each(|seed| stress(&Desk::new(fault), seed));
}

#[test]
#[should_panic]
fn planted_a_worker_that_nobody_schedules_is_seen() {
    stress_until_seen(Fault::NobodyScheduled);
}

#[test]
#[should_panic]
fn planted_a_word_of_the_past_is_seen() {
    stress_until_seen(Fault::ToldOfThePast);
}
