//! Short polling before a wait.
//!
//! A thread that waits for a message sleeps, and the kernel must wake it. If it sleeps on another
//! processor, which is idle, this takes several times as long as the call itself. So a thread that
//! expects a message soon polls for some microseconds before it sleeps. If the message does not come in
//! that time, for example because the processors are busy, the thread polls less often.

use mgm_linux::threads;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a thread polls at most: about as long as the kernel takes to wake a thread on an idle
/// processor, and a call after that.
pub(crate) const MOST: Duration = Duration::from_micros(40);

/// After a failure at most so many waits pass without polling.
const LONGEST_PAUSE: u32 = 1023;

/// How often the processor pauses between two looks, so that the looks do not slow down the other
/// side.
const PAUSES: usize = 16;

/// Whether polling has paid.
#[derive(Debug, Default)]
pub(crate) struct Polling {
    /// So many waits pass without polling after the next failure.
    pause: u32,
    /// So many still have to pass.
    left: u32,
}

impl Polling {
    /// Looks for a message until there is one, or the time is over. Returns what `look` has found.
    /// Does not look if that has not paid lately.
    pub fn poll<T>(&mut self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        if !self.is_due() || !has_processors() {
            return None;
        }
        let until = Instant::now() + MOST;
        loop {
            let found = look();
            if found.is_some() {
                self.found();
                return found;
            }
            if Instant::now() >= until {
                self.missed();
                return None;
            }
            (0..PAUSES).for_each(|_| std::hint::spin_loop());
        }
    }

    fn is_due(&mut self) -> bool {
        let is_due = self.left == 0;
        self.left = self.left.saturating_sub(1);
        is_due
    }

    fn found(&mut self) {
        self.pause /= 2;
    }

    fn missed(&mut self) {
        self.pause = (2 * self.pause + 1).min(LONGEST_PAUSE);
        self.left = self.pause;
    }
}

/// Whether there is a second processor. With one, the other side cannot run meanwhile.
fn has_processors() -> bool {
    static HAS_PROCESSORS: OnceLock<bool> = OnceLock::new();
    *HAS_PROCESSORS.get_or_init(threads::has_processors)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many waits begin with polling, if each poll ends like this.
    fn polls(polling: &mut Polling, waits: u32, finds: bool) -> u32 {
        let mut count = 0;
        for _ in 0..waits {
            if polling.is_due() {
                count += 1;
                match finds {
                    true => polling.found(),
                    false => polling.missed(),
                }
            }
        }
        count
    }

    #[test]
    fn t9_4_a_thread_polls_seldom_if_that_does_not_pay_and_always_if_it_does() {
        let mut polling = Polling::default();
        assert_eq!(polls(&mut polling, 1000, true), 1000);
        assert_eq!(polls(&mut polling, 1 + 2 + 4 + 8, false), 4);
        let seldom = polls(&mut polling, 100_000, false);
        assert!((95..=110).contains(&seldom), "{seldom}");
        // It becomes usual again.
        polls(&mut polling, 1024, true);
        assert_eq!(polls(&mut polling, 1000, true), 1000);
    }

    #[test]
    fn t9_4_polling_ends_with_the_first_message_or_after_its_time() {
        let mut polling = Polling::default();
        let mut looks = 0;
        let found = polling.poll(|| {
            looks += 1;
            (looks == 3).then_some("message")
        });
        let has_two = has_processors();
        assert_eq!((found, looks), if has_two { (Some("message"), 3) } else { (None, 0) });
        let begun = Instant::now();
        assert_eq!(polling.poll(|| None::<()>), None);
        assert!(begun.elapsed() >= MOST || !has_two);
        // The next wait begins without a look.
        assert_eq!(polling.poll(|| Some(())), None);
    }
}
