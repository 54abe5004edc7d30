//! From effects to callbacks: see "The manager" in docs/architecture.md.

use super::backlog::{flow_in_question, Origin};
use super::context::{self, Inside};
use super::dispatch::{
    self, Bounds, Cause, Host, Lane, Outbox, Pushed, Queue, Tell, Ticket, BOUNDS,
};
use super::records::{Place, Record};
use super::state::{Guard, Run, State};
use super::{Callbacks, Manager};
use crate::engine::{Answer, ClientId, Effects, Engine, Notice, NoticeBox, Topic};
use crate::types::Time;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

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
            if !run.fx.released.is_empty() {
                self.cancel_released(run);
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
            if run.fx.has_untold() {
                self.tell_later(run);
            }
        }
    }

    /// Puts a notice into the queue of its client, or what is held back from it.
    fn hand_over(
        &self,
        run: &mut Run,
        place: Place,
        notice: NoticeBox,
        origin: Origin,
        lane: Lane,
    ) {
        let Some(record) = run.clients.at(place).filter(|record| !record.gone) else { return };
        // A callback that is not there is one that changes nothing (spec 1.3).
        // Those two change what IGMP may do, in their order.
        let in_turn = matches!(*notice, Notice::DisableIgmp { .. } | Notice::EnableIgmp { .. });
        if !in_turn && !record.kinds.has(notice.kind()) {
            ::log::debug!("{} has no callback for {}", run.engine.who(place.client), *notice);
            if notice.question().is_some() {
                run.answer(place.client, &notice);
            }
            return;
        }
        ::log::debug!("to {}: {}", run.engine.who(place.client), *notice);
        let cause = match lane {
            Lane::Worker if !record.backlog.admits(&notice) => {
                return run.hold_back(place, notice, origin);
            }
            Lane::Worker => Cause::WORKER,
            // What a call waits for stands where it came in. That is not many, unless a
            // change of routes asks about many flows at once.
            Lane::Caller if record.queue.is_behind() && !record.backlog.admits(&notice) => {
                return run.hold_back(place, notice, origin);
            }
            Lane::Caller => {
                if !record.queue.is_behind() {
                    record.backlog.pushed(&notice);
                }
                context::cause()
            }
        };
        let was_behind = record.queue.is_behind();
        if was_behind && in_turn && joins_pair(&mut record.queue, &notice) {
            return;
        }
        let pushed = record.queue.push(&BOUNDS, cause, notice);
        let is_behind = record.queue.is_behind();
        match pushed {
            Pushed::Queued(number) if lane == Lane::Caller => {
                let ticket = Ticket { place, number: Some(number) };
                if !context::outbox(|outbox| outbox.push(ticket)) {
                    self.leave(run, place);
                }
            }
            _ if record.queue.needs_worker() => self.schedule_at(run, place),
            _ => {}
        }
        if is_behind && !was_behind {
            run.fell_behind(place);
        }
        if !matches!(pushed, Pushed::Queued(_)) {
            run.not_queued(place, pushed);
        }
    }

    /// There is no memory to keep in mind that this thread has to run a client.
    #[cold]
    fn leave(&self, run: &mut Run, place: Place) {
        let Some(record) = run.clients.at(place) else { return };
        record.queue.hand_over();
        if record.queue.needs_worker() {
            self.schedule_at(run, place);
        }
    }

    /// Interfaces have been given up or lost: what their clients still had to hear about
    /// IGMP there has lost its sense.
    #[cold]
    fn cancel_released(&self, run: &mut Run) {
        for (client, gone) in std::mem::take(&mut run.fx.released) {
            let Some(place) = run.clients.find(client, None) else { continue };
            let Some(record) = run.clients.at(place) else { continue };
            record.queue.cancel(
                |notice| notice.is_over_with(gone),
                |thing| thing.interface == gone && thing.topic == Topic::Locals,
            );
            if record.queue.needs_worker() {
                self.schedule_at(run, place);
            }
        }
    }

    /// Some clients are to be told all of a topic, because it was too much to tell them
    /// singly (spec 8.9).
    #[cold]
    fn tell_later(&self, run: &mut Run) {
        let (some, everybody) = run.fx.take_untold();
        let all: Vec<ClientId> = match everybody {
            true => run.clients.iter_mut().map(|(client, _)| client).collect(),
            false => Vec::new(),
        };
        let to_all = all.iter().flat_map(|&client| Topic::ALL.map(|topic| (client, topic)));
        for (client, topic) in some.into_iter().chain(to_all) {
            let Some(place) = run.clients.find(client, None) else { continue };
            let Some(record) = run.clients.at(place).filter(|record| !record.gone) else {
                continue;
            };
            let was_behind = record.queue.is_behind();
            record.queue.tell_all(topic as usize);
            if record.queue.needs_worker() {
                self.schedule_at(run, place);
            }
            if !was_behind {
                run.fell_behind(place);
            }
        }
    }

    /// Delivers what this thread's calls have caused (spec 8.1, 8.3).
    pub(crate) fn drain(&self) {
        context::drain(|| dispatch::drain(&Shell(self)));
    }

    /// Whether this thread has anything to deliver.
    pub(crate) fn owes() -> bool {
        context::owes()
    }

    /// Leaves what one of MGM's own threads owes to the workers: calls made
    /// inside the host's log callback, which it may have called. It runs no
    /// callbacks of clients itself.
    pub(super) fn pass_on(&self) {
        context::drain(|| dispatch::pass_on(&Shell(self)));
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

/// A later change of hands joins the DISABLE_IGMP and the ENABLE_IGMP that have not begun,
/// if there are some in the queue (spec 8.9).
fn joins_pair(queue: &mut Queue<NoticeBox>, notice: &Notice) -> bool {
    match *notice {
        Notice::DisableIgmp { question, interface } => {
            queue.items_mut().any(|one| match &mut **one {
                // Its answer is the one that is waited for now.
                Notice::DisableIgmp { question: former, interface: there }
                    if *there == interface =>
                {
                    *former = question;
                    true
                }
                _ => false,
            })
        }
        Notice::EnableIgmp { interface, since } => queue.items_mut().any(|one| match &mut **one {
            Notice::EnableIgmp { interface: there, since: former } if *there == interface => {
                *former = since;
                true
            }
            _ => false,
        }),
        _ => false,
    }
}

/// What a thread takes along that runs a client.
pub(super) struct Callee {
    callbacks: Box<dyn Callbacks>,
    /// Questions about flows since the last look for upcalls.
    asked: usize,
}

/// The manager, for what dispatches its callbacks.
pub(super) struct Shell<'m>(pub &'m Manager);

impl Host for Shell<'_> {
    type Place = Place;
    type Item = NoticeBox;
    type Callee = Callee;
    type Guard<'a>
        = Guard<'a>
    where
        Self: 'a;

    fn bounds(&self) -> &Bounds {
        &BOUNDS
    }

    fn lock(&self) -> Guard<'_> {
        self.0.lock()
    }

    #[inline]
    fn queue<'g>(guard: &'g mut Guard<'_>, place: Place) -> Option<&'g mut Queue<NoticeBox>> {
        Some(&mut guard.run.as_mut()?.clients.at(place)?.queue)
    }

    fn schedule(&self, guard: &mut Guard<'_>, place: Place) {
        if let Some(run) = guard.run.as_mut() {
            self.0.schedule_at(run, place);
        }
    }

    fn outbox<R>(&self, with: impl FnOnce(&mut Outbox<Place>) -> R) -> R {
        context::outbox(with)
    }

    fn cause(&self) -> Cause {
        context::cause()
    }

    fn take(&self, guard: &mut Guard<'_>, place: Place) -> Option<Callee> {
        let record = guard.run.as_mut()?.clients.at(place)?;
        Some(Callee { callbacks: record.callbacks.take()?, asked: 0 })
    }

    fn put_back(&self, guard: &mut Guard<'_>, place: Place, callee: Callee) {
        let Some(run) = guard.run.as_mut() else { return };
        let Some(record) = run.clients.at(place) else { return };
        record.callbacks = Some(callee.callbacks);
        if record.gone {
            run.clients.remove(place.client);
        }
        if guard.waiters > 0 {
            self.0.shared.ended.notify_all();
        }
    }

    #[inline]
    fn look<'a>(
        &'a self,
        mut guard: Guard<'a>,
        place: Place,
        lane: Lane,
        callee: &mut Callee,
    ) -> Guard<'a> {
        if lane == Lane::Caller || callee.asked == 0 || context::owes() {
            return guard;
        }
        let is_dry = Self::queue(&mut guard, place).is_some_and(|queue| queue.is_empty());
        if callee.asked >= LOOK_AFTER || is_dry {
            callee.asked = 0;
            return self.0.look_for_upcalls(guard);
        }
        guard
    }

    #[inline]
    fn begins(
        &self,
        guard: &mut Guard<'_>,
        place: Place,
        notice: NoticeBox,
        callee: &mut Callee,
    ) -> Option<NoticeBox> {
        let Run { engine, clients, tally, fx, .. } = guard.run.as_mut()?;
        let record = clients.at(place)?;
        if flow_in_question(&notice).is_some() {
            callee.asked += 1;
            if let Some(next) = record.backlog.popped(&notice) {
                if let Pushed::Refused(next) = record.queue.push(&BOUNDS, Cause::WORKER, next) {
                    engine.forget(&next, fx); // no memory: as if its packet had not come
                }
            }
        }
        if !engine.starting(place.client, &notice) {
            fx.reuse(notice);
            return None;
        }
        let kind = notice.kind();
        if record.kinds.has(kind) {
            record.delivered.count(kind);
            tally.callbacks.count(kind);
        }
        Some(notice)
    }

    /// What the callback left in the notice before a panic is its answer.
    fn call(&self, place: Place, callee: &Callee, notice: &mut NoticeBox) {
        context::within(Inside::Client(place.client), || {
            catch_unwind(AssertUnwindSafe(|| callee.callbacks.call(notice))).ok();
        });
        if crate::fork::is_child() {
            // The callback has forked, and this is the child: the lock may be
            // in the hands of a thread that does not exist here. So out of
            // all this, to where calls are refused (spec 8.7).
            resume_unwind(Box::new("in a forked child"));
        }
    }

    fn returned(&self, guard: &mut Guard<'_>, place: Place, notice: NoticeBox, lane: Lane) {
        let Some(run) = guard.run.as_mut() else { return };
        if notice.question().is_some() {
            ::log::debug!("{} answers {}", run.engine.who(place.client), Answer(&notice));
            run.answer(place.client, &notice);
            self.0.publish(guard, lane);
        }
        if let Some(run) = guard.run.as_mut() {
            run.fx.reuse(notice);
        }
    }

    fn catch_up(&self, guard: &mut Guard<'_>, place: Place) {
        let most = BOUNDS.batch;
        let Some(Run { engine, clients, fx, .. }) = guard.run.as_mut() else { return };
        let Some(record) = clients.at(place).filter(|record| !record.gone) else { return };
        for _ in 0..most {
            if !record.tell_next(engine, place.client, most, fx) {
                break;
            }
        }
    }

    fn caught_up(&self, guard: &mut Guard<'_>, place: Place) {
        if let Some(run) = guard.run.as_mut() {
            ::log::warn!("{} has caught up", run.engine.who(place.client));
        }
    }

    fn is_lost(&self) -> bool {
        crate::fork::is_child()
    }
}

impl Record {
    /// Puts what a client that is behind hears next into its queue: how it stands now with
    /// something that is noted. False if that is enough for now.
    fn tell_next(
        &mut self,
        engine: &Engine,
        client: ClientId,
        most: usize,
        fx: &mut Effects,
    ) -> bool {
        let Some(tell) = self.queue.notes().next() else { return false };
        match tell {
            Tell::One(thing) => engine.tell_truth(client, thing, fx),
            Tell::All(topic) => {
                if engine.tell_all(client, Topic::ALL[topic], fx) {
                    self.queue.notes().walk(topic, None);
                }
            }
            Tell::After(topic, after) => {
                let last = engine.tell_after(client, Topic::ALL[topic], after, most, fx);
                if last.is_some() {
                    self.queue.notes().walk(topic, last);
                }
            }
        }
        let (mut goes_on, is_one) = (true, matches!(tell, Tell::One(_)));
        for _ in 0..fx.order_notices() {
            let Some((_, notice)) = fx.next_notice() else { break };
            if let Err(notice) = self.queue.tell(notice) {
                // No memory: once more, and then all of it.
                if let Some((thing, _)) = notice.thing() {
                    self.queue.notes().note_all(thing.topic as usize);
                }
                goes_on = false;
            }
        }
        goes_on && is_one
    }
}

impl Run {
    #[cold]
    fn fell_behind(&mut self, place: Place) {
        self.tally.fell_behind += 1;
        ::log::warn!(
            "{} is behind, because its callbacks do not return as fast as others come: until it \
             has caught up it is told how things stand, and not each change",
            self.engine.who(place.client)
        );
    }

    /// What is done with a notice that is not in its client's queue.
    #[cold]
    fn not_queued(&mut self, place: Place, pushed: Pushed<NoticeBox>) {
        let notice = match pushed {
            Pushed::Queued(_) => return,
            Pushed::Noted(notice) => notice,
            Pushed::Dropped(notice) => {
                self.tally.dropped += 1;
                if let Some(record) = self.clients.at(place) {
                    record.dropped += 1;
                }
                notice
            }
            Pushed::Refused(notice) => {
                ::log::error!(
                    "no memory: {} does not hear {}",
                    self.engine.who(place.client),
                    *notice
                );
                if notice.question().is_some() {
                    self.answer(place.client, &notice);
                }
                notice
            }
        };
        self.fx.reuse(notice);
    }

    /// Keeps a question until its client has answered others; forgets flows that
    /// nobody sends any more, so that a client that does not keep up costs no
    /// more than what comes in within some seconds.
    fn hold_back(&mut self, place: Place, notice: NoticeBox, origin: Origin) {
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
