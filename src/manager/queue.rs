//! One client's queue of notices, and who is bound to run it.
//!
//! Pure bookkeeping, no lock of its own: the manager's guards it.

use std::collections::VecDeque;

/// Notices of one client in the order in which the state changed (spec 8.2).
///
/// Each has a number, its *ticket*. A thread that has a ticket to deliver
/// [`offer`](Queue::offer)s it: either it becomes the runner, or somebody else
/// is bound to deliver it. Notices of MGM's own threads wait for a worker, and
/// what stands behind them goes with them; what stands before the first of them
/// is still the callers' to deliver (spec 8.3, 8.4).
#[derive(Debug)]
pub(super) struct Queue<T> {
    items: VecDeque<T>,
    /// Numbers of the last notice that came in, and that went out.
    pushed: u64,
    popped: u64,
    /// How far the present runner has to go.
    until: u64,
    /// The first notice that is a worker's, and how far it has to go: a duty that
    /// is outstanding while the latter lies before us.
    worker_from: u64,
    worker_until: u64,
    running: bool,
    /// On the list of clients that wait for a worker.
    scheduled: bool,
}

/// Which thread runs a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// The one that made the call.
    Caller,
    /// One of MGM's own.
    Worker,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue {
            items: VecDeque::new(),
            pushed: 0,
            popped: 0,
            until: 0,
            worker_from: 0,
            worker_until: 0,
            running: false,
            scheduled: false,
        }
    }
}

impl<T> Queue<T> {
    /// Puts a notice at the end; its number.
    pub fn push(&mut self, item: T) -> u64 {
        self.items.push_back(item);
        self.pushed += 1;
        self.pushed
    }

    /// How many notices wait.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether a thread is running the queue.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// A calling thread has this ticket to deliver. True makes it the runner;
    /// false says that the notice is delivered, or somebody is bound to.
    pub fn offer(&mut self, ticket: u64) -> bool {
        if ticket <= self.popped {
            return false;
        }
        if self.worker_until > self.popped && ticket >= self.worker_from {
            self.worker_until = self.worker_until.max(ticket);
            return false;
        }
        self.until = self.until.max(ticket);
        !std::mem::replace(&mut self.running, true)
    }

    /// This ticket is a worker's to deliver. True asks the caller to put the
    /// client on the list of those that wait for one.
    pub fn leave_to_worker(&mut self, ticket: u64) -> bool {
        let is_first = self.worker_until <= self.popped;
        self.worker_from = if is_first { ticket } else { self.worker_from.min(ticket) };
        self.worker_until = self.worker_until.max(ticket);
        self.needs_worker()
    }

    /// The worker that runs the queue has something else to do first, and leaves
    /// the rest to one that comes later. True as for [`Queue::leave_to_worker`].
    pub fn pause(&mut self) -> bool {
        self.running = false;
        self.worker_from = self.popped + 1;
        self.worker_until = self.worker_until.max(self.until);
        self.needs_worker()
    }

    /// No worker is to be had, so a caller delivers what was a worker's: the
    /// ticket that it has to offer.
    pub fn adopt(&mut self) -> u64 {
        self.scheduled = false;
        std::mem::take(&mut self.worker_until)
    }

    /// Whether the client has to go on that list now.
    fn needs_worker(&mut self) -> bool {
        let needs = !self.running && !self.scheduled && self.worker_until > self.popped;
        self.scheduled |= needs;
        needs
    }

    /// A worker took the client off the list. True makes it the runner.
    pub fn start_worker(&mut self) -> bool {
        self.scheduled = false;
        !self.running && self.worker_until > self.popped && {
            self.running = true;
            true
        }
    }

    /// The runner's next notice; `None` when its duty is done and it is the
    /// runner no more. Then [`Queue::after_run`] tells what is left.
    pub fn next(&mut self, lane: Lane) -> Option<T> {
        let limit = match lane {
            Lane::Caller => self.until,
            Lane::Worker => self.until.max(self.worker_until),
        };
        let item = if self.popped < limit { self.items.pop_front() } else { None };
        match item {
            Some(_) => self.popped += 1,
            None => self.running = false,
        }
        item
    }

    /// Whether the client has to go on the workers' list, now that its runner
    /// has stopped.
    pub fn after_run(&mut self) -> bool {
        self.needs_worker()
    }

    /// Forgets all notices: the client is gone.
    pub fn close(&mut self) {
        self.items.clear();
        self.popped = self.pushed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t8_3_a_callers_ticket_runs_everything_before_it() {
        let mut queue = Queue::default();
        queue.push('a');
        let second = queue.push('b');
        let third = queue.push('c');
        assert!(queue.offer(second));
        assert_eq!(queue.next(Lane::Caller), Some('a'));
        assert_eq!(queue.next(Lane::Caller), Some('b'));
        assert_eq!(queue.next(Lane::Caller), None);
        assert!(queue.offer(third), "the third is still its owner's to deliver");
    }

    #[test]
    fn t8_3_a_running_thread_takes_over_the_duty() {
        let mut queue = Queue::default();
        let first = queue.push(1);
        assert!(queue.offer(first));
        assert_eq!(queue.next(Lane::Caller), Some(1));
        let second = queue.push(2);
        assert!(!queue.offer(second), "another thread does not run it a second time");
        assert_eq!(queue.next(Lane::Caller), Some(2), "the runner goes on");
        assert_eq!(queue.next(Lane::Caller), None);
        assert!(!queue.is_running());
    }

    #[test]
    fn t8_4_a_callers_thread_does_not_run_what_is_a_workers() {
        let mut queue = Queue::default();
        let first = queue.push(1);
        assert!(queue.offer(first));
        assert_eq!(queue.next(Lane::Caller), Some(1));
        let upcall = queue.push(2);
        assert!(!queue.leave_to_worker(upcall), "not while it is being run");
        let behind = queue.push(3);
        assert!(!queue.offer(behind));
        assert_eq!(queue.next(Lane::Caller), None);
        assert!(queue.after_run(), "now a worker is due");
        assert!(!queue.after_run(), "once");
        assert!(queue.start_worker());
        assert_eq!(queue.next(Lane::Worker), Some(2));
        assert_eq!(queue.next(Lane::Worker), Some(3), "what stood behind it went along");
        assert_eq!(queue.next(Lane::Worker), None);
    }

    #[test]
    fn t8_3_what_stands_before_a_workers_is_the_callers() {
        let mut queue = Queue::default();
        let own = queue.push(1);
        let upcall = queue.push(2);
        assert!(queue.leave_to_worker(upcall));
        assert!(queue.offer(own), "though a worker is due");
        assert!(!queue.start_worker(), "not while it is being run");
        assert_eq!(queue.next(Lane::Caller), Some(1));
        assert_eq!(queue.next(Lane::Caller), None);
        assert!(queue.after_run(), "now again");
        assert!(queue.start_worker());
        assert_eq!(queue.next(Lane::Worker), Some(2));
        assert_eq!(queue.next(Lane::Worker), None);
    }

    #[test]
    fn a_worker_that_pauses_leaves_its_duty_to_another() {
        let mut queue = Queue::default();
        let first = queue.push(1);
        let second = queue.push(2);
        queue.push(3);
        assert!(queue.leave_to_worker(first) && queue.start_worker());
        assert_eq!(queue.next(Lane::Worker), Some(1));
        assert!(!queue.offer(second), "it is being run");
        assert!(queue.pause(), "so somebody has to go on");
        assert!(!queue.offer(second), "a worker does");
        assert!(queue.start_worker());
        assert_eq!(queue.next(Lane::Worker), Some(2));
        assert_eq!(queue.next(Lane::Worker), None, "the third is still its owner's");
    }

    #[test]
    fn a_caller_adopts_what_no_worker_takes() {
        let mut queue = Queue::default();
        let upcall = queue.push(1);
        assert!(queue.leave_to_worker(upcall));
        let ticket = queue.adopt();
        assert!(queue.offer(ticket));
        assert_eq!(queue.next(Lane::Caller), Some(1));
        assert_eq!(queue.next(Lane::Caller), None);
        assert!(!queue.after_run());
        assert!(!queue.offer(queue.pushed), "nothing is left");
    }

    #[test]
    fn t1_6_a_closed_queue_ends_its_runner() {
        let mut queue = Queue::default();
        queue.push(1);
        let last = queue.push(2);
        assert!(queue.offer(last));
        assert_eq!(queue.next(Lane::Caller), Some(1));
        queue.close();
        assert_eq!(queue.next(Lane::Caller), None);
        assert!(!queue.is_running());
        assert!(!queue.after_run());
    }
}
