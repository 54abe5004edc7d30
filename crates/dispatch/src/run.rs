//! How the threads deliver: those that make calls, and the workers.

use super::outbox::{Outbox, Ticket};
use super::queue::{Next, Queue, Stopped};
use super::turn::{Cause, Turn};
use super::{Bounds, Item, Lane};

/// The program around the delivery. `Guard` is its lock, held.
pub trait Host {
    /// A client.
    type Place: Copy + PartialEq;
    /// A callback.
    type Item: Item;
    /// What the runner of a client holds meanwhile: the client's function pointers.
    type Callee;
    /// The lock, held.
    type Guard<'a>
    where
        Self: 'a;

    /// The bounds of the delivery.
    fn bounds(&self) -> &Bounds;
    /// Takes the lock.
    fn lock(&self) -> Self::Guard<'_>;
    /// Releases it.
    fn unlock(&self, guard: Self::Guard<'_>) {
        drop(guard);
    }
    /// The queue of a client, unless the client has gone.
    fn queue<'g>(
        guard: &'g mut Self::Guard<'_>,
        place: Self::Place,
    ) -> Option<&'g mut Queue<Self::Item>>;
    /// Puts the client on the list of those that wait for a worker.
    fn schedule(&self, guard: &mut Self::Guard<'_>, place: Self::Place);
    /// If the system cannot start a worker: moves clients that wait for one into the outbox.
    fn adopt(&self, guard: &mut Self::Guard<'_>);
    /// This thread's outbox.
    fn outbox<R>(&self, with: impl FnOnce(&mut Outbox<Self::Place>) -> R) -> R;
    /// This thread becomes the client's runner. Returns what the runner holds.
    fn take(&self, guard: &mut Self::Guard<'_>, place: Self::Place) -> Option<Self::Callee>;
    /// The run has ended. Gives back what the runner held.
    fn put_back(&self, guard: &mut Self::Guard<'_>, place: Self::Place, callee: Self::Callee);
    /// Called before each callback. The host may release the lock to take in events, and takes
    /// it again.
    fn look<'a>(
        &'a self,
        guard: Self::Guard<'a>,
        place: Self::Place,
        lane: Lane,
        callee: &mut Self::Callee,
    ) -> Self::Guard<'a>;
    /// A callback was taken out of the queue. Returns it, or `None` if it must not be made any
    /// longer.
    fn begins(
        &self,
        guard: &mut Self::Guard<'_>,
        place: Self::Place,
        item: Self::Item,
        callee: &mut Self::Callee,
    ) -> Option<Self::Item>;
    /// Makes the callback, without the lock.
    fn call(&self, place: Self::Place, callee: &Self::Callee, item: &mut Self::Item);
    /// The callback has returned. Passes on its answer.
    fn returned(
        &self,
        guard: &mut Self::Guard<'_>,
        place: Self::Place,
        item: Self::Item,
        lane: Lane,
    );
    /// Queues the present state of some of the things that are noted for a client that is behind.
    fn catch_up(&self, guard: &mut Self::Guard<'_>, place: Self::Place);
    /// The client is not behind any longer.
    fn caught_up(&self, guard: &mut Self::Guard<'_>, place: Self::Place);
    /// Whether this is a forked child, in which the lock must not be taken.
    fn is_lost(&self) -> bool;
}

/// Delivers what this thread's calls have caused, first in first out, including what
/// comes in meanwhile (spec 8.1, 8.3). What goes beyond the bounds is left to workers.
pub fn drain<H: Host>(host: &H) {
    if !host.outbox(|outbox| outbox.is_empty()) {
        drain_locked(host, host.lock());
    }
}

/// The same with the lock held, which it releases.
pub fn drain_locked<'a, H: Host>(host: &'a H, mut guard: H::Guard<'a>) {
    let mut turn = turn_of(host);
    loop {
        guard = deliver_all(host, guard, &mut turn);
        // Not held any longer: log messages that wait for the release may cause more.
        host.unlock(guard);
        if host.outbox(|outbox| outbox.is_empty() && !outbox.adopts_later) {
            return;
        }
        guard = host.lock();
    }
}

/// The same with the lock held, which it still holds at the end.
pub fn drain_held<'a, H: Host>(host: &'a H, guard: H::Guard<'a>) -> H::Guard<'a> {
    deliver_all(host, guard, &mut turn_of(host))
}

#[inline]
fn turn_of<H: Host>(host: &H) -> Turn {
    Turn::new(host.bounds(), host.outbox(|outbox| outbox.cause))
}

/// Delivers until the outbox is empty.
#[inline]
fn deliver_all<'a, H: Host>(host: &'a H, mut guard: H::Guard<'a>, turn: &mut Turn) -> H::Guard<'a> {
    loop {
        let (next, adopts) = host.outbox(|outbox| {
            let next = outbox.pop();
            (next, next.is_none() && std::mem::take(&mut outbox.adopts_later))
        });
        match next {
            Some(ticket) => guard = deliver(host, guard, ticket, turn),
            // Calls inside the callbacks that were made have found clients that wait for a
            // worker, and the system cannot start one. This call runs them, unless its turn is
            // over.
            None if adopts && !turn.is_over() => host.adopt(&mut guard),
            None => return guard,
        }
    }
}

/// Delivers one ticket, or leaves it to the thread that must.
#[inline]
fn deliver<'a, H: Host>(
    host: &'a H,
    mut guard: H::Guard<'a>,
    Ticket { place, number }: Ticket<H::Place>,
    turn: &mut Turn,
) -> H::Guard<'a> {
    if turn.is_over() {
        leave(host, &mut guard, place, number);
        return guard;
    }
    let Some(queue) = H::queue(&mut guard, place) else { return guard };
    let runs = match number {
        Some(number) => queue.offer(number),
        None => queue.start_worker(),
    };
    if runs {
        return run(host, guard, place, Lane::Caller, turn);
    }
    if queue.needs_worker() {
        host.schedule(&mut guard, place);
    }
    guard
}

/// Leaves what this thread's calls have caused to workers.
pub fn pass_on<H: Host>(host: &H) {
    while let Some(Ticket { place, number }) = host.outbox(Outbox::pop) {
        leave(host, &mut host.lock(), place, number);
    }
}

fn leave<H: Host>(host: &H, guard: &mut H::Guard<'_>, place: H::Place, number: Option<u64>) {
    let Some(queue) = H::queue(guard, place) else { return };
    match number {
        None => queue.unschedule(),
        Some(number) => queue.leave(number),
    }
    if queue.needs_worker() {
        host.schedule(guard, place);
    }
}

/// A worker runs a client that it took off the list, and gives the lock back.
pub fn work<'a, H: Host>(host: &'a H, mut guard: H::Guard<'a>, place: H::Place) -> H::Guard<'a> {
    if H::queue(&mut guard, place).is_some_and(Queue::start_worker) {
        return run(host, guard, place, Lane::Worker, &mut Turn::endless());
    }
    guard
}

/// Makes the callbacks of one client, as its runner, until there are no more that it may
/// make. No callback is made elsewhere. `lane` says which kind of thread it is.
fn run<'a, H: Host>(
    host: &'a H,
    mut guard: H::Guard<'a>,
    place: H::Place,
    lane: Lane,
    turn: &mut Turn,
) -> H::Guard<'a> {
    let Some(callee) = host.take(&mut guard, place) else {
        if let Some(queue) = H::queue(&mut guard, place) {
            let _ = queue.stop(); // it never happens: no other thread runs it
        }
        return guard;
    };
    let mut runner = Runner { host, place, callee: Some(callee) };
    let mut guard = guard; // after a panic, released before the runner is dropped
    while let Some(callee) = &mut runner.callee {
        guard = host.look(guard, place, lane, callee);
        let Some(queue) = H::queue(&mut guard, place) else { break };
        // The alerts of calls that callbacks have made come first, because this client's queue
        // may never become empty.
        if lane == Lane::Worker && !host.outbox(|outbox| outbox.is_empty()) {
            queue.hand_over();
            break;
        }
        match queue.next(turn) {
            Next::Call(cause, item) => {
                let Some(mut item) = host.begins(&mut guard, place, item, callee) else {
                    turn.give_back(cause);
                    continue;
                };
                host.unlock(guard);
                host.call(place, callee, &mut item);
                guard = host.lock();
                host.returned(&mut guard, place, item, lane);
            }
            Next::CatchUp => {
                host.catch_up(&mut guard, place);
                if H::queue(&mut guard, place).is_some_and(|queue| queue.is_empty()) {
                    // A walk through a table may take long: let other threads have the lock.
                    drop(guard);
                    guard = host.lock();
                } else {
                    turn.give_back(Cause::WORKER);
                }
            }
            Next::Stop => {
                // Often an answer of the client causes its next callback.
                let next = match turn.is_over() {
                    true => None,
                    false => host.outbox(|outbox| outbox.pop_if(place)),
                };
                match next {
                    Some(number) => queue.go_on(number),
                    None => break,
                }
            }
        }
    }
    runner.end(&mut guard);
    std::mem::forget(runner); // it holds nothing any longer
    guard
}

/// The thread that makes one client's callbacks.
struct Runner<'a, H: Host> {
    host: &'a H,
    place: H::Place,
    /// What the client has given, until the run has ended.
    callee: Option<H::Callee>,
}

impl<H: Host> Runner<'_, H> {
    /// The run has ended; a worker has to go on if there is something left for one.
    #[inline(always)]
    fn end(&mut self, guard: &mut H::Guard<'_>) {
        let Some(callee) = self.callee.take() else { return };
        if let Some(queue) = H::queue(guard, self.place) {
            let Stopped { catches_up, needs_worker } = queue.stop();
            if catches_up {
                self.host.caught_up(guard, self.place);
            }
            if needs_worker {
                self.host.schedule(guard, self.place);
            }
        }
        self.host.put_back(guard, self.place, callee);
    }
}

impl<H: Host> Drop for Runner<'_, H> {
    /// After a panic of the library. Otherwise the client would seem to be run for ever: it would
    /// get no callback any longer, and could not deregister.
    #[cold]
    fn drop(&mut self) {
        if self.callee.is_some() && !self.host.is_lost() {
            let guard = &mut self.host.lock();
            if let Some(queue) = H::queue(guard, self.place) {
                queue.hand_over();
            }
            self.end(guard);
        }
    }
}

#[cfg(test)]
mod tests;
