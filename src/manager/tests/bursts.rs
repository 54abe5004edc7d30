//! New flows in a burst: which are taken, and when.

use super::adverse::until;
use super::*;
use crate::forwarder::{Upcall, UpcallKind, UpcallSink};
use crate::manager::world::Below;

/// Where upcalls come in.
fn below(world: &World) -> Below {
    let routes = world.0.lock().running().unwrap().world.routes();
    Below::new(world.0.clone(), &routes)
}

/// The first packet of a flow of this source's, on interface 1 or 2 by its first number.
fn first_packet(source: Ipv4Addr, number: u16) -> Upcall {
    let [high, low] = number.to_be_bytes();
    let flow = Flow::new(source, Ipv4Addr::new(239, 1, high, low));
    let arrival = link(source.octets()[0].into());
    Upcall { kind: UpcallKind::NoCache, flow, arrival, header: Vec::new() }
}

/// A route to the sources 1.0.0.0/8 by interface 1, or 2.0.0.0/8 by 2.
fn route(index: u8) -> Route {
    Route { network: Ipv4Addr::new(index, 0, 0, 0), ..source_route(index.into()) }
}

const ONE: Ipv4Addr = Ipv4Addr::new(1, 0, 0, 1);
const TWO: Ipv4Addr = Ipv4Addr::new(2, 0, 0, 1);

/// First packets of flows of one source.
fn packets(numbers: impl IntoIterator<Item = u16>) -> Vec<Upcall> {
    numbers.into_iter().map(|number| first_packet(ONE, number)).collect()
}

#[test]
fn t5_1_in_a_burst_the_newest_flow_comes_first() {
    let world = World::new();
    let (tell, told) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = PlMutex::new(wait);
    let client = world.client(1, move |notice| {
        if let Notice::Rpf { flow, .. } = notice {
            tell.send(*flow).unwrap();
            let _ = wait.lock().recv();
        }
    });
    world.0.take(client, link(1)).unwrap();
    world.0.add_route(route(1)).unwrap();
    let below = below(&world);
    below.upcalls(packets([0]));
    let first = told.recv().unwrap();
    // While it is in its first callback.
    below.upcalls(packets(1..=20));
    below.upcalls(packets(21..=23));
    drop(go_on);
    let asked: Vec<Flow> = std::iter::once(first).chain(told).take(24).collect();
    // A few stand in its queue already when newer ones come in.
    let order = [0].into_iter().chain((5..=20).rev()).chain((21..=23).rev()).chain((1..=4).rev());
    assert_eq!(asked, packets(order).iter().map(|upcall| upcall.flow).collect::<Vec<_>>());
}

#[test]
fn t8_4_a_slow_client_holds_up_its_own_flows_only() {
    const FLOWS: u16 = 500;
    let world = World::new();
    let (leave, left) = mpsc::channel::<()>();
    let left = PlMutex::new(left);
    let slow = world.client(1, move |_| {
        let _ = left.lock().recv();
    });
    let quick = world.client(2, |_| ());
    world.0.take(slow, link(1)).unwrap();
    world.0.take(quick, link(2)).unwrap();
    for index in [1, 2] {
        world.0.add_route(route(index)).unwrap();
    }
    let both = |n| [first_packet(TWO, n), first_packet(ONE, n)];
    below(&world).upcalls((0..FLOWS).flat_map(both).collect());
    // The slow client is still in its first callback.
    let sizes = || world.0.lock().running().unwrap().engine.sizes();
    until("the quick client's flows", || sizes().mfes == usize::from(FLOWS));
    assert_eq!(sizes().resolving, usize::from(FLOWS));
    drop(leave);
    until("all flows", || sizes().mfes == 2 * usize::from(FLOWS));
}
