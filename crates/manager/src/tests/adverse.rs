//! The manager in adverse conditions: threads that end, panic, or cannot be started; workers that are
//! stuck; events that overtake others.

use super::*;
use crate::forwarder::{Counters, Forwarder, ForwarderEntry};
use crate::state::Run;
use crate::types::{Domain, IfId, Scope};
use crate::Detail;
use mgm_dispatch::Lane;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

/// Longer than anything here takes, even on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// Does the same as an upcall, the timer or a route change: changes the state, and lets workers make the
/// callbacks.
pub(super) fn as_upcall(manager: &Manager, change: impl FnOnce(&mut Run)) {
    let mut guard = manager.lock();
    change(guard.running().expect("it runs"));
    manager.publish(&mut guard, Lane::Worker);
}

/// `joiner` joins a group on its interface as if it were an upcall.
fn join_as_upcall(manager: &Manager, joiner: ClientId, last: u8, index: u32) {
    as_upcall(manager, |run| {
        run.engine.join(joiner, group(last), link(index), Join::State, None, &mut run.fx).unwrap();
    });
}

/// Waits until the condition holds.
pub(super) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LONG, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// An interface of a client with so many refused flows that the timer never processes all of them before
/// [`Many::change`] concerns them again.
pub(super) struct Many<'a>(&'a Fixture, u32);

impl Many<'_> {
    const FLOWS: u32 = 20_000;

    pub fn refused(fixture: &Fixture, index: u32) -> Many<'_> {
        let lacks = vec![NoticeKind::Rpf, NoticeKind::Creation];
        let script = Script { lacks, on_call: Box::new(|_| {}) };
        let client = fixture.0.register(Box::new(script), 99, index).unwrap();
        fixture.0.take(client, link(index)).unwrap();
        for number in 0..Many::FLOWS {
            let flow = Flow::new((0x1400_0000 + number).into(), Ipv4Addr::new(239, 1, 1, 1));
            fixture.0.packet_in(PacketIn { flow, ..packet(1, index) }).unwrap();
        }
        // They stay refused because of it.
        fixture.0.add_boundary(index, Many::scope(8)).unwrap();
        Many(fixture, index)
    }

    fn scope(bits: u8) -> Scope {
        Scope::new(Ipv4Addr::new(239, 0, 0, 0), bits).unwrap()
    }

    fn change(&self) {
        self.0 .0.add_boundary(self.1, Many::scope(9)).unwrap();
        self.0 .0.delete_boundary(self.1, Many::scope(9)).unwrap();
    }

    /// Runs `meanwhile` while another thread makes this change again and again. False if it takes too
    /// long.
    pub fn changing(&self, meanwhile: impl FnOnce()) -> bool {
        let (rounds, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let others = scope.spawn(|| {
                let begin = Instant::now();
                while !is_over.load(Ordering::SeqCst) && begin.elapsed() < LONG {
                    self.change();
                    rounds.fetch_add(1, Ordering::SeqCst);
                }
                is_over.load(Ordering::SeqCst)
            });
            until("a change", || rounds.load(Ordering::SeqCst) >= 3);
            meanwhile();
            is_over.store(true, Ordering::SeqCst);
            others.join().unwrap()
        })
    }
}

#[test]
fn t8_4_workers_that_are_stuck_are_seen_however_much_the_timer_has_to_do() {
    let fixture = Fixture::new();
    let many = Many::refused(&fixture, 5);
    let heard = many.changing(|| two_of_three_stuck_in(&fixture, false));
    assert!(heard, "the third client hears of it while others go on");
}

#[test]
fn t8_6_destructors_of_a_thread_that_ends_may_call() {
    /// Deregisters when its thread ends, as a thread-local C++ object might.
    struct Leaver(Manager, ClientId, ClientId, mpsc::Sender<crate::types::Result<()>>);
    impl Drop for Leaver {
        fn drop(&mut self) {
            let joined = self.0.add_membership(self.1, group(2), link(1), Join::State);
            self.3.send(joined.and_then(|()| self.0.deregister(self.2))).unwrap();
        }
    }
    thread_local!(static LEAVER: std::cell::RefCell<Option<Leaver>> = const { std::cell::RefCell::new(None) });

    let fixture = Fixture::new();
    let log: Arc<PlMutex<Vec<String>>> = Arc::default();
    let (a, b, c) =
        (fixture.recorder(1, &log), fixture.recorder(2, &log), fixture.recorder(3, &log));
    fixture.0.take(a, link(1)).unwrap();
    let (tell, told) = mpsc::channel();
    let manager = fixture.0.clone();
    std::thread::spawn(move || {
        // Created before the library's own thread-locals, and so destroyed after them.
        LEAVER.set(Some(Leaver(manager.clone(), a, c, tell)));
        manager.add_membership(a, group(1), link(1), Join::State).unwrap();
    })
    .join()
    .unwrap();
    assert_eq!(told.recv_timeout(LONG), Ok(Ok(())));
    assert_eq!(log.lock().iter().filter(|line| line.contains("239.1.1.2")).count(), 2);
    fixture.0.deregister(b).unwrap();
}

/// Three clients whose notices come from a worker, two of which never return.
fn two_of_three_stuck(warm_up: bool) {
    two_of_three_stuck_in(&Fixture::new(), warm_up);
}

fn two_of_three_stuck_in(fixture: &Fixture, warm_up: bool) {
    let (leave, left) = mpsc::channel::<()>();
    let left = Arc::new(PlMutex::new(left));
    let (tell, told) = mpsc::channel();
    let a = fixture.client(1, |_| ());
    fixture.0.take(a, link(1)).unwrap();
    let mut clients = Vec::new();
    for protocol in 2..=4 {
        let (left, tell) = (Arc::clone(&left), tell.clone());
        clients.push(fixture.client(protocol, move |notice| {
            let Notice::Join { flow, .. } = notice else { return };
            let last = flow.group().octets()[3];
            if last == 1 && protocol < 4 {
                let _ = left.lock().recv_timeout(LONG);
            }
            tell.send(last).unwrap();
        }));
    }
    if warm_up {
        // One notice for one client, by a worker that is idle afterwards.
        fixture.0.take(clients[0], link(2)).unwrap();
        as_upcall(&fixture.0, |run| {
            let route = Some(source_route(2));
            let flow = packet(9, 1).flow;
            run.engine.join(a, flow, link(1), Join::State, route.as_ref(), &mut run.fx).unwrap();
        });
        assert_eq!(told.recv_timeout(LONG), Ok(9));
        until("an idle worker", || fixture.0.lock().running().is_some_and(|run| run.pool.idle > 0));
    }
    join_as_upcall(&fixture.0, a, 1, 1);
    assert_eq!(told.recv_timeout(LONG / 4), Ok(1), "the third client hears of it");
    leave.send(()).unwrap();
    leave.send(()).unwrap();
}

#[test]
fn t8_4_workers_that_are_stuck_are_seen_though_they_were_idle_before() {
    two_of_three_stuck(true);
}

#[test]
fn t8_4_workers_that_are_stuck_are_seen_from_the_start() {
    two_of_three_stuck(false);
}

/// Routes of the system that change in the middle of a look-up: the answer is out
/// of date when it comes.
struct Overtaken(Manager, PlMutex<Option<Route>>);

impl crate::route_view::RouteView for Overtaken {
    fn lookup(&self, _: Ipv4Addr, _: Domain) -> Option<Route> {
        let newer = self.1.lock().take();
        if let Some(newer) = newer {
            self.0.add_route(newer).unwrap();
        }
        Some(source_route(1))
    }
}

/// Clients A on interface 1 and B on 2, and routes that lead to 1 until they are
/// first looked at, to 2 from then on.
fn overtaken() -> (Fixture, ClientId, ClientId, Arc<PlMutex<Vec<String>>>) {
    let fixture = Fixture::new();
    let log = Arc::default();
    let (a, b) = (fixture.recorder(1, &log), fixture.recorder(2, &log));
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    (fixture, a, b, log)
}

fn overtake(fixture: &Fixture) {
    let newer = Route { network: SOURCE, prefix_len: 32, ..source_route(2) };
    let routes = fixture.0.lock().running().unwrap().system.routes();
    let view = Overtaken(fixture.0.clone(), PlMutex::new(Some(newer)));
    assert!(routes.system.set(Box::new(view)).is_ok());
}

#[test]
fn t5_10_an_older_look_up_does_not_undo_a_later_change() {
    let (fixture, _, b, log) = overtaken();
    let first = Route { network: SOURCE, prefix_len: 32, ..source_route(1) };
    fixture.0.add_route(first).unwrap();
    fixture.0.packet_in(packet(1, 1)).unwrap();
    overtake(&fixture);
    log.lock().clear();
    fixture.0.delete_route(SOURCE, 32).unwrap();
    let row = fixture.0.with_mfe(packet(1, 1).flow, false, Clone::clone).unwrap();
    assert_eq!(row.iif, link(2), "{:?}", log.lock());
    fixture.0.set_mfe(b, packet(1, 1).flow, Ipv4Addr::UNSPECIFIED, 0).unwrap();
}

#[test]
fn t5_1_an_upcalls_look_up_that_was_overtaken_is_made_again() {
    use super::bursts::{bring, events};
    use crate::forwarder::{Upcall, UpcallKind};
    let (fixture, _, _, log) = overtaken();
    overtake(&fixture);
    let events = events(&fixture);
    let PacketIn { flow, arrival, .. } = packet(1, 1);
    let upcall = Upcall { kind: UpcallKind::NoCache, flow, arrival, header: Vec::new() };
    bring(&events, vec![upcall]);
    until("an MFE", || fixture.0.with_mfe(flow, false, |_| ()).is_ok());
    let row = fixture.0.with_mfe(flow, false, Clone::clone).unwrap();
    assert_eq!(row.iif, link(2), "{:?}", log.lock());
}

#[test]
fn t8_4_without_threads_to_be_had_callers_deliver() {
    let fixture = Fixture::new();
    let log: Arc<PlMutex<Vec<String>>> = Arc::default();
    let (a, _) = (fixture.recorder(1, &log), fixture.recorder(2, &log));
    fixture.0.take(a, link(1)).unwrap();
    crate::threads::REFUSING.set(true);
    join_as_upcall(&fixture.0, a, 1, 1);
    assert!(log.lock().is_empty());
    // Behind the one that waits, so that one has to be made first.
    fixture.0.add_membership(a, group(2), link(1), Join::State).unwrap();
    assert_eq!(*log.lock(), ["2: join (*, 239.1.1.1) true", "2: join (*, 239.1.1.2) true"]);
    crate::threads::REFUSING.set(false);
}

#[test]
fn t8_4_threads_that_were_refused_are_asked_for_again() {
    let fixture = Fixture::new();
    let log: Arc<PlMutex<Vec<String>>> = Arc::default();
    let (a, b) = (fixture.recorder(1, &log), fixture.recorder(2, &log));
    fixture.0.take(a, link(1)).unwrap();
    crate::threads::REFUSING.set(true);
    join_as_upcall(&fixture.0, a, 1, 1);
    crate::threads::REFUSING.set(false);
    // Nothing that concerns B happens any longer, but other upcalls arrive.
    until("the upcall's notice", || {
        as_upcall(&fixture.0, |_| {});
        !log.lock().is_empty()
    });
    fixture.0.deregister(b).unwrap();
}

/// A forwarder that panics when it installs its first entry.
struct Panicking(bool);

impl Forwarder for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }
    fn needs_entries(&self) -> bool {
        true
    }
    fn add_interface(&mut self, _: IfId, _: Interface) -> crate::types::Result<()> {
        Ok(())
    }
    fn remove_interface(&mut self, _: IfId) {}
    fn install(&mut self, _: &ForwarderEntry<'_>) -> crate::types::Result<()> {
        assert!(!std::mem::take(&mut self.0), "on purpose");
        Ok(())
    }
    fn remove(&mut self, _: Flow) -> crate::types::Result<()> {
        Ok(())
    }
    fn counters(&mut self, _: Flow) -> crate::types::Result<Option<Counters>> {
        Ok(None)
    }
}

#[test]
fn t8_5_a_panic_of_ours_leaves_clients_and_threads_usable() {
    let fixture = Fixture::new();
    let log: Arc<PlMutex<Vec<String>>> = Arc::default();
    let a = fixture.recorder(1, &log);
    let b = fixture.recorder(2, &log);
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    // A's answer makes the MFE, on the worker and under the lock.
    as_upcall(&fixture.0, |run| {
        run.system.use_forwarder(Box::new(Panicking(true)));
        let p = packet(1, 1);
        let (flow, arrival, header) = (p.flow, p.arrival, p.header);
        let packet = crate::engine::Packet { flow, arrival, header, length: 1, ttl: 9 };
        run.engine.no_entry(run.now(), &packet, Some(&source_route(1)), &mut run.fx);
    });
    // The worker still works, and A gets other alerts.
    join_as_upcall(&fixture.0, b, 7, 2);
    until("A's next callback", || log.lock().iter().any(|line| line.contains("239.1.1.7")));
    assert!(log.lock().iter().any(|line| line == "1: Rpf"), "after which it panicked");
    fixture.0.release(b, link(2)).unwrap();
    fixture.0.release(a, link(1)).unwrap();
    // And no thread waits for ever for a callback that has ended.
    let (tell, told) = mpsc::channel();
    let manager = fixture.0.clone();
    std::thread::spawn(move || {
        manager.deregister(a).unwrap();
        tell.send(manager.stop()).unwrap();
    });
    assert_eq!(told.recv_timeout(LONG), Ok(Ok(())));
}

#[test]
fn a_worker_that_hears_without_end_delivers_what_its_callbacks_cause() {
    const END: usize = 50_000;
    let fixture = Fixture::new();
    let own = Arc::new(PlMutex::new(None));
    let (manager, me) = (fixture.0.clone(), Arc::clone(&own));
    let (rounds, heard) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (round, is_heard) = (Arc::clone(&rounds), Arc::clone(&heard));
    let a = fixture.client(1, |_| ());
    // B causes another notice for itself, as a stream of upcalls would, and joins: until A is told of
    // the join, or for a very long time.
    let b = fixture.client(2, move |_| {
        let round = round.fetch_add(1, Ordering::Relaxed);
        if round < END && !is_heard.load(Ordering::Relaxed) {
            let last = (round % 200) as u8;
            as_upcall(&manager, |run| {
                // B alone is told: the source is behind its interface.
                let (old, new) = (packet(last, 1).flow, packet(last + 1, 1).flow);
                let route = Some(source_route(2));
                run.engine.leave(a, old, link(1), Join::State, &mut run.fx).unwrap();
                run.engine.join(a, new, link(1), Join::State, route.as_ref(), &mut run.fx).unwrap();
            });
            let me = me.lock().expect("set before");
            manager.add_membership(me, group(250), link(2), Join::State).unwrap();
        }
    });
    *own.lock() = Some(b);
    let is_heard = Arc::clone(&heard);
    fixture.client(3, move |notice| {
        if matches!(notice, Notice::Join { flow, .. } if *flow == group(250)) {
            is_heard.store(true, Ordering::Relaxed);
        }
    });
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    join_as_upcall(&fixture.0, a, 0, 1);
    until("the third client's join", || heard.load(Ordering::Relaxed));
    let rounds = rounds.load(Ordering::Relaxed);
    assert!(rounds < END, "only when the second had heard {rounds} of its own");
}

/// Routes of the system that cannot be looked up.
struct Mute;

impl crate::route_view::RouteView for Mute {
    fn lookup(&self, _: Ipv4Addr, _: Domain) -> Option<Route> {
        None
    }
}

#[test]
fn t5_10_a_look_up_that_fails_is_no_loss_of_the_route() {
    let (fixture, _, _, _) = overtaken();
    let first = Route { network: SOURCE, prefix_len: 32, ..source_route(1) };
    fixture.0.add_route(first).unwrap();
    fixture.0.packet_in(packet(1, 1)).unwrap();
    let routes = fixture.0.lock().running().unwrap().system.routes();
    assert!(routes.system.set(Box::new(Mute)).is_ok());
    fixture.0.delete_route(SOURCE, 32).unwrap();
    let row = fixture.0.with_mfe(packet(1, 1).flow, false, Clone::clone).unwrap();
    assert_eq!(row.iif, link(1), "what was known stands");
}

/// The system's routes, which change all the time while they are asked for.
struct Restless(Manager, AtomicUsize);

impl crate::route_view::RouteView for Restless {
    fn lookup(&self, _: Ipv4Addr, _: Domain) -> Option<Route> {
        let asked = self.1.fetch_add(1, Ordering::Relaxed);
        if asked % 20 == 19 {
            let elsewhere = Ipv4Addr::new(192, 0, 2, (asked / 20) as u8);
            self.0
                .add_route(Route { network: elsewhere, prefix_len: 32, ..source_route(1) })
                .unwrap();
        }
        Some(source_route(2))
    }
}

#[test]
fn t5_10_routes_that_never_rest_are_followed_all_the_same() {
    let (fixture, _, _, _) = overtaken();
    fixture.0.add_route(source_route(1)).unwrap();
    let flow = |last| Flow::new(Ipv4Addr::new(10, 0, 0, last), Ipv4Addr::new(239, 1, 1, 1));
    for last in 1..=100 {
        fixture.0.packet_in(PacketIn { flow: flow(last), ..packet(1, 1) }).unwrap();
    }
    let routes = fixture.0.lock().running().unwrap().system.routes();
    let restless = Restless(fixture.0.clone(), AtomicUsize::new(0));
    assert!(routes.system.set(Box::new(restless)).is_ok());
    fixture.0.delete_route(Ipv4Addr::new(10, 0, 0, 0), 8).unwrap();
    for last in 1..=100 {
        let row = fixture.0.with_mfe(flow(last), false, Clone::clone).unwrap();
        assert_eq!(row.iif, link(2), "10.0.0.{last}");
    }
}

#[test]
fn t6_3_a_walk_that_steps_aside_misses_nothing_and_repeats_nothing() {
    let fixture = Fixture::new();
    let (a, b) = (fixture.client(1, |_| ()), fixture.client(2, |_| ()));
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    fixture.0.add_route(source_route(1)).unwrap();
    for last in 0..200 {
        fixture.0.add_membership(b, group(last), link(2), Join::State).unwrap();
        assert!(fixture.0.packet_in(packet(last, 1)).unwrap().accepted);
    }
    let (manager, done) = (fixture.0.clone(), Arc::new(AtomicBool::new(false)));
    let ended = Arc::clone(&done);
    let joiner = std::thread::spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            manager.add_membership(b, group(210), link(2), Join::State).unwrap();
            manager.delete_membership(b, group(210), link(2), Join::State).unwrap();
        }
    });
    let expected: Vec<Flow> = (0..200).map(|last| packet(last, 1).flow).collect();
    for _ in 0..500 {
        let mut seen = Vec::new();
        let mut see = |row: &MfeRow| {
            seen.push(row.flow);
            ControlFlow::Continue(())
        };
        fixture.0.walk_mfes(None, false, &mut see);
        assert_eq!(seen, expected);
        let status = fixture.0.status(Detail::FULL);
        let told = status.mfes.unwrap().into_iter().map(|mfe| mfe.group);
        assert!(told.eq(expected.iter().map(|flow| flow.group())));
        let groups = status.memberships.unwrap().into_iter().filter_map(|row| row.group);
        let lasting = groups.filter(|&group| group != packet(210, 1).flow.group());
        assert!(lasting.eq(expected.iter().map(|flow| flow.group())));
    }
    done.store(true, Ordering::Relaxed);
    joiner.join().unwrap();
}
