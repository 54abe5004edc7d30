//! Questions about new flows that a client has not been asked yet.
//!
//! The kernel keeps the flows that it waits for in a list, newest first, and walks
//! it for each packet of a new flow and for each entry that is installed. In a
//! burst the newest flow is the cheapest to answer, and the sooner it is answered
//! the cheaper are all others. So only a few questions about new flows stand in a
//! client's queue; of those that come on top the newest gets in first.

use crate::engine::{Notice, NoticeKind};
use std::collections::VecDeque;

/// So many of a client's questions are asked in the order in which they came.
const IN_ORDER: usize = 16;

/// As many may be held back without their memory being given back afterwards.
const KEPT: usize = 256;

/// Where a notice for the workers comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A look at the forwarder's upcalls, the newest of which come first. Each
    /// look has a number.
    Upcalls(u64),
    /// Anything else, like an answer that leads to the next question.
    Else,
}

/// One client's.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// How many such questions stand in the queue: as many as there may be, while
    /// others are held back.
    queued: usize,
    /// What the last look at the upcalls has brought: the first is to be asked next.
    fresh: VecDeque<Box<Notice>>,
    look: u64,
    /// What came before: the last is to be asked next.
    older: VecDeque<Box<Notice>>,
}

impl Backlog {
    /// What of this notice, which nobody waits for, goes into the queue now. A
    /// question that does not comes out of [`Backlog::popped`].
    pub fn admit(&mut self, notice: Box<Notice>, origin: Origin) -> Option<Box<Notice>> {
        if !is_about_new_flow(&notice) {
            return Some(notice);
        }
        if self.queued < IN_ORDER {
            self.queued += 1;
            return Some(notice);
        }
        match origin {
            Origin::Upcalls(look) => {
                if look != self.look {
                    self.look = look;
                    self.older.extend(self.fresh.drain(..).rev());
                }
                self.fresh.push_back(notice);
            }
            Origin::Else => self.fresh.push_front(notice),
        }
        None
    }

    /// A notice that somebody waits for goes into the queue.
    pub fn pushed(&mut self, notice: &Notice) {
        self.queued += usize::from(is_about_new_flow(notice));
    }

    /// A notice was taken out of the queue. What goes in instead is the workers'
    /// to deliver.
    pub fn popped(&mut self, notice: &Notice) -> Option<Box<Notice>> {
        if !is_about_new_flow(notice) {
            return None;
        }
        self.queued -= 1;
        let next = if self.queued < IN_ORDER { self.next() } else { None };
        self.queued += usize::from(next.is_some());
        next
    }

    fn next(&mut self) -> Option<Box<Notice>> {
        let next = self.fresh.pop_front().or_else(|| self.older.pop_back());
        if next.is_none() && self.fresh.capacity().max(self.older.capacity()) > KEPT {
            self.fresh.shrink_to(KEPT);
            self.older.shrink_to(KEPT);
        }
        next
    }

    /// How many are held back.
    pub fn len(&self) -> usize {
        self.fresh.len() + self.older.len()
    }
}

/// Whether the kernel may be waiting for what comes of it.
pub(super) fn is_about_new_flow(notice: &Notice) -> bool {
    matches!(notice.kind(), NoticeKind::Rpf | NoticeKind::Creation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::QuestionId;
    use crate::types::{Flow, Interface, Ipv4Addr, Route};
    use std::sync::Arc;

    fn rpf(number: u64) -> Box<Notice> {
        Box::new(Notice::Rpf {
            question: QuestionId(number),
            flow: Flow::new([10, 0, 0, 1].into(), [239, 1, 1, 1].into()),
            iif: Interface::link(1),
            upstream: Ipv4Addr::UNSPECIFIED,
            header: Arc::default(),
            route: Route::NONE,
        })
    }

    const FEW: u64 = IN_ORDER as u64;

    /// The first few questions stand in the queue already.
    fn full() -> Backlog {
        let mut backlog = Backlog::default();
        for number in 1..=FEW {
            assert_eq!(backlog.admit(rpf(number), Origin::Upcalls(1)), Some(rpf(number)));
        }
        backlog
    }

    fn hold(backlog: &mut Backlog, origin: Origin, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            assert_eq!(backlog.admit(rpf(number), origin), None);
        }
    }

    fn assert_next(backlog: &mut Backlog, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            assert_eq!(backlog.popped(&rpf(1)), Some(rpf(number)));
        }
    }

    #[test]
    fn t8_2_a_few_questions_are_asked_in_their_order() {
        let mut backlog = full();
        assert_eq!(backlog.popped(&rpf(1)), None);
        assert!(backlog.admit(rpf(99), Origin::Else).is_some(), "one is gone: there is room");
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
        assert_eq!((backlog.popped(&rpf(1)), backlog.len()), (None, 0));
    }

    #[test]
    fn a_flow_that_was_begun_with_goes_on_first() {
        let mut backlog = full();
        hold(&mut backlog, Origin::Upcalls(2), [102, 101]);
        hold(&mut backlog, Origin::Else, [1]);
        assert_next(&mut backlog, [1, 102, 101]);
    }

    #[test]
    fn t8_3_what_a_caller_waits_for_is_never_held_back() {
        let mut backlog = full();
        backlog.pushed(&rpf(FEW + 1));
        hold(&mut backlog, Origin::Upcalls(2), [101]);
        assert_eq!(backlog.popped(&rpf(1)), None, "there are as many as there may be");
        assert_next(&mut backlog, [101]);
    }

    #[test]
    fn t8_2_alerts_are_in_order_whatever_is_held_back() {
        let mut backlog = full();
        hold(&mut backlog, Origin::Upcalls(2), [101]);
        let alert = Box::new(Notice::EnableIgmp { interface: Interface::link(1), since: 1 });
        assert_eq!(backlog.admit(alert.clone(), Origin::Upcalls(2)), Some(alert.clone()));
        assert_eq!(backlog.popped(&alert), None);
    }
}
