//! The callbacks that a call of this process causes for clients of this process (spec 9.4): the
//! calling thread waits until they have arrived, makes them, sends the answers, and goes on with the
//! callbacks that follow from these.
//!
//! `tests/settling_model.rs` runs this code through the interleavings of threads.

use mgm_dispatch::{Cause, Ticket, Turn};

/// The calls that are under way, and how many callbacks have arrived.
pub struct Causes<P> {
    received: u64,
    /// The callbacks of each call that it must see delivered.
    open: Vec<(u64, Vec<Ticket<P>>)>,
}

impl<P> Default for Causes<P> {
    fn default() -> Self {
        Causes { received: 0, open: Vec::new() }
    }
}

impl<P> Causes<P> {
    /// A call begins.
    pub fn begin(&mut self, cause: u64) {
        self.open.push((cause, Vec::new()));
    }

    /// A callback has arrived, whatever becomes of it.
    pub fn receive(&mut self) {
        self.received += 1;
    }

    /// A callback that has arrived is queued: `push` does so, for the call that must see it
    /// delivered or for a worker, and returns its number in the queue.
    pub fn queue(&mut self, place: P, cause: u64, push: impl FnOnce(Cause) -> Option<u64>) {
        let open = self.open.iter_mut().find(|(open, _)| cause != 0 && *open == cause);
        let number = push(if open.is_some() { Cause(cause) } else { Cause::WORKER });
        if let (Some((_, tickets)), Some(_)) = (open, number) {
            tickets.push(Ticket { place, number });
        }
    }

    /// Takes the callbacks of a call that have arrived.
    fn take(&mut self, cause: u64) -> Vec<Ticket<P>> {
        let open = self.open.iter_mut().find(|(open, _)| *open == cause);
        open.map(|(_, tickets)| std::mem::take(tickets)).unwrap_or_default()
    }

    /// A call ends. Returns the callbacks that have arrived meanwhile.
    fn end(&mut self, cause: u64) -> Vec<Ticket<P>> {
        let at = self.open.iter().position(|(open, _)| *open == cause);
        at.map(|at| self.open.swap_remove(at).1).unwrap_or_default()
    }
}

/// A thread that makes calls, and its connection.
pub trait Caller {
    /// The place of a client.
    type Place: Copy;
    /// The lock of the connection.
    type Guard<'a>
    where
        Self: 'a;

    /// Takes the lock.
    fn lock(&self) -> Self::Guard<'_>;
    /// Releases the lock, waits until something has arrived or the connection is over, and takes
    /// the lock.
    fn wait(&self, guard: &mut Self::Guard<'_>);
    /// The calls that are under way.
    fn causes<'g>(&self, guard: &'g mut Self::Guard<'_>) -> &'g mut Causes<Self::Place>;
    /// Whether the connection is over: nothing arrives any longer.
    fn is_over(&self, guard: &Self::Guard<'_>) -> bool;
    /// Adds a callback to those that the thread makes. False if there are too many.
    fn accept(&self, ticket: Ticket<Self::Place>) -> bool;
    /// Leaves a callback to a worker.
    fn leave(&self, guard: &mut Self::Guard<'_>, ticket: Ticket<Self::Place>);
    /// Makes the callbacks of this thread, as many as the turn permits.
    fn drain(&self, turn: &mut Turn);
    /// The number of the last callback that the thread must wait for, which it forgets; 0 if none.
    fn take_awaited(&self) -> u64;
    /// Sends the answers of this thread, and waits until what follows from them is on its way.
    /// False if an answer could not be sent.
    fn settle(&self) -> bool;
}

/// Makes the callbacks that this thread's call has caused, and those that follow from their answers.
/// The turn is one for all rounds: callbacks may answer each other's alerts without end (spec 8.3).
/// False if an answer could not be sent.
pub fn deliver<C: Caller>(caller: &C, cause: u64, turn: &mut Turn) -> bool {
    let mut awaited = caller.take_awaited();
    while awaited > 0 {
        let mut guard = caller.lock();
        while caller.causes(&mut guard).received < awaited && !caller.is_over(&guard) {
            caller.wait(&mut guard);
        }
        for ticket in caller.causes(&mut guard).take(cause) {
            if !caller.accept(ticket) {
                caller.leave(&mut guard, ticket);
            }
        }
        drop(guard);
        caller.drain(turn);
        if !caller.settle() {
            return false;
        }
        awaited = caller.take_awaited();
    }
    true
}

/// This thread's call ends. Callbacks of the call that arrive later are a worker's.
pub fn finish<C: Caller>(caller: &C, cause: u64) {
    let mut guard = caller.lock();
    for ticket in caller.causes(&mut guard).end(cause) {
        caller.leave(&mut guard, ticket);
    }
}
