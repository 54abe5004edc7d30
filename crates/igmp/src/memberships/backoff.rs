//! When something that was refused is tried again: after 1, 2, 4 … 60 s (I42).

use mgm_types::Time;

/// The longest wait, in seconds.
const LONGEST: u64 = 60;

/// The next try.
#[derive(Debug)]
pub(super) struct Backoff {
    due: Option<Time>,
    failed: Time,
    seconds: u64,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { due: None, failed: Time(0), seconds: 0 }
    }
}

impl Backoff {
    /// When the next try is due; never, if nothing has failed.
    pub fn due(&self) -> Time {
        self.due.unwrap_or(crate::NEVER)
    }

    /// It failed: returns how many seconds the next try waits. After a long time without a
    /// failure the waits begin anew.
    pub fn fail(&mut self, now: Time) -> u64 {
        if now.since(self.failed) > 2 * LONGEST * 1_000 {
            self.seconds = 0;
        }
        self.seconds = (2 * self.seconds).clamp(1, LONGEST);
        self.failed = now;
        self.due = Some(Time(now.0 + self.seconds * 1_000));
        self.seconds
    }

    /// It is tried now.
    pub fn wait_no_more(&mut self) {
        self.due = None;
    }

    /// The call succeeded, or is not needed any longer.
    pub fn reset(&mut self) {
        *self = Backoff::default();
    }
}
