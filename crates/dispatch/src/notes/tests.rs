//! What is noted for a client that is behind, and what it is told.

use super::*;

const FEW: Bounds = Bounds { others: 2, own: 2, waiting: 2, tickets: 2, notes: 4, batch: 2 };

/// Topic 0 becomes one note; topic 1 does not.
impl Key for (usize, u32) {
    fn topic(self) -> usize {
        self.0
    }

    fn becomes_one(topic: usize) -> bool {
        topic == 0
    }
}

type N = Notes<(usize, u32)>;

fn note(notes: &mut N, topic: usize, things: impl IntoIterator<Item = u32>, word: bool) {
    for thing in things {
        notes.note(About::One((topic, thing), word), &FEW);
    }
}

fn told(notes: &mut N) -> Vec<Tell<(usize, u32)>> {
    std::iter::from_fn(|| notes.next()).collect()
}

#[test]
fn t8_9_each_thing_is_noted_once_and_topics_are_told_in_their_order() {
    let mut notes = N::default();
    note(&mut notes, 1, [7, 8, 7], true);
    note(&mut notes, 0, [2, 1, 2], false);
    assert_eq!(notes.len(), 4);
    let one = |topic, thing| Tell::One((topic, thing));
    assert_eq!(told(&mut notes), [one(0, 2), one(0, 1), one(1, 7), one(1, 8)]);
    assert_eq!((notes.is_empty(), notes.len()), (true, 0));
}

#[test]
fn t8_9_a_topic_as_a_whole_makes_its_single_notes_needless() {
    let mut notes = N::default();
    note(&mut notes, 0, [1, 2], true);
    notes.note(About::All(0), &FEW);
    note(&mut notes, 0, [3], true);
    assert_eq!(notes.len(), 1);
    assert_eq!(told(&mut notes), [Tell::All(0)]);
}

#[test]
fn t8_9_each_topic_can_be_told_as_a_whole() {
    let mut notes = N::default();
    note(&mut notes, 1, [7], true);
    notes.note(About::All(1), &FEW);
    assert_eq!(told(&mut notes), [Tell::All(1)]);
}

#[test]
fn t8_9_the_first_topic_is_told_as_a_whole_once_a_round() {
    let mut notes = N::default();
    note(&mut notes, 1, [7, 8], true);
    notes.note(About::All(0), &FEW);
    assert_eq!(notes.next(), Some(Tell::All(0)));
    notes.note(About::All(0), &FEW);
    let one = |thing| Tell::One((1, thing));
    assert_eq!(told(&mut notes), [one(7), one(8), Tell::All(0)]);
}

#[test]
fn t8_9_too_many_notes_become_one() {
    let mut notes = N::default();
    note(&mut notes, 0, 1..=4, true);
    assert_eq!(notes.len(), 4);
    note(&mut notes, 0, [5], true);
    assert_eq!(told(&mut notes), [Tell::All(0)]);
}

#[test]
fn t8_9_while_a_topic_is_gone_through_only_what_lies_behind_is_noted() {
    let mut notes = N::default();
    notes.note(About::All(0), &FEW);
    assert_eq!(notes.next(), Some(Tell::All(0)));
    notes.walk(0, None);
    note(&mut notes, 0, [1], true);
    assert_eq!(notes.next(), Some(Tell::After(0, None)));
    notes.walk(0, Some((0, 5)));
    note(&mut notes, 0, [5, 6, 3], false);
    assert_eq!(notes.next(), Some(Tell::After(0, Some((0, 5)))));
    assert_eq!(told(&mut notes), [Tell::One((0, 5)), Tell::One((0, 3))]);
    // And what everything depends on begins it anew.
    notes.walk(0, Some((0, 5)));
    notes.note(About::All(0), &FEW);
    assert_eq!(told(&mut notes), [Tell::All(0)]);
}

#[test]
fn t8_9_what_is_again_as_the_client_knows_it_is_forgotten_where_there_is_much() {
    let mut notes = N::default();
    note(&mut notes, 1, 1..=4, true);
    note(&mut notes, 1, [1, 2, 3], false); // not wanted, as it was
    note(&mut notes, 1, [5], true);
    assert_eq!(told(&mut notes), [Tell::One((1, 4)), Tell::One((1, 5))]);
    // All that differs is kept, however much.
    note(&mut notes, 1, 0..100, true);
    assert_eq!(told(&mut notes).len(), 100);
}

#[test]
fn t8_9_what_is_known_is_searched_for_only_after_the_notes_have_doubled() {
    let mut notes = N::default();
    let mut limits = Vec::new();
    for thing in 0..20 {
        note(&mut notes, 1, [thing], true);
        if limits.last() != Some(&notes.topics[1].limit) {
            limits.push(notes.topics[1].limit);
        }
    }
    assert_eq!(limits, [0, 8, 16, 32]);
}

#[test]
fn t8_9_notes_that_have_lost_their_sense_go() {
    let mut notes = N::default();
    note(&mut notes, 1, 1..=3, true);
    notes.forget(|(_, thing)| thing == 2);
    // A thing that was forgotten is noted again, and one that was not is noted once.
    note(&mut notes, 1, [2, 3], true);
    assert_eq!(told(&mut notes), [1, 3, 2].map(|thing| Tell::One((1, thing))));
}

#[test]
fn t8_9_no_topic_starves() {
    let mut notes = N::default();
    note(&mut notes, 1, [7], true);
    for n in 0..1000 {
        note(&mut notes, 0, [n % 3, (n + 1) % 3], n % 2 == 0);
        if notes.next() == Some(Tell::One((1, 7))) {
            return;
        }
    }
    panic!("never told");
}
