//! A client process, as the router knows it.

use super::link::Link;
use super::requests::Holdings;
use crate::hello::{greeting, Welcome};
use mgm_linux::channel::Peer;
use std::sync::atomic::{AtomicU64, Ordering};

/// The numbers of processes, never used twice in the router.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

/// A number for a process.
pub(super) fn next_session() -> u64 {
    SESSIONS.fetch_add(1, Ordering::Relaxed) + 1
}

/// A client process.
pub(super) struct Process {
    pub name: String,
    pub peer: Peer,
    /// Proves that a call connection belongs to the process.
    pub token: u64,
    pub events: u64,
    pub calls: Vec<u64>,
    pub holdings: Holdings,
}

impl Process {
    /// As the log calls it.
    pub fn who(&self) -> String {
        format!("client process {} ({}, user {})", self.peer.pid, self.name, self.peer.uid)
    }
}

/// Tells the other side why it is refused, and closes the connection afterwards.
pub(super) fn refuse(link: &mut Link, why: &str) {
    link.send(|to| to.extend_from_slice(&greeting(&Welcome::Refused { why: why.into() })));
    link.is_closing = true;
}
