//! The callbacks that a thread must see delivered.

use super::{Bounds, Cause};
use std::collections::VecDeque;

/// A callback that a thread must see delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket<P> {
    /// The client.
    pub place: P,
    /// Its number in the client's queue. `None`: all callbacks of the client that are a
    /// worker's, because the system cannot start a worker.
    pub number: Option<u64>,
}

impl<P: Copy + PartialEq> Ticket<P> {
    /// Whether a later ticket covers this one.
    fn joins(&self, later: Ticket<P>) -> bool {
        self.place == later.place && self.number.is_some() == later.number.is_some()
    }
}

/// The tickets of one thread, first in, first out. There is seldom more than one; a single one
/// needs no allocated memory.
#[derive(Debug)]
pub struct Outbox<P> {
    /// The first ticket. Without it, `rest` is empty.
    first: Option<Ticket<P>>,
    rest: VecDeque<Ticket<P>>,
    /// The cause of callbacks that the thread's calls add now.
    pub cause: Cause,
    /// A call inside a callback has found that callers must make the workers' callbacks. The
    /// thread does so when its outbox is empty: see [`Host::adopt`](super::Host::adopt).
    pub adopts_later: bool,
}

impl<P: Copy + PartialEq> Outbox<P> {
    /// Empty.
    pub const fn new(cause: Cause) -> Outbox<P> {
        Outbox { first: None, rest: VecDeque::new(), cause, adopts_later: false }
    }

    /// Puts a ticket at the end; false if there are too many, or if there is no memory for it.
    #[must_use]
    #[inline]
    pub fn push(&mut self, bounds: &Bounds, ticket: Ticket<P>) -> bool {
        if self.first.is_none() {
            self.first = Some(ticket);
            return true;
        }
        self.push_behind(bounds, ticket.place, ticket.number)
    }

    /// The ticket is passed in parts, which stay in registers.
    #[inline(never)]
    fn push_behind(&mut self, bounds: &Bounds, place: P, number: Option<u64>) -> bool {
        let ticket = Ticket { place, number };
        // To deliver a callback is to deliver those before it, too.
        let last = self.rest.back_mut().or(self.first.as_mut());
        if let Some(last) = last.filter(|last| last.joins(ticket)) {
            *last = ticket;
            return true;
        }
        let has_room = self.rest.len() + 1 < bounds.tickets && self.rest.try_reserve(1).is_ok();
        if has_room {
            self.rest.push_back(ticket);
        }
        has_room
    }

    /// Takes the first ticket. Frees the memory if none is left.
    #[inline]
    pub fn pop(&mut self) -> Option<Ticket<P>> {
        let first = self.first.take()?;
        if self.rest.capacity() > 0 {
            self.first = self.rest.pop_front();
            if self.first.is_none() {
                self.rest = VecDeque::new();
            }
        }
        Some(first)
    }

    /// Takes the first ticket, if it is for a callback of this client. Returns the number.
    #[inline]
    pub fn pop_if(&mut self, place: P) -> Option<u64> {
        let first = self.first.filter(|first| first.place == place)?;
        let number = first.number?;
        self.pop();
        Some(number)
    }

    /// The number of tickets.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    /// Whether there is no ticket.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BOUNDS;

    fn ticket(place: u32, number: impl Into<Option<u64>>) -> Ticket<u32> {
        Ticket { place, number: number.into() }
    }

    #[test]
    fn t8_1_tickets_come_out_in_order_and_a_later_one_of_the_same_client_joins_the_last() {
        let mut outbox = Outbox::new(Cause(1));
        for one in [ticket(1, 1), ticket(1, 2), ticket(2, 1), ticket(1, 3), ticket(1, None)] {
            assert!(outbox.push(&BOUNDS, one));
        }
        assert_eq!(outbox.len(), 4);
        let all: Vec<_> = std::iter::from_fn(|| outbox.pop()).collect();
        assert_eq!(all, [ticket(1, 2), ticket(2, 1), ticket(1, 3), ticket(1, None)]);
    }

    #[test]
    fn t8_1_a_client_gets_no_ticket_ahead_of_others() {
        let mut outbox = Outbox::new(Cause(1));
        for one in [ticket(1, 1), ticket(2, 1), ticket(1, 2), ticket(3, None)] {
            assert!(outbox.push(&BOUNDS, one));
        }
        assert_eq!(outbox.pop_if(2), None, "client 1 is first");
        assert_eq!(outbox.pop_if(1), Some(1));
        assert_eq!(outbox.pop_if(1), None);
        assert_eq!((outbox.pop_if(2), outbox.pop_if(1)), (Some(1), Some(2)));
        assert_eq!(outbox.pop_if(3), None, "this one is a worker's");
        assert_eq!(outbox.pop(), Some(ticket(3, None)));
        assert!(outbox.is_empty());
    }

    #[test]
    fn t8_3_tickets_are_bounded() {
        let (mut outbox, few) = (Outbox::new(Cause(1)), Bounds { tickets: 2, ..BOUNDS });
        assert_eq!((outbox.is_empty(), outbox.len()), (true, 0));
        assert!(outbox.push(&few, ticket(1, 1)) && outbox.push(&few, ticket(2, 1)));
        assert!(!outbox.push(&few, ticket(3, 1)));
        assert!(outbox.push(&few, ticket(2, 2)), "it joins the last");
        assert_eq!((outbox.is_empty(), outbox.len()), (false, 2));
    }
}
