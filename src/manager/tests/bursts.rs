//! New flows in a burst: which are taken, and when.

use super::adverse::until;
use super::*;
use crate::forwarder::{Upcall, UpcallKind, UpcallSink};
use crate::manager::below::Below;

/// Where upcalls come in.
pub(super) fn below(world: &World) -> Below {
    Below::start(world.0.clone(), &world.0.lock().running().unwrap().world).unwrap()
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
    assert!(below.upcalls(packets([0])).is_empty());
    let first = told.recv().unwrap();
    // While it is in its first callback.
    assert!(below.upcalls(packets(1..=20)).is_empty());
    assert!(below.upcalls(packets(21..=23)).is_empty());
    drop(go_on);
    let asked: Vec<Flow> = std::iter::once(first).chain(told).take(24).collect();
    // A few stand in its queue already when newer ones come in.
    let order = [0].into_iter().chain((5..=20).rev()).chain((21..=23).rev()).chain((1..=4).rev());
    assert_eq!(asked, packets(order).iter().map(|upcall| upcall.flow).collect::<Vec<_>>());
}

/// So that who brings them can go on reading what comes.
#[test]
fn t8_4_upcalls_do_not_wait_for_a_lock_that_is_held_for_long() {
    let world = World::new();
    let client = world.client(1, |_| ());
    world.0.take(client, link(1)).unwrap();
    world.0.add_route(route(1)).unwrap();
    let below = below(&world);
    let guard = world.0.lock();
    let left = std::thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let below = &below;
        scope.spawn(move || tell.send(below.upcalls(packets(0..100))));
        let left = told.recv_timeout(Duration::from_secs(5));
        drop(guard);
        left.expect("it comes back while the lock is held")
    });
    assert_eq!(left, packets(0..100), "in their order");
    assert_eq!(below.upcalls(left), []);
    until("the flows", || world.0.lock().running().unwrap().engine.sizes().mfes == 100);
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
    let left = below(&world).upcalls((0..FLOWS).flat_map(both).collect());
    assert!(left.is_empty());
    // The slow client is still in its first callback.
    let sizes = || world.0.lock().running().unwrap().engine.sizes();
    until("the quick client's flows", || sizes().mfes == usize::from(FLOWS));
    assert_eq!(sizes().resolving, usize::from(FLOWS));
    drop(leave);
    until("all flows", || sizes().mfes == 2 * usize::from(FLOWS));
}
