//! What the lock guards of the workers: how many there are, and which clients wait for one.

use super::client_records::ClientPlace;
use crate::types::Time;
use std::collections::VecDeque;

/// The workers, and the clients that wait for them.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Clients that wait for a worker, in order of arrival.
    pub ready: VecDeque<ClientPlace>,
    /// Workers that wait for a client.
    pub idle: usize,
    /// All workers.
    pub total: usize,
    /// How many clients workers have taken so far: shows whether the workers make progress.
    pub taken: u64,
    pub taken_before: u64,
    /// Until when no thread is started, because the system could not start one.
    pub refused_until: Option<Time>,
}

impl Pool {
    /// Makes room for this number of clients, so that queueing one needs no memory.
    pub fn make_room(&mut self, clients: usize) {
        // There may be memory later.
        let _ = self.ready.try_reserve(clients.saturating_sub(self.ready.len()));
    }

    /// Whether there is no worker.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Whether more clients wait than there are idle workers. Those that have
    /// been woken up for a client count as idle until they have taken it.
    pub fn is_short(&self) -> bool {
        self.ready.len() > self.idle
    }
}
