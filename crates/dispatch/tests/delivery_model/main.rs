//! Runs the dispatcher through the interleavings of a few threads.
//!
//! Only interleavings with at most [`PREEMPTIONS`] preemptions are tried: a thread is stopped so many
//! times although it could go on. A fault that needs more of them is not found.
//!
//! The dispatcher is the real one, with bounds of 2. Three clients use it with loom's mutex and
//! condition variables. In each interleaving, the model checks that
//!
//! - callbacks are made in order and one at a time,
//! - when a call returns, its callbacks were made, or another thread is about to make them,
//! - no call makes more than two callbacks of its own and two of others,
//! - a client that falls behind knows the current state in the end,
//! - a deregistration returns when no callback is running, and none follows,
//! - no thread waits for ever, and no callback is left.
//!
//! Planted faults prove that it finds faults.

mod client;

/// The locks of the clients.
mod sync {
    pub use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
}

use client::{Desk, Fault, Hand};
use loom::sync::Arc;
use loom::thread;
use std::sync::atomic::{AtomicBool, Ordering};

/// The least number that finds each fault below.
const PREEMPTIONS: usize = 3;

fn explore(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(body);
}

/// A worker, and the thread that ends it.
fn worker(desk: &Arc<Desk>) -> impl FnOnce() {
    let of_worker = Arc::clone(desk);
    let thread = thread::spawn(move || Hand::worker(&of_worker).work());
    let desk = Arc::clone(desk);
    move || {
        desk.end_work();
        thread.join().unwrap();
    }
}

/// A thread that calls.
fn caller(
    desk: &Arc<Desk>,
    number: u64,
    body: impl FnOnce(&Hand) + 'static,
) -> thread::JoinHandle<()> {
    let desk = Arc::clone(desk);
    thread::spawn(move || body(&Hand::caller(&desk, number)))
}

/// Two threads call, and no bound is reached.
fn two_callers(fault: Fault) {
    explore(move || {
        let desk = Desk::new(fault);
        let other = caller(&desk, 1, |hand| hand.call(&[(0, 0)]));
        Hand::caller(&desk, 2).call(&[(1, 1), (0, 1)]);
        other.join().unwrap();
        desk.check();
        assert_eq!((desk.heard(0), desk.heard(1)), ((2, false), (1, false)));
    });
}

/// A thread calls while upcalls arrive, which a worker delivers.
fn a_caller_and_a_worker(fault: Fault) {
    explore(move || {
        let desk = Desk::new(fault);
        let end_worker = worker(&desk);
        let other = caller(&desk, 1, |hand| hand.call(&[(0, 1)]));
        Hand::caller(&desk, 2).upcall(0, 0);
        other.join().unwrap();
        end_worker();
        desk.check();
        assert_eq!(desk.heard(0), (2, false));
    });
}

/// A worker delivers an upcall, whose callback makes a call. Before the worker goes on, it has to
/// deliver the callbacks of others that this call has caused.
fn a_worker_that_pauses(fault: Fault) {
    explore(move || {
        let desk = Desk::that_calls_back(fault);
        let hand = Hand::caller(&desk, 2);
        hand.upcall(0, 0);
        let end_worker = worker(&desk);
        hand.call(&[(0, 1)]);
        end_worker();
        desk.check();
        assert_eq!((desk.heard(0), desk.heard(1)), ((2, false), (2, false)));
    });
}

/// A thread inside a callback has made changes, and does not return. Other threads have callbacks for
/// the same client, which is behind.
fn a_caller_that_is_stuck(fault: Fault) {
    explore(move || {
        let desk = Desk::new(fault);
        let end_worker = worker(&desk);
        let other = caller(&desk, 1, |hand| hand.call(&[(0, 0)]));
        let stuck = Hand::caller(&desk, 2);
        stuck.begin_call(0, 0);
        stuck.begin_call(0, 1);
        Hand::caller(&desk, 3).call(&[(0, 2)]);
        other.join().unwrap();
        end_worker();
        desk.check();
    });
}

/// Upcalls arrive, and the only worker is late: one call does the work of a worker, while another call
/// is made.
fn a_caller_that_adopts(fault: Fault) {
    explore(move || {
        let desk = Desk::without_workers(fault);
        let hand = Hand::caller(&desk, 2);
        hand.upcall(0, 0);
        let other = caller(&desk, 1, |hand| hand.call(&[(0, 1)]));
        let end_worker = worker(&desk);
        hand.call_for_nothing();
        other.join().unwrap();
        end_worker();
        desk.check();
    });
}

/// Two calls with more callbacks than one call makes. The client falls behind.
fn a_client_that_falls_behind(fault: Fault) {
    explore(move || {
        let desk = Desk::new(fault);
        let end_worker = worker(&desk);
        let other = caller(&desk, 1, |hand| hand.call(&[(0, 0), (0, 1), (0, 2)]));
        Hand::caller(&desk, 2).call(&[(0, 1), (0, 0)]);
        other.join().unwrap();
        end_worker();
        desk.check();
        FALLEN_BEHIND.fetch_or(desk.heard(0).1, Ordering::Relaxed);
    });
    assert!(FALLEN_BEHIND.load(Ordering::Relaxed), "it never was");
}

static FALLEN_BEHIND: AtomicBool = AtomicBool::new(false);

/// A call whose callbacks cause more callbacks than one call makes.
fn a_call_that_goes_on(fault: Fault) {
    explore(move || {
        let desk = Desk::that_calls_back(fault);
        let end_worker = worker(&desk);
        let other = caller(&desk, 1, |hand| hand.call(&[(0, 0), (1, 1)]));
        Hand::caller(&desk, 2).call(&[(0, 0)]);
        other.join().unwrap();
        end_worker();
        desk.check();
    });
}

/// The answers to callbacks cause further callbacks of the client, while another thread has callbacks
/// for it, too.
fn answers_that_cause_callbacks(fault: Fault) {
    explore(move || {
        let desk = Desk::that_answers(fault);
        let end_worker = worker(&desk);
        let other = caller(&desk, 1, |hand| hand.call(&[(0, 2)]));
        Hand::caller(&desk, 2).call(&[(0, 0)]);
        other.join().unwrap();
        end_worker();
        desk.check();
    });
}

/// A call has reached its bound, but has further callbacks for a client that another thread is
/// running.
fn a_rest_for_a_client_that_runs(fault: Fault) {
    explore(move || {
        let desk = Desk::new(fault);
        let end_worker = worker(&desk);
        let other = caller(&desk, 1, |hand| hand.call(&[(0, 0)]));
        Hand::caller(&desk, 2).call(&[(1, 0), (1, 1), (2, 0), (0, 1)]);
        other.join().unwrap();
        end_worker();
        desk.check();
    });
}

/// A thread calls while the client deregisters.
fn a_caller_and_a_leaver(fault: Fault) {
    explore(move || {
        let desk = Desk::new(fault);
        let other = caller(&desk, 1, |hand| {
            hand.call(&[(0, 0)]);
            hand.call(&[(0, 0)]);
        });
        let hand = Hand::caller(&desk, 2);
        hand.begin_call(0, 1);
        hand.deregister();
        other.join().unwrap();
        desk.check_gone();
    });
}

#[test]
fn t8_2_two_callers() {
    two_callers(Fault::None);
}

#[test]
fn t8_4_a_caller_and_a_worker() {
    a_caller_and_a_worker(Fault::None);
}

#[test]
fn t8_4_a_worker_that_pauses() {
    a_worker_that_pauses(Fault::None);
}

#[test]
fn t8_4_a_caller_that_is_stuck() {
    a_caller_that_is_stuck(Fault::None);
}

#[test]
fn t8_3_a_caller_that_adopts() {
    a_caller_that_adopts(Fault::None);
}

#[test]
fn t8_9_a_client_that_falls_behind() {
    a_client_that_falls_behind(Fault::None);
}

#[test]
fn t8_3_a_call_that_goes_on() {
    a_call_that_goes_on(Fault::None);
}

#[test]
fn t8_3_answers_that_cause_callbacks() {
    answers_that_cause_callbacks(Fault::None);
}

#[test]
fn t8_3_a_rest_for_a_client_that_runs() {
    a_rest_for_a_client_that_runs(Fault::None);
}

#[test]
fn t1_6_a_caller_and_a_leaver() {
    a_caller_and_a_leaver(Fault::None);
}

#[test]
#[should_panic(expected = "undelivered")]
fn planted_a_ticket_that_is_forgotten_is_seen() {
    two_callers(Fault::TicketForgotten);
}

#[test]
#[should_panic]
fn planted_a_worker_that_nobody_schedules_is_seen() {
    a_caller_and_a_worker(Fault::NobodyScheduled);
}

#[test]
#[should_panic]
fn planted_a_pause_that_schedules_nobody_is_seen() {
    a_worker_that_pauses(Fault::NobodyScheduled);
}

#[test]
#[should_panic]
fn planted_a_bound_that_schedules_nobody_is_seen() {
    a_call_that_goes_on(Fault::NobodyScheduled);
}

#[test]
#[should_panic(expected = "without end")]
fn planted_a_call_that_works_without_end_is_seen() {
    a_call_that_goes_on(Fault::NoBounds);
}

#[test]
#[should_panic(expected = "truth")]
fn planted_a_word_of_the_past_is_seen() {
    a_client_that_falls_behind(Fault::ToldOfThePast);
}

#[test]
#[should_panic(expected = "deadlock")]
fn planted_a_lost_wake_up_is_seen() {
    a_caller_and_a_leaver(Fault::NoWakeUp);
}

#[test]
#[should_panic(expected = "after the client has gone")]
fn planted_a_queue_that_is_not_closed_is_seen() {
    a_caller_and_a_leaver(Fault::NotClosed);
}

#[test]
#[should_panic(expected = "inside a callback")]
fn planted_a_deregistration_that_does_not_wait_is_seen() {
    a_caller_and_a_leaver(Fault::NoWait);
}

#[test]
#[should_panic(expected = "lost")]
fn planted_an_adoption_for_nothing_is_seen() {
    a_caller_that_adopts(Fault::AdoptedForNothing);
}
