//! What the manager knows of a client in another process: see `posting`.

use crate::engine::{ClientId, Notice, NoticeBox};
use crate::types::Time;
use std::collections::VecDeque;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

/// How many callbacks of a client may be unacknowledged.
pub const WINDOW: usize = 1024;

/// A callback for a client in another process.
#[derive(Clone, Copy, Debug)]
pub struct PostedCallback<'a> {
    /// The client.
    pub client: ClientId,
    /// 1 for the client's first callback, and so on.
    pub number: u64,
    /// The cause that the process has given to the call that causes this callback; 0 if no call of
    /// that process does.
    pub cause: u64,
    /// The callback.
    pub notice: &'a Notice,
}

/// Who another process is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerProcess {
    /// Its process id.
    pub pid: i32,
    /// Its user.
    pub user: u32,
    /// The name of its program, as it says itself.
    pub name: String,
}

/// The connection to another process.
pub trait Outlet: Send + Sync {
    /// The number of the process. It differs from that of all other processes.
    fn session(&self) -> u64;

    /// Who the process is, for the status.
    fn process(&self) -> PeerProcess;

    /// Sends a callback. Called with the manager's lock held, so it only appends to a buffer.
    fn post(&self, callback: PostedCallback<'_>);

    /// Whether there is room for further callbacks. If there is not,
    /// [`Manager::post_more`](crate::Manager::post_more) is called when there is.
    fn has_room(&self) -> bool;
}

/// What holds for the outgoing interfaces of a client in another process if it does not answer
/// CREATION_ALERT in time (spec 9.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unanswered {
    /// They are on.
    #[default]
    OifsOn,
    /// They are off.
    OifsOff,
}

impl FromStr for Unanswered {
    type Err = ();

    fn from_str(word: &str) -> Result<Unanswered, ()> {
        match word {
            "on" => Ok(Unanswered::OifsOn),
            "off" => Ok(Unanswered::OifsOff),
            _ => Err(()),
        }
    }
}

/// What the manager knows of a client in another process.
pub(super) struct PostedClient {
    pub outlet: Arc<dyn Outlet>,
    pub unanswered: Unanswered,
    /// The callbacks that are not acknowledged, in their order.
    pub sent: VecDeque<Sent>,
    /// The number of the last callback.
    pub last: u64,
    /// How many of the first callbacks in `sent` have expired.
    pub expired: usize,
    /// When the first callback that has not expired became the first one.
    pub since: Time,
    /// When it last acknowledged a callback, or was sent one after it had acknowledged all.
    pub progress: Time,
    /// How many deadlines in a row have expired.
    pub misses: u32,
    /// The client is absent: it is not asked, and nothing waits for it (spec 9.5).
    pub is_absent: bool,
    /// When it has acknowledged all callbacks up to this one, it is no longer absent.
    pub absent_until: u64,
    /// The process has ended: no callback is sent any longer.
    pub has_ended: bool,
    /// How long the client took for its last answers.
    pub latencies: Latencies,
    /// For how many seconds the client's state stays when its process has ended (spec 9.8).
    pub grace: u32,
}

/// A callback that is not acknowledged.
pub(super) struct Sent {
    pub number: u64,
    /// The question, if the engine waits for its answer.
    pub question: Option<NoticeBox>,
    /// When it was sent, if it is a question.
    pub asked: Option<Instant>,
}

/// How many answers the status summarizes.
const SUMMARIZED: usize = 128;

/// How long a client took for its last answers, from the sending of the question.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    /// In microseconds. The oldest one is replaced when there are [`SUMMARIZED`].
    last: Vec<u32>,
    /// How many answers there were.
    pub count: u64,
}

impl Latencies {
    fn add(&mut self, asked: Instant) {
        let micros = u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX);
        let at = self.count as usize % SUMMARIZED;
        match self.last.get_mut(at) {
            Some(oldest) => *oldest = micros,
            None => self.last.push(micros),
        }
        self.count += 1;
    }

    /// The median and the maximum in microseconds; `None` if there was no answer yet.
    pub fn median_and_worst(&self) -> Option<(u32, u32)> {
        let mut sorted = self.last.clone();
        sorted.sort_unstable();
        Some((*sorted.get(sorted.len() / 2)?, *sorted.last()?))
    }
}

impl PostedClient {
    pub fn new(outlet: Arc<dyn Outlet>, grace: u32) -> PostedClient {
        PostedClient {
            outlet,
            unanswered: Unanswered::default(),
            sent: VecDeque::new(),
            last: 0,
            expired: 0,
            since: Time(0),
            progress: Time(0),
            misses: 0,
            is_absent: false,
            absent_until: 0,
            has_ended: false,
            latencies: Latencies::default(),
            grace,
        }
    }

    /// Whether another callback may be sent.
    pub fn has_window(&self) -> bool {
        self.sent.len() < WINDOW && self.outlet.has_room()
    }

    /// Whether one of the callbacks that have not expired is a question.
    pub fn has_question(&self) -> bool {
        self.sent.range(self.expired.min(self.sent.len())..).any(|sent| sent.question.is_some())
    }

    /// Takes out an acknowledged callback; `None` if it is acknowledged already.
    pub fn acknowledged(&mut self, number: u64, now: Time) -> Option<Sent> {
        let at = self.sent.binary_search_by_key(&number, |sent| sent.number).ok()?;
        let sent = self.sent.remove(at)?;
        self.progress = now;
        if let Some(asked) = sent.asked {
            self.latencies.add(asked);
        }
        if at < self.expired {
            self.expired -= 1;
        } else if at == self.expired {
            // The deadline of the next one starts now. An answer in time ends a row of misses.
            self.since = now;
            self.misses = 0;
        }
        if self.sent.is_empty() {
            self.misses = 0;
        }
        self.return_if_acknowledged(now);
        Some(sent)
    }

    /// The client is absent from now on.
    pub fn become_absent(&mut self) {
        self.is_absent = true;
        self.absent_until = self.last;
        self.expired = self.sent.len();
    }

    /// An absent client that has acknowledged what was sent before is asked again. It need not have
    /// acknowledged what was sent since: under a steady load, something is always unacknowledged.
    pub fn return_if_acknowledged(&mut self, now: Time) {
        let waits = self.sent.front().is_some_and(|first| first.number <= self.absent_until);
        if self.is_absent && !self.has_ended && !waits {
            (self.misses, self.is_absent, self.since) = (0, false, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn t9_10_the_latency_of_answers_is_that_of_the_last_ones() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.median_and_worst(), None);
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        latencies.add(ago(90));
        for _ in 1..SUMMARIZED {
            latencies.add(ago(2));
        }
        let (median, worst) = latencies.median_and_worst().unwrap();
        assert!((2_000_000..3_000_000).contains(&median), "{median}");
        assert!((90_000_000..91_000_000).contains(&worst), "{worst}");
        latencies.add(ago(3)); // replaces the oldest one
        let (_, worst) = latencies.median_and_worst().unwrap();
        assert!((3_000_000..4_000_000).contains(&worst), "{worst}");
        assert_eq!((latencies.count, latencies.last.len()), (SUMMARIZED as u64 + 1, SUMMARIZED));
    }
}
