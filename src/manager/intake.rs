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

use super::state::Record;
use crate::engine::{Notice, NoticeKind};
use crate::types::Time;
use std::time::Duration;

/// So many questions about new flows wait for callbacks. Enough that neither the
/// upcall thread nor the workers run dry while the other is not on the processor.
const WINDOW: usize = 256;

/// The upcall thread waits so long for room, then looks at its socket again.
pub(super) const PATIENCE: Duration = Duration::from_millis(2);

/// A client that has not answered half a window in so long is slow. Longer than
/// a busy system keeps a thread off the processor.
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
        self.slow = self.waiting > 0 && self.answered < WINDOW / 2;
        self.answered = 0;
    }
}

fn is_of_new_flow(notice: &Notice) -> bool {
    matches!(notice.kind(), NoticeKind::Rpf | NoticeKind::Creation)
}

impl Intake {
    /// How many flows can be taken.
    pub fn room<'a>(&mut self, now: Time, clients: impl Iterator<Item = &'a mut Record>) -> usize {
        let looks = now.since(self.looked) >= LOOK_MS;
        if looks {
            self.looked = now;
        }
        let mut in_hand = 0;
        for Record { pace, .. } in clients {
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
