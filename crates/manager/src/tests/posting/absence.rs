//! Clients in other processes that answer late or not at all, and what the router does meanwhile.

use super::*;

#[test]
fn t9_6_a_client_that_has_acknowledged_everything_shows_that_the_process_is_not_silent() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let a = fixture.client(1, |_| ());
    let (stuck, prompt) = (process.client(&fixture, 2), process.client(&fixture, 3));
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.add_membership(a, group(1), link(1), Join::State).unwrap();
    std::thread::sleep(Duration::from_millis(60));
    fixture.0.acknowledge(7, &unchanged(prompt, 1..=1));
    let behind = fixture.0.backlogged(7);
    assert!(behind.waiting == 1 && behind.silent_ms < 40, "{behind:?}");
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
