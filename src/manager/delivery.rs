//! From effects to callbacks: see "The manager" in docs/architecture.md.

use super::backlog::{flow_in_question, Origin};
use super::context::{self, Inside, Ticket};
use super::queue::Lane;
use super::records::Place;
use super::state::{Guard, Run, State};
use super::{Callbacks, Manager};
use crate::engine::{Answer, ClientId, Notice};
use crate::types::Time;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// After so many questions about flows, and when there are no more of them, a worker
/// looks for further upcalls.
const LOOK_AFTER: usize = 16;

impl Manager {
    /// Carries out effects, still under the lock of the change that made them:
    /// the forwarder follows, notices go into the queues of their clients.
    /// The tickets go to this thread's outbox, or to the workers.
    pub(super) fn publish(&self, state: &mut State, lane: Lane) {
        self.publish_from(Origin::Else, state, lane);
    }

    /// The same, with what it comes from.
    pub(super) fn publish_from(&self, origin: Origin, state: &mut State, lane: Lane) {
        let is_awaited = state.waiters > 0;
        let Some(run) = state.run.as_mut() else { return };
        if !run.fx.is_empty() {
            self.carry_out(origin, run, lane, is_awaited);
        }
        if lane == Lane::Caller {
            self.adopt(run);
        }
        self.set_alarm(run);
    }

    /// Apart, because many calls have no effects.
    #[inline(never)]
    fn carry_out(&self, origin: Origin, run: &mut Run, lane: Lane, is_awaited: bool) {
        while !run.fx.is_empty() {
            let Run { engine, world, fx, .. } = run;
            for (level, line) in &fx.log {
                ::log::log!(*level, "{line}");
            }
            world.follow(engine, fx);
            if is_awaited && !fx.resolved.is_empty() {
                self.shared.ended.notify_all();
            }
            if !fx.again.is_empty() {
                run.upcalled_again();
            }
            run.fx.carried_out();
            let mut place = None;
            for _ in 0..run.fx.order_notices() {
                let Some((client, notice)) = run.fx.next_notice() else { break };
                place = run.clients.find(client, place);
                if let Some(place) = place {
                    self.hand_over(run, place, notice, origin, lane);
                }
            }
        }
    }

    /// Puts a notice into the queue of its client, or what is held back from it.
    fn hand_over(
        &self,
        run: &mut Run,
        place: Place,
        notice: Box<Notice>,
        origin: Origin,
        lane: Lane,
    ) {
        let Some(record) = run.clients.at(place).filter(|record| !record.gone) else { return };
        // A callback that is not there is one that changes nothing (spec 1.3).
        // Those two change what IGMP may do, in their order.
        let in_turn = matches!(*notice, Notice::DisableIgmp { .. } | Notice::EnableIgmp { .. });
        if !in_turn && !record.kinds.has(notice.kind()) {
            ::log::debug!("{} has no callback for {notice}", run.engine.who(place.client));
            if notice.question().is_some() {
                run.answer(place.client, &notice);
            }
            return;
        }
        ::log::debug!("to {}: {notice}", run.engine.who(place.client));
        match lane {
            Lane::Caller => {
                record.backlog.pushed(&notice);
                context::post(Ticket { place, number: record.queue.push(notice) });
            }
            Lane::Worker => {
                if !record.backlog.admits(&notice) {
                    return run.hold_back(place, notice, origin);
                }
                let number = record.queue.push(notice);
                if record.queue.leave_to_worker(number) {
                    self.schedule(run, place);
                }
            }
        }
    }

    /// Delivers what this thread's calls have caused (spec 8.1, 8.3).
    pub(crate) fn drain(&self) {
        let mut kept = None;
        context::drain(|ticket| {
            let mut guard = kept.take().unwrap_or_else(|| self.lock());
            let record = guard.run.as_mut().and_then(|run| run.clients.at(ticket.place));
            if let Some(callbacks) = record.and_then(|record| record.offer(ticket.number)) {
                guard = self.run_queue(guard, ticket.place, callbacks, Lane::Caller);
            }
            // The lock is kept from one client to the next, but not beyond the
            // last: log lines that wait for its end may cause more.
            kept = context::owes().then_some(guard);
        });
    }

    /// Whether this thread has anything to deliver.
    pub(crate) fn owes() -> bool {
        context::owes()
    }

    /// Leaves what one of MGM's own threads owes to the workers: calls made
    /// inside the host's log callback, which it may have called. It runs no
    /// callbacks of clients itself.
    pub(super) fn pass_on(&self) {
        context::drain(|ticket| {
            let mut guard = self.lock();
            let Some(run) = guard.run.as_mut() else { return };
            let record = run.clients.at(ticket.place);
            if record.is_some_and(|record| record.queue.leave_to_worker(ticket.number)) {
                self.schedule(run, ticket.place);
            }
        });
    }

    /// Makes the callbacks of one client, as its runner, until the runner's
    /// duty is done; gives the lock back. The only way to a callback.
    pub(super) fn run_queue<'a>(
        &'a self,
        guard: Guard<'a>,
        place: Place,
        callbacks: Box<dyn Callbacks>,
        lane: Lane,
    ) -> Guard<'a> {
        let mut runner =
            Runner { manager: self, place, callbacks: Some(callbacks), lane, asked: 0 };
        let mut guard = guard; // if there is a panic, released before the runner goes
        loop {
            if runner.had_better_look(&mut guard) {
                guard = self.look_for_upcalls(guard);
            }
            let Some(mut notice) = runner.next(&mut guard) else { break };
            drop(guard);
            runner.call(&mut notice);
            guard = self.lock();
            if notice.question().is_some() {
                let Some(run) = guard.run.as_mut() else { continue };
                ::log::debug!("{} answers {}", run.engine.who(place.client), Answer(&notice));
                run.answer(place.client, &notice);
                self.publish(&mut guard, lane);
            }
            if let Some(run) = guard.run.as_mut() {
                run.fx.reuse(notice);
            }
        }
        guard
    }

    /// Takes in what upcalls there are, as threads do that answer many: see
    /// [`UpcallSource`](crate::forwarder::UpcallSource).
    fn look_for_upcalls<'a>(&'a self, mut guard: Guard<'a>) -> Guard<'a> {
        let Some(upcalls) = guard.running().and_then(|run| run.world.upcalls()) else {
            return guard;
        };
        drop(guard);
        upcalls.look();
        self.lock()
    }
}

/// The thread that makes one client's callbacks.
struct Runner<'a> {
    manager: &'a Manager,
    place: Place,
    /// The client's, until the run has ended.
    callbacks: Option<Box<dyn Callbacks>>,
    lane: Lane,
    /// Questions about flows since the last look for upcalls.
    asked: usize,
}

impl Runner<'_> {
    /// Whether to look for upcalls, before the next notice; it counts as done.
    fn had_better_look(&mut self, state: &mut State) -> bool {
        if self.lane == Lane::Caller || self.asked == 0 || context::owes() {
            return false;
        }
        let record = state.run.as_mut().and_then(|run| run.clients.at(self.place));
        let is_dry = record.is_some_and(|record| record.queue.len() == 0);
        let is_time = self.asked >= LOOK_AFTER || is_dry;
        if is_time {
            self.asked = 0;
        }
        is_time
    }

    /// The notice to call the client with; `None` if the run has ended.
    fn next(&mut self, state: &mut State) -> Option<Box<Notice>> {
        // Alerts of calls that callbacks have made come first: this client may have
        // something new to hear for ever.
        let gives_way = self.lane == Lane::Worker && context::owes();
        let next = if gives_way { None } else { self.pop(state) };
        if next.is_none() {
            self.end(state, gives_way);
        }
        next
    }

    /// The next notice that is still of interest.
    fn pop(&mut self, state: &mut State) -> Option<Box<Notice>> {
        let Run { engine, clients, tally, .. } = state.run.as_mut()?;
        let record = clients.at(self.place)?;
        loop {
            let notice = record.queue.next(self.lane)?;
            self.asked += usize::from(flow_in_question(&notice).is_some());
            if let Some(next) = record.backlog.popped(&notice) {
                let number = record.queue.push(next);
                // Nothing to schedule: the queue is being run.
                record.queue.leave_to_worker(number);
            }
            if engine.starting(self.place.client, &notice) {
                let kind = notice.kind();
                if record.kinds.has(kind) {
                    record.delivered.count(kind);
                    tally.callbacks.count(kind);
                }
                return Some(notice);
            }
        }
    }

    /// Makes the callback, with no lock held. What it left in the notice before
    /// a panic is its answer.
    fn call(&self, notice: &mut Notice) {
        let Some(callbacks) = &self.callbacks else { return };
        context::within(Inside::Client(self.place.client), || {
            catch_unwind(AssertUnwindSafe(|| callbacks.call(notice))).ok();
        });
    }

    /// The client is not being run any more; a worker has to go on if there is
    /// something left for one.
    fn end(&mut self, state: &mut State, gives_way: bool) {
        let callbacks = self.callbacks.take();
        let Some(run) = state.run.as_mut() else { return };
        let Some(record) = run.clients.at(self.place) else { return };
        record.callbacks = callbacks;
        let is_worker_due = if gives_way { record.queue.pause() } else { record.queue.after_run() };
        if record.gone {
            run.clients.remove(self.place.client);
        } else if is_worker_due {
            self.manager.schedule(run, self.place);
        }
        if state.waiters > 0 {
            self.manager.shared.ended.notify_all();
        }
    }

    /// Something of ours panicked. A client that seemed to be run for ever would
    /// hear nothing any more, and could not go.
    #[cold]
    fn give_up(&mut self) {
        if !crate::fork::is_child() {
            self.end(&mut self.manager.lock(), true);
        }
    }
}

impl Drop for Runner<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.callbacks.is_some() {
            self.give_up();
        }
    }
}

impl Run {
    /// Keeps a question until its client has answered others; forgets flows that
    /// nobody sends any more, so that a client that does not keep up costs no
    /// more than what comes in within some seconds.
    fn hold_back(&mut self, place: Place, notice: Box<Notice>, origin: Origin) {
        let now = self.now();
        let Run { engine, clients, .. } = self;
        let Some(record) = clients.at(place) else { return };
        // What an upcall asks is about a new flow.
        let has_mfe = origin == Origin::Else
            && flow_in_question(&notice).is_some_and(|flow| !engine.is_resolving(flow));
        record.backlog.hold(notice, origin, has_mfe, now);
        self.forget_questions(place, now);
    }

    /// What [`Backlog::forget`](super::backlog::Backlog::forget) takes out is
    /// resolved no more.
    pub(super) fn forget_questions(&mut self, place: Place, now: Time) {
        let Run { engine, clients, fx, .. } = self;
        let Some(record) = clients.at(place) else { return };
        let forgotten = record.backlog.forget(now);
        if forgotten.is_empty() {
            return;
        }
        ::log::warn!(
            "{} does not answer as fast as flows come in: {} that sent nothing more are forgotten",
            engine.who(place.client),
            forgotten.len()
        );
        for notice in forgotten {
            engine.forget(&notice, fx);
            fx.reuse(notice);
        }
    }

    /// Packets of flows that are being resolved have come in again.
    fn upcalled_again(&mut self) {
        let now = self.now();
        for flow in std::mem::take(&mut self.fx.again) {
            for (_, record) in self.clients.iter_mut() {
                record.backlog.upcalled_again(flow, now);
            }
        }
    }

    /// Gives the engine the answer that a notice carries.
    fn answer(&mut self, client: ClientId, notice: &Notice) {
        let now = self.now();
        let Run { engine, world, fx, .. } = self;
        engine.answer(now, client, notice, |flow| world.packets(flow), fx);
    }
}
