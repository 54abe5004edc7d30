//! One client as the manager has it: its record and its queue, on loom's locks, and
//! what can be wrong with them.

use super::queue::{Lane, Queue};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::OnceLock;

/// What is wrong with the queue, or with its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
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
    /// A worker that pauses seems to go on.
    PauseStaysRunner,
    /// A worker that pauses does not look whether another is due.
    PauseSchedulesNobody,
    /// A caller takes a client off the workers' list, and its duty stays a worker's.
    AdoptedInName,
    /// A caller adopts a duty and forgets it.
    AdoptedForNothing,
}

/// Tickets that a thread has to see delivered.
pub type Outbox = VecDeque<u64>;

/// The ticket of a notice to another client, whose queue is not ours.
const OTHERS: u64 = 0;

struct State {
    queue: Queue<u64>,
    /// On the workers' list.
    ready: usize,
    pushed: u64,
    delivered: Vec<u64>,
    /// The system has refused a worker: callers do what is theirs.
    refused: bool,
    gone: bool,
    removed: bool,
    waiters: usize,
    over: bool,
}

/// One client's record, and the conditions of the manager.
pub struct Client {
    state: Mutex<State>,
    ended: Condvar,
    work: Condvar,
    /// Whether a callback is running, and whether one may.
    inside: AtomicBool,
    forbidden: AtomicBool,
    /// In the callback of this notice it makes a call, of which others are told.
    calls_in: u64,
    fault: Fault,
    /// What a thread saw go wrong, for the first one to panic: loom cannot unwind
    /// another while others wait.
    complaint: OnceLock<&'static str>,
}

type Guard<'a> = MutexGuard<'a, State>;

impl Client {
    pub fn new(fault: Fault) -> Arc<Client> {
        Client::with(fault, 0, false)
    }

    /// One that makes a call in its callback of that notice.
    pub fn that_calls_in(notice: u64, fault: Fault) -> Arc<Client> {
        Client::with(fault, notice, false)
    }

    /// One for which the system refuses to start a worker.
    pub fn without_workers(fault: Fault) -> Arc<Client> {
        Client::with(fault, 0, true)
    }

    fn with(fault: Fault, calls_in: u64, refused: bool) -> Arc<Client> {
        let state = State {
            queue: Queue::default(),
            ready: 0,
            pushed: 0,
            delivered: Vec::new(),
            refused,
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
            calls_in,
            fault,
            complaint: OnceLock::new(),
        })
    }

    fn lock(&self) -> Guard<'_> {
        self.state.lock().unwrap()
    }

    fn schedule(&self, state: &mut State) {
        state.ready += 1;
        self.work.notify_one();
    }

    /// A change of state that the client is told of.
    pub fn publish(&self, lane: Lane, outbox: &mut Outbox) {
        let mut state = self.lock();
        if state.gone {
            return;
        }
        state.pushed += 1;
        let number = state.pushed;
        let ticket = state.queue.push(number);
        assert_eq!(ticket, number);
        match lane {
            Lane::Caller => {
                outbox.push_back(ticket);
                self.adopt(&mut state, outbox);
            }
            Lane::Worker if state.queue.leave_to_worker(ticket) => self.schedule(&mut state),
            Lane::Worker => {}
        }
    }

    fn adopt(&self, state: &mut State, outbox: &mut Outbox) {
        if !state.refused || state.ready == 0 {
            return;
        }
        state.ready = 0;
        let ticket = match self.fault {
            Fault::AdoptedInName => state.pushed,
            _ => state.queue.adopt(),
        };
        if self.fault != Fault::AdoptedForNothing {
            outbox.push_back(ticket);
        }
    }

    /// An upcall: a change whose notice is a worker's.
    pub fn upcall(&self) {
        self.publish(Lane::Worker, &mut Outbox::new());
    }

    /// A call: the change, then its delivery.
    pub fn call(&self) {
        let mut outbox = Outbox::new();
        self.publish(Lane::Caller, &mut outbox);
        self.drain(outbox);
    }

    /// A call that tells this client nothing.
    pub fn call_for_others(&self) {
        let mut outbox = Outbox::new();
        self.adopt(&mut self.lock(), &mut outbox);
        self.drain(outbox);
    }

    pub fn drain(&self, mut outbox: Outbox) {
        while let Some(ticket) = outbox.pop_front() {
            if ticket != OTHERS {
                self.deliver(ticket, &mut outbox);
            }
        }
    }

    fn deliver(&self, ticket: u64, outbox: &mut Outbox) {
        let mut state = self.lock();
        if state.removed {
            return;
        }
        let forgets = self.fault == Fault::OfferForgetsRunner && state.queue.is_running();
        let runs = !forgets && state.queue.offer(ticket) || self.fault == Fault::TwoRunners;
        if runs {
            self.run(state, Lane::Caller, outbox);
            state = self.lock();
        }
        let is_delivered = state.delivered.contains(&ticket) || state.gone;
        if !is_delivered && !state.queue.is_running() && state.ready == 0 {
            self.complaint.set("a call returned with its notice undelivered").ok();
        }
    }

    fn run<'a>(&'a self, mut state: Guard<'a>, lane: Lane, outbox: &mut Outbox) {
        let due = loop {
            if lane == Lane::Worker && !outbox.is_empty() {
                break self.pause(&mut state);
            }
            let Some(notice) = state.queue.next(lane) else {
                break state.queue.after_run() && self.fault != Fault::NobodyScheduled;
            };
            assert!(!state.gone, "a callback begins after the client has gone");
            drop(state);
            self.callback(notice, outbox);
            state = self.lock();
            state.delivered.push(notice);
        };
        if state.gone {
            state.removed = true;
        } else if due {
            self.schedule(&mut state);
        }
        if state.waiters > 0 && self.fault != Fault::NoWakeUp {
            self.ended.notify_all();
        }
    }

    fn callback(&self, notice: u64, outbox: &mut Outbox) {
        assert!(!self.inside.swap(true, Ordering::SeqCst), "two callbacks at a time");
        let is_forbidden = self.forbidden.load(Ordering::SeqCst);
        assert!(!is_forbidden, "a callback after the deregistration");
        if notice == self.calls_in {
            outbox.push_back(OTHERS);
        }
        self.inside.store(false, Ordering::SeqCst);
    }

    /// The worker has calls of callbacks to see delivered first.
    fn pause(&self, state: &mut State) -> bool {
        match self.fault {
            Fault::PauseStaysRunner => state.queue.after_run(),
            Fault::PauseSchedulesNobody => {
                state.queue.pause();
                false
            }
            _ => state.queue.pause(),
        }
    }

    /// A worker's life.
    pub fn work(&self) {
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
                let mut outbox = Outbox::new();
                self.run(state, Lane::Worker, &mut outbox);
                self.drain(outbox);
                state = self.lock();
            }
        }
    }

    pub fn deregister(&self) {
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

    fn check_complaint(&self) {
        if let Some(complaint) = self.complaint.get() {
            panic!("{complaint}");
        }
    }

    /// No thread is left: everything has been delivered, in order, once.
    pub fn check(&self) {
        self.check_complaint();
        let state = self.lock();
        let all: Vec<u64> = (1..=state.pushed).collect();
        assert_eq!(state.delivered, all, "lost, twice, or out of order");
        assert!(!state.queue.is_running());
    }

    /// The client has gone, and heard in order what it heard.
    pub fn check_gone(&self) {
        self.check_complaint();
        let state = self.lock();
        assert!(state.delivered.is_sorted() && state.removed);
    }

    /// Has the worker end when it has nothing to do any more.
    pub fn end_work(&self) {
        self.lock().over = true;
        self.work.notify_all();
    }
}
