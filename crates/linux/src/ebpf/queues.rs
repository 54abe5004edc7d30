//! Upcalls that wait for the sink: a queue for each interface. The queues take turns, and few flows of
//! each are with the sink at a time, so that a flood on one interface does not delay the flows of
//! others. Packets on a wrong interface do not wait behind new flows. No I/O here.

use crate::forwarder::UpcallKind;
use crate::types::Flow;
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// The most upcalls of an interface. The programs let as many of its records wait, including those
/// in the ring.
pub(super) const EACH: usize = 1 << 17;

/// The most of all interfaces, beside the first few of each.
const MOST: usize = 1 << 19;

/// As many of an interface are kept however many of others wait.
const FEW: usize = 1 << 10;

/// The most upcalls of an interface about packets on a wrong interface.
const MOST_WRONG: usize = 1 << 10;

/// How many upcalls of an interface are taken before it is the turn of the next one.
const TURN: usize = 16;

/// How many flows of an interface may be with the sink: it was told of them and is not done. The others
/// wait here, because the sink's clients are asked in the order in which it was told. As many as a
/// client in another process is asked about at a time.
const WITH_SINK: usize = 256;

/// After this time the sink may be told of others: its client does not answer, and the first packets
/// of these flows are dropped.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// New flows.
    waiting: VecDeque<Waiting>,
    /// Packets on a wrong interface. They come first, however many flows are with the sink: their
    /// flows have entries, so no client keeps them there.
    wrong: VecDeque<Waiting>,
    /// How many of its flows are with the sink.
    with_sink: usize,
    is_in_turns: bool,
}

impl Queue {
    fn may_pass_on(&self) -> usize {
        self.wrong.len() + self.waiting.len().min(WITH_SINK.saturating_sub(self.with_sink))
    }

    fn len(&self) -> usize {
        self.wrong.len() + self.waiting.len()
    }
}

/// A flow that the sink was told of.
#[derive(Debug)]
struct Told {
    if_index: u32,
    since: Instant,
}

/// The queues of all interfaces.
#[derive(Debug, Default)]
pub(super) struct Queues {
    /// Those of which something waits, or is with the sink.
    by_index: HashMap<u32, Queue, RandomState>,
    /// The interfaces of which something may be passed on, in the order of their turns.
    turns: VecDeque<u32>,
    /// How many wait.
    count: usize,
    told: HashMap<Flow, Told, RandomState>,
}

impl Queues {
    /// Whether nothing waits, and nothing is with the sink.
    pub(super) fn is_idle(&self) -> bool {
        self.count == 0 && self.told.is_empty()
    }

    /// Whether something may be passed on now.
    pub(super) fn is_ready(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Puts an upcall at the end of its interface's queue. False if there is no room for it.
    pub(super) fn push(&mut self, place: Place, waiting: Waiting) -> bool {
        let turns = self.by_index.len() + 1 - self.turns.len();
        let is_wrong = waiting.kind == UpcallKind::WrongIf;
        let has_few = self.by_index.get(&place.if_index).is_none_or(|it| it.waiting.len() < FEW);
        let has_room = (self.count < MOST || has_few || is_wrong)
            && self.by_index.try_reserve(1).is_ok()
            && self.turns.try_reserve(turns).is_ok();
        if !has_room {
            return false;
        }
        let queue = self.by_index.entry(place.if_index).or_insert_with(|| Queue {
            place,
            waiting: VecDeque::new(),
            wrong: VecDeque::new(),
            with_sink: 0,
            is_in_turns: false,
        });
        queue.place = place;
        let (own, most) = match waiting.kind {
            UpcallKind::WrongIf => (&mut queue.wrong, MOST_WRONG),
            UpcallKind::NoCache => (&mut queue.waiting, EACH),
        };
        if own.len() >= most || own.try_reserve(1).is_err() {
            return false;
        }
        own.push_back(waiting);
        self.count += 1;
        self.look_at(place.if_index);
        true
    }

    /// A queue has changed: it gets a turn if something may be passed on, and goes if it is empty.
    fn look_at(&mut self, if_index: u32) {
        let Some(queue) = self.by_index.get_mut(&if_index) else { return };
        if queue.may_pass_on() > 0 {
            if !queue.is_in_turns {
                queue.is_in_turns = true;
                self.turns.push_back(if_index);
            }
        } else if queue.waiting.is_empty() {
            (queue.waiting, queue.wrong) = Default::default(); // a burst is over: frees the memory
            if queue.with_sink == 0 {
                self.by_index.remove(&if_index);
            }
        }
    }

    /// Passes at most so many to `with`, of each interface in turn: of each, the packets on a wrong
    /// interface first, then the oldest flows. It returns whether the sink is told.
    pub(super) fn take(&mut self, most: usize, mut with: impl FnMut(Place, Waiting) -> bool) {
        let (mut left, now) = (most, Instant::now());
        while left > 0 {
            let Some(if_index) = self.turns.pop_front() else { return };
            let Some(queue) = self.by_index.get_mut(&if_index) else { continue };
            queue.is_in_turns = false;
            let count = queue.may_pass_on().min(TURN).min(left);
            let wrong = count.min(queue.wrong.len());
            let new = queue.waiting.drain(..count - wrong);
            for waiting in queue.wrong.drain(..wrong).chain(new) {
                let Waiting { kind, flow, .. } = waiting;
                let is_told = with(queue.place, waiting);
                let counts = is_told && kind == UpcallKind::NoCache;
                if counts && self.told.try_reserve(1).is_ok() {
                    // If it was told of twice, it is done with both at once.
                    self.told.entry(flow).or_insert_with(|| {
                        queue.with_sink += 1;
                        Told { if_index, since: now }
                    });
                }
            }
            left -= count;
            self.count -= count;
            self.look_at(if_index);
        }
    }

    /// The sink is done with a flow: it has its entry, or gets none. `None` if it was done before, or was
    /// not told; else whether nothing else waits, or is with the sink, of its interface.
    pub(super) fn done(&mut self, flow: Flow) -> Option<bool> {
        let Told { if_index, .. } = self.told.remove(&flow)?;
        let Some(queue) = self.by_index.get_mut(&if_index) else { return Some(true) };
        queue.with_sink -= 1;
        self.look_at(if_index);
        Some(!self.by_index.contains_key(&if_index))
    }

    /// No longer waits for the sink to be done with flows that it was told of long ago.
    pub(super) fn give_up_old(&mut self) {
        let old = self.told.iter().filter(|(_, told)| told.since.elapsed() >= PATIENCE);
        let old: Vec<Flow> = old.map(|(flow, _)| *flow).collect();
        for flow in old {
            self.done(flow);
        }
    }

    /// Drops those of an interface. Returns the new flows among them that waited.
    pub(super) fn forget(&mut self, if_index: u32) -> VecDeque<Waiting> {
        self.turns.retain(|other| *other != if_index);
        self.told.retain(|_, told| told.if_index != if_index);
        let Some(queue) = self.by_index.remove(&if_index) else { return VecDeque::new() };
        self.count -= queue.len();
        queue.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(number: u32) -> Flow {
        Flow::new(number.into(), [239, 1, 2, 3].into())
    }

    fn waiting(number: u32) -> Waiting {
        Waiting::new(UpcallKind::NoCache, flow(number), &[0x45; 40])
    }

    fn place(if_index: u32) -> Place {
        Place { if_index, number: 7 }
    }

    fn queues(count: u32) -> Queues {
        let mut queues = Queues::default();
        assert!((0..count).all(|number| queues.push(place(1), waiting(number))));
        queues
    }

    /// What comes next: the interfaces with the sources.
    fn take(queues: &mut Queues, most: usize) -> Vec<(u32, u32)> {
        let mut taken = Vec::new();
        queues.take(most, |place, waiting| {
            taken.push((place.if_index, waiting.flow.source().into()));
            true
        });
        taken
    }

    #[test]
    fn headers_are_kept_with_their_options() {
        assert_eq!(waiting(1).header(), [0x45; 20]);
        let longest = Waiting::new(UpcallKind::WrongIf, flow(1), &[0x4f; 100]);
        assert_eq!(longest.header(), [0x4f; 60]);
        assert_eq!(Waiting::new(UpcallKind::WrongIf, flow(1), &[0x4f; 30]).header(), [0; 0]);
    }

    #[test]
    fn d125_a_flood_on_one_interface_does_not_delay_others() {
        let mut queues = queues(1000);
        assert!(queues.push(place(2), waiting(1005)));
        assert!(queues.push(place(3), waiting(1006)));
        let taken = take(&mut queues, TURN + 3);
        assert_eq!(taken[..2], [(1, 0), (1, 1)], "the oldest first");
        assert_eq!(taken[TURN..], [(2, 1005), (3, 1006), (1, TURN as u32)]);
        queues.forget(1);
        assert!(!queues.is_ready() && take(&mut queues, 9).is_empty());
        assert!(!queues.is_idle(), "two are with the sink");
        queues.done(flow(1005));
        queues.done(flow(1006));
        assert!(queues.is_idle() && queues.by_index.is_empty());
    }

    #[test]
    fn d125_few_flows_of_an_interface_are_with_the_sink() {
        let mut queues = queues(1000);
        assert_eq!(take(&mut queues, 1000).len(), WITH_SINK);
        assert!(!queues.is_ready());
        assert!(queues.push(place(2), waiting(1005)));
        assert_eq!(take(&mut queues, 1000), [(2, 1005)]);
        queues.done(flow(7));
        queues.done(flow(7)); // once is enough
        queues.done(flow(1001)); // which it does not know
        assert_eq!(take(&mut queues, 1000), [(1, WITH_SINK as u32)]);
        // Those that are not passed on, and others than new flows, do not count.
        queues.done(flow(8));
        queues.take(5, |_, _| false);
        assert!(queues.is_ready());
        queues.take(5, |_, _| true);
        assert!(!queues.is_ready());
        queues.done(flow(9));
        let wrong = Waiting::new(UpcallKind::WrongIf, flow(2000), &[0x45; 40]);
        assert!(queues.push(place(3), wrong));
        take(&mut queues, 1000);
        assert!(!queues.told.contains_key(&flow(2000)));
    }

    #[test]
    fn d83_packets_on_a_wrong_interface_come_first() {
        let mut queues = queues(1000);
        let wrong = |number| Waiting::new(UpcallKind::WrongIf, flow(number), &[0x45; 40]);
        take(&mut queues, 1000);
        assert!(!queues.is_ready());
        assert!(queues.push(place(1), wrong(2000)) && queues.push(place(1), wrong(2001)));
        assert!(queues.is_ready());
        queues.done(flow(7));
        assert_eq!(take(&mut queues, 9), [(1, 2000), (1, 2001), (1, WITH_SINK as u32)]);
        assert!(!queues.is_ready());
        // They are bounded, too, and dropped with their interface.
        let accepted = (0..5000).filter(|number| queues.push(place(1), wrong(*number))).count();
        assert_eq!(accepted, MOST_WRONG);
        queues.forget(1);
        assert!(queues.is_idle());
    }

    #[test]
    fn d125_a_flow_that_is_told_of_twice_counts_once() {
        let mut queues = queues(1);
        assert!(queues.push(place(1), waiting(0)));
        assert_eq!(take(&mut queues, 9).len(), 2);
        queues.done(flow(0));
        assert!(queues.is_idle() && queues.by_index.is_empty());
    }

    #[test]
    fn d125_a_client_that_does_not_answer_holds_up_the_others_for_some_time_only() {
        let mut queues = queues(1000);
        take(&mut queues, 1000);
        queues.give_up_old();
        assert!(!queues.is_ready());
        let Some(before) = Instant::now().checked_sub(PATIENCE) else { return };
        queues.told.values_mut().for_each(|told| told.since = before);
        queues.give_up_old();
        assert_eq!(take(&mut queues, 1000).len(), WITH_SINK);
    }

    #[test]
    fn t0_9_what_waits_is_bounded_for_each_interface_and_in_all() {
        let mut queues = Queues::default();
        let mut accepted = [0; 6];
        for (if_index, count) in (0..).zip(&mut accepted) {
            *count =
                (0..EACH as u32 + 3).filter(|n| queues.push(place(if_index), waiting(*n))).count();
        }
        // Those that are late get some room in spite of the others.
        assert_eq!(accepted, [EACH, EACH, EACH, EACH, FEW, FEW]);
        let mut count = 0;
        queues.take(MOST + 2 * FEW + 9, |_, _| {
            count += 1;
            false
        });
        assert_eq!(count, MOST + 2 * FEW);
        assert!(queues.is_idle() && queues.by_index.is_empty());
        assert!(queues.push(place(5), waiting(1)));
    }
}
