//! Texts that take long to make, and are long: a separate thread makes each of them. There are only
//! a few at a time, being made or being read, because each may need much memory.

use mgm_linux::channel::Poller;
use mgm_linux::threads;
use mgm_manager::{Detail, Manager};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many texts there are at a time. A process has at most one of them.
const MOST: usize = 2;

/// Which text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// The status as JSON.
    Status(Detail),
    /// The metrics.
    Metrics(Detail),
}

/// A text that a process has asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// The number of the connection that waits for it.
    pub link: u64,
    pub session: u64,
    pub which: Which,
}

/// The texts of all processes.
#[derive(Debug, Default)]
pub(super) struct Texts {
    waiting: VecDeque<Order>,
    /// Those that are being made or read, and whether they are made.
    present: Vec<(Order, bool)>,
    finished: Arc<Finished>,
}

/// The texts that were made since the last look, each for the connection with this number.
type Finished = Mutex<Vec<(u64, Vec<u8>)>>;

impl Texts {
    /// A process asks for a text. [`Texts::next`] has it made.
    pub fn order(&mut self, order: Order) {
        self.waiting.push_back(order);
    }

    /// The next text that may be made now.
    pub fn next(&mut self) -> Option<Order> {
        if self.present.len() >= MOST {
            return None;
        }
        let is_served = |one: &Order| self.present.iter().any(|(o, _)| o.session == one.session);
        let at = self.waiting.iter().position(|one| !is_served(one))?;
        let order = self.waiting.remove(at)?;
        self.present.push((order, false));
        Some(order)
    }

    /// Has a text made. False if the system cannot start a thread; then it counts no longer.
    pub fn make(&mut self, order: Order, manager: &Manager, poller: &Arc<Poller>) -> bool {
        let (finished, poller) = (Arc::clone(&self.finished), Arc::clone(poller));
        let manager = manager.clone();
        let make = move || {
            let text = match order.which {
                Which::Status(detail) => manager.status(detail).to_json(),
                Which::Metrics(detail) => manager.status(detail).to_metrics(),
            };
            finished.lock().push((order.link, text.into()));
            poller.wake();
        };
        let is_started = threads::spawn("mgm-text", make).is_ok();
        if !is_started {
            self.present.retain(|(one, _)| one.link != order.link);
        }
        is_started
    }

    /// Takes the texts that are made.
    pub fn take(&mut self) -> Vec<(u64, Vec<u8>)> {
        let made = std::mem::take(&mut *self.finished.lock());
        for (order, is_made) in &mut self.present {
            *is_made |= made.iter().any(|(link, _)| *link == order.link);
        }
        made
    }

    /// A connection has read its text, or will not read it any longer. A text that is being made
    /// counts until it is made.
    pub fn is_over(&mut self, link: u64) {
        self.waiting.retain(|order| order.link != link);
        self.present.retain(|(order, is_made)| order.link != link || !is_made);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(link: u64, session: u64) -> Order {
        Order { link, session, which: Which::Status(Detail::SUMMARY) }
    }

    fn next(texts: &mut Texts) -> Option<u64> {
        texts.next().map(|order| order.link)
    }

    /// The thread of a text has made it.
    fn is_made(texts: &mut Texts, link: u64) {
        texts.finished.lock().push((link, Vec::new()));
        assert_eq!(texts.take().len(), 1);
    }

    #[test]
    fn t9_11_there_are_few_texts_at_a_time_and_one_of_a_process() {
        let mut texts = Texts::default();
        for (link, session) in [(1, 7), (2, 7), (3, 8), (4, 9)] {
            texts.order(order(link, session));
        }
        assert_eq!((next(&mut texts), next(&mut texts)), (Some(1), Some(3)));
        assert_eq!(next(&mut texts), None);
        is_made(&mut texts, 1);
        assert_eq!(next(&mut texts), None, "it is not read yet");
        texts.is_over(1);
        assert_eq!((next(&mut texts), next(&mut texts)), (Some(2), None));
    }

    #[test]
    fn t9_11_a_text_of_a_connection_that_has_ended_counts_until_it_is_made() {
        let mut texts = Texts::default();
        for (link, session) in [(1, 7), (2, 8), (3, 9), (4, 10)] {
            texts.order(order(link, session));
        }
        assert_eq!((next(&mut texts), next(&mut texts)), (Some(1), Some(2)));
        [1, 3].into_iter().for_each(|link| texts.is_over(link));
        assert_eq!(next(&mut texts), None);
        is_made(&mut texts, 1);
        texts.is_over(1);
        assert_eq!((next(&mut texts), next(&mut texts)), (Some(4), None));
    }
}
