//! Clients that take over what the process of another one has left.

use super::*;
use std::collections::BTreeMap;

#[test]
fn t9_8_a_successor_is_told_once_of_each_of_many_memberships_of_igmp() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let manager = &fixture.0;
    let first = process.try_client(&fixture, 1, 60).unwrap();
    let igmp = fixture.client(10, |_| ());
    manager.take(first, link(1)).unwrap();
    manager.take(igmp, link(1)).unwrap();
    let many = 1100;
    for n in 0..many {
        let flow = Flow::any_source(Ipv4Addr::from(0xef02_0000 + n));
        manager.add_membership(igmp, flow, link(1), Join::State).unwrap();
    }
    manager.begin_departure(7);
    let process = Process::new(8);
    let second = process.try_client(&fixture, 1, 60).unwrap();
    manager.take(second, link(1)).unwrap();
    let mut told: BTreeMap<Flow, u32> = BTreeMap::new();
    loop {
        let sent = process.take();
        let Some(&(last, ..)) = sent.last() else { break };
        for (_, _, notice) in sent {
            if let Notice::LocalJoin { flow, .. } = notice {
                *told.entry(flow).or_default() += 1;
            }
        }
        manager.acknowledge(8, &unchanged(second, 1..=last));
    }
    assert_eq!(told.len(), many as usize);
    assert!(told.values().all(|count| *count == 1), "{:?}", told.values().max());
}
