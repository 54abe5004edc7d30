//! Clients in other processes: their callbacks are *posted* to an [`Outlet`], which sends them, and
//! are acknowledged later (spec 9.4, 9.5).
//!
//! No thread of the manager waits for such a client. A callback that is caused while fewer than
//! [`WINDOW`](super::WINDOW) callbacks are unacknowledged is posted at once, under the lock of the change. Others
//! wait in the client's queue until acknowledgements arrive.

use super::client_records::{ClientPlace, ClientRecord, Queued};
use super::context;
use super::delivery::Trigger;
use super::dispatch::{Backlog, Lane, Pulled, Question};
use super::posted_client::{Outlet, PostedCallback, PostedClient, Sent, Unanswered};
use super::state::Run;
use super::Manager;
use crate::engine::{Answer, ClientId, Notice, NoticeKind, NoticeKinds};
use crate::types::{Refusal, Result};
use std::sync::Arc;
use std::time::Instant;

/// How many of them may be questions about flows. The others are held back (D38), so that the
/// newest flow is asked about first.
const QUESTIONS: usize = 256;

/// How many acknowledgements are processed while the lock is held once.
const BATCH: usize = 64;

/// An acknowledgement.
pub trait Acknowledgement {
    /// The client that has acknowledged a callback, and the number of the callback.
    fn of(&self) -> (ClientId, u64);

    /// Copies the values that the client has left in the out-parameters into the notice.
    fn answer(&self, notice: &mut Notice);
}

impl ClientRecord {
    /// The record of a client in another process.
    fn posted_to(outlet: Arc<dyn Outlet>, kinds: NoticeKinds, grace: u32) -> ClientRecord {
        ClientRecord {
            backlog: Backlog::with_questions(QUESTIONS),
            posted: Some(Box::new(PostedClient::new(outlet, grace))),
            ..ClientRecord::new(None, kinds)
        }
    }

    /// Whether the client is in the process with this number.
    pub(super) fn is_in(&self, session: u64) -> bool {
        self.posted.as_ref().is_some_and(|posted| posted.outlet.session() == session)
    }
}

impl Manager {
    /// Registers a client in another process. If a client with these ids has left its state, and
    /// its process was of the same user, the new client takes over (spec 9.8). `grace` is for how
    /// many seconds the state of the new client stays when its process has ended. Does not start
    /// the library, which serves no other processes unless it is running.
    ///
    /// # Errors
    /// `AlreadyRegistered`, `NoMemory`, `Stopping`.
    pub fn register_posted(
        &self,
        outlet: Arc<dyn Outlet>,
        kinds: NoticeKinds,
        ids: (u32, u32),
        grace: u32,
    ) -> Result<ClientId> {
        let mut guard = self.lock();
        let run = guard.running().ok_or(Refusal::Stopping)?;
        run.clients.room()?;
        run.set_clock();
        let client = match run.left_by(ids, outlet.process().user) {
            Some(left) => run.engine.succeed(left, kinds)?,
            None => run.engine.register(ids.0, ids.1, kinds)?,
        };
        run.clients.insert(client, ClientRecord::posted_to(outlet, kinds, grace));
        Ok(client)
    }

    /// Sets what holds if a client in another process does not answer CREATION_ALERT in time.
    pub fn set_unanswered(&self, client: ClientId, unanswered: Unanswered) {
        let mut guard = self.lock();
        let found = guard.running().and_then(|run| run.clients.find(client, None));
        if let Some(posted) = found.and_then(|(_, record)| record.posted.as_mut()) {
            posted.unanswered = unanswered;
        }
    }

    /// Makes a call for another process. Callbacks that it causes for clients of that process
    /// carry `cause`; workers make those of clients in this process. `inside` is the client whose
    /// callback makes the call, if any.
    pub fn call_for<R>(
        &self,
        session: u64,
        cause: u64,
        inside: Option<ClientId>,
        call: impl FnOnce(&Manager) -> R,
    ) -> R {
        let result = context::for_process(session, cause, inside, || call(self));
        self.pass_on(); // calls inside the host's log callback have left tickets
        result
    }

    /// The number of the last callback that was posted for a client.
    #[must_use]
    pub fn last_posted(&self, client: ClientId) -> u64 {
        let mut guard = self.lock();
        let record = guard.running().and_then(|run| run.clients.get(client));
        record.and_then(|record| record.posted.as_ref()).map_or(0, |posted| posted.last)
    }

    /// Callbacks of a process were acknowledged.
    pub fn acknowledge<A: Acknowledgement>(&self, session: u64, acks: &[A]) {
        for batch in acks.chunks(BATCH) {
            let mut guard = self.lock();
            let Some(run) = guard.running() else { return };
            for ack in batch {
                run.acknowledged(session, ack);
            }
            self.publish(&mut guard, Lane::Worker);
        }
    }

    /// There is room for further callbacks of a process.
    pub fn post_more(&self, session: u64) {
        let mut guard = self.lock();
        let Some(run) = guard.running() else { return };
        let mut next = run.clients.after(None);
        while let Some(place) = next {
            let now = run.now();
            if let Some(record) = run.clients.at(place).filter(|record| record.is_in(session)) {
                if let Some(posted) = &mut record.posted {
                    // It became absent because there was no room, with nothing to acknowledge.
                    posted.return_if_acknowledged(now);
                }
                run.post_waiting(place);
            }
            next = run.clients.after(Some(place));
        }
        self.publish(&mut guard, Lane::Worker);
    }

    /// Hands a notice to a client in another process.
    pub(super) fn hand_over_posted(
        &self,
        run: &mut Run,
        place: ClientPlace,
        notice: Queued,
        trigger: Trigger,
    ) {
        let Some(record) = run.clients.at(place) else { return };
        let Some(posted) = &record.posted else { return };
        if posted.has_ended || (posted.is_absent && notice.subject().is_some()) {
            return run.take_default(place.client, notice);
        }
        let is_first = record.queue.is_empty() && !record.queue.is_behind();
        if !is_first || !posted.has_window() {
            let trigger = Trigger { lane: Lane::Worker, ..trigger };
            return self.hand_over_unusual(run, place, notice, trigger);
        }
        if !record.backlog.admits(&notice) {
            return run.hold_back(place, notice, trigger.origin);
        }
        run.post(place, notice);
    }
}

impl Run {
    /// Posts a callback, which there is room for.
    fn post(&mut self, place: ClientPlace, notice: Queued) {
        let now = self.now();
        let Run { engine, clients, fx, counters, .. } = self;
        let Some(record) = clients.at(place) else { return };
        let Some(posted) = &mut record.posted else { return };
        let kind = notice.kind();
        if posted.is_absent && notice.subject().is_some() {
            if let Some(next) = record.backlog.popped(&notice) {
                record.queue_held_back(next, engine, fx);
            }
            return self.take_default(place.client, notice);
        }
        let changes_igmp = matches!(kind, NoticeKind::DisableIgmp | NoticeKind::EnableIgmp);
        if changes_igmp && !engine.starting(place.client, &notice) {
            return fx.reuse(notice.0);
        }
        if !record.kinds.has(kind) {
            // Queued only for the order of the changes of owners.
            return self.take_default(place.client, notice);
        }
        record.delivered.count(kind);
        counters.callbacks.count(kind);
        posted.last += 1;
        let (client, number) = (place.client, posted.last);
        let cause = context::cause_for(posted.outlet.session());
        posted.outlet.post(PostedCallback { client, number, cause, notice: &notice });
        if posted.sent.len() == posted.expired {
            posted.since = now;
        }
        if posted.sent.is_empty() {
            posted.progress = now;
        }
        if notice.question().is_some() && !posted.is_absent {
            let asked = Some(Instant::now());
            posted.sent.push_back(Sent { number, question: Some(notice.0), asked });
        } else {
            posted.sent.push_back(Sent { number, question: None, asked: None });
            self.take_default(client, notice);
        }
    }

    /// Posts callbacks that wait in the client's queue, as far as there is room.
    pub(super) fn post_waiting(&mut self, place: ClientPlace) {
        loop {
            let Some(record) = self.clients.at(place).filter(|record| !record.gone) else { return };
            if !record.posted.as_ref().is_some_and(|posted| posted.has_window()) {
                return;
            }
            let (pulled, catches_up) = record.queue.pull();
            match pulled {
                Pulled::Item(notice) => self.post(place, notice),
                Pulled::CatchUp => self.catch_up(place),
                Pulled::Nothing if !catches_up => return,
                Pulled::Nothing => {}
            }
            if catches_up {
                self.caught_up(place);
            }
        }
    }

    /// A callback is acknowledged.
    fn acknowledged(&mut self, session: u64, ack: &impl Acknowledgement) {
        let now = self.now();
        let (client, number) = ack.of();
        let Run { engine, clients, fx, .. } = self;
        let found = clients.find(client, None).filter(|(_, record)| record.is_in(session));
        let Some((place, record)) = found else { return };
        let Some(posted) = &mut record.posted else { return };
        let Some(sent) = posted.acknowledged(number, now) else { return };
        if let Some(mut notice) = sent.question.map(Queued) {
            if let Some(next) = record.backlog.popped(&notice) {
                record.queue_held_back(next, engine, fx);
            }
            ack.answer(&mut notice);
            ::log::debug!("{} answers {}", engine.who(client), Answer(&notice));
            self.take_answer(client, notice);
        }
        self.post_waiting(place);
    }

    /// Takes what a notice says as the answer, if it is a question.
    fn take_answer(&mut self, client: ClientId, notice: Queued) {
        if notice.question().is_some() {
            self.answer(client, &notice);
        }
        self.fx.reuse(notice.0);
    }

    /// Answers an unchanged question as if the client had done so: with the default.
    pub(super) fn take_default(&mut self, client: ClientId, mut notice: Queued) {
        self.set_default(client, &mut notice);
        self.take_answer(client, notice);
    }

    /// Makes an unchanged question into its default answer. Unless the client has asked for
    /// something else, it is that already.
    pub(super) fn set_default(&self, client: ClientId, notice: &mut Notice) {
        let Notice::Creation { oifs, .. } = notice else { return };
        let record = self.clients.get(client);
        let Some(posted) = record.and_then(|record| record.posted.as_ref()) else { return };
        // A client without this callback is never asked, so all are on.
        let is_asked = record.is_some_and(|record| record.kinds.has(NoticeKind::Creation));
        if is_asked && posted.unanswered == Unanswered::OifsOff {
            oifs.iter_mut().for_each(|oif| oif.enabled = false);
        }
    }
}
