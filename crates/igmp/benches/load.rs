//! What a record costs, with 10,000 groups of 100 hosts.
//!
//!     cargo bench -p mgm-igmp                  all rows, some seconds
//!
//! Each row is the processor time of whole packets, from the IPv4 header to the actions, divided by their
//! records. The limit is 5 µs a record. `tests/memory.rs` checks the memory.

use mgm_igmp::codec::{datagram, report_v3, OwnRecord, RecordType};
use mgm_igmp::{
    Action, Event, Igmp, Interface, LeaveMode, LinkAddress, LinkConfig, LinkInfo, Ownership,
    Packet, Settings, Time,
};
use nix::time::ClockId;
use stats_alloc::{StatsAlloc, INSTRUMENTED_SYSTEM};
use std::alloc::System;
use std::net::Ipv4Addr;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const LINK: u32 = 1;
const GROUPS: u32 = 10_000;
const HOSTS: u32 = 100;
/// Records that fit a report of 1,500 octets.
const IN_A_REPORT: u32 = 180;
/// The limit, in microseconds.
const LIMIT: f64 = 5.0;

/// The processor time that this program has used: other programs do not count.
fn used() -> Duration {
    Duration::from(ClockId::CLOCK_PROCESS_CPUTIME_ID.now().expect("the system has this clock"))
}

fn in_use() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

struct Router {
    igmp: Igmp,
    now: u64,
    actions: Vec<Action>,
    spent: Duration,
    records: u32,
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
        let addresses = vec![LinkAddress::new(Ipv4Addr::new(10, 0, 0, 1), 8)];
        let info = LinkInfo { up: true, mtu: 1_500, point_to_point: false, addresses };
        let mut igmp = Igmp::new(1);
        let mut actions = Vec::new();
        for event in [
            Event::Settings(Settings { max_entries: u32::MAX, ..Settings::default() }),
            Event::Configure { interface: Interface::link(LINK), config: Box::new(config) },
            Event::Link { link: LINK, info },
            Event::Taken { link: LINK, result: Ok(Ownership::Alone) },
        ] {
            igmp.handle(Time(0), event, &mut actions);
        }
        // Before, the hosts of a tracked link are unknown.
        Router { igmp, now: 300_000, actions, spent: Duration::ZERO, records: 0 }
    }

    /// Hands over reports that have been built before, each at its time.
    fn send(&mut self, reports: &[(u64, Vec<u8>)], records: u32) {
        let start = used();
        for (pace, octets) in reports {
            self.now += pace;
            let packet = Packet { link: LINK, unicast_frame: false, octets };
            self.actions.clear();
            self.igmp.handle(Time(self.now), Event::Packet(packet), &mut self.actions);
        }
        self.spent += used() - start;
        self.records += records;
    }

    /// One record for each group, in whole reports; `pace` milliseconds a record.
    fn send_all(&mut self, host: u32, kind: RecordType, sources: &[Ipv4Addr], pace: u64) {
        let a_report = (IN_A_REPORT as usize * 8 / (8 + 4 * sources.len())) as u32;
        let mut reports = Vec::new();
        for first in (0..GROUPS).step_by(a_report as usize) {
            let groups = first..GROUPS.min(first + a_report);
            let records: Vec<OwnRecord> = groups
                .map(|n| OwnRecord { kind, group: Ipv4Addr::from(0xef00_0000 + n), sources })
                .collect();
            reports.push((pace * records.len() as u64, report(host, &records)));
        }
        self.send(&reports, GROUPS);
    }

    /// Prints the row, and begins the next one. Returns whether it is within the limit.
    fn row(&mut self, name: &str) -> bool {
        let microseconds = self.spent.as_secs_f64() * 1e6 / f64::from(self.records);
        println!("{name:<44} {microseconds:>8.3} µs a record  ({} records)", self.records);
        self.spent = Duration::ZERO;
        self.records = 0;
        microseconds <= LIMIT
    }
}

/// A report of a host, as a datagram.
fn report(host: u32, records: &[OwnRecord]) -> Vec<u8> {
    let host = Ipv4Addr::from(0x0a01_0000 + host);
    datagram(host, Ipv4Addr::new(224, 0, 0, 22), &report_v3(records))
}

/// All hosts report all groups.
fn groups(leave: LeaveMode, name: &str) -> bool {
    let mut router = Router::new(leave);
    let before = in_use();
    router.send_all(1, RecordType::ToEx, &[], 1);
    let a_group = (in_use() - before) / GROUPS as usize;
    let mut good = router.row(&format!("{name}: a new group"));
    let before = in_use();
    for host in 1..=HOSTS {
        router.send_all(host, RecordType::IsEx, &[], 0);
    }
    let a_host = in_use().saturating_sub(before) / (GROUPS * HOSTS) as usize;
    good &= router.row(&format!("{name}: a first report of a host"));
    for host in 1..=HOSTS {
        router.send_all(host, RecordType::IsEx, &[], 0);
    }
    good &= router.row(&format!("{name}: a refresh"));
    router.send_all(1, RecordType::ToIn, &[], 10);
    good &= router.row(&format!("{name}: a leave"));
    println!("{name}: {a_group} bytes a group, {a_host} a host of a group");
    good && a_group <= 512 && a_host <= 32
}

/// Each group has ten sources.
fn sources() -> bool {
    let mut router = Router::new(LeaveMode::Query);
    let list: Vec<Ipv4Addr> = (0..10).map(|n| Ipv4Addr::from(0x0a02_0000 + n)).collect();
    router.send_all(1, RecordType::Allow, &[], 1);
    router.send_all(1, RecordType::Allow, &list, 11);
    let mut good = router.row("ten sources: new");
    for host in 2..20 {
        router.send_all(host, RecordType::IsIn, &list, 0);
    }
    good &= router.row("ten sources: a refresh");
    router.send_all(1, RecordType::Block, &list[..5], 10);
    good &= router.row("ten sources: five blocked");
    router.now += 1_000_000;
    router.actions.clear();
    let start = used();
    router.igmp.handle(Time(router.now), Event::Time, &mut router.actions);
    let microseconds = (used() - start).as_secs_f64() * 1e6 / f64::from(GROUPS);
    println!("{:<44} {microseconds:>8.3} µs a group", "ten sources: the end of all timers");
    good
}

/// One group with 1,000 sources.
fn large_group() -> bool {
    let mut router = Router::new(LeaveMode::Query);
    let list: Vec<Ipv4Addr> = (0..1_000).map(|n| Ipv4Addr::from(0x0a02_0000 + n)).collect();
    let group = Ipv4Addr::new(239, 0, 0, 1);
    let allow = |part| report(1, &[OwnRecord { kind: RecordType::Allow, group, sources: part }]);
    let new: Vec<(u64, Vec<u8>)> = list.chunks(300).map(|part| (300, allow(part))).collect();
    router.send(&new, new.len() as u32);
    router.row("a group of 1,000 sources: 300 new");
    let is_in = |one| report(2, &[OwnRecord { kind: RecordType::IsIn, group, sources: one }]);
    let one_by_one: Vec<(u64, Vec<u8>)> = list.chunks(1).map(|one| (0, is_in(one))).collect();
    router.send(&one_by_one, one_by_one.len() as u32);
    router.row("a group of 1,000 sources: one refreshed")
}

fn main() {
    // "cargo test --all-targets" runs benchmarks with --test: nothing to be tested here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let good = [
        groups(LeaveMode::Query, "query"),
        groups(LeaveMode::Tracked, "tracked"),
        sources(),
        large_group(),
    ];
    if good.contains(&false) {
        println!("a row is above a limit: {LIMIT} µs a record, 512 bytes a group, 32 a host");
        std::process::exit(1);
    }
}
