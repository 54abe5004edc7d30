//! A client that hears nothing.

use mgm_engine::{Notice, NoticeKind};
use mgm_manager::Callbacks;

/// A client with no callbacks.
pub struct Deaf;

impl Callbacks for Deaf {
    fn has(&self, _: NoticeKind) -> bool {
        false
    }

    fn call(&self, _: &mut Notice) {}
}
