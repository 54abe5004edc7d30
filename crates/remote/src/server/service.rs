//! The loop of the thread `mgm-clients`.

use super::departures::Departures;
use super::link::{Link, Role};
use super::newcomers;
use super::outlet::{becomes_sender, Changed};
use super::process::{refuse, Process};
use super::refusals::Refusals;
use super::texts::Texts;
use super::{Limits, State};
use crate::messages::{decode, Acks, Call};
use crate::polling::{self, Polling};
use mgm_linux::channel::{Listener, Poller, Ready};
use mgm_manager::{Departure, Manager, WINDOW};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The token of the listener in the poller.
const LISTENER: u64 = 0;
/// A connection that has not said who it is, or has sent half a message, is closed after this time.
pub(super) const DAWDLING: Duration = Duration::from_secs(10);
/// A wait is short if it takes less time than two threads need to wake each other.
const BRISK: Duration = Duration::from_micros(100);
/// As many messages of a connection are taken before others are served.
const MESSAGES: usize = 32;
/// While it deletes state, the thread lets others have the processor after this time. Otherwise callers
/// on the same processor would wait until the scheduler takes it away, after some milliseconds.
const SPELL: Duration = Duration::from_micros(500);
/// How often slow processes and connections are looked for.
const ROUND: Duration = Duration::from_secs(1);

/// A call that waits for processes that have ended.
pub(super) struct Deferred {
    /// Its connection.
    pub token: u64,
    pub call: Call,
    /// The last process that it waits for (D86).
    pub until: u64,
}

/// What the thread has.
pub(super) struct Service {
    pub manager: Manager,
    listener: Listener,
    pub poller: Arc<Poller>,
    pub limits: Limits,
    /// How many connections there may be, so that descriptors are left for everything else.
    pub most_links: usize,
    pub links: HashMap<u64, Link>,
    pub processes: HashMap<u64, Process>,
    pub changed: Arc<Changed>,
    /// The processes that have changed, and to which nothing was sent yet.
    unsent: VecDeque<u64>,
    last_link: u64,
    pub departures: Departures<Departure>,
    pub deferred: VecDeque<Deferred>,
    pub texts: Texts,
    next_round: Instant,
    /// When a question may have waited for too long.
    next_check: Instant,
    refusals: Refusals,
    /// Until when no connection is accepted, because the system has refused one.
    paused_until: Option<Instant>,
    buffer: Vec<u8>,
    /// For the callbacks of a process.
    events: Vec<u8>,
    /// Connections with more messages than are taken at once.
    behind: Vec<u64>,
    polling: Polling,
    /// When the thread last waited, or let others have the processor.
    working_since: Instant,
    /// The last wait was short.
    is_brisk: bool,
    /// A call was made since the last wait.
    pub has_called: bool,
}

impl Service {
    pub fn new(
        manager: Manager,
        listener: Listener,
        poller: Arc<Poller>,
        (limits, most_links): (Limits, usize),
    ) -> io::Result<Service> {
        poller.add(&listener, LISTENER)?;
        Ok(Service {
            manager,
            listener,
            poller,
            limits,
            most_links,
            links: HashMap::new(),
            processes: HashMap::new(),
            changed: Arc::default(),
            unsent: VecDeque::new(),
            last_link: LISTENER,
            departures: Departures::default(),
            deferred: VecDeque::new(),
            texts: Texts::default(),
            next_round: Instant::now() + ROUND,
            next_check: Instant::now(),
            refusals: Refusals::default(),
            paused_until: None,
            buffer: Vec::new(),
            events: Vec::new(),
            behind: Vec::new(),
            polling: Polling::default(),
            working_since: Instant::now(),
            is_brisk: false,
            has_called: false,
        })
    }

    /// The main function of the thread, which a panic does not end.
    pub fn run(&mut self, state: &State) {
        becomes_sender();
        let mut ready = Vec::new();
        while !state.is_stopping.load(Ordering::Acquire) {
            if let Some(limits) = state.limits.lock().take() {
                (self.limits, self.most_links) = limits;
                self.next_check = Instant::now();
            }
            ready.clear();
            self.survive(|service| service.turn(&mut ready));
        }
        let sessions: Vec<u64> = self.processes.keys().copied().collect();
        sessions.into_iter().for_each(|session| self.end_process(session));
        while self.depart_some() {}
    }

    /// Waits once, and does what there is to do.
    fn turn(&mut self, ready: &mut Vec<Ready>) {
        let now = Instant::now();
        if now >= self.next_check {
            let left = self.manager.check_answers(u64::from(self.limits.answer_ms));
            self.next_check = now + left.unwrap_or(ROUND).min(ROUND);
        }
        self.send_changed();
        let until = self.next_check.min(self.next_round);
        let has_work =
            !self.departures.is_empty() || !self.deferred.is_empty() || !self.behind.is_empty();
        let wait = match has_work || !self.changed.is_empty() {
            true => Duration::ZERO,
            false => until.saturating_duration_since(now),
        };
        if wait.is_zero() {
            self.make_way();
        }
        self.wait(wait, ready);
        let behind = std::mem::take(&mut self.behind);
        for one in ready.iter() {
            if one.token == LISTENER {
                self.accept_all();
                continue;
            }
            self.serve(one.token, one.readable);
        }
        for token in behind {
            if let Some(link) = self.links.get_mut(&token) {
                link.is_behind = false;
            }
            self.take_messages(token);
        }
        for (link, text) in self.texts.take() {
            self.text_is_made(link, text);
        }
        self.depart_some();
        self.send_changed();
        self.end_pause();
        if Instant::now() >= self.next_round {
            self.next_round = Instant::now() + ROUND;
            self.make_round();
        }
    }

    /// Does what may panic. After a panic, the next turn takes the messages of all connections: it is
    /// not known which of them have messages that were not taken, and nothing more might arrive there.
    fn survive(&mut self, work: impl FnOnce(&mut Service)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            log::error!("internal error: a panic in the service of clients; please report it");
            self.behind = self.links.keys().copied().collect();
            self.links.values_mut().for_each(|link| link.is_behind = true);
        }
    }

    /// Does something for each entry that a list has now. After a panic, the rest is still on the list.
    fn work_off<T>(
        &mut self,
        list: impl Fn(&mut Service) -> &mut VecDeque<T>,
        mut work: impl FnMut(&mut Service, T),
    ) {
        for _ in 0..list(self).len() {
            let Some(one) = list(self).pop_front() else { return };
            work(self, one);
        }
    }

    /// Lets other threads have the processor, if this one has worked for long without a wait.
    fn make_way(&mut self) {
        if self.working_since.elapsed() >= SPELL {
            std::thread::yield_now();
            self.working_since = Instant::now();
        }
    }

    /// Waits for connections that are ready. After a call that came soon after something else, the
    /// thread polls before it waits: a process that makes one call after the other makes the next
    /// one soon. Acknowledgements do not matter so much, and many of them come in a burst of flows.
    fn wait(&mut self, most: Duration, ready: &mut Vec<Ready>) {
        let has_called = std::mem::take(&mut self.has_called);
        let Service { poller, polling, is_brisk, .. } = self;
        let begun = Instant::now();
        // A wake-up by another thread ends the polling, too: that thread has posted something.
        let look = || poller.wait(Some(Duration::ZERO), ready).then_some(());
        let polls = has_called && *is_brisk && most > polling::MOST;
        if !polls || polling.poll(look).is_none() {
            poller.wait(Some(most), ready);
        }
        *is_brisk = begun.elapsed() < BRISK;
        if !most.is_zero() {
            self.working_since = Instant::now();
        }
    }

    fn accept_all(&mut self) {
        loop {
            match self.listener.accept() {
                Ok(Some(connection)) => {
                    self.last_link += 1;
                    let link = Link::new(connection);
                    let newcomers = self.links.values().filter(|link| link.role == Role::New);
                    let is_full = self.links.len() >= self.most_links;
                    if is_full || newcomers.count() >= newcomers::MOST {
                        self.close_newcomer();
                    }
                    if self.poller.add(link.connection(), self.last_link).is_err() {
                        continue;
                    }
                    self.links.insert(self.last_link, link);
                }
                Ok(None) => return,
                Err(error) => {
                    log::error!(
                        "cannot accept a client process ({error}): raise the limit on open files \
                         (ulimit -n)"
                    );
                    // Otherwise each wait would end at once, because a connection waits.
                    self.poller.remove(&self.listener);
                    self.paused_until = Some(Instant::now() + ROUND);
                    return;
                }
            }
        }
    }

    /// Accepts connections again after a pause.
    fn end_pause(&mut self) {
        if self.paused_until.is_none_or(|until| Instant::now() < until) {
            return;
        }
        let is_added = self.poller.add(&self.listener, LISTENER).is_ok();
        self.paused_until = (!is_added).then(|| Instant::now() + ROUND);
    }

    /// Closes a connection that has not said yet who it is, so that another one has room.
    fn close_newcomer(&mut self) {
        let Some(victim) = newcomers::victim(&self.links) else { return };
        // It may have said so meanwhile.
        self.serve(victim, true);
        let why = "too many other connections have not sent their first message yet";
        if let Some(link) = self.links.get_mut(&victim).filter(|link| link.role == Role::New) {
            refuse(link, why);
            let user = link.user;
            self.flush(victim);
            self.log_refusal(user, &format!("a client process is refused: {why}"));
        }
    }

    /// Serves a connection that is ready.
    fn serve(&mut self, token: u64, is_readable: bool) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let is_open = match self.links.get_mut(&token) {
            None => true,
            // What has arrived is taken first.
            Some(link) if link.is_behind => {
                self.buffer = buffer;
                return self.flush(token);
            }
            Some(link) if is_readable && link.is_ready() => link.read(&mut buffer),
            // The kernel tells again and again of a connection that has ended.
            Some(link) => !(is_readable && link.connection().has_hung_up()),
        };
        self.buffer = buffer;
        // First, because a message that has arrived waits until its connection is drained.
        self.flush(token);
        self.take_messages(token);
        if !is_open {
            self.close(token, None);
        }
    }

    /// Takes messages that have arrived on a connection, so few that others are served soon.
    pub(super) fn take_messages(&mut self, token: u64) {
        for _ in 0..MESSAGES {
            let Some(link) = self.links.get_mut(&token) else { return };
            if !link.is_ready() {
                return;
            }
            let role = link.role;
            let message = match link.take() {
                Ok(Some(message)) => message,
                Ok(None) => return,
                Err(oversized) => return self.close(token, Some(&oversized.to_string())),
            };
            match role {
                Role::New => {
                    let message = message.to_vec();
                    if let Err(why) = self.greet(token, &message) {
                        if let Some(link) = self.links.get_mut(&token) {
                            refuse(link, &why);
                            let user = link.user;
                            self.log_refusal(user, &format!("a client process is refused: {why}"));
                        }
                    }
                }
                Role::Events(session) => match decode::<Acks>(message) {
                    Ok(acks) => self.manager.acknowledge(session, &acks.list),
                    Err(malformed) => return self.close(token, Some(&malformed.to_string())),
                },
                Role::Calls(_) => match decode::<Call>(message) {
                    Ok(call) => self.call(token, call),
                    Err(malformed) => return self.close(token, Some(&malformed.to_string())),
                },
            }
            self.flush(token);
        }
        self.take_later(token);
    }

    /// The next turn takes messages of this connection that have arrived.
    pub(super) fn take_later(&mut self, token: u64) {
        if let Some(link) = self.links.get_mut(&token).filter(|link| !link.is_behind) {
            link.is_behind = true;
            self.behind.push(token);
        }
    }

    /// Sends the callbacks that were posted.
    pub(super) fn send_changed(&mut self) {
        let changed = self.changed.take();
        if !changed.is_empty() {
            // There may be a question among them.
            let deadline = Duration::from_millis(u64::from(self.limits.answer_ms));
            self.next_check = self.next_check.min(Instant::now() + deadline);
        }
        self.unsent.extend(changed);
        self.work_off(|service| &mut service.unsent, Service::send_events);
    }

    fn send_events(&mut self, session: u64) {
        let Some(process) = self.processes.get(&session) else { return };
        let (token, outlet) = (process.events, Arc::clone(&process.holdings.outlet));
        let Some(link) = self.links.get_mut(&token) else { return };
        if !link.is_drained() {
            return; // `flush` continues when there is room
        }
        let was_full = outlet.swap(&mut self.events);
        link.fill(&mut self.events);
        if was_full {
            self.manager.post_more(session);
        }
        self.flush(token);
    }

    /// Sends what waits on a connection. Closes it if it is broken or has nothing more to say.
    pub(super) fn flush(&mut self, token: u64) {
        let Some(link) = self.links.get_mut(&token) else { return };
        let was_waiting = !link.is_drained();
        let is_open = link.flush(token, &self.poller);
        let is_drained = link.is_drained();
        if !is_open || (link.is_closing && is_drained) {
            return self.close(token, None);
        }
        if let (true, true, Role::Events(session)) = (was_waiting, is_drained, link.role) {
            // More may have been posted meanwhile.
            self.send_events_later(session);
        }
    }

    fn send_events_later(&mut self, session: u64) {
        let Some(process) = self.processes.get(&session) else { return };
        if process.holdings.outlet.is_waiting() {
            self.send_events(session);
        }
    }

    /// Closes a connection, and ends its process. `fault` is what is wrong with it, if anything.
    fn close(&mut self, token: u64, fault: Option<&str>) {
        let Some(link) = self.links.remove(&token) else { return };
        self.poller.remove(link.connection());
        self.texts.is_over(token);
        let session = match link.role {
            Role::New => {
                if let Some(fault) = fault {
                    let line = "a client process is disconnected before its first message";
                    self.log_refusal(link.user, &format!("{line}: {fault}"));
                }
                return;
            }
            Role::Events(session) | Role::Calls(session) => session,
        };
        if let (Some(fault), Some(process)) = (fault, self.processes.get(&session)) {
            log::warn!("{} is disconnected: {fault}", process.who());
        }
        self.end_process(session);
    }

    /// Logs why a connection is refused, but not each time if a user tries again and again.
    fn log_refusal(&mut self, user: Option<u32>, line: &str) {
        if let Some(more) = self.refusals.note(user, Instant::now()) {
            log::warn!("{line}{more}");
        }
    }

    /// A process has ended, for whatever reason (spec 9.7).
    fn end_process(&mut self, session: u64) {
        let Some(process) = self.processes.remove(&session) else { return };
        log::info!(
            "{} has ended; its {} clients are deregistered, unless they have asked for grace",
            process.who(),
            process.holdings.clients.len()
        );
        for &token in process.calls.iter().chain([&process.events]) {
            if let Some(link) = self.links.remove(&token) {
                self.poller.remove(link.connection());
            }
            self.texts.is_over(token);
        }
        self.make_texts();
        self.departures.push(self.manager.begin_departure(session));
    }

    /// Ends processes whose end was not read yet, because it is behind other messages, or another
    /// connection was read first.
    pub(super) fn end_hung_up(&mut self) {
        let is_over = |(_, process): &(&u64, &Process)| {
            let link = self.links.get(&process.events);
            link.is_some_and(|link| link.connection().has_hung_up())
        };
        let over: Vec<u64> =
            self.processes.iter().filter(is_over).map(|(session, _)| *session).collect();
        over.iter().for_each(|session| self.end_process(*session));
    }

    /// Whether state of processes that have ended, up to this one, is still being deleted. Also
    /// deletes a portion of the state whose time of grace has ended. Without waiting calls, the timer
    /// does that.
    pub(super) fn ends_something(&self, until: u64) -> bool {
        self.departures.has_until(until) || self.manager.end_graces()
    }

    /// Deletes a portion of the state of processes that have ended. If a call waits for no process any
    /// longer, also deletes a portion of the state whose time of grace has ended. When a process has
    /// no state left, or no such state is left, makes the calls that wait. False if there is nothing
    /// to do.
    fn depart_some(&mut self) -> bool {
        let portion = self.departures.step(|departure| self.manager.depart_some(departure));
        let has_ended = match portion {
            Some(true) => true,
            None if self.deferred.is_empty() => return false,
            // Processes that have ended after a call must not delay it (D86).
            _ => {
                let waits = |one: &Deferred| self.departures.has_until(one.until);
                !self.deferred.iter().all(waits) && !self.manager.end_graces()
            }
        };
        if has_ended {
            self.work_off(|service| &mut service.deferred, Service::call_again);
        }
        true
    }

    /// Looks for connections and processes that are too slow.
    fn make_round(&mut self) {
        let now = Instant::now();
        let slow = self.links.iter().filter(|(_, link)| {
            link.is_half() && now.saturating_duration_since(link.since) >= DAWDLING
        });
        let slow: Vec<u64> = slow.map(|(token, _)| *token).collect();
        for token in slow {
            self.close(token, Some("half a message has arrived, and not the rest of it"));
        }
        self.drop_unread(now);
        let mut stuck = Vec::new();
        for (&session, process) in &self.processes {
            let behind = self.manager.backlogged(session);
            if behind.waiting > WINDOW && behind.silent_ms >= self.limits.silent_ms {
                log::warn!(
                    "{} is disconnected: {} callbacks wait, and it has acknowledged none for {} s",
                    process.who(),
                    behind.waiting,
                    self.limits.silent_ms as f64 / 1000.0
                );
                stuck.push(session);
            }
        }
        stuck.into_iter().for_each(|session| self.end_process(session));
    }
}

#[cfg(test)]
mod tests;
