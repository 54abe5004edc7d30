//! A host on one link, with a driver that plays the network and the clock.

mod changes;
mod fallback;
mod links;
mod queries;

use super::HostSide;
use crate::codec::{self, Datagram, Message, Query, QueryBody, RecordType, SourceList};
use crate::config::{LinkConfig, Role, Settings};
use crate::counters::DropReason;
use crate::event::{LinkAddress, LinkInfo, Packet};
use crate::filter::Filter;
use crate::link_base::LinkBase;
use crate::log_event::LogLine;
use crate::receive::receive;
use crate::step::Step;
use crate::{Action, NEVER};
use mgm_types::Time;
use std::net::Ipv4Addr;
use RecordType::{Allow, Block, IsEx, IsIn, ToEx, ToIn};

const LINK: u32 = 2;
const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
const QUERIER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

fn group(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(239, 1, 1, n)
}

fn source(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 9, 0, n)
}

fn sources(numbers: &[u8]) -> Vec<Ipv4Addr> {
    numbers.iter().map(|n| source(*n)).collect()
}

fn include(numbers: &[u8]) -> Filter {
    Filter { exclude: false, sources: sources(numbers) }
}

fn exclude(numbers: &[u8]) -> Filter {
    Filter { exclude: true, sources: sources(numbers) }
}

/// What a host said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    V3(Vec<(RecordType, Ipv4Addr, Vec<Ipv4Addr>)>),
    V2(Ipv4Addr),
    V1(Ipv4Addr),
    Leave(Ipv4Addr),
}

/// One record of a v3 report.
fn v3(kind: RecordType, group: Ipv4Addr, numbers: &[u8]) -> Said {
    Said::V3(vec![(kind, group, sources(numbers))])
}

/// A host, its link, and what it has said, with the times.
struct Bench {
    host: HostSide,
    base: LinkBase,
    now: Time,
    random: fastrand::Rng,
    said: Vec<(u64, Said)>,
    sources: Vec<Ipv4Addr>,
    log: Vec<LogLine>,
}

fn info() -> LinkInfo {
    let addresses = vec![LinkAddress::new(OWN, 24)];
    LinkInfo { up: true, mtu: 1_500, point_to_point: false, addresses }
}

impl Bench {
    fn new() -> Bench {
        Bench::with(LinkConfig { role: Role::Upstream, ..LinkConfig::default() }, 1)
    }

    fn with(config: LinkConfig, seed: u64) -> Bench {
        let mut bench = Bench {
            host: HostSide::new(&config),
            base: LinkBase::new(LINK, config, LinkInfo::default()),
            now: Time(1_000),
            random: fastrand::Rng::with_seed(seed),
            said: Vec::new(),
            sources: Vec::new(),
            log: Vec::new(),
        };
        bench.link(info());
        bench
    }

    fn step(&mut self, act: impl FnOnce(&mut HostSide, &mut LinkBase, &mut Step)) {
        let (mut actions, mut changed, mut entries) = (Vec::new(), Vec::new(), 0);
        let mut step = Step {
            now: self.now,
            actions: &mut actions,
            changed: &mut changed,
            random: &mut self.random,
            settings: &Settings::default(),
            entries: &mut entries,
        };
        act(&mut self.host, &mut self.base, &mut step);
        self.host.flush(&mut self.base, &mut step);
        for action in actions {
            match action {
                Action::Send(sent) => self.note(&sent.octets, sent.destination),
                Action::Log(line) => self.log.push(line),
                other => panic!("a host does not {other:?}"),
            }
        }
    }

    fn note(&mut self, octets: &[u8], destination: Ipv4Addr) {
        let datagram = Datagram::read(octets).unwrap();
        assert_eq!(datagram.destination, destination);
        let (said, expected) = match Message::read(datagram.message).unwrap() {
            Message::ReportV3(records) => {
                let records = records
                    .map(|record| (record.kind, record.group, record.sources.iter().collect()));
                (Said::V3(records.collect()), codec::ALL_V3_ROUTERS)
            }
            Message::ReportV2(group) => (Said::V2(group), group),
            Message::ReportV1(group) => (Said::V1(group), group),
            Message::Leave(group) => (Said::Leave(group), codec::ALL_ROUTERS),
            Message::Query(_) => panic!("a host does not query"),
        };
        assert_eq!(destination, expected, "I18");
        self.sources.push(datagram.source);
        self.said.push((self.now.0, said));
    }

    fn link(&mut self, info: LinkInfo) {
        self.step(|host, base, step| {
            base.info = info;
            host.adapt(base, step);
        });
    }

    fn want(&mut self, group: Ipv4Addr, wanted: Filter) {
        self.step(|host, base, _| host.set(group, wanted, &base.config));
    }

    /// A message arrives from another machine of the link.
    fn hear(&mut self, from: Ipv4Addr, to: Ipv4Addr, message: &[u8]) -> Result<(), DropReason> {
        let octets = codec::datagram(from, to, message);
        let mut result = Ok(());
        self.step(|host, base, step| {
            let packet = Packet { link: LINK, unicast_frame: false, octets: &octets };
            match receive(base, &packet, |address| address == OWN) {
                Ok(received) => host.received(&received, base, step),
                Err(reason) => result = Err(reason),
            }
        });
        result
    }

    fn general(&mut self, version: u8, max_response: u32) {
        let query = query(version, Ipv4Addr::UNSPECIFIED, &[], max_response);
        self.hear(QUERIER, codec::ALL_SYSTEMS, &query).unwrap();
    }

    fn specific(&mut self, group: Ipv4Addr, numbers: &[u8], max_response: u32) {
        let query = query(3, group, numbers, max_response);
        self.hear(QUERIER, group, &query).unwrap();
    }

    /// Lets the time pass, and the timers run in order.
    fn pass(&mut self, milliseconds: u64) {
        let end = Time(self.now.0 + milliseconds);
        while self.host.deadline() <= end {
            let at = self.host.deadline();
            assert!(at >= self.now, "a deadline in the past");
            self.now = at;
            self.step(|host, base, step| host.run(at, base, step));
        }
        self.now = end;
    }

    /// What was said since the last call.
    fn take(&mut self) -> Vec<Said> {
        self.take_timed().into_iter().map(|(_, said)| said).collect()
    }

    fn take_timed(&mut self) -> Vec<(u64, Said)> {
        std::mem::take(&mut self.said)
    }
}

fn query(version: u8, group: Ipv4Addr, numbers: &[u8], max_response: u32) -> Vec<u8> {
    let octets: Vec<u8> = sources(numbers).iter().flat_map(Ipv4Addr::octets).collect();
    let sources = SourceList::of(&octets);
    let body = match version {
        1 => QueryBody::V1,
        2 => QueryBody::V2,
        _ => QueryBody::V3 { suppress: false, robustness: 2, interval: 125, sources },
    };
    Query { group, max_response, body }.write()
}
