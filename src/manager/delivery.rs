//! From effects to callbacks: see "The manager" in docs/architecture.md.

use super::backlog::{self, Origin};
use super::context::{self, Inside, Ticket};
use super::queue::{Lane, Queue};
use super::state::{Guard, Run, State};
use super::Manager;
use crate::engine::{Answer, ClientId, Effects, Notice};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::Arc;

/// After so many questions about new flows, and when there are no more of them, a worker
/// looks for further upcalls.
const LOOK_AFTER: usize = 16;

impl Manager {
    /// Carries out effects, still under the lock of the change that made them:
    /// the forwarder follows, notices go into the queues of their clients.
    /// The tickets go to this thread's outbox, or to the workers.
    pub(super) fn publish(&self, state: &mut State, fx: &mut Effects, lane: Lane) {
        self.publish_from(Origin::Else, state, fx, lane);
    }

    /// The same, with what it comes from.
    pub(super) fn publish_from(
        &self,
        origin: Origin,
        state: &mut State,
        fx: &mut Effects,
        lane: Lane,
    ) {
        let waiters = state.waiters;
        let Some(run) = state.run.as_mut() else { return };
        while !fx.is_empty() {
            for (level, line) in fx.log.drain(..) {
                ::log::log!(level, "{line}");
            }
            run.world.follow(&mut run.engine, fx);
            if !fx.resolved.is_empty() && waiters > 0 {
                self.shared.ended.notify_all();
            }
            fx.resolved.clear();
            let mut notices = fx.take_notices();
            for (client, notice) in notices.drain(..) {
                let record = run.clients.get_mut(&client).filter(|record| !record.gone);
                let Some(record) = record else { continue };
                // A callback that is not there is one that changes nothing
                // (spec 1.3). Those two change what IGMP may do, in their order.
                let in_turn =
                    matches!(notice, Notice::DisableIgmp { .. } | Notice::EnableIgmp { .. });
                if !in_turn && !record.callbacks.has(notice.kind()) {
                    ::log::debug!("{} has no callback for {notice}", run.engine.who(client));
                    if notice.question().is_some() {
                        let answer = notice.default_answer();
                        run.answer(client, &notice, answer, fx);
                    }
                    continue;
                }
                ::log::debug!("to {}: {notice}", run.engine.who(client));
                match lane {
                    Lane::Caller => {
                        record.backlog.pushed(&notice);
                        let number = record.queue.push(notice);
                        context::post(Ticket { client, number });
                    }
                    Lane::Worker => {
                        let Some(notice) = record.backlog.admit(notice, origin) else { continue };
                        let number = record.queue.push(notice);
                        if record.queue.leave_to_worker(number) {
                            self.schedule(run, client);
                        }
                    }
                }
            }
            fx.reuse(notices);
        }
        if lane == Lane::Caller {
            self.adopt(run);
        }
        self.set_alarm(run);
    }

    /// Delivers what this thread's calls have caused (spec 8.1, 8.3).
    pub(super) fn drain(&self) {
        let mut kept = None;
        context::drain(|ticket| {
            let mut guard = kept.take().unwrap_or_else(|| self.lock());
            let record = guard.run.as_mut().and_then(|run| run.clients.get_mut(&ticket.client));
            if record.is_some_and(|record| record.queue.offer(ticket.number)) {
                guard = self.run_queue(guard, ticket.client, Lane::Caller);
            }
            // The lock is kept from one client to the next, but not beyond the
            // last: log lines that wait for its end may cause more.
            kept = context::owes().then_some(guard);
        });
    }

    /// Delivers what this thread still owes at the end of an exported function.
    pub fn settle() {
        if context::owes() {
            Manager::global().drain();
        }
    }

    /// Leaves what one of MGM's own threads owes to the workers: calls made
    /// inside the host's log callback, which it may have called. It runs no
    /// callbacks of clients itself.
    pub(super) fn pass_on(&self) {
        context::drain(|ticket| {
            let mut guard = self.lock();
            let Some(run) = guard.run.as_mut() else { return };
            let record = run.clients.get_mut(&ticket.client);
            if record.is_some_and(|record| record.queue.leave_to_worker(ticket.number)) {
                self.schedule(run, ticket.client);
            }
        });
    }

    /// Makes the callbacks of one client, as its runner, until the runner's
    /// duty is done; gives the lock back. The only way to a callback.
    pub(super) fn run_queue<'a>(
        &'a self,
        guard: Guard<'a>,
        client: ClientId,
        lane: Lane,
    ) -> Guard<'a> {
        let run = || self.make_callbacks(guard, client, lane);
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            // Something of ours panicked. A client that seemed to be run for ever
            // would hear nothing any more, and could not go.
            if !crate::fork::is_child() {
                self.end_run(&mut self.lock(), client, Queue::pause);
            }
            resume_unwind(panic)
        })
    }

    fn make_callbacks<'a>(
        &'a self,
        mut guard: Guard<'a>,
        client: ClientId,
        lane: Lane,
    ) -> Guard<'a> {
        let mut asked = 0;
        loop {
            let Some(run) = guard.run.as_mut() else { return guard };
            let Some(record) = run.clients.get_mut(&client) else { return guard };
            if lane == Lane::Worker && context::owes() {
                // Callbacks have made calls, whose alerts come first: this client
                // may have something new to hear for ever.
                self.end_run(&mut guard, client, Queue::pause);
                return guard;
            }
            let is_dry = record.queue.len() == 0;
            if lane == Lane::Worker && (asked == LOOK_AFTER || asked > 0 && is_dry) {
                asked = 0;
                guard = self.look_for_upcalls(guard);
                continue;
            }
            let Some(notice) = record.queue.next(lane) else {
                self.end_run(&mut guard, client, Queue::after_run);
                return guard;
            };
            asked += usize::from(backlog::is_about_new_flow(&notice));
            if let Some(next) = record.backlog.popped(&notice) {
                let number = record.queue.push(next);
                // Nothing to schedule: the queue is being run.
                record.queue.leave_to_worker(number);
            }
            if !run.engine.starting(client, &notice) {
                continue;
            }
            if record.callbacks.has(notice.kind()) {
                record.delivered.count(notice.kind());
                run.tally.callbacks.count(notice.kind());
            }
            let callbacks = Arc::clone(&record.callbacks);
            drop(guard);
            let answer = context::within(Inside::Client(client), || {
                catch_unwind(AssertUnwindSafe(|| callbacks.call(&notice)))
            });
            if crate::fork::is_child() {
                // The callback has forked, and this is the child: the lock may be
                // in the hands of a thread that does not exist here. So out of
                // all this, to where calls are refused (spec 8.7).
                resume_unwind(Box::new("in a forked child"));
            }
            guard = self.lock();
            if notice.question().is_some() {
                let answer = answer.unwrap_or_else(|_| notice.default_answer());
                self.answer(&mut guard, client, &notice, answer, lane);
            }
        }
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

    /// The client is not being run any more; `stop` tells whether a worker has to go on.
    fn end_run(
        &self,
        guard: &mut Guard<'_>,
        client: ClientId,
        stop: fn(&mut Queue<Notice>) -> bool,
    ) {
        let Some(run) = guard.run.as_mut() else { return };
        let Some(record) = run.clients.get_mut(&client) else { return };
        let due = stop(&mut record.queue);
        if record.gone {
            run.clients.remove(&client);
        } else if due {
            self.schedule(run, client);
        }
        if guard.waiters > 0 {
            self.shared.ended.notify_all();
        }
    }

    fn answer(
        &self,
        guard: &mut Guard<'_>,
        client: ClientId,
        notice: &Notice,
        answer: Answer,
        lane: Lane,
    ) {
        let Some(run) = guard.run.as_mut() else { return };
        ::log::debug!("{} answers {notice}: {answer}", run.engine.who(client));
        let mut fx = Effects::default();
        run.answer(client, notice, answer, &mut fx);
        self.publish(guard, &mut fx, lane);
    }
}

impl Run {
    /// Gives the engine an answer.
    fn answer(&mut self, client: ClientId, notice: &Notice, answer: Answer, fx: &mut Effects) {
        let now = self.now();
        let Run { engine, world, .. } = self;
        engine.answer(now, client, notice, answer, |flow| world.packets(flow), fx);
    }
}
