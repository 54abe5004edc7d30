//! Questions about flows that a client has not been asked yet.
//!
//! The kernel keeps the flows that it waits for in a list, newest first, and walks
//! it for each packet of a new flow and for each entry that is installed. In a
//! burst the newest flow is the cheapest to answer, and the sooner it is answered
//! the cheaper are all others. So only a few questions stand in a client's queue;
//! of those about new flows that come on top the newest gets in first.
//!
//! When more come than a client answers, those it began with would wait for ever.
//! But the kernel forgets a flow after 10 s, and tells of it again if its sender
//! goes on sending. Such flows have a [`Line`] of their own, and so have those that
//! have an MFE already; each gets its turn. What nobody sends any more is forgotten
//! here too, once there is much of it.

use crate::engine::{Notice, NoticeBox};
use crate::types::{Flow, Headroom, Time};
use foldhash::fast::RandomState;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

/// So many of a client's questions are asked in the order in which they came.
const IN_ORDER: usize = 16;

/// As many may be held back without their memory being given back afterwards.
const KEPT: usize = 256;

/// From so many on there may be some that can be forgotten.
const MANY: usize = 4096;

/// What a question takes in a line, at the most: nodes are half full.
const HELD_BYTES: usize = 128;

/// Twice as long as the kernel waits: who sends a packet every 10 s is upcalled
/// again before that.
const FORGOTTEN_MS: u64 = 20_000;

/// Between two looks for such.
const PAUSE_MS: u64 = 1000;

/// Where a notice for the workers comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A look at the forwarder's upcalls, the newest of which come first. Each
    /// look has a number.
    Upcalls(u64),
    /// Anything else, like an answer that leads to the next question.
    Else,
}

/// What is held back stands in one of these, which take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Flows whose packets the kernel had forgotten, and told of again: in that order.
    Again,
    /// New flows: the newest comes next.
    New,
    /// Flows that have an MFE, which forwards meanwhile: in their order.
    Known,
}

const LINES: [Line; 3] = [Line::Again, Line::New, Line::Known];

/// How far [`Backlog::forget_next`] has come: the line, and what was taken out of it last.
#[derive(Debug, Default)]
pub struct ForgetWalk {
    line: usize,
    after: Option<Rank>,
}

/// The least is next. Of new flows those that came in later are in front, together
/// with all that came in at the same time.
type Rank = (Reverse<u64>, u64);

/// A question that is held back.
#[derive(Debug)]
struct Held {
    notice: NoticeBox,
    /// When a packet of its flow was last told of.
    since: Time,
}

/// One client's.
#[derive(Debug, Default)]
pub struct Backlog {
    /// How many questions stand in the queue: as many as there may be, while
    /// others are held back.
    queued: usize,
    lines: [BTreeMap<Rank, Held>; LINES.len()],
    /// Where the question about a flow is. There is one: if another comes, the
    /// state has changed, and nobody wants an answer to the former any more.
    places: HashMap<Flow, (Line, Rank), RandomState>,
    /// Whose turn it is.
    turn: usize,
    /// The last look at the upcalls, and the number that it got here.
    look: (u64, u64),
    /// The last number that was given.
    count: u64,
    /// When it was last looked for what can be forgotten.
    looked: Time,
    /// For the nodes of the lines.
    headroom: Headroom,
}

impl Backlog {
    /// Whether a notice, which nobody waits for, goes into the queue now. A
    /// question that does not is to be [held back](Backlog::hold).
    pub fn admits(&mut self, notice: &Notice) -> bool {
        let is_question = flow_in_question(notice).is_some();
        let admits = !is_question || self.queued < IN_ORDER;
        self.queued += usize::from(is_question && admits);
        admits
    }

    /// Takes a question that will come out of [`Backlog::popped`]; false if there is no
    /// memory for it, and then it comes to nothing.
    #[must_use]
    pub fn hold(&mut self, notice: NoticeBox, origin: Origin, has_mfe: bool, now: Time) -> bool {
        let Some(flow) = flow_in_question(&notice) else { return true };
        if self.places.try_reserve(1).is_err() || self.headroom.take(HELD_BYTES).is_err() {
            return false;
        }
        if let Some((line, rank)) = self.places.remove(&flow) {
            self.lines[line as usize].remove(&rank);
        }
        let age = match origin {
            _ if has_mfe => 0,
            Origin::Upcalls(look) => {
                if look != self.look.0 {
                    self.look = (look, self.number());
                }
                self.look.1
            }
            Origin::Else => self.number(),
        };
        let line = if has_mfe { Line::Known } else { Line::New };
        let rank = (Reverse(age), self.number());
        self.places.insert(flow, (line, rank));
        self.lines[line as usize].insert(rank, Held { notice, since: now });
        true
    }

    /// A flow's packet was told of once more. Should its question be held back,
    /// it gets in line with those whose senders go on, or keeps its place there. It also
    /// keeps its place if there is no memory for another one.
    pub fn upcalled_again(&mut self, flow: Flow, now: Time) {
        let Some(&(line, rank)) = self.places.get(&flow) else { return };
        if line != Line::New || self.headroom.take(HELD_BYTES).is_err() {
            if let Some(held) = self.lines[line as usize].get_mut(&rank) {
                held.since = now;
            }
            return;
        }
        let Some(held) = self.lines[line as usize].remove(&rank) else { return };
        let place = (Line::Again, (Reverse(0), self.number()));
        self.lines[place.0 as usize].insert(place.1, Held { since: now, ..held });
        // In place: a table that is full would grow before it takes in what it has already.
        if let Some(before) = self.places.get_mut(&flow) {
            *before = place;
        }
    }

    fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// A notice that somebody waits for goes into the queue.
    pub fn pushed(&mut self, notice: &Notice) {
        self.queued += usize::from(flow_in_question(notice).is_some());
    }

    /// A notice was taken out of the queue. What goes in instead is the workers'
    /// to deliver.
    #[inline]
    pub fn popped(&mut self, notice: &Notice) -> Option<NoticeBox> {
        flow_in_question(notice)?;
        self.queued -= 1;
        self.next_queued()
    }

    /// The same, after the last one was [refused](Backlog::refused).
    #[inline]
    pub fn next_queued(&mut self) -> Option<NoticeBox> {
        if self.places.capacity() == 0 {
            return None; // nothing was held back for long
        }
        let next = if self.queued < IN_ORDER { self.next() } else { None };
        self.queued += usize::from(next.is_some());
        next
    }

    /// A notice that was counted as one in the queue found no memory there.
    pub fn refused(&mut self, notice: &Notice) {
        self.queued -= usize::from(flow_in_question(notice).is_some());
    }

    #[inline]
    fn next(&mut self) -> Option<NoticeBox> {
        if self.places.is_empty() && self.places.capacity() <= KEPT {
            return None; // nearly always
        }
        self.next_of_lines()
    }

    fn next_of_lines(&mut self) -> Option<NoticeBox> {
        for _ in LINES {
            let line = self.turn;
            self.turn = (line + 1) % LINES.len();
            if let Some((_, Held { notice, .. })) = self.lines[line].pop_first() {
                self.places.remove(&flow_in_question(&notice)?);
                return Some(notice);
            }
        }
        if self.places.capacity() > KEPT {
            self.places = HashMap::default(); // a smaller table would want memory first
        }
        None
    }

    /// Whether it is time to look for questions about new flows that send no more: there are
    /// so many questions that it is worth a look, once in a while.
    pub fn looks_for_forgotten(&mut self, now: Time) -> bool {
        let looks = self.len() >= MANY && now.since(self.looked) >= PAUSE_MS;
        if looks {
            self.looked = now;
        }
        looks
    }

    /// Takes out the next of those. One at a time, because there may be no memory for a list of
    /// all; `walk` keeps how far the lines have been gone through, and begins as the default.
    pub fn forget_next(&mut self, now: Time, walk: &mut ForgetWalk) -> Option<NoticeBox> {
        for line in &mut self.lines[walk.line..=Line::New as usize] {
            let from = walk.after.map_or(Bound::Unbounded, Bound::Excluded);
            let mut rest = line.range((from, Bound::Unbounded));
            let over = rest.find(|(_, held)| now.since(held.since) >= FORGOTTEN_MS);
            if let Some((&rank, _)) = over {
                walk.after = Some(rank);
                let notice = line.remove(&rank)?.notice;
                self.places.remove(&flow_in_question(&notice)?);
                return Some(notice);
            }
            *walk = ForgetWalk { line: walk.line + 1, after: None };
        }
        None
    }

    /// How many are held back.
    #[expect(
        clippy::len_without_is_empty,
        reason = "public for a test only, which has no use for it"
    )]
    pub fn len(&self) -> usize {
        self.places.len()
    }
}

/// What a question is about that may be held back: the kernel may be waiting for
/// what comes of it.
pub(super) fn flow_in_question(notice: &Notice) -> Option<Flow> {
    match notice {
        Notice::Rpf { flow, .. } | Notice::Creation { flow, .. } => Some(*flow),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
