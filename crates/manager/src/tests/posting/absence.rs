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
