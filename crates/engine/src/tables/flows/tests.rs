//! The table against plain maps.

use super::super::mfe::Rpf;
use super::*;
use mgm_types::{Domain, IfSet, Ipv4Addr, Time};
use std::collections::BTreeMap;

fn mfe(iif: u16) -> Mfe {
    let rpf = Rpf { iif: IfId(iif), upstream: Ipv4Addr::UNSPECIFIED };
    Mfe::new(rpf, IfSet::default(), Time(0), 1)
}

fn flow(number: u32) -> Flow {
    match number % 5 {
        0 => Flow::any_source(Ipv4Addr::from(0xef00_0000 + number / 100)),
        _ => Flow::new(Ipv4Addr::from(number), Ipv4Addr::from(0xef00_0000 + number / 100)),
    }
}

/// What the table should hold.
#[derive(Default)]
struct Plain {
    wanted: BTreeMap<Flow, Vec<u16>>,
    mfes: BTreeMap<Flow, u16>,
}

impl Plain {
    fn wants(&self, flow: Flow, id: u16) -> bool {
        [flow, flow.shared(), Flow::WILDCARD]
            .iter()
            .any(|key| self.wanted.get(key).is_some_and(|ids| ids.contains(&id)))
    }
}

fn compare(flows: &mut Flows, plain: &Plain, first: Flow, last: Flow, id: u16) {
    assert_eq!((flows.wanted_len(), flows.mfe_len()), (plain.wanted.len(), plain.mfes.len()));
    assert!(flows
        .wanted(first)
        .map(|(flow, _)| flow)
        .eq(plain.wanted.range(first..).map(|w| *w.0)));
    assert!(flows.wanted_flows(first).eq(plain.wanted.range(first..).map(|w| *w.0)));
    let mfes = flows.mfes(first).map(|(flow, mfe)| (flow, mfe.iif.0));
    assert!(mfes.eq(plain.mfes.range(first..).map(|(&flow, &iif)| (flow, iif))));
    let mut visited = Vec::new();
    flows.visit_mfes(first..=last, IfId(id), |flow, mfe, wanted| {
        visited.push((flow, mfe.iif.0, wanted));
        true
    });
    let range = plain.mfes.range(first..=last);
    let expected: Vec<_> = range.map(|(&flow, &iif)| (flow, iif, plain.wants(flow, id))).collect();
    assert_eq!(visited, expected);
}

fn add_member(flows: &mut Flows, plain: &mut Plain, key: Flow, id: u16) {
    let ids = plain.wanted.entry(key).or_default();
    let is_new = !ids.contains(&id);
    if is_new {
        ids.push(id);
    }
    let place = flows.make(key, Domain::MAIN, None);
    assert_eq!(flows.insert_member(place, Side::Owner, IfId(id)), is_new);
}

fn remove_member(flows: &mut Flows, plain: &mut Plain, key: Flow, id: u16) {
    let ids = plain.wanted.entry(key).or_default();
    let before = ids.len();
    ids.retain(|other| *other != id);
    let was_there = ids.len() < before;
    if ids.is_empty() {
        plain.wanted.remove(&key);
    }
    let removed = flows.find(key).map(|place| {
        let removed = flows.remove_member(place, &[Side::Owner], IfId(id));
        flows.tidy(place);
        removed
    });
    assert_eq!(removed.unwrap_or(false), was_there);
}

#[test]
fn behaves_as_two_ordered_maps() {
    let (mut flows, mut plain) = (Flows::default(), Plain::default());
    let mut seed = 3u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 8
    };
    for round in 0..60_000 {
        flows.room().unwrap();
        assert!(flows.order.finds_room() && flows.sources.finds_room(), "less than is remembered");
        // Grows, shrinks to nothing, grows again; ascending for a while.
        let growing = round / 10_000 % 2 == 0;
        let number = if round % 20_000 < 5_000 { round } else { random() % 20_000 };
        let key = if random() % 500 == 0 { Flow::WILDCARD } else { flow(number) };
        let (id, adds) = ((random() % 3) as u16, random() % 8 < if growing { 6 } else { 1 });
        match (random() % 2 == 0, adds) {
            (true, true) => add_member(&mut flows, &mut plain, key, id),
            (true, false) => remove_member(&mut flows, &mut plain, key, id),
            (false, true) if key.has_source() && !flows.has_mfe(key) => {
                plain.mfes.insert(key, id);
                let source = flows.hold_source(key, Domain::MAIN, None);
                flows.insert_mfe(key, source, mfe(id));
                flows.sources.release(source);
            }
            (false, true) => {}
            (false, false) => {
                let removed = flows.remove_mfe(key).map(|mfe| mfe.iif.0);
                assert_eq!(removed, plain.mfes.remove(&key));
            }
        }
        if round % 500 == 0 {
            let first = flow(random() % 20_000);
            compare(&mut flows, &plain, first, first.last_of_group(), id);
            compare(&mut flows, &plain, first, flow(random() % 20_000).max(first), id);
            compare(&mut flows, &plain, first, first, id);
            compare(&mut flows, &plain, Flow::WILDCARD, Flow::MAX, id);
        }
    }
    let rest: Vec<Flow> =
        flows.order.runs(Flow::WILDCARD, None).flat_map(|run| run.flows.to_vec()).collect();
    for flow in rest {
        flows.remove_mfe(flow);
        for id in 0..3 {
            if let Some(place) = flows.find(flow) {
                flows.remove_member(place, &[Side::Owner], IfId(id));
                flows.tidy(place);
            }
        }
    }
    assert_eq!((flows.wanted_len(), flows.mfe_len(), flows.entries.capacity()), (0, 0, 0));
}

#[test]
fn an_entry_with_membership_and_mfe_takes_104_bytes() {
    assert_eq!(std::mem::size_of::<Mfe>(), 72);
    assert_eq!(std::mem::size_of::<FlowEntry>(), 104);
}
