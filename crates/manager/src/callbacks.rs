//! The callbacks of a client.

use crate::engine::{Notice, NoticeKind};

/// The callbacks of one client. The C interface implements them with the function pointers of a
/// ROUTING_PROTOCOL_CONFIG, and the Rust tests with closures.
pub trait Callbacks: Send + Sync {
    /// Whether the client has this callback (spec 1.3).
    fn has(&self, kind: NoticeKind) -> bool;

    /// Makes the callback, with no lock held, and stores the values of its out-parameters in the
    /// notice.
    fn call(&self, notice: &mut Notice);
}
