//! Which of the questions that are held back comes next.

use super::*;

const FEW: u32 = IN_ORDER as u32;

/// When all of them come in.
const NOW: Time = Time(1_000_000);

#[derive(Debug, PartialEq, Eq)]
enum Callback {
    Question(u32),
    Alert,
}
use Callback::{Alert, Question as Rpf};

impl Question for Callback {
    type Subject = u32;

    fn subject(&self) -> Option<u32> {
        match self {
            Rpf(flow) => Some(*flow),
            Alert => None,
        }
    }
}

/// The first few questions stand in the queue already.
fn full() -> Backlog<Callback> {
    let mut backlog = Backlog::<Callback>::default();
    for number in 1..=FEW {
        assert!(backlog.admits(&Rpf(number)));
    }
    backlog
}

fn hold(backlog: &mut Backlog<Callback>, origin: Origin, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        assert!(!backlog.admits(&Rpf(number)));
        assert!(backlog.hold(Rpf(number), origin, false, NOW));
    }
}

/// Of flows that have an MFE.
fn hold_known(backlog: &mut Backlog<Callback>, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        assert!(!backlog.admits(&Rpf(number)));
        assert!(backlog.hold(Rpf(number), Origin::Else, true, NOW));
    }
}

fn assert_next(backlog: &mut Backlog<Callback>, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        assert_eq!(backlog.popped(&Rpf(1)), Some(Rpf(number)));
    }
}

fn assert_empty(backlog: &mut Backlog<Callback>) {
    assert_eq!((backlog.popped(&Rpf(1)), backlog.is_empty()), (None, true));
}

#[test]
fn t8_2_a_few_questions_are_asked_in_their_order() {
    let mut backlog = full();
    assert_eq!(backlog.popped(&Rpf(1)), None);
    assert!(backlog.admits(&Rpf(99)), "one is gone: there is room");
    assert!(!backlog.admits(&Rpf(100)));
}

#[test]
fn d82_where_flows_are_reported_in_their_order_the_oldest_gets_in_first() {
    let mut backlog = full();
    hold(&mut backlog, Origin::InOrder, [101, 102, 103]);
    assert_next(&mut backlog, [101]);
    hold(&mut backlog, Origin::InOrder, [201, 202]);
    assert_next(&mut backlog, [102, 103, 201, 202]);
    assert_empty(&mut backlog);
}

#[test]
fn of_many_questions_the_newest_gets_in_first() {
    let mut backlog = full();
    // Each look brings the newest first.
    hold(&mut backlog, Origin::Upcalls(2), [104, 103, 102, 101]);
    hold(&mut backlog, Origin::Upcalls(3), [203, 202, 201]);
    assert_eq!(backlog.len(), 7);
    assert_next(&mut backlog, [203, 202]);
    hold(&mut backlog, Origin::Upcalls(4), [302, 301]);
    assert_next(&mut backlog, [302, 301, 201, 104, 103, 102, 101]);
    assert_empty(&mut backlog);
}

#[test]
fn a_flow_that_was_begun_with_goes_on_first() {
    let mut backlog = full();
    hold(&mut backlog, Origin::Upcalls(2), [104, 103]);
    hold(&mut backlog, Origin::Else, [1]);
    hold(&mut backlog, Origin::Upcalls(2), [102, 101]);
    assert_next(&mut backlog, [1, 104, 103, 102, 101]);
    assert_empty(&mut backlog);
}

#[test]
fn t8_3_what_a_caller_waits_for_is_never_held_back() {
    let mut backlog = full();
    backlog.pushed(&Rpf(FEW + 1));
    hold(&mut backlog, Origin::Upcalls(2), [101]);
    assert_eq!(backlog.popped(&Rpf(1)), None, "there are as many as there may be");
    assert_next(&mut backlog, [101]);
}

#[test]
fn t8_2_alerts_are_in_order_whatever_is_held_back() {
    let mut backlog = full();
    hold(&mut backlog, Origin::Upcalls(2), [101]);
    assert!(backlog.admits(&Alert));
    assert_eq!(backlog.popped(&Alert), None);
}

#[test]
fn flows_that_have_an_mfe_take_turns_with_new_ones_in_their_order() {
    let mut backlog = full();
    hold(&mut backlog, Origin::Upcalls(2), [104, 103, 102, 101]);
    hold_known(&mut backlog, [11, 12, 13]);
    assert_next(&mut backlog, [104, 11, 103, 12]);
    hold(&mut backlog, Origin::Upcalls(3), [201]);
    assert_next(&mut backlog, [201, 13, 102, 101]);
    assert_empty(&mut backlog);
}

#[test]
fn flows_that_are_told_of_again_take_turns_with_new_ones_in_their_order() {
    let mut backlog = full();
    hold(&mut backlog, Origin::Upcalls(2), [105, 104, 103, 102, 101]);
    for number in [101, 103, 101, 1] {
        backlog.upcalled_again(number, NOW);
    }
    assert_eq!(backlog.len(), 5);
    assert_next(&mut backlog, [101, 105, 103, 104, 102]);
    assert_empty(&mut backlog);
}

#[test]
fn there_is_one_question_about_a_flow() {
    let mut backlog = full();
    hold(&mut backlog, Origin::Upcalls(2), [103, 102, 101]);
    hold(&mut backlog, Origin::Else, [102]);
    assert_next(&mut backlog, [102, 103, 101]);
    assert_empty(&mut backlog);
}

/// All that is forgotten at this time.
fn forget(backlog: &mut Backlog<Callback>, now: Time) -> Vec<Callback> {
    let mut walk = ForgetWalk::default();
    match backlog.looks_for_forgotten(now) {
        true => std::iter::from_fn(|| backlog.forget_next(now, &mut walk)).collect(),
        false => Vec::new(),
    }
}

#[test]
fn of_many_flows_those_that_send_no_more_are_forgotten() {
    let many = MANY as u32;
    let mut backlog = full();
    hold(&mut backlog, Origin::Upcalls(2), 100..many + 98);
    hold_known(&mut backlog, [11]);
    let much_later = Time(NOW.0 + FORGOTTEN_MS);
    assert!(forget(&mut backlog, much_later).is_empty(), "they are not many yet");
    hold(&mut backlog, Origin::Upcalls(3), [99]);
    assert!(forget(&mut backlog, Time(much_later.0 - 1)).is_empty(), "they may come again");
    assert!(forget(&mut backlog, much_later).is_empty(), "it has just looked");
    backlog.upcalled_again(102, Time(NOW.0 + PAUSE_MS));
    backlog.upcalled_again(101, Time(NOW.0));
    let forgotten = forget(&mut backlog, Time(much_later.0 - 1 + PAUSE_MS));
    assert_eq!((forgotten.len(), backlog.len()), (MANY - 2, 2));
    assert!(forgotten.contains(&Rpf(99)) && forgotten.contains(&Rpf(101)));
    assert_next(&mut backlog, [102, 11]);
    assert_empty(&mut backlog);
}

#[test]
fn t0_9_questions_that_find_no_memory_take_no_place() {
    let mut backlog = Backlog::<Callback>::default();
    for number in 0..2 * FEW {
        assert!(backlog.admits(&Rpf(number)), "after {number}");
        backlog.refused(&Rpf(number));
    }
    // What was held back gets the place of one that was refused.
    let mut backlog = full();
    hold(&mut backlog, Origin::Else, [101, 102]);
    let next = backlog.popped(&Rpf(1)).unwrap();
    backlog.refused(&next);
    assert!(backlog.next_queued().is_some());
    assert_eq!((backlog.next_queued(), backlog.len()), (None, 0));
}

#[test]
fn t0_9_many_questions_leave_no_memory_behind_and_few_leave_it() {
    for (held, is_kept) in [(100, true), (1000, false)] {
        let mut backlog = full();
        hold(&mut backlog, Origin::Else, 100..100 + held);
        for _ in 0..held {
            assert!(backlog.popped(&Rpf(1)).is_some());
        }
        assert_empty(&mut backlog);
        assert_eq!(backlog.places.capacity() > 0, is_kept, "after {held}");
    }
}

#[test]
fn t9_5_a_client_is_asked_as_many_questions_at_a_time_as_it_answers() {
    let mut backlog = Backlog::<Callback>::with_questions(2 * IN_ORDER);
    for _ in 0..2 {
        assert!((1..=2 * FEW).all(|number| backlog.admits(&Rpf(number))));
        assert!(!backlog.admits(&Rpf(100)));
        assert!(backlog.take_all().take_next().is_none(), "none is held back");
        assert!(backlog.is_idle(), "none is in the queue any more");
    }
}

#[test]
fn the_search_rests_although_all_questions_were_taken_out() {
    let mut backlog = full();
    let many = 101..=100 + MANY as u32;
    hold(&mut backlog, Origin::Else, many.clone());
    assert!(backlog.looks_for_forgotten(NOW));
    let mut all = backlog.take_all();
    assert_eq!(std::iter::from_fn(|| all.take_next()).count(), MANY);
    assert!(all.is_empty() && backlog.is_idle());
    assert!((1..=FEW).all(|number| backlog.admits(&Rpf(number))));
    hold(&mut backlog, Origin::Else, many);
    assert!(!backlog.looks_for_forgotten(Time(NOW.0 + PAUSE_MS - 1)));
    assert!(backlog.looks_for_forgotten(Time(NOW.0 + PAUSE_MS)));
}
