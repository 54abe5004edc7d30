//! The delivery protocol under the interleavings of a few threads.
//!
//! Not under all: under each in which at most [`PREEMPTIONS`] times a thread is
//! stopped where it could have gone on. What needs more of them would go unseen.
//!
//! The queue is the real one; around it stands what `manager::delivery` and
//! `manager::workers` do with it, on loom's mutex and condition variables. In
//! each interleaving: notices are delivered in order and exactly once, one at a
//! time; a caller's are delivered when its call returns, unless somebody else is
//! bound to; a deregistration returns when no callback runs, and none follows;
//! nobody waits for ever and nothing is left.
//!
//! Planted faults prove that it would notice.

mod client;
#[allow(dead_code)]
#[path = "../../src/manager/queue.rs"]
mod queue;

use client::{Client, Fault, Outbox};
use loom::sync::Arc;
use loom::thread;
use queue::Lane;

/// As many as find every fault below.
const PREEMPTIONS: usize = 3;

fn explore(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(body);
}

/// Two threads call.
fn two_callers(fault: Fault) {
    explore(move || {
        let client = Client::new(fault);
        let other = Arc::clone(&client);
        let thread = thread::spawn(move || {
            other.call();
            other.call();
        });
        client.call();
        // Two changes, delivered after both.
        let mut outbox = Outbox::new();
        client.publish(Lane::Caller, &mut outbox);
        client.publish(Lane::Caller, &mut outbox);
        client.drain(outbox);
        thread.join().unwrap();
        client.check();
    });
}

/// One calls while upcalls come in, and a worker delivers those.
fn a_caller_and_a_worker(fault: Fault) {
    explore(move || {
        let client = Client::new(fault);
        let (working, calling) = (Arc::clone(&client), Arc::clone(&client));
        let worker = thread::spawn(move || working.work());
        let caller = thread::spawn(move || calling.call());
        client.upcall();
        client.call();
        caller.join().unwrap();
        end_worker(&client, worker);
        client.check();
    });
}

/// Two call while a worker delivers an upcall, whose callback makes a call: before
/// the worker goes on it has to see to what others are told.
fn a_worker_that_pauses(fault: Fault) {
    explore(move || {
        let client = Client::that_calls_in(1, fault);
        let (working, calling) = (Arc::clone(&client), Arc::clone(&client));
        client.upcall();
        let worker = thread::spawn(move || working.work());
        let caller = thread::spawn(move || calling.call());
        client.call();
        caller.join().unwrap();
        end_worker(&client, worker);
        client.check();
    });
}

/// Upcalls come in and no other worker is to be had than one that is late: a call
/// does what is a worker's, while another is made.
fn a_caller_that_adopts(fault: Fault) {
    explore(move || {
        let client = Client::without_workers(fault);
        let (working, calling) = (Arc::clone(&client), Arc::clone(&client));
        client.upcall();
        let caller = thread::spawn(move || calling.call());
        let worker = thread::spawn(move || working.work());
        client.upcall();
        client.call_for_others();
        caller.join().unwrap();
        end_worker(&client, worker);
        client.check();
    });
}

fn end_worker(client: &Client, worker: thread::JoinHandle<()>) {
    client.end_work();
    worker.join().unwrap();
}

/// One calls while the client leaves.
fn a_caller_and_a_leaver(fault: Fault) {
    explore(move || {
        let client = Client::new(fault);
        let calling = Arc::clone(&client);
        let caller = thread::spawn(move || {
            calling.call();
            calling.call();
        });
        client.publish(Lane::Caller, &mut Outbox::new());
        client.deregister();
        caller.join().unwrap();
        client.check_gone();
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
fn t8_4_a_caller_that_adopts() {
    a_caller_that_adopts(Fault::None);
}

#[test]
fn t1_6_a_caller_and_a_leaver() {
    a_caller_and_a_leaver(Fault::None);
}

#[test]
#[should_panic(expected = "lost")]
fn planted_an_offer_that_forgets_the_runner_is_seen() {
    // The runner may be past its last notice when it has not given up yet: that
    // it is running is no promise, unless it was told.
    explore(|| {
        let client = Client::new(Fault::OfferForgetsRunner);
        let other = Arc::clone(&client);
        let thread = thread::spawn(move || other.call());
        client.call();
        thread.join().unwrap();
        client.check();
    });
}

#[test]
#[should_panic]
fn planted_two_runners_are_seen() {
    two_callers(Fault::TwoRunners);
}

#[test]
#[should_panic]
fn planted_a_worker_that_nobody_schedules_is_seen() {
    a_caller_and_a_worker(Fault::NobodyScheduled);
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
fn planted_a_worker_that_pauses_and_stays_the_runner_is_seen() {
    a_worker_that_pauses(Fault::PauseStaysRunner);
}

#[test]
#[should_panic]
fn planted_a_pause_that_schedules_nobody_is_seen() {
    a_worker_that_pauses(Fault::PauseSchedulesNobody);
}

#[test]
#[should_panic(expected = "undelivered")]
fn planted_an_adoption_that_the_queue_does_not_know_of_is_seen() {
    a_caller_that_adopts(Fault::AdoptedInName);
}

#[test]
#[should_panic(expected = "lost")]
fn planted_an_adoption_for_nothing_is_seen() {
    a_caller_that_adopts(Fault::AdoptedForNothing);
}
