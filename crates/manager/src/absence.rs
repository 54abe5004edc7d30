//! Clients in other processes that do not answer (spec 9.5).

use super::client_records::{ClientPlace, ClientRecord, Queued};
use super::departure::PORTION;
use super::dispatch::{Lane, Question};
use super::state::Run;
use super::Manager;
use crate::types::Time;
use std::time::Duration;

/// After this number of deadlines in a row a client is absent.
const MISSES: u32 = 3;

impl Manager {
    /// Uses the default answer for questions that were not answered within `patience_ms` after all
    /// earlier callbacks of their client. Returns when to look again, if there are questions: at
    /// once if those of absent clients are too many to answer while the lock is held once.
    pub fn check_answers(&self, patience_ms: u64) -> Option<Duration> {
        let mut guard = self.lock();
        let run = guard.running()?;
        let (mut soonest, mut next) = (None::<u64>, run.clients.after(None));
        let mut most = PORTION;
        while let Some(place) = next {
            let left = run.check_client(place, patience_ms);
            most -= run.decide_some(place, most);
            let left = if run.has_undecided(place) { Some(0) } else { left };
            if let Some(left) = left {
                soonest = Some(soonest.map_or(left, |soonest| soonest.min(left)));
            }
            next = run.clients.after(Some(place));
        }
        self.publish(&mut guard, Lane::Worker);
        soonest.map(Duration::from_millis)
    }
}

/// How much a process is behind with its acknowledgements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlogged {
    /// How many callbacks wait, sent or not.
    pub waiting: usize,
    /// The milliseconds since any of its clients has acknowledged one.
    pub silent_ms: u64,
}

impl Manager {
    /// How many callbacks wait for a process, and since when it has acknowledged none (spec 9.6).
    #[must_use]
    pub fn backlogged(&self, session: u64) -> Backlogged {
        let mut guard = self.lock();
        let Some(run) = guard.running() else { return Backlogged::default() };
        let now = run.now();
        let (mut waiting, mut progress, mut is_awaited) = (0, Time(0), false);
        for (_, record) in run.clients.iter_mut().filter(|(_, record)| record.is_in(session)) {
            let Some(posted) = &record.posted else { continue };
            let (queued, noted) = record.queue.len();
            waiting += posted.sent.len() + queued + noted + record.backlog.len();
            is_awaited |= !posted.sent.is_empty();
            // Also that of a client that has acknowledged everything: the process is not silent.
            progress = progress.max(posted.progress);
        }
        Backlogged { waiting, silent_ms: if is_awaited { now.since(progress) } else { 0 } }
    }
}

impl ClientRecord {
    /// Whether a question waits for the client, sent or not.
    fn has_question(&mut self) -> bool {
        !self.backlog.is_idle()
            || self.posted.as_ref().is_some_and(|posted| posted.has_question())
            // DISABLE_IGMP and PRUNE_ALERT wait in the queue until the window has room.
            || self.queue.items_mut().any(|notice| notice.question().is_some())
    }
}

impl Run {
    /// Returns the time until the next deadline of this client, if it has one.
    fn check_client(&mut self, place: ClientPlace, patience_ms: u64) -> Option<u64> {
        let now = self.now();
        loop {
            let record = self.clients.at(place)?;
            let has_question = record.has_question();
            let posted = record.posted.as_ref()?;
            if posted.is_absent || !has_question {
                return None;
            }
            let spent = now.since(posted.since);
            if spent < patience_ms {
                return Some(patience_ms - spent);
            }
            self.miss(place, patience_ms);
        }
    }

    /// The first callback of a client that has not expired yet expires now.
    fn miss(&mut self, place: ClientPlace, patience_ms: u64) {
        let now = self.now();
        let Some(record) = self.clients.at(place) else { return };
        let Some(posted) = &mut record.posted else { return };
        let question = posted.sent.get_mut(posted.expired).and_then(|sent| sent.question.take());
        let question = question.map(Queued);
        // If there is no room to send, there may be nothing that can expire.
        posted.expired = posted.sent.len().min(posted.expired + 1);
        posted.since = now;
        posted.misses += 1;
        let is_absent = posted.misses >= MISSES;
        let who = self.engine.who(place.client);
        if let Some(question) = question {
            ::log::warn!(
                "{who} has not answered within {patience_ms} ms: using the default answer to {}",
                *question
            );
            let Run { engine, clients, fx, .. } = self;
            if let Some(record) = clients.at(place) {
                if let Some(next) = record.backlog.popped(&question) {
                    record.queue_held_back(next, engine, fx);
                }
            }
            self.take_default(place.client, question);
        } else {
            ::log::warn!(
                "a callback of {who} has not returned within {patience_ms} ms, and questions wait \
                 for it"
            );
        }
        if is_absent {
            ::log::warn!(
                "{who} does not answer: using the default answer to all its questions until it has \
                 returned from its callbacks"
            );
            self.becomes_absent(place);
        }
        self.post_waiting(place);
    }

    /// All questions that wait for the client are to get the default answer. [`Run::decide_some`]
    /// answers them.
    pub(super) fn becomes_absent(&mut self, place: ClientPlace) {
        let Some(record) = self.clients.at(place) else { return };
        let Some(posted) = &mut record.posted else { return };
        posted.become_absent();
        let sent = posted.sent.iter_mut().filter_map(|sent| sent.question.take());
        record.undecided.first.extend(sent.map(Queued));
        let unsent = record.queue.items_mut().filter(|notice| notice.question().is_some());
        record.undecided.first.extend(unsent.map(|notice| Queued(notice.0.clone())));
        record.undecided.held_back.push(record.backlog.take_all());
        // DISABLE_IGMP and PRUNE_ALERT are still sent, questions about flows are not.
        record.queue.take_out(|notice| notice.subject().is_some());
    }

    /// Answers questions of a client that is absent, or was so, with the default. Returns how many
    /// it has answered, at most `most`.
    pub(super) fn decide_some(&mut self, place: ClientPlace, most: usize) -> usize {
        for number in 0..most {
            match self.clients.at(place).and_then(|record| record.undecided.next()) {
                Some(question) => self.take_default(place.client, question),
                None => return number,
            }
        }
        most
    }

    /// Whether there are such questions.
    pub(super) fn has_undecided(&mut self, place: ClientPlace) -> bool {
        self.clients.at(place).is_some_and(|record| !record.undecided.is_empty())
    }
}
