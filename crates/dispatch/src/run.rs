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
    /// A client, seen while the lock is held.
    type Client<'g>: Client<Item = Self::Item, Callee = Self::Callee>
    where
        Self: 'g;

    /// The bounds of the delivery.
    fn bounds(&self) -> &Bounds;
    /// Takes the lock.
    fn lock(&self) -> Self::Guard<'_>;
    /// Releases it.
    fn unlock(&self, guard: Self::Guard<'_>) {
        drop(guard);
    }
    /// A client, unless it has gone.
    fn client<'g>(
        &'g self,
        guard: &'g mut Self::Guard<'_>,
        place: Self::Place,
    ) -> Option<Self::Client<'g>>;
    /// Puts the client on the list of those that wait for a worker.
    fn schedule(&self, guard: &mut Self::Guard<'_>, place: Self::Place);
    /// If the system cannot start a worker: moves clients that wait for one into the outbox.
    fn adopt(&self, guard: &mut Self::Guard<'_>);
    /// This thread's outbox.
    fn outbox<R>(&self, with: impl FnOnce(&mut Outbox<Self::Place>) -> R) -> R;
    /// Called before each callback. The host may release the lock to take in events, and takes
    /// it again.
    fn look<'a>(
        &'a self,
        guard: Self::Guard<'a>,
        place: Self::Place,
        lane: Lane,
        callee: &mut Self::Callee,
    ) -> Self::Guard<'a>;
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
    /// A run has ended. Removes the client if it has gone meanwhile (`is_gone`).
    fn ended(&self, guard: &mut Self::Guard<'_>, place: Self::Place, is_gone: bool);
    /// Queues the present state of some of the things that are noted for a client that is behind.
    fn catch_up(&self, guard: &mut Self::Guard<'_>, place: Self::Place);
    /// The client is not behind any longer.
    fn caught_up(&self, guard: &mut Self::Guard<'_>, place: Self::Place);
    /// Whether this is a forked child, in which the lock must not be taken.
    fn is_lost(&self) -> bool;
}

/// A client of a [`Host`], seen while the lock is held.
pub trait Client {
    /// A callback.
    type Item: Item;
    /// What the runner holds.
    type Callee;

    /// The client's queue.
    fn queue(&mut self) -> &mut Queue<Self::Item>;
    /// This thread becomes the client's runner. Returns what the runner holds.
    fn take(&mut self) -> Option<Self::Callee>;
    /// A callback was taken out of the queue. Returns it, or `None` if it must not be made any
    /// longer.
    fn begins(&mut self, item: Self::Item, callee: &mut Self::Callee) -> Option<Self::Item>;
    /// The run has ended. Takes back what the runner held. True if the client has gone meanwhile.
    fn put_back(&mut self, callee: Self::Callee) -> bool;
}

/// Delivers what this thread's calls have caused, first in first out, including what
/// comes in meanwhile (spec 8.1, 8.3). What goes beyond the bounds is left to workers.
pub fn drain<H: Host>(host: &H) {
    if !host.outbox(|outbox| outbox.is_empty()) {
        drain_locked(host, host.lock());
    }
}

/// The same as a part of a call that delivers several times: `turn` is that of the whole call.
pub fn drain_within<H: Host>(host: &H, turn: &mut Turn) {
    if !host.outbox(|outbox| outbox.is_empty()) {
        drain_all(host, host.lock(), turn);
    }
}

/// The same as [`drain`] with the lock held, which it releases.
pub fn drain_locked<'a, H: Host>(host: &'a H, guard: H::Guard<'a>) {
    drain_all(host, guard, &mut turn_of(host));
}

#[inline]
fn drain_all<'a, H: Host>(host: &'a H, mut guard: H::Guard<'a>, turn: &mut Turn) {
    loop {
        guard = deliver_all(host, guard, turn);
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

/// The turn of a call of this thread.
#[inline]
pub fn turn_of<H: Host>(host: &H) -> Turn {
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
    let start = Runner::start(host, &mut guard, place, Lane::Caller, |queue| match number {
        Some(number) => queue.offer(number),
        None => queue.start_worker(),
    });
    match start {
        Some(runner) => run(runner, guard, turn),
        None => {
            schedule_if_needed(host, &mut guard, place);
            guard
        }
    }
}

/// Leaves what this thread's calls have caused to workers.
pub fn pass_on<H: Host>(host: &H) {
    while let Some(Ticket { place, number }) = host.outbox(Outbox::pop) {
        leave(host, &mut host.lock(), place, number);
    }
}

fn leave<H: Host>(host: &H, guard: &mut H::Guard<'_>, place: H::Place, number: Option<u64>) {
    if let Some(mut client) = host.client(guard, place) {
        match number {
            None => client.queue().unschedule(),
            Some(number) => client.queue().leave(number),
        }
    }
    schedule_if_needed(host, guard, place);
}

fn schedule_if_needed<H: Host>(host: &H, guard: &mut H::Guard<'_>, place: H::Place) {
    if host.client(guard, place).is_some_and(|mut client| client.queue().needs_worker()) {
        host.schedule(guard, place);
    }
}

/// A worker runs a client that it took off the list, and gives the lock back.
pub fn work<'a, H: Host>(host: &'a H, mut guard: H::Guard<'a>, place: H::Place) -> H::Guard<'a> {
    match Runner::start(host, &mut guard, place, Lane::Worker, Queue::start_worker) {
        Some(runner) => run(runner, guard, &mut Turn::endless()),
        None => guard,
    }
}

/// Makes the callbacks of one client, until there are no more that the runner may make. No
/// callback is made elsewhere.
///
/// Inlined into the loop over the tickets, because a run is seldom longer than one callback.
#[inline(always)]
fn run<'a, H: Host>(runner: Runner<'a, H>, guard: H::Guard<'a>, turn: &mut Turn) -> H::Guard<'a> {
    let mut runner = runner;
    let mut guard = guard; // after a panic, released before the runner is dropped
    let Runner { host, place, lane, .. } = runner;
    while let Some(callee) = &mut runner.callee {
        guard = host.look(guard, place, lane, callee);
        let Some(mut client) = host.client(&mut guard, place) else { break };
        // The alerts of calls that callbacks have made come first, because this client's queue
        // may never become empty.
        if lane == Lane::Worker && !host.outbox(|outbox| outbox.is_empty()) {
            client.queue().hand_over();
            break;
        }
        match client.queue().next(turn) {
            Next::Call(cause, item) => {
                let Some(mut item) = client.begins(item, callee) else {
                    turn.give_back(cause);
                    continue;
                };
                drop(client); // it borrows the guard
                host.unlock(guard);
                host.call(place, callee, &mut item);
                guard = host.lock();
                host.returned(&mut guard, place, item, lane);
            }
            Next::CatchUp => {
                drop(client);
                host.catch_up(&mut guard, place);
                let client = host.client(&mut guard, place);
                if client.is_some_and(|mut client| client.queue().is_empty()) {
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
                    Some(number) => client.queue().go_on(number),
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
    /// Which kind of thread it is.
    lane: Lane,
    /// What the client has given, until the run has ended.
    callee: Option<H::Callee>,
}

impl<'a, H: Host> Runner<'a, H> {
    /// This thread becomes the runner of a client, if the client's queue `starts` it.
    #[inline]
    fn start(
        host: &'a H,
        guard: &mut H::Guard<'a>,
        place: H::Place,
        lane: Lane,
        starts: impl FnOnce(&mut Queue<H::Item>) -> bool,
    ) -> Option<Runner<'a, H>> {
        let mut client = host.client(guard, place)?;
        starts(client.queue()).then(|| Runner { host, place, lane, callee: client.take() })
    }

    /// The run has ended; a worker has to go on if there is something left for one.
    #[inline(always)]
    fn end(&mut self, guard: &mut H::Guard<'_>) {
        let callee = self.callee.take();
        let Some(mut client) = self.host.client(guard, self.place) else { return };
        let Stopped { catches_up, needs_worker } = client.queue().stop();
        let is_gone = callee.is_some_and(|callee| client.put_back(callee));
        drop(client);
        if catches_up {
            self.host.caught_up(guard, self.place);
        }
        if needs_worker {
            self.host.schedule(guard, self.place);
        }
        self.host.ended(guard, self.place, is_gone);
    }
}

impl<H: Host> Drop for Runner<'_, H> {
    /// After a panic of the library. Otherwise the client would seem to be run for ever: it would
    /// get no callback any longer, and could not deregister.
    #[cold]
    fn drop(&mut self) {
        if self.callee.is_some() && !self.host.is_lost() {
            let guard = &mut self.host.lock();
            if let Some(mut client) = self.host.client(guard, self.place) {
                client.queue().hand_over();
            }
            self.end(guard);
        }
    }
}

#[cfg(test)]
mod tests;
