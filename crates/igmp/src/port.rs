//! What the router and the host side of a link share: its configuration, what the system says
//! about it, counters, warnings. And the lists that one step writes to.

use crate::codec;
use crate::config::{LinkConfig, Role, Settings};
use crate::counters::{Counters, DropReason};
use crate::event::LinkInfo;
use crate::filter::Filter;
use crate::log_event::{LogEvent, Warnings};
use crate::{Action, Transmission};
use mgm_types::{Flow, Time};
use std::net::Ipv4Addr;

/// What the 16 bits of the total length can say. The MTU of lo is larger.
const LONGEST_DATAGRAM: u32 = 65_535;

/// One call of [`crate::Igmp::handle`]: its time, and what comes of it.
pub(crate) struct Step<'a> {
    /// The present time. Timers that run late run with it, too.
    pub now: Time,
    /// What is to be done outside.
    pub actions: &'a mut Vec<Action>,
    /// Groups of downstream links of which `Router::reception` may have changed: what the
    /// proxy has to look at afterwards. A group may be there more than once.
    pub changed: &'a mut Vec<(u32, Ipv4Addr)>,
    /// Random numbers for the delays of the host side.
    pub random: &'a mut fastrand::Rng,
    /// Settings for all links together.
    pub settings: &'a Settings,
    /// Groups and sources of all links.
    pub entries: &'a mut u32,
}

impl Step<'_> {
    /// Writes a line to the log, unless these warnings have let one of its kind pass within the
    /// last minute (I76).
    pub fn log(&mut self, warnings: &mut Warnings, link: u32, event: LogEvent) {
        let line = warnings.line(self.now, link, event);
        self.actions.extend(line.map(Action::Log));
    }
}

/// A link, as both sides of IGMP see it.
#[derive(Debug)]
pub(crate) struct Port {
    /// The interface index.
    pub link: u32,
    /// What was configured.
    pub config: LinkConfig,
    /// What the system says about the device.
    pub info: LinkInfo,
    /// What is counted.
    pub counters: Counters,
    /// The static memberships, those of `join` included, in ascending order. On an upstream those
    /// of `join` are only reported.
    statics: Vec<Flow>,
    /// Those of them that the program added, in ascending order.
    added: Vec<Flow>,
    warnings: Warnings,
}

impl Port {
    pub fn new(link: u32, config: LinkConfig, info: LinkInfo) -> Port {
        let mut port = Port {
            link,
            config: LinkConfig::default(),
            info,
            counters: Counters::default(),
            statics: Vec::new(),
            added: Vec::new(),
            warnings: Warnings::default(),
        };
        port.configure(config);
        port
    }

    /// Takes a configuration over.
    pub fn configure(&mut self, config: LinkConfig) {
        self.statics = config.static_memberships.clone();
        self.statics.extend(&self.added);
        // What an upstream joins must not be sent back to it (G33).
        if config.role != Role::Upstream {
            self.statics.extend(&config.join);
        }
        self.statics.sort_unstable();
        self.statics.dedup();
        self.config = config;
    }

    /// Adds a static membership to those of the configuration, or removes it.
    pub fn set_static(&mut self, flow: Flow, wanted: bool) {
        set(&mut self.added, flow, wanted);
        let config = &self.config;
        let is_configured = config.static_memberships.contains(&flow)
            || config.role != Role::Upstream && config.join.contains(&flow);
        set(&mut self.statics, flow, wanted || is_configured);
    }

    /// Takes over what the system says about the device; returns what was known before.
    pub fn set_info(&mut self, info: LinkInfo) -> LinkInfo {
        let mtu = info.mtu.min(LONGEST_DATAGRAM);
        std::mem::replace(&mut self.info, LinkInfo { mtu, ..info })
    }

    /// All static memberships, in ascending order.
    pub fn statics(&self) -> &[Flow] {
        &self.statics
    }

    /// The static memberships of a group: `(*,g)` first.
    pub fn statics_of(&self, group: Ipv4Addr) -> &[Flow] {
        let any = Flow::any_source(group);
        let start = self.statics.partition_point(|flow| *flow < any);
        let end = self.statics.partition_point(|flow| *flow <= any.last_of_group());
        &self.statics[start..end]
    }

    /// The static memberships of a group, as an upstream reports them; `is_ssm` if the group is
    /// in its SSM range.
    pub fn static_filter(&self, group: Ipv4Addr, is_ssm: bool) -> Filter {
        Filter::of_flows(self.statics_of(group).iter().copied(), is_ssm)
    }

    /// Writes a line to the log, unless one of its kind came within the last minute.
    pub fn log(&mut self, step: &mut Step, event: LogEvent) {
        step.log(&mut self.warnings, self.link, event);
    }

    /// Counts a packet or record that has no effect.
    pub fn drop(&mut self, reason: DropReason) {
        self.counters.count_drop(reason);
    }

    /// Sends an IGMP message.
    pub fn send(&self, step: &mut Step, message: &[u8], route: Route) {
        step.actions.push(Action::Send(Transmission {
            link: self.link,
            destination: route.destination,
            octets: codec::datagram(route.source, route.destination, message),
            loop_back: route.loop_back,
        }));
    }

    /// The address that queries come from (I20): the configured one, else the lowest of the
    /// link. One of 169.254/16 serves only if there is no other.
    pub fn election_address(&self) -> Option<Ipv4Addr> {
        let addresses = self.info.addresses.iter().map(|known| known.address);
        self.config.source.or_else(|| addresses.min_by_key(|a| (a.is_link_local(), *a)))
    }

    /// The address that this router takes part in the election with, if it does.
    pub fn query_address(&self) -> Option<Ipv4Addr> {
        if self.config.passive {
            None
        } else {
            self.election_address()
        }
    }
}

/// Adds a flow to a list in ascending order, or removes it.
fn set(flows: &mut Vec<Flow>, flow: Flow, wanted: bool) {
    match (flows.binary_search(&flow), wanted) {
        (Err(at), true) => flows.insert(at, flow),
        (Ok(at), false) => {
            flows.remove(at);
        }
        _ => {}
    }
}

/// Where a message goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    /// The source address.
    pub source: Ipv4Addr,
    /// The destination address.
    pub destination: Ipv4Addr,
    /// Whether this machine's own hosts shall hear it.
    pub loop_back: bool,
}
