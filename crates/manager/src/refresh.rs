//! Look-ups of sources, and of those whose routes have changed.
//!
//! A look-up is a system call, so it is made without the lock, only by
//! [`Manager::look_up_unlocked`]. Changes that happen meanwhile are noted in [`LatestChanges`],
//! and the results are compared with them.

use super::dispatch::Lane;
use super::latest_changes::LatestChanges;
use super::state::{Guard, Run};
use super::Manager;
use crate::engine::Sizes;
use crate::route_table::RouteTable;
use crate::route_view::{RouteChanges, RouteView};
use crate::types::{Domain, Flow, Interface, Ipv4Addr, Prefix, Result, Route};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

/// How many sources are looked up before other threads get the lock; also the least number,
/// however fast the routes change.
const SOURCES: usize = 256;
const FEW_SOURCES: usize = 16;
/// How many sources get their new route while the lock is held once; a few MFEs of each follow.
const UPDATES: usize = 4;
/// How many MFEs follow their route while the lock is held once.
const REROUTES: usize = 16;
/// After how many MFEs that follow their route the resulting callbacks are delivered.
const DELIVER: usize = 1024;

/// Sources and their routes; `None` if the look-up failed. Nearly always one.
type Found = SmallVec<[((Ipv4Addr, Domain), Option<Route>); 1]>;

/// The results of look-ups, which were made without the lock.
pub(super) struct LookedUp {
    pub found: Found,
    /// The number of route changes before the look-ups.
    count: u64,
}

impl LookedUp {
    /// Whether no change since then concerns the source.
    pub fn is_current(&self, changes: &LatestChanges, source: Ipv4Addr) -> bool {
        !changes.may_concern(source, self.count)
    }
}

/// The routes that several look-ups have found.
#[derive(Default)]
pub(super) struct FoundRoutes(BTreeMap<(Ipv4Addr, Domain), (Route, u64)>);

impl FoundRoutes {
    /// Adds what a look-up has found. A failed look-up counts as no route.
    pub fn add(&mut self, looked_up: LookedUp) {
        let LookedUp { found, count } = looked_up;
        let routes =
            found.into_iter().map(|(source, route)| (source, route.unwrap_or(Route::NONE)));
        self.0.extend(routes.map(|(source, route)| (source, (route, count))));
    }

    /// Drops the routes that a later change concerns.
    pub fn drop_outdated(&mut self, changes: &LatestChanges) {
        self.0.retain(|&(source, _), &mut (_, count)| !changes.may_concern(source, count));
    }

    /// The route of a source.
    pub fn get(&self, source: (Ipv4Addr, Domain)) -> Option<&Route> {
        self.0.get(&source).map(|(route, _)| route)
    }
}

/// How many flows a change may concern.
fn flows_of(run: &Run) -> usize {
    let Sizes { memberships, mfes, resolving, refused_flows, .. } = run.engine.sizes();
    memberships + mfes + resolving + refused_flows
}

impl Manager {
    /// Looks sources up. Calls `unlock` before, because a look-up is a system call, and `lock`
    /// afterwards. Failed look-ups are retried later. Returns no result if the manager was stopped
    /// meanwhile. The caller must compare the result with later changes, by
    /// [`LookedUp::is_current`] or [`FoundRoutes::drop_outdated`].
    ///
    /// # Errors
    /// Those of `lock`.
    pub(super) fn look_up_unlocked<'a, E>(
        &'a self,
        mut guard: Guard<'a>,
        sources: impl IntoIterator<Item = (Ipv4Addr, Domain)>,
        unlock: impl FnOnce(Guard<'a>),
        lock: impl FnOnce() -> std::result::Result<Guard<'a>, E>,
    ) -> std::result::Result<(Guard<'a>, Option<LookedUp>), E> {
        let Some(run) = guard.running() else { return Ok((guard, None)) };
        let (routes, count) = (run.system.routes(), run.system.changes.count());
        unlock(guard);
        let look_up = |(source, domain)| ((source, domain), routes.lookup(source, domain));
        let found: Found = sources.into_iter().map(look_up).collect();
        let opened = Arc::downgrade(&routes);
        drop(routes); // not under the lock: a stop may have left the last one here
        let mut guard = lock()?;
        let Some(run) = guard.running().filter(|run| run.system.has(&opened)) else {
            return Ok((guard, None));
        };
        let unsure = found.iter().filter(|(_, route)| route.is_none());
        run.system.retries.about_sources(unsure.map(|((source, _), _)| *source));
        Ok((guard, Some(LookedUp { found, count })))
    }

    /// The route of a flow's source in the domain of an interface, if a call that names both
    /// needs it. Releases the lock for the look-up.
    pub(super) fn route_for<'a>(
        &'a self,
        mut guard: Guard<'a>,
        flow: Flow,
        interface: Interface,
    ) -> (Guard<'a>, Option<Route>) {
        match guard.running() {
            Some(run) if run.engine.needs_route(flow, interface).is_some() => {
                self.look_up(guard, flow, interface)
            }
            _ => (guard, None),
        }
    }

    #[cold]
    fn look_up<'a>(
        &'a self,
        mut guard: Guard<'a>,
        flow: Flow,
        interface: Interface,
    ) -> (Guard<'a>, Option<Route>) {
        loop {
            let Some(run) = guard.running() else { return (guard, None) };
            let Some(needed) = run.engine.needs_route(flow, interface) else {
                return (guard, None);
            };
            let lock = || Ok::<_, Infallible>(self.lock());
            let Ok(relocked) = self.look_up_unlocked(guard, [needed], drop, lock);
            let looked_up;
            (guard, looked_up) = relocked;
            let (Some(looked_up), Some(run)) = (looked_up, guard.running()) else { continue };
            let is_current = looked_up.is_current(&run.system.changes, needed.0)
                && run.engine.needs_route(flow, interface).is_none_or(|now| now == needed);
            if is_current {
                let found = looked_up.found.into_iter().next();
                let route = found.and_then(|(_, route)| route).unwrap_or(Route::NONE);
                return (guard, Some(route));
            }
        }
    }

    /// Changes the host's routes.
    pub(super) fn change_table<R>(&self, change: impl FnOnce(&mut RouteTable) -> R) -> Result<R> {
        let mut guard = self.lock();
        let routes = guard.started()?.system.routes();
        drop(guard);
        let mut table = routes.table.write();
        Ok(change(&mut table))
    }

    /// Looks up again the sources that a change of the routes concerns. Calls `meanwhile` now and
    /// then, with no lock held.
    pub(super) fn refresh_routes(
        &self,
        lane: Lane,
        changes: RouteChanges,
        meanwhile: &mut dyn FnMut(),
    ) {
        let changes = Arc::new(changes);
        let mut guard = self.lock();
        let Some(run) = guard.running() else { return };
        run.system.changes.note(Arc::clone(&changes));
        let opened = Arc::downgrade(&run.system.routes);
        let (mut after, mut most, mut sources) = (None, SOURCES, Vec::new());
        while let Some(run) = guard.running().filter(|run| run.system.has(&opened)) {
            sources.clear();
            run.engine.sources_within(changes.prefixes(), after, most, &mut sources);
            let Some(&last) = sources.last() else { break };
            let unlock = |guard| self.let_go(guard, lane);
            let lock = || {
                meanwhile();
                Ok::<_, Infallible>(self.lock())
            };
            let needed = sources.iter().copied();
            let Ok(relocked) = self.look_up_unlocked(guard, needed, unlock, lock);
            let looked_up;
            (guard, looked_up) = relocked;
            let (Some(looked_up), Some(run)) = (looked_up, guard.running()) else { break };
            // More changes than are remembered: some of these may be outdated.
            if run.system.changes.since(looked_up.count).is_none() {
                most = (most / 2).max(FEW_SOURCES);
                continue;
            }
            for some in looked_up.found.chunks(UPDATES) {
                let Some(run) = guard.running().filter(|run| run.system.has(&opened)) else {
                    break;
                };
                // The thread that noted a later change looks up what it concerns, or has done so
                // already: this result could undo it.
                let current: Vec<_> = some
                    .iter()
                    .filter(|((source, _), _)| looked_up.is_current(&run.system.changes, *source))
                    .filter_map(|((source, domain), route)| {
                        Some((*source, *domain, route.clone()?))
                    })
                    .collect();
                run.set_clock();
                if run.engine.update_routes(&current, &mut run.fx).is_err() {
                    ::log::error!("out of memory: retrying the route look-ups later");
                    run.system.retries.about_routes();
                }
                self.publish(&mut guard, lane);
                guard.hand_over();
            }
            after = Some(last);
        }
        // Not earlier: one walk through all flows finds those of many sources.
        let guard = self.follow_routes(guard, lane);
        self.let_go(guard, lane);
    }

    /// Changes MFEs to their changed routes (spec 5.10), a few at a time, and lets other threads
    /// call in between. When it has changed as many MFEs as there were flows at first, further
    /// ones are due to calls of other threads. It leaves these to the timer.
    pub(super) fn follow_routes<'a>(&'a self, mut guard: Guard<'a>, lane: Lane) -> Guard<'a> {
        let (mut done, mut most) = (0, None);
        while let Some(run) = guard.running().filter(|run| run.engine.has_reroutes()) {
            if done > *most.get_or_insert_with(|| DELIVER + flows_of(run)) {
                break;
            }
            let now = run.now();
            run.engine.reroute_some(now, REROUTES, &mut run.fx);
            self.publish(&mut guard, lane);
            guard.hand_over();
            done += REROUTES;
            if done % DELIVER == 0 {
                self.let_go(guard, lane);
                guard = self.lock();
            }
        }
        guard
    }

    /// Releases the lock and delivers the resulting callbacks.
    fn let_go(&self, guard: Guard<'_>, lane: Lane) {
        drop(guard);
        match lane {
            Lane::Caller => self.drain(),
            Lane::Worker => self.pass_on(),
        }
    }
}

impl Manager {
    /// Determines which interfaces have gone, are back, or have changed their domain; true if any
    /// has changed its domain.
    pub(super) fn check_interfaces(&self, guard: &mut Guard<'_>) -> bool {
        let Some(run) = guard.running() else { return false };
        run.set_clock();
        for id in run.system.lost() {
            run.engine.interface_lost(id, &mut run.fx);
        }
        self.publish(guard, Lane::Worker);
        let mut moved = false;
        if let Some(run) = guard.running() {
            run.set_clock();
            for (id, interface) in run.engine.absent_interfaces() {
                if run.system.reattach(id, interface) {
                    moved |= run.system.set_domain((id, interface), &mut run.engine, &mut run.fx);
                    run.engine.interface_back(id, &mut run.fx);
                }
            }
            moved |= run.system.check_domains(&mut run.engine, &mut run.fx);
        }
        self.publish(guard, Lane::Worker);
        moved
    }

    /// Retries failed queries, with the lock released meanwhile; false if none is due yet.
    pub(super) fn retry_lookups<'a>(&'a self, mut guard: Guard<'a>) -> (Guard<'a>, bool) {
        let sources = guard.running().and_then(|run| {
            let now = run.now();
            let retries = &mut run.system.retries;
            retries.take(now).map(|sources| (sources, retries.take_routes()))
        });
        let Some((sources, all)) = sources else { return (guard, false) };
        let moved = self.check_interfaces(&mut guard);
        drop(guard);
        self.pass_on();
        if moved || all {
            self.refresh_routes(Lane::Worker, RouteChanges::everything(), &mut || {});
        } else if !sources.is_empty() {
            let each = sources.into_iter().map(|source| Prefix::of(source, 32));
            self.refresh_routes(Lane::Worker, RouteChanges::within(each), &mut || {});
        }
        (self.lock(), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t5_10_a_route_that_was_found_before_a_change_of_it_is_dropped() {
        let source = |number| (Ipv4Addr::new(10, number, 0, 1), Domain::MAIN);
        let (mut changes, mut routes) = (LatestChanges::default(), FoundRoutes::default());
        let mut look_up = |routes: &mut FoundRoutes, number, change: u8| {
            let found = SmallVec::from_elem((source(number), Some(Route::NONE)), 1);
            routes.add(LookedUp { found, count: changes.count() });
            let prefix = Prefix::of(Ipv4Addr::new(10, change, 0, 0), 16);
            changes.note(Arc::new(RouteChanges::within([prefix])));
            routes.drop_outdated(&changes);
        };
        look_up(&mut routes, 1, 9);
        assert!(routes.get(source(1)).is_some(), "the change concerns another source");
        // A change after a later look-up concerns the first one, too.
        look_up(&mut routes, 2, 1);
        assert!(routes.get(source(1)).is_none() && routes.get(source(2)).is_some());
    }
}
