//! One client's callbacks that wait, and which thread makes them.
//!
//! Pure bookkeeping: the host's lock guards it.

use super::notes::Notes;
use super::turn::{Cause, Turn};
use super::{About, Bounds, Item, Lane};
use std::collections::VecDeque;

/// Room for so many is kept.
const KEPT: usize = 64;

/// Callbacks of one client in the order in which the state changed (spec 8.2).
///
/// At any time one of these holds: it is empty and nothing is noted; a thread is running
/// it; it is on the list of those that wait for a worker; or the first item's caller has
/// still to [`offer`](Queue::offer) it.
#[derive(Debug)]
pub struct Queue<T: Item> {
    items: VecDeque<Waiting<T>>,
    /// The number of the last item: each has one, in their order.
    last: u64,
    /// How far the caller that runs it has to go.
    until: u64,
    /// How many of them the library's own threads have caused. From the first of those
    /// on all is a worker's; what is in front of it is still the callers' (spec 8.4).
    workers: usize,
    /// All of it is a worker's, until it is empty.
    handed_over: bool,
    running: bool,
    /// On the list of clients that wait for a worker.
    scheduled: bool,
    behind: bool,
    notes: Notes<T::Key>,
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
    /// The client is behind: it is noted what this was about.
    Noted(T),
    /// The client is behind, and will not hear of it.
    Dropped(T),
    /// It should wait, and there is no memory for it.
    Refused(T),
}

/// What the thread that runs a queue does next.
pub(super) enum Next<T> {
    /// Make this callback.
    Call(Cause, T),
    /// Find out what is to be told.
    CatchUp,
    /// Nothing.
    Stop,
}

impl<T: Item> Default for Queue<T> {
    fn default() -> Self {
        Queue {
            items: VecDeque::new(),
            last: 0,
            until: 0,
            workers: 0,
            handed_over: false,
            running: false,
            scheduled: false,
            behind: false,
            notes: Notes::default(),
        }
    }
}

impl<T: Item> Queue<T> {
    /// Puts a callback at the end, or notes what it is about. Afterwards the caller
    /// [`offer`](Queue::offer)s; if the cause is one of the library's threads,
    /// [`needs_worker`](Queue::needs_worker) has to be asked.
    #[inline]
    pub fn push(&mut self, bounds: &Bounds, cause: Cause, item: T) -> Pushed<T> {
        self.behind |= self.items.len() >= bounds.waiting;
        let has_room = self.items.len() < self.items.capacity() || self.grow();
        if self.behind || !has_room {
            return self.push_behind(bounds, cause, item, has_room);
        }
        self.put(cause, item);
        Pushed::Queued(self.last)
    }

    /// The same where the client is not behind and there is room, as is most usual.
    /// Else the callback comes back.
    #[inline]
    pub fn push_usual(&mut self, bounds: &Bounds, cause: Cause, item: T) -> Result<u64, T> {
        let len = self.items.len();
        if self.behind || len >= bounds.waiting || len == self.items.capacity() {
            return Err(item);
        }
        self.put(cause, item);
        Ok(self.last)
    }

    #[cold]
    fn push_behind(&mut self, bounds: &Bounds, cause: Cause, item: T, has_room: bool) -> Pushed<T> {
        match item.about() {
            About::Itself if has_room => {
                self.put(cause, item);
                Pushed::Queued(self.last)
            }
            About::Itself => Pushed::Refused(item),
            About::Nothing => {
                self.behind = true;
                self.comes_behind(cause);
                Pushed::Dropped(item)
            }
            about => {
                self.behind = true;
                self.notes.note(about, bounds);
                self.comes_behind(cause);
                Pushed::Noted(item)
            }
        }
    }

    /// Something with this cause is told after all that wait, but its caller does not offer
    /// them. Those whose callers do may be inside callbacks that do not return (spec 8.4).
    /// Afterwards [`needs_worker`](Queue::needs_worker) has to be asked.
    #[cold]
    pub fn comes_behind(&mut self, cause: Cause) {
        if self.workers == 0 && self.items.back().is_some_and(|last| last.cause != cause) {
            self.leave(self.last);
        }
    }

    #[inline]
    fn put(&mut self, cause: Cause, item: T) {
        self.workers += usize::from(cause == Cause::WORKER);
        self.last += 1;
        self.items.push_back(Waiting { number: self.last, cause, item });
    }

    #[cold]
    fn grow(&mut self) -> bool {
        self.items.try_reserve(1).is_ok()
    }

    /// Puts what a client that is behind is told at the end; back if there is no memory.
    pub fn tell(&mut self, item: T) -> Result<(), T> {
        if self.items.try_reserve(1).is_err() {
            return Err(item);
        }
        self.put(Cause::WORKER, item);
        Ok(())
    }

    /// The client is told all of a topic anew.
    pub fn tell_all(&mut self, topic: usize) {
        self.behind = true;
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

    /// Whether a thread is running it.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Whether the client is behind.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// The callbacks that wait, in their order.
    pub fn items_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().map(|waiting| &mut waiting.item)
    }

    /// Whether callbacks with this cause wait.
    pub fn has_of(&self, cause: Cause) -> bool {
        self.items.iter().any(|one| one.cause == cause)
    }

    /// Takes out callbacks and notes that have lost their sense. Afterwards
    /// [`needs_worker`](Queue::needs_worker) has to be asked.
    pub fn cancel(&mut self, item: impl Fn(&T) -> bool, note: impl Fn(T::Key) -> bool) {
        self.take_out(item);
        self.notes.forget(note);
    }

    /// Takes out callbacks. Afterwards [`needs_worker`](Queue::needs_worker) has to be asked.
    pub fn take_out(&mut self, mut item: impl FnMut(&T) -> bool) {
        let mut workers = self.items.iter().filter(|one| one.cause == Cause::WORKER);
        let first = workers.next().map(|one| one.number);
        self.items.retain(|waiting| !item(&waiting.item));
        self.workers = self.items.iter().filter(|one| one.cause == Cause::WORKER).count();
        // The callers of what waited behind a worker's callback have left that to the worker.
        let is_behind = |first| self.items.back().is_some_and(|last| last.number > first);
        if self.workers == 0 && first.is_some_and(is_behind) {
            self.leave(self.last);
        }
    }

    /// A calling thread has the callback with this number to deliver. True makes it the
    /// runner; false says that it is delivered, or that somebody is bound to.
    #[inline]
    pub fn offer(&mut self, number: u64) -> bool {
        let Some(first) = self.items.front().filter(|first| first.number <= number) else {
            return false;
        };
        if self.running {
            self.until = self.until.max(number);
            return false;
        }
        self.running = first.cause != Cause::WORKER && !self.handed_over;
        self.until = number;
        self.running
    }

    /// A calling thread has the callback with this number to deliver, and will not: it is
    /// the runner's, or a worker's with all that wait.
    pub fn leave(&mut self, number: u64) {
        if self.running {
            self.until = self.until.max(number);
        } else if self.items.front().is_some_and(|first| first.number <= number) {
            self.handed_over = true;
        }
    }

    /// Leaves all of it to a worker.
    pub(super) fn hand_over(&mut self) {
        self.handed_over = !self.items.is_empty();
    }

    /// Whether there is something that a worker has to do.
    fn is_workers(&self) -> bool {
        // With nothing noted there is still to end that the client is behind.
        self.workers > 0 || self.handed_over || (self.items.is_empty() && self.behind)
    }

    /// Whether the client has to go on the list of those that wait for a worker, now.
    #[inline]
    pub fn needs_worker(&mut self) -> bool {
        let needs = !self.running && !self.scheduled && self.is_workers();
        self.scheduled |= needs;
        needs
    }

    /// A worker took the client off the list, or a caller instead of one. True makes it
    /// the runner.
    pub fn start_worker(&mut self) -> bool {
        self.scheduled = false;
        let runs = !self.running && self.is_workers();
        self.running |= runs;
        runs
    }

    /// It stays on no list, because nobody is to be had who would look there.
    pub fn unschedule(&mut self) {
        self.scheduled = false;
    }

    /// The runner's next step.
    pub(super) fn next(&mut self, reach: Lane, turn: &mut Turn) -> Next<T> {
        let Some(&Waiting { number, cause, .. }) = self.items.front() else {
            let catches_up = reach == Lane::Worker && !self.notes.is_empty();
            let goes_on = catches_up && turn.admits(Cause::WORKER);
            return if goes_on { Next::CatchUp } else { Next::Stop };
        };
        let is_workers = self.handed_over || cause == Cause::WORKER;
        if reach == Lane::Caller && (is_workers || number > self.until) {
            return Next::Stop;
        }
        if !turn.admits(cause) {
            self.handed_over = true;
            return Next::Stop;
        }
        match self.items.pop_front() {
            Some(Waiting { cause, item, .. }) => {
                self.workers -= usize::from(cause == Cause::WORKER);
                Next::Call(cause, item)
            }
            None => Next::Stop,
        }
    }

    /// Whether the client has caught up just now.
    pub(super) fn catches_up(&mut self) -> bool {
        self.behind && self.items.is_empty() && self.notes.is_empty() && {
            self.behind = false;
            true
        }
    }

    /// The runner stops, if nothing is left to do for it or a worker, as is most usual: true
    /// if so.
    #[inline]
    pub(super) fn stop_at_end(&mut self) -> bool {
        let is_end = match self.items.is_empty() {
            true => self.items.capacity() <= KEPT,
            false => self.workers == 0 && !self.handed_over,
        };
        if self.behind || !is_end {
            return false;
        }
        (self.running, self.handed_over) = (false, false);
        true
    }

    /// The runner stops. Afterwards [`needs_worker`](Queue::needs_worker) has to be asked.
    pub(super) fn stop(&mut self) {
        self.running = false;
        if self.items.is_empty() {
            self.handed_over = false;
            if self.items.capacity() > KEPT {
                self.items = VecDeque::new();
            }
        }
    }

    /// Forgets everything: the client is gone.
    pub fn close(&mut self) {
        let Queue { last, running, scheduled, .. } = *self;
        *self = Queue { last, running, scheduled, ..Queue::default() };
    }
}

#[cfg(test)]
mod tests;
