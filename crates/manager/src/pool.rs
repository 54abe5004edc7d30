//! What the lock guards of the workers: how many there are, and which clients wait for one.

use super::client_records::ClientPlace;
use crate::types::Time;
use std::collections::VecDeque;

/// The workers and those who wait for them.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Clients that wait to be run, first come, first served.
    pub ready: VecDeque<ClientPlace>,
    /// Workers that wait for a client.
    pub idle: usize,
    /// All workers.
    pub total: usize,
    /// How many clients were ever taken up: shows whether anything moves.
    pub taken: u64,
    pub taken_before: u64,
    /// Until then the system is not asked for threads: it has refused one.
    pub refused_until: Option<Time>,
}

impl Pool {
    /// Makes room for so many clients, so that no queue has to wait for memory.
    pub fn make_room(&mut self, clients: usize) {
        // Where there is none now there may be some later.
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
