//! Look-ups of sources, and of those whose routes have changed.
//!
//! A look-up is a system call, so it is made without the lock. [`Changes`] stores the route
//! changes, so that a look-up can check whether the route changed meanwhile.

use super::dispatch::Lane;
use super::state::{Guard, Run};
use super::world::Routes;
use super::Manager;
use crate::routes::{RouteChanges, RouteView};
use crate::table::RouteTable;
use crate::types::{Flow, Interface, Ipv4Addr, Result, Route};
use std::collections::VecDeque;
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

/// The latest changes of the routes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The number of changes so far.
    count: u64,
    /// The last changes, the latest one last.
    latest: VecDeque<Arc<RouteChanges>>,
}

/// How many changes are remembered: more do not happen in the time of a few look-ups.
const REMEMBERED: usize = 64;

impl Changes {
    /// Notes a change of routes.
    fn note(&mut self, changes: Arc<RouteChanges>) {
        self.count += 1;
        if self.latest.len() == REMEMBERED {
            self.latest.pop_front();
        }
        self.latest.push_back(changes);
    }

    /// The number of changes so far, for [`Changes::since`].
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The changes since this number; `None` if that is too long ago.
    fn since(&self, count: u64) -> Option<impl Iterator<Item = &RouteChanges> + Clone> {
        let new = (self.count - count) as usize;
        let known = self.latest.len().checked_sub(new)?;
        Some(self.latest.iter().skip(known).map(Arc::as_ref))
    }

    /// Whether a look-up of this source, made at this number of changes, may be outdated.
    pub fn may_concern(&self, source: Ipv4Addr, count: u64) -> bool {
        self.since(count).is_none_or(|mut changes| changes.any(|one| one.contain(source)))
    }
}

/// Whether these routes belong to the present start of the library.
fn is_life_of(routes: &Arc<Routes>) -> impl Fn(&&mut Run) -> bool + '_ {
    |run| Arc::ptr_eq(routes, &run.world.routes)
}

impl Manager {
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
            let Some((source, domain)) = run.engine.needs_route(flow, interface) else {
                return (guard, None);
            };
            let (routes, changes) = (run.world.routes(), run.world.changes.count());
            drop(guard);
            let route = routes.lookup(source, domain);
            guard = self.lock();
            let is_current = |run: &mut Run| {
                run.world.doubts.about_sources(route.is_none().then_some(source));
                is_life_of(&routes)(&run)
                    && !run.world.changes.may_concern(source, changes)
                    && run
                        .engine
                        .needs_route(flow, interface)
                        .is_none_or(|needed| needed == (source, domain))
            };
            if guard.running().is_none_or(is_current) {
                return (guard, Some(route.unwrap_or(Route::NONE)));
            }
        }
    }

    /// Changes the host's routes.
    pub(super) fn change_table<R>(&self, change: impl FnOnce(&mut RouteTable) -> R) -> Result<R> {
        let mut guard = self.lock();
        let routes = guard.started()?.world.routes();
        drop(guard);
        let mut table = routes.table.write();
        Ok(change(&mut table))
    }

    /// Looks the sources up again that a change of the routes concerns, with `meanwhile`
    /// called now and then, with no lock held.
    pub(super) fn refresh_routes(
        &self,
        lane: Lane,
        changes: RouteChanges,
        meanwhile: &mut dyn FnMut(),
    ) {
        let changes = Arc::new(changes);
        let mut guard = self.lock();
        let Some(run) = guard.running() else { return };
        run.world.changes.note(Arc::clone(&changes));
        let routes = run.world.routes();
        let (mut after, mut most, mut sources) = (None, SOURCES, Vec::new());
        while let Some(run) = guard.running().filter(is_life_of(&routes)) {
            sources.clear();
            run.engine.sources_within(changes.prefixes(), after, most, &mut sources);
            let Some(&last) = sources.last() else { break };
            let count = run.world.changes.count();
            self.let_go(guard, lane);
            let (mut found, mut unsure) = (Vec::with_capacity(sources.len()), Vec::new());
            for &(source, domain) in &sources {
                match routes.lookup(source, domain) {
                    Some(route) => found.push((source, domain, route)),
                    None => unsure.push(source),
                }
            }
            meanwhile();
            guard = self.lock();
            let Some(run) = guard.running().filter(is_life_of(&routes)) else { break };
            run.world.doubts.about_sources(unsure);
            // More changes than are remembered: some of these may be outdated.
            if run.world.changes.since(count).is_none() {
                most = (most / 2).max(FEW_SOURCES);
                continue;
            }
            for some in found.chunks(UPDATES) {
                let Some(run) = guard.running().filter(is_life_of(&routes)) else { break };
                // The thread that noted a later change looks up what it concerns, or has done so
                // already: this result could undo it.
                let current: Vec<_> = some
                    .iter()
                    .filter(|(source, ..)| !run.world.changes.may_concern(*source, count))
                    .cloned()
                    .collect();
                run.set_clock();
                if run.engine.update_routes(&current, &mut run.fx).is_err() {
                    ::log::error!("out of memory: retrying the route look-ups later");
                    run.world.doubts.about_routes();
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

    /// Makes MFEs follow their changed routes (spec 5.10). Other threads can call in between.
    pub(super) fn follow_routes<'a>(&'a self, mut guard: Guard<'a>, lane: Lane) -> Guard<'a> {
        let mut done = 0;
        while let Some(run) = guard.running().filter(|run| run.engine.has_reroutes()) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Prefix;

    #[test]
    fn t5_10_a_change_concerns_those_within_and_later_ones_only() {
        let mut changes = Changes::default();
        let source = Ipv4Addr::new(10, 1, 0, 1);
        let within = |network: [u8; 4], len| {
            Arc::new(RouteChanges::within([Prefix::of(network.into(), len)]))
        };
        changes.note(within([10, 1, 0, 0], 16));
        let before = changes.count();
        assert!(!changes.may_concern(source, before), "it was there before the look-up");
        changes.note(within([10, 2, 0, 0], 16));
        assert!(!changes.may_concern(source, before));
        changes.note(within([10, 1, 0, 0], 24));
        assert!(changes.may_concern(source, before));
        assert!(!changes.may_concern(source, changes.count()));
        // So many that the first ones are forgotten.
        for _ in 0..REMEMBERED {
            assert!(changes.may_concern(source, before));
            changes.note(within([10, 2, 0, 0], 16));
        }
        assert!(changes.since(before).is_none() && changes.may_concern(source, before));
        assert!(!changes.may_concern(source, changes.count() - REMEMBERED as u64));
    }
}
