//! The manager with closures for clients: order, re-entrancy, threads.

use super::*;
use crate::engine::{ClientId, Notice, NoticeKind};
use crate::types::{Flow, Interface, Ipv4Addr, Refusal, Route, RouteOrigin};
use parking_lot::Mutex as PlMutex;
use std::sync::mpsc;
use std::time::Duration;

mod adverse;
mod behind;
mod bounds;
mod bursts;
mod leaving;
mod posting;
mod routes;
mod upcalls;

type OnCall = Box<dyn Fn(&Notice) + Send + Sync>;

/// A client made of one closure.
struct Script {
    lacks: Vec<NoticeKind>,
    on_call: OnCall,
}

impl Callbacks for Script {
    fn has(&self, kind: NoticeKind) -> bool {
        !self.lacks.contains(&kind)
    }

    fn call(&self, notice: &mut Notice) {
        (self.on_call)(notice);
    }
}

/// A separate manager with the memory forwarder. Dropping it stops the manager.
struct Fixture(Manager);

impl Fixture {
    fn new() -> Fixture {
        let manager = Manager::new();
        let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
        manager.start(&settings, None).expect("a new instance starts");
        Fixture(manager)
    }

    fn client(&self, protocol: u32, on_call: impl Fn(&Notice) + Send + Sync + 'static) -> ClientId {
        let script = Script { lacks: Vec::new(), on_call: Box::new(on_call) };
        self.0.register(Box::new(script), protocol, 0).expect("the id is free")
    }

    /// A client that records its callbacks.
    fn recorder(&self, protocol: u32, log: &Arc<PlMutex<Vec<String>>>) -> ClientId {
        let log = Arc::clone(log);
        self.client(protocol, move |notice| {
            log.lock().push(format!("{protocol}: {}", short(notice)));
        })
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // After a failed test, a stop might wait for ever.
        if !std::thread::panicking() {
            let _ = self.0.stop();
        }
    }
}

fn short(notice: &Notice) -> String {
    match notice {
        Notice::Join { flow, member } => format!("join {flow} {member}"),
        Notice::Prune { flow, .. } => format!("prune {flow}"),
        other => format!("{:?}", other.kind()),
    }
}

fn group(last: u8) -> Flow {
    Flow::any_source(Ipv4Addr::new(239, 1, 1, last))
}

fn link(index: u32) -> Interface {
    Interface::link(index)
}

const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn source_route(index: u32) -> Route {
    Route {
        origin: RouteOrigin::Connected,
        if_index: index,
        paths: None,
        network: Ipv4Addr::new(10, 0, 0, 0),
        prefix_len: 8,
        protocol: 2,
    }
}

fn packet(last: u8, index: u32) -> PacketIn<'static> {
    PacketIn {
        flow: Flow::new(SOURCE, Ipv4Addr::new(239, 1, 1, last)),
        arrival: link(index),
        header: &[],
        length: 100,
        ttl: 64,
    }
}

#[test]
fn t8_3_alerts_are_delivered_before_the_call_returns() {
    let fixture = Fixture::new();
    let log = Arc::default();
    let (a, b) = (fixture.recorder(1, &log), fixture.recorder(2, &log));
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    fixture.0.add_membership(a, group(1), link(1), Join::State).unwrap();
    assert_eq!(*log.lock(), ["2: join (*, 239.1.1.1) true"]);
}

#[test]
fn d80_a_start_whose_forwarder_cannot_be_opened_is_refused_and_leaves_nothing() {
    let manager = Manager::new();
    // The kernel has no table of this number, and other systems have no kernel forwarder.
    let kernel = Settings {
        forwarder: ForwarderChoice::Kernel,
        table: 2_000_000_000,
        open_forwarder: true,
        ..Settings::default()
    };
    let refusal = manager.start(&kernel, None).unwrap_err();
    assert!(matches!(refusal, Refusal::Forwarder(_)), "{refusal}");
    assert!(!manager.status(Detail::SUMMARY).running);
    let memory = Settings { forwarder: ForwarderChoice::Memory, ..kernel };
    manager.start(&memory, None).expect("the refused start has left nothing behind");
    assert_eq!(manager.status(Detail::SUMMARY).forwarder, Some("memory"));
    manager.stop().unwrap();
}

#[test]
fn d80_without_the_flag_the_first_take_opens_the_forwarder() {
    let fixture = Fixture::new();
    assert_eq!(fixture.0.status(Detail::SUMMARY).forwarder, None);
    fixture.0.take(fixture.client(1, |_| ()), link(1)).unwrap();
    assert_eq!(fixture.0.status(Detail::SUMMARY).forwarder, Some("memory"));
}

#[test]
fn t8_1_a_call_inside_a_callback_is_delivered_without_recursion_before_the_outer_call_returns() {
    let fixture = Fixture::new();
    let log: Arc<PlMutex<Vec<String>>> = Arc::default();
    let (manager, heard) = (fixture.0.clone(), Arc::clone(&log));
    let own = Arc::new(PlMutex::new(None));
    let me = Arc::clone(&own);
    // When A joins a group, B joins the next one.
    let a = fixture.recorder(1, &log);
    let b = fixture.client(2, move |notice| {
        heard.lock().push(format!("2: enter {}", short(notice)));
        if let (Notice::Join { flow, .. }, Some(me)) = (notice, *me.lock()) {
            let last = flow.group().octets()[3];
            if last < 4 {
                manager.add_membership(me, group(last + 1), link(2), Join::State).unwrap();
            }
        }
        heard.lock().push("2: leave".into());
    });
    *own.lock() = Some(b);
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    fixture.0.add_membership(a, group(1), link(1), Join::State).unwrap();
    assert_eq!(
        *log.lock(),
        ["2: enter join (*, 239.1.1.1) true", "2: leave", "1: join (*, 239.1.1.2) true",]
    );
}

#[test]
fn t1_6_deregistration_waits_for_a_callback_on_another_thread() {
    let fixture = Fixture::new();
    let (entered, has_entered) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = PlMutex::new(may_go_on);
    let finished = Arc::new(PlMutex::new(false));
    let done = Arc::clone(&finished);
    let a = fixture.client(1, |_| ());
    let b = fixture.client(2, move |_| {
        entered.send(()).unwrap();
        may_go_on.lock().recv().unwrap();
        *done.lock() = true;
    });
    fixture.0.take(a, link(1)).unwrap();
    let manager = fixture.0.clone();
    let joiner = std::thread::spawn(move || {
        manager.add_membership(a, group(1), link(1), Join::State).unwrap();
    });
    has_entered.recv().unwrap();
    let manager = fixture.0.clone();
    let leaver = std::thread::spawn(move || manager.deregister(b));
    while fixture.0.enum_start(b, EnumKind::AllSources).is_ok() {
        std::thread::yield_now(); // until the handle is dead
    }
    assert!(!*finished.lock());
    assert!(!leaver.is_finished());
    go_on.send(()).unwrap();
    leaver.join().unwrap().unwrap();
    assert!(*finished.lock(), "the callback had ended when the call returned");
    joiner.join().unwrap();
}

#[test]
fn t1_6_a_client_may_deregister_itself_inside_its_own_callback_and_that_is_the_last() {
    let fixture = Fixture::new();
    let own = Arc::new(PlMutex::new(None));
    let calls = Arc::new(PlMutex::new(0));
    let (manager, me, count) = (fixture.0.clone(), Arc::clone(&own), Arc::clone(&calls));
    let a = fixture.client(1, |_| ());
    let b = fixture.client(2, move |_| {
        *count.lock() += 1;
        let me = me.lock().expect("set before the first callback");
        manager.deregister(me).unwrap();
        assert_eq!(manager.deregister(me), Err(Refusal::BadHandle(me.0)));
    });
    *own.lock() = Some(b);
    fixture.0.take(a, link(1)).unwrap();
    for last in 1..=3 {
        fixture.0.add_membership(a, group(last), link(1), Join::State).unwrap();
    }
    assert_eq!(*calls.lock(), 1);
}

#[test]
fn t1_6_two_callbacks_that_deregister_each_others_client_are_refused_not_deadlocked() {
    let fixture = Fixture::new();
    let ids: Arc<PlMutex<Vec<ClientId>>> = Arc::default();
    let barrier = Arc::new(std::sync::Barrier::new(2));
    let mut expect = Vec::new();
    let (results, outcomes) = mpsc::channel();
    let (enter, entered) = mpsc::channel();
    for me in 0..2 {
        let (manager, ids, barrier, results) =
            (fixture.0.clone(), Arc::clone(&ids), Arc::clone(&barrier), results.clone());
        let enter = enter.clone();
        expect.push(fixture.client(10 + me as u32 * 100 + 1, move |notice| {
            // Once: which threads make the later callbacks is open, and one
            // alone might have to make both.
            if !matches!(notice, Notice::Join { flow, .. } if *flow == group(1)) {
                return;
            }
            enter.send(()).unwrap();
            barrier.wait(); // both callbacks are running
            let other = ids.lock()[1 - me];
            results.send(manager.deregister(other)).unwrap();
            barrier.wait();
        }));
    }
    *ids.lock() = expect;
    let joiners: Vec<ClientId> = (0..2).map(|n| fixture.client(50 + n, |_| ())).collect();
    fixture.0.take(joiners[0], link(1)).unwrap();
    // One join reaches both clients in turn on one thread, so use two upcall-like threads.
    let manager = fixture.0.clone();
    let first = joiners[0];
    let t1 = std::thread::spawn(move || {
        manager.add_membership(first, group(1), link(1), Join::State).unwrap();
    });
    entered.recv_timeout(Duration::from_secs(20)).expect("the first callback");
    let manager = fixture.0.clone();
    let second = joiners[1];
    fixture.0.take(second, link(2)).unwrap();
    let t2 = std::thread::spawn(move || {
        manager.add_membership(second, group(2), link(2), Join::State).unwrap();
    });
    for _ in 0..2 {
        let outcome = outcomes.recv_timeout(Duration::from_secs(20)).expect("no deadlock");
        assert_eq!(outcome, Err(Refusal::CallbackRunning));
    }
    t1.join().unwrap();
    t2.join().unwrap();
}

#[test]
fn t5_4_a_packet_waits_for_its_callbacks_and_is_forwarded_after_them() {
    let fixture = Fixture::new();
    let log = Arc::default();
    let (a, b) = (fixture.recorder(1, &log), fixture.recorder(2, &log));
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    fixture.0.add_route(source_route(1)).unwrap();
    fixture.0.add_membership(b, group(1), link(2), Join::State).unwrap();
    log.lock().clear();
    let verdict = fixture.0.packet_in(packet(1, 1)).unwrap();
    assert_eq!(verdict, Verdict { accepted: true, oifs: [link(2)].into_iter().collect() });
    assert_eq!(*log.lock(), ["1: Rpf", "2: Creation"]);
    let row = fixture.0.with_mfe(packet(1, 1).flow, true, Clone::clone).unwrap();
    assert_eq!((row.packets, row.octets, row.oifs[0].packets), (1, 100, 1));
}

#[test]
fn t8_6_packet_in_and_stop_are_refused_inside_a_callback() {
    let fixture = Fixture::new();
    let (manager, outcome) = (fixture.0.clone(), Arc::new(PlMutex::new(None)));
    let seen = Arc::clone(&outcome);
    let a = fixture.client(1, |_| ());
    fixture.client(2, move |_| {
        *seen.lock() = Some((manager.packet_in(packet(1, 1)), manager.stop()));
    });
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.add_membership(a, group(1), link(1), Join::State).unwrap();
    let refused = (Err(Refusal::InsideCallback), Err(Refusal::InsideCallback));
    assert_eq!(outcome.lock().take(), Some(refused));
}

#[test]
fn t8_4_a_callback_that_sleeps_delays_nobody_elses_packets() {
    let fixture = Fixture::new();
    let (release, held) = mpsc::channel::<()>();
    let held = PlMutex::new(held);
    let (entered, has_entered) = mpsc::channel();
    let a = fixture.client(1, |_| ());
    let sleeper = fixture.client(2, move |notice| {
        if matches!(notice, Notice::Rpf { .. }) {
            entered.send(()).unwrap();
            let _ = held.lock().recv();
        }
    });
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(sleeper, link(2)).unwrap();
    fixture.0.add_route(source_route(1)).unwrap();
    let other = Route { network: Ipv4Addr::new(10, 9, 0, 0), prefix_len: 16, ..source_route(2) };
    fixture.0.add_route(other).unwrap();
    let manager = fixture.0.clone();
    let stuck = std::thread::spawn(move || {
        let flow = Flow::new(Ipv4Addr::new(10, 9, 0, 1), Ipv4Addr::new(239, 1, 1, 9));
        manager.packet_in(PacketIn { flow, ..packet(9, 2) }).unwrap()
    });
    has_entered.recv().unwrap();
    for last in 1..=100 {
        assert!(fixture.0.packet_in(packet(last, 1)).unwrap().accepted);
    }
    release.send(()).unwrap();
    assert!(stuck.join().unwrap().accepted);
}

#[test]
fn t2_3_disable_the_change_enable_in_that_order_and_igmp_joins_again_inside_enable() {
    let fixture = Fixture::new();
    let log: Arc<PlMutex<Vec<String>>> = Arc::default();
    let own = Arc::new(PlMutex::new(None));
    let (manager, heard, me) = (fixture.0.clone(), Arc::clone(&log), Arc::clone(&own));
    let igmp = fixture.client(10, move |notice| {
        let owner = manager.protocol_on(link(1)).map(|(protocol, _)| protocol);
        let added = manager.add_membership(me.lock().unwrap(), group(1), link(1), Join::State);
        heard.lock().push(format!("10: {} owner {owner:?} add {}", short(notice), added.is_ok()));
    });
    *own.lock() = Some(igmp);
    let pim = fixture.recorder(2, &log);
    fixture.0.take(igmp, link(1)).unwrap();
    fixture.0.take(pim, link(1)).unwrap();
    assert_eq!(
        *log.lock(),
        [
            "10: DisableIgmp owner Ok(10) add false",
            "10: EnableIgmp owner Ok(2) add true",
            "2: LocalJoin",
        ]
    );
}

#[test]
fn t5_6_the_timer_ends_mfes() {
    let manager = Manager::new();
    let settings =
        Settings { forwarder: ForwarderChoice::Memory, mfe_timeout: 1, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    let fixture = Fixture(manager);
    let a = fixture.client(1, |_| ());
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.add_route(source_route(1)).unwrap();
    fixture.0.packet_in(packet(1, 1)).unwrap();
    let flow = packet(1, 1).flow;
    assert!(fixture.0.with_mfe(flow, false, |_| ()).is_ok());
    for _ in 0..200 {
        if fixture.0.with_mfe(flow, false, |_| ()).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the MFE is still there after 10 s");
}

#[test]
fn t1_4_numbers_do_not_repeat_after_a_stop() {
    let fixture = Fixture::new();
    let first = fixture.client(1, |_| ());
    let open = fixture.0.enum_start(first, EnumKind::AllSources).unwrap();
    fixture.0.stop().unwrap();
    assert_eq!(fixture.0.deregister(first), Err(Refusal::BadHandle(first.0)));
    let again = fixture.client(1, |_| ());
    assert_ne!(first, again);
    assert_ne!(open, fixture.0.enum_start(again, EnumKind::AllSources).unwrap());
}

#[test]
fn t0_8_the_handle_is_looked_at_before_the_interface() {
    let fixture = Fixture::new();
    let a = fixture.client(1, |_| ());
    let gone = fixture.client(2, |_| ());
    fixture.0.deregister(gone).unwrap();
    // No client has interface 9. For a client's interface the code would be another one.
    let delete = |client| fixture.0.delete_membership(client, group(1), link(9), Join::State);
    assert_eq!(delete(a), Err(Refusal::NobodyOwns(link(9))));
    assert_eq!(delete(gone), Err(Refusal::BadHandle(gone.0)));
    assert_eq!(fixture.0.take(gone, link(0)), Err(Refusal::BadHandle(gone.0)));
    assert_eq!(fixture.0.take(a, link(0)), Err(Refusal::ZeroInterface));
}

#[test]
fn t7_4_an_ended_enumeration_is_no_handle_and_its_client_goes_on() {
    let fixture = Fixture::new();
    let a = fixture.client(1, |_| ());
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.add_membership(a, group(1), link(1), Join::State).unwrap();
    let ended = fixture.0.enum_start(a, EnumKind::AllSources).unwrap();
    let other = fixture.0.enum_start(a, EnumKind::AllSources).unwrap();
    fixture.0.enum_end(ended).unwrap();
    assert_eq!(fixture.0.enum_next(ended, 1, &mut |_| ()), Err(Refusal::BadHandle(ended.0)));
    assert_eq!(fixture.0.enum_end(ended), Err(Refusal::BadHandle(ended.0)));
    let mut found = Vec::new();
    assert_eq!(fixture.0.enum_next(other, 9, &mut |flow| found.push(flow)), Ok(false));
    assert_eq!(found, [group(1)], "another one of the client's is not disturbed");
}

#[test]
fn t2_3_igmp_without_enable_is_not_barred_for_ever() {
    for lacks in [
        vec![],
        vec![NoticeKind::EnableIgmp],
        vec![NoticeKind::DisableIgmp],
        vec![NoticeKind::DisableIgmp, NoticeKind::EnableIgmp],
    ] {
        let fixture = Fixture::new();
        let script = Script { lacks, on_call: Box::new(|_| ()) };
        let igmp = fixture.0.register(Box::new(script), 10, 0).unwrap();
        fixture.0.take(igmp, link(2)).unwrap();
        // A take inside a callback changes the owner at once.
        let (manager, taker) = (fixture.0.clone(), Arc::new(PlMutex::new(None)));
        let me = Arc::clone(&taker);
        let pim = fixture.client(2, move |_| {
            if let Some(me) = me.lock().take() {
                manager.take(me, link(2)).unwrap();
            }
        });
        *taker.lock() = Some(pim);
        let joiner = fixture.client(3, |_| ());
        fixture.0.take(joiner, link(1)).unwrap();
        fixture.0.add_membership(joiner, group(1), link(1), Join::State).unwrap();
        assert_eq!(fixture.0.protocol_on(link(2)), Ok((2, 0)));
        fixture.0.add_membership(igmp, group(2), link(2), Join::State).unwrap();
    }
}
