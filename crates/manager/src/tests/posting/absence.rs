//! Clients in other processes that answer late or not at all, and what the router does meanwhile.

use super::super::bursts::{bring, events};
use super::*;
use crate::forwarder::{Upcall, UpcallKind};
use crate::incoming_events::EventSink;

#[test]
fn t9_6_a_client_that_has_acknowledged_everything_shows_that_the_process_is_not_silent() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let a = fixture.client(1, |_| ());
    let (stuck, prompt) = (process.client(&fixture, 2), process.client(&fixture, 3));
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.add_membership(a, group(1), link(1), Join::State).unwrap();
    std::thread::sleep(Duration::from_millis(60));
    let begun = std::time::Instant::now();
    fixture.0.acknowledge(7, &unchanged(prompt, 1..=1));
    let behind = fixture.0.backlogged(7);
    assert!(behind.waiting == 1 && is_silent_since(begun, &behind), "{behind:?}");
    std::thread::sleep(Duration::from_millis(60));
    assert!(fixture.0.backlogged(7).silent_ms >= 40, "it acknowledges nothing any longer");
    fixture.0.acknowledge(7, &unchanged(stuck, 1..=1));
    assert_eq!(fixture.0.backlogged(7), Backlogged::default());
}

fn is_absent(fixture: &Fixture) -> bool {
    let status = fixture.0.status(Detail::SUMMARY);
    status.clients.iter().any(|client| client.process.as_ref().is_some_and(|there| there.absent))
}

#[test]
fn t9_5_an_absent_client_is_asked_again_under_a_steady_load() {
    let process = Process::new(7);
    let (fixture, client) = asked(&process);
    let waiting: Vec<_> = (1..=3).map(|last| packet_elsewhere(&fixture, last)).collect();
    let mut sent = 0;
    while sent < 3 {
        sent += await_sent(&process).len();
    }
    fixture.0.check_answers(0);
    waiting.into_iter().for_each(|one| drop(one.join().unwrap()));
    assert!(is_absent(&fixture));
    // At no time is everything acknowledged.
    let join = |last| fixture.0.add_membership(ClientId(2), group(last), link(2), Join::State);
    join(20).unwrap();
    let mut last = process.take().last().expect("an absent client is sent alerts").0;
    for number in 21..30 {
        join(number).unwrap();
        fixture.0.acknowledge(7, &unchanged(client, 1..=last));
        last = process.take().last().unwrap().0;
    }
    assert!(!is_absent(&fixture), "it has acknowledged what was sent before");
    let again = packet_elsewhere(&fixture, 7);
    let asked = await_sent(&process);
    assert!(matches!(asked[0].2, Notice::Rpf { .. }), "{asked:?}");
    fixture.0.acknowledge(7, &unchanged(client, 1..=asked[0].0));
    again.join().unwrap();
}

#[test]
fn t9_5_a_client_that_is_absent_with_nothing_to_acknowledge_is_asked_when_there_is_room() {
    let process = Process::new(7);
    let (fixture, client) = asked(&process);
    let is_full = |full| process.is_full.store(full, std::sync::atomic::Ordering::Relaxed);
    is_full(true);
    let first = packet_elsewhere(&fixture, 1);
    while !first.is_finished() {
        fixture.0.check_answers(0);
    }
    first.join().unwrap();
    assert!(is_absent(&fixture));
    is_full(false);
    fixture.0.post_more(7);
    assert!(!is_absent(&fixture));
    let again = packet_elsewhere(&fixture, 7);
    let asked = await_sent(&process);
    assert!(matches!(asked[0].2, Notice::Rpf { .. }), "{asked:?}");
    fixture.0.acknowledge(7, &unchanged(client, 1..=asked[0].0));
    again.join().unwrap();
}

#[test]
fn t9_5_a_disable_that_cannot_be_sent_yet_has_a_deadline() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let a = fixture.client(1, |_| ());
    let igmp = process.client(&fixture, 10);
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(igmp, link(2)).unwrap();
    fixture.0.add_membership(igmp, group(1), link(2), Join::State).unwrap();
    let full = WINDOW as u32 + 10;
    for n in 0..full {
        let flow = Flow::any_source(Ipv4Addr::from(0xef02_0000 + n));
        fixture.0.add_membership(a, flow, link(1), Join::State).unwrap();
    }
    assert_eq!(process.take().len(), WINDOW, "the window is full");
    fixture.0.take(a, link(2)).unwrap();
    let memberships = || fixture.0.status(Detail::SUMMARY).totals.memberships;
    assert_eq!(memberships(), full as usize + 1, "the change of owner waits for DISABLE_IGMP");
    let left = fixture.0.check_answers(60_000).expect("the question has a deadline");
    assert!(left > Duration::from_secs(30), "{left:?}");
    fixture.0.check_answers(0);
    assert_eq!(memberships(), full as usize, "the owner has changed");
}

/// A router in which questions about so many new flows wait for a client process.
fn with_questions(process: &Arc<Process>, count: u16) -> (Fixture, EventSink) {
    with_questions_of(process, count, 0)
}

/// The same, if the state of the client stays for some seconds after the end of the process.
fn with_questions_of(process: &Arc<Process>, count: u16, grace: u32) -> (Fixture, EventSink) {
    let fixture = Fixture::new();
    let client = process.try_client(&fixture, 1, grace).unwrap();
    let deaf = Script { lacks: NoticeKind::ALL.to_vec(), on_call: Box::new(|_| ()) };
    let listener = fixture.0.register(Box::new(deaf), 2, 0).unwrap();
    fixture.0.add_route(source_route(1)).unwrap();
    fixture.0.take(client, link(1)).unwrap();
    fixture.0.take(listener, link(2)).unwrap();
    fixture.0.add_membership(listener, Flow::WILDCARD, link(2), Join::State).unwrap();
    let events = events(&fixture);
    let packets = (0..count).map(|number| {
        let group = Ipv4Addr::from(0xef03_0000 + u32::from(number));
        let (kind, flow) = (UpcallKind::NoCache, Flow::new(SOURCE, group));
        Upcall { kind, flow, arrival: link(1), header: Vec::new() }
    });
    bring(&events, packets.collect());
    process.take();
    assert_eq!(mfes(&fixture), 0);
    (fixture, events)
}

fn mfes(fixture: &Fixture) -> usize {
    fixture.0.status(Detail::SUMMARY).totals.mfes
}

#[test]
fn d115_the_questions_of_an_absent_client_get_the_default_in_portions() {
    let process = Process::new(7);
    let (fixture, _events) = with_questions(&process, 600);
    let (mut before, mut largest) = (0, 0);
    loop {
        let goes_on = fixture.0.check_answers(0) == Some(Duration::ZERO);
        let now = mfes(&fixture);
        largest = largest.max(now - before);
        before = now;
        if !goes_on {
            break;
        }
    }
    assert_eq!(mfes(&fixture), 600);
    // Including those that have missed their deadlines.
    assert!(largest <= 64 + 3, "one portion is about {largest} flows");
}

#[test]
fn d115_the_questions_of_a_process_that_has_ended_get_the_default_in_portions() {
    let process = Process::new(7);
    let (fixture, _events) = with_questions(&process, 600);
    let mut departure = fixture.0.begin_departure(7);
    let (mut before, mut largest, mut most) = (0, 0, 0);
    loop {
        let now = mfes(&fixture);
        largest = largest.max(now.saturating_sub(before));
        most = most.max(now);
        before = now;
        if !fixture.0.depart_some(&mut departure) {
            break;
        }
    }
    assert!(most == 600 && largest <= 64, "{most} flows, in portions of {largest}");
    assert_eq!(mfes(&fixture), 0, "they end with the interface");
}

#[test]
fn d115_grace_begins_when_the_questions_have_got_the_default() {
    let process = Process::new(7);
    let (fixture, _events) = with_questions_of(&process, 600, 60);
    let mut departure = fixture.0.begin_departure(7);
    while fixture.0.depart_some(&mut departure) {}
    assert_eq!(mfes(&fixture), 600);
    let status = fixture.0.status(Detail::SUMMARY);
    let left = status.clients[0].process.as_ref().and_then(|process| process.grace_ends_in_ms);
    assert!(left.is_some(), "its state stays");
}
