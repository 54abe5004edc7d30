//! Processes the kernel's upcalls and route changes.

use super::delivery::Trigger;
use super::dispatch::{Lane, Origin};
use super::refresh::FoundRoutes;
use super::state::{Guard, Run};
use super::system_state::{Events, MulticastRoutes, SystemState};
use super::{log, Manager};
use crate::engine::{Engine, Outcome, Packet};
use crate::forwarder::{Upcall, UpcallKind, UpcallSink};
use crate::route_view::{RouteChanges, RouteView, RouteWatcher};
use crate::types::{Domain, Ipv4Addr, Refusal, Result, Route, Time};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Upcalls are returned to the reader if look-ups are not possible within this time. The reader
/// keeps them, and passes them on again later.
const PATIENCE: Duration = Duration::from_millis(2);

/// How many upcalls are processed before other threads get the lock.
const AT_A_TIME: usize = 64;

/// Processes upcalls and route changes, from a start of the library to its stop.
pub(super) struct EventSink {
    manager: Manager,
    /// The routes of this start, which distinguish it from a later one. Weak, because the routes
    /// own the thread that this is called on.
    routes: Weak<MulticastRoutes>,
    /// How often upcalls have arrived.
    looks: AtomicU64,
    lost: Arc<AtomicU64>,
}

impl EventSink {
    /// Receives the events of the forwarder of `manager`. Starts the thread that writes its log
    /// messages.
    ///
    /// # Errors
    /// `Forwarder`, if the system cannot start a thread.
    pub fn start(manager: Manager, system: &SystemState) -> Result<EventSink> {
        log::start_writer().map_err(|error| {
            Refusal::Forwarder(format!(
                "cannot start a thread for the log: {error}: raise the limit on threads"
            ))
        })?;
        Ok(EventSink {
            manager,
            routes: Arc::downgrade(&system.routes),
            looks: AtomicU64::new(0),
            lost: Arc::clone(&system.lost_upcalls),
        })
    }

    /// The same, for upcalls and for route changes.
    ///
    /// # Errors
    /// See [`EventSink::start`].
    pub fn start_both(manager: &Manager, system: &SystemState) -> Result<Events> {
        let sink = Arc::new(EventSink::start(manager.clone(), system)?);
        Ok((sink.clone(), sink))
    }

    /// The state of the start that opened the forwarder, if it has not been stopped.
    fn run<'a>(&self, guard: &'a mut Guard<'_>) -> Option<&'a mut Run> {
        guard.running().filter(|run| run.system.has(&self.routes))
    }
}

impl UpcallSink for EventSink {
    fn lost(&self, count: u32) {
        self.lost.fetch_add(count.into(), Ordering::Relaxed);
    }

    fn quietly(&self, work: &mut dyn FnMut()) {
        log::quietly(work);
    }

    fn upcalls(&self, mut upcalls: Vec<Upcall>) -> Vec<Upcall> {
        let look = self.looks.fetch_add(1, Ordering::Relaxed) + 1;
        // The newest first, unless the forwarder reports in order: see `Backlog`.
        while !upcalls.is_empty() {
            let batch = upcalls.split_off(upcalls.len().saturating_sub(AT_A_TIME));
            if let Err(batch) = self.take(batch, look) {
                upcalls.extend(batch);
                break;
            }
        }
        upcalls
    }
}

impl EventSink {
    /// Takes a few upcalls of a look, the last one first.
    ///
    /// # Errors
    /// The upcalls that are left, if another thread keeps the lock, or if look-ups are not
    /// possible yet.
    fn take(&self, mut batch: Vec<Upcall>, look: u64) -> std::result::Result<(), Vec<Upcall>> {
        let mut routes = FoundRoutes::default();
        let Some(mut guard) = self.manager.lock_soon() else { return Err(batch) };
        while !batch.is_empty() {
            let Some(run) = self.run(&mut guard) else { return Ok(()) };
            // No later change would correct a route that is outdated already.
            routes.drop_outdated(&run.system.changes);
            let unknown: BTreeSet<(Ipv4Addr, Domain)> = batch
                .iter()
                .filter_map(|upcall| needed(&run.engine, upcall))
                .filter(|needed| routes.get(*needed).is_none())
                .collect();
            if unknown.is_empty() {
                take_known(run, &mut batch, &routes);
                let trigger = Trigger { lane: Lane::Worker, origin: Origin::Upcalls(look) };
                self.manager.publish_from(&mut guard, trigger);
                continue;
            }
            let is_late = |domain| !run.system.routes.wait_until_ready(domain, Duration::ZERO);
            if let Some(late) = unknown.iter().map(|name| name.1).find(|domain| is_late(*domain)) {
                // Wait without the lock, because a thread that takes an interface holds the lock
                // and waits for the reader.
                drop(guard);
                let view = self.routes.upgrade();
                if view.is_some_and(|view| !view.wait_until_ready(late, PATIENCE)) {
                    return Err(batch);
                }
                let Some(relocked) = self.manager.lock_soon() else { return Err(batch) };
                guard = relocked;
                continue;
            }
            let lock = || self.manager.lock_soon().ok_or(());
            let Ok(relocked) = self.manager.look_up_unlocked(guard, unknown, drop, lock) else {
                return Err(batch);
            };
            let looked_up;
            (guard, looked_up) = relocked;
            looked_up.into_iter().for_each(|looked_up| routes.add(looked_up));
        }
        Ok(())
    }
}

/// Takes upcalls, the last one first. Stops at an upcall whose route is not known: an upcall that
/// was processed before it can make the engine forget a source.
fn take_known(run: &mut Run, batch: &mut Vec<Upcall>, routes: &FoundRoutes) {
    let now = run.now();
    while let Some(upcall) = batch.last() {
        let needed = needed(&run.engine, upcall);
        let route = needed.and_then(|needed| routes.get(needed));
        if needed.is_some() && route.is_none() {
            return;
        }
        take_one(run, now, upcall, route);
        batch.pop();
    }
}

/// The source of an upcall, if its route is needed to process the upcall and is not known.
fn needed(engine: &Engine, upcall: &Upcall) -> Option<(Ipv4Addr, Domain)> {
    let &Upcall { kind, flow, arrival, .. } = upcall;
    let may_begin = kind == UpcallKind::NoCache || engine.is_refused(flow);
    may_begin.then(|| engine.needs_route(flow, arrival)).flatten()
}

fn take_one(run: &mut Run, now: Time, upcall: &Upcall, route: Option<&Route>) {
    let &Upcall { kind, flow, arrival, ref header } = upcall;
    run.counters.count_upcall(kind);
    let packet = Packet { flow, arrival, header, length: 0, ttl: 0 };
    match kind {
        UpcallKind::WrongIf => {
            let Run { engine, system, fx, .. } = run;
            engine.wrong_if(now, &packet, route, |flow| system.packets(flow), fx);
        }
        UpcallKind::NoCache => {
            let outcome = run.engine.no_entry(now, &packet, route, &mut run.fx);
            if let Outcome::Refused(why) = outcome {
                ::log::debug!("packet of {flow} on {arrival} refused: {why}");
            }
        }
    }
}

impl RouteWatcher for EventSink {
    fn routes_changed(&self, changes: &RouteChanges, meanwhile: &mut dyn FnMut()) {
        let mut guard = self.manager.lock();
        if self.run(&mut guard).is_none() {
            return;
        }
        let moved = self.manager.check_interfaces(&mut guard);
        drop(guard);
        let changes = if moved { RouteChanges::everything() } else { changes.clone() };
        self.manager.refresh_routes(Lane::Worker, changes, meanwhile);
    }

    fn interfaces_changed(&self) {
        let mut guard = self.manager.lock();
        let moved = self.run(&mut guard).is_some() && self.manager.check_interfaces(&mut guard);
        drop(guard);
        self.manager.pass_on();
        if moved {
            let changes = RouteChanges::everything();
            self.manager.refresh_routes(Lane::Worker, changes, &mut || {});
        }
    }
}
