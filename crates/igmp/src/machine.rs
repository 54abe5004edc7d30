//! The state machine: takes an event and hands it to the links that it concerns.

use crate::config::Settings;
use crate::counters::{Counters, DropReason};
use crate::event::{Callback, Event, LinkInfo, Packet};
use crate::filter::Filter;
use crate::link::{Link, LinkStatus};
use crate::log_event::LogEvent;
use crate::proxy::{Proxy, Question};
use crate::receive::receive;
use crate::refusals::Refusal;
use crate::router::{GroupStatus, RouterSide};
use crate::saved::SavedGroup;
use crate::step::Step;
use crate::{Action, Answer, LinkConfig};
use mgm_types::{Flow, Interface, Time};
use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// IGMP on all links of a router.
///
/// It has no socket, clock or thread: [`Igmp::handle`] takes an event and its time, and lists the
/// actions that the program has to carry out. Equal seeds and events give equal actions (I1).
#[derive(Debug)]
pub struct Igmp {
    links: BTreeMap<u32, Link>,
    /// What the system says about each device, configured or not: its addresses are this
    /// router's own, and it may be configured later.
    devices: BTreeMap<u32, LinkInfo>,
    /// All their addresses, because each packet is looked up among them (I10, I75).
    own_addresses: BTreeSet<Ipv4Addr>,
    proxy: Proxy,
    common: CommonState,
    now: Time,
}

/// What all links use.
#[derive(Debug)]
struct CommonState {
    settings: Settings,
    random: fastrand::Rng,
    entries: u32,
    changed: Vec<(u32, Ipv4Addr)>,
}

impl CommonState {
    fn step<'a>(&'a mut self, now: Time, actions: &'a mut Vec<Action>) -> Step<'a> {
        Step {
            now,
            actions,
            changed: &mut self.changed,
            random: &mut self.random,
            settings: &self.settings,
            entries: &mut self.entries,
        }
    }
}

impl Igmp {
    /// IGMP without any link. The seed decides all delays that are taken at random.
    #[must_use]
    pub fn new(seed: u64) -> Igmp {
        Igmp {
            links: BTreeMap::new(),
            devices: BTreeMap::new(),
            own_addresses: BTreeSet::new(),
            proxy: Proxy::default(),
            common: CommonState {
                settings: Settings::default(),
                random: fastrand::Rng::with_seed(seed),
                entries: 0,
                changed: Vec::new(),
            },
            now: Time(0),
        }
    }

    /// Handles an event, and appends to `actions` what is to be done. Timers that are due run
    /// first, in the order of their deadlines. A time before that of the last event counts as
    /// that time.
    pub fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        self.now = self.now.max(now);
        self.run_timers(actions);
        self.event(event, actions);
        let (proxy, links) = (&mut self.proxy, &mut self.links);
        proxy.settle(links, &mut self.common.step(self.now, actions));
    }

    fn event(&mut self, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Time => {}
            Event::Packet(packet) => self.packet(&packet, actions),
            Event::Configure { interface, config } => self.configure(interface, *config, actions),
            Event::Unconfigure { link } => {
                self.proxy.links_changed();
                if let Some(mut link) = self.links.remove(&link) {
                    link.release(&mut self.common.step(self.now, actions));
                }
            }
            Event::Static { link, flow, wanted } => self.on_link(link, actions, |link, step| {
                link.set_static(flow, wanted, step);
            }),
            Event::Settings(settings) => self.common.settings = settings,
            Event::Link { link, info } => {
                if self.devices.get(&link) != Some(&info) {
                    self.proxy.links_changed();
                }
                self.on_link(link, actions, |link, step| link.device(info.clone(), step));
                if self.devices.insert(link, info.clone()).as_ref() != Some(&info) {
                    self.note_own_addresses();
                }
            }
            Event::LinkGone { link } => {
                self.devices.remove(&link);
                self.note_own_addresses();
                self.proxy.links_changed();
                self.on_link(link, actions, Link::gone);
            }
            Event::Proxies(_) | Event::Found(_) | Event::Stop => self.proxy_event(event, actions),
            Event::Callback(callback) => self.callback(callback, actions),
            Event::Taken { link, result } => {
                self.on_link(link, actions, |link, step| link.taken(result, step));
            }
            Event::Refused { call, code } => {
                self.proxy.refused(call, code, &mut self.common.step(self.now, actions));
                self.on_link(call.link(), actions, |link, step| link.refused(call, code, step));
            }
            Event::SendFailed { link, errno } => self.on_link(link, actions, |link, step| {
                link.base.counters.send_failures += 1;
                link.base.log(step, LogEvent::SendFailed(errno));
            }),
            Event::PacketsLost { link, packets } => self.on_link(link, actions, |link, step| {
                link.base.counters.packets_lost += u64::from(packets);
                link.base.log(step, LogEvent::PacketsLost(packets));
            }),
            Event::Restore { link, groups } => {
                self.on_link(link, actions, |link, step| link.restore(&groups, step));
            }
        }
    }

    /// An event that is about the proxy as a whole.
    fn proxy_event(&mut self, event: Event, actions: &mut Vec<Action>) {
        let Igmp { links, proxy, common, now, .. } = self;
        let step = &mut common.step(*now, actions);
        match event {
            Event::Proxies(upstreams) => proxy.configure(upstreams, step),
            Event::Found(flows) => proxy.found(&flows, step),
            Event::Stop => proxy.stop(links, step),
            _ => {}
        }
    }

    fn note_own_addresses(&mut self) {
        let addresses = self.devices.values().flat_map(|info| &info.addresses);
        self.own_addresses = addresses.map(|known| known.address).collect();
    }

    fn on_link(
        &mut self,
        link: u32,
        actions: &mut Vec<Action>,
        run: impl FnOnce(&mut Link, &mut Step),
    ) {
        if let Some(link) = self.links.get_mut(&link) {
            let first = actions.len();
            let step = &mut self.common.step(self.now, actions);
            run(link, step);
            link.settle(first, step);
        }
    }

    /// Runs the timers that are due, in the order of their deadlines.
    fn run_timers(&mut self, actions: &mut Vec<Action>) {
        while let Some((at, link)) = self.first_deadline().filter(|(at, _)| *at <= self.now) {
            match link {
                Some(link) => self.on_link(link, actions, |link, step| link.run(at, step)),
                None => {
                    let Igmp { links, proxy, common, now, .. } = self;
                    proxy.run(at, links, &mut common.step(*now, actions));
                }
            }
        }
    }

    /// The earliest deadline, and the link that it belongs to; `None` for the proxy.
    fn first_deadline(&self) -> Option<(Time, Option<u32>)> {
        let links = self.links.iter().map(|(index, link)| (link.deadline(), Some(*index)));
        links.chain([(self.proxy.deadline(), None)]).min()
    }

    /// When [`Event::Time`] is due. That event may cause no action: if a timer was set later, its
    /// old deadline stays until it is reached.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.first_deadline().map(|(at, _)| at).filter(|at| *at != crate::NEVER)
    }

    fn callback(&mut self, callback: Callback, actions: &mut Vec<Action>) {
        match callback {
            Callback::DisableIgmp { link } => self.on_link(link, actions, |link, _| link.disable()),
            Callback::EnableIgmp { link, ownership } => {
                self.on_link(link, actions, |link, step| link.enable(ownership, step));
            }
            Callback::CreationAlert { question, link, flow } => {
                let known = self.links.get(&link);
                let enabled = known.is_none_or(|known| known.may_forward(flow));
                actions.push(Action::Answer(Answer::Creation { question, link, enabled }));
            }
            Callback::Rpf { question: number, flow, expected, neighbour, arrival } => {
                let question = Question { number, flow, expected, neighbour, arrival };
                let (proxy, links) = (&mut self.proxy, &mut self.links);
                proxy.asked(question, links, &mut self.common.step(self.now, actions));
            }
            Callback::JoinAlert(flow) | Callback::PruneAlert(flow) => {
                let wanted = matches!(callback, Callback::JoinAlert(_));
                self.proxy.other_wants(flow, wanted, &mut self.common.step(self.now, actions));
            }
        }
    }

    /// The counters of a link, if it is configured.
    #[must_use]
    pub fn counters(&self, link: u32) -> Option<&Counters> {
        self.links.get(&link).map(|link| &link.base.counters)
    }

    /// How many memberships of the router's other components are not reported upstream, because
    /// a limit refused them (G45).
    #[must_use]
    pub fn others_refused(&self) -> u64 {
        self.proxy.others_refused()
    }

    fn packet(&mut self, packet: &Packet, actions: &mut Vec<Action>) {
        let Igmp { links, own_addresses, .. } = self;
        let Some(link) = links.get_mut(&packet.link) else { return };
        link.base.counters.received += 1;
        if !link.base.info.up {
            return link.base.drop(DropReason::LinkNotServed);
        }
        let queried_from = link.base.config.source;
        let is_own =
            |address: Ipv4Addr| queried_from == Some(address) || own_addresses.contains(&address);
        match receive(&mut link.base, packet, is_own) {
            Ok(received) => {
                let first = actions.len();
                let step = &mut self.common.step(self.now, actions);
                link.received(&received, step);
                link.settle(first, step);
            }
            Err(reason) => {
                link.base.drop(reason);
                link.base.refusals.note_packet(packet.octets, reason, self.now);
            }
        }
    }

    fn configure(&mut self, interface: Interface, config: LinkConfig, actions: &mut Vec<Action>) {
        let link = interface.index;
        if let Err(error) = config.check(interface) {
            let step = &mut self.common.step(self.now, actions);
            return self.proxy.log(link, LogEvent::ConfigRefused(error), step);
        }
        self.proxy.links_changed();
        let first = actions.len();
        let step = &mut self.common.step(self.now, actions);
        match self.links.entry(link) {
            Entry::Occupied(mut known) => {
                known.get_mut().configure(config, step);
                known.get_mut().settle(first, step);
            }
            Entry::Vacant(vacant) => {
                let info = self.devices.get(&link).cloned();
                vacant.insert(Link::new(link, config, info, step)).settle(first, step);
            }
        }
    }

    /// What an operator wants to know of a link, if it is configured.
    #[must_use]
    pub fn status(&self, link: u32) -> Option<LinkStatus> {
        self.links.get(&link).map(|link| link.status(self.now))
    }

    /// What hosts want on a link, group by group in ascending order.
    pub fn groups(&self, link: u32) -> impl Iterator<Item = (Ipv4Addr, Filter)> + '_ {
        self.links.get(&link).and_then(Link::router).into_iter().flat_map(RouterSide::filters)
    }

    /// The address that queries of a link come from, if it may query.
    #[must_use]
    pub fn querier_address(&self, link: u32) -> Option<Ipv4Addr> {
        self.links.get(&link).and_then(|link| link.base.query_address())
    }

    /// The state of the groups of a link after this group, in ascending order.
    pub fn group_states(
        &self,
        link: u32,
        after: Option<Ipv4Addr>,
    ) -> impl Iterator<Item = GroupStatus> + '_ {
        let router = self.links.get(&link).and_then(Link::router).into_iter();
        router.flat_map(move |router| router.group_states(after))
    }

    /// Whether a proxy accepts a flow on the link where it arrives, although the library expects it
    /// on another one, or on none (`expected` 0): what the answer to RPF_CALLBACK would be.
    #[must_use]
    pub fn accepts(&self, flow: Flow, expected: u32, arrival: u32) -> bool {
        self.proxy.accepts(flow, expected, arrival).is_some()
    }

    /// The reports of a group that a link refused, and that would still be valid, the latest first.
    #[must_use]
    pub fn refusals(&self, link: u32, group: Ipv4Addr) -> Vec<Refusal> {
        let Some(link) = self.links.get(&link) else { return Vec::new() };
        let valid = link.base.config.intervals().group_membership;
        link.base.refusals.of(group, Time(self.now.0.saturating_sub(valid)))
    }

    /// What is reported on a link as by a host, group by group in ascending order.
    pub fn reported(&self, link: u32) -> impl Iterator<Item = (Ipv4Addr, Filter)> + '_ {
        let host = self.links.get(&link).and_then(Link::host);
        host.into_iter().flat_map(|host| host.groups().map(|group| (group, host.wanted(group))))
    }

    /// What is reported of one group on a link as by a host.
    #[must_use]
    pub fn reported_of(&self, link: u32, group: Ipv4Addr) -> Filter {
        let host = self.links.get(&link).and_then(Link::host);
        host.map(|host| host.wanted(group)).unwrap_or_default()
    }

    /// What to save of a link at a clean stop (I80).
    #[must_use]
    pub fn saved(&self, link: u32) -> Vec<SavedGroup> {
        self.links.get(&link).map(Link::saved).unwrap_or_default()
    }
}
