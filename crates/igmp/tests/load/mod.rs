//! A router with raised limits and an allocator that counts: shared by `tests/memory.rs` and
//! `benches/load.rs`.

use mgm_igmp::codec::{datagram, report_v3, OwnRecord};
use mgm_igmp::{
    Action, Event, Igmp, Interface, LeaveMode, LinkAddress, LinkConfig, LinkInfo, Ownership,
    Packet, Settings, Time,
};
use stats_alloc::{StatsAlloc, INSTRUMENTED_SYSTEM};
use std::alloc::System;
use std::net::Ipv4Addr;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The link of the router.
pub const LINK: u32 = 1;
/// How many groups the link may have.
pub const GROUPS: u32 = 10_000;

/// Bytes that the whole program has allocated.
pub fn in_use() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// A router with one link.
pub struct Router {
    pub igmp: Igmp,
    pub now: u64,
    pub actions: Vec<Action>,
}

impl Router {
    pub fn new(leave: LeaveMode) -> Router {
        let config = LinkConfig {
            leave,
            max_groups: GROUPS,
            max_sources: 2_000,
            max_tracked: 1_000,
            ..LinkConfig::default()
        };
        let addresses = vec![LinkAddress::new(Ipv4Addr::new(10, 0, 0, 1), 8)];
        let info = LinkInfo { up: true, mtu: 1_500, point_to_point: false, addresses };
        let mut router = Router { igmp: Igmp::new(1), now: 0, actions: Vec::new() };
        router.event(Event::Settings(Settings { max_entries: u32::MAX, ..Settings::default() }));
        let interface = Interface::link(LINK);
        router.event(Event::Configure { interface, config: Box::new(config) });
        router.event(Event::Link { link: LINK, info });
        router.event(Event::Taken { link: LINK, result: Ok(Ownership::Alone) });
        router
    }

    /// An event, now. Returns the actions.
    pub fn event(&mut self, event: Event) -> &[Action] {
        self.actions.clear();
        self.igmp.handle(Time(self.now), event, &mut self.actions);
        &self.actions
    }

    /// A datagram arrives, now. Returns the actions.
    pub fn receive(&mut self, octets: &[u8]) -> &[Action] {
        self.event(Event::Packet(Packet { link: LINK, unicast_frame: false, octets }))
    }
}

/// A report of a host, as a datagram.
pub fn report(host: u32, records: &[OwnRecord]) -> Vec<u8> {
    let host = Ipv4Addr::from(0x0a01_0000 + host);
    datagram(host, Ipv4Addr::new(224, 0, 0, 22), &report_v3(records))
}

/// The group of a number.
pub fn group(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0xef00_0000 + number)
}

/// The source of a number.
pub fn source(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a02_0000 + number)
}
