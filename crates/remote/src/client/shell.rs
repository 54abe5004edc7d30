//! The client library as the user of `mgm-dispatch`: callbacks run one at a time for each client,
//! on the calling thread or on a worker (spec 9.4).

use super::state::{Arrived, Record, State};
use super::{thread, Link, Place};
use crate::messages::{Ack, Said};
use mgm_dispatch::{Bounds, Client, Host, Lane, Outbox, Queue, BOUNDS};
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
    type Client<'g>
        = Member<'g>
    where
        Self: 'g;

    fn bounds(&self) -> &Bounds {
        &HERE
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }

    fn client<'g>(
        &'g self,
        guard: &'g mut MutexGuard<'_, State>,
        place: Place,
    ) -> Option<Member<'g>> {
        let State { clients, acks, .. } = &mut **guard;
        clients.get_mut(&place).map(|record| Member { record, acks })
    }

    fn schedule(&self, guard: &mut MutexGuard<'_, State>, place: Place) {
        self.0.schedule(guard, place);
    }

    fn adopt(&self, _: &mut MutexGuard<'_, State>) {}

    fn outbox<R>(&self, with: impl FnOnce(&mut Outbox<Place>) -> R) -> R {
        thread::outbox(with)
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

    fn call(&self, place: Place, callee: &Self::Callee, item: &mut Arrived) {
        within(Inside::Client(ClientId(place.0)), || {
            catch_unwind(AssertUnwindSafe(|| callee.call(&mut item.notice))).ok();
        });
    }

    fn returned(&self, guard: &mut MutexGuard<'_, State>, _: Place, item: Arrived, lane: Lane) {
        let said = Said::of(&item.notice);
        let ack = Ack { client: item.client, number: item.number, said };
        if lane == Lane::Caller && item.notice.question().is_some() {
            // The callbacks that follow from the answer may belong to this call, too.
            return thread::owe(ack);
        }
        self.0.acknowledge(guard, ack);
    }

    fn ended(&self, guard: &mut MutexGuard<'_, State>, place: Place, is_gone: bool) {
        if is_gone {
            guard.clients.remove(&place);
        }
        self.0.ended.notify_all();
    }

    fn catch_up(&self, _: &mut MutexGuard<'_, State>, _: Place) {}

    fn caught_up(&self, _: &mut MutexGuard<'_, State>, _: Place) {}

    fn is_lost(&self) -> bool {
        fork::is_child()
    }
}

/// A client while the lock is held.
pub(super) struct Member<'g> {
    record: &'g mut Record,
    acks: &'g mut Vec<Ack>,
}

impl Client for Member<'_> {
    type Item = Arrived;
    type Callee = Box<dyn Callbacks>;

    fn queue(&mut self) -> &mut Queue<Arrived> {
        &mut self.record.queue
    }

    fn take(&mut self) -> Option<Box<dyn Callbacks>> {
        self.record.callbacks.take()
    }

    fn begins(&mut self, item: Arrived, _: &mut Box<dyn Callbacks>) -> Option<Arrived> {
        if self.record.released.is_empty() || !item.is_void(&self.record.released) {
            return Some(item);
        }
        // Sent with the next ones, or when the thread has nothing else to do.
        let said = Said::of(&item.notice);
        self.acks.push(Ack { client: item.client, number: item.number, said });
        None
    }

    fn put_back(&mut self, callee: Box<dyn Callbacks>) -> bool {
        self.record.callbacks = Some(callee);
        self.record.gone
    }
}
