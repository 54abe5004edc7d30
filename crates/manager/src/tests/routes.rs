//! The host's routes beside the system's, and look-ups after a change.

use super::adverse::{until, Many};
use super::*;
use crate::route_view::{RouteChanges, RouteView};
use crate::types::{Domain, Prefix};
use mgm_dispatch::Lane;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// The system's routes, which count the look-ups.
#[derive(Clone, Default)]
struct Counted {
    /// The route of each source; the others have none.
    routes: Arc<PlMutex<BTreeMap<Ipv4Addr, Route>>>,
    asked: Arc<PlMutex<Vec<Ipv4Addr>>>,
}

impl RouteView for Counted {
    fn lookup(&self, source: Ipv4Addr, _: Domain) -> Option<Route> {
        self.asked.lock().push(source);
        Some(self.routes.lock().get(&source).cloned().unwrap_or(Route::NONE))
    }
}

impl Counted {
    fn of(fixture: &Fixture) -> Counted {
        let counted = Counted::default();
        let routes = fixture.0.lock().started().unwrap().system.routes();
        assert!(routes.system.set(Box::new(counted.clone())).is_ok());
        counted
    }

    fn set(&self, source: Ipv4Addr, if_index: u32, prefix_len: u8) {
        let prefix = Prefix::of(source, prefix_len);
        let network = prefix.network();
        let route = Route { if_index, network, prefix_len, ..source_route(if_index) };
        self.routes.lock().insert(source, route);
    }
}

fn route(network: [u8; 4], prefix_len: u8, if_index: u32) -> Route {
    Route { network: network.into(), prefix_len, ..source_route(if_index) }
}

#[test]
fn t5_1_the_longest_prefix_of_hosts_and_system_wins() {
    let fixture = Fixture::new();
    let system = Counted::of(&fixture);
    let source = Ipv4Addr::new(10, 1, 2, 3);
    let routes = fixture.0.lock().running().unwrap().system.routes();
    let found = || routes.lookup(source, Domain::MAIN).unwrap().if_index;
    fixture.0.add_route(route([0; 4], 0, 1)).unwrap();
    assert_eq!(found(), 1, "the system has none");
    system.set(source, 9, 24);
    assert_eq!(found(), 9, "a connected LAN beats the host's default route");
    fixture.0.add_route(route([10, 1, 2, 0], 24, 2)).unwrap();
    assert_eq!(found(), 2, "on a tie the host's");
    system.set(source, 9, 32);
    assert_eq!(found(), 9);
    fixture.0.add_route(route([10, 1, 2, 3], 32, 3)).unwrap();
    assert_eq!(found(), 3);
    fixture.0.delete_route(source, 32).unwrap();
    fixture.0.add_preferred_route(route([0; 4], 0, 1)).unwrap();
    assert_eq!(found(), 2, "the system is out of it, and of the host's the longest wins");
    fixture.0.delete_route([10, 1, 2, 0].into(), 24).unwrap();
    assert_eq!(found(), 1);
    fixture.0.add_route(route([0; 4], 0, 1)).unwrap();
    assert_eq!(found(), 9, "it is preferred no more");
}

#[test]
fn t5_1_the_routers_own_address_is_local_whatever_the_hosts_routes_say() {
    let fixture = Fixture::new();
    let system = Counted::of(&fixture);
    let source = Ipv4Addr::new(10, 1, 2, 3);
    let routes = fixture.0.lock().running().unwrap().system.routes();
    let local = Route { origin: RouteOrigin::Local, prefix_len: 32, ..Route::NONE };
    system.routes.lock().insert(source, local.clone());
    fixture.0.add_route(route([10, 1, 2, 3], 32, 1)).unwrap();
    assert_eq!(routes.lookup(source, Domain::MAIN).as_ref(), Some(&local));
    fixture.0.add_preferred_route(route([0; 4], 0, 1)).unwrap();
    assert_eq!(routes.lookup(source, Domain::MAIN), Some(local));
    let other = Ipv4Addr::new(10, 1, 2, 4);
    assert_eq!(routes.lookup(other, Domain::MAIN).unwrap().if_index, 1);
}

#[test]
fn t5_10_a_host_route_moves_an_mfe_only_where_it_wins() {
    let fixture = Fixture::new();
    let system = Counted::of(&fixture);
    let (a, b) = (fixture.client(1, |_| ()), fixture.client(2, |_| ()));
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    let flow = packet(1, 1).flow;
    system.set(flow.source(), 1, 24);
    assert!(fixture.0.packet_in(packet(1, 1)).unwrap().accepted);
    let iif = || fixture.0.with_mfe(flow, false, |row| row.iif).unwrap();
    fixture.0.add_route(route([0; 4], 0, 2)).unwrap();
    assert_eq!(iif(), link(1));
    fixture.0.add_preferred_route(route([0; 4], 0, 2)).unwrap();
    assert_eq!(iif(), link(2));
    fixture.0.delete_route([0; 4].into(), 0).unwrap();
    assert_eq!(iif(), link(1));
}

#[test]
fn t5_10_only_sources_within_what_changed_are_looked_up() {
    let fixture = Fixture::new();
    let system = Counted::of(&fixture);
    let (a, b) = (fixture.client(1, |_| ()), fixture.client(2, |_| ()));
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    let source = |n: u16| Ipv4Addr::from([10, 1, n.to_be_bytes()[0], n.to_be_bytes()[1]]);
    let flow = |n| Flow::new(source(n), Ipv4Addr::new(239, 1, 1, 1));
    for n in 0..1000 {
        system.set(source(n), 1, 24);
        fixture.0.packet_in(PacketIn { flow: flow(n), ..packet(1, 1) }).unwrap();
    }
    let refresh = |changes| {
        system.asked.lock().clear();
        let mut meanwhile = 0;
        fixture.0.refresh_routes(Lane::Worker, changes, &mut || {
            let free = fixture.0.shared.state.try_lock_for(Duration::from_secs(5));
            assert!(free.is_some(), "no lock is held");
            meanwhile += 1;
        });
        (std::mem::take(&mut *system.asked.lock()), meanwhile)
    };
    let none = RouteChanges::within([Prefix::of([10, 2, 0, 0].into(), 16)]);
    assert_eq!(refresh(none), (Vec::new(), 0));
    // Ten of them, in two prefixes; and their routes have changed.
    (100..110).for_each(|n| system.set(source(n), 2, 24));
    let ten = RouteChanges::within([
        Prefix::of(source(100), 30),
        Prefix::of(source(104), 30),
        Prefix::of(source(108), 31),
        Prefix::of(source(109), 32),
    ]);
    let (asked, meanwhile) = refresh(ten);
    assert_eq!(asked, (100..110).map(source).collect::<Vec<_>>());
    assert_eq!(meanwhile, 1);
    for n in 0..1000 {
        // RPF_CALLBACK is asked on a worker.
        let iif = || fixture.0.with_mfe(flow(n), false, |row| row.iif).unwrap();
        let expected = link(if (100..110).contains(&n) { 2 } else { 1 });
        until("the interface that the route leads to", || iif() == expected);
    }
    let (asked, meanwhile) = refresh(RouteChanges::everything());
    assert_eq!((asked.len(), meanwhile), (1000, 4), "each once, some at a time");
}

/// A route of the host that is added and deleted during a refresh.
#[test]
fn t5_10_changes_during_a_refresh_are_neither_lost_nor_undone() {
    let fixture = Fixture::new();
    let system = Counted::of(&fixture);
    let (a, b) = (fixture.client(1, |_| ()), fixture.client(2, |_| ()));
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    let flow = |n: u8| Flow::new(Ipv4Addr::new(10, 1, 0, n), Ipv4Addr::new(239, 1, 1, 1));
    for n in 1..=200 {
        system.set(flow(n).source(), 1, 24);
        fixture.0.packet_in(PacketIn { flow: flow(n), ..packet(1, 1) }).unwrap();
    }
    let mut rounds = 0;
    fixture.0.refresh_routes(Lane::Worker, RouteChanges::everything(), &mut || {
        rounds += 1;
        // What has just been looked up is out of date for these.
        for n in 50..60 {
            fixture
                .0
                .add_route(Route { network: flow(n).source(), ..route([0; 4], 32, 2) })
                .unwrap();
        }
        // More changes than are remembered.
        for _ in 0..if rounds == 1 { 100 } else { 0 } {
            fixture.0.add_route(route([192, 0, 2, 0], 24, 1)).unwrap();
        }
    });
    assert_eq!(rounds, 3, "256, and again in two halves of 128");
    until("those whose route changed have moved, and no others", || {
        let mut moved = Vec::new();
        fixture.0.walk_mfes(None, false, |row| {
            moved.extend((row.iif == link(2)).then_some(row.flow.source().octets()[3]));
            ControlFlow::Continue(())
        });
        moved == (50..60).collect::<Vec<u8>>()
    });
}

#[test]
fn t8_3_a_change_of_routes_does_not_work_for_others_without_end() {
    let fixture = Fixture::new();
    let many = Many::refused(&fixture, 1);
    let returned = many.changing(|| fixture.0.add_route(source_route(1)).unwrap());
    assert!(returned, "it returns before the others have had enough");
}
