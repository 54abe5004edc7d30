//! Waiting for the first dump of the table that the host named.

use parking_lot::{Condvar, Mutex};
use std::time::Duration;

/// Whether the first dump has been tried. An earlier look-up waits for it, without a lock that
/// other threads need.
#[derive(Debug, Default)]
pub(super) struct FirstDump {
    is_over: Mutex<bool>,
    ended: Condvar,
}

impl FirstDump {
    /// The first dump has succeeded or failed, or there will be none.
    pub fn end(&self) {
        *self.is_over.lock() = true;
        self.ended.notify_all();
    }

    /// Waits for the first dump for at most this time. Returns whether it is over.
    pub fn wait(&self, most: Duration) -> bool {
        let mut is_over = self.is_over.lock();
        self.ended.wait_while_for(&mut is_over, |is_over| !*is_over, most);
        *is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn t5_1_a_look_up_waits_for_the_first_dump_and_not_for_ever() {
        let (first, is_read) = (FirstDump::default(), AtomicBool::new(false));
        assert!(!first.wait(Duration::from_millis(1)), "nobody reads it");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert!(first.wait(Duration::from_secs(600)));
                assert!(is_read.load(Ordering::SeqCst), "it waits until then");
            });
            is_read.store(true, Ordering::SeqCst);
            first.end();
        });
        assert!(first.wait(Duration::from_secs(600)), "no longer");
    }
}
