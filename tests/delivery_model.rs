//! The delivery protocol under every interleaving of a few threads.
//!
//! The queue is the real one; around it stands what `manager::delivery` and
//! `manager::workers` do with it, on loom's mutex and condition variables. In
//! each interleaving: notices are delivered in order and exactly once, one at a
//! time; a caller's are delivered when its call returns, unless somebody else is
//! bound to; a deregistration returns when no callback runs, and none follows;
//! nobody waits for ever and nothing is left.
//!
//! Planted faults prove that it would notice.

#[allow(dead_code)]
#[path = "../src/manager/queue.rs"]
mod queue;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
use loom::thread;
use queue::{Lane, Queue};

/// What is wrong with the queue, or with its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// An offer to a queue that is being run does not tell its runner.
    OfferForgetsRunner,
    /// Every offer makes a runner.
    TwoRunners,
    /// A runner that stops does not look whether a worker is due.
    NobodyScheduled,
    /// Nothing wakes up whoever waits for a callback to end.
    NoWakeUp,
    /// Deregistration leaves the queue as it is.
    NotClosed,
    /// Deregistration does not wait.
    NoWait,
}

struct State {
    queue: Queue<u64>,
    /// On the workers' list.
    ready: usize,
    pushed: u64,
    delivered: Vec<u64>,
    gone: bool,
    removed: bool,
    waiters: usize,
    over: bool,
}

/// One client's record, and the conditions of the manager.
struct Client {
    state: Mutex<State>,
    ended: Condvar,
    work: Condvar,
    /// Whether a callback is running, and whether one may.
    inside: AtomicBool,
    forbidden: AtomicBool,
    fault: Fault,
}

type Guard<'a> = MutexGuard<'a, State>;

impl Client {
    fn new(fault: Fault) -> Arc<Client> {
        let state = State {
            queue: Queue::default(),
            ready: 0,
            pushed: 0,
            delivered: Vec::new(),
            gone: false,
            removed: false,
            waiters: 0,
            over: false,
        };
        Arc::new(Client {
            state: Mutex::new(state),
            ended: Condvar::new(),
            work: Condvar::new(),
            inside: AtomicBool::new(false),
            forbidden: AtomicBool::new(false),
            fault,
        })
    }

    fn lock(&self) -> Guard<'_> {
        self.state.lock().unwrap()
    }

    fn schedule(&self, state: &mut State) {
        state.ready += 1;
        self.work.notify_one();
    }

    /// A change of state that the client is told of; its ticket.
    fn publish(&self, lane: Lane) -> u64 {
        let mut state = self.lock();
        if state.gone {
            return 0;
        }
        state.pushed += 1;
        let number = state.pushed;
        let ticket = state.queue.push(number);
        assert_eq!(ticket, number);
        if lane == Lane::Worker && state.queue.leave_to_worker(ticket) {
            self.schedule(&mut state);
        }
        ticket
    }

    /// A call: the change, then its delivery.
    fn call(&self) {
        let ticket = self.publish(Lane::Caller);
        self.deliver(ticket);
    }

    fn deliver(&self, ticket: u64) {
        let mut state = self.lock();
        if state.removed {
            return;
        }
        let forgets = self.fault == Fault::OfferForgetsRunner && state.queue.is_running();
        let runs = !forgets && state.queue.offer(ticket) || self.fault == Fault::TwoRunners;
        if runs {
            self.run(state, Lane::Caller);
            state = self.lock();
        }
        let is_delivered = state.delivered.contains(&ticket) || state.gone;
        let bound = state.queue.is_running() || state.ready > 0;
        assert!(is_delivered || bound, "a call returned with its notice undelivered");
    }

    fn run<'a>(&'a self, mut state: Guard<'a>, lane: Lane) {
        while let Some(notice) = state.queue.next(lane) {
            assert!(!state.gone, "a callback begins after the client has gone");
            drop(state);
            assert!(!self.inside.swap(true, Ordering::SeqCst), "two callbacks at a time");
            let is_forbidden = self.forbidden.load(Ordering::SeqCst);
            assert!(!is_forbidden, "a callback after the deregistration");
            self.inside.store(false, Ordering::SeqCst);
            state = self.lock();
            state.delivered.push(notice);
        }
        let due = state.queue.after_run() && self.fault != Fault::NobodyScheduled;
        if state.gone {
            state.removed = true;
        } else if due {
            self.schedule(&mut state);
        }
        if state.waiters > 0 && self.fault != Fault::NoWakeUp {
            self.ended.notify_all();
        }
    }

    /// A worker's life.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if state.ready == 0 {
                if state.over {
                    return;
                }
                state = self.work.wait(state).unwrap();
                continue;
            }
            state.ready -= 1;
            if !state.removed && state.queue.start_worker() {
                self.run(state, Lane::Worker);
                state = self.lock();
            }
        }
    }

    fn deregister(&self) {
        let mut state = self.lock();
        let is_running = state.queue.is_running();
        if self.fault != Fault::NotClosed {
            state.queue.close();
        }
        state.gone = true;
        if !is_running {
            state.removed = true;
        }
        if self.fault != Fault::NoWait {
            state.waiters += 1;
            while !state.removed {
                state = self.ended.wait(state).unwrap();
            }
            state.waiters -= 1;
        }
        drop(state);
        assert!(!self.inside.load(Ordering::SeqCst), "it returned inside a callback");
        self.forbidden.store(true, Ordering::SeqCst);
    }

    /// No thread is left: everything has been delivered, in order, once.
    fn check(&self) {
        let state = self.lock();
        let all: Vec<u64> = (1..=state.pushed).collect();
        assert_eq!(state.delivered, all, "lost, twice, or out of order");
        assert!(!state.queue.is_running());
    }
}

/// Runs the model with as many preemptions as find every fault below.
fn explore(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
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
        // Tickets of two changes, delivered after both: an outbox.
        let first = client.publish(Lane::Caller);
        let second = client.publish(Lane::Caller);
        client.deliver(first);
        client.deliver(second);
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
        client.publish(Lane::Worker);
        client.call();
        caller.join().unwrap();
        client.lock().over = true;
        client.work.notify_all();
        worker.join().unwrap();
        client.check();
    });
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
        client.publish(Lane::Caller);
        client.deregister();
        caller.join().unwrap();
        let state = client.lock();
        assert!(state.delivered.is_sorted() && state.removed);
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
fn t1_6_a_caller_and_a_leaver() {
    a_caller_and_a_leaver(Fault::None);
}

#[test]
#[should_panic(expected = "undelivered")]
fn planted_an_offer_that_forgets_the_runner_is_seen() {
    // The runner may be past its last notice when it has not given up yet: that
    // it is running is no promise, unless it was told.
    explore(|| {
        let client = Client::new(Fault::OfferForgetsRunner);
        let other = Arc::clone(&client);
        let thread = thread::spawn(move || other.call());
        client.call();
        thread.join().unwrap();
        let state = client.lock();
        assert_eq!(state.delivered.len() as u64, state.pushed, "undelivered");
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
