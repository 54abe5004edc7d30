//! Questions that a client has not been asked yet.
//!
//! The questions are about flows, and the kernel waits for their answers. It keeps the flows
//! that it waits for in a list, newest first, and walks the list for each packet of a new
//! flow and for each entry that is installed. So in a burst the newest flow is the cheapest to
//! answer, and the sooner it is answered the cheaper all others are. Therefore only a few
//! questions are in a client's queue; of the others about new flows, the newest is queued
//! first.
//!
//! If more questions come than a client answers, the oldest ones would wait for ever. But the
//! kernel forgets a flow after 10 s, and reports it again if its sender goes on sending. Such
//! flows have a [`Line`] of their own, and so have those that have an MFE already; the lines
//! take turns. Flows that no sender uses any longer are forgotten here too, when there are
//! many.

use foldhash::fast::RandomState;
use mgm_types::{Headroom, Time};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::ops::Bound;

/// This many of a client's questions are asked in the order in which they came.
const IN_ORDER: usize = 16;

/// Up to this number may be held back without freeing their memory afterwards.
const KEPT: usize = 256;

/// From this number on there may be some that can be forgotten.
const MANY: usize = 4096;

/// The most memory that a question takes in a line: nodes are half full.
const HELD_BYTES: usize = 128;

/// Twice as long as the kernel waits: a flow with a packet every 10 s is reported again
/// before that.
const FORGOTTEN_MS: u64 = 20_000;

/// The time between two searches for questions to forget.
const PAUSE_MS: u64 = 1000;

/// A callback that may be a question.
pub trait Question {
    /// What a question is about.
    type Subject: Copy + Eq + Hash;

    /// What it is about, if it is a question that may be held back.
    fn subject(&self) -> Option<Self::Subject>;
}

/// Where a callback for the workers comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A look at the forwarder's upcalls, the newest of which come first. Each look has a
    /// number.
    Upcalls(u64),
    /// Anything else, like an answer that leads to the next question.
    Else,
    /// Either, with a forwarder that has no such list, and that reports flows in the order in which
    /// they are to be resolved: the oldest comes first.
    InOrder,
}

/// Each question that is held back is in one of these lines, which take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Flows that the kernel has forgotten and reported again: in the order of the reports.
    Again,
    /// New flows: the newest is next.
    New,
    /// Flows that have an MFE, which forwards meanwhile: in their order.
    Known,
}

const LINES: [Line; 3] = [Line::Again, Line::New, Line::Known];

/// How far [`Backlog::forget_next`] has come: the line, and the question that it has last
/// taken out of it.
#[derive(Debug, Default)]
pub struct ForgetWalk {
    line: usize,
    after: Option<Rank>,
}

/// The least is next. New flows that came later have a lower rank, and so have all that came
/// at the same time.
type Rank = (Reverse<u64>, u64);

/// A question that is held back.
#[derive(Debug)]
struct Held<Q> {
    question: Q,
    /// When a packet of its flow was last reported.
    since: Time,
}

/// The questions of one client that are held back.
#[derive(Debug)]
pub struct Backlog<Q: Question> {
    /// How many questions are in the queue: as many as may be, while others are held back.
    queued: usize,
    /// How many may be.
    in_order: usize,
    lines: [BTreeMap<Rank, Held<Q>>; LINES.len()],
    /// Where the question about a subject is. A subject has only one: if another one comes, the
    /// state has changed, and an answer to the former would be useless.
    places: HashMap<Q::Subject, (Line, Rank), RandomState>,
    /// The line whose turn it is.
    turn: usize,
    /// The number of the last look at the upcalls, and the number that it has here.
    look: (u64, u64),
    /// The last number that was given.
    count: u64,
    /// The time of the last search for questions to forget.
    searched: Time,
    /// For the nodes of the lines.
    headroom: Headroom,
}

impl<Q: Question> Default for Backlog<Q> {
    fn default() -> Self {
        Backlog {
            queued: 0,
            in_order: IN_ORDER,
            lines: Default::default(),
            places: HashMap::default(),
            turn: 0,
            look: (0, 0),
            count: 0,
            searched: Time::default(),
            headroom: Headroom::default(),
        }
    }
}

impl<Q: Question> Backlog<Q> {
    /// The backlog of a client that is asked this number of questions at a time, because its
    /// answers come in batches.
    #[must_use]
    pub fn with_questions(in_order: usize) -> Backlog<Q> {
        Backlog { in_order, ..Backlog::default() }
    }

    /// Whether a callback, for which no call waits, goes into the queue now. Otherwise it is a
    /// question that has to be [held back](Backlog::hold).
    pub fn admits(&mut self, callback: &Q) -> bool {
        let is_question = callback.subject().is_some();
        let admits = !is_question || self.queued < self.in_order;
        self.queued += usize::from(is_question && admits);
        admits
    }

    /// Holds back a question, which [`Backlog::popped`] returns later. False if there is no
    /// memory for it; then it is dropped.
    #[must_use]
    pub fn hold(&mut self, question: Q, origin: Origin, has_mfe: bool, now: Time) -> bool {
        let Some(subject) = question.subject() else { return true };
        if self.places.try_reserve(1).is_err() || self.headroom.take(HELD_BYTES).is_err() {
            return false;
        }
        if let Some((line, rank)) = self.places.remove(&subject) {
            self.lines[line as usize].remove(&rank);
        }
        let age = match origin {
            _ if has_mfe => 0,
            Origin::InOrder => 0,
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
        self.places.insert(subject, (line, rank));
        self.lines[line as usize].insert(rank, Held { question, since: now });
        true
    }

    /// A packet of a flow was reported again. If its question is held back, it moves to the line of
    /// flows whose senders continue, or keeps its place there. It also keeps its place if there is
    /// no memory for another one.
    pub fn upcalled_again(&mut self, subject: Q::Subject, now: Time) {
        let Some(&(line, rank)) = self.places.get(&subject) else { return };
        if line != Line::New || self.headroom.take(HELD_BYTES).is_err() {
            if let Some(held) = self.lines[line as usize].get_mut(&rank) {
                held.since = now;
            }
            return;
        }
        let Some(held) = self.lines[line as usize].remove(&rank) else { return };
        let place = (Line::Again, (Reverse(0), self.number()));
        self.lines[place.0 as usize].insert(place.1, Held { since: now, ..held });
        // In place, because a full table would grow before it replaces what it has.
        if let Some(before) = self.places.get_mut(&subject) {
            *before = place;
        }
    }

    fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// A callback for which a call waits goes into the queue.
    #[inline]
    pub fn pushed(&mut self, callback: &Q) {
        self.queued += usize::from(callback.subject().is_some());
    }

    /// A callback was taken out of the queue. Returns the question that goes into the queue
    /// instead; a worker delivers it.
    #[inline]
    pub fn popped(&mut self, callback: &Q) -> Option<Q> {
        callback.subject()?;
        self.queued -= 1;
        self.next_queued()
    }

    /// The same, after the last one was [refused](Backlog::refused).
    #[inline]
    pub fn next_queued(&mut self) -> Option<Q> {
        if self.places.capacity() == 0 {
            return None; // usually
        }
        let next = if self.queued < self.in_order { self.next_of_lines() } else { None };
        self.queued += usize::from(next.is_some());
        next
    }

    /// A callback that was counted as one in the queue found no memory there.
    pub fn refused(&mut self, callback: &Q) {
        self.queued -= usize::from(callback.subject().is_some());
    }

    fn next_of_lines(&mut self) -> Option<Q> {
        for _ in LINES {
            let line = self.turn;
            self.turn = (line + 1) % LINES.len();
            if let Some((_, Held { question, .. })) = self.lines[line].pop_first() {
                self.places.remove(&question.subject()?);
                return Some(question);
            }
        }
        if self.places.capacity() > KEPT {
            self.places = HashMap::default(); // to shrink the table would need memory first
        }
        None
    }

    /// Whether to search for questions about new flows without further packets: there are so
    /// many questions that it is worth it, and the last search was some time ago.
    pub fn looks_for_forgotten(&mut self, now: Time) -> bool {
        let looks = self.len() >= MANY && now.since(self.searched) >= PAUSE_MS;
        if looks {
            self.searched = now;
        }
        looks
    }

    /// Takes out the next of these questions, one at a time, because there may be no memory for a
    /// list of all. `walk` stores the position in the lines; it begins as the default.
    pub fn forget_next(&mut self, now: Time, walk: &mut ForgetWalk) -> Option<Q> {
        for line in &mut self.lines[walk.line..=Line::New as usize] {
            let from = walk.after.map_or(Bound::Unbounded, Bound::Excluded);
            let mut rest = line.range((from, Bound::Unbounded));
            let over = rest.find(|(_, held)| now.since(held.since) >= FORGOTTEN_MS);
            if let Some((&rank, _)) = over {
                walk.after = Some(rank);
                let question = line.remove(&rank)?.question;
                self.places.remove(&question.subject()?);
                return Some(question);
            }
            *walk = ForgetWalk { line: walk.line + 1, after: None };
        }
        None
    }

    /// Takes out all questions: those in the queue do not count any longer, either. They come as
    /// another backlog, of which [`Backlog::take_next`] returns one after the other, because there
    /// may be too many to process at once.
    #[must_use]
    pub fn take_all(&mut self) -> Backlog<Q> {
        let rest = Backlog::with_questions(self.in_order);
        let rest = Backlog { searched: self.searched, ..rest };
        std::mem::replace(self, rest)
    }

    /// Takes out the next question that is held back, however many are in the queue.
    pub fn take_next(&mut self) -> Option<Q> {
        self.next_of_lines()
    }

    /// Whether no question is held back or in the queue.
    pub fn is_idle(&self) -> bool {
        self.queued == 0 && self.is_empty()
    }

    /// How many are held back.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether none is held back.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

#[cfg(test)]
mod tests;
