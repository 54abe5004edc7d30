//! One router on a LAN, with packets made by hand.

use crate::network::*;
use mgm_igmp::codec::{
    self, Message, OwnRecord, Query, QueryBody, RecordType, SourceList, ALL_V3_ROUTERS,
};
use mgm_igmp::{DropReason, LinkConfig, Role, SavedGroup};
use std::net::Ipv4Addr;

pub const G: &str = "239.1.1.1";
pub const HOST: &str = "10.0.0.50";
/// A router with a lower address than ours.
pub const LOWER: &str = "10.0.0.1";

pub struct Router {
    pub network: Network,
    pub name: usize,
}

impl Router {
    pub fn new() -> Router {
        Router::with(role(Role::Router))
    }

    pub fn with(config: LinkConfig) -> Router {
        let mut network = Network::new();
        let name = network.machine();
        network.attach(name, 1, ("lan", "10.0.0.10"), config);
        network.take("lan");
        network.log(name);
        Router { network, name }
    }

    pub fn message(&mut self, from: &str, to: &str, message: &[u8]) {
        self.network.inject(self.name, 1, (from, to), message);
    }

    pub fn octets(&mut self, octets: &[u8]) {
        self.network.inject_octets(self.name, 1, octets);
    }

    pub fn report(&mut self, kind: RecordType, group: &str, sources: &[&str]) {
        self.report_from(HOST, kind, group, sources);
    }

    pub fn report_from(&mut self, host: &str, kind: RecordType, group: &str, sources: &[&str]) {
        let sources: Vec<Ipv4Addr> = sources.iter().map(|text| ip(text)).collect();
        self.message(host, "224.0.0.22", &v3_report(kind, group, &sources));
    }

    pub fn general(&mut self, from: &str, to: &str, version: u8) {
        self.message(from, to, &query(version, "0.0.0.0"));
    }

    pub fn memberships(&self) -> Vec<String> {
        self.network.memberships(self.name, 1)
    }

    pub fn queries(&mut self) -> Vec<String> {
        self.network.queries("lan")
    }

    pub fn pass(&mut self, milliseconds: u64) {
        self.network.pass(milliseconds);
    }

    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.network.igmp(self.name).counters(1).unwrap().dropped(reason)
    }

    pub fn is_querier(&self) -> bool {
        self.network.igmp(self.name).status(1).unwrap().querier
    }

    pub fn version(&self) -> u8 {
        self.network.igmp(self.name).status(1).unwrap().version
    }

    pub fn saved(&self) -> Vec<SavedGroup> {
        self.network.igmp(self.name).saved(1)
    }
}

pub fn v3_report(kind: RecordType, group: &str, sources: &[Ipv4Addr]) -> Vec<u8> {
    codec::report_v3(&[OwnRecord { kind, group: ip(group), sources }])
}

/// A query that gives hosts a second.
pub fn query(version: u8, group: &str) -> Vec<u8> {
    let sources = SourceList::default();
    let body = match version {
        1 => QueryBody::V1,
        2 => QueryBody::V2,
        _ => QueryBody::V3 { suppress: false, robustness: 2, interval: 125, sources },
    };
    Query { group: ip(group), max_response: 1_000, body }.write()
}

/// A v3 report as a datagram, to be spoiled.
pub fn datagram(kind: RecordType) -> Vec<u8> {
    codec::datagram(ip(HOST), ALL_V3_ROUTERS, &v3_report(kind, G, &[]))
}

/// The same datagram without its Router Alert option.
pub fn without_alert(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    octets.drain(20..24);
    octets[0] = 0x45;
    let total = octets.len() as u16;
    octets[2..4].copy_from_slice(&total.to_be_bytes());
    headed(octets)
}

/// Sets the checksum of an IPv4 header.
pub fn headed(mut datagram: Vec<u8>) -> Vec<u8> {
    let length = usize::from(datagram[0] & 0x0f) * 4;
    datagram[10..12].fill(0);
    let sum = codec::checksum(&datagram[..length]);
    datagram[10..12].copy_from_slice(&sum.to_be_bytes());
    datagram
}

/// Sets the checksum of an IGMP message.
pub fn sealed(mut message: Vec<u8>) -> Vec<u8> {
    message[2..4].fill(0);
    let sum = codec::checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    assert!(Message::read(&message).is_ok());
    message
}
