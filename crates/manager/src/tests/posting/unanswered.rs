//! What holds if a client in another process does not answer CREATION_ALERT in time.

use super::*;

/// The outgoing interfaces of a packet whose CREATION_ALERT a client process does not answer.
fn unanswered_oifs(unanswered: Unanswered, stop: impl Fn(&Fixture)) -> Vec<Interface> {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let client = process.client_with(&fixture, unanswered);
    let sender = fixture.client(2, |_| ());
    fixture.0.add_route(source_route(1)).unwrap();
    fixture.0.take(sender, link(1)).unwrap();
    fixture.0.take(client, link(2)).unwrap();
    fixture.0.take(sender, link(3)).unwrap();
    for (of, index) in [(client, 2), (sender, 3)] {
        fixture.0.add_membership(of, group(1), link(index), Join::State).unwrap();
    }
    let decision = packet_elsewhere(&fixture, 1);
    while !await_sent(&process).iter().any(|(_, _, it)| matches!(it, Notice::Creation { .. })) {}
    stop(&fixture);
    decision.join().unwrap().oifs.to_vec()
}

#[test]
fn t9_5_without_an_answer_to_creation_alert_the_oifs_are_on_or_off_as_the_client_has_asked() {
    let both = vec![link(2), link(3)];
    let expires = |fixture: &Fixture| {
        fixture.0.check_answers(0);
    };
    assert_eq!(unanswered_oifs(Unanswered::OifsOn, expires), both);
    assert_eq!(unanswered_oifs(Unanswered::OifsOff, expires), [link(3)]);
    // What the client answers counts, whatever its default is.
    let answers = |fixture: &Fixture| fixture.0.acknowledge(7, &unchanged(ClientId(1), 1..=9));
    assert_eq!(unanswered_oifs(Unanswered::OifsOff, answers), both);
}

#[test]
fn t9_5_an_absent_client_has_its_oifs_off_if_it_has_asked_for_that() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let client = process.client_with(&fixture, Unanswered::OifsOff);
    let sender = fixture.client(2, |_| ());
    fixture.0.add_route(source_route(1)).unwrap();
    fixture.0.take(sender, link(1)).unwrap();
    fixture.0.take(client, link(2)).unwrap();
    for last in 1..10 {
        fixture.0.add_membership(client, group(last), link(2), Join::State).unwrap();
    }
    let waiting: Vec<_> = (1..=4).map(|last| packet_elsewhere(&fixture, last)).collect();
    let mut asked = 0;
    while asked < 4 {
        asked += await_sent(&process)
            .iter()
            .filter(|(_, _, notice)| matches!(notice, Notice::Creation { .. }))
            .count();
    }
    fixture.0.check_answers(0); // all deadlines expire, one after the other
    for one in waiting {
        assert!(one.join().unwrap().oifs.is_empty());
    }
    assert!(packet_elsewhere(&fixture, 5).join().unwrap().oifs.is_empty(), "it is absent");
}
