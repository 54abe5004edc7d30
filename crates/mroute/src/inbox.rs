//! The datagrams that the daemon has not read yet.

use crate::packets::Datagram;
use std::collections::{BTreeMap, HashMap};

/// If so many wait, upcalls that the daemon can do without are dropped.
const ENOUGH: usize = 1024;

/// The datagrams, in the order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    waiting: BTreeMap<u64, Datagram>,
    /// The numbers of all but the question.
    numbers: HashMap<Vec<u8>, u64>,
    /// The number of the upcall to which the daemon has to answer.
    question: Option<u64>,
    next: u64,
}

impl Inbox {
    /// Adds a datagram. The same one does not wait twice, so the inbox is bounded by the number of
    /// groups and flows. The later one stays, so that a report after a leave is read after it.
    pub fn add(&mut self, datagram: Datagram) {
        if let Some(former) = self.numbers.insert(datagram.bytes.clone(), self.next) {
            self.waiting.remove(&former);
        }
        self.put(datagram);
    }

    /// Adds a datagram, unless many wait.
    pub fn add_if_few(&mut self, datagram: Datagram) {
        if self.waiting.len() < ENOUGH {
            self.add(datagram);
        }
    }

    /// Adds the question. There is no other one.
    pub fn ask(&mut self, datagram: Datagram) {
        self.question = Some(self.next);
        self.put(datagram);
    }

    fn put(&mut self, datagram: Datagram) {
        self.waiting.insert(self.next, datagram);
        self.next += 1;
    }

    /// The question needs no answer any longer.
    pub fn drop_question(&mut self) {
        if let Some(number) = self.question.take() {
            self.waiting.remove(&number);
        }
    }

    pub fn first(&self) -> Option<&Datagram> {
        self.waiting.values().next()
    }

    /// Takes the first one. `true`: it is the question.
    pub fn take(&mut self) -> Option<(Datagram, bool)> {
        let (number, datagram) = self.waiting.pop_first()?;
        let is_question = self.question == Some(number);
        match is_question {
            true => self.question = None,
            false => _ = self.numbers.remove(&datagram.bytes),
        }
        Some((datagram, is_question))
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(byte: u16) -> Datagram {
        Datagram { bytes: byte.to_ne_bytes().into(), is_of_rest: true }
    }

    fn all(inbox: &mut Inbox) -> Vec<(Datagram, bool)> {
        std::iter::from_fn(|| inbox.take()).collect()
    }

    #[test]
    fn the_same_datagram_waits_once_and_the_later_one_stays() {
        let mut inbox = Inbox::default();
        [1, 2, 1].into_iter().for_each(|byte| inbox.add(datagram(byte)));
        inbox.ask(datagram(2));
        assert_eq!(inbox.first(), Some(&datagram(2)));
        let wanted = [(datagram(2), false), (datagram(1), false), (datagram(2), true)];
        assert_eq!(all(&mut inbox), wanted);
        inbox.add(datagram(1));
        inbox.ask(datagram(1));
        inbox.drop_question();
        assert_eq!(all(&mut inbox), [(datagram(1), false)]);
        assert!(inbox.is_empty() && inbox.numbers.is_empty());
    }

    #[test]
    fn what_the_daemon_can_do_without_is_bounded() {
        let mut inbox = Inbox::default();
        (0..5000).for_each(|byte| inbox.add_if_few(datagram(byte)));
        inbox.add(datagram(5000));
        assert_eq!(all(&mut inbox).len(), ENOUGH + 1);
    }
}
