//! The client library as the user of `mgm-dispatch`: callbacks run one at a time for each client,
//! on the calling thread or on a worker (spec 9.4).

use super::state::{Arrived, State};
use super::{thread, Link, Place};
use crate::messages::{Ack, Said};
use mgm_dispatch::{Bounds, Host, Lane, Outbox, Queue, BOUNDS};
use mgm_engine::ClientId;
use mgm_manager::{fork, within, Callbacks, Inside};
use parking_lot::MutexGuard;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

/// The router bounds what waits here: a client is behind there, never here.
const HERE: Bounds = Bounds { waiting: usize::MAX, ..BOUNDS };

/// The connection as the host of the dispatcher.
pub(super) struct Shell<'l>(pub &'l Arc<Link>);

impl Host for Shell<'_> {
    type Place = Place;
    type Item = Arrived;
    type Callee = Box<dyn Callbacks>;
    type Guard<'a>
        = MutexGuard<'a, State>
    where
        Self: 'a;

    fn bounds(&self) -> &Bounds {
        &HERE
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }

    fn queue<'g>(
        guard: &'g mut MutexGuard<'_, State>,
        place: Place,
    ) -> Option<&'g mut Queue<Arrived>> {
        guard.clients.get_mut(&place).map(|record| &mut record.queue)
    }

    fn schedule(&self, guard: &mut MutexGuard<'_, State>, place: Place) {
        self.0.schedule(guard, place);
    }

    fn adopt(&self, _: &mut MutexGuard<'_, State>) {}

    fn outbox<R>(&self, with: impl FnOnce(&mut Outbox<Place>) -> R) -> R {
        thread::outbox(with)
    }

    fn take(&self, guard: &mut MutexGuard<'_, State>, place: Place) -> Option<Self::Callee> {
        guard.clients.get_mut(&place)?.callbacks.take()
    }

    fn put_back(&self, guard: &mut MutexGuard<'_, State>, place: Place, callee: Self::Callee) {
        let Some(record) = guard.clients.get_mut(&place) else { return };
        record.callbacks = Some(callee);
        if record.gone {
            guard.clients.remove(&place);
        }
        self.0.ended.notify_all();
    }

    /// Waits while the client is being deregistered, so that no callback of it starts (spec 9.13).
    fn look<'a>(
        &'a self,
        mut guard: MutexGuard<'a, State>,
        place: Place,
        _: Lane,
        _: &mut Self::Callee,
    ) -> MutexGuard<'a, State> {
        while guard.clients.get(&place).is_some_and(|record| record.is_closing) {
            self.0.ended.wait(&mut guard);
        }
        guard
    }

    fn begins(
        &self,
        guard: &mut MutexGuard<'_, State>,
        place: Place,
        item: Arrived,
        _: &mut Self::Callee,
    ) -> Option<Arrived> {
        let record = guard.clients.get_mut(&place)?;
        if record.released.is_empty() || !item.is_void(&record.released) {
            return Some(item);
        }
        let ack = Ack { client: item.client, number: item.number, said: Said::of(&item.notice) };
        self.0.acknowledge(guard, ack, true);
        None
    }

    fn call(&self, place: Place, callee: &Self::Callee, item: &mut Arrived) {
        within(Inside::Client(ClientId(place.0)), || {
            catch_unwind(AssertUnwindSafe(|| callee.call(&mut item.notice))).ok();
        });
    }

    fn returned(&self, guard: &mut MutexGuard<'_, State>, place: Place, item: Arrived, lane: Lane) {
        let said = Said::of(&item.notice);
        let ack = Ack { client: item.client, number: item.number, said };
        if lane == Lane::Caller && item.notice.question().is_some() {
            // What follows from the answer may be this call's, too.
            return thread::owe(ack);
        }
        let is_last = guard.clients.get(&place).is_none_or(|record| record.queue.is_empty());
        self.0.acknowledge(guard, ack, is_last);
    }

    fn catch_up(&self, _: &mut MutexGuard<'_, State>, _: Place) {}

    fn caught_up(&self, _: &mut MutexGuard<'_, State>, _: Place) {}

    fn is_lost(&self) -> bool {
        fork::is_child()
    }
}
