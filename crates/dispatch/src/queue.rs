//! One client's callbacks that wait, and which thread makes them.
//!
//! Pure bookkeeping: the host's lock guards it.

use super::notes::Notes;
use super::turn::{Cause, Turn};
use super::{About, Bounds, Item};
use std::collections::VecDeque;

/// Room for so many is kept.
const KEPT: usize = 64;

/// Callbacks of one client in the order in which the state changed (spec 8.2).
///
/// At any time one of these holds: nothing waits and nothing is noted; a thread runs the
/// queue; the client is on the list of those that wait for a worker; or the caller of the
/// first callback has still to [`offer`](Queue::offer) it. The drawing in README.md shows
/// how a queue gets from one to the next.
#[derive(Debug)]
pub struct Queue<T: Item> {
    items: VecDeque<Waiting<T>>,
    /// The number of the last callback. Callbacks are numbered in their order, from 1.
    last: u64,
    /// From this number on, all callbacks are a worker's. Those before it are still the
    /// callers' (spec 8.4).
    workers_from: u64,
    runner: RunnerKind,
    /// The client is on the list of those that wait for a worker. A caller may run what is
    /// in front of the worker's callbacks meanwhile.
    is_listed: bool,
    is_behind: bool,
    notes: Notes<T::Key>,
}

/// No callback is a worker's.
const NONE: u64 = u64::MAX;

/// Which thread makes the callbacks of a client. It makes them in turn up to this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RunnerKind {
    Nobody,
    /// A calling thread, up to this number or to the first callback that is a worker's.
    Caller(u64),
    /// A worker, or a caller in place of one: until the queue is empty and nothing is noted.
    Worker,
}

/// A callback that waits.
#[derive(Debug)]
struct Waiting<T> {
    number: u64,
    cause: Cause,
    item: T,
}

/// What became of a callback.
#[derive(Debug, PartialEq, Eq)]
pub enum Pushed<T> {
    /// It waits, and has this number.
    Queued(u64),
    /// The client is behind: what this was about is noted.
    Noted(T),
    /// The client is behind, and the callback is dropped.
    Dropped(T),
    /// It must be queued, and there is no memory for it.
    Refused(T),
}

/// What the thread that runs a queue does next.
pub(super) enum Next<T> {
    /// Make this callback.
    Call(Cause, T),
    /// Ask the host for the present state of what is noted.
    CatchUp,
    /// Nothing.
    Stop,
}

/// What has to be done when a runner has stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stopped {
    /// The client has caught up.
    pub catches_up: bool,
    /// The client goes on the list of those that wait for a worker.
    pub needs_worker: bool,
}

impl<T: Item> Default for Queue<T> {
    fn default() -> Self {
        Queue {
            items: VecDeque::new(),
            last: 0,
            workers_from: NONE,
            runner: RunnerKind::Nobody,
            is_listed: false,
            is_behind: false,
            notes: Notes::default(),
        }
    }
}

impl<T: Item> Queue<T> {
    /// Puts a callback at the end, or notes what it is about. Afterwards the caller
    /// [`offer`](Queue::offer)s; if the cause is one of the library's threads,
    /// [`needs_worker`](Queue::needs_worker) has to be asked.
    pub fn push(&mut self, bounds: &Bounds, cause: Cause, item: T) -> Pushed<T> {
        match self.push_usual(bounds, cause, item) {
            Ok(number) => Pushed::Queued(number),
            Err(item) => self.push_unusual(bounds, cause, item),
        }
    }

    /// The same where the client is not behind and there is room, which is usual.
    ///
    /// # Errors
    /// The callback, where it is not so.
    #[inline]
    pub fn push_usual(&mut self, bounds: &Bounds, cause: Cause, item: T) -> Result<u64, T> {
        let len = self.items.len();
        if self.is_behind || len >= bounds.waiting || len == self.items.capacity() {
            return Err(item);
        }
        Ok(self.put(cause, item))
    }

    #[cold]
    fn push_unusual(&mut self, bounds: &Bounds, cause: Cause, item: T) -> Pushed<T> {
        self.is_behind |= self.items.len() >= bounds.waiting;
        let has_room = self.items.try_reserve(1).is_ok();
        if has_room && !self.is_behind {
            return Pushed::Queued(self.put(cause, item));
        }
        match item.about() {
            About::Itself if has_room => Pushed::Queued(self.put(cause, item)),
            About::Itself => Pushed::Refused(item),
            About::Nothing => {
                self.is_behind = true;
                self.comes_behind(cause);
                Pushed::Dropped(item)
            }
            about => {
                self.is_behind = true;
                self.notes.note(about, bounds);
                self.comes_behind(cause);
                Pushed::Noted(item)
            }
        }
    }

    /// Something with this cause comes after all waiting callbacks, but its caller does not offer
    /// them. The callers that must offer them may be inside callbacks that do not return (spec
    /// 8.4), so a worker gets them. Afterwards [`needs_worker`](Queue::needs_worker) has to be
    /// asked.
    #[cold]
    pub fn comes_behind(&mut self, cause: Cause) {
        if self.workers_from == NONE && self.items.back().is_some_and(|last| last.cause != cause) {
            self.leave(self.last);
        }
    }

    #[inline]
    fn put(&mut self, cause: Cause, item: T) -> u64 {
        self.last += 1;
        if cause == Cause::WORKER {
            self.workers_from = self.workers_from.min(self.last);
        }
        self.items.push_back(Waiting { number: self.last, cause, item });
        self.last
    }

    /// Puts the present state of a noted thing at the end.
    ///
    /// # Errors
    /// The callback, if there is no memory.
    pub fn tell(&mut self, item: T) -> Result<(), T> {
        if self.items.try_reserve(1).is_err() {
            return Err(item);
        }
        self.put(Cause::WORKER, item);
        Ok(())
    }

    /// The client is told all of a topic anew.
    pub fn tell_all(&mut self, topic: usize) {
        self.is_behind = true;
        self.notes.note_all(topic);
        self.comes_behind(Cause::WORKER);
    }

    /// What the client has to be told.
    pub fn notes(&mut self) -> &mut Notes<T::Key> {
        &mut self.notes
    }

    /// How many callbacks wait, and how many things are noted.
    pub fn len(&self) -> (usize, usize) {
        (self.items.len(), self.notes.len())
    }

    /// Whether no callback waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether a thread runs it.
    pub fn is_running(&self) -> bool {
        self.runner != RunnerKind::Nobody
    }

    /// Whether the client is behind.
    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// The callbacks that wait, in their order.
    pub fn items_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().map(|waiting| &mut waiting.item)
    }

    /// Whether callbacks with this cause wait.
    pub fn has_of(&self, cause: Cause) -> bool {
        self.items.iter().any(|one| one.cause == cause)
    }

    /// Takes out callbacks and notes that are outdated. Afterwards
    /// [`needs_worker`](Queue::needs_worker) has to be asked.
    pub fn cancel(&mut self, item: impl Fn(&T) -> bool, note: impl Fn(T::Key) -> bool) {
        self.take_out(item);
        self.notes.forget(note);
    }

    /// Takes out callbacks. Afterwards [`needs_worker`](Queue::needs_worker) has to be asked.
    pub fn take_out(&mut self, mut item: impl FnMut(&T) -> bool) {
        self.items.retain(|waiting| !item(&waiting.item));
        // What waited behind a worker's callback stays a worker's: its callers have left it.
        if self.items.back().is_none_or(|last| last.number < self.workers_from) {
            self.workers_from = NONE;
        }
    }

    /// A calling thread has the callback with this number to deliver. True makes the thread
    /// the runner; false means that the callback is delivered, or that another thread has to
    /// deliver it.
    #[inline]
    pub fn offer(&mut self, number: u64) -> bool {
        let Some(first) = self.items.front().filter(|first| first.number <= number) else {
            return false;
        };
        match &mut self.runner {
            RunnerKind::Nobody if first.number < self.workers_from => {
                self.runner = RunnerKind::Caller(number);
                true
            }
            RunnerKind::Caller(until) => {
                *until = number.max(*until);
                false
            }
            RunnerKind::Nobody | RunnerKind::Worker => false,
        }
    }

    /// A calling thread has the callback with this number to deliver, and will not: the
    /// runner does, or a worker, which then gets all that wait.
    pub fn leave(&mut self, number: u64) {
        match &mut self.runner {
            RunnerKind::Caller(until) => *until = number.max(*until),
            RunnerKind::Worker => {}
            RunnerKind::Nobody => {
                if self.items.front().is_some_and(|first| first.number <= number) {
                    self.hand_over();
                }
            }
        }
    }

    /// Leaves all waiting callbacks, and those that are added until the queue is empty, to a
    /// worker.
    pub(super) fn hand_over(&mut self) {
        if let Some(first) = self.items.front() {
            self.workers_from = first.number;
        }
    }

    /// Whether the client has to go on the list of those that wait for a worker, now.
    #[inline]
    pub fn needs_worker(&mut self) -> bool {
        let needs = self.runner == RunnerKind::Nobody && !self.is_listed && self.has_for_worker();
        self.is_listed |= needs;
        needs
    }

    /// Whether there is something that a worker has to do.
    #[inline]
    fn has_for_worker(&self) -> bool {
        // A client that is behind with nothing noted has still to be told so.
        self.workers_from != NONE || (self.is_behind && self.items.is_empty())
    }

    /// A worker took the client off the list, or a caller in place of one. True makes the
    /// thread the runner.
    pub fn start_worker(&mut self) -> bool {
        self.is_listed = false;
        let runs = self.runner == RunnerKind::Nobody && self.has_for_worker();
        if runs {
            self.runner = RunnerKind::Worker;
        }
        runs
    }

    /// The client is taken off the list, and no thread runs it.
    pub fn unschedule(&mut self) {
        self.is_listed = false;
    }

    /// The runner's next step.
    #[inline]
    pub(super) fn next(&mut self, turn: &mut Turn) -> Next<T> {
        let Some(&Waiting { number, cause, .. }) = self.items.front() else {
            return self.next_of_notes(turn);
        };
        if let RunnerKind::Caller(until) = self.runner {
            if number > until || number >= self.workers_from {
                return Next::Stop;
            }
        }
        if !turn.admits(cause) {
            self.hand_over();
            return Next::Stop;
        }
        match self.items.pop_front() {
            Some(Waiting { cause, item, .. }) => Next::Call(cause, item),
            None => Next::Stop,
        }
    }

    fn next_of_notes(&self, turn: &mut Turn) -> Next<T> {
        let catches_up = self.runner == RunnerKind::Worker && !self.notes.is_empty();
        match catches_up && turn.admits(Cause::WORKER) {
            true => Next::CatchUp,
            false => Next::Stop,
        }
    }

    /// The runner has another callback to deliver: the one with this number.
    #[inline]
    pub(super) fn go_on(&mut self, number: u64) {
        if let RunnerKind::Caller(until) = &mut self.runner {
            *until = number.max(*until);
        }
    }

    /// The runner stops. Returns what has to be done then, which is seldom anything.
    #[inline]
    pub(super) fn stop(&mut self) -> Stopped {
        self.runner = RunnerKind::Nobody;
        let is_usual = !self.is_behind && self.workers_from == NONE;
        if is_usual && self.items.capacity() <= KEPT {
            return Stopped::default();
        }
        self.stop_unusual()
    }

    #[cold]
    fn stop_unusual(&mut self) -> Stopped {
        let mut catches_up = false;
        if self.items.is_empty() {
            self.workers_from = NONE;
            if self.items.capacity() > KEPT {
                self.items = VecDeque::new();
            }
            catches_up = self.is_behind && self.notes.is_empty();
            self.is_behind &= !catches_up;
        }
        Stopped { catches_up, needs_worker: self.needs_worker() }
    }

    /// Forgets everything: the client is gone.
    pub fn close(&mut self) {
        let Queue { last, runner, is_listed, .. } = *self;
        *self = Queue { last, runner, is_listed, ..Queue::default() };
    }
}

#[cfg(test)]
mod tests;
