//! What the router and the host side of a link share: its configuration, what the system says
//! about it, counters, warnings.

use crate::codec;
use crate::config::{LinkConfig, Role};
use crate::counters::{Counters, DropReason};
use crate::event::LinkInfo;
use crate::filter::Filter;
use crate::log_event::{LogEvent, Warnings};
use crate::refusals::Refusals;
use crate::step::Step;
use crate::{Action, Transmission};
use mgm_types::Flow;
use std::net::Ipv4Addr;

/// What the 16 bits of the total length can say. The MTU of lo is larger.
const LONGEST_DATAGRAM: u32 = 65_535;

/// A link, as both sides of IGMP see it.
#[derive(Debug)]
pub(crate) struct LinkBase {
    /// The interface index.
    pub link: u32,
    /// What was configured.
    pub config: LinkConfig,
    /// What the system says about the device.
    pub info: LinkInfo,
    /// What is counted.
    pub counters: Counters,
    /// What was refused lately.
    pub refusals: Refusals,
    /// The static memberships, those of `join` included, in ascending order. On an upstream those
    /// of `join` are only reported.
    statics: Vec<Flow>,
    /// Those of `join`, in ascending order.
    joins: Vec<Flow>,
    /// Those of them that the program added, in ascending order.
    added: Vec<Flow>,
    warnings: Warnings,
}

impl LinkBase {
    pub fn new(link: u32, config: LinkConfig, info: LinkInfo) -> LinkBase {
        let mut base = LinkBase {
            link,
            config: LinkConfig::default(),
            info,
            counters: Counters::default(),
            refusals: Refusals::default(),
            statics: Vec::new(),
            joins: Vec::new(),
            added: Vec::new(),
            warnings: Warnings::default(),
        };
        base.configure(config);
        base
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
        self.joins = config.join.clone();
        self.joins.sort_unstable();
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
        of_group(&self.statics, group)
    }

    /// What `join` has of a group: `(*,g)` first.
    pub fn joins_of(&self, group: Ipv4Addr) -> &[Flow] {
        of_group(&self.joins, group)
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
    pub fn send(&self, step: &mut Step, message: &[u8], to: Addressing) {
        step.actions.push(Action::Send(Transmission {
            link: self.link,
            destination: to.destination,
            octets: codec::datagram(to.source, to.destination, message),
            loop_back: to.loop_back,
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

/// The flows of a group in a list in ascending order.
fn of_group(flows: &[Flow], group: Ipv4Addr) -> &[Flow] {
    let any = Flow::any_source(group);
    let start = flows.partition_point(|flow| *flow < any);
    let end = flows.partition_point(|flow| *flow <= any.last_of_group());
    &flows[start..end]
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

/// The addresses of a message that is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addressing {
    /// The source address.
    pub source: Ipv4Addr,
    /// The destination address.
    pub destination: Ipv4Addr,
    /// Whether this machine itself receives it, too.
    pub loop_back: bool,
}
