//! A configured link: what IGMP does there.

use crate::codec::{Datagram, Message};
use crate::config::{LinkConfig, Role};
use crate::event::{LinkInfo, Ownership};
use crate::filter::Filter;
use crate::host::HostSide;
use crate::link_base::LinkBase;
use crate::log_event::LogEvent;
use crate::memberships::{Changed, Desired, Memberships};
use crate::receive::Received;
use crate::router::{Context, QuerierStatus, RouterSide};
use crate::saved::SavedGroup;
use crate::step::Step;
use crate::{Action, MgmCall, NEVER};
use mgm_types::{Code, Flow, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// What an operator wants to know of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// Whether the link is up.
    pub up: bool,
    /// The version of the link now: 1, 2 or 3.
    pub version: u8,
    /// Whether this router queries.
    pub querier: bool,
    /// The other router that queries: the lowest address heard lately.
    pub other_querier: Option<Ipv4Addr>,
    /// Since when, and until when, if the link has a router side that is up.
    pub election: Option<QuerierStatus>,
    /// How many groups hosts want.
    pub groups: usize,
    /// Whether the library has the memberships of the link.
    pub told: bool,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub base: LinkBase,
    /// Where the link is up and its role has a router side.
    router: Option<RouterSide>,
    /// On upstreams, and where `join` is configured.
    host: Option<HostSide>,
    /// What is sent up by this upstream (I58).
    raised: BTreeSet<Flow>,
    memberships: Memberships,
}

impl Link {
    /// A link that was configured just now. `info` is what is known of its device, if it exists.
    pub fn new(index: u32, config: LinkConfig, info: Option<LinkInfo>, step: &mut Step) -> Link {
        let mut link = Link {
            base: LinkBase::new(index, config, LinkInfo::default()),
            router: None,
            host: None,
            raised: BTreeSet::new(),
            memberships: Memberships::new(index),
        };
        link.warn_of_robustness(step);
        link.choose_host(step);
        if let Some(info) = info {
            link.device(info, step);
        }
        link
    }

    fn warn_of_robustness(&mut self, step: &mut Step) {
        if self.base.config.robustness == 1 {
            self.base.log(step, LogEvent::NoRobustness);
        }
    }

    pub fn router(&self) -> Option<&RouterSide> {
        self.router.as_ref()
    }

    /// The host side, if the link has one.
    pub fn host(&self) -> Option<&HostSide> {
        self.host.as_ref()
    }

    /// Whether this is an upstream of a proxy.
    pub fn is_upstream(&self) -> bool {
        self.base.config.role == Role::Upstream
    }

    /// Creates the host side, or ends it.
    fn choose_host(&mut self, step: &mut Step) {
        if self.is_upstream() || !self.base.config.join.is_empty() {
            self.host.get_or_insert_with(|| HostSide::new(&self.base.config));
        } else if let Some(mut host) = self.host.take() {
            host.stop(&mut self.base, step);
        }
    }

    /// Sets what the host side wants of a group, beside what `join` says.
    pub fn want(&mut self, group: Ipv4Addr, wanted: Filter) {
        if let Some(host) = &mut self.host {
            let config = &self.base.config;
            let joins = self.base.joins_of(group).iter().copied();
            let joined = Filter::of_flows(joins, config.is_ssm(group));
            host.set(group, joined.merge(wanted), config);
        }
    }

    /// Sends what the host side has to say after this step.
    pub fn flush(&mut self, step: &mut Step) {
        if let Some(host) = &mut self.host {
            host.flush(&mut self.base, step);
        }
    }

    /// Leaves all groups on the host side (I62).
    pub fn stop(&mut self, step: &mut Step) {
        if let Some(host) = &mut self.host {
            host.stop(&mut self.base, step);
        }
    }

    /// Ends a step of this link. `first` is the first of its actions.
    pub fn settle(&mut self, first: usize, step: &mut Step) {
        if let Some(host) = &mut self.host {
            host.adapt(&mut self.base, step);
            // Other routers of the link hear this router's queries, and its host must answer them.
            for octets in own_queries(&step.actions[first..], self.base.link) {
                if let Ok(Message::Query(query)) = read_own(&octets) {
                    host.asked(&query, &mut self.base, step);
                }
            }
        }
        self.forward_only_as_querier(step);
    }

    /// A downstream forwards only while this router is its querier (I57).
    fn forward_only_as_querier(&mut self, step: &mut Step) {
        let config = &self.base.config;
        let depends = config.role == Role::Downstream && !config.forward_always;
        let withheld = depends && !self.router.as_ref().is_some_and(RouterSide::is_querier);
        if withheld == self.memberships.are_withheld() {
            return;
        }
        if let (true, Some(router)) = (withheld, &self.router) {
            let querier = router.other_querier();
            self.base.log(step, LogEvent::NotForwarding(querier));
        }
        self.withhold(withheld, step);
    }

    /// Sends a flow up by this upstream, or no longer (I58).
    pub fn raise(&mut self, flow: Flow, raised: bool, step: &mut Step) {
        let is_changed = match raised {
            true => self.raised.insert(flow),
            false => self.raised.remove(&flow),
        };
        if !is_changed || !self.is_upstream() {
            return;
        }
        // The other flows of the group, of which there may be thousands, stay as they are.
        let (group, statics) = (flow.group(), self.base.statics_of(flow.group()));
        let one = Filter { exclude: false, sources: vec![flow.source()] };
        let (with, without) = (Desired::of(one, statics), Desired::of(Filter::default(), statics));
        let (before, after) = if raised { (&without, &with) } else { (&with, &without) };
        self.memberships.changed(Changed { group, before, after }, &mut self.base, step);
    }

    pub fn status(&self, now: Time) -> LinkStatus {
        let router = self.router.as_ref();
        LinkStatus {
            up: self.base.info.up,
            version: match (router, &self.host) {
                (Some(router), _) => router.version(&self.base, now),
                (None, Some(host)) => host.version(),
                (None, None) => self.base.config.version,
            },
            querier: router.is_some_and(RouterSide::is_querier),
            other_querier: router.and_then(RouterSide::other_querier),
            election: router.map(|router| router.querier(now)),
            groups: router.map_or(0, RouterSide::group_count),
            told: self.memberships.are_told(),
        }
    }

    /// The earliest deadline.
    pub fn deadline(&self) -> Time {
        let router = self.router.as_ref().map_or(NEVER, RouterSide::deadline);
        let host = self.host.as_ref().map_or(NEVER, HostSide::deadline);
        router.min(host).min(self.memberships.deadline())
    }

    /// Runs what is due at `at`, the earliest deadline.
    pub fn run(&mut self, at: Time, step: &mut Step) {
        if self.memberships.take_is_due(at) {
            self.memberships.take_again(step);
        }
        // A group may have hundreds of them.
        let failed = self.memberships.failures_due(at);
        for failed in failed.chunk_by(|one, other| one.0.group() == other.0.group()) {
            let desired = self.desired(failed[0].0.group());
            self.memberships.tell_again(failed, &desired, step);
        }
        self.with_router(step, |router, context| router.run(at, context));
        if let Some(host) = &mut self.host {
            host.run(at, &mut self.base, step);
        }
    }

    /// A packet that passed the checks of both sides.
    pub fn received(&mut self, received: &Received, step: &mut Step) {
        self.with_router(step, |router, context| router.received(received, context));
        if let Some(host) = &mut self.host {
            host.received(received, &mut self.base, step);
        }
    }

    fn with_router(&mut self, step: &mut Step, run: impl FnOnce(&mut RouterSide, &mut Context)) {
        if let Some(router) = &mut self.router {
            let (base, memberships) = (&mut self.base, &mut self.memberships);
            run(router, &mut Context { base, memberships, step });
        }
    }

    /// A new configuration. What it does not permit any longer ends at once (I46, I51);
    /// timers keep their deadlines (I4).
    pub fn configure(&mut self, config: LinkConfig, step: &mut Step) {
        let before = self.all_desired();
        let former_address = self.router.as_ref().and_then(|_| self.base.query_address());
        let is_new = self.base.config != config;
        let had_router = self.base.config.role != Role::Upstream;
        self.base.configure(config);
        self.warn_of_robustness(step);
        self.choose_host(step);
        if had_router && self.base.config.role == Role::Upstream {
            self.drop_router(step);
        }
        if let Some(router) = &mut self.router {
            if is_new {
                router.forget_hosts(&self.base, step);
            }
            router.enforce(&self.base, step);
            router.address_changed(former_address, &mut self.base, step);
        } else if self.base.info.up {
            self.start_router(step);
        }
        self.tell_changes(&before, step);
    }

    /// A static membership that is not in the configuration comes or goes (I50).
    pub fn set_static(&mut self, flow: Flow, wanted: bool, step: &mut Step) {
        let group = flow.group();
        let before = self.desired(group);
        self.base.set_static(flow, wanted);
        let after = self.desired(group);
        let changed = Changed { group, before: &before, after: &after };
        self.memberships.changed(changed, &mut self.base, step);
    }

    /// Tells the library what differs from `before`.
    fn tell_changes(&mut self, before: &BTreeMap<Ipv4Addr, Desired>, step: &mut Step) {
        let (after, none) = (self.all_desired(), Desired::default());
        let gone = before.keys().filter(|group| !after.contains_key(group));
        for group in after.keys().chain(gone) {
            let before = before.get(group).unwrap_or(&none);
            let after = after.get(group).unwrap_or(&none);
            let changed = Changed { group: *group, before, after };
            self.memberships.changed(changed, &mut self.base, step);
        }
    }

    /// What the system says about the device (I42, I49).
    pub fn device(&mut self, info: LinkInfo, step: &mut Step) {
        let former_address = self.base.query_address();
        let was_up = self.base.set_info(info).up;
        self.memberships.take(step);
        match (was_up, self.base.info.up) {
            (false, true) => {
                self.memberships.set_down(false);
                self.tell_all(step);
                self.start_router(step);
            }
            (true, false) => {
                self.untell_all(step);
                self.memberships.set_down(true);
                self.drop_router(step);
            }
            (true, true) => self.with_router(step, |router, context| {
                router.address_changed(former_address, context.base, context.step);
            }),
            (false, false) => {}
        }
    }

    /// The device is gone: the library has removed its memberships already.
    pub fn gone(&mut self, step: &mut Step) {
        self.base.set_info(LinkInfo::default());
        self.memberships.set_gone();
        self.drop_router(step);
    }

    /// The link is served no longer.
    pub fn release(&mut self, step: &mut Step) {
        self.stop(step);
        self.memberships.release(step);
        self.drop_router(step);
    }

    fn start_router(&mut self, step: &mut Step) {
        if self.base.config.role != Role::Upstream {
            let mut router = RouterSide::new(&self.base, step.now);
            router.address_changed(None, &mut self.base, step);
            self.router = Some(router);
        }
    }

    fn drop_router(&mut self, step: &mut Step) {
        if let Some(router) = self.router.take() {
            *step.entries -= router.entries();
            if self.base.config.role == Role::Downstream {
                step.changed.extend(router.groups().map(|group| (self.base.link, group)));
            }
        }
    }

    /// What hosts and static memberships want of a group.
    fn hosts_desire(&self, group: Ipv4Addr) -> Desired {
        match &self.router {
            Some(router) => router.desired(group, &self.base),
            None => Desired::of(Filter::default(), self.base.statics_of(group)),
        }
    }

    /// The memberships that the library should have of a group.
    fn desired(&self, group: Ipv4Addr) -> Desired {
        if !self.is_upstream() {
            return self.hosts_desire(group);
        }
        let flows = Flow::any_source(group)..=Flow::any_source(group).last_of_group();
        let sources = self.raised.range(flows).map(|flow| flow.source()).collect();
        Desired::of(Filter { exclude: false, sources }, self.base.statics_of(group))
    }

    /// The memberships that the library should have of each group.
    fn all_desired(&self) -> BTreeMap<Ipv4Addr, Desired> {
        let statics = self.base.statics().iter().map(|flow| flow.group());
        let learned = self.router.iter().flat_map(RouterSide::groups);
        let raised = self.raised.iter().map(|flow| flow.group());
        let groups: BTreeSet<Ipv4Addr> = statics.chain(learned).chain(raised).collect();
        groups.into_iter().map(|group| (group, self.desired(group))).collect()
    }

    fn tell_all(&mut self, step: &mut Step) {
        if self.memberships.are_told() {
            for (group, desired) in self.all_desired() {
                self.memberships.add_all(group, &desired, &mut self.base, step);
            }
        }
    }

    fn untell_all(&mut self, step: &mut Step) {
        if self.memberships.are_told() {
            for (group, desired) in self.all_desired() {
                self.memberships.delete_all(group, &desired, step);
            }
        }
    }

    /// Keeps the memberships of the link out of the library, or brings them back (I57).
    fn withhold(&mut self, withheld: bool, step: &mut Step) {
        if withheld {
            self.untell_all(step);
        }
        self.memberships.set_withheld(withheld);
        if !withheld {
            self.tell_all(step);
        }
    }

    /// What a take returned.
    pub fn taken(&mut self, result: Result<Ownership, Code>, step: &mut Step) {
        match result {
            Ok(ownership) => {
                self.memberships.taken(ownership);
                self.tell_all(step);
            }
            Err(code) => self.memberships.take_refused(code, &mut self.base, step),
        }
    }

    /// The library refused a call.
    pub fn refused(&mut self, call: MgmCall, code: Code, step: &mut Step) {
        if let MgmCall::Add(membership) | MgmCall::Delete(membership) = call {
            self.memberships.refused(membership, code, &mut self.base, step);
        }
    }

    /// DISABLE_IGMP.
    pub fn disable(&mut self) {
        self.memberships.disable();
    }

    /// ENABLE_IGMP: all memberships of this moment are added (I47).
    pub fn enable(&mut self, ownership: Ownership, step: &mut Step) {
        self.memberships.enable(ownership);
        self.tell_all(step);
    }

    /// Whether packets of a new flow may leave by the link. If the link has another owner, that
    /// owner decides (I45).
    pub fn may_forward(&self, flow: Flow) -> bool {
        // Thousands of flows of a group may be raised: this one is looked up.
        !self.memberships.is_alone()
            || self.raised.contains(&flow)
            || self.hosts_desire(flow.group()).forwards(flow.source())
    }

    /// The groups to be saved.
    pub fn saved(&self) -> Vec<SavedGroup> {
        self.router.as_ref().map(RouterSide::saved).unwrap_or_default()
    }

    /// Takes over saved groups (I80).
    pub fn restore(&mut self, groups: &[SavedGroup], step: &mut Step) {
        self.with_router(step, |router, context| {
            for group in groups {
                router.restore(group, context);
            }
        });
    }
}

/// The IPv4 datagrams among these actions that this link sends to hosts.
fn own_queries(actions: &[Action], link: u32) -> Vec<Vec<u8>> {
    let sent = actions.iter().filter_map(|action| match action {
        Action::Send(sent) if sent.link == link => Some(&sent.octets),
        _ => None,
    });
    sent.filter(|octets| matches!(read_own(octets), Ok(Message::Query(_)))).cloned().collect()
}

/// The message in a datagram of our own.
fn read_own(octets: &[u8]) -> Result<Message<'_>, crate::DropReason> {
    Message::read(Datagram::read(octets)?.message)
}
