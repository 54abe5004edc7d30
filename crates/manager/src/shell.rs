//! The manager as the user of `dispatch`: its lock, its clients, and what it does before and
//! after a callback.

use super::client_records::{ClientPlace, ClientRecord, Noted, Queued};
use super::context::{self, Inside};
use super::counters::RunCounters;
use super::dispatch::{Bounds, Cause, Client, Host, Lane, Outbox, Pushed, Queue, Tell, BOUNDS};
use super::state::{Guard, Run};
use super::{Callbacks, Manager};
use crate::engine::{AlertTopic, Answer, ClientId, Effects, Engine, NoticeKind};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// After this number of questions about flows, and when there are no more of them, a worker
/// reads further upcalls.
const LOOK_AFTER: usize = 16;

/// The state of a thread that runs a client.
pub(super) struct Callee {
    callbacks: Box<dyn Callbacks>,
    /// Questions about flows since the last look for upcalls.
    asked: usize,
}

/// A client while the lock is held, with what the beginning of a callback changes.
pub(super) struct LockedClient<'g> {
    id: ClientId,
    record: &'g mut ClientRecord,
    engine: &'g mut Engine,
    fx: &'g mut Effects,
    counters: &'g mut RunCounters,
}

impl Client for LockedClient<'_> {
    type Item = Queued;
    type Callee = Callee;

    #[inline]
    fn queue(&mut self) -> &mut Queue<Queued> {
        &mut self.record.queue
    }

    #[inline]
    fn take(&mut self) -> Option<Callee> {
        Some(Callee { callbacks: self.record.callbacks.take()?, asked: 0 })
    }

    // Inlined, as is `returned`: each callback needs both.
    #[inline(always)]
    fn begins(&mut self, notice: Queued, callee: &mut Callee) -> Option<Queued> {
        let LockedClient { id, record, engine, fx, counters } = self;
        let kind = notice.kind();
        match kind {
            NoticeKind::Rpf | NoticeKind::Creation => {
                callee.asked += 1;
                if let Some(next) = record.backlog.popped(&notice) {
                    record.queue_held_back(next, engine, fx);
                }
            }
            NoticeKind::DisableIgmp | NoticeKind::EnableIgmp if !engine.starting(*id, &notice) => {
                fx.reuse(notice.0);
                return None;
            }
            _ => {}
        }
        if record.kinds.has(kind) {
            record.delivered.count(kind);
            counters.callbacks.count(kind);
        }
        Some(notice)
    }

    #[inline]
    fn put_back(&mut self, callee: Callee) -> bool {
        self.record.callbacks.get_or_insert(callee.callbacks); // there are none meanwhile
        self.record.gone
    }
}

/// The manager as the host of `dispatch`.
pub(super) struct Shell<'m>(pub &'m Manager);

impl Host for Shell<'_> {
    type Place = ClientPlace;
    type Item = Queued;
    type Callee = Callee;
    type Guard<'a>
        = Guard<'a>
    where
        Self: 'a;
    type Client<'g>
        = LockedClient<'g>
    where
        Self: 'g;

    fn bounds(&self) -> &Bounds {
        &BOUNDS
    }

    fn lock(&self) -> Guard<'_> {
        self.0.lock()
    }

    #[inline(always)]
    fn unlock(&self, guard: Guard<'_>) {
        guard.release();
    }

    #[inline]
    fn client<'g>(
        &'g self,
        guard: &'g mut Guard<'_>,
        place: ClientPlace,
    ) -> Option<LockedClient<'g>> {
        let Run { engine, clients, fx, counters, .. } = guard.run.as_mut()?;
        Some(LockedClient { id: place.client, record: clients.at(place)?, engine, fx, counters })
    }

    fn schedule(&self, guard: &mut Guard<'_>, place: ClientPlace) {
        if let Some(run) = guard.run.as_mut() {
            self.0.schedule_at(run, place);
        }
    }

    fn adopt(&self, guard: &mut Guard<'_>) {
        if let Some(run) = guard.running() {
            self.0.adopt(run);
        }
    }

    #[inline]
    fn outbox<R>(&self, with: impl FnOnce(&mut Outbox<ClientPlace>) -> R) -> R {
        context::outbox(with)
    }

    #[inline]
    fn look<'a>(
        &'a self,
        mut guard: Guard<'a>,
        place: ClientPlace,
        lane: Lane,
        callee: &mut Callee,
    ) -> Guard<'a> {
        if lane == Lane::Caller || callee.asked == 0 || context::owes() {
            return guard;
        }
        let client = self.client(&mut guard, place);
        let is_dry = client.is_some_and(|mut client| client.queue().is_empty());
        if callee.asked >= LOOK_AFTER || is_dry {
            callee.asked = 0;
            return self.0.look_for_upcalls(guard);
        }
        guard
    }

    /// After a panic, the values that the callback has left in the notice are its answer.
    #[inline]
    fn call(&self, place: ClientPlace, callee: &Callee, notice: &mut Queued) {
        context::within(Inside::Client(place.client), || {
            catch_unwind(AssertUnwindSafe(|| callee.callbacks.call(notice))).ok();
        });
    }

    #[inline(always)]
    fn returned(&self, guard: &mut Guard<'_>, place: ClientPlace, notice: Queued, lane: Lane) {
        let Some(run) = guard.run.as_mut() else { return };
        if notice.question().is_some() {
            ::log::debug!("{} answers {}", run.engine.who(place.client), Answer(&notice));
            run.answer(place.client, &notice);
            self.0.publish(guard, lane);
        }
        if let Some(run) = guard.run.as_mut() {
            run.fx.reuse(notice.0);
        }
    }

    #[inline]
    fn ended(&self, guard: &mut Guard<'_>, place: ClientPlace, is_gone: bool) {
        if is_gone {
            if let Some(run) = guard.run.as_mut() {
                run.clients.remove(place.client);
            }
        }
        if guard.waiters > 0 {
            self.0.shared.ended.notify_all();
        }
    }

    fn catch_up(&self, guard: &mut Guard<'_>, place: ClientPlace) {
        if let Some(run) = guard.run.as_mut() {
            run.catch_up(place);
        }
    }

    fn caught_up(&self, guard: &mut Guard<'_>, place: ClientPlace) {
        if let Some(run) = guard.run.as_mut() {
            run.caught_up(place);
        }
    }

    fn is_lost(&self) -> bool {
        crate::fork::is_child()
    }
}

impl Run {
    /// Queues alerts for a client that is behind: the current state of some of the things that are
    /// noted.
    pub(super) fn catch_up(&mut self, place: ClientPlace) {
        let most = BOUNDS.batch;
        let Run { engine, clients, fx, .. } = self;
        let Some(record) = clients.at(place).filter(|record| !record.gone) else { return };
        // What an answer has just caused, for other clients.
        let others = fx.set_aside();
        for _ in 0..most {
            if !record.tell_next(engine, place.client, most, fx) {
                break;
            }
        }
        fx.put_back(others);
    }

    pub(super) fn caught_up(&self, place: ClientPlace) {
        ::log::warn!("{} has caught up", self.engine.who(place.client));
    }
}

impl ClientRecord {
    /// A question about a flow was taken out of the queue: queues the next one that was held back.
    #[inline(never)]
    pub(super) fn queue_held_back(&mut self, next: Queued, engine: &mut Engine, fx: &mut Effects) {
        let mut next = Some(next);
        while let Some(question) = next.take() {
            if let Pushed::Refused(lost) = self.queue.push(&BOUNDS, Cause::WORKER, question) {
                engine.forget(&lost, fx); // no memory: as if its packet had not arrived
                self.backlog.refused(&lost);
                next = self.backlog.next_queued();
            }
        }
    }

    /// Queues the next alerts for a client that is behind: the current state of a subject that is
    /// noted. False if that is enough for now.
    fn tell_next(
        &mut self,
        engine: &Engine,
        client: ClientId,
        most: usize,
        fx: &mut Effects,
    ) -> bool {
        let Some(tell) = self.queue.notes().next() else { return false };
        match tell {
            Tell::One(thing) => engine.tell_truth(client, thing.0, fx),
            Tell::All(topic) => {
                if engine.tell_all(client, AlertTopic::ALL[topic], fx) {
                    self.queue.notes().walk(topic, None);
                }
            }
            Tell::After(topic, after) => {
                let last = engine.tell_after(
                    client,
                    AlertTopic::ALL[topic],
                    after.map(|noted| noted.0),
                    most,
                    fx,
                );
                if last.is_some() {
                    self.queue.notes().walk(topic, last.map(Noted));
                }
            }
        }
        let (mut goes_on, is_one) = (true, matches!(tell, Tell::One(_)));
        for _ in 0..fx.order_notices() {
            let Some((_, notice)) = fx.next_notice() else { break };
            if let Err(notice) = self.queue.tell(Queued(notice)) {
                // No memory: the client must be told the whole topic again.
                if let Some((thing, _)) = notice.thing() {
                    self.queue.notes().note_all(thing.topic as usize);
                }
                goes_on = false;
            }
        }
        goes_on && is_one
    }
}

impl Manager {
    /// Processes the waiting upcalls, as threads do that answer many: see
    /// [`UpcallSource`](crate::forwarder::UpcallSource).
    fn look_for_upcalls<'a>(&'a self, mut guard: Guard<'a>) -> Guard<'a> {
        let Some(upcalls) = guard.running().and_then(|run| run.system.upcalls()) else {
            return guard;
        };
        drop(guard);
        upcalls.look();
        self.lock()
    }
}
