//! The faults that follow from data.

mod links;
mod streams;
mod system;

use super::super::facts::{Entry, Facts, LinkFacts, Mgmd, Router, RpFilter, Table, TableRule, Vif};
use super::super::firewall::{Chain, ChainName, Firewall, Hook, Suspicion};
use super::super::report::{Finding, Kind, Report};
use super::super::traffic::{packet, Stream};
use super::judge;
use mgm_control::forwarding::Proxies;
use mgm_control::igmp::{IgmpLink, IgmpLinks};
use mgm_control::interfaces::Interfaces;
use mgm_control::status::Status;
use mgm_control::Versioned;
use mgm_net::mroute::DEFAULT_TABLE;
use serde::de::DeserializeOwned;
use std::net::Ipv4Addr;
use std::time::Duration;

const SRC: u32 = 2;
const LAN: u32 = 3;
const FAR: u32 = 4;

const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 11);

fn stream(last: u8) -> Stream {
    Stream { group: Ipv4Addr::new(239, 1, 1, last), source: SOURCE }
}

fn link(name: &str, network: u8) -> LinkFacts {
    LinkFacts {
        name: name.into(),
        is_up: true,
        is_running: true,
        mtu: 1500,
        addresses: vec![(Ipv4Addr::new(10, network, 0, 100), 24)],
        rp_filter: Some(RpFilter { all: 0, own: 0 }),
        ..LinkFacts::default()
    }
}

/// A router with the links src, lan and far, and an entry from src to lan.
fn router() -> Facts {
    let vif = |link| Vif { link, is_virtual: false };
    let table = Table {
        id: DEFAULT_TABLE,
        vifs: [SRC, LAN, FAR].map(vif).into(),
        entries: vec![entry(stream(1), &[(LAN, 1)])],
    };
    Facts {
        listened: Duration::from_secs(5),
        links: [(SRC, link("src", 1)), (LAN, link("lan", 2)), (FAR, link("far", 3))].into(),
        heard: [SRC, LAN, FAR].into(),
        tables: vec![table],
        rules: vec![TableRule { interface: None, table: Some(DEFAULT_TABLE) }],
        firewall: Firewall { chains: Vec::new(), is_known: true },
        ..Facts::default()
    }
}

/// An entry of which the kernel has counted packets.
fn entry(stream: Stream, sent_to: &[(u32, u8)]) -> Entry {
    Entry {
        source: stream.source,
        group: stream.group,
        arrives_on: SRC,
        sent_to: sent_to.to_vec(),
        packets: 100,
        is_offloaded: false,
    }
}

impl Facts {
    fn entry(&mut self) -> &mut Entry {
        &mut self.tables[0].entries[0]
    }

    fn link(&mut self, link: u32) -> &mut LinkFacts {
        self.links.get_mut(&link).expect("the link")
    }

    /// Packets of a stream arrive on src, with this TTL.
    fn arrive(&mut self, stream: Stream, ttl: u8, count: u64) {
        for _ in 0..count {
            self.traffic.add(SRC, false, &packet(stream, 17, ttl, (100, false)));
        }
    }

    fn leave(&mut self, stream: Stream, link: u32, count: u64) {
        for _ in 0..count {
            self.traffic.add(link, true, &packet(stream, 17, 15, (100, false)));
        }
    }

    /// An IGMP message of a link: 0x11 is a query, 0x22 a report.
    fn igmp_message(&mut self, link: u32, is_outgoing: bool, kind: u8, source: Ipv4Addr) {
        let to = Stream { group: Ipv4Addr::new(224, 0, 0, 1), source };
        let mut octets = packet(to, 2, 1, (28, false));
        octets.push(kind);
        self.traffic.add(link, is_outgoing, &octets);
    }
}

fn chain(hook: Hook) -> Chain {
    let (table, chain) = ("fw".into(), format!("{hook:?}").to_lowercase());
    let name = ChainName::Nft { family: "ip", table, chain, has_owner: false };
    Chain { hook, name, suspicion: Suspicion::Policy }
}

fn report(facts: &Facts) -> Report {
    let mut report = Report::default();
    judge(facts, &mut report);
    report
}

fn kinds(facts: &Facts) -> Vec<Kind> {
    report(facts).findings.iter().map(|finding| finding.kind).collect()
}

/// The only finding.
fn found(facts: &Facts) -> Finding {
    let findings = report(facts).findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings[0].clone()
}

/// An answer of mgmd from the documentation.
fn example<T: DeserializeOwned>(name: &str) -> T {
    let page = include_str!("../../../../../docs/control.md");
    let mark = format!("<!-- answer: {name} -->\n```json\n");
    let (_, rest) = page.split_once(&mark).unwrap_or_else(|| panic!("no example of {name}"));
    let text = rest.split_once("```").expect("the example ends").0;
    serde_json::from_str::<Versioned<T>>(text).expect("an answer").answer
}

/// The router with an mgmd that has IGMP on lan, and is the querier there.
fn with_mgmd() -> Facts {
    let mut links: IgmpLinks = example("igmp");
    let igmp = &mut links.links[0];
    (igmp.interface, igmp.index) = ("lan".into(), Some(LAN));
    let querier = igmp.querier.as_mut().expect("a querier");
    (querier.own, querier.address) = (true, Some(Ipv4Addr::new(10, 2, 0, 100)));
    let mut interfaces: Interfaces = example("interfaces");
    let interface = &mut interfaces.interfaces[0];
    (interface.name, interface.index) = ("lan".into(), Some(LAN));
    let status: Status = example("status");
    let proxies: Proxies = example("proxies");
    let router = Router {
        status: Status { uptime_ms: 3_600_000, ..status },
        before: links.links.clone(),
        after: links.links,
        interfaces: interfaces.interfaces,
        proxies: proxies.proxies,
        privileges: None,
    };
    let mut facts = router_of(router);
    // A query that left, so that nothing is missing.
    facts.igmp_message(LAN, true, 0x11, Ipv4Addr::new(10, 2, 0, 100));
    facts
}

fn router_of(known: Router) -> Facts {
    let mgmd = Mgmd { socket: "/run/mgmd/control".into(), router: Some(known), ..Mgmd::default() };
    Facts { mgmd, ..router() }
}

impl Facts {
    fn mgmd(&mut self) -> &mut Router {
        self.mgmd.router.as_mut().expect("mgmd")
    }

    fn igmp_after(&mut self) -> &mut IgmpLink {
        &mut self.mgmd().after[0]
    }
}
