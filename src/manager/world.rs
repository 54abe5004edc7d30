//! The world below: the forwarder, the routes, and what they report.

use super::below::Below;
use super::doubts::Doubts;
use super::installer::Installer;
use super::queue::Lane;
use super::settings::{ForwarderChoice, Settings};
use super::state::{Guard, Run};
use super::tally::Installs;
use super::{system, Manager};
use crate::engine::{Effects, Engine};
use crate::forwarder::{Counters, Forwarder, MemoryForwarder, ReversePath, UpcallSource};
use crate::routes::{RouteTable, RouteView};
use crate::types::{Flow, IfId, Interface, Ipv4Addr, Refusal, Result, Route, Time};
use once_cell::sync::OnceCell;
use parking_lot::RwLock;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// What the forwarder refused is tried again after so long.
const RETRY_MS: u64 = 1000;

/// So many sources are looked up between two changes of the routes, however fast they come.
const FEW_SOURCES: usize = 16;

/// The forwarder, chosen when the first interface is taken, and the routes.
pub(super) struct World {
    choice: ForwarderChoice,
    table: u32,
    forwarder: Option<Box<dyn Forwarder>>,
    pub(super) routes: Arc<Routes>,
    /// Counts route changes, so that a look-up made meanwhile is made again.
    pub(super) route_changes: u64,
    /// Upcalls that found the kernel's buffer full. Who counts them does not wait for the lock.
    pub(super) lost_upcalls: Arc<AtomicU64>,
    /// Interfaces that the host has taken away.
    absent: BTreeSet<Interface>,
    installer: Installer,
    /// When to try again what the forwarder refused.
    retry_at: Time,
    pub(super) doubts: Doubts,
}

/// The multicast view: the host's routes, then the system's.
#[derive(Default)]
pub(super) struct Routes {
    table: RwLock<RouteTable>,
    pub(super) system: OnceCell<Box<dyn RouteView>>,
}

impl RouteView for Routes {
    fn lookup(&self, source: Ipv4Addr) -> Option<Route> {
        let own = self.table.read().lookup(source);
        match (own, self.system.get()) {
            (None, Some(system)) => system.lookup(source),
            (own, _) => Some(own.unwrap_or(Route::NONE)),
        }
    }
}

impl World {
    pub fn new(settings: &Settings) -> World {
        World {
            choice: settings.forwarder,
            table: settings.table,
            forwarder: None,
            routes: Arc::default(),
            route_changes: 0,
            lost_upcalls: Arc::default(),
            absent: BTreeSet::new(),
            installer: Installer::default(),
            retry_at: Time::default(),
            doubts: Doubts::default(),
        }
    }

    /// Has the forwarder serve an interface that nobody had (spec 2.7).
    pub fn attach(&mut self, manager: &Manager, id: IfId, interface: Interface) -> Result<()> {
        if self.absent.contains(&interface) {
            return Err(Refusal::NoSuchInterface(interface.index));
        }
        if self.forwarder.is_none() {
            let forwarder = self.open(manager)?;
            ::log::info!("forwarding by {}", forwarder.name());
            self.forwarder = Some(forwarder);
        }
        match &mut self.forwarder {
            Some(forwarder) => forwarder.add_interface(id, interface),
            None => Err(Refusal::Stopping),
        }
    }

    /// Forwards by another one from now on.
    #[cfg(test)]
    pub fn use_forwarder(&mut self, forwarder: Box<dyn Forwarder>) {
        self.forwarder = Some(forwarder);
    }

    /// Opens the forwarder that was asked for.
    fn open(&mut self, manager: &Manager) -> Result<Box<dyn Forwarder>> {
        match self.choice {
            ForwarderChoice::Memory => Ok(Box::new(MemoryForwarder)),
            ForwarderChoice::Kernel => self.open_kernel(manager),
            ForwarderChoice::Ebpf => Err(Refusal::Forwarder(
                "the ebpf forwarder is not built in: set MGM_FORWARDER to kernel, memory or auto"
                    .into(),
            )),
            ForwarderChoice::Auto if !system::HAS_FORWARDER => Ok(Box::new(MemoryForwarder)),
            ForwarderChoice::Auto => Ok(self.open_kernel(manager).unwrap_or_else(|refusal| {
                ::log::warn!(
                    "no packet will flow through the kernel, MGM only keeps its tables: {refusal}"
                );
                Box::new(MemoryForwarder)
            })),
        }
    }

    /// The kernel's forwarder, and with it the system's routes.
    fn open_kernel(&mut self, manager: &Manager) -> Result<Box<dyn Forwarder>> {
        let below = Arc::new(Below::start(manager.clone(), self)?);
        let forwarder = system::open_forwarder(self.table, below.clone())?;
        if self.routes.system.get().is_none() {
            let _ = self.routes.system.set(system::open_routes(below)?);
        }
        Ok(forwarder)
    }

    /// Brings the forwarder in line with the engine.
    pub fn follow(&mut self, engine: &mut Engine, fx: &mut Effects) {
        if fx.dirty.is_empty() && fx.detached.is_empty() {
            return;
        }
        let Some(forwarder) = &mut self.forwarder else {
            fx.dirty.clear();
            fx.detached.clear();
            return;
        };
        if forwarder.needs_entries() {
            self.installer.follow(forwarder.as_mut(), engine, fx.dirty.drain(..));
        }
        fx.dirty.clear();
        for id in fx.detached.drain(..) {
            forwarder.remove_interface(id);
        }
    }

    /// Whether the forwarder has not done all that it was asked for.
    fn owes(&self) -> bool {
        let forwarder = self.forwarder.as_ref();
        self.installer.waiting() > 0 || forwarder.is_some_and(|forwarder| !forwarder.is_settled())
    }

    /// When there is something to try again, or to ask again.
    pub fn next_try(&self) -> Option<Time> {
        Time::sooner(self.owes().then_some(self.retry_at), self.doubts.due())
    }

    /// Tries again what the forwarder refused.
    pub fn try_again(&mut self, engine: &mut Engine, now: Time) {
        if !self.owes() || self.retry_at > now {
            return;
        }
        self.retry_at = Time(now.0 + RETRY_MS);
        if let Some(forwarder) = &mut self.forwarder {
            self.installer.try_again(forwarder.as_mut(), engine);
            forwarder.settle();
        }
    }

    /// The forwarder's counters of an MFE, if it keeps any.
    fn ask_counters(&mut self, flow: Flow) -> Result<Option<Counters>> {
        if self.installer.is_stale(flow) {
            return Ok(None);
        }
        match self.forwarder.as_mut().filter(|forwarder| forwarder.needs_entries()) {
            Some(forwarder) => forwarder.counters(flow),
            None => Ok(None),
        }
    }

    /// The same, to be shown: what cannot be told just now is not.
    pub fn counters(&mut self, flow: Flow) -> Option<Counters> {
        self.ask_counters(flow).unwrap_or_else(|refusal| {
            ::log::debug!("{refusal}");
            None
        })
    }

    /// Whether the forwarder counts itself: for each MFE, not for its oifs.
    pub fn has_counters(&self) -> bool {
        self.forwarder.as_ref().is_some_and(|forwarder| forwarder.needs_entries())
    }

    /// How many packets have come in by an MFE, if the forwarder counts them itself.
    pub fn packets(&mut self, flow: Flow) -> Result<Option<u64>> {
        Ok(self.ask_counters(flow)?.map(|counters| counters.packets))
    }

    /// Where a thread can look for upcalls.
    pub fn upcalls(&self) -> Option<Arc<dyn UpcallSource>> {
        self.forwarder.as_ref()?.upcalls()
    }

    /// How many upcalls found the kernel's buffer full.
    pub fn lost_upcalls(&self) -> u64 {
        self.lost_upcalls.load(Ordering::Relaxed)
    }

    /// The forwarder's name, once it is chosen.
    pub fn forwarder_name(&self) -> Option<&'static str> {
        self.forwarder.as_ref().map(|forwarder| forwarder.name())
    }

    /// How strictly the system checks where packets on an interface have come from.
    pub fn reverse_path(&self, interface: Interface) -> Option<ReversePath> {
        self.forwarder.as_ref()?.reverse_path(interface)
    }

    /// How installing went so far, and how many entries wait for another try.
    pub fn installs(&self) -> (Installs, usize) {
        (self.installer.tally(), self.installer.waiting())
    }

    /// Interfaces that the forwarder serves no more, because the system has lost them.
    fn lost(&mut self) -> Vec<IfId> {
        let Some(forwarder) = &mut self.forwarder else { return Vec::new() };
        forwarder.lost_interfaces().unwrap_or_else(|refusal| {
            ::log::debug!("which interfaces are lost? {refusal}");
            self.doubts.about_interfaces();
            Vec::new()
        })
    }

    /// Serves an interface again that was lost; false while it is not back.
    pub fn reattach(&mut self, id: IfId, interface: Interface) -> bool {
        if self.absent.contains(&interface) {
            return false;
        }
        let forwarder = self.forwarder.as_mut();
        match forwarder.map(|forwarder| forwarder.add_interface(id, interface)) {
            Some(Ok(())) => {
                ::log::info!("{interface} is back");
                self.doubts.settle(interface);
                true
            }
            Some(Err(Refusal::NoSuchInterface(_))) | None => {
                self.doubts.settle(interface);
                false
            }
            Some(Err(refusal)) => {
                if self.doubts.about(interface) {
                    ::log::warn!("{interface} is back, but cannot be served: {refusal}");
                }
                false
            }
        }
    }

    /// The routes, to be asked without the lock.
    pub fn routes(&self) -> Arc<Routes> {
        Arc::clone(&self.routes)
    }

    /// The host says whether the system has an interface.
    pub fn set_present(&mut self, interface: Interface, present: bool) {
        if present {
            self.absent.remove(&interface);
        } else {
            self.absent.insert(interface);
        }
    }
}

impl Manager {
    /// Finds out which interfaces have gone, and which are back.
    pub(super) fn check_interfaces(&self, guard: &mut Guard<'_>) {
        let Some(run) = guard.running() else { return };
        for id in run.world.lost() {
            run.engine.interface_lost(id, &mut run.fx);
        }
        self.publish(guard, Lane::Worker);
        if let Some(run) = guard.running() {
            for (id, interface) in run.engine.absent_interfaces() {
                if run.world.reattach(id, interface) {
                    run.engine.interface_back(id, &mut run.fx);
                }
            }
        }
        self.publish(guard, Lane::Worker);
    }

    /// Asks the system again what it did not tell, and gives the lock away
    /// meanwhile; false if there is nothing to ask yet.
    pub(super) fn resolve_doubts<'a>(&'a self, mut guard: Guard<'a>) -> (Guard<'a>, bool) {
        let sources = guard.running().and_then(|run| {
            let now = run.now();
            run.world.doubts.take(now)
        });
        let Some(sources) = sources else { return (guard, false) };
        self.check_interfaces(&mut guard);
        drop(guard);
        self.pass_on();
        if !sources.is_empty() {
            self.refresh_routes(Lane::Worker, |source| sources.contains(&source));
        }
        (self.lock(), true)
    }

    /// The route of a flow's source, if a call that names the flow will need
    /// it. Gives the lock away for the look-up.
    pub(super) fn route_for<'a>(
        &'a self,
        mut guard: Guard<'a>,
        flow: Flow,
    ) -> (Guard<'a>, Option<Route>) {
        match guard.running() {
            Some(run) if run.engine.needs_route(flow) => self.look_up(guard, flow),
            _ => (guard, None),
        }
    }

    #[cold]
    fn look_up<'a>(&'a self, mut guard: Guard<'a>, flow: Flow) -> (Guard<'a>, Option<Route>) {
        loop {
            let Some(run) = guard.running().filter(|run| run.engine.needs_route(flow)) else {
                return (guard, None);
            };
            let (routes, changes) = (run.world.routes(), run.world.route_changes);
            drop(guard);
            let route = routes.lookup(flow.source());
            guard = self.lock();
            let is_current = |run: &mut Run| {
                let unsure = route.is_none().then_some(flow.source());
                run.world.doubts.about_sources(unsure);
                Arc::ptr_eq(&routes, &run.world.routes) && run.world.route_changes == changes
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

    /// Looks the sources that matter up again, because routes have changed. If they go on
    /// changing meanwhile, a few at a time: else that might have no end.
    pub(super) fn refresh_routes(&self, lane: Lane, concerns: impl Fn(Ipv4Addr) -> bool) {
        let mut guard = self.lock();
        let Some(run) = guard.running() else { return };
        run.world.route_changes += 1;
        let routes = run.world.routes();
        let sources = run.engine.known_sources(concerns);
        let (mut done, mut most) = (0, sources.len());
        while done < sources.len() {
            let same_life = |run: &&mut Run| Arc::ptr_eq(&routes, &run.world.routes);
            let Some(run) = guard.running().filter(same_life) else { break };
            let changes = run.world.route_changes;
            let some = &sources[done..sources.len().min(done + most)];
            drop(guard);
            let (mut found, mut unsure) = (Vec::new(), Vec::new());
            for &source in some {
                match routes.lookup(source) {
                    Some(route) => found.push((source, route)),
                    None => unsure.push(source),
                }
            }
            guard = self.lock();
            let Some(run) = guard.running().filter(same_life) else { break };
            // Else a later change, which may be known already, would be undone.
            if run.world.route_changes == changes {
                run.world.doubts.about_sources(unsure);
                run.engine.update_routes(&found, &mut run.fx);
                self.publish(&mut guard, lane);
                done += some.len();
            } else {
                most = (most / 2).max(FEW_SOURCES);
            }
        }
        drop(guard);
        match lane {
            Lane::Caller => self.drain(),
            Lane::Worker => self.pass_on(),
        }
    }
}
