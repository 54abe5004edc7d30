//! How many new flows are resolved at a time.
//!
//! The kernel keeps the flows that it waits for in a list, newest first, and walks
//! it for each packet of a new flow and for each entry that is installed. So in a
//! burst the newest flow is the cheapest to answer, and the sooner it is answered
//! the cheaper are all others. That is why upcalls are taken from the newest
//! on, and no more of them than the clients' callbacks have in hand: what a
//! client was asked it is asked in the order of its queue.
//!
//! A callback that takes its time must not hold up the flows of others. So this
//! is a pace and no limit: questions that wait for a slow client count no more.

use crate::engine::{Notice, NoticeKind};
use crate::types::Time;
use std::time::Duration;

/// So many questions about new flows wait for callbacks. Enough that the workers do
/// not run dry while the upcall thread wakes up; with more of them flows wait
/// longer in the kernel, and bursts cost more.
const WINDOW: usize = 64;

/// The upcall thread waits so long for room, then looks at its socket again.
pub(super) const PATIENCE: Duration = Duration::from_millis(2);

/// A client that has questions to answer, but has not answered so many of them in so
/// long, is slow. Longer than a busy system keeps a thread off the processor.
const QUICK: usize = 128;
const LOOK_MS: u64 = 10;

/// The pace of the upcall thread.
#[derive(Debug, Default)]
pub(super) struct Intake {
    /// It waits until no more than so many flows are resolving.
    wanted: Option<usize>,
    looked: Time,
}

/// How a client keeps up with the questions about new flows.
#[derive(Debug, Default)]
pub(super) struct Pace {
    waiting: usize,
    /// Since the last look.
    answered: usize,
    slow: bool,
}

impl Pace {
    /// A notice was put into the client's queue.
    pub fn pushed(&mut self, notice: &Notice) {
        self.waiting += usize::from(is_of_new_flow(notice));
    }

    /// A notice was taken out of it.
    pub fn popped(&mut self, notice: &Notice) {
        if is_of_new_flow(notice) {
            self.waiting -= 1;
            self.answered += 1;
        }
    }

    fn look(&mut self) {
        self.slow = self.waiting > 0 && self.answered < QUICK;
        self.answered = 0;
    }
}

fn is_of_new_flow(notice: &Notice) -> bool {
    matches!(notice.kind(), NoticeKind::Rpf | NoticeKind::Creation)
}

impl Intake {
    /// How many flows can be taken.
    pub fn room<'a>(&mut self, now: Time, clients: impl Iterator<Item = &'a mut Pace>) -> usize {
        let looks = now.since(self.looked) >= LOOK_MS;
        if looks {
            self.looked = now;
        }
        let mut in_hand = 0;
        for pace in clients {
            if looks {
                pace.look();
            }
            if !pace.slow {
                in_hand += pace.waiting;
            }
        }
        WINDOW.saturating_sub(in_hand)
    }

    /// Whether it is better to wait for more room before taking `waiting` flows
    /// than to take a few: the upcall thread is told then when half of them are
    /// through.
    pub fn should_wait(&mut self, room: usize, waiting: usize, resolving: usize) -> bool {
        let waits = room < waiting.min(WINDOW / 2);
        self.wanted = waits.then(|| resolving.saturating_sub(WINDOW / 2 - room));
        waits
    }

    /// Whether the upcall thread has to be told that there is room.
    pub fn has_come(&mut self, resolving: usize) -> bool {
        self.wanted.take_if(|most| resolving <= *most).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::QuestionId;
    use crate::types::{Flow, Interface, Ipv4Addr, Route};
    use std::sync::Arc;

    fn rpf() -> Notice {
        Notice::Rpf {
            question: QuestionId(1),
            flow: Flow::new([10, 0, 0, 1].into(), [239, 1, 1, 1].into()),
            iif: Interface::link(1),
            upstream: Ipv4Addr::UNSPECIFIED,
            header: Arc::default(),
            route: Route::NONE,
        }
    }

    /// A client that has been asked so many questions.
    fn asked(count: usize) -> Pace {
        let mut pace = Pace::default();
        (0..count).for_each(|_| pace.pushed(&rpf()));
        pace
    }

    fn answers(pace: &mut Pace, count: usize) {
        (0..count).for_each(|_| pace.popped(&rpf()));
    }

    #[test]
    fn what_clients_have_in_hand_takes_room() {
        let mut intake = Intake::default();
        let mut clients = [asked(20), asked(30)];
        assert_eq!(intake.room(Time(0), clients.iter_mut()), WINDOW - 50);
        answers(&mut clients[0], 20);
        assert_eq!(intake.room(Time(1), clients.iter_mut()), WINDOW - 30);
        clients[1].pushed(&Notice::EnableIgmp { interface: Interface::link(1), since: 1 });
        assert_eq!(intake.room(Time(1), clients.iter_mut()), WINDOW - 30, "of no new flow");
    }

    #[test]
    fn slow_clients_take_no_room() {
        let mut intake = Intake::default();
        let mut clients = [asked(WINDOW), asked(10 * QUICK)];
        answers(&mut clients[1], QUICK - 1);
        assert_eq!(intake.room(Time(LOOK_MS - 1), clients.iter_mut()), 0, "too soon to tell");
        assert_eq!(intake.room(Time(LOOK_MS), clients.iter_mut()), WINDOW);
        // The second one was only late.
        answers(&mut clients[1], QUICK);
        assert_eq!(intake.room(Time(2 * LOOK_MS), clients.iter_mut()), 0);
    }

    #[test]
    fn a_client_with_nothing_to_answer_is_not_slow() {
        let mut intake = Intake::default();
        let mut clients = [asked(0)];
        assert_eq!(intake.room(Time(LOOK_MS), clients.iter_mut()), WINDOW);
        clients[0] = asked(WINDOW);
        assert_eq!(intake.room(Time(LOOK_MS), clients.iter_mut()), 0);
    }

    #[test]
    fn few_flows_never_wait() {
        let mut intake = Intake::default();
        assert!(!intake.should_wait(WINDOW, 10 * WINDOW, 0));
        assert!(!intake.should_wait(WINDOW / 2, 10 * WINDOW, WINDOW / 2));
        assert!(!intake.should_wait(1, 1, WINDOW - 1));
    }

    #[test]
    fn many_flows_wait_until_half_of_those_before_are_through() {
        let mut intake = Intake::default();
        assert!(intake.should_wait(0, 1000, WINDOW + 7));
        assert!(!intake.has_come(WINDOW / 2 + 8));
        assert!(intake.has_come(WINDOW / 2 + 7));
        assert!(!intake.has_come(0), "once is enough");
    }
}
