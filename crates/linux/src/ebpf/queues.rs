//! Upcalls that wait for the sink: a queue for each interface. The queues take turns, so that a flood
//! on one interface does not delay the flows of others. No I/O here.

use crate::forwarder::UpcallKind;
use crate::types::Flow;
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};

/// The most upcalls of an interface. The programs let as many of its records wait, including those
/// in the ring.
pub(super) const EACH: usize = 1 << 17;

/// The most of all interfaces.
const MOST: usize = 1 << 19;

/// How many upcalls of an interface are taken before it is the turn of the next one.
const TURN: usize = 16;

/// The longest IPv4 header.
const HEADER: usize = 60;

/// An upcall, in little memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub kind: UpcallKind,
    pub flow: Flow,
    length: u8,
    bytes: [u8; HEADER],
}

impl Waiting {
    /// `packet` begins with the IP header.
    pub(super) fn new(kind: UpcallKind, flow: Flow, packet: &[u8]) -> Waiting {
        let length = packet.first().map_or(0, |first| usize::from(first & 15) * 4);
        let header = packet.get(..length).unwrap_or_default();
        let mut bytes = [0; HEADER];
        bytes[..header.len()].copy_from_slice(header);
        Waiting { kind, flow, length: header.len() as u8, bytes }
    }

    pub(super) fn header(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Where packets arrive: the index of the interface, and the number of the element that counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub if_index: u32,
    pub number: u16,
}

#[derive(Debug)]
struct Queue {
    place: Place,
    waiting: VecDeque<Waiting>,
}

/// The queues of all interfaces.
#[derive(Debug, Default)]
pub(super) struct Queues {
    by_index: HashMap<u32, Queue, RandomState>,
    /// The interfaces for which something waits, in the order of their turns.
    turns: VecDeque<u32>,
    count: usize,
}

impl Queues {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Puts an upcall at the end of its interface's queue. False if there is no room for it.
    pub(super) fn push(&mut self, place: Place, waiting: Waiting) -> bool {
        let has_room = self.count < MOST
            && self.by_index.try_reserve(1).is_ok()
            && self.turns.try_reserve(1).is_ok();
        if !has_room {
            return false;
        }
        let queue = self
            .by_index
            .entry(place.if_index)
            .or_insert_with(|| Queue { place, waiting: VecDeque::new() });
        queue.place = place;
        if queue.waiting.len() >= EACH || queue.waiting.try_reserve(1).is_err() {
            return false;
        }
        if queue.waiting.is_empty() {
            self.turns.push_back(place.if_index);
        }
        queue.waiting.push_back(waiting);
        self.count += 1;
        true
    }

    /// Takes at most so many, of each interface in turn, the oldest of each first.
    pub(super) fn take(&mut self, most: usize, mut with: impl FnMut(Place, Waiting)) {
        let mut left = most;
        while left > 0 {
            let Some(if_index) = self.turns.pop_front() else { return };
            let Some(queue) = self.by_index.get_mut(&if_index) else { continue };
            let count = queue.waiting.len().min(TURN).min(left);
            queue.waiting.drain(..count).for_each(|waiting| with(queue.place, waiting));
            left -= count;
            self.count -= count;
            if queue.waiting.is_empty() {
                self.by_index.remove(&if_index); // a burst is over: frees the memory
            } else {
                self.turns.push_back(if_index);
            }
        }
    }

    /// Drops those of an interface. Returns how many they were.
    pub(super) fn forget(&mut self, if_index: u32) -> usize {
        self.turns.retain(|other| *other != if_index);
        let count = self.by_index.remove(&if_index).map_or(0, |queue| queue.waiting.len());
        self.count -= count;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(number: u32) -> Waiting {
        let flow = Flow::new(number.into(), [239, 1, 2, 3].into());
        Waiting::new(UpcallKind::NoCache, flow, &[0x45; 40])
    }

    fn place(if_index: u32) -> Place {
        Place { if_index, number: 7 }
    }

    /// What comes next: the interfaces with the sources.
    fn take(queues: &mut Queues, most: usize) -> Vec<(u32, u32)> {
        let mut taken = Vec::new();
        queues.take(most, |place, waiting| {
            taken.push((place.if_index, waiting.flow.source().into()));
        });
        taken
    }

    #[test]
    fn headers_are_kept_with_their_options() {
        assert_eq!(waiting(1).header(), [0x45; 20]);
        let flow = waiting(1).flow;
        let longest = Waiting::new(UpcallKind::WrongIf, flow, &[0x4f; 100]);
        assert_eq!(longest.header(), [0x4f; 60]);
        assert_eq!(Waiting::new(UpcallKind::WrongIf, flow, &[0x4f; 30]).header(), [0; 0]);
    }

    #[test]
    fn d125_a_flood_on_one_interface_does_not_delay_others() {
        let mut queues = Queues::default();
        for number in 0..1000 {
            assert!(queues.push(place(1), waiting(number)));
        }
        assert!(queues.push(place(2), waiting(5)));
        assert!(queues.push(place(3), waiting(6)));
        let taken = take(&mut queues, TURN + 3);
        assert_eq!(taken[..2], [(1, 0), (1, 1)], "the oldest first");
        assert_eq!(taken[TURN..], [(2, 5), (3, 6), (1, TURN as u32)]);
        assert_eq!(queues.forget(1), 1000 - TURN - 1);
        assert!(queues.is_empty() && take(&mut queues, 9).is_empty());
    }

    #[test]
    fn t0_9_what_waits_is_bounded_for_each_interface_and_in_all() {
        let mut queues = Queues::default();
        let mut accepted = [0; 6];
        for (if_index, count) in (0..).zip(&mut accepted) {
            *count =
                (0..EACH as u32 + 3).filter(|n| queues.push(place(if_index), waiting(*n))).count();
        }
        assert_eq!(accepted, [EACH, EACH, EACH, EACH, 0, 0]);
        assert_eq!(take(&mut queues, MOST + 9).len(), MOST);
        assert!(queues.is_empty() && queues.by_index.is_empty());
        assert!(queues.push(place(5), waiting(1)));
    }
}
