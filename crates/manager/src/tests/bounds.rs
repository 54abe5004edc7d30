//! How much one call does (spec 8.3).

use super::adverse::{as_upcall, until};
use super::*;
use crate::types::Time;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;

/// The callbacks that a call makes at most: those that it did not cause, and those that it did.
const OTHERS: usize = 32;
const OWN: usize = 1024;

fn flow(number: usize) -> Flow {
    let [.., high, low] = number.to_be_bytes();
    Flow::any_source(Ipv4Addr::new(239, 3, high, low))
}

/// The system starts no further thread.
fn refuse_workers(fixture: &Fixture) {
    fixture.0.lock().running().unwrap().pool.refused_until = Some(Time(u64::MAX));
}

/// Notices that workers have to deliver.
fn joins_as_upcalls(fixture: &Fixture, joiner: ClientId, index: u32, count: usize) {
    as_upcall(&fixture.0, |run| {
        for number in 0..count {
            let joined =
                run.engine.join(joiner, flow(number), link(index), Join::State, None, &mut run.fx);
            joined.unwrap();
        }
    });
}

#[test]
fn t8_3_without_workers_each_call_makes_some_of_their_callbacks() {
    let fixture = Fixture::new();
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    let a = fixture.client(1, |_| ());
    fixture.client(2, move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    fixture.0.take(a, link(1)).unwrap();
    refuse_workers(&fixture);
    joins_as_upcalls(&fixture, a, 1, 100);
    assert_eq!(heard.load(Ordering::Relaxed), 0);
    for made in [OTHERS, 2 * OTHERS, 3 * OTHERS, 100] {
        fixture.0.add_membership(a, flow(0), link(1), Join::State).unwrap(); // causes no alert
        assert_eq!(heard.load(Ordering::Relaxed), made);
    }
}

#[test]
fn t8_3_without_workers_packet_in_goes_on_until_its_flow_is_resolved() {
    let fixture = Fixture::new();
    let (a, b) = (fixture.client(1, |_| ()), fixture.client(2, |_| ()));
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    fixture.0.add_route(source_route(2)).unwrap();
    refuse_workers(&fixture);
    // B's question comes behind more callbacks than one call makes.
    joins_as_upcalls(&fixture, a, 1, 5 * OTHERS);
    assert!(fixture.0.packet_in(packet(1, 2)).unwrap().accepted);
}

#[test]
fn t8_3_a_call_makes_so_many_of_its_own_callbacks_and_a_worker_the_rest() {
    let fixture = Fixture::new();
    let heard: Arc<PlMutex<Vec<(Flow, ThreadId)>>> = Arc::default();
    let (own, manager) = (Arc::clone(&heard), fixture.0.clone());
    let me = Arc::new(PlMutex::new(None));
    let answerer = Arc::clone(&me);
    // After each join B joins the next group, and A is told: without end, if there were no bound.
    let a = fixture.client(1, move |notice| {
        if let Notice::Join { flow, .. } = notice {
            own.lock().push((*flow, std::thread::current().id()));
        }
    });
    let b = fixture.client(2, |_| ());
    fixture.client(3, move |notice| {
        let (Notice::Join { flow: heard, .. }, Some(b)) = (notice, *answerer.lock()) else {
            return;
        };
        let [.., high, low] = heard.group().octets();
        let next = usize::from(u16::from_be_bytes([high, low])) + 1;
        if next < 2 * OWN {
            manager.add_membership(b, flow(next), link(2), Join::State).unwrap();
        }
    });
    *me.lock() = Some(b);
    fixture.0.take(b, link(2)).unwrap();
    fixture.0.add_membership(b, flow(0), link(2), Join::State).unwrap();
    let here = std::thread::current().id();
    until("all of them", || heard.lock().len() == 2 * OWN);
    let heard = heard.lock();
    assert!(heard.iter().map(|(flow, _)| *flow).eq((0..2 * OWN).map(flow)), "in order");
    let made = heard.iter().filter(|(_, thread)| *thread == here).count();
    assert_eq!(made, OWN / 2, "the other half was the answerer's");
    assert!(heard[..made].iter().all(|(_, thread)| *thread == here));
    fixture.0.deregister(a).unwrap();
}

#[test]
fn t8_4_a_stuck_callback_takes_no_clients_along() {
    let fixture = Fixture::new();
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    let a = fixture.client(1, |_| ());
    fixture.0.take(a, link(1)).unwrap();
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (ready, is_ready) = std::sync::mpsc::channel::<()>();
    let (wait, ready) = (PlMutex::new(wait), PlMutex::new(ready));
    let manager = fixture.0.clone();
    fixture.client(3, move |notice| {
        if matches!(notice, Notice::Join { flow, .. } if *flow == self::flow(7777)) {
            ready.lock().send(()).ok();
            // Anything that publishes.
            std::thread::sleep(std::time::Duration::from_millis(200));
            manager.add_membership(a, self::flow(0), link(1), Join::State).unwrap();
            ready.lock().send(()).ok();
            wait.lock().recv().ok();
        }
    });
    let manager = fixture.0.clone();
    let thread = std::thread::spawn(move || {
        manager.add_membership(a, self::flow(7777), link(1), Join::State).unwrap();
    });
    is_ready.recv().unwrap();
    fixture.client(2, move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    refuse_workers(&fixture);
    joins_as_upcalls(&fixture, a, 1, 10);
    is_ready.recv().unwrap();
    for _ in 0..100 {
        fixture.0.add_membership(a, flow(0), link(1), Join::State).unwrap();
    }
    let n = heard.load(Ordering::Relaxed);
    drop(go_on);
    thread.join().unwrap();
    assert!(n > 0, "the other client has heard {n}");
}

#[test]
fn t8_3_threads_that_first_deliver_for_others_have_causes_of_their_own() {
    let fixture = Fixture::new();
    let a = fixture.client(1, |_| ());
    fixture.client(2, |_| ());
    fixture.0.take(a, link(1)).unwrap();
    refuse_workers(&fixture);
    joins_as_upcalls(&fixture, a, 1, 2 * OTHERS);
    let manager = &fixture.0;
    let cause = || {
        manager.add_membership(a, flow(0), link(1), Join::State).unwrap(); // causes no alert
        crate::context::outbox(crate::context::cause_of)
    };
    let causes = [(); 2].map(|()| std::thread::scope(|scope| scope.spawn(cause).join().unwrap()));
    assert_ne!(causes[0], causes[1]);
}
