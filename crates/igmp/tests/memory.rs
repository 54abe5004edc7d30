//! The memory that state takes (I75): at most 512 bytes a group, 64 a source, 32 a tracked
//! host, with limits raised to 10,000 groups. The benchmark has 100 hosts for each of them;
//! here 1,000 groups have 100 hosts, which takes the same a host and a tenth of the time.
//!
//! One test, because the allocator counts the whole program.

mod load;

use load::{group, in_use, report, source, Router, GROUPS, LINK};
use mgm_igmp::codec::{OwnRecord, RecordType};
use mgm_igmp::{Event, LeaveMode};
use std::net::Ipv4Addr;

/// Groups with 100 tracked hosts.
const TRACKED: u32 = 1_000;

/// A report of one record, a millisecond after the last one, which is as fast as new groups may
/// come.
fn send(router: &mut Router, host: u32, kind: RecordType, n: u32, sources: &[Ipv4Addr]) {
    router.now += 1;
    router.receive(&report(host, &[OwnRecord { kind, group: group(n), sources }]));
}

fn groups(router: &Router) -> u32 {
    router.igmp.status(LINK).unwrap().groups as u32
}

/// Bytes a group without sources. In which order they come decides how full the trees are.
fn bytes_a_group(order: impl Fn(u32) -> u32) -> usize {
    let mut router = Router::new(LeaveMode::Query);
    let before = in_use();
    for n in 0..GROUPS {
        send(&mut router, 1, RecordType::ToEx, order(n), &[]);
    }
    assert_eq!(groups(&router), GROUPS);
    (in_use() - before) / GROUPS as usize
}

/// Bytes a source, where each group has this many.
fn bytes_a_source(kind: RecordType, count: u32, sources: u32) -> usize {
    let mut router = Router::new(LeaveMode::Query);
    for n in 0..count {
        send(&mut router, 1, RecordType::ToEx, n, &[]);
    }
    let before = in_use();
    for n in 0..count {
        for number in 0..sources {
            send(&mut router, 1, kind, n, &[source(number)]);
        }
    }
    assert_eq!(groups(&router), count);
    let saved = router.igmp.saved(LINK);
    let known: usize = saved.iter().map(|g| g.wanted.len() + g.excluded.len()).sum();
    assert_eq!(known as u32, count * sources);
    drop(saved);
    (in_use() - before) / (count * sources) as usize
}

/// Bytes a tracked host, where each group has 100.
fn bytes_a_host() -> usize {
    let mut router = Router::new(LeaveMode::Tracked);
    // Before, the hosts of the link are unknown.
    router.now = 300_000;
    for n in 0..TRACKED {
        send(&mut router, 1, RecordType::ToEx, n, &[]);
    }
    // The reports of all hosts for a group come together, so that no group ends meanwhile.
    let before = in_use();
    for n in 0..TRACKED {
        router.now = 310_000;
        for host in 2..=100 {
            send(&mut router, host, RecordType::IsEx, n, &[]);
        }
    }
    assert_eq!(groups(&router), TRACKED);
    let bytes = (in_use() - before) / (TRACKED * 99) as usize;
    // The hosts are known, so the leave of one of them causes no query.
    let record = OwnRecord { kind: RecordType::ToIn, group: group(5), sources: &[] };
    assert_eq!(router.receive(&report(7, &[record])), []);
    assert_eq!(groups(&router), TRACKED);
    bytes
}

/// Bytes that are left when all groups have ended.
fn bytes_left() -> usize {
    let mut router = Router::new(LeaveMode::Tracked);
    let before = in_use();
    for n in 0..GROUPS {
        send(&mut router, 1, RecordType::Allow, n, &[source(1)]);
    }
    router.now += 1_000_000;
    router.event(Event::Time);
    assert_eq!(groups(&router), 0);
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
