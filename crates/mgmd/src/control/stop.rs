//! Tells the threads of the control socket to end.

use nix::sys::eventfd::EventFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Tells the threads to end.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    raised: Arc<AtomicBool>,
    wake: Arc<EventFd>,
}

impl Stop {
    pub fn new(wake: Arc<EventFd>) -> Stop {
        Stop { raised: Arc::default(), wake }
    }

    pub fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        self.wake.write(1).ok();
    }

    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }
}
