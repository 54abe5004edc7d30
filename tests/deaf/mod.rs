//! A client that hears nothing.

use mgm::engine::{Notice, NoticeKind};
use mgm::manager::Callbacks;

/// A client with no callbacks.
pub struct Deaf;

impl Callbacks for Deaf {
    fn has(&self, _: NoticeKind) -> bool {
        false
    }

    fn call(&self, _: &mut Notice) {}
}
