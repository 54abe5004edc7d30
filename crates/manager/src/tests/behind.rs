//! Clients that are behind: what they are told when they catch up (spec 8.9).

use super::adverse::until;
use super::*;
use crate::status::Detail;
use crate::types::Scope;
use std::thread::JoinHandle;

/// So many callbacks wait for a client before it is behind.
const WAITING: usize = 1024;

/// A client that is stuck in a callback, with so many others waiting that it is behind. The callbacks
/// after those are recorded.
struct Slow {
    fixture: Fixture,
    /// The client that is behind, and the one of whose joins it was not told.
    slow: ClientId,
    busy: ClientId,
    heard: Arc<PlMutex<Vec<String>>>,
    go_on: Option<mpsc::Sender<()>>,
    stuck: Option<JoinHandle<()>>,
}

/// A notice in words.
fn words(notice: &Notice) -> String {
    match notice {
        Notice::PruneMfe { flow, .. } => format!("prune {flow} mfe"),
        Notice::LocalJoin { flow, interface } => {
            format!("local join {flow} on {}", interface.index)
        }
        Notice::LocalLeave { flow, interface } => {
            format!("local leave {flow} on {}", interface.index)
        }
        other => short(other),
    }
}

impl Slow {
    /// `before` is called while the client is not behind yet. It may use interfaces from 10 on.
    fn new(protocol: u32, before: impl FnOnce(&Fixture, ClientId)) -> Slow {
        Slow::new_in(Fixture::new(), protocol, before)
    }

    /// The same, with other clients.
    fn new_in(fixture: Fixture, protocol: u32, before: impl FnOnce(&Fixture, ClientId)) -> Slow {
        let heard: Arc<PlMutex<Vec<String>>> = Arc::default();
        let (go_on, wait) = mpsc::channel::<()>();
        let (stick, sticks) = mpsc::channel();
        let (wait, own) = (PlMutex::new(wait), Arc::clone(&heard));
        let slow = fixture.client(protocol, move |notice| {
            own.lock().push(words(notice));
            if matches!(notice, Notice::Join { flow, .. } if *flow == group(250)) {
                stick.send(()).ok();
                wait.lock().recv().ok();
            }
        });
        let busy = fixture.client(900, |_| ());
        fixture.0.take(busy, link(9)).unwrap();
        before(&fixture, slow);
        let manager = fixture.0.clone();
        let stuck = std::thread::spawn(move || {
            manager.add_membership(busy, group(250), link(9), Join::State).unwrap();
        });
        sticks.recv().unwrap();
        for number in 0..WAITING {
            // Each change is made while the client is in its first callback.
            let flow = group(251);
            if number % 2 == 0 {
                fixture.0.add_membership(busy, flow, link(9), Join::State).unwrap();
            } else {
                fixture.0.delete_membership(busy, flow, link(9), Join::State).unwrap();
            }
        }
        Slow { fixture, slow, busy, heard, go_on: Some(go_on), stuck: Some(stuck) }
    }

    fn join(&self, flow: Flow) {
        self.fixture.0.add_membership(self.busy, flow, link(9), Join::State).unwrap();
    }

    fn leave(&self, flow: Flow) {
        self.fixture.0.delete_membership(self.busy, flow, link(9), Join::State).unwrap();
    }

    /// Whether it is behind, how many wait, and how many are noted.
    fn state(&self) -> (bool, usize, usize) {
        let status = self.fixture.0.status(Detail::SUMMARY);
        let all = status.clients.iter().find(|client| client.serial == self.slow.0);
        all.map(|client| (client.behind, client.queued, client.noted)).unwrap()
    }

    /// Its callback returns. Returns what it is told while it catches up.
    fn catches_up(&mut self) -> Vec<String> {
        let before = self.heard.lock().len() + self.state().1;
        self.go_on = None;
        self.stuck.take().unwrap().join().unwrap();
        until("it has caught up", || self.state() == (false, 0, 0));
        self.heard.lock().split_off(before)
    }
}

#[test]
fn t8_9_a_client_that_is_behind_is_told_how_things_stand_once() {
    let mut slow = Slow::new(1, |_, _| ());
    assert_eq!(slow.state(), (false, WAITING, 0));
    for _ in 0..3 {
        slow.join(group(1));
        slow.leave(group(1));
        slow.join(group(2));
    }
    slow.leave(group(250));
    assert_eq!(slow.state(), (true, WAITING, 3));
    let told = slow.catches_up();
    assert_eq!(
        told,
        ["prune (*, 239.1.1.1)", "join (*, 239.1.1.2) true", "prune (*, 239.1.1.250)"]
    );
    slow.join(group(1));
    until("it hears each change again", || {
        slow.heard.lock().last().is_some_and(|last| last == "join (*, 239.1.1.1) true")
    });
    assert_eq!(slow.fixture.0.status(Detail::SUMMARY).counters.fell_behind, 1);
}

#[test]
fn t8_9_the_end_of_a_wildcard_is_followed_by_what_holds() {
    let mut slow = Slow::new(1, |fixture, _| {
        let other = fixture.client(2, |_| ());
        fixture.0.take(other, link(10)).unwrap();
        fixture.0.add_membership(other, group(7), link(10), Join::State).unwrap();
    });
    slow.join(group(1));
    slow.join(Flow::WILDCARD);
    slow.join(group(2));
    slow.leave(group(1));
    slow.leave(Flow::WILDCARD);
    let told = slow.catches_up();
    let expected = ["prune (*, *)", "join (*, 239.1.1.2) true", "join (*, 239.1.1.7) true"];
    assert_eq!(told[..3], expected);
    assert_eq!(told[3..], ["join (*, 239.1.1.250) true"]);
}

#[test]
fn t8_9_under_a_wildcard_it_is_told_of_no_group() {
    let mut slow = Slow::new(1, |_, _| ());
    slow.join(group(1));
    slow.join(Flow::WILDCARD);
    slow.leave(group(1));
    assert_eq!(slow.catches_up(), ["join (*, *) true"]);
}

#[test]
fn t8_9_a_newcomer_that_is_behind_is_told_of_no_old_join() {
    let fixture = Fixture::new();
    let other = fixture.client(2, |_| ());
    fixture.0.take(other, link(10)).unwrap();
    fixture.0.add_membership(other, group(7), link(10), Join::State).unwrap();
    let mut slow = Slow::new_in(fixture, 1, |_, _| ());
    slow.join(group(7)); // nothing changes for the new client
    slow.join(group(1));
    assert_eq!(slow.catches_up(), ["join (*, 239.1.1.1) true"]);
    assert!(!slow.heard.lock().iter().any(|line| line.contains("239.1.1.7")));
}

#[test]
fn t8_9_igmp_is_told_the_truth_whoever_acted() {
    // IGMP's memberships on P's interface count for P: others', for IGMP itself.
    let mut owner = None;
    let mut slow = Slow::new(10, |fixture, igmp| {
        let p = fixture.client(2, |_| ());
        fixture.0.take(igmp, link(10)).unwrap();
        fixture.0.take(p, link(10)).unwrap();
        owner = Some(p);
    });
    let (manager, igmp) = (slow.fixture.0.clone(), slow.slow);
    let act = |on, flow| {
        if on {
            manager.add_membership(igmp, flow, link(10), Join::State).unwrap();
        } else {
            manager.delete_membership(igmp, flow, link(10), Join::State).unwrap();
        }
    };
    slow.join(group(1)); // noted
    act(true, group(1)); // its own call
    slow.leave(group(1)); // P's component still has it
    act(true, group(2)); // only its own call: no alert, no note
    assert_eq!(slow.catches_up(), ["join (*, 239.1.1.1) true"]);
}

#[test]
fn t8_9_of_mfes_those_are_told_that_are_there() {
    let mut slow = Slow::new(1, |fixture, slow| {
        fixture.0.take(slow, link(10)).unwrap();
        fixture.0.add_route(source_route(10)).unwrap();
        for last in 1..=3 {
            let flow = packet(last, 10).flow;
            fixture.0.add_membership(slow, flow, link(10), Join::State).unwrap();
            fixture.0.packet_in(packet(last, 10)).unwrap(); // negative
        }
    });
    // Some get an oif, and lose it again.
    let flow = |last| packet(last, 10).flow;
    slow.join(group(1));
    slow.join(group(2));
    slow.leave(group(2));
    slow.join(group(3));
    assert_eq!(slow.state().2, 6, "a group and an MFE each");
    // The third MFE goes.
    let scope = Scope::new([239, 1, 1, 3].into(), 32).unwrap();
    slow.fixture.0.add_boundary(10, scope).unwrap();
    assert!(slow.fixture.0.with_mfe(flow(3), false, |_| ()).is_err());
    let told = slow.catches_up();
    let of_mfes: Vec<_> = told.iter().filter(|line| !line.contains('*')).collect();
    assert_eq!(of_mfes, ["join (10.0.0.1, 239.1.1.1) false", "prune (10.0.0.1, 239.1.1.2) mfe"]);
}

#[test]
fn t8_9_what_waits_of_igmp_goes_with_the_interface() {
    let mut igmp = None;
    let mut slow = Slow::new(1, |fixture, slow| {
        let client = fixture.client(10, |_| ());
        for index in [10, 11] {
            fixture.0.take(slow, link(index)).unwrap();
            fixture.0.take(client, link(index)).unwrap();
        }
        igmp = Some(client);
    });
    let (manager, igmp) = (slow.fixture.0.clone(), igmp.unwrap());
    for index in [10, 11] {
        for last in 1..=2 {
            manager.add_membership(igmp, group(last), link(index), Join::State).unwrap();
        }
        manager.delete_membership(igmp, group(2), link(index), Join::State).unwrap();
    }
    assert_eq!(slow.state().2, 4);
    // Released and taken again: it is told what IGMP adds now, and nothing from before.
    manager.release(slow.slow, link(10)).unwrap();
    manager.take(slow.slow, link(10)).unwrap();
    manager.add_membership(igmp, group(3), link(10), Join::State).unwrap();
    assert_eq!(
        slow.catches_up(),
        [
            "local join (*, 239.1.1.1) on 11",
            "local leave (*, 239.1.1.2) on 11",
            "local join (*, 239.1.1.3) on 10",
        ]
    );
}

#[test]
fn t8_9_packets_on_wrong_interfaces_are_dropped_and_counted() {
    let mut slow = Slow::new(1, |fixture, slow| {
        fixture.0.take(slow, link(10)).unwrap();
        fixture.0.add_route(source_route(9)).unwrap();
    });
    for last in 1..=5 {
        slow.fixture.0.packet_in(packet(last, 10)).unwrap();
    }
    let status = slow.fixture.0.status(Detail::SUMMARY);
    assert_eq!(status.counters.wrong_if_dropped, 5);
    assert_eq!(status.clients[0].wrong_if_dropped, 5);
    assert_eq!(slow.catches_up(), [""; 0]);
}

#[test]
fn t8_9_changes_of_hands_join_the_pair_that_has_not_begun() {
    let mut slow = Slow::new(10, |fixture, igmp| {
        fixture.0.take(igmp, link(10)).unwrap();
    });
    let flips = Arc::new(PlMutex::new(None));
    let (manager, own) = (slow.fixture.0.clone(), Arc::clone(&flips));
    // In a callback each change is immediate, and the pair comes later (2.3).
    let flipper = slow.fixture.client(2, move |notice| {
        let Some(me) = *own.lock() else { return };
        if matches!(notice, Notice::Join { flow, .. } if *flow == group(5)) {
            for _ in 0..50 {
                manager.take(me, link(10)).unwrap();
                manager.release(me, link(10)).unwrap();
            }
        }
    });
    *flips.lock() = Some(flipper);
    slow.join(group(5));
    assert_eq!(slow.state(), (true, WAITING + 2, 1), "one pair");
    let told = slow.catches_up();
    assert_eq!(told, ["join (*, 239.1.1.5) true"]);
    let heard = slow.heard.lock();
    assert_eq!(heard[heard.len() - 2..], ["DisableIgmp", "EnableIgmp"]);
}

#[test]
fn t8_9_many_groups_are_told_in_their_own_time() {
    const MANY: u16 = 3000;
    let fixture = Fixture::new();
    let heard: Arc<PlMutex<Vec<Flow>>> = Arc::default();
    let own = Arc::clone(&heard);
    let quick = fixture.client(1, move |notice| match notice {
        Notice::Join { flow, .. } if *flow != Flow::WILDCARD => own.lock().push(*flow),
        Notice::Prune { .. } => own.lock().clear(),
        _ => {}
    });
    let busy = fixture.client(2, |_| ());
    fixture.0.take(busy, link(2)).unwrap();
    let flows: Vec<Flow> = (0..MANY)
        .map(|number| {
            let [high, low] = number.to_be_bytes();
            Flow::any_source(Ipv4Addr::new(239, 2, high, low))
        })
        .collect();
    fixture.0.add_membership(busy, Flow::WILDCARD, link(2), Join::State).unwrap();
    for &flow in &flows {
        fixture.0.add_membership(busy, flow, link(2), Join::State).unwrap();
    }
    assert!(heard.lock().is_empty());
    fixture.0.delete_membership(busy, Flow::WILDCARD, link(2), Join::State).unwrap();
    until("all groups", || *heard.lock() == flows);
    fixture.0.deregister(quick).unwrap();
}

#[test]
fn t8_4_a_stuck_caller_delays_nobody_elses_alerts() {
    let fixture = Fixture::new();
    let heard: Arc<PlMutex<Vec<String>>> = Arc::default();
    let own = Arc::clone(&heard);
    let (go_on, wait) = mpsc::channel::<()>();
    let (ready, is_ready) = mpsc::channel::<()>();
    let wait = PlMutex::new(wait);
    let ready = PlMutex::new(ready);
    let busy = fixture.client(900, |_| ());
    fixture.0.take(busy, link(9)).unwrap();
    let x = fixture.client(901, |_| ());
    fixture.0.take(x, link(8)).unwrap();
    let manager = fixture.0.clone();
    // A: inside its callback it makes more changes than can wait, and does not return.
    fixture.client(1, move |notice| {
        if matches!(notice, Notice::Join { flow, .. } if *flow == group(250)) {
            for number in 0..=WAITING {
                if number % 2 == 0 {
                    manager.add_membership(busy, group(251), link(9), Join::State).unwrap();
                } else {
                    manager.delete_membership(busy, group(251), link(9), Join::State).unwrap();
                }
            }
            ready.lock().send(()).ok();
            wait.lock().recv().ok();
        }
    });
    // B is told.
    fixture.client(2, move |notice| own.lock().push(words(notice)));
    let manager = fixture.0.clone();
    let stuck = std::thread::spawn(move || {
        manager.add_membership(x, group(250), link(8), Join::State).unwrap();
    });
    is_ready.recv().unwrap();
    fixture.0.add_membership(x, group(77), link(8), Join::State).unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(5);
    let mut ok = false;
    while std::time::Instant::now() < end && !ok {
        ok = heard.lock().iter().any(|line| line.contains("1.77"));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let n = heard.lock().len();
    drop(go_on);
    stuck.join().unwrap();
    assert!(ok, "B heard {n} in 5 s, and not of X's join");
}

#[test]
fn t8_9_the_outbox_of_a_long_callback_is_bounded() {
    let fixture = Fixture::new();
    let busy = fixture.client(900, |_| ());
    fixture.0.take(busy, link(9)).unwrap();
    let x = fixture.client(901, |_| ());
    fixture.0.take(x, link(8)).unwrap();
    let manager = fixture.0.clone();
    let longest = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let out = Arc::clone(&longest);
    fixture.client(1, move |notice| {
        if matches!(notice, Notice::Join { flow, .. } if *flow == group(250)) {
            for round in 0..100 {
                for _ in 0..50 {
                    manager.add_membership(busy, group(251), link(9), Join::State).unwrap();
                    manager.delete_membership(busy, group(251), link(9), Join::State).unwrap();
                }
                // The call of another thread delivers them, or lets a worker do so.
                let other = manager.clone();
                std::thread::spawn(move || {
                    let flow = group(10 + round % 50);
                    other.add_membership(x, flow, link(8), Join::State).unwrap();
                    other.delete_membership(x, flow, link(8), Join::State).unwrap();
                })
                .join()
                .unwrap();
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            let len = crate::context::outbox(|outbox| outbox.len());
            out.store(len, std::sync::atomic::Ordering::Relaxed);
        }
    });
    fixture.client(2, |_| ());
    fixture.0.add_membership(x, group(250), link(8), Join::State).unwrap();
    let len = longest.load(std::sync::atomic::Ordering::Relaxed);
    assert!(len <= WAITING, "{len} tickets");
}

#[test]
fn t8_9_igmp_that_was_behind_is_enabled_in_the_end() {
    let fixture = Fixture::new();
    let heard: Arc<PlMutex<Vec<String>>> = Arc::default();
    let own = Arc::clone(&heard);
    let (go_on, wait) = mpsc::channel::<()>();
    let (stick, sticks) = mpsc::channel::<()>();
    let (wait, stick) = (PlMutex::new(wait), PlMutex::new(stick));
    let first = std::sync::atomic::AtomicBool::new(true);
    let igmp = fixture.client(10, move |notice| {
        match notice {
            Notice::Join { flow, .. } if *flow == group(250) => {}
            Notice::DisableIgmp { .. }
                if first.swap(false, std::sync::atomic::Ordering::Relaxed) => {}
            Notice::DisableIgmp { .. } => return own.lock().push("disable".into()),
            Notice::EnableIgmp { .. } => return own.lock().push("enable".into()),
            _ => return,
        }
        stick.lock().send(()).ok();
        wait.lock().recv().ok();
    });
    let busy = fixture.client(900, |_| ());
    fixture.0.take(busy, link(9)).unwrap();
    fixture.0.take(igmp, link(10)).unwrap();
    let manager = fixture.0.clone();
    let stuck = std::thread::spawn(move || {
        manager.add_membership(busy, group(250), link(9), Join::State).unwrap();
    });
    sticks.recv().unwrap();
    for number in 0..WAITING + 20 {
        if number % 2 == 0 {
            fixture.0.add_membership(busy, group(251), link(9), Join::State).unwrap();
        } else {
            fixture.0.delete_membership(busy, group(251), link(9), Join::State).unwrap();
        }
    }
    let link10 = link(10);
    fixture.0.host_delete_interface(link10).unwrap(); // the first DISABLE waits
    go_on.send(()).unwrap();
    sticks.recv().unwrap(); // and has begun
    fixture.0.host_add_interface(link10).unwrap();
    fixture.0.host_delete_interface(link10).unwrap();
    fixture.0.host_add_interface(link10).unwrap();
    drop(go_on);
    stuck.join().unwrap();
    until("ENABLE_IGMP to be the last", || {
        let code = fixture.0.add_membership(igmp, group(1), link10, Join::State);
        code.is_ok() && heard.lock().last().is_some_and(|last| last == "enable")
    });
}
