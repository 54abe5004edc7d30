//! A router and its client library in one process, so that a test sees both sides.
#![cfg(target_os = "linux")]

use mgm_engine::{ClientId, EnumKind, Join, Notice, NoticeKind};
use mgm_manager::{Callbacks, Detail, ForwarderChoice, Manager, Settings};
use mgm_remote::access::{set_filter, Wish};
use mgm_remote::client::Router;
use mgm_remote::messages::Change;
use mgm_remote::server::{Access, Limits, Server};
use mgm_types::{Code, Flow, Interface, Ipv4Addr, Refusal};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{mpsc, Arc};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

#[path = "one_process/listings.rs"]
mod listings;
#[path = "one_process/slow.rs"]
mod slow;

/// A client made of one closure.
struct Script<F>(F);

impl<F: Fn(&Notice) + Send + Sync> Callbacks for Script<F> {
    fn has(&self, _: NoticeKind) -> bool {
        true
    }

    fn call(&self, notice: &mut Notice) {
        (self.0)(notice);
    }
}

/// A router that serves.
struct Fixture {
    manager: Manager,
    server: Server,
    path: PathBuf,
}

impl Fixture {
    fn new() -> Fixture {
        // No test waits for this deadline, and a busy machine may reach the usual one.
        Fixture::with(Limits { answer_ms: 30_000, ..Limits::default() })
    }

    fn with(limits: Limits) -> Fixture {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mgm-remote-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let manager = Manager::new();
        let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
        manager.start(&settings, None).unwrap();
        let server = Server::open(&manager, &path, Access::OWN, limits).unwrap();
        Fixture { manager, server, path }
    }

    fn connect(&self) -> Router {
        Router::connect(&self.path).unwrap()
    }

    /// A client in the router's own process.
    fn local(&self, protocol: u32, on_call: impl Fn(&Notice) + Send + Sync + 'static) -> ClientId {
        self.manager.register(Box::new(Script(on_call)), protocol, 0).unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.server.close();
            self.manager.stop().unwrap();
            assert!(!self.path.exists(), "the socket's file is removed");
        }
    }
}

fn client(
    router: &Router,
    protocol: u32,
    on_call: impl Fn(&Notice) + Send + Sync + 'static,
) -> u64 {
    router.register(Box::new(Script(on_call)), protocol, 0).unwrap()
}

fn group(last: u8) -> Flow {
    Flow::any_source(Ipv4Addr::new(239, 1, 1, last))
}

fn link(index: u32) -> Interface {
    Interface::link(index)
}

fn soon(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} does not hold in time");
        thread::sleep(Duration::from_millis(1));
    }
}

type Heard = Arc<Mutex<Vec<(ThreadId, Notice)>>>;

fn recorder(heard: &Heard) -> impl Fn(&Notice) + Send + Sync + 'static {
    let heard = Arc::clone(heard);
    move |notice| heard.lock().push((thread::current().id(), notice.clone()))
}

#[test]
fn t9_4_a_call_runs_what_it_causes_in_its_process_and_a_library_thread_the_rest() {
    let fixture = Fixture::new();
    let (router, heard) = (fixture.connect(), Heard::default());
    let a = client(&router, 1, |_| ());
    client(&router, 2, recorder(&heard));
    router.take(a, link(1)).unwrap();
    for last in 0..100 {
        router.add_membership(a, group(last), link(1), Join::State).unwrap();
        let (by, notice) = heard.lock().pop().expect("it has run when the call returns");
        assert_eq!(by, thread::current().id());
        assert_eq!(notice, Notice::Join { flow: group(last), member: true });
    }
    // A call of another process, and one of the router's own.
    let other = fixture.connect();
    let c = client(&other, 3, |_| ());
    other.take(c, link(3)).unwrap();
    other.add_membership(c, group(200), link(3), Join::State).unwrap();
    soon("the alert about another process", || heard.lock().len() == 1);
    assert_ne!(heard.lock()[0].0, thread::current().id());
    let d = fixture.local(4, |_| ());
    fixture.manager.take(d, link(4)).unwrap();
    fixture.manager.add_membership(d, group(201), link(4), Join::State).unwrap();
    soon("the alert about the router", || heard.lock().len() == 2);
    // A call that only reads runs none.
    assert_eq!(router.protocol_on(link(1)), Ok((1, 0)));
    assert_eq!(heard.lock().len(), 2);
}

/// After calls that follow each other closely, the router polls for some microseconds. A callback
/// that another thread posts meanwhile must not wait for the next call.
#[test]
fn t9_4_a_callback_that_is_posted_while_the_router_polls_is_sent_at_once() {
    let fixture = Fixture::new();
    let (router, (heard, hears)) = (fixture.connect(), mpsc::channel());
    client(&router, 1, move |_| heard.send(()).unwrap());
    let local = fixture.local(2, |_| ());
    fixture.manager.take(local, link(2)).unwrap();
    // Whether the callback of a round comes before the router would look for it, after a second.
    let is_in_time = |round| {
        for _ in 0..3 {
            assert_eq!(router.protocol_on(link(2)), Ok((2, 0)));
        }
        let (flow, join) = (group(1), Join::State);
        match round % 2 == 0 {
            true => fixture.manager.add_membership(local, flow, link(2), join).unwrap(),
            false => fixture.manager.delete_membership(local, flow, link(2), join).unwrap(),
        }
        let begun = Instant::now();
        hears.recv_timeout(Duration::from_secs(20)).expect("it comes");
        begun.elapsed() < Duration::from_millis(700)
    };
    // A busy machine may hold up a thread for so long, but not in each of a few times 200 rounds.
    let mut rounds = 0u32..;
    let all_are_in_time = |_| rounds.by_ref().take(200).all(is_in_time);
    assert!((0..5).any(all_are_in_time), "callbacks wait for the router's next round");
}

#[test]
fn t9_4_t8_1_calls_inside_callbacks_are_delivered_before_the_outermost_call_returns() {
    let fixture = Fixture::new();
    let (router, heard) = (fixture.connect(), Heard::default());
    let a = client(&router, 1, recorder(&heard));
    let own = Arc::new(Mutex::new(0));
    let (inner, me) = (router.clone(), Arc::clone(&own));
    let b = client(&router, 2, move |notice| {
        // Answers a join of group 1 with a join of group 2, and so on.
        if let Notice::Join { flow, member: true } = notice {
            let last = flow.group().octets()[3];
            if last < 10 {
                inner.add_membership(*me.lock(), group(last + 100), link(2), Join::State).unwrap();
            }
        }
    });
    *own.lock() = b;
    router.take(a, link(1)).unwrap();
    router.take(b, link(2)).unwrap();
    for last in 0..10 {
        router.add_membership(a, group(last), link(1), Join::State).unwrap();
        let (by, notice) = heard.lock().pop().expect("the inner call's alert has run, too");
        assert_eq!(by, thread::current().id());
        assert_eq!(notice, Notice::Join { flow: group(last + 100), member: true });
    }
}

#[test]
fn t9_4_t2_3_a_take_beside_igmp_returns_after_both_callbacks() {
    let fixture = Fixture::new();
    let (router, heard) = (fixture.connect(), Heard::default());
    let igmp = client(&router, 10, recorder(&heard));
    let p = client(&router, 1, |_| ());
    router.take(igmp, link(1)).unwrap();
    let changes = || {
        let all = heard.lock().drain(..).map(|(_, notice)| notice.kind()).collect::<Vec<_>>();
        let is_change =
            |kind: &NoticeKind| matches!(kind, NoticeKind::DisableIgmp | NoticeKind::EnableIgmp);
        all.into_iter().filter(is_change).collect::<Vec<_>>()
    };
    for _ in 0..20 {
        router.take(p, link(1)).unwrap();
        assert_eq!(changes(), [NoticeKind::DisableIgmp, NoticeKind::EnableIgmp]);
        router.add_membership(igmp, group(1), link(1), Join::State).unwrap();
        router.release(p, link(1)).unwrap();
        assert_eq!(changes(), [NoticeKind::DisableIgmp, NoticeKind::EnableIgmp]);
    }
}

#[test]
fn t9_4_t8_4_a_callback_that_does_not_return_delays_no_other_client() {
    let fixture = Fixture::new();
    let (router, heard) = (fixture.connect(), Heard::default());
    for protocol in 2..7 {
        client(&router, protocol, |_| loop {
            thread::park();
        });
    }
    client(&router, 9, recorder(&heard));
    let a = fixture.local(1, |_| ());
    fixture.manager.take(a, link(1)).unwrap();
    for last in 0..100 {
        fixture.manager.add_membership(a, group(last), link(1), Join::State).unwrap();
    }
    soon("all alerts of the client that is not stuck", || heard.lock().len() == 100);
    // The stuck callbacks end with this process.
    std::mem::forget(fixture);
}

#[test]
fn t9_13_deregistration_waits_for_a_callback_and_refuses_where_it_could_deadlock() {
    let fixture = Fixture::new();
    let router = fixture.connect();
    let (entered, entries) = mpsc::channel();
    let (release, wait) = mpsc::channel::<()>();
    let (entered, wait) = (Mutex::new(entered), Mutex::new(wait));
    let b = client(&router, 2, move |_| {
        entered.lock().send(()).unwrap();
        wait.lock().recv().unwrap();
    });
    let a = fixture.local(1, |_| ());
    fixture.manager.take(a, link(1)).unwrap();
    // A refusal of the router lets callbacks start again.
    router.take(b, link(2)).unwrap();
    assert!(router.deregister(b).unwrap_err().to_string().contains("still owns 1"));
    router.release(b, link(2)).unwrap();
    fixture.manager.add_membership(a, group(1), link(1), Join::State).unwrap();
    entries.recv_timeout(Duration::from_secs(20)).expect("callbacks start again");
    let (done, is_done) = mpsc::channel();
    let leaver = router.clone();
    thread::spawn(move || done.send(leaver.deregister(b)).unwrap());
    assert!(is_done.recv_timeout(Duration::from_millis(100)).is_err(), "a callback is running");
    release.send(()).unwrap();
    is_done.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
    assert_eq!(router.deregister(b), Err(Refusal::BadHandle(b)));
}

#[test]
fn t9_13_a_process_has_at_most_1024_enumerations_and_each_end_makes_room() {
    let fixture = Fixture::new();
    let router = fixture.connect();
    let a = client(&router, 1, |_| ());
    router.take(a, link(1)).unwrap();
    router.add_membership(a, group(1), link(1), Join::State).unwrap();
    let open = || router.enum_start(a, EnumKind::AllSources);
    let all: Vec<u64> = (0..1024).map(|_| open().unwrap()).collect();
    assert_eq!(open().unwrap_err().code(), Code::NotEnoughMemory);
    router.enum_end(all[7]).unwrap();
    assert_eq!(router.enum_end(all[7]), Err(Refusal::BadHandle(all[7])));
    let again = open().unwrap();
    let mut groups = Vec::new();
    assert_eq!(router.enum_next(again, 9, &mut |flow| groups.push(flow)), Ok(false));
    assert_eq!(groups, [group(1)]);
    // Another process has its own.
    let other = fixture.connect();
    other.enum_start(client(&other, 2, |_| ()), EnumKind::AllSources).unwrap();
}

#[test]
fn t9_14_a_batch_needs_few_messages_and_names_the_first_refusal() {
    let fixture = Fixture::new();
    let (router, heard) = (fixture.connect(), Heard::default());
    let a = client(&router, 1, |_| ());
    client(&router, 2, recorder(&heard));
    router.take(a, link(1)).unwrap();
    let change = |n: u32, adds| Change {
        adds,
        client: a,
        flow: Flow::any_source(Ipv4Addr::from(0xef01_0000 + n)),
        interface: link(1),
        join: Join::State,
    };
    // Both batches are fewer than the 1024 callbacks with which a process falls behind (8.9): the router may
    // not have read yet that those of the first one have run.
    let mut changes: Vec<Change> = (0..500).map(|n| change(n, true)).collect();
    assert_eq!(router.change_all(&changes), Ok(None));
    assert_eq!(heard.lock().drain(..).count(), 500, "they have run when the call returns");
    changes.iter_mut().for_each(|change| change.adds = false);
    changes[300].interface = link(9);
    changes[400].client = 12345;
    let (place, refusal) = router.change_all(&changes).unwrap().expect("one is refused");
    assert_eq!((place, refusal.code()), (300, Code::NotFound));
    assert_eq!(heard.lock().len(), 498);
    let (place, refusal) = router.change_all(&changes[400..]).unwrap().expect("one is refused");
    assert_eq!((place, refusal), (0, Refusal::BadHandle(12345)));
}

#[test]
fn t9_9_after_the_end_of_the_router_calls_are_refused_and_handles_are_invalid() {
    let fixture = Fixture::new();
    let router = fixture.connect();
    let a = client(&router, 1, |_| ());
    fixture.server.close();
    soon("the end is seen", || router.is_over());
    assert_eq!(router.take(a, link(1)), Err(Refusal::BadHandle(a)));
    let refusal = router.protocol_on(link(1)).unwrap_err();
    assert_eq!(refusal.code(), Code::CanNotComplete);
    assert!(refusal.to_string().contains("unknown whether the call took effect"), "{refusal}");
    let refusal = Router::connect(&fixture.path).err().expect("nobody listens");
    assert_eq!(refusal.code(), Code::CanNotComplete);
    assert!(refusal.to_string().contains("start mgmd"), "{refusal}");
}

#[test]
fn t9_4_calls_wait_for_a_connection_if_no_further_one_can_be_opened() {
    let fixture = Fixture::new();
    let (router, late) = (fixture.connect(), fixture.connect());
    let lookup = |router: &Router| router.protocol_on(link(1)).unwrap_err().code();
    assert_eq!(lookup(&router), Code::NotFound);
    let away = fixture.path.with_extension("away");
    std::fs::rename(&fixture.path, &away).unwrap();
    thread::scope(|scope| {
        let calls = || (0..500).for_each(|_| assert_eq!(lookup(&router), Code::NotFound));
        (0..4).for_each(|_| drop(scope.spawn(calls)));
    });
    // This one has none yet.
    let refusal = late.protocol_on(link(1)).unwrap_err();
    assert_eq!(refusal.code(), Code::CanNotComplete);
    assert!(refusal.to_string().contains("cannot open a connection for calls"), "{refusal}");
    assert!(!late.is_over());
    std::fs::rename(&away, &fixture.path).unwrap();
    assert_eq!(lookup(&late), Code::NotFound);
}

#[test]
fn t9_3_the_status_and_the_metrics_are_those_of_the_router() {
    let fixture = Fixture::new();
    let router = fixture.connect();
    let a = client(&router, 1, |_| ());
    router.take(a, link(1)).unwrap();
    for n in 0..5000u32 {
        let flow = Flow::any_source(Ipv4Addr::from(0xef01_0000 + n));
        router.add_membership(a, flow, link(1), Join::State).unwrap();
    }
    let detail = Detail { memberships: true, mfes: true };
    let status = String::from_utf8(router.status(detail).unwrap()).unwrap();
    assert!(status.len() > 256 << 10, "it comes in pieces");
    assert!(status.contains("\"memberships\":5000") && status.ends_with('}'));
    let metrics = String::from_utf8(router.metrics(Detail::SUMMARY).unwrap()).unwrap();
    assert!(metrics.contains("mgm_"), "{metrics}");
    router.disconnect().unwrap();
    soon("the clients are gone", || fixture.manager.status(Detail::SUMMARY).totals.clients == 0);
}

#[test]
fn t9_11_no_more_processes_are_served_than_permitted() {
    let fixture = Fixture::with(Limits { processes: 2, ..Limits::default() });
    let (one, two) = (fixture.connect(), fixture.connect());
    let refusal = Router::connect(&fixture.path).err().expect("two are connected");
    assert!(refusal.to_string().contains("no more are permitted"), "{refusal}");
    one.disconnect().unwrap();
    drop(one);
    soon("there is room again", || Router::connect(&fixture.path).is_ok());
    assert_eq!(two.protocol_on(link(1)), Err(two.protocol_on(link(1)).unwrap_err()));
}

#[test]
fn t9_6_a_process_that_acknowledges_nothing_for_its_time_is_disconnected() {
    let fixture = Fixture::with(Limits { silent_ms: 300, ..Limits::default() });
    let (stuck, few) = (fixture.connect(), fixture.connect());
    let (hold, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let waits = move |_: &Notice| held.lock().recv().unwrap_or_default();
    let b = client(&stuck, 1, waits);
    let (hold_few, held_few) = mpsc::channel::<()>();
    let held_few = Mutex::new(held_few);
    client(&few, 2, move |_| held_few.lock().recv().unwrap_or_default());
    let c = fixture.local(3, |_| ());
    fixture.manager.take(c, link(1)).unwrap();
    for n in 0..1000u32 {
        let flow = Flow::any_source(Ipv4Addr::from(0xef01_0000 + n));
        fixture.manager.add_membership(c, flow, link(1), Join::State).unwrap();
    }
    thread::sleep(Duration::from_millis(1500)); // more than a round
    assert!(!stuck.is_over(), "1,000 callbacks are not too many");
    for n in 1000..1100u32 {
        let flow = Flow::any_source(Ipv4Addr::from(0xef01_0000 + n));
        fixture.manager.add_membership(c, flow, link(1), Join::State).unwrap();
        if n == 1020 {
            // The other one acknowledges some, so it is alive.
            (0..100).for_each(|_| hold_few.send(()).unwrap());
        }
    }
    soon("it is disconnected", || stuck.is_over());
    assert_eq!(stuck.take(b, link(2)), Err(Refusal::BadHandle(b)));
    drop((hold, hold_few));
}

#[test]
fn t9_10_the_host_decides_who_registers_and_takes_what() {
    let fixture = Fixture::new();
    let router = fixture.connect();
    let wishes: Arc<Mutex<Vec<Wish>>> = Arc::default();
    let noted = Arc::clone(&wishes);
    // Other tests run at the same time: only these ids are restricted.
    set_filter(Some(Arc::new(move |wish: &Wish| {
        if !(770..780).contains(&wish.protocol) {
            return true;
        }
        noted.lock().push(wish.clone());
        wish.protocol == 770 && wish.interface.is_none_or(|taken| taken == link(1))
    })));
    let refusal = router.register(Box::new(Script(|_: &Notice| ())), 771, 5).unwrap_err();
    assert_eq!(refusal.code(), Code::CanNotComplete);
    assert!(refusal.to_string().contains("protocol id 771"), "{refusal}");
    let a = client(&router, 770, |_| ());
    router.take(a, link(1)).unwrap();
    let refusal = router.take(a, link(2)).unwrap_err();
    assert_eq!(refusal.code(), Code::CanNotComplete);
    assert_eq!(fixture.manager.protocol_on(link(2)).unwrap_err().code(), Code::NotFound);
    let user = router.status(Detail::SUMMARY).map(|text| String::from_utf8(text).unwrap());
    let wishes = wishes.lock();
    assert!(user.unwrap().contains(&format!("\"user\":{}", wishes[0].process.user)));
    let seen: Vec<_> = wishes.iter().map(|wish| (wish.protocol, wish.interface)).collect();
    let expected = [(771, None), (770, None), (770, Some(link(1))), (770, Some(link(2)))];
    assert_eq!(seen, expected);
    assert_eq!((wishes[0].component, wishes[0].process.pid), (5, std::process::id() as i32));
    set_filter(None);
    client(&router, 771, |_| ());
}

#[test]
fn t9_11_limits_change_while_processes_are_connected() {
    let fixture = Fixture::with(Limits { processes: 1, ..Limits::default() });
    let one = fixture.connect();
    assert!(Router::connect(&fixture.path).is_err());
    fixture.server.set_limits(Limits { processes: 2, ..Limits::default() });
    soon("there is room", || Router::connect(&fixture.path).is_ok());
    assert!(!one.is_over());
}

#[test]
fn t9_7_a_call_for_what_an_ended_process_had_waits_until_it_is_free() {
    let fixture = Fixture::new();
    // So many that their end takes some milliseconds.
    let count = if cfg!(debug_assertions) { 15_000 } else { 150_000 };
    let memberships = |client| {
        (0..count).map(move |n| Change {
            adds: true,
            client,
            flow: Flow::any_source(Ipv4Addr::from(0xef01_0000 + n)),
            interface: link(1),
            join: Join::State,
        })
    };
    let other = fixture.connect();
    let mut seen = 0;
    for round in 0..30 {
        if round > 2 && seen > 0 {
            break;
        }
        let router = fixture.connect();
        let a = client(&router, 1, |_| ());
        router.take(a, link(1)).unwrap();
        router.change_all(&memberships(a).collect::<Vec<_>>()).unwrap();
        router.disconnect().unwrap();
        soon("the end is seen", || has_ended(&fixture.manager) || is_free(&fixture.manager));
        seen += u32::from(has_ended(&fixture.manager));
        let b = other.register(Box::new(Script(|_: &Notice| ())), 1, 0);
        let b = b.unwrap_or_else(|refusal| panic!("round {round}: {refusal}"));
        other.take(b, link(1)).unwrap();
        other.release(b, link(1)).unwrap();
        other.deregister(b).unwrap();
    }
    assert!(seen > 0, "the state of each process was gone before the test could look");
}

fn is_free(manager: &Manager) -> bool {
    manager.status(Detail::SUMMARY).totals.clients == 0
}

fn has_ended(manager: &Manager) -> bool {
    let clients = manager.status(Detail::SUMMARY).clients;
    clients.iter().any(|client| client.process.as_ref().is_some_and(|process| process.ended))
}
