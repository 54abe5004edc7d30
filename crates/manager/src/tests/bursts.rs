//! New flows in a burst: which of them a client is asked about, and when.

use super::adverse::{as_upcall, until};
use super::*;
use crate::forwarder::{Upcall, UpcallKind, UpcallSink};
use crate::incoming_events::EventSink;
use crate::types::{Domain, Time};
use std::sync::atomic::{AtomicBool, Ordering};

/// Where upcalls arrive.
pub(super) fn events(fixture: &Fixture) -> EventSink {
    EventSink::start(fixture.0.clone(), &fixture.0.lock().running().unwrap().system).unwrap()
}

/// Passes them on, even if other threads have the lock for long.
pub(super) fn bring(events: &EventSink, mut upcalls: Vec<Upcall>) {
    while !upcalls.is_empty() {
        upcalls = events.upcalls(upcalls);
    }
}

/// The first packet of a flow of this source. Its first number is the interface, 1 or 2.
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
    let fixture = Fixture::new();
    let (tell, told) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = PlMutex::new(wait);
    let client = fixture.client(1, move |notice| {
        if let Notice::Rpf { flow, .. } = notice {
            tell.send(*flow).unwrap();
            let _ = wait.lock().recv();
        }
    });
    fixture.0.take(client, link(1)).unwrap();
    fixture.0.add_route(route(1)).unwrap();
    let events = events(&fixture);
    bring(&events, packets([0]));
    let first = told.recv().unwrap();
    // While it is in its first callback.
    bring(&events, packets(1..=20));
    bring(&events, packets(21..=23));
    drop(go_on);
    let asked: Vec<Flow> = std::iter::once(first).chain(told).take(24).collect();
    // A few are in its queue already when newer ones arrive.
    let order = [0].into_iter().chain((5..=20).rev()).chain((21..=23).rev()).chain((1..=4).rev());
    assert_eq!(asked, packets(order).iter().map(|upcall| upcall.flow).collect::<Vec<_>>());
}

/// A client that gets more questions than it answers: for each answer, two more flows arrive.
struct Overload {
    fixture: Fixture,
    events: EventSink,
    told: mpsc::Receiver<Flow>,
    go_on: mpsc::Sender<()>,
    numbers: std::ops::RangeFrom<u16>,
}

impl Overload {
    /// The client is in its first RPF_CALLBACK. Flow 1 waits, and so many others
    /// that it is asked about later.
    fn new(before: impl FnOnce(&Fixture, ClientId)) -> Overload {
        let fixture = Fixture::new();
        let (tell, told) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let wait = PlMutex::new(wait);
        let is_on = Arc::new(AtomicBool::new(false));
        let is_asked = Arc::clone(&is_on);
        let client = fixture.client(1, move |notice| {
            if let (Notice::Rpf { flow, .. }, true) = (notice, is_asked.load(Ordering::Relaxed)) {
                tell.send(*flow).unwrap();
                let _ = wait.lock().recv();
            }
        });
        fixture.0.take(client, link(1)).unwrap();
        fixture.0.add_route(route(1)).unwrap();
        before(&fixture, client);
        is_on.store(true, Ordering::Relaxed);
        let events = events(&fixture);
        bring(&events, packets([0]));
        told.recv().unwrap();
        bring(&events, packets(1..=20));
        Overload { fixture, events, told, go_on, numbers: 21.. }
    }

    /// The flows that the client is asked about next, so many.
    fn asks(&mut self, count: usize) -> Vec<Flow> {
        let next = |_| {
            bring(&self.events, packets(self.numbers.by_ref().take(2)));
            self.go_on.send(()).unwrap();
            self.told.recv().unwrap()
        };
        (0..count).map(next).collect()
    }

    /// It answers all questions at once, and gets no more.
    fn ends(self) {
        drop(self.go_on);
        drop(self.fixture);
    }
}

/// So many are in the queue of a client and among those whose turn it is.
const SOON: usize = 20;
/// More than that: clients are asked about those later.
const LONG: usize = 200;

#[test]
fn t5_1_a_flow_that_goes_on_is_asked_about_however_many_others_come() {
    let mut overload = Overload::new(|_, _| ());
    let old = first_packet(ONE, 1);
    assert!(!overload.asks(LONG).contains(&old.flow), "newer ones come first");
    // The kernel has forgotten it, and the next packet has arrived.
    bring(&overload.events, vec![old.clone()]);
    assert!(overload.asks(SOON).contains(&old.flow));
    overload.ends();
}

#[test]
fn t5_10_a_route_change_is_asked_about_however_many_new_flows_come() {
    let other = Ipv4Addr::new(1, 0, 0, 2);
    let moved = first_packet(other, 1).flow;
    let mut overload = Overload::new(|fixture, client| {
        fixture.0.take(client, link(3)).unwrap();
        bring(&events(fixture), vec![first_packet(other, 1)]);
        until("an MFE", || fixture.0.lock().running().unwrap().engine.sizes().mfes == 1);
    });
    as_upcall(&overload.fixture.0, |run| {
        run.engine.update_routes(&[(other, Domain::MAIN, source_route(3))], &mut run.fx).unwrap();
    });
    assert!(overload.asks(SOON).contains(&moved));
    overload.ends();
}

#[test]
fn t5_1_flows_that_send_no_more_are_forgotten() {
    const FLOWS: u16 = 5000;
    let mut overload = Overload::new(|_, _| ());
    bring(&overload.events, packets(overload.numbers.by_ref().take(FLOWS.into())));
    {
        let mut guard = overload.fixture.0.lock();
        let run = guard.running().unwrap();
        let resolving = run.engine.sizes().resolving;
        assert_eq!(resolving, usize::from(FLOWS) + 21);
        let [row] = &run.engine.clients().collect::<Vec<_>>()[..] else { panic!("one client") };
        let place = run.clients.find(row.id, None).unwrap().0;
        let much_later = Time(run.now().0 + 20_000);
        run.forget_questions(place, much_later);
        assert_eq!(run.engine.sizes().resolving, 17, "it is asked, or about to be");
    }
    // The next packet makes it a new flow, the one after that an old one.
    let old = first_packet(ONE, 1);
    bring(&overload.events, vec![old.clone()]);
    assert!(!overload.asks(SOON).contains(&old.flow), "newer ones come first");
    bring(&overload.events, vec![old.clone()]);
    assert!(overload.asks(SOON).contains(&old.flow));
    overload.ends();
}

/// So that the thread that passes them on can read the next ones.
#[test]
fn t8_4_upcalls_do_not_wait_for_a_lock_that_is_held_for_long() {
    let fixture = Fixture::new();
    let client = fixture.client(1, |_| ());
    fixture.0.take(client, link(1)).unwrap();
    fixture.0.add_route(route(1)).unwrap();
    let events = events(&fixture);
    let guard = fixture.0.lock();
    let left = std::thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let events = &events;
        scope.spawn(move || tell.send(events.upcalls(packets(0..100))));
        let left = told.recv_timeout(Duration::from_secs(5));
        drop(guard);
        left.expect("it comes back while the lock is held")
    });
    assert_eq!(left, packets(0..100), "in their order");
    bring(&events, left);
    until("the flows", || fixture.0.lock().running().unwrap().engine.sizes().mfes == 100);
}

#[test]
fn t8_4_a_slow_client_holds_up_its_own_flows_only() {
    const FLOWS: u16 = 500;
    let fixture = Fixture::new();
    let (leave, left) = mpsc::channel::<()>();
    let left = PlMutex::new(left);
    let slow = fixture.client(1, move |_| {
        let _ = left.lock().recv();
    });
    let quick = fixture.client(2, |_| ());
    fixture.0.take(slow, link(1)).unwrap();
    fixture.0.take(quick, link(2)).unwrap();
    for index in [1, 2] {
        fixture.0.add_route(route(index)).unwrap();
    }
    let both = |n| [first_packet(TWO, n), first_packet(ONE, n)];
    bring(&events(&fixture), (0..FLOWS).flat_map(both).collect());
    // The slow client is still in its first callback.
    let sizes = || fixture.0.lock().running().unwrap().engine.sizes();
    until("the quick client's flows", || sizes().mfes == usize::from(FLOWS));
    assert_eq!(sizes().resolving, usize::from(FLOWS));
    drop(leave);
    until("all flows", || sizes().mfes == 2 * usize::from(FLOWS));
}
