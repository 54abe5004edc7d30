//! A program that uses the dispatcher: three clients, the locks of `crate::sync`, and the faults that
//! can be planted in it. The library's own code delivers the callbacks.

#[path = "host.rs"] // also when stress.rs includes this file
mod host;

use crate::sync::{Arc, Condvar, Mutex, MutexGuard};
use mgm_dispatch::{
    self as dispatch, About, Bounds, Cause, Host, Item, Key, Lane, Outbox, Pushed, Queue, Tell,
    Ticket,
};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::{Mutex as Plain, OnceLock};

/// What the callbacks of the first client cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    None,
    /// In each callback the client makes a call, which alerts the second client.
    Calls,
    /// The answer to each callback about thing 0 leads to one about thing 1.
    Answers,
}

/// All bounds that matter are 2.
pub const BOUNDS: Bounds = Bounds { others: 2, own: 2, waiting: 2, tickets: 3, notes: 2, batch: 1 };

/// A planted fault of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// A client that needs a worker is not put on the list.
    NobodyScheduled,
    /// A thread forgets a client for which its call has callbacks.
    TicketForgotten,
    /// A thread that waits for the end of a callback is not woken.
    NoWakeUp,
    /// Deregistration does not empty the queue.
    NotClosed,
    /// Deregistration does not wait.
    NoWait,
    /// A caller removes a client from the workers' list and forgets it.
    AdoptedForNothing,
    /// A client that is behind gets the state at the time when it fell behind.
    ToldOfThePast,
    /// A call makes all waiting callbacks.
    NoBounds,
}

/// A subject that others want or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thing(pub usize);

impl Key for Thing {
    fn topic(self) -> usize {
        0
    }

    fn becomes_one(_: usize) -> bool {
        true
    }
}

/// The things there are.
const THINGS: usize = 3;

/// One callback.
#[derive(Debug)]
pub struct Said {
    thing: Thing,
    wanted: bool,
    /// The number of the change.
    at: u64,
    cause: Cause,
}

impl Item for Said {
    type Key = Thing;

    fn about(&self) -> About<Thing> {
        About::One(self.thing, self.wanted)
    }
}

#[derive(Default)]
pub struct Client {
    queue: Queue<Said>,
    is_taken: bool,
    fell_behind: bool,
    gone: bool,
    removed: bool,
}

pub struct State {
    clients: [Client; 3],
    /// By client, because each is told of its own things.
    wanted: [[bool; THINGS]; 3],
    /// Counts the changes.
    now: u64,
    /// The workers' list.
    ready: VecDeque<usize>,
    /// The system has refused a worker: callers do its work.
    refused: bool,
    waiters: usize,
    over: bool,
}

/// What a client was told, and whether it is inside a callback.
#[derive(Default)]
struct Heard {
    inside: bool,
    forbidden: bool,
    last: u64,
    count: u64,
    wanted: [bool; THINGS],
}

/// The state that all threads share.
pub struct Desk {
    state: Mutex<State>,
    ended: Condvar,
    work: Condvar,
    // No thread stops while it holds one of these.
    heard: [Plain<Heard>; 3],
    reaction: Reaction,
    fault: Fault,
    /// The first failure of a thread. The first thread panics with it, because loom cannot unwind
    /// another one while others wait.
    complaint: OnceLock<&'static str>,
}

impl Desk {
    pub fn new(fault: Fault) -> Arc<Desk> {
        Desk::with(fault, Reaction::None, false)
    }

    /// The first client calls back.
    pub fn that_calls_back(fault: Fault) -> Arc<Desk> {
        Desk::with(fault, Reaction::Calls, false)
    }

    /// The answers of the first client cause further callbacks for it.
    pub fn that_answers(fault: Fault) -> Arc<Desk> {
        Desk::with(fault, Reaction::Answers, false)
    }

    /// The system refuses to start a worker.
    pub fn without_workers(fault: Fault) -> Arc<Desk> {
        Desk::with(fault, Reaction::None, true)
    }

    fn with(fault: Fault, reaction: Reaction, refused: bool) -> Arc<Desk> {
        let state = State {
            clients: Default::default(),
            wanted: Default::default(),
            now: 0,
            ready: VecDeque::new(),
            refused,
            waiters: 0,
            over: false,
        };
        Arc::new(Desk {
            state: Mutex::new(state),
            ended: Condvar::new(),
            work: Condvar::new(),
            heard: Default::default(),
            reaction,
            fault,
            complaint: OnceLock::new(),
        })
    }

    /// Lets the worker end when it has nothing to do any longer.
    pub fn end_work(&self) {
        self.state.lock().unwrap().over = true;
        self.work.notify_all();
    }

    fn check_complaint(&self) {
        if let Some(complaint) = self.complaint.get() {
            panic!("{complaint}");
        }
    }

    /// All threads have ended: each client that exists knows the current state, and a client that
    /// was never behind was told each change.
    pub fn check(&self) {
        self.check_complaint();
        let state = self.state.lock().unwrap();
        for (number, client) in state.clients.iter().enumerate() {
            let heard = self.heard[number].lock().unwrap();
            assert!(!client.queue.is_running() && client.queue.is_empty(), "lost");
            assert!(client.queue.len() == (0, 0) && !client.queue.is_behind(), "lost");
            assert_eq!(heard.wanted, state.wanted[number], "not the truth");
        }
    }

    /// How many callbacks a client has had, and whether it was ever behind.
    pub fn heard(&self, client: usize) -> (u64, bool) {
        let fell_behind = self.state.lock().unwrap().clients[client].fell_behind;
        (self.heard[client].lock().unwrap().count, fell_behind)
    }

    /// The first client has deregistered.
    pub fn check_gone(&self) {
        self.check_complaint();
        assert!(self.state.lock().unwrap().clients[0].removed);
    }
}

/// One thread.
pub struct Hand {
    desk: Arc<Desk>,
    outbox: RefCell<Outbox<usize>>,
    cause: Cause,
    /// The callbacks that the present call has made: its own, and those of others.
    made: Cell<(usize, usize)>,
    inside: Cell<bool>,
    is_worker: bool,
}

impl Hand {
    /// A thread of the program. Numbers begin with 1.
    pub fn caller(desk: &Arc<Desk>, number: u64) -> Hand {
        Hand {
            desk: Arc::clone(desk),
            outbox: RefCell::new(Outbox::new(Cause(number))),
            cause: Cause(number),
            made: Cell::new((0, 0)),
            inside: Cell::new(false),
            is_worker: false,
        }
    }

    /// A worker of the library.
    pub fn worker(desk: &Arc<Desk>) -> Hand {
        Hand { is_worker: true, ..Hand::caller(desk, 99) }
    }

    /// A change that a client is told of.
    fn publish(&self, state: &mut State, lane: Lane, client: usize, thing: usize) {
        state.now += 1;
        state.wanted[client][thing] ^= true;
        let (wanted, at) = (state.wanted[client][thing], state.now);
        if state.clients[client].gone {
            return;
        }
        let cause = if lane == Lane::Caller { self.cause } else { Cause::WORKER };
        let queue = &mut state.clients[client].queue;
        let pushed = queue.push(&BOUNDS, cause, Said { thing: Thing(thing), wanted, at, cause });
        match pushed {
            Pushed::Queued(_) if self.desk.fault == Fault::TicketForgotten => {}
            Pushed::Queued(number) if lane == Lane::Caller => {
                let ticket = Ticket { place: client, number: Some(number) };
                if !self.outbox.borrow_mut().push(&BOUNDS, ticket) {
                    queue.leave(number);
                    if queue.needs_worker() {
                        self.schedule_at(state, client);
                    }
                }
            }
            _ if queue.needs_worker() => self.schedule_at(state, client),
            _ => {}
        }
        state.clients[client].fell_behind |= state.clients[client].queue.is_behind();
        if lane == Lane::Caller {
            self.adopt(state);
        }
    }

    fn schedule_at(&self, state: &mut State, client: usize) {
        if self.desk.fault != Fault::NobodyScheduled {
            state.ready.push_back(client);
            self.desk.work.notify_one();
        }
    }

    fn adopt(&self, state: &mut State) {
        if !state.refused {
            return;
        }
        if self.inside.get() {
            self.outbox.borrow_mut().adopts_later = true;
            return;
        }
        while let Some(place) = state.ready.pop_front() {
            if self.desk.fault != Fault::AdoptedForNothing {
                let ticket = Ticket { place, number: None };
                assert!(self.outbox.borrow_mut().push(&BOUNDS, ticket));
            }
        }
    }

    /// An upcall: changes whose notices a worker delivers.
    pub fn upcall(&self, client: usize, thing: usize) {
        self.publish(&mut self.lock(), Lane::Worker, client, thing);
    }

    /// A call: changes, each with a notice for a client, then their delivery.
    pub fn call(&self, changes: &[(usize, usize)]) {
        let mut state = self.lock();
        for &(client, thing) in changes {
            self.publish(&mut state, Lane::Caller, client, thing);
        }
        drop(state);
        self.drain();
        let state = self.lock();
        for &(client, _) in changes {
            let Client { queue, gone, .. } = &state.clients[client];
            let is_bound = queue.is_running() || state.ready.contains(&client);
            // Adopted clients are on no list, but in the outbox of a caller.
            if !*gone && queue.has_of(self.cause) && !is_bound && !state.refused {
                self.desk.complaint.set("a call returned with its notice undelivered").ok();
            }
        }
    }

    /// A change, and the call goes on.
    pub fn begin_call(&self, client: usize, thing: usize) {
        self.publish(&mut self.lock(), Lane::Caller, client, thing);
    }

    /// A call that causes no notice.
    pub fn call_for_nothing(&self) {
        self.adopt(&mut self.lock());
        self.drain();
    }

    fn drain(&self) {
        self.made.set((0, 0));
        dispatch::drain(self);
        let (own, others) = self.made.get();
        if own > BOUNDS.own || others > BOUNDS.others {
            self.desk.complaint.set("a call works without end").ok();
        }
    }

    /// The main function of a worker.
    pub fn work(&self) {
        let mut state = self.lock();
        loop {
            let Some(place) = state.ready.pop_front() else {
                if state.over {
                    return;
                }
                state = self.desk.work.wait(state).unwrap();
                continue;
            };
            drop(dispatch::work(self, state, place));
            self.drain();
            state = self.lock();
        }
    }

    /// The first client deregisters.
    pub fn deregister(&self) {
        let mut state = self.lock();
        let is_running = state.clients[0].queue.is_running();
        if self.desk.fault != Fault::NotClosed {
            state.clients[0].queue.close();
        }
        state.clients[0].gone = true;
        state.clients[0].removed = !is_running;
        if self.desk.fault != Fault::NoWait {
            state.waiters += 1;
            while !state.clients[0].removed {
                state = self.desk.ended.wait(state).unwrap();
            }
            state.waiters -= 1;
        }
        drop(state);
        let mut heard = self.desk.heard[0].lock().unwrap();
        assert!(!heard.inside, "it returned inside a callback");
        heard.forbidden = true;
    }
}
