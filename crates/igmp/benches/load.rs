//! What a record costs, with 10,000 groups of 100 hosts, and in groups with many sources.
//!
//!     cargo bench -p mgm-igmp --bench load     all rows, some seconds
//!
//! Each row is the processor time of whole packets, from the IPv4 header to the actions, divided by
//! their records. The limit is 5 µs for a record that lists, or ends, up to ten sources, and 0.25 µs
//! for each further source. How many sources the group has besides does not matter (I75).
//! `tests/memory.rs` checks the memory.

#[path = "../tests/load/mod.rs"]
mod load;

use load::{group, in_use, report, source, Router, GROUPS, LINK};
use mgm_igmp::codec::{OwnRecord, RecordType};
use mgm_igmp::{Event, LeaveMode};
use nix::time::ClockId;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Duration;

const HOSTS: u32 = 100;
/// Records that fit a report of 1,500 octets.
const IN_A_REPORT: u32 = 180;
/// The limit of a record with up to [`ORDINARY`] sources, in microseconds.
const LIMIT: f64 = 5.0;
/// How many sources a record of ordinary size has at most.
const ORDINARY: u32 = 10;
/// The limit of each further source, in microseconds.
const SOURCE_LIMIT: f64 = 0.25;

/// The processor time that this program has used: other programs do not count.
fn used() -> Duration {
    Duration::from(ClockId::CLOCK_PROCESS_CPUTIME_ID.now().expect("the system has this clock"))
}

/// A router, and the rows of its table.
struct Load {
    router: Router,
    spent: Duration,
    records: u32,
    is_good: bool,
}

impl Load {
    fn new(leave: LeaveMode) -> Load {
        let mut router = Router::new(leave);
        // Before, the hosts of a tracked link are unknown.
        router.now = 300_000;
        Load { router, spent: Duration::ZERO, records: 0, is_good: true }
    }

    /// Hands over reports that have been built before, each at its time.
    fn send(&mut self, reports: &[(u64, Vec<u8>)], records: u32) {
        let start = used();
        for (pace, octets) in reports {
            self.router.now += pace;
            self.router.receive(octets);
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
            let records: Vec<OwnRecord> =
                groups.map(|n| OwnRecord { kind, group: group(n), sources }).collect();
            reports.push((pace * records.len() as u64, report(host, &records)));
        }
        self.send(&reports, GROUPS);
    }

    /// A report of one record with these sources for each of a few groups.
    fn send_few(&mut self, kind: RecordType, sources: Range<u32>, pace: u64) {
        let sources: Vec<Ipv4Addr> = sources.map(source).collect();
        let a_report = |n| report(1, &[OwnRecord { kind, group: group(n), sources: &sources }]);
        let reports: Vec<_> = (0..FEW).map(|n| (pace, a_report(n))).collect();
        self.send(&reports, FEW);
    }

    /// Prints the row, and begins the next one. Each of its records listed, or ended, so many
    /// sources.
    fn row(&mut self, name: &str, sources: u32) {
        let microseconds = self.spent.as_secs_f64() * 1e6 / f64::from(self.records);
        let limit = LIMIT + SOURCE_LIMIT * f64::from(sources.saturating_sub(ORDINARY));
        println!(
            "{name:<44} {microseconds:>8.3} µs a record  ({} records, limit {limit} µs)",
            self.records
        );
        self.spent = Duration::ZERO;
        self.records = 0;
        self.is_good &= microseconds <= limit;
    }
}

/// All hosts report all groups.
fn groups(leave: LeaveMode, name: &str) -> bool {
    let mut load = Load::new(leave);
    let before = in_use();
    load.send_all(1, RecordType::ToEx, &[], 1);
    let a_group = (in_use() - before) / GROUPS as usize;
    load.row(&format!("{name}: a new group"), 0);
    let before = in_use();
    for host in 1..=HOSTS {
        load.send_all(host, RecordType::IsEx, &[], 0);
    }
    let a_host = in_use().saturating_sub(before) / (GROUPS * HOSTS) as usize;
    load.row(&format!("{name}: a first report of a host"), 0);
    for host in 1..=HOSTS {
        load.send_all(host, RecordType::IsEx, &[], 0);
    }
    load.row(&format!("{name}: a refresh"), 0);
    load.send_all(1, RecordType::ToIn, &[], 10);
    load.row(&format!("{name}: a leave"), 0);
    println!("{name}: {a_group} bytes a group, {a_host} a host of a group");
    load.is_good && a_group <= 512 && a_host <= 32
}

/// Each group has ten sources.
fn sources() -> bool {
    let mut load = Load::new(LeaveMode::Query);
    let list: Vec<Ipv4Addr> = (0..10).map(source).collect();
    load.send_all(1, RecordType::Allow, &[], 1);
    load.send_all(1, RecordType::Allow, &list, 11);
    load.row("ten sources: new", 10);
    for host in 2..20 {
        load.send_all(host, RecordType::IsIn, &list, 0);
    }
    load.row("ten sources: a refresh", 10);
    load.send_all(1, RecordType::Block, &list[..5], 10);
    load.row("ten sources: five blocked", 5);
    load.router.now += 1_000_000;
    let start = used();
    load.router.event(Event::Time);
    let microseconds = (used() - start).as_secs_f64() * 1e6 / f64::from(GROUPS);
    println!("{:<44} {microseconds:>8.3} µs a group", "ten sources: the end of all timers");
    load.is_good
}

/// How many groups have many sources.
const FEW: u32 = 20;

/// A few groups with many sources each.
fn large_groups(count: u32) -> bool {
    let mut load = Load::new(LeaveMode::Query);
    let name = |what: &str| format!("groups of {count} sources: {what}");
    load.send_few(RecordType::Allow, 0..count, u64::from(count) + 1);
    load.row(&name("all new"), count);
    for n in 0..count {
        load.send_few(RecordType::IsIn, n..n + 1, 0);
    }
    load.row(&name("one refreshed"), 1);
    for n in count..count + 20 {
        load.send_few(RecordType::Allow, n..n + 1, 1);
    }
    load.row(&name("one more"), 1);
    for n in count..count + 20 {
        load.send_few(RecordType::Block, n..n + 1, 10);
    }
    load.row(&name("one blocked"), 1);
    load.send_few(RecordType::ToEx, 0..count, 10);
    load.row(&name("all excluded"), count);
    // No host answers the queries, so that no source is wanted any longer.
    load.router.now += 3_000;
    load.router.event(Event::Time);
    let known =
        load.router.igmp.groups(LINK).all(|(_, filter)| filter.sources.len() as u32 == count);
    assert!(known, "all of them are excluded");
    for n in 0..20 {
        load.send_few(RecordType::Allow, n..n + 1, 1);
    }
    load.row(&name("one allowed"), 1);
    load.send_few(RecordType::ToEx, 0..0, 10);
    load.row(&name("none excluded any longer"), count);
    load.is_good
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
        large_groups(256),
        large_groups(1_000),
    ];
    if good.contains(&false) {
        println!("a row is above its limit, or: 512 bytes a group, 32 a host of a group");
        std::process::exit(1);
    }
}
