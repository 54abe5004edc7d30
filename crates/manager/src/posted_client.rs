//! What the manager knows of a client in another process: see `posting`.

use crate::engine::{ClientId, Notice, NoticeBox};
use crate::types::Time;
use std::collections::VecDeque;
use std::sync::Arc;

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

/// What the manager knows of a client in another process.
pub(super) struct PostedClient {
    pub outlet: Arc<dyn Outlet>,
    /// The callbacks that are not acknowledged, in their order.
    pub sent: VecDeque<Sent>,
    /// The number of the last callback.
    pub last: u64,
    /// How many of the first callbacks in `sent` have expired.
    pub expired: usize,
    /// Since when the first callback that has not expired is the first one.
    pub since: Time,
    /// When it last acknowledged a callback, or was sent one after it had acknowledged all.
    pub progress: Time,
    /// How many deadlines in a row have expired.
    pub misses: u32,
    /// The client is absent: it is not asked, and nothing waits for it (spec 9.5).
    pub is_absent: bool,
    /// The process has ended: no callback is sent any longer.
    pub has_ended: bool,
    /// For how many seconds the client's state stays when its process has ended (spec 9.8).
    pub grace: u32,
}

/// A callback that is not acknowledged.
pub(super) struct Sent {
    pub number: u64,
    /// The question, if the engine waits for its answer.
    pub question: Option<NoticeBox>,
}

impl PostedClient {
    pub fn new(outlet: Arc<dyn Outlet>, grace: u32) -> PostedClient {
        PostedClient {
            outlet,
            sent: VecDeque::new(),
            last: 0,
            expired: 0,
            since: Time(0),
            progress: Time(0),
            misses: 0,
            is_absent: false,
            has_ended: false,
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
        if at < self.expired {
            self.expired -= 1;
        } else if at == self.expired {
            // The deadline of the next one starts now. An answer in time ends a row of misses.
            self.since = now;
            self.misses = 0;
        }
        if self.sent.is_empty() {
            (self.misses, self.is_absent) = (0, false);
        }
        Some(sent)
    }
}
