//! The calling threads of a client process, the thread that reads callbacks, a worker, and the end of
//! the connection, in all interleavings with at most [`PREEMPTIONS`] preemptions (loom).
//!
//! Around the real code (`client/settling.rs` and `mgm-dispatch`) stand two clients and a router. Each
//! callback is made once and in order. When a call returns, the callbacks that it has caused were
//! made, and those that followed from their answers, unless another thread is bound to make them. Each
//! answer is sent once. No thread waits for ever.
#![cfg(target_os = "linux")]

#[path = "../src/client/settling.rs"]
mod settling;

use loom::sync::{Condvar, Mutex, MutexGuard};
use loom::thread;
use mgm_dispatch::{
    drain_within, turn_of, work, About, Bounds, Cause, Client, Host, Item, Key, Lane, Outbox,
    Pushed, Queue, Ticket, Turn, BOUNDS,
};
use settling::{deliver, finish, Caller, Causes};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex as Plain};

const PREEMPTIONS: usize = 2;
const CLIENTS: usize = 2;

fn explore(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(body);
}

/// What is wrong with the threads around the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// The thread that reads callbacks wakes no caller.
    NotWoken,
    /// The end of the connection wakes no caller.
    EndNotTold,
    /// A callback that arrives when its call has ended is left to nobody.
    NotLeft,
}

#[derive(Clone, Copy, Debug)]
struct Callback {
    client: usize,
    /// 1 for the first callback of the client.
    number: u64,
    cause: u64,
    /// The answer causes a callback of the other client.
    asks: bool,
}

/// Nothing is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct NoKey;

impl Key for NoKey {
    fn topic(self) -> usize {
        0
    }

    fn becomes_one(_: usize) -> bool {
        true
    }
}

impl Item for Callback {
    type Key = NoKey;

    fn about(&self) -> About<NoKey> {
        About::Itself
    }
}

#[derive(Default)]
struct State {
    clients: [One; CLIENTS],
    causes: Causes<usize>,
    /// Clients that wait for the worker.
    ready: VecDeque<usize>,
    is_over: bool,
    /// The worker ends when nothing is left.
    is_last: bool,
}

#[derive(Default)]
struct One {
    queue: Queue<Callback>,
    is_taken: bool,
}

/// The router, and the callbacks that it has sent.
#[derive(Default)]
struct Router {
    sent: VecDeque<Callback>,
    /// How many so far.
    count: u64,
    of_client: [u64; CLIENTS],
    has_ended: bool,
}

struct World {
    state: Mutex<State>,
    arrived: Condvar,
    work: Condvar,
    router: Mutex<Router>,
    has_sent: Condvar,
    fault: Fault,
    // No thread stops while it holds one of these.
    /// The number of each client's last callback.
    made: [Plain<u64>; CLIENTS],
    answers: Plain<u64>,
}

impl World {
    fn new(fault: Fault) -> Arc<World> {
        Arc::new(World {
            state: Mutex::default(),
            arrived: Condvar::new(),
            work: Condvar::new(),
            router: Mutex::default(),
            has_sent: Condvar::new(),
            fault,
            made: Default::default(),
            answers: Plain::new(0),
        })
    }

    /// The router sends a callback. Returns its number among all.
    fn send(&self, client: usize, cause: u64, asks: bool) -> u64 {
        let mut router = self.router.lock().unwrap();
        router.of_client[client] += 1;
        let number = router.of_client[client];
        router.sent.push_back(Callback { client, number, cause, asks });
        router.count += 1;
        self.has_sent.notify_one();
        router.count
    }

    /// As the thread `mgm-events`, until this many callbacks have arrived or the connection ends.
    fn read(&self, most: u64) {
        for _ in 0..most {
            let mut router = self.router.lock().unwrap();
            let callback = loop {
                match router.sent.pop_front() {
                    Some(callback) => break callback,
                    None if router.has_ended => return self.end(),
                    None => router = self.has_sent.wait(router).unwrap(),
                }
            };
            drop(router);
            self.receive(&mut self.state.lock().unwrap(), callback);
            if self.fault != Fault::NotWoken {
                self.arrived.notify_all();
            }
        }
    }

    fn receive(&self, state: &mut State, callback: Callback) {
        state.causes.receive();
        let Callback { client, cause, .. } = callback;
        let State { clients, causes, .. } = state;
        let queue = &mut clients[client].queue;
        causes.queue(client, cause, |of| match queue.push(&BOUNDS, of, callback) {
            Pushed::Queued(number) => Some(number),
            _ => None,
        });
        if queue.needs_worker() {
            self.schedule(state, client);
        }
    }

    fn schedule(&self, state: &mut State, client: usize) {
        state.ready.push_back(client);
        self.work.notify_one();
    }

    /// The connection is over.
    fn end(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_over = true;
        state.clients.iter_mut().for_each(|one| one.queue.close());
        drop(state);
        if self.fault != Fault::EndNotTold {
            self.arrived.notify_all();
        }
    }

    /// No thread is left: each callback was made, and each question answered.
    fn check(&self, made: [u64; CLIENTS], answers: u64) {
        let state = self.state.lock().unwrap();
        for (client, one) in state.clients.iter().enumerate() {
            assert!(!one.queue.is_running() && one.queue.is_empty(), "a callback is lost");
            assert_eq!(*self.made[client].lock().unwrap(), made[client], "of client {client}");
        }
        assert_eq!(*self.answers.lock().unwrap(), answers);
    }
}

/// A thread of the process.
struct Hand {
    world: Arc<World>,
    cause: u64,
    outbox: RefCell<Outbox<usize>>,
    awaits: Cell<u64>,
    /// Answers that are not sent yet: the clients that have answered.
    owed: RefCell<Vec<usize>>,
}

impl Hand {
    fn new(world: &Arc<World>, cause: u64) -> Hand {
        Hand {
            world: Arc::clone(world),
            cause,
            outbox: RefCell::new(Outbox::new(Cause(cause))),
            awaits: Cell::new(0),
            owed: RefCell::default(),
        }
    }

    /// A call, which causes these callbacks.
    fn call(&self, callbacks: &[(usize, bool)]) {
        let world = &self.world;
        Host::lock(self).causes.begin(self.cause);
        for &(client, asks) in callbacks {
            self.awaits.set(world.send(client, self.cause, asks));
        }
        deliver(self, self.cause, &mut turn_of(self));
        finish(self, self.cause);
        let state = Host::lock(self);
        for (client, one) in state.clients.iter().enumerate() {
            let is_bound = one.queue.is_running() || state.ready.contains(&client);
            let has_own = one.queue.has_of(Cause(self.cause));
            assert!(!has_own || is_bound || state.is_over, "a callback of the call was not made");
        }
    }

    /// As a thread `mgm-worker`.
    fn work(&self) {
        let mut state = Host::lock(self);
        loop {
            let Some(client) = state.ready.pop_front() else {
                if state.is_last {
                    return;
                }
                state = self.world.work.wait(state).unwrap();
                continue;
            };
            drop(work(self, state, client));
            self.settle();
            state = Host::lock(self);
        }
    }
}

impl Caller for Hand {
    type Place = usize;
    type Guard<'a> = Option<MutexGuard<'a, State>>;

    fn lock(&self) -> Self::Guard<'_> {
        Some(self.world.state.lock().unwrap())
    }

    fn wait(&self, guard: &mut Self::Guard<'_>) {
        *guard = guard.take().map(|state| self.world.arrived.wait(state).unwrap());
    }

    fn causes<'g>(&self, guard: &'g mut Self::Guard<'_>) -> &'g mut Causes<usize> {
        &mut guard.as_mut().unwrap().causes
    }

    fn is_over(&self, guard: &Self::Guard<'_>) -> bool {
        guard.as_ref().unwrap().is_over
    }

    fn accept(&self, ticket: Ticket<usize>) -> bool {
        self.outbox.borrow_mut().push(&BOUNDS, ticket)
    }

    fn leave(&self, guard: &mut Self::Guard<'_>, ticket: Ticket<usize>) {
        if self.world.fault == Fault::NotLeft {
            return;
        }
        let state = guard.as_mut().unwrap();
        let queue = &mut state.clients[ticket.place].queue;
        if let Some(number) = ticket.number {
            queue.leave(number);
        }
        if queue.needs_worker() {
            self.world.schedule(state, ticket.place);
        }
    }

    fn drain(&self, turn: &mut Turn) {
        drain_within(self, turn);
    }

    fn take_awaited(&self) -> u64 {
        self.awaits.take()
    }

    fn settle(&self) -> bool {
        for client in self.owed.take() {
            *self.world.answers.lock().unwrap() += 1;
            let number = self.world.send(1 - client, self.cause, false);
            if self.cause != 0 {
                self.awaits.set(number);
            }
        }
        !self.world.router.lock().unwrap().has_ended
    }
}

impl Host for Hand {
    type Place = usize;
    type Item = Callback;
    type Callee = ();
    type Guard<'a> = MutexGuard<'a, State>;
    type Client<'g> = &'g mut One;

    fn bounds(&self) -> &Bounds {
        &BOUNDS
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.world.state.lock().unwrap()
    }

    fn client<'g>(
        &'g self,
        state: &'g mut MutexGuard<'_, State>,
        client: usize,
    ) -> Option<&'g mut One> {
        Some(&mut state.clients[client])
    }

    fn schedule(&self, state: &mut MutexGuard<'_, State>, client: usize) {
        self.world.schedule(state, client);
    }

    fn adopt(&self, _: &mut MutexGuard<'_, State>) {}

    fn outbox<R>(&self, with: impl FnOnce(&mut Outbox<usize>) -> R) -> R {
        with(&mut self.outbox.borrow_mut())
    }

    fn look<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        _: usize,
        _: Lane,
        (): &mut (),
    ) -> MutexGuard<'a, State> {
        state
    }

    fn call(&self, client: usize, (): &(), callback: &mut Callback) {
        let mut made = self.world.made[client].lock().unwrap();
        assert_eq!(callback.number, *made + 1, "out of order, or twice");
        *made = callback.number;
        drop(made);
        drop(Host::lock(self)); // it may be stopped in there
    }

    fn returned(&self, _: &mut MutexGuard<'_, State>, client: usize, item: Callback, _: Lane) {
        if item.asks {
            self.owed.borrow_mut().push(client);
        }
    }

    fn ended(&self, _: &mut MutexGuard<'_, State>, _: usize, _: bool) {}

    fn catch_up(&self, _: &mut MutexGuard<'_, State>, _: usize) {}

    fn caught_up(&self, _: &mut MutexGuard<'_, State>, _: usize) {}

    fn is_lost(&self) -> bool {
        std::thread::panicking() // nobody wants the lock any more
    }
}

impl Client for &mut One {
    type Item = Callback;
    type Callee = ();

    fn queue(&mut self) -> &mut Queue<Callback> {
        &mut self.queue
    }

    fn take(&mut self) -> Option<()> {
        assert!(!std::mem::replace(&mut self.is_taken, true), "two threads make its callbacks");
        Some(())
    }

    fn begins(&mut self, callback: Callback, (): &mut ()) -> Option<Callback> {
        Some(callback)
    }

    fn put_back(&mut self, (): ()) -> bool {
        self.is_taken = false;
        false
    }
}

fn start(world: &Arc<World>, body: impl FnOnce(&World) + 'static) -> thread::JoinHandle<()> {
    let world = Arc::clone(world);
    thread::spawn(move || body(&world))
}

/// A worker, and what ends it.
fn worker(world: &Arc<World>) -> impl FnOnce() {
    let (of_worker, world) = (Arc::clone(world), Arc::clone(world));
    let thread = thread::spawn(move || Hand::new(&of_worker, 0).work());
    move || {
        world.state.lock().unwrap().is_last = true;
        world.work.notify_all();
        thread.join().unwrap();
    }
}

/// A call causes a callback of each client. The answer to the first one causes another one.
fn a_call_is_settled(fault: Fault) {
    explore(move || {
        let world = World::new(fault);
        let reader = start(&world, |world| world.read(3));
        Hand::new(&world, 1).call(&[(0, true), (1, false)]);
        reader.join().unwrap();
        world.check([1, 2], 1);
    });
}

#[test]
fn t9_4_a_call_makes_its_callbacks_and_those_that_follow_from_the_answers() {
    a_call_is_settled(Fault::None);
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_caller_that_is_not_woken_is_noticed() {
    a_call_is_settled(Fault::NotWoken);
}

#[test]
fn t9_4_two_calls_and_the_callbacks_of_others_are_made_in_order() {
    explore(|| {
        let world = World::new(Fault::None);
        world.send(0, 0, false); // another process has caused it
        let end_worker = worker(&world);
        let reader = start(&world, |world| world.read(3));
        let mine = Arc::clone(&world);
        let other = thread::spawn(move || Hand::new(&mine, 2).call(&[(0, false)]));
        Hand::new(&world, 1).call(&[(0, false)]);
        other.join().unwrap();
        reader.join().unwrap();
        end_worker();
        world.check([3, 0], 0);
    });
}

#[test]
fn t9_5_a_worker_answers_what_no_call_has_caused() {
    explore(|| {
        let world = World::new(Fault::None);
        world.send(0, 0, true);
        let end_worker = worker(&world);
        let reader = start(&world, |world| world.read(3));
        Hand::new(&world, 1).call(&[(1, false)]);
        reader.join().unwrap();
        end_worker();
        world.check([1, 2], 1);
    });
}

/// A callback carries the cause of a call that does not wait for it.
fn a_late_callback_is_made(fault: Fault) {
    explore(move || {
        let world = World::new(fault);
        world.send(0, 1, false);
        let end_worker = worker(&world);
        let reader = start(&world, |world| world.read(1));
        Hand::new(&world, 1).call(&[]);
        reader.join().unwrap();
        end_worker();
        world.check([1, 0], 0);
    });
}

#[test]
fn t9_4_a_callback_that_arrives_after_its_call_is_made_by_a_worker() {
    a_late_callback_is_made(Fault::None);
}

#[test]
#[should_panic(expected = "a callback")]
fn a_callback_that_is_left_to_nobody_is_noticed() {
    a_late_callback_is_made(Fault::NotLeft);
}

/// The router ends while a call waits for a callback that never arrives.
fn the_end_reaches_a_call(fault: Fault) {
    explore(move || {
        let world = World::new(fault);
        let reader = start(&world, |world| world.read(9));
        let router = start(&world, |world| {
            world.router.lock().unwrap().has_ended = true;
            world.has_sent.notify_one();
        });
        let hand = Hand::new(&world, 1);
        Host::lock(&hand).causes.begin(1);
        hand.awaits.set(1);
        assert!(!deliver(&hand, 1, &mut turn_of(&hand)));
        finish(&hand, 1);
        reader.join().unwrap();
        router.join().unwrap();
    });
}

#[test]
fn t9_9_the_end_of_the_router_reaches_a_call_that_waits_for_callbacks() {
    the_end_reaches_a_call(Fault::None);
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_call_that_is_not_told_of_the_end_is_noticed() {
    the_end_reaches_a_call(Fault::EndNotTold);
}
