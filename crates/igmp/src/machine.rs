//! The state machine: takes an event and hands it to the links that it concerns.

use crate::config::Settings;
use crate::counters::{Counters, DropReason};
use crate::event::{Event, LinkInfo, Packet};
use crate::link::Link;
use crate::log_event::{LogEvent, LogLine};
use crate::port::{Port, Step};
use crate::receive::receive;
use crate::{Action, LinkConfig};
use mgm_types::{Interface, Time};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// IGMP on all links of a router.
///
/// It has no socket, clock or thread: [`Igmp::handle`] is told what happens and when, and
/// lists what is to be done. Equal seeds and events make equal actions (I1).
#[derive(Debug)]
pub struct Igmp {
    links: BTreeMap<u32, Link>,
    /// What the system says about each device, configured or not: its addresses are this
    /// router's own, and it may be configured later.
    devices: BTreeMap<u32, LinkInfo>,
    shared: Shared,
    now: Time,
}

/// What all links use.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    random: fastrand::Rng,
    entries: u32,
    changed: Vec<(u32, Ipv4Addr)>,
}

impl Shared {
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
            shared: Shared {
                settings: Settings::default(),
                random: fastrand::Rng::with_seed(seed),
                entries: 0,
                changed: Vec::new(),
            },
            now: Time(0),
        }
    }

    /// Handles an event, and appends to `actions` what is to be done. A time before that of
    /// the last event counts as that time.
    pub fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        self.now = self.now.max(now);
        match event {
            Event::Time => {}
            Event::Packet(packet) => self.packet(&packet, actions),
            Event::Configure { interface, config } => self.configure(interface, *config, actions),
            Event::Unconfigure { link } => {
                self.links.remove(&link);
            }
            Event::Settings(settings) => self.shared.settings = settings,
            Event::Link { link, info } => self.device(link, info),
            Event::LinkGone { link } => self.device(link, LinkInfo::default()),
            Event::SendFailed { link, errno } => {
                self.trouble(link, LogEvent::SendFailed(errno), actions)
            }
            Event::PacketsLost { link, packets } => {
                self.trouble(link, LogEvent::PacketsLost(packets), actions)
            }
        }
    }

    /// The counters of a link, if it is configured.
    #[must_use]
    pub fn counters(&self, link: u32) -> Option<&Counters> {
        self.links.get(&link).map(|link| &link.port.counters)
    }

    fn packet(&mut self, packet: &Packet, actions: &mut Vec<Action>) {
        let Igmp { links, devices, .. } = self;
        let Some(link) = links.get_mut(&packet.link) else { return };
        link.port.counters.received += 1;
        if !link.port.info.up {
            return link.port.drop(DropReason::LinkNotServed);
        }
        let is_own = |address: Ipv4Addr| {
            let mut addresses = devices.values().flat_map(|info| &info.addresses);
            addresses.any(|known| known.address == address)
        };
        match receive(&link.port, packet, is_own) {
            Ok(received) => link.received(&received, &mut self.shared.step(self.now, actions)),
            Err(reason) => link.port.drop(reason),
        }
    }

    fn configure(&mut self, interface: Interface, config: LinkConfig, actions: &mut Vec<Action>) {
        let link = interface.index;
        if let Err(error) = config.check(interface) {
            let event = LogEvent::ConfigRefused(error);
            return actions.push(Action::Log(LogLine { link, event, left_out: 0 }));
        }
        let info = self.devices.get(&link).cloned().unwrap_or_default();
        let known = self.links.entry(link);
        let known = known
            .and_modify(|known| known.port.config = config.clone())
            .or_insert_with(|| Link { port: Port::new(link, config, info) });
        if known.port.config.robustness == 1 {
            known.port.log(&mut self.shared.step(self.now, actions), LogEvent::NoRobustness);
        }
    }

    fn device(&mut self, link: u32, info: LinkInfo) {
        if let Some(known) = self.links.get_mut(&link) {
            known.port.info = info.clone();
        }
        self.devices.insert(link, info);
    }

    fn trouble(&mut self, link: u32, event: LogEvent, actions: &mut Vec<Action>) {
        let Some(known) = self.links.get_mut(&link) else { return };
        match event {
            LogEvent::PacketsLost(packets) => {
                known.port.counters.packets_lost += u64::from(packets)
            }
            _ => known.port.counters.send_failures += 1,
        }
        known.port.log(&mut self.shared.step(self.now, actions), event);
    }
}
