//! Which thread makes the callbacks of a queue, and how many a queue holds.

use super::super::Key;
use super::*;

const FEW: Bounds = Bounds { others: 2, own: 2, waiting: 3, tickets: 2, notes: 4, batch: 2 };
const ONE: Cause = Cause(1);
const OTHER: Cause = Cause(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Question(u32),
    Alert(u32),
    Trifle,
}
use Said::{Alert, Question, Trifle};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Number(u32);

impl Key for Number {
    fn topic(self) -> usize {
        0
    }
    fn becomes_one(_: usize) -> bool {
        true
    }
}

impl Item for Said {
    type Key = Number;
    fn about(&self) -> About<Number> {
        match *self {
            Question(_) => About::Itself,
            Alert(number) => About::One(Number(number), true),
            Trifle => About::Nothing,
        }
    }
}

fn push(queue: &mut Queue<Said>, cause: Cause, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        assert!(matches!(queue.push(&FEW, cause, Alert(number)), Pushed::Queued(_)));
    }
}

/// What a thread calls until it stops. Nothing is left for a worker.
fn runs(queue: &mut Queue<Said>, turn: &mut Turn) -> Vec<u32> {
    let (called, stopped) = stops(queue, turn);
    assert!(!stopped.needs_worker && !queue.needs_worker());
    called
}

/// The same, but a worker has to go on.
fn runs_some(queue: &mut Queue<Said>, turn: &mut Turn) -> Vec<u32> {
    let (called, stopped) = stops(queue, turn);
    assert!(stopped.needs_worker && !queue.needs_worker(), "once");
    called
}

fn stops(queue: &mut Queue<Said>, turn: &mut Turn) -> (Vec<u32>, Stopped) {
    let mut called = Vec::new();
    while let Next::Call(_, said) = queue.next(turn) {
        let (Alert(number) | Question(number)) = said else { panic!("a trifle") };
        called.push(number);
    }
    (called, queue.stop())
}

fn turn(cause: Cause) -> Turn {
    Turn::new(&FEW, cause)
}

#[test]
fn t8_3_a_caller_makes_its_own_callbacks_and_those_before() {
    let mut queue = Queue::default();
    push(&mut queue, OTHER, [1]);
    push(&mut queue, ONE, [2]);
    push(&mut queue, OTHER, [3]);
    assert!(queue.offer(2));
    assert_eq!(runs(&mut queue, &mut turn(ONE)), [1, 2]);
    assert!(!queue.offer(2) && !queue.offer(1) && !queue.needs_worker());
    assert!(queue.offer(3), "the third is still its owner's to deliver");
}

#[test]
fn t8_3_a_running_thread_takes_over_the_duty() {
    let mut queue = Queue::default();
    push(&mut queue, ONE, [1]);
    push(&mut queue, OTHER, [2]);
    assert!(queue.offer(1));
    assert!(!queue.offer(2), "another thread does not run it a second time");
    assert_eq!(runs(&mut queue, &mut turn(ONE)), [1, 2]);
    assert!(!queue.needs_worker());
}

#[test]
fn t8_3_no_call_works_for_others_without_end() {
    let many = Bounds { waiting: 100, own: 4, ..FEW };
    let mut queue = Queue::default();
    for number in 1..=10 {
        assert_eq!(queue.push(&many, OTHER, Alert(number)), Pushed::Queued(number.into()));
    }
    let mut turn = Turn::new(&many, ONE);
    assert!(queue.offer(10));
    assert_eq!(runs_some(&mut queue, &mut turn), [1, 2]);
    assert!(turn.is_over());
    assert!(!queue.offer(10), "the rest is a worker's, in order");
    assert!(queue.start_worker());
    assert_eq!(runs(&mut queue, &mut Turn::endless()), Vec::from_iter(3..=10));
    assert!(!queue.needs_worker());
    push(&mut queue, OTHER, [11]);
    assert!(queue.offer(11), "then it is the callers' again");
}

#[test]
fn t8_3_nor_for_its_own_calls() {
    let many = Bounds { waiting: 100, own: 4, ..FEW };
    let mut queue = Queue::default();
    for number in 1..=10 {
        assert_eq!(queue.push(&many, ONE, Alert(number)), Pushed::Queued(number.into()));
    }
    assert!(queue.offer(10));
    assert_eq!(runs_some(&mut queue, &mut Turn::new(&many, ONE)), [1, 2, 3, 4]);
}

#[test]
fn t8_4_a_callers_thread_does_not_run_what_is_a_workers() {
    let mut queue = Queue::default();
    push(&mut queue, ONE, [1]);
    push(&mut queue, Cause::WORKER, [2]);
    push(&mut queue, ONE, [3]);
    assert!(queue.needs_worker());
    assert!(queue.offer(1), "though a worker is due");
    assert!(!queue.start_worker(), "not while it is being run");
    assert_eq!(runs_some(&mut queue, &mut turn(ONE)), [1]);
    assert!(!queue.offer(3));
    assert!(queue.start_worker());
    assert_eq!(runs(&mut queue, &mut Turn::endless()), [2, 3]);
    assert!(!queue.needs_worker());
}

#[test]
fn t8_9_a_client_is_behind_with_so_many_until_its_queue_is_empty() {
    let mut queue = Queue::default();
    push(&mut queue, ONE, [1, 2, 3]);
    assert!(!queue.is_behind());
    assert_eq!(queue.push(&FEW, ONE, Alert(4)), Pushed::Noted(Alert(4)));
    assert_eq!(queue.push(&FEW, ONE, Trifle), Pushed::Dropped(Trifle));
    assert_eq!(queue.push(&FEW, ONE, Question(5)), Pushed::Queued(4));
    assert!(queue.is_behind() && queue.offer(4));
    let mut turn = Turn::new(&Bounds { own: 9, ..FEW }, ONE);
    assert_eq!(runs_some(&mut queue, &mut turn), [1, 2, 3, 5]);
    assert_eq!(queue.push(&FEW, ONE, Alert(4)), Pushed::Noted(Alert(4)), "still");
    assert_eq!(queue.len(), (0, 1));
    assert!(!queue.offer(4) && queue.start_worker());
    let mut endless = Turn::endless();
    assert!(matches!(queue.next(&mut endless), Next::CatchUp));
    assert!(queue.notes().next().is_some());
    queue.tell(Alert(4)).unwrap();
    assert_eq!(runs(&mut queue, &mut endless), [4]);
    assert!(!queue.is_behind() && !queue.needs_worker());
}

#[test]
fn t8_2_the_usual_callback_waits_where_it_would_anyway() {
    let usual = |queue: &mut Queue<Said>, number| queue.push_usual(&FEW, ONE, Alert(number));
    let mut queue = Queue::default();
    assert_eq!(usual(&mut queue, 1), Err(Alert(1)), "without memory for it");
    assert!(queue.is_empty());
    push(&mut queue, ONE, [1]);
    assert!(!queue.is_empty());
    assert_eq!((usual(&mut queue, 2), usual(&mut queue, 3)), (Ok(2), Ok(3)));
    assert_eq!(usual(&mut queue, 4), Err(Alert(4)), "the client falls behind");
    assert!(queue.offer(3));
    let mut turn = Turn::new(&Bounds { own: 9, ..FEW }, ONE);
    assert_eq!(runs(&mut queue, &mut turn), [1, 2, 3]);
    assert_eq!(usual(&mut queue, 4), Ok(4));
    queue.take_out(|_| true);
    queue.tell_all(0);
    assert_eq!(usual(&mut queue, 5), Err(Alert(5)), "the client is behind");
}

#[test]
fn t8_9_what_is_cancelled_is_not_called() {
    let mut queue = Queue::default();
    push(&mut queue, ONE, [1, 2]);
    push(&mut queue, Cause::WORKER, [3]);
    assert!(queue.has_of(Cause::WORKER));
    queue.push(&FEW, ONE, Alert(4));
    queue.cancel(|said| *said != Alert(1), |Number(number)| number == 4);
    assert!(!queue.has_of(Cause::WORKER) && queue.has_of(ONE));
    assert!(!queue.needs_worker(), "what was a worker's is gone");
    assert!(queue.offer(2), "what comes before it is still there");
    assert_eq!(runs(&mut queue, &mut turn(ONE)), [1]);
    assert!(!queue.is_behind());
}

#[test]
fn t1_6_a_closed_queue_ends_its_runner() {
    let mut queue = Queue::default();
    push(&mut queue, ONE, [1, 2]);
    assert!(queue.offer(2));
    queue.close();
    assert!(queue.is_running());
    assert_eq!(runs(&mut queue, &mut turn(ONE)), [0_u32; 0]);
    assert!(!queue.is_running() && !queue.needs_worker());
}

#[test]
fn t8_2_a_callback_can_be_changed_while_it_waits() {
    let mut queue = Queue::default();
    push(&mut queue, ONE, [1, 2]);
    queue.items_mut().for_each(|said| *said = Question(3));
    assert!(queue.offer(2));
    assert_eq!(runs(&mut queue, &mut turn(ONE)), [3, 3]);
}

#[test]
fn t8_4_what_is_a_workers_stays_so_until_a_worker_is_there() {
    let mut queue = Queue::default();
    push(&mut queue, Cause::WORKER, [1]);
    assert!(queue.needs_worker());
    queue.unschedule();
    assert!(queue.needs_worker(), "it was taken off the list");
    queue.take_out(|said| *said != Alert(1));
    queue.unschedule();
    assert!(queue.needs_worker(), "the callback still waits");
}

#[test]
fn t8_9_a_queue_keeps_the_memory_of_64_callbacks() {
    let many = Bounds { waiting: 1_000, own: 1_000, others: 1_000, ..FEW };
    for (cause, numbers) in [(ONE, 64), (ONE, 100), (Cause::WORKER, 64), (Cause::WORKER, 100)] {
        let mut queue = Queue::default();
        (1..=numbers).for_each(|number| {
            assert!(matches!(queue.push(&many, cause, Alert(number)), Pushed::Queued(_)));
        });
        assert!(queue.offer(numbers.into()) || queue.start_worker());
        let mut turn = if cause == ONE { Turn::new(&many, ONE) } else { Turn::endless() };
        assert_eq!(runs(&mut queue, &mut turn), Vec::from_iter(1..=numbers));
        assert_eq!(queue.items.capacity() > 0, numbers == 64, "after {numbers} with {cause:?}");
    }
}

#[test]
fn t1_6_a_closed_queue_keeps_its_numbers_and_its_place_in_the_list() {
    let mut queue = Queue::default();
    push(&mut queue, Cause::WORKER, [1, 2]);
    assert!(queue.needs_worker());
    queue.close();
    assert!(!queue.offer(2), "what is over is not offered again");
    assert_eq!(queue.push(&FEW, Cause::WORKER, Alert(3)), Pushed::Queued(3));
    assert!(!queue.needs_worker(), "it is in the list");
    assert!(queue.start_worker());
}

#[test]
fn t8_4_notes_of_others_do_not_wait_for_a_stuck_caller() {
    let mut queue = Queue::default();
    // ONE made these inside a callback that never returns: it offers none of them.
    push(&mut queue, ONE, [1, 2, 3]);
    assert!(matches!(queue.push(&FEW, OTHER, Alert(9)), Pushed::Noted(_)));
    assert!(queue.needs_worker(), "nobody will ever run it");
}

#[test]
fn t8_9_a_client_with_nothing_left_to_hear_is_not_behind() {
    let mut queue = Queue::default();
    push(&mut queue, ONE, [1, 2, 3]);
    assert!(matches!(queue.push(&FEW, ONE, Alert(4)), Pushed::Noted(_)) && queue.is_behind());
    queue.cancel(|_| true, |_| true);
    assert!(queue.needs_worker() && queue.start_worker());
    assert!(matches!(queue.next(&mut Turn::endless()), Next::Stop));
    assert!(queue.stop().catches_up);
    assert!(!queue.is_behind() && !queue.needs_worker());
}

#[test]
fn t8_3_what_waits_behind_a_cancelled_callback_is_still_a_workers() {
    let mut queue = Queue::default();
    push(&mut queue, Cause::WORKER, [1]);
    push(&mut queue, ONE, [2]);
    assert!(queue.needs_worker());
    assert!(!queue.offer(2), "a worker takes it along");
    queue.cancel(|said| *said == Alert(1), |_| false);
    assert!(queue.start_worker(), "ONE will not offer it again");
    assert_eq!(runs(&mut queue, &mut Turn::endless()), [2]);
}
