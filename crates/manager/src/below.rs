//! Processes the kernel's upcalls and route changes.

use super::backlog::Origin;
use super::dispatch::Lane;
use super::state::{Guard, Run};
use super::world::{Routes, World};
use super::{writer, Manager};
use crate::engine::{Engine, Outcome, Packet};
use crate::forwarder::{Upcall, UpcallKind, UpcallSink};
use crate::routes::{RouteChanges, RouteView, RouteWatcher};
use crate::types::{Domain, Ipv4Addr, Refusal, Result, Route};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// How many upcalls are processed before other threads get the lock.
const AT_A_TIME: usize = 64;

/// Processes both from a start of the library to its stop.
pub(super) struct Below {
    manager: Manager,
    /// The routes of this start, which distinguish it from a later one. Weak, because the routes
    /// own the thread that this is called on.
    routes: Weak<Routes>,
    /// How often upcalls have arrived.
    looks: AtomicU64,
    lost: Arc<AtomicU64>,
}

impl Below {
    /// Receives the events of the forwarder of `manager`. Starts the thread that writes its log
    /// messages.
    ///
    /// # Errors
    /// `Forwarder`, if the system cannot start a thread.
    pub fn start(manager: Manager, world: &World) -> Result<Below> {
        writer::start().map_err(|error| {
            Refusal::Forwarder(format!(
                "cannot start a thread for the log: {error}: raise the limit on threads"
            ))
        })?;
        Ok(Below {
            manager,
            routes: Arc::downgrade(&world.routes),
            looks: AtomicU64::new(0),
            lost: Arc::clone(&world.lost_upcalls),
        })
    }

    /// The state of the start that opened the forwarder, if it has not been stopped.
    fn run<'a>(&self, guard: &'a mut Guard<'_>) -> Option<&'a mut Run> {
        guard
            .running()
            .filter(|run| std::ptr::eq(Arc::as_ptr(&run.world.routes), self.routes.as_ptr()))
    }
}

impl UpcallSink for Below {
    fn lost(&self, count: u32) {
        self.lost.fetch_add(count.into(), Ordering::Relaxed);
    }

    fn quietly(&self, work: &mut dyn FnMut()) {
        writer::quietly(work);
    }

    fn upcalls(&self, mut upcalls: Vec<Upcall>) -> Vec<Upcall> {
        let look = self.looks.fetch_add(1, Ordering::Relaxed) + 1;
        // The newest first: see `backlog`.
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

impl Below {
    /// Processes a few upcalls, or returns them if the lock is not available.
    fn take(&self, batch: Vec<Upcall>, look: u64) -> std::result::Result<(), Vec<Upcall>> {
        let (mut routes, mut unsure) = (BTreeMap::new(), BTreeSet::new());
        let mut changes = 0;
        let mut guard = loop {
            let Some(mut guard) = self.manager.lock_soon() else { return Err(batch) };
            let Some(run) = self.run(&mut guard) else { return Ok(()) };
            // If routes changed during the look-up, look the source up again, because no later
            // change would correct the result.
            routes.retain(|&(source, _), _| !run.world.changes.may_concern(source, changes));
            changes = run.world.changes.count();
            let unknown: BTreeSet<(Ipv4Addr, Domain)> = batch
                .iter()
                .filter(|upcall| {
                    upcall.kind == UpcallKind::NoCache || run.engine.is_refused(upcall.flow)
                })
                .filter_map(|upcall| run.engine.needs_route(upcall.flow, upcall.arrival))
                .filter(|needed| !routes.contains_key(needed))
                .collect();
            if unknown.is_empty() {
                break guard;
            }
            drop(guard); // a look-up is a system call
            let Some(view) = self.routes.upgrade() else { return Ok(()) };
            for (source, domain) in unknown {
                let route = view.lookup(source, domain);
                unsure.extend(route.is_none().then_some(source));
                routes.insert((source, domain), route.unwrap_or(Route::NONE));
            }
        };
        let Some(run) = self.run(&mut guard) else { return Ok(()) };
        run.world.doubts.about_sources(unsure);
        let now = run.now();
        for upcall in batch.into_iter().rev() {
            let Upcall { kind, flow, arrival, header } = upcall;
            run.tally.count_upcall(kind);
            let packet = Packet { flow, arrival, header: &header, length: 0, ttl: 0 };
            let route_for = |engine: &Engine| {
                let needed = engine.needs_route(flow, arrival)?;
                routes.get(&needed)
            };
            match kind {
                UpcallKind::WrongIf => {
                    let Run { engine, world, fx, .. } = &mut *run;
                    let is_refused = engine.is_refused(flow);
                    let route = is_refused.then(|| route_for(engine)).flatten();
                    engine.wrong_if(now, &packet, route, |flow| world.packets(flow), fx);
                }
                UpcallKind::NoCache => {
                    let route = route_for(&run.engine);
                    let outcome = run.engine.no_entry(now, &packet, route, &mut run.fx);
                    if let Outcome::Refused(why) = outcome {
                        ::log::debug!("packet of {flow} on {arrival} refused: {why}");
                    }
                }
            }
        }
        let origin = Origin::Upcalls(look);
        self.manager.publish_from(origin, &mut guard, Lane::Worker);
        Ok(())
    }
}

impl RouteWatcher for Below {
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
