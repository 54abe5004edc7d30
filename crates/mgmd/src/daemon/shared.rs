//! What the event loop and the callbacks of the library share: IGMP, the static routes, and the
//! list of jobs.
//!
//! ```text
//!   event loop ──────────► handle ──┐   ┌──────────────┐
//!                                   ├──►│ IGMP, routes │──► jobs ──► next_job: the event loop
//!   callbacks (any thread) ► asked ─┘   └──────────────┘              carries them out
//! ```
//! The library asks questions that must be answered at once. It asks on a thread of its own, or on
//! the thread of the call that caused the question. So a lock protects IGMP. It is held for one
//! event only, and never during a call of the library. The jobs are listed under the same lock, so
//! they have the order of the events that caused them. One thread carries them out.
//!
//! The names of interfaces are for the lines of the library's log (M19), which any thread writes,
//! also in a callback. So they have a lock of their own.

use super::state::{Job, Question, State};
use crate::config::Config;
use mgm_igmp::{Callback, Event};
use mgm_types::{Flow, Time};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::time::{clock_gettime, ClockId};
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// IGMP, the routes and the jobs.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    wake: EventFd,
    /// The name of each interface of the system.
    names: RwLock<HashMap<u32, String>>,
}

/// The time since the system started, including the time that it was suspended.
#[must_use]
pub fn now() -> Time {
    // The clock exists on each Linux that mgmd runs on.
    let time =
        clock_gettime(ClockId::CLOCK_BOOTTIME).unwrap_or(nix::sys::time::TimeSpec::new(0, 0));
    Time(time.tv_sec() as u64 * 1_000 + time.tv_nsec() as u64 / 1_000_000)
}

impl Shared {
    /// IGMP without links. The seed decides its random delays.
    ///
    /// # Errors
    /// EMFILE, ENFILE, ENOMEM: the system lacks resources.
    pub fn new(config: &Config, seed: u64) -> nix::Result<Shared> {
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let state = State::new(config, seed);
        Ok(Shared { state: Mutex::new(state), wake, names: RwLock::default() })
    }

    /// The name of an interface of the system.
    #[must_use]
    pub fn name(&self, index: u32) -> Option<String> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).get(&index).cloned()
    }

    /// An interface of the system has this name now, or has gone.
    pub fn set_name(&self, index: u32, name: Option<&str>) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        match name {
            Some(name) => names.insert(index, name.to_owned()),
            None => names.remove(&index),
        };
    }

    /// Panics if IGMP has panicked: its state is then no longer reliable, and the service
    /// manager starts mgmd again.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("IGMP has panicked")
    }

    /// Passes an event to IGMP. Only the event loop calls this, because it looks for jobs
    /// afterwards.
    pub fn handle(&self, event: Event) {
        self.lock().handle(now(), event);
    }

    /// Runs the timers that are due.
    pub fn run_timers(&self) {
        self.lock().run_timers(now());
    }

    /// When [`Shared::run_timers`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.lock().deadline()
    }

    /// The next job, if there is one.
    #[must_use]
    pub fn next_job(&self) -> Option<Job> {
        self.lock().next_job()
    }

    /// Runs something with the state, for the event loop and for answers to operators.
    pub fn with<T>(&self, run: impl FnOnce(&mut State) -> T) -> T {
        run(&mut self.lock())
    }

    /// Handles a callback that needs no answer.
    pub fn told(&self, callback: Callback) {
        let mut state = self.lock();
        state.told(now(), callback);
        self.wake(&state);
    }

    /// Answers RPF_CALLBACK: returns the interface index on which the packets have to arrive,
    /// and the upstream neighbour.
    #[must_use]
    pub fn asked(&self, question: Question) -> (u32, Ipv4Addr) {
        let mut state = self.lock();
        let answer = state.asked(now(), question);
        self.wake(&state);
        answer
    }

    /// Answers CREATION_ALERT for one interface: whether packets of the flow may be forwarded
    /// there.
    #[must_use]
    pub fn may_forward(&self, link: u32, flow: Flow) -> bool {
        self.lock().may_forward(now(), link, flow)
    }

    fn wake(&self, state: &State) {
        if state.has_jobs() {
            // It fails only if the counter is full, and then the event
            // loop wakes up anyway.
            let _ = self.wake.write(1);
        }
    }

    /// Notes that the event loop is awake.
    pub fn awake(&self) {
        let _ = self.wake.read();
    }
}

impl AsFd for Shared {
    /// Readable when the event loop has to look for jobs.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m19_names_follow_the_interfaces() {
        let shared = Shared::new(&Config::default(), 1).unwrap();
        assert_eq!(shared.name(4), None);
        shared.set_name(4, Some("eth0"));
        shared.set_name(4, Some("lan0"));
        // Also while IGMP is busy, because callbacks log, too.
        shared.with(|_| assert_eq!(shared.name(4).as_deref(), Some("lan0")));
        shared.set_name(4, None);
        shared.set_name(5, None);
        assert_eq!((shared.name(4), shared.name(5)), (None, None));
    }
}
