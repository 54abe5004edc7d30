//! What must be done now and then, by the thread `mgm-upkeep`: make room for entries, expire first
//! packets, reuse what no program uses any longer, follow the state of interfaces, and try again what
//! the kernel has refused. Some of it waits for the kernel, so upcalls must not wait for it. What may
//! wait for the lock that all users of the kernel's links share comes last.

use super::changes::Changed;
use super::chunks::Chunks;
use super::kept::PARTS;
use super::layout::BUCKET_CHUNKS;
use super::load::Maps;
use super::reader::{Reader, REPORTS, UPKEEP};
use super::table::{Made, Need};
use crate::sys::{self, WaitEnd};
use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

impl Reader {
    /// One turn of the thread of the upkeep, which waits for programs. Then no upcall waits for them.
    pub(super) fn keep_up(&self, last: &mut Instant) {
        let end = sys::wait(Some(&self.changes), &self.upkeep, Some(self.next_upkeep()));
        if end == WaitEnd::Stop {
            if self.ending.load(Ordering::SeqCst) {
                return; // the signal stays raised
            }
            self.upkeep.clear();
        }
        if last.elapsed() >= UPKEEP || self.is_low.load(Ordering::Relaxed) {
            self.do_upkeep();
            *last = Instant::now();
        }
        self.look_at_links();
    }

    /// Reads the state of those interfaces again that the kernel has announced.
    fn look_at_links(&self) {
        match self.changes.read() {
            Some(Changed::All) => self.interfaces.refresh_all(&self.loaded),
            Some(Changed::Links(links)) => self.interfaces.refresh(&self.loaded, links),
            None => {}
        }
    }

    /// The thread may be asleep and not know that something is retired, or that flows are limited.
    pub(super) fn signal_upkeep(&self) {
        self.upkeep.raise();
    }

    /// The same if the kernel has refused something that is to be tried again.
    pub(super) fn signal_unfinished(&self) {
        if self.interfaces.has_unfinished() {
            self.signal_upkeep();
        }
    }

    /// Makes what the tables need next; false if they need nothing.
    pub(super) fn grow(&self) -> io::Result<bool> {
        let _growth = self.growth.lock();
        let Some(need) = self.state.lock().table.wants() else { return Ok(false) };
        let maps = &self.loaded.maps;
        let made = match need {
            Need::Entries(missing) => {
                Made::Entries(Chunks::make(&maps.entries, maps.entries_inner, missing)?)
            }
            Need::Outs(missing) => {
                Made::Outs(Chunks::make(&maps.outs, maps.outs_inner, missing)?, missing.count)
            }
            Need::Generation(missing) => {
                let made = Chunks::make(&maps.flows, maps.flows_inner, missing)?;
                let generations = missing.count.ilog2() + 1;
                maps.config.get(0).generations.store(generations, Ordering::Release);
                Made::Generation(made)
            }
        };
        self.state.lock().table.add(made);
        Ok(true)
    }

    /// Waits until no program runs that had begun before: the kernel does so when it has changed an
    /// array of maps.
    pub(super) fn wait_for_programs(&self) -> io::Result<()> {
        let Maps { flows, unused, .. } = &self.loaded.maps;
        flows.update(&(BUCKET_CHUNKS as u32), &(unused.raw_fd() as u32))
    }

    /// How long the thread may sleep at most.
    fn next_upkeep(&self) -> Duration {
        let state = self.state.lock();
        if state.table.has_retired() || !state.kept.is_empty() {
            return UPKEEP;
        }
        REPORTS
    }

    /// No longer waits for clients that do not answer.
    fn give_up_old(&self) {
        let mut inbox = self.inbox.lock();
        inbox.queues.give_up_old();
        self.leave_rest(&inbox, &self.state.lock());
    }

    fn do_upkeep(&self) {
        self.give_up_old();
        if !self.state.lock().kept.is_empty() {
            // Others get the lock in between.
            (0..PARTS).for_each(|part| self.state.lock().kept.expire(part));
        }
        let retired = {
            let mut state = self.state.lock();
            state.table.has_retired().then(|| state.table.retired())
        };
        self.interfaces.report_refused(&self.loaded);
        if let Some(retired) = retired {
            match self.wait_for_programs() {
                Ok(()) => self.state.lock().table.reuse(retired),
                Err(error) => {
                    log::debug!("cannot wait for the programs: {error}");
                    self.state.lock().table.retire_again(retired);
                }
            }
        }
        self.is_low.store(false, Ordering::Relaxed);
        while self.grow().unwrap_or_else(|error| {
            log::debug!("the tables cannot grow now: {error}");
            false
        }) {}
        self.interfaces.finish(&self.loaded);
    }
}
