//! A client as the manager sees it: something that can be called.

use crate::engine::{Answer, Notice, NoticeKind};

/// The callbacks of one client: over the function pointers of a
/// ROUTING_PROTOCOL_CONFIG, or over closures in the Rust tests.
pub trait Callbacks: Send + Sync {
    /// Whether the client has this callback (spec 1.3).
    fn has(&self, kind: NoticeKind) -> bool;

    /// Makes the callback, with no lock held, and returns what it left in its
    /// out-parameters ([`Answer::Done`] where it has none).
    fn call(&self, notice: &Notice) -> Answer;
}
