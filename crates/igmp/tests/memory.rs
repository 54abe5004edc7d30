//! The memory that state takes (I75): at most 512 bytes a group, 64 a source, 32 a tracked
//! host, with limits raised to 10,000 groups. The benchmark has 100 hosts for each of them;
//! here 1,000 groups have 100 hosts, which takes the same a host and a tenth of the time.
//!
//! One test, because the allocator counts the whole program.

use mgm_igmp::codec::{datagram, report_v3, OwnRecord, RecordType};
use mgm_igmp::{
    Action, Event, Igmp, Interface, LeaveMode, LinkAddress, LinkConfig, LinkInfo, Ownership,
    Packet, Settings, Time,
};
use stats_alloc::{StatsAlloc, INSTRUMENTED_SYSTEM};
use std::alloc::System;
use std::net::Ipv4Addr;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const LINK: u32 = 1;
const GROUPS: u32 = 10_000;
/// Groups with 100 tracked hosts.
const TRACKED: u32 = 1_000;

fn in_use() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

struct Router {
    igmp: Igmp,
    now: u64,
    actions: Vec<Action>,
}

impl Router {
    fn new(leave: LeaveMode) -> Router {
        let config = LinkConfig {
            leave,
            max_groups: GROUPS,
            max_sources: 1_000,
            max_tracked: 1_000,
            ..LinkConfig::default()
        };
        let address = LinkAddress::new(Ipv4Addr::new(10, 0, 0, 1), 8);
        let addresses = vec![address];
        let info = LinkInfo { up: true, mtu: 1_500, point_to_point: false, addresses };
        let mut router = Router { igmp: Igmp::new(1), now: 0, actions: Vec::new() };
        router.event(Event::Settings(Settings { max_entries: u32::MAX, ..Settings::default() }));
        let interface = Interface::link(LINK);
        router.event(Event::Configure { interface, config: Box::new(config) });
        router.event(Event::Link { link: LINK, info });
        router.event(Event::Taken { link: LINK, result: Ok(Ownership::Alone) });
        router
    }

    fn event(&mut self, event: Event) {
        self.igmp.handle(Time(self.now), event, &mut self.actions);
        self.actions.clear();
    }

    /// A report of one record, a millisecond after the last one, which is as fast as new
    /// groups may come.
    fn report(&mut self, host: u32, kind: RecordType, group: u32, sources: &[Ipv4Addr]) {
        self.now += 1;
        let group = Ipv4Addr::from(0xef00_0000 + group);
        let message = report_v3(&[OwnRecord { kind, group, sources }]);
        let host = Ipv4Addr::from(0x0a01_0000 + host);
        let octets = datagram(host, Ipv4Addr::new(224, 0, 0, 22), &message);
        self.event(Event::Packet(Packet { link: LINK, unicast_frame: false, octets: &octets }));
    }

    fn groups(&self) -> u32 {
        self.igmp.status(LINK).unwrap().groups as u32
    }
}

/// Bytes a group without sources. In which order they come decides how full the trees are.
fn bytes_a_group(order: impl Fn(u32) -> u32) -> usize {
    let mut router = Router::new(LeaveMode::Query);
    let before = in_use();
    for n in 0..GROUPS {
        router.report(1, RecordType::ToEx, order(n), &[]);
    }
    assert_eq!(router.groups(), GROUPS);
    (in_use() - before) / GROUPS as usize
}

/// Bytes a source, where each group has this many.
fn bytes_a_source(kind: RecordType, groups: u32, sources: u32) -> usize {
    let mut router = Router::new(LeaveMode::Query);
    for n in 0..groups {
        router.report(1, RecordType::ToEx, n, &[]);
    }
    let before = in_use();
    for n in 0..groups {
        for source in 0..sources {
            router.report(1, kind, n, &[Ipv4Addr::from(0x0a02_0000 + source)]);
        }
    }
    assert_eq!(router.groups(), groups);
    let saved = router.igmp.saved(LINK);
    let known: usize = saved.iter().map(|g| g.wanted.len() + g.excluded.len()).sum();
    assert_eq!(known as u32, groups * sources);
    drop(saved);
    (in_use() - before) / (groups * sources) as usize
}

/// Bytes a tracked host, where each group has 100.
fn bytes_a_host() -> usize {
    let mut router = Router::new(LeaveMode::Tracked);
    // Before, the hosts of the link are unknown.
    router.now = 300_000;
    for n in 0..TRACKED {
        router.report(1, RecordType::ToEx, n, &[]);
    }
    // The reports of all hosts for a group come together, so that no group ends meanwhile.
    let before = in_use();
    for n in 0..TRACKED {
        router.now = 310_000;
        for host in 2..=100 {
            router.report(host, RecordType::IsEx, n, &[]);
        }
    }
    assert_eq!(router.groups(), TRACKED);
    let bytes = (in_use() - before) / (TRACKED * 99) as usize;
    // They are known: the leave of one of them asks nobody.
    let mut actions = Vec::new();
    let message = report_v3(&[OwnRecord {
        kind: RecordType::ToIn,
        group: Ipv4Addr::new(239, 0, 0, 5),
        sources: &[],
    }]);
    let octets = datagram([10, 1, 0, 7].into(), [224, 0, 0, 22].into(), &message);
    let packet = Packet { link: LINK, unicast_frame: false, octets: &octets };
    router.igmp.handle(Time(router.now), Event::Packet(packet), &mut actions);
    assert_eq!(actions, []);
    assert_eq!(router.groups(), TRACKED);
    bytes
}

/// Bytes that are left when all groups have ended.
fn bytes_left() -> usize {
    let mut router = Router::new(LeaveMode::Tracked);
    let before = in_use();
    for n in 0..GROUPS {
        router.report(1, RecordType::Allow, n, &[Ipv4Addr::new(10, 2, 0, 1)]);
    }
    router.now += 1_000_000;
    router.event(Event::Time);
    assert_eq!(router.groups(), 0);
    router.actions = Vec::new();
    in_use() - before
}

#[test]
fn i75_memory_a_group_a_source_and_a_tracked_host() {
    let ascending = bytes_a_group(|n| n);
    let scattered = bytes_a_group(|n| n.wrapping_mul(7_919) % GROUPS);
    let in_few = bytes_a_source(RecordType::Block, 100, 256);
    let in_many = bytes_a_source(RecordType::Allow, 10_000, 1);
    let (host, left) = (bytes_a_host(), bytes_left());
    println!("bytes a group: {ascending}, {scattered} in any order");
    println!("bytes a source: {in_few} of 256, {in_many} of one; a tracked host: {host}");
    println!("bytes left when all have ended: {left}");
    assert!(ascending <= 512 && scattered <= 512);
    assert!(in_few <= 64 && in_many <= 64);
    assert!(host <= 32);
    assert!(left <= 4_096);
}
