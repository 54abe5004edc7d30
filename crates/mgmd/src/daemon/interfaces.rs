//! The interfaces of the system: follows their changes, and serves those that the configuration
//! names.
//!
//! ```text
//!   netlink ──► Monitor ──► Device ─┐
//!                                   ├─► steps ──► library, sockets, Shared (IGMP)
//!              Config ────► Plan ───┘
//! ```
//! mgmd identifies an interface by its name. If another device gets that name, with the same
//! index or another one, mgmd begins anew with the interface.

use super::context::Context;
use super::device::Device;
use super::jobs;
use super::number::number;
use super::plan::{is_named, steps, Plan, Step};
use super::proxies::upstreams;
use super::reactor::Source;
use super::saved::Saved;
use super::shared::now;
use super::sockets::Sockets;
use crate::config::LogLevel;
use mgm_igmp::{Event, LinkConfig, ProxyUpstream, Role};
use mgm_net::monitor::{self, Monitor};
use mgm_net::receive::ListenError;
use mgm_types::{Interface, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;

/// How long sockets that could not be opened, or links that could not be read, wait for the next
/// try, in milliseconds.
const RETRY: u64 = 1_000;

/// All interfaces of the system.
pub struct Interfaces {
    monitor: Monitor,
    events: Vec<monitor::Event>,
    sockets: Sockets,
    /// The state of each device that IGMP was last told.
    known: HashMap<u32, Device>,
    /// The plan of each served interface.
    plans: BTreeMap<u32, Plan>,
    /// The proxies that IGMP was last told.
    proxies: Vec<ProxyUpstream>,
    /// The groups that the former process saved.
    saved: Saved,
    /// The ports of bridges and bonds that the configuration names, and what was logged.
    refused: HashMap<u32, String>,
    /// How often each interface that the configuration names has appeared. An interface that
    /// only a pattern matches is not counted, because there is no limit for the number of such
    /// names.
    appearances: HashMap<String, u64>,
    /// The interfaces whose sockets could not be opened.
    unopened: BTreeSet<u32>,
    /// When to try again: the interfaces in `unopened`, or a monitor that has lost messages.
    retry: Option<Time>,
}

impl Interfaces {
    /// Opens the sockets that all interfaces share.
    ///
    /// # Errors
    /// What cannot be opened, and what to do.
    pub fn open(context: Context<'_>, saved: Saved) -> Result<Interfaces, String> {
        let monitor = Monitor::open().map_err(|error| {
            format!("cannot read the interfaces of the system: {error}: allow AF_NETLINK sockets")
        })?;
        let added = context.reactor.add(&monitor, Source::Monitor);
        added.map_err(|error| format!("cannot wait for changes of interfaces: {error}"))?;
        Ok(Interfaces {
            monitor,
            events: Vec::new(),
            sockets: Sockets::open()?,
            known: HashMap::new(),
            plans: BTreeMap::new(),
            proxies: Vec::new(),
            saved,
            refused: HashMap::new(),
            appearances: HashMap::new(),
            unopened: BTreeSet::new(),
            retry: None,
        })
    }

    /// Serves all interfaces as the configuration says: at the start, and after a reload.
    pub fn serve_all(&mut self, context: Context<'_>) {
        let mut links: BTreeSet<u32> = self.monitor.links().iter().map(|link| link.index).collect();
        links.extend(self.known.keys());
        self.serve(links, context);
    }

    /// Carries out all jobs.
    pub fn work(&mut self, context: Context<'_>) {
        jobs::carry_out(context, &mut self.sockets, self.monitor.links());
    }

    /// Whether an address is one of this machine.
    #[must_use]
    pub fn has_address(&self, address: Ipv4Addr) -> bool {
        let mut all = self.monitor.links().all_addresses();
        all.any(|(_, known)| known.iter().any(|known| known.local == address))
    }

    /// Hands the packets that wait on an interface to IGMP.
    pub fn receive(&mut self, index: u32, context: Context<'_>) {
        if let Err(error) = self.sockets.receive(index, context) {
            let name = self.plans.get(&index).map_or("", |plan| &plan.name);
            context.log(LogLevel::Warn, name, format_args!("cannot read packets: {error}"));
        }
    }

    /// Tells IGMP of the packets that the kernel dropped.
    pub fn count_losses(&self, context: Context<'_>) {
        self.sockets.count_losses(context);
    }

    /// When [`Interfaces::try_again`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.retry
    }

    fn retry_soon(&mut self) {
        self.retry.get_or_insert(Time(now().0 + RETRY));
    }

    /// Tries again what has failed, if that is due.
    pub fn try_again(&mut self, context: Context<'_>) {
        if self.retry.take_if(|due| *due <= now()).is_none() {
            return;
        }
        for index in std::mem::take(&mut self.unopened) {
            let name = self.plans.get(&index).map(|plan| plan.name.clone());
            if let Some(name) = name {
                self.listen(index, &name, context);
            }
        }
        if self.monitor.is_stale() {
            self.changed(context);
        }
    }

    fn listen(&mut self, index: u32, name: &str, context: Context<'_>) {
        match self.sockets.listen(self.monitor.links(), index, context) {
            // The link is gone already. The monitor will report it.
            Ok(()) | Err(ListenError::NoLink(_)) => {}
            Err(refusal) => {
                if self.unopened.insert(index) {
                    context.log(LogLevel::Error, name, format_args!("{refusal}; retrying"));
                }
                self.retry_soon();
            }
        }
    }

    /// Adds the groups of all interfaces to what is saved for the next start.
    pub fn save(&self, saved: &mut Saved, context: Context<'_>) {
        for (index, plan) in self.plans.iter().filter(|(_, plan)| plan.listens) {
            let groups = context.shared.with(|state| state.igmp.saved(*index));
            saved.add(&plan.name, groups);
        }
    }

    /// The plan of each served interface.
    #[must_use]
    pub fn plans(&self) -> &BTreeMap<u32, Plan> {
        &self.plans
    }

    /// What the system says about a device.
    #[must_use]
    pub fn device(&self, index: u32) -> Option<&Device> {
        self.known.get(&index)
    }

    /// Whether a device is a bridge that hides the reports of hosts from a router that does not
    /// query (I73).
    #[must_use]
    pub fn hides_reports(&self, index: u32) -> bool {
        self.monitor.links().get(index).is_some_and(|link| link.hides_reports)
    }

    /// The ports of bridges and bonds that the configuration names.
    pub fn refused(&self) -> impl Iterator<Item = (u32, &Device)> {
        self.refused.keys().filter_map(|index| Some((*index, self.known.get(index)?)))
    }

    /// How often an interface with a name of the configuration has appeared.
    #[must_use]
    pub fn appearances(&self, name: &str) -> u64 {
        let counted = self.appearances.get(name).copied();
        counted.unwrap_or_else(|| self.plans.values().any(|plan| plan.name == name).into())
    }

    /// The links of the system have changed.
    pub fn changed(&mut self, context: Context<'_>) {
        if let Err(error) = self.monitor.read(&mut self.events) {
            let text = format!("reading the interfaces of the system failed: {error}: retrying");
            context.log.write(LogLevel::Warn, &text);
        }
        if self.monitor.is_stale() {
            self.retry_soon();
        }
        let mut links = BTreeSet::new();
        for event in std::mem::take(&mut self.events) {
            let index = match event {
                monitor::Event::LinkAdded(link) => link.index,
                monitor::Event::LinkChanged { after, .. } => after.index,
                monitor::Event::AddressAdded { index, .. }
                | monitor::Event::AddressRemoved { index, .. } => index,
                monitor::Event::LinkRemoved(link) => {
                    // Even if another device has this index by now.
                    self.update(link.index, None, context);
                    link.index
                }
            };
            links.insert(index);
            // If the interface is a bridge, its ports are served or refused because of it.
            let ports = self.monitor.links().iter().filter(|link| link.master == Some(index));
            links.extend(ports.map(|link| link.index));
        }
        self.serve(links, context);
    }

    fn serve(&mut self, links: BTreeSet<u32>, context: Context<'_>) {
        for index in links {
            let device = Device::of(self.monitor.links(), index);
            context.shared.set_name(index, device.as_ref().map(|device| device.name.as_str()));
            self.update(index, device, context);
        }
        let names = context.shared.with(|state| state.served.clone());
        let proxies = upstreams(context.config, &names);
        if proxies != self.proxies {
            context.shared.handle(Event::Proxies(proxies.clone()));
            self.proxies = proxies;
        }
        let is_changed = context.shared.with(|state| {
            let changed = state.routes.configure(context.config, &names)?;
            state.tell(now(), changed);
            state.routes.have_prefixes().then_some(())
        });
        if is_changed.is_some() {
            context.library.each_mfe(&mut |flow, link| {
                context.shared.with(|state| {
                    // A protocol that owns the interface is asked, and not mgmd (M4).
                    if !state.is_owned(link) && !state.routes.knows(flow) {
                        state.arrives(now(), flow, link);
                    }
                });
            });
        }
    }

    /// Serves one interface as its device and the configuration say.
    fn update(&mut self, index: u32, device: Option<Device>, context: Context<'_>) {
        let named = device.as_ref().and_then(|device| Plan::of(context.config, device));
        let plan = named.filter(|plan| !self.is_refused(index, plan, device.as_ref(), context));
        let steps =
            steps(self.plans.get(&index), self.known.get(&index), device.as_ref(), plan.as_ref());
        let former = self.plans.get(&index).map(|plan| plan.name.clone());
        let name = match (&plan, &former, &device) {
            (None, Some(former), _) => former.clone(),
            (_, _, Some(device)) => device.name.clone(),
            (_, _, None) => String::new(),
        };
        match &plan {
            Some(plan) => self.plans.insert(index, plan.clone()),
            None => self.plans.remove(&index),
        };
        for step in steps {
            self.carry_out(index, &name, step, context);
        }
        if plan.is_some() && former.as_ref().is_some_and(|former| *former != name) {
            context.shared.with(|state| state.renamed(now(), index, &name));
            context.log(LogLevel::Info, &name, "renamed");
        }
        let is_up = device.as_ref().is_some_and(|device| device.info.up);
        if let Some(plan) = plan.filter(|plan| is_up && plan.listens) {
            self.restore(index, &plan, context);
        }
        match device {
            Some(device) => self.known.insert(index, device),
            None => {
                self.refused.remove(&index);
                self.known.remove(&index)
            }
        };
    }

    /// Whether the interface is a port of a bridge or bond (I68). Logs this once.
    fn is_refused(
        &mut self,
        index: u32,
        plan: &Plan,
        device: Option<&Device>,
        context: Context<'_>,
    ) -> bool {
        let Some(advice) = device.and_then(|device| device.port.as_ref()) else {
            self.refused.remove(&index);
            return false;
        };
        if self.refused.insert(index, advice.clone()).as_ref() != Some(advice) {
            // An operator who writes "eth*" does not mean the ports.
            let is_meant = is_named(context.config, &plan.name);
            let level = if is_meant { LogLevel::Warn } else { LogLevel::Info };
            context.log.write(level, advice);
        }
        true
    }

    fn restore(&mut self, index: u32, plan: &Plan, context: Context<'_>) {
        let Some(groups) = self.saved.take(&plan.name, &plan.igmp, now()) else { return };
        context.log(
            LogLevel::Info,
            &plan.name,
            format_args!("{} restored", number(groups.len(), "group")),
        );
        context.shared.handle(Event::Restore { link: index, groups });
    }

    fn carry_out(&mut self, index: u32, name: &str, step: Step, context: Context<'_>) {
        let Context { library, shared, .. } = context;
        match step {
            Step::Gone => {
                shared.handle(Event::LinkGone { link: index });
                library.set_interface(index, false);
            }
            Step::Unconfigure => {
                context.log(LogLevel::Info, name, "no longer served");
                shared.handle(Event::Unconfigure { link: index });
                shared.with(|state| state.ended(index));
                // Before the sockets and boundaries go, the host side must leave its groups,
                // and the library must end all memberships.
                self.work(context);
            }
            Step::Close => {
                self.unopened.remove(&index);
                self.sockets.close(index);
            }
            Step::Threshold(threshold) => {
                context.log_failure(name, library.set_ttl_threshold(index, threshold));
            }
            Step::Boundary(scope, is_there) => {
                context.log_failure(name, library.set_boundary(index, scope, is_there));
            }
            Step::ScopeName(scope, text) => {
                context.log_failure(name, library.set_scope_name(scope, &text));
            }
            Step::FlowLimit(flows) => {
                context.log_failure(name, library.set_flow_limit(index, flows));
            }
            Step::Open => self.listen(index, name, context),
            Step::Info(info) => shared.handle(Event::Link { link: index, info }),
            Step::Begin(config) => {
                context.log(LogLevel::Info, name, served_as(&config));
                if is_named(context.config, name) {
                    *self.appearances.entry(name.to_owned()).or_default() += 1;
                }
                library.set_interface(index, true);
                shared.with(|state| state.served.insert(index, name.to_owned()));
                let interface = Interface::link(index);
                shared.handle(Event::Configure { interface, config });
                shared.with(|state| state.begun(now(), index));
            }
            Step::Configure(config) => {
                let interface = Interface::link(index);
                shared.handle(Event::Configure { interface, config });
            }
        }
    }
}

/// The role of an interface, for the log.
fn served_as(config: &LinkConfig) -> String {
    if config.passive && !config.groups.otherwise && config.groups.rules.is_empty() {
        return "served, without IGMP".into();
    }
    let role = match config.role {
        Role::Router => "IGMP router",
        Role::Upstream => "upstream of an IGMP proxy",
        Role::Downstream => "downstream of an IGMP proxy",
    };
    format!("served: {role}, version {}", config.version)
}
