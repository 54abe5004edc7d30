//! Slow callbacks, and callbacks without end.

use super::*;
use mgm_manager::{within, Inside, PacketIn};
use mgm_remote::client::{connect, disconnect, of_client};
use mgm_types::{Route, RouteOrigin};
use std::sync::atomic::AtomicBool;

/// How many callbacks a client has not acknowledged.
fn unacknowledged(fixture: &Fixture, protocol: u32) -> usize {
    let clients = fixture.manager.status(Detail::SUMMARY).clients;
    let client = clients.into_iter().find(|client| client.protocol == protocol).unwrap();
    client.process.unwrap().unacknowledged
}

/// A client whose first callbacks take some milliseconds, and whose others wait until the sender is
/// dropped.
fn slow_after(router: &Router, protocol: u32, quick: usize, ms: u64) -> (u64, mpsc::Sender<()>) {
    let (hold, held) = mpsc::channel::<()>();
    let state = Mutex::new((0, held));
    let serial = client(router, protocol, move |_| {
        let mut state = state.lock();
        state.0 += 1;
        thread::sleep(Duration::from_millis(ms));
        if state.0 > quick {
            state.1.recv().unwrap_or_default();
        }
    });
    (serial, hold)
}

#[test]
fn t9_5_an_answer_is_sent_while_others_arrive_and_the_next_callback_is_slow() {
    // A busy machine may hold up the router for so long, but not each time.
    assert!((0..5).any(|_| is_acknowledged_meanwhile()), "nothing is acknowledged");
}

fn is_acknowledged_meanwhile() -> bool {
    let fixture = Fixture::new();
    let router = fixture.connect();
    let (_, hold) = slow_after(&router, 2, 1, 20);
    let a = fixture.local(1, |_| ());
    fixture.manager.take(a, link(1)).unwrap();
    let begun = Instant::now();
    let mut sent = 0;
    while begun.elapsed() < Duration::from_millis(800) {
        // Often enough that the connection is never without callbacks for long.
        fixture.manager.add_membership(a, group(sent), link(1), Join::State).unwrap();
        sent += 1;
        thread::sleep(Duration::from_millis(5));
        if unacknowledged(&fixture, 2) < usize::from(sent) {
            return true;
        }
    }
    drop(hold);
    false
}

#[test]
fn t9_4_t8_4_a_stuck_client_delays_no_other_while_callbacks_keep_arriving() {
    // As above.
    let is_heard = (0..5).any(|_| is_heard_beside_a_stuck_client());
    assert!(is_heard, "the other one hears nothing any longer");
}

fn is_heard_beside_a_stuck_client() -> bool {
    let fixture = Fixture::new();
    let (router, heard) = (fixture.connect(), Heard::default());
    let (_, hold) = slow_after(&router, 2, 10, 0);
    client(&router, 3, recorder(&heard));
    let a = fixture.local(1, |_| ());
    fixture.manager.take(a, link(1)).unwrap();
    let add = |last| fixture.manager.add_membership(a, group(last), link(1), Join::State).unwrap();
    for last in 0..=250 {
        add(last);
        thread::sleep(Duration::from_millis(5));
        if heard.lock().len() > 20 {
            break;
        }
    }
    let is_heard = heard.lock().len() > 20;
    drop(hold);
    is_heard
}

#[test]
fn t9_4_t8_3_a_call_makes_so_many_of_its_own_callbacks_and_a_worker_the_rest() {
    const OWN: u32 = 1024;
    let number = |flow: &Flow| u32::from(flow.group()) - 0xef01_0000;
    let flow = |number: u32| Flow::any_source(Ipv4Addr::from(0xef01_0000 + number));
    let fixture = Fixture::new();
    let (router, heard) = (fixture.connect(), Heard::default());
    client(&router, 1, recorder(&heard));
    let b = client(&router, 2, |_| ());
    router.take(b, link(2)).unwrap();
    // A third client answers each join with the next one, without end if that were not bounded.
    let inner = router.clone();
    client(&router, 3, move |notice| {
        let Notice::Join { flow: joined, .. } = notice else { return };
        let next = number(joined) + 1;
        if next < 2 * OWN {
            inner.add_membership(b, flow(next), link(2), Join::State).unwrap();
        }
    });
    router.add_membership(b, flow(0), link(2), Join::State).unwrap();
    let here = thread::current().id();
    soon("all of them", || heard.lock().len() == 2 * OWN as usize);
    let heard = heard.lock();
    let joined = |number| Notice::Join { flow: flow(number), member: true };
    assert!(
        heard.iter().map(|(_, notice)| notice.clone()).eq((0..2 * OWN).map(joined)),
        "in order"
    );
    let made = heard.iter().filter(|(by, _)| *by == here).count();
    assert_eq!(made, OWN as usize / 2, "the other half was the answerer's");
    assert!(heard[..made].iter().all(|(by, _)| *by == here));
}

/// Switches the first outgoing interface of each MFE off. The first callback takes some time, so
/// that the others wait.
struct Picky(AtomicU32);

impl Callbacks for Picky {
    fn has(&self, kind: NoticeKind) -> bool {
        kind == NoticeKind::Creation
    }

    fn call(&self, notice: &mut Notice) {
        let Notice::Creation { oifs, .. } = notice else { return };
        oifs[0].enabled = false;
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            thread::sleep(Duration::from_millis(200));
        }
    }
}

#[test]
fn t9_11_answers_about_many_interfaces_are_sent_in_several_messages() {
    const OIFS: u32 = 1100;
    let fixture = Fixture::new();
    let router = fixture.connect();
    let b = router.register(Box::new(Picky(AtomicU32::new(0))), 2, 0).unwrap();
    for index in 2..2 + OIFS {
        router.take(b, link(index)).unwrap();
        let all = Flow::WILDCARD;
        router.add_membership(b, all, link(index), Join::State).unwrap();
    }
    let a = fixture.local(1, |_| ());
    fixture.manager.take(a, link(1)).unwrap();
    let route = Route {
        origin: RouteOrigin::Connected,
        if_index: 1,
        paths: None,
        network: Ipv4Addr::new(10, 0, 0, 0),
        prefix_len: 8,
        protocol: 2,
    };
    fixture.manager.add_route(route).unwrap();
    let flows = (0..100).map(|last| Flow::new(Ipv4Addr::new(10, 1, 1, 1), group(last).group()));
    // Each call waits until its flow is resolved.
    let manager = &fixture.manager;
    thread::scope(|scope| {
        for flow in flows.clone() {
            let packet = PacketIn { flow, arrival: link(1), header: &[], length: 100, ttl: 64 };
            scope.spawn(move || manager.packet_in(packet).unwrap());
        }
    });
    for flow in flows {
        let oifs = || router.mfe(flow, false).map(|row| row.oifs.len());
        soon("the answer counts", || oifs() == Ok(OIFS as usize - 1));
    }
    assert!(!router.is_over());
}

/// The tests that need the router of this process take turns.
static ROUTER_OF_THE_PROCESS: Mutex<()> = Mutex::new(());

/// A client with a callback that runs until the sender is dropped. The flag is set at the end of the
/// callback.
fn held(fixture: &Fixture, router: &Router) -> (u64, mpsc::Sender<()>, Arc<AtomicBool>) {
    let (entered, has_entered) = mpsc::channel();
    let (hold, held) = mpsc::channel::<()>();
    let (held, has_ended) = (Mutex::new(held), Arc::new(AtomicBool::new(false)));
    let ends = Arc::clone(&has_ended);
    let serial = client(router, 2, move |_| {
        entered.send(()).unwrap();
        held.lock().recv().unwrap_or_default();
        ends.store(true, Ordering::SeqCst);
    });
    let a = fixture.local(1, |_| ());
    fixture.manager.take(a, link(1)).unwrap();
    fixture.manager.add_membership(a, group(1), link(1), Join::State).unwrap();
    has_entered.recv_timeout(Duration::from_secs(20)).unwrap();
    (serial, hold, has_ended)
}

/// Deregisters a client on another thread, as the library does. The result comes together with the
/// flag.
fn leaves(serial: u64, has_ended: &Arc<AtomicBool>) -> mpsc::Receiver<(Result<(), Refusal>, bool)> {
    let ((done, is_done), has_ended) = (mpsc::channel(), Arc::clone(has_ended));
    thread::spawn(move || {
        let result = of_client(serial).and_then(|router| router.unwrap().deregister(serial));
        done.send((result, has_ended.load(Ordering::SeqCst))).unwrap();
    });
    let early = is_done.recv_timeout(Duration::from_millis(150));
    assert!(early.is_err(), "{early:?}, and a callback is running");
    is_done
}

#[test]
fn t9_3_t9_9_disconnecting_waits_for_the_callbacks_of_a_router_that_was_lost_before() {
    let _turn = ROUTER_OF_THE_PROCESS.lock();
    let fixture = Fixture::new();
    let router = connect(&fixture.path).unwrap();
    let (_, hold, _) = held(&fixture, &router);
    fixture.server.close();
    soon("the end is seen", || router.is_over());
    let server =
        Server::open(&fixture.manager, &fixture.path, Access::OWN, Limits::default()).unwrap();
    assert!(!connect(&fixture.path).unwrap().is_over());
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || done.send(disconnect()).unwrap());
    assert!(is_done.recv_timeout(Duration::from_millis(200)).is_err(), "a callback is running");
    drop(hold);
    assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Ok(Ok(true)));
    assert_eq!(disconnect(), Ok(false));
    server.close();
}

#[test]
fn t9_9_d124_a_deregistration_waits_for_a_callback_although_the_router_is_lost() {
    let _turn = ROUTER_OF_THE_PROCESS.lock();
    let fixture = Fixture::new();
    let router = connect(&fixture.path).unwrap();
    let (serial, hold, has_ended) = held(&fixture, &router);
    fixture.server.close();
    soon("the end is seen", || router.is_over());
    let first = leaves(serial, &has_ended);
    // Inside a callback it does not wait: inside one of another client it is refused, as in 1.6.
    let inside = |client| within(Inside::Client(ClientId(client)), || router.deregister(serial));
    assert_eq!(inside(serial), Err(Refusal::BadHandle(serial)));
    assert_eq!(inside(serial + 1), Err(Refusal::CallbackRunning));
    // The process connects again.
    let server =
        Server::open(&fixture.manager, &fixture.path, Access::OWN, Limits::default()).unwrap();
    assert!(!connect(&fixture.path).unwrap().is_over());
    let second = leaves(serial, &has_ended);
    drop(hold);
    for leaver in [first, second] {
        let result = leaver.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(result, (Err(Refusal::BadHandle(serial)), true));
    }
    assert!(of_client(serial).is_err(), "nothing is left of it");
    disconnect().unwrap();
    server.close();
}

#[test]
fn t9_3_d124_a_deregistration_during_a_disconnection_or_another_one_waits_for_the_callback() {
    let _turn = ROUTER_OF_THE_PROCESS.lock();
    for disconnects in [true, false] {
        let fixture = Fixture::new();
        let router = connect(&fixture.path).unwrap();
        let (serial, hold, has_ended) = held(&fixture, &router);
        let first = match disconnects {
            true => thread::spawn(|| disconnect().map(drop)),
            false => thread::spawn(move || router.deregister(serial)),
        };
        let is_valid = || fixture.manager.status(Detail::SUMMARY).totals.clients > 1;
        soon("the handle is invalid", || !is_valid());
        let second = leaves(serial, &has_ended);
        drop(hold);
        let result = second.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(result, (Err(Refusal::BadHandle(serial)), true));
        first.join().unwrap().unwrap();
        disconnect().unwrap();
    }
}

#[test]
fn t9_13_d124_no_deregistration_calls_a_handle_invalid_that_another_one_leaves_valid() {
    let fixture = Fixture::new();
    let router = fixture.connect();
    let a = client(&router, 1, |_| ());
    router.take(a, link(1)).unwrap();
    thread::scope(|scope| {
        let leave = || {
            for _ in 0..300 {
                let refusal = router.deregister(a).unwrap_err().to_string();
                assert!(refusal.contains("still owns 1"), "{refusal}");
            }
        };
        (0..3).for_each(|_| drop(scope.spawn(leave)));
    });
    router.release(a, link(1)).unwrap();
    router.deregister(a).unwrap();
}
