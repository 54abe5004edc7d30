//! Sources, their routes, and the lists of their flows.

use super::*;
use std::collections::BTreeMap;

const MAIN: Domain = Domain::MAIN;

fn route(gateway: u8) -> Route {
    Route { if_index: u32::from(gateway), ..Route::NONE }
}

#[test]
fn sources_share_their_routes_and_free_them() {
    let mut sources = Sources::default();
    let addr = |last| Ipv4Addr::new(10, 0, 0, last);
    for last in 0..100 {
        let id = sources.acquire(addr(last), MAIN, Some(&route(1 + last % 2)));
        // It is known: its route stays.
        let again = sources.acquire(addr(last), MAIN, Some(&route(99)));
        assert_eq!((again, sources.addr(id)), (id, addr(last)));
    }
    assert_eq!(sources.routes.list.len(), 3, "with that of no source");
    let old = sources.find(addr(1), MAIN).unwrap();
    let new = sources.supersede(old, route(7));
    assert_eq!((sources.route(old), sources.route(new)), (&route(2), &route(7)));
    assert!(sources.is_outdated(old) && !sources.is_outdated(new));
    assert_eq!((sources.current(old), sources.current(new)), (new, new));
    sources.hold(new);
    sources.release(old);
    sources.release(old);
    assert_eq!(sources.find(addr(1), MAIN), Some(new), "the new number is known still");
    sources.hold(new);
    for last in 0..99 {
        let id = sources.find(addr(last), MAIN).unwrap();
        sources.release(id);
        assert!(sources.knows(addr(last), MAIN));
        sources.release(id);
        assert!(!sources.knows(addr(last), MAIN));
    }
    assert_eq!((sources.routes.free.len(), sources.free.len()), (2, 100), "one is left");
    let id = sources.acquire(addr(1), MAIN, Some(&route(8)));
    assert_eq!((sources.route(id), sources.list.len()), (&route(8), 102));
}

#[test]
fn a_source_has_a_route_in_each_domain() {
    let mut sources = Sources::default();
    let addr = Ipv4Addr::new(10, 0, 0, 1);
    let ids = [0, 7].map(|vrf| sources.acquire(addr, Domain(vrf), Some(&route(vrf as u8))));
    assert_eq!(ids.map(|id| sources.route(id).if_index), [0, 7]);
    assert_eq!(ids.map(|id| sources.domain(id)), [MAIN, Domain(7)]);
    let all = || sources.range((addr, MAIN), (addr, Domain(u32::MAX)));
    assert_eq!(all().collect::<Vec<_>>(), [(addr, MAIN), (addr, Domain(7))]);
}

#[test]
fn no_source_has_no_route() {
    let mut sources = Sources::default();
    let none = sources.acquire(Ipv4Addr::UNSPECIFIED, MAIN, Some(&route(1)));
    assert_eq!((none, sources.route(none)), (SourceId::NONE, &Route::NONE));
    sources.release(none);
    assert_eq!(sources.route(none), &Route::NONE);
    assert!(sources.in_order.is_empty());
}

#[test]
fn the_flows_of_a_source_are_found_while_they_are_few() {
    let (mut sources, mut model) = (Sources::default(), BTreeMap::<u32, Vec<u32>>::new());
    let ids: Vec<SourceId> =
        (1..=5u8).map(|last| sources.acquire(Ipv4Addr::new(10, 0, 0, last), MAIN, None)).collect();
    let mut seed = 3u32;
    for round in 0..40_000u32 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let id = ids[(seed >> 8) as usize % ids.len()];
        let places = model.entry(id.0).or_default();
        let grows = round / 5_000 % 2 == 0;
        if (seed >> 16) % 8 < if grows { 5 } else { 2 } && places.len() < 50 {
            places.push(round);
            sources.attach(id, round);
        } else if !places.is_empty() {
            let place = places.swap_remove((seed >> 20) as usize % places.len());
            sources.detach(id, place);
        }
        assert_eq!(sources.has_flows(id), !places.is_empty());
        if let Some(mut found) = sources.places(id) {
            found.sort_unstable();
            places.sort_unstable();
            assert_eq!(&found, places);
        } else {
            // Once they were very many they are not listed until the last has gone.
            assert!(
                matches!(sources.at(id).flows, SourceFlows::Many(count) if count as usize == places.len())
            );
        }
    }
    for (number, places) in model {
        places.into_iter().for_each(|place| sources.detach(SourceId(number), place));
    }
    assert!(sources.few.is_empty() && sources.free_few.is_empty());
}
