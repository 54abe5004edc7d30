//! The system's state: the forwarder, the routes, and what they report.

use super::counters::Installs;
use super::installer::Installer;
use super::latest_changes::LatestChanges;
use super::platform;
use super::retries::Retries;
use super::settings::{ForwarderChoice, Settings, TrafficControl};
use crate::engine::{Effects, Engine, MfeRow};
use crate::forwarder::{
    Counters, Forwarder, InstalledEntry, OifsCounters, ReversePath, UpcallSink, UpcallSource,
};
use crate::memory_forwarder::MemoryForwarder;
use crate::route_table::RouteTable;
use crate::route_view::{RouteView, RouteWatcher};
use crate::types::{
    Domain, Flow, IfId, Interface, Ipv4Addr, Rate, Refusal, Result, Route, RouteOrigin, Time,
};
use once_cell::sync::OnceCell;
use parking_lot::RwLock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The time until the forwarder's refused changes are retried.
const RETRY_MS: u64 = 1000;

/// The forwarder, chosen when the first interface is taken or, if the host wants that, at the start;
/// and the routes.
pub(super) struct SystemState {
    choice: ForwarderChoice,
    table: u32,
    traffic_control: TrafficControl,
    forwarder: Option<Box<dyn Forwarder>>,
    pub(super) routes: Arc<MulticastRoutes>,
    /// The route changes so far, so that a look-up made meanwhile is repeated.
    pub(super) changes: LatestChanges,
    /// The unicast table that the host named.
    unicast_table: Option<u32>,
    /// The interfaces that the forwarder serves, and the domain that each was last known in.
    domains: BTreeMap<IfId, (Interface, Domain)>,
    /// Upcalls lost because the kernel's buffer was full. Counted without the lock.
    pub(super) lost_upcalls: Arc<AtomicU64>,
    /// Interfaces that the host has deleted.
    absent: BTreeSet<Interface>,
    installer: Installer,
    /// When to retry the forwarder's refused changes.
    retry_at: Time,
    /// Whether the forwarder was unsettled after its last operation.
    is_unsettled: bool,
    pub(super) retries: Retries,
    /// Room for the counters of one MFE.
    oif_counters: OifsCounters,
}

/// What the system's forwarders need to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct SystemSettings {
    /// For the kernel forwarder.
    pub table: u32,
    /// For the ebpf forwarder.
    pub traffic_control: TrafficControl,
}

/// Opens one of the system's forwarders.
type Open = fn(SystemSettings, Arc<dyn UpcallSink>) -> Result<Box<dyn Forwarder>>;

/// The receivers of the upcalls and the route changes of this system state.
pub(super) type Events = (Arc<dyn UpcallSink>, Arc<dyn RouteWatcher>);

/// Creates the [`Events`], which starts a thread.
pub(super) type StartEvents<'a> = &'a dyn Fn(&SystemState) -> Result<Events>;

/// The multicast view: the host's routes and the system's.
#[derive(Default)]
pub(super) struct MulticastRoutes {
    pub(super) table: RwLock<RouteTable>,
    pub(super) system: OnceCell<Box<dyn RouteView>>,
}

impl RouteView for MulticastRoutes {
    /// The router's own addresses come first. Then the longest prefix is used; if both are equally
    /// long, the host's. If a preferred route of the host covers the source, the system's routes
    /// are ignored (spec 5.1).
    fn lookup(&self, source: Ipv4Addr, domain: Domain) -> Option<Route> {
        let (own, is_final) = self.table.read().lookup_final(source);
        let system = match self.system.get().map(|system| system.lookup(source, domain)) {
            Some(Some(route)) if route.origin == RouteOrigin::Local => return Some(route),
            Some(None) if !is_final => return None,
            Some(Some(route)) if !is_final => route,
            _ => Route::NONE,
        };
        Some(match own {
            Some(own) if system == Route::NONE || own.prefix_len >= system.prefix_len => own,
            _ => system,
        })
    }

    fn wait_until_ready(&self, domain: Domain, most: Duration) -> bool {
        self.system.get().is_none_or(|system| system.wait_until_ready(domain, most))
    }

    fn domain(&self, if_index: u32) -> Domain {
        self.system.get().map_or(Domain::MAIN, |system| system.domain(if_index))
    }
}

impl SystemState {
    pub fn new(settings: &Settings) -> SystemState {
        SystemState {
            choice: settings.forwarder,
            table: settings.table,
            traffic_control: settings.traffic_control,
            forwarder: None,
            routes: Arc::default(),
            changes: LatestChanges::default(),
            unicast_table: settings.unicast_table,
            domains: BTreeMap::new(),
            lost_upcalls: Arc::default(),
            absent: BTreeSet::new(),
            installer: Installer::default(),
            retry_at: Time::default(),
            is_unsettled: false,
            retries: Retries::default(),
            oif_counters: OifsCounters::default(),
        }
    }

    /// Adds an interface that was not taken before to the forwarder (spec 2.7). Passes its domain
    /// to the engine.
    pub fn attach(
        &mut self,
        start_events: StartEvents<'_>,
        (id, interface): (IfId, Interface),
        engine: &mut Engine,
        fx: &mut Effects,
    ) -> Result<()> {
        if self.absent.contains(&interface) {
            return Err(Refusal::NoSuchInterface(interface.index));
        }
        if self.forwarder.is_none() {
            self.open_forwarder(start_events)?;
            self.pass_on_flow_limits(engine);
        }
        let added = match &mut self.forwarder {
            Some(forwarder) => forwarder.add_interface(id, interface),
            None => return Err(Refusal::Stopping),
        };
        self.look_whether_settled();
        added?;
        self.set_domain((id, interface), engine, fx);
        Ok(())
    }

    /// Opens the forwarder, which must not be open yet.
    pub fn open_forwarder(&mut self, start_events: StartEvents<'_>) -> Result<()> {
        let forwarder = self.open(start_events)?;
        ::log::info!("using the {} forwarder", forwarder.name());
        self.forwarder = Some(forwarder);
        Ok(())
    }

    /// After the forwarder has been opened: tells it the limits of new flows, if it enforces them.
    pub fn pass_on_flow_limits(&mut self, engine: &mut Engine) {
        let Some(forwarder) = &mut self.forwarder else { return };
        engine.leave_flow_rates_to_the_forwarder(forwarder.limits_flows());
        for (if_index, rate, _) in engine.flow_rates() {
            forwarder.set_flow_limit(if_index, Some(rate));
        }
    }

    /// Limits the new flows of an index in the forwarder, if it enforces limits itself.
    pub fn set_flow_limit(&mut self, if_index: u32, rate: Option<Rate>) {
        if let Some(forwarder) = &mut self.forwarder {
            forwarder.set_flow_limit(if_index, rate);
        }
    }

    /// How many packets the forwarder has refused because of the limit of new flows of an index.
    pub fn refused_packets(&self, if_index: u32) -> u64 {
        self.forwarder.as_ref().map_or(0, |forwarder| forwarder.refused_packets(if_index))
    }

    /// Where a packet of the flow has arrived that the forwarder's limit of new flows has refused.
    pub fn limited_on(&self, flow: Flow) -> Option<Interface> {
        self.forwarder.as_ref()?.limited_on(flow)
    }

    /// Sets the domain of an interface. Returns whether it differs from the former one.
    pub fn set_domain(
        &mut self,
        (id, interface): (IfId, Interface),
        engine: &mut Engine,
        fx: &mut Effects,
    ) -> bool {
        let domain = self.routes.domain(interface.index);
        let before = self.domains.insert(id, (interface, domain));
        engine.set_domain(id, domain, fx);
        before.is_some_and(|(_, before)| before != domain)
    }

    /// Finds out which interfaces have changed their domain; true if any has.
    pub fn check_domains(&mut self, engine: &mut Engine, fx: &mut Effects) -> bool {
        let served: Vec<(IfId, Interface)> = self
            .domains
            .iter()
            .filter(|(_, (interface, domain))| self.routes.domain(interface.index) != *domain)
            .map(|(&id, &(interface, _))| (id, interface))
            .collect();
        served.into_iter().fold(false, |any, one| self.set_domain(one, engine, fx) | any)
    }

    /// Replaces the forwarder.
    #[cfg(test)]
    pub fn use_forwarder(&mut self, forwarder: Box<dyn Forwarder>) {
        self.forwarder = Some(forwarder);
        self.look_whether_settled();
    }

    /// Opens the configured forwarder.
    fn open(&mut self, start_events: StartEvents<'_>) -> Result<Box<dyn Forwarder>> {
        match self.choice {
            ForwarderChoice::Memory => Ok(Box::new(MemoryForwarder)),
            ForwarderChoice::Kernel => self.open_system(start_events, platform::open_forwarder),
            ForwarderChoice::Ebpf => self.open_system(start_events, platform::open_ebpf),
            ForwarderChoice::Auto if !platform::HAS_FORWARDER => Ok(Box::new(MemoryForwarder)),
            ForwarderChoice::Auto => {
                let kernel = self.open_system(start_events, platform::open_forwarder);
                Ok(kernel.unwrap_or_else(|refusal| {
                    ::log::warn!(
                        "the kernel will forward no packets, the library only keeps its tables: \
                         {refusal}"
                    );
                    Box::new(MemoryForwarder)
                }))
            }
        }
    }

    /// A forwarder of the system, and with it the system's routes.
    fn open_system(
        &mut self,
        start_events: StartEvents<'_>,
        open: Open,
    ) -> Result<Box<dyn Forwarder>> {
        let (upcalls, route_changes) = start_events(self)?;
        let settings = SystemSettings { table: self.table, traffic_control: self.traffic_control };
        let forwarder = open(settings, upcalls)?;
        if self.routes.system.get().is_none() {
            let _ =
                self.routes.system.set(platform::open_routes(route_changes, self.unicast_table)?);
        }
        Ok(forwarder)
    }

    /// Makes the forwarder's entries match the engine.
    pub fn follow(&mut self, engine: &mut Engine, fx: &mut Effects) {
        self.follow_changes(engine, fx);
        let Some(forwarder) = &mut self.forwarder else { return };
        if forwarder.reports_in_order() && !fx.resolved.is_empty() {
            // Some may have begun again.
            fx.resolved.retain(|flow| !engine.is_resolving(*flow));
            forwarder.done(&fx.resolved);
        }
    }

    fn follow_changes(&mut self, engine: &mut Engine, fx: &mut Effects) {
        if fx.dirty.is_empty() && fx.detached.is_empty() {
            return;
        }
        for id in &fx.detached {
            self.domains.remove(id);
        }
        let Some(forwarder) = &mut self.forwarder else {
            fx.dirty.clear();
            fx.detached.clear();
            return;
        };
        let needs_entries = forwarder.needs_entries();
        if needs_entries {
            self.installer.follow(forwarder.as_mut(), engine, fx.dirty.drain(..));
        }
        fx.dirty.clear();
        if needs_entries || !fx.detached.is_empty() {
            fx.detached.drain(..).for_each(|id| forwarder.remove_interface(id));
            self.is_unsettled = !forwarder.is_settled();
        }
    }

    /// Whether the forwarder has changes to retry.
    #[inline]
    fn owes(&self) -> bool {
        let forwarder = self.forwarder.as_ref();
        self.installer.waiting() > 0 || forwarder.is_some_and(|forwarder| !forwarder.is_settled())
    }

    /// False if [`SystemState::next_try`] returns `None`. Fast, because each call asks.
    #[inline]
    pub fn may_try_again(&self) -> bool {
        self.installer.waiting() != 0 || self.is_unsettled || self.retries.due().is_some()
    }

    /// Called after an operation of the forwarder: notes whether it is settled.
    fn look_whether_settled(&mut self) {
        self.is_unsettled =
            self.forwarder.as_ref().is_some_and(|forwarder| !forwarder.is_settled());
    }

    /// When the next retry is due.
    pub fn next_try(&self) -> Option<Time> {
        Time::sooner(self.owes().then_some(self.retry_at), self.retries.due())
    }

    /// Retries changes that the forwarder refused.
    pub fn try_again(&mut self, engine: &mut Engine, now: Time) {
        if !self.owes() || self.retry_at > now {
            return;
        }
        self.retry_at = Time(now.0 + RETRY_MS);
        if let Some(forwarder) = &mut self.forwarder {
            self.installer.try_again(forwarder.as_mut(), engine);
            forwarder.settle();
        }
        self.look_whether_settled();
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

    /// The same, for display: `None` if the counters cannot be read now.
    pub fn counters(&mut self, flow: Flow) -> Option<Counters> {
        self.ask_counters(flow).unwrap_or_else(|refusal| {
            ::log::debug!("{refusal}");
            None
        })
    }

    /// Whether there are counters for each oif: the engine's, or the forwarder's.
    pub fn counts_oifs(&self) -> bool {
        !self.has_counters() || self.forwarder.as_ref().is_some_and(|it| it.counts_oifs())
    }

    /// Fills in the forwarder's counters of the oifs of an MFE, if it has any.
    pub fn count_oifs(&mut self, row: &mut MfeRow) {
        let Some(forwarder) = self.forwarder.as_mut().filter(|it| it.counts_oifs()) else { return };
        if !self.installer.is_stale(row.flow)
            && forwarder.oif_counters(row.flow, &mut self.oif_counters)
        {
            row.take_oif_counters(&self.oif_counters);
        }
    }

    /// Whether the forwarder counts packets itself.
    pub fn has_counters(&self) -> bool {
        self.forwarder.as_ref().is_some_and(|forwarder| forwarder.needs_entries())
    }

    /// How many packets an MFE has accepted, if the forwarder counts them itself.
    pub fn packets(&mut self, flow: Flow) -> Result<Option<u64>> {
        Ok(self.ask_counters(flow)?.map(|counters| counters.packets))
    }

    /// Whether questions about new flows keep the order of their upcalls.
    pub fn asks_in_order(&self) -> bool {
        self.forwarder.as_ref().is_some_and(|forwarder| forwarder.reports_in_order())
    }

    /// Lets a thread read upcalls.
    pub fn upcalls(&self) -> Option<Arc<dyn UpcallSource>> {
        self.forwarder.as_ref()?.upcalls()
    }

    /// How many upcalls were lost because the kernel's buffer was full.
    pub fn lost_upcalls(&self) -> u64 {
        self.lost_upcalls.load(Ordering::Relaxed)
    }

    /// The forwarder's name, once it is chosen.
    pub fn forwarder_name(&self) -> Option<&'static str> {
        self.forwarder.as_ref().map(|forwarder| forwarder.name())
    }

    /// What the forwarder itself has for a flow, if it can tell.
    pub fn installed(&self, flow: Flow) -> Option<InstalledEntry> {
        self.forwarder.as_ref()?.installed(flow)
    }

    /// Chains of the system's packet filter that have no effect on what is forwarded.
    pub fn bypassed_chains(&self) -> Vec<String> {
        self.forwarder.as_ref().map_or_else(Vec::new, |forwarder| forwarder.bypassed_chains())
    }

    /// How strictly the system checks the source of packets that arrive on an interface.
    pub fn reverse_path(&self, interface: Interface) -> Option<ReversePath> {
        self.forwarder.as_ref()?.reverse_path(interface)
    }

    /// The counts of installations, and how many entries wait for a retry.
    pub fn installs(&self) -> (Installs, usize) {
        (self.installer.counters(), self.installer.waiting())
    }

    /// Whether the forwarder's entry of a flow waits for a retry.
    pub fn is_waiting(&self, flow: Flow) -> bool {
        self.installer.is_waiting(flow)
    }

    /// Interfaces that the forwarder no longer serves, because they do not exist in the system.
    pub fn lost(&mut self) -> Vec<IfId> {
        let Some(forwarder) = &mut self.forwarder else { return Vec::new() };
        let lost = forwarder.lost_interfaces();
        self.look_whether_settled();
        lost.unwrap_or_else(|refusal| {
            ::log::debug!("cannot read which interfaces are lost: {refusal}");
            self.retries.about_interfaces();
            Vec::new()
        })
    }

    /// Serves a lost interface again; false while it is not back.
    pub fn reattach(&mut self, id: IfId, interface: Interface) -> bool {
        if self.absent.contains(&interface) {
            return false;
        }
        let forwarder = self.forwarder.as_mut();
        let added = forwarder.map(|forwarder| forwarder.add_interface(id, interface));
        self.look_whether_settled();
        match added {
            Some(Ok(())) => {
                ::log::info!("{interface} is back");
                self.retries.settle(interface);
                true
            }
            Some(Err(Refusal::NoSuchInterface(_))) | None => {
                self.retries.settle(interface);
                false
            }
            Some(Err(refusal)) => {
                if self.retries.about(interface) {
                    ::log::warn!("{interface} is back, but cannot be served: {refusal}");
                }
                false
            }
        }
    }

    /// Whether these are the routes of this system state, and not those of an earlier start.
    pub fn has(&self, routes: &Weak<MulticastRoutes>) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.routes), routes.as_ptr())
    }

    /// The routes, for look-ups without the lock.
    pub fn routes(&self) -> Arc<MulticastRoutes> {
        Arc::clone(&self.routes)
    }

    /// The host reports whether an interface exists in the system.
    pub fn set_present(&mut self, interface: Interface, present: bool) {
        if present {
            self.absent.remove(&interface);
        } else {
            self.absent.insert(interface);
        }
    }
}
