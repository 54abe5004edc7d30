//! The limits for clients. docs/control.md has the same values.

use std::time::Duration;

/// The limits for clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: usize,
    /// How long a client may take to send a request, and how long a connection may be idle.
    pub request: Duration,
    /// How long the router may take for an answer.
    pub answer: Duration,
    /// How long a client may take to read an answer.
    pub reading: Duration,
    /// Bytes of all answers that clients have not read yet.
    pub unread: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        let patience = Duration::from_secs(5);
        Limits {
            connections: 64,
            request: patience,
            answer: patience,
            reading: patience,
            unread: 32 << 20,
        }
    }
}
