//! From effects to callbacks: see "The manager" in docs/architecture.md.

use super::client_records::{ClientPlace, ClientRecord, Queued};
use super::context;
use super::dispatch::{self, Cause, ForgetWalk, Lane, Origin, Pushed, Question, Ticket, BOUNDS};
use super::igmp_pairs;
use super::shell::Shell;
use super::state::{Guard, Run, State};
use super::Manager;
use crate::engine::{AlertTopic, ClientId, Notice};
use crate::types::{Result, Time};

/// What has caused the effects that are published.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trigger {
    /// Which thread delivers the notices.
    pub lane: Lane,
    pub origin: Origin,
}

impl Manager {
    /// Carries out effects, still under the lock of the change that made them: updates the
    /// entries of the forwarder, and puts the notices into the queues of their clients. The
    /// tickets go to this thread's outbox, or to the workers.
    #[inline]
    pub(super) fn publish(&self, state: &mut State, lane: Lane) {
        self.publish_from(state, Trigger { lane, origin: Origin::Else });
    }

    /// The same, with the cause of the effects.
    #[inline]
    pub(super) fn publish_from(&self, state: &mut State, mut trigger: Trigger) {
        if context::is_for_process() {
            // A call of another process: this thread makes no callbacks of clients.
            trigger.lane = Lane::Worker;
        }
        let is_awaited = state.waiters > 0;
        let Some(run) = state.run.as_mut() else { return };
        self.carry_out(run, trigger, is_awaited);
        if trigger.lane == Lane::Caller {
            self.adopt(run);
        }
        self.set_alarm(run);
    }

    /// Most calls have only some of the effects, or none.
    #[inline]
    fn carry_out(&self, run: &mut Run, trigger: Trigger, is_awaited: bool) {
        loop {
            if run.fx.has_more_than_notices() {
                self.follow(run, is_awaited);
            }
            let is_all = !run.fx.has_notices() || self.hand_out(run, trigger);
            if run.fx.has_untold() {
                self.tell_later(run);
            }
            if is_all {
                return;
            }
        }
    }

    /// Carries out all but the notices.
    #[inline(never)]
    fn follow(&self, run: &mut Run, is_awaited: bool) {
        let Run { engine, system, fx, .. } = run;
        for (level, line) in &fx.log {
            ::log::log!(*level, "{line}");
        }
        system.follow(engine, fx);
        if is_awaited && !fx.resolved.is_empty() {
            self.shared.ended.notify_all();
        }
        if !fx.again.is_empty() {
            run.upcalled_again();
        }
        if !run.fx.released.is_empty() {
            self.cancel_released(run);
        }
        for client in std::mem::take(&mut run.fx.departed) {
            run.forget(client);
        }
        run.fx.carried_out();
    }

    /// Puts the notices into the queues of their clients. False if that may have caused
    /// further effects.
    #[inline(never)]
    fn hand_out(&self, run: &mut Run, trigger: Trigger) -> bool {
        let (mut last, mut is_all) = (None, true);
        for _ in 0..run.fx.order_notices() {
            let Some((client, notice)) = run.fx.next_notice() else { break };
            is_all &= self.hand_over(run, (client, Queued(notice)), &mut last, trigger);
        }
        is_all
    }

    /// Puts a notice into the queue of its client, or holds it back. False if that may have
    /// caused further effects. `last` is the place of the client that got the last notice.
    #[inline]
    fn hand_over(
        &self,
        run: &mut Run,
        (client, notice): (ClientId, Queued),
        last: &mut Option<ClientPlace>,
        trigger: Trigger,
    ) -> bool {
        let found = run.clients.find(client, *last);
        *last = found.as_ref().map(|(place, _)| *place);
        let Some((place, record)) = found.filter(|(_, record)| !record.gone) else { return true };
        // A missing callback counts as a callback that changes nothing (spec 1.3).
        if !record.kinds.has(notice.kind()) && !changes_igmp(&notice) {
            run.make_none(place, &notice);
            return false;
        }
        ::log::debug!("to {}: {}", run.engine.who(place.client), *notice);
        if record.posted.is_some() {
            self.hand_over_posted(run, place, notice, trigger);
            return false;
        }
        let ClientRecord { queue, backlog, .. } = record;
        if trigger.lane == Lane::Worker || queue.is_behind() {
            self.hand_over_unusual(run, place, notice, trigger);
            return false;
        }
        // A question that a call waits for is never held back. There are not many of them, unless
        // a route change asks about many flows at once.
        backlog.pushed(&notice);
        let queued = context::outbox(|outbox| {
            let number = queue.push_usual(&BOUNDS, context::cause_of(outbox), notice)?;
            let ticket = Ticket { place, number: Some(number) };
            Ok((number, outbox.push(&BOUNDS, ticket)))
        });
        match queued {
            Ok((_, true)) => return true,
            Ok((number, false)) => self.leave(run, place, number),
            Err(notice) => self.queue_up(run, place, notice, trigger.lane),
        }
        false
    }

    /// The thread has too many tickets, or no memory for another one: a worker delivers this
    /// callback.
    #[cold]
    fn leave(&self, run: &mut Run, place: ClientPlace, number: u64) {
        let Some(record) = run.clients.at(place) else { return };
        record.queue.leave(number);
        if record.queue.needs_worker() {
            self.schedule_at(run, place);
        }
    }

    /// Queues or notes a notice that a worker delivers, or that is for a client that is behind.
    #[inline(never)]
    pub(super) fn hand_over_unusual(
        &self,
        run: &mut Run,
        place: ClientPlace,
        notice: Queued,
        trigger: Trigger,
    ) {
        let Some(record) = run.clients.at(place) else { return };
        if !record.backlog.admits(&notice) {
            return run.hold_back(place, notice, trigger.origin);
        }
        if record.queue.is_behind() && igmp_pairs::joins(&mut record.queue, &notice) {
            record.queue.comes_behind(cause(trigger.lane));
            if record.queue.needs_worker() {
                self.schedule_at(run, place);
            }
            return;
        }
        self.queue_up(run, place, notice, trigger.lane);
    }

    /// Puts a notice at the end of the queue, if the client is to get it as it is.
    fn queue_up(&self, run: &mut Run, place: ClientPlace, notice: Queued, lane: Lane) {
        let Some(ClientRecord { queue, .. }) = run.clients.at(place) else { return };
        let was_behind = queue.is_behind();
        let pushed = queue.push(&BOUNDS, cause(lane), notice);
        if let (&Pushed::Queued(number), Lane::Caller) = (&pushed, lane) {
            let ticket = Ticket { place, number: Some(number) };
            if !context::outbox(|outbox| outbox.push(&BOUNDS, ticket)) {
                queue.leave(number);
            }
        }
        let is_behind = queue.is_behind();
        if queue.needs_worker() {
            self.schedule_at(run, place);
        }
        if is_behind && !was_behind {
            run.fell_behind(place);
        }
        run.not_queued(place, pushed);
    }

    /// Interfaces were released or lost. Their clients do not get the alerts about memberships of
    /// IGMP there any longer (spec 8.9).
    #[cold]
    fn cancel_released(&self, run: &mut Run) {
        for (client, gone) in std::mem::take(&mut run.fx.released) {
            let Some((place, record)) = run.clients.find(client, None) else { continue };
            record.queue.cancel(
                |notice| notice.is_over_with(gone),
                |noted| noted.0.interface == gone && noted.0.topic == AlertTopic::Locals,
            );
            if record.queue.needs_worker() {
                self.schedule_at(run, place);
            }
        }
    }

    /// Some clients must be told a whole topic, because there were too many changes to queue an
    /// alert for each (spec 8.9).
    #[cold]
    fn tell_later(&self, run: &mut Run) {
        let (some, everybody) = run.fx.take_untold();
        for (client, topic) in some {
            if let Some((place, _)) = run.clients.find(client, None) {
                self.tell_all_later(run, place, &[topic]);
            }
        }
        if everybody {
            let mut next = run.clients.after(None);
            while let Some(place) = next {
                self.tell_all_later(run, place, &AlertTopic::ALL);
                next = run.clients.after(Some(place));
            }
        }
    }

    fn tell_all_later(&self, run: &mut Run, place: ClientPlace, topics: &[AlertTopic]) {
        let Some(record) = run.clients.at(place).filter(|record| !record.gone) else { return };
        let was_behind = record.queue.is_behind();
        topics.iter().for_each(|topic| record.queue.tell_all(*topic as usize));
        if record.queue.needs_worker() {
            self.schedule_at(run, place);
        }
        if !was_behind {
            run.is_told_later(place);
        }
    }

    /// The end of a call: publishes what it changed, and delivers the callbacks.
    #[inline(always)]
    pub(super) fn publish_all(&self, mut guard: Guard<'_>) {
        self.publish(&mut guard, Lane::Caller);
        self.release_and_drain(guard);
    }

    /// Makes a call on the running state. Publishes its changes before the lock is released, and
    /// delivers callbacks afterwards.
    pub(super) fn act<R>(
        &self,
        enter: impl FnOnce(&mut State) -> Result<&mut Run>,
        call: impl FnOnce(&mut Run) -> Result<R>,
    ) -> Result<R> {
        let mut guard = self.lock();
        let result = call(enter(&mut guard)?);
        self.publish_all(guard);
        result
    }

    /// Delivers the callbacks that this thread's calls have caused (spec 8.1, 8.3).
    #[inline]
    pub fn drain(&self) {
        if Manager::owes() {
            context::drain(|| dispatch::drain(&Shell(self)));
        }
    }

    /// The same, and releases the lock: it is held until the first callback.
    #[inline(always)]
    pub(super) fn release_and_drain(&self, guard: Guard<'_>) {
        if Manager::owes() {
            context::drain(|| dispatch::drain_locked(&Shell(self), guard));
        } else {
            guard.release();
        }
    }

    /// Whether this thread has callbacks to deliver.
    #[inline]
    pub fn owes() -> bool {
        context::owes()
    }

    /// Leaves the tickets of one of the library's threads to the workers. They come from calls
    /// inside the host's log callback. The thread itself makes no callbacks of clients.
    pub(super) fn pass_on(&self) {
        context::drain(|| dispatch::pass_on(&Shell(self)));
    }
}

impl Shell<'_> {
    /// As [`Manager::release_and_drain`], but still holds the lock at the end, so that log messages
    /// wait.
    pub(super) fn drain_held<'a>(&'a self, guard: Guard<'a>) -> Guard<'a> {
        let mut held = Some(guard);
        context::drain(|| held = held.take().map(|guard| dispatch::drain_held(self, guard)));
        held.unwrap_or_else(|| self.0.lock())
    }
}

/// The cause of the callbacks that a thread publishes.
fn cause(lane: Lane) -> Cause {
    match lane {
        Lane::Worker => Cause::WORKER,
        Lane::Caller => context::outbox(context::cause_of),
    }
}

/// Whether a notice changes what IGMP may do. Such notices are delivered in their order,
/// whichever callbacks a client has.
fn changes_igmp(notice: &Notice) -> bool {
    matches!(notice, Notice::DisableIgmp { .. } | Notice::EnableIgmp { .. })
}

impl Run {
    #[cold]
    fn fell_behind(&mut self, place: ClientPlace) {
        self.counters.fell_behind += 1;
        ::log::warn!(
            "{} is behind, because its callbacks return too slowly: until it has caught up, it \
             receives only the current state, not each change",
            self.engine.who(place.client)
        );
    }

    /// The client need not be slow for this.
    fn is_told_later(&mut self, place: ClientPlace) {
        self.counters.fell_behind += 1;
        ::log::info!(
            "{} is to be told of more at once than can wait for it: until it has been told, it \
             receives only the current state, not each change",
            self.engine.who(place.client)
        );
    }

    /// The client has no such callback, so the unchanged question is the answer.
    #[cold]
    fn make_none(&mut self, place: ClientPlace, notice: &Notice) {
        ::log::debug!("{} has no callback for {notice}", self.engine.who(place.client));
        if notice.question().is_some() {
            self.answer(place.client, notice);
        }
    }

    /// Handles a notice that was not queued.
    fn not_queued(&mut self, place: ClientPlace, pushed: Pushed<Queued>) {
        let notice = match pushed {
            Pushed::Queued(_) => return,
            Pushed::Noted(notice) => notice,
            Pushed::Dropped(notice) => {
                self.counters.dropped += 1;
                if let Some(record) = self.clients.at(place) {
                    record.dropped += 1;
                }
                notice
            }
            Pushed::Refused(notice) => {
                ::log::error!(
                    "out of memory: {} does not receive {}",
                    self.engine.who(place.client),
                    *notice
                );
                if let Some(record) = self.clients.at(place) {
                    record.backlog.refused(&notice);
                }
                match notice.subject() {
                    Some(flow) => self.engine.unasked(flow, &mut self.fx),
                    None if notice.question().is_some() => self.answer(place.client, &notice),
                    None => {}
                }
                notice
            }
        };
        self.fx.reuse(notice.0);
    }

    /// Holds back a question until its client has answered others. Drops flows that no sender
    /// uses any longer, so that a slow client costs no more memory than what comes in within
    /// some seconds.
    pub(super) fn hold_back(&mut self, place: ClientPlace, notice: Queued, origin: Origin) {
        let now = self.now();
        let Run { engine, clients, fx, system, .. } = self;
        let Some(record) = clients.at(place) else { return };
        let flow = notice.subject();
        // A question from an upcall is about a new flow.
        let has_mfe = origin == Origin::Else && flow.is_some_and(|flow| !engine.is_resolving(flow));
        let origin = if system.asks_in_order() { Origin::InOrder } else { origin };
        if !record.backlog.hold(notice, origin, has_mfe, now) {
            if let Some(flow) = flow {
                engine.unasked(flow, fx);
            }
        }
        self.forget_questions(place, now);
    }

    /// Drops the flows that [`Backlog::forget_next`](dispatch::Backlog::forget_next) takes out.
    pub(super) fn forget_questions(&mut self, place: ClientPlace, now: Time) {
        let Run { engine, clients, fx, .. } = self;
        let Some(record) = clients.at(place) else { return };
        if !record.backlog.looks_for_forgotten(now) {
            return;
        }
        let (mut walk, mut count) = (ForgetWalk::default(), 0);
        while let Some(notice) = record.backlog.forget_next(now, &mut walk) {
            engine.forget(&notice, fx);
            fx.reuse(notice.0);
            count += 1;
        }
        if count > 0 {
            ::log::warn!(
                "{} answers too slowly: dropped {count} new flows that had no further packets",
                engine.who(place.client)
            );
        }
    }

    /// Packets of flows that are being resolved were reported again.
    fn upcalled_again(&mut self) {
        let now = self.now();
        for flow in std::mem::take(&mut self.fx.again) {
            for (_, record) in self.clients.iter_mut() {
                record.backlog.upcalled_again(flow, now);
            }
        }
    }

    /// Passes the answer in a notice to the engine.
    pub(super) fn answer(&mut self, client: ClientId, notice: &Notice) {
        let now = self.now();
        let Run { engine, system, fx, .. } = self;
        engine.answer(now, client, notice, |flow| system.packets(flow), fx);
    }
}
