//! The queue of a client in another process: no thread runs it. The host takes callbacks out and
//! sends them, as far as the client is ready for more.

use super::queue::{Next, Queue};
use super::turn::Turn;
use super::Item;

/// What the host does next for such a client.
#[derive(Debug, PartialEq, Eq)]
pub enum Pulled<T> {
    /// Send this callback.
    Item(T),
    /// Queue the present state of some of the things that are noted, and pull again.
    CatchUp,
    /// Nothing.
    Nothing,
}

impl<T: Item> Queue<T> {
    /// Takes the next callback out. All callbacks of such a client are a worker's: they are pushed
    /// with the cause [`WORKER`](super::Cause::WORKER). The second value is whether the client was
    /// behind until now, and is not behind any longer.
    pub fn pull(&mut self) -> (Pulled<T>, bool) {
        if !self.start_worker() {
            return (Pulled::Nothing, false);
        }
        let next = self.next(&mut Turn::endless());
        let catches_up = self.stop().catches_up;
        self.unschedule();
        let pulled = match next {
            Next::Call(_, item) => Pulled::Item(item),
            Next::CatchUp => Pulled::CatchUp,
            Next::Stop => Pulled::Nothing,
        };
        (pulled, catches_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{About, Bounds, Cause, Key, Pushed, Tell, BOUNDS};

    const FEW: Bounds = Bounds { waiting: 2, ..BOUNDS };

    /// An alert about a thing with this number.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    struct Alert(u32);

    impl Key for Alert {
        fn topic(self) -> usize {
            0
        }
        fn becomes_one(_: usize) -> bool {
            true
        }
    }

    impl Item for Alert {
        type Key = Alert;
        fn about(&self) -> About<Alert> {
            About::One(*self, true)
        }
    }

    fn queue(count: u32) -> Queue<Alert> {
        let mut queue = Queue::default();
        for number in 0..count {
            queue.push(&FEW, Cause::WORKER, Alert(number));
        }
        queue
    }

    #[test]
    fn t9_5_callbacks_are_taken_out_in_order_and_no_thread_runs_the_queue() {
        let mut queue = queue(2);
        for number in 0..2 {
            assert_eq!(queue.pull(), (Pulled::Item(Alert(number)), false));
            assert!(!queue.is_running());
        }
        assert_eq!(queue.pull(), (Pulled::Nothing, false));
        assert_eq!(queue.push(&FEW, Cause::WORKER, Alert(2)), Pushed::Queued(3));
        assert!(queue.needs_worker(), "the host is asked to pull again");
        assert_eq!(queue.pull(), (Pulled::Item(Alert(2)), false));
    }

    #[test]
    fn t9_5_t8_9_a_client_that_is_behind_catches_up_when_its_queue_is_empty() {
        let mut queue = queue(3);
        assert!(queue.is_behind() && queue.len() == (2, 1));
        assert_eq!(queue.pull(), (Pulled::Item(Alert(0)), false));
        assert_eq!(queue.pull(), (Pulled::Item(Alert(1)), false));
        assert_eq!(queue.pull(), (Pulled::CatchUp, false));
        assert!(matches!(queue.notes().next(), Some(Tell::One(Alert(2)))));
        queue.tell(Alert(2)).unwrap();
        assert_eq!(queue.pull(), (Pulled::Item(Alert(2)), true));
        assert!(!queue.is_behind(), "nothing waits and nothing is noted");
    }
}
