//! The lines of the log about connections that are refused. A process that tries again and again must
//! not fill the log.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The least time between two lines about one user.
const PAUSE: Duration = Duration::from_secs(10);

/// What was logged about each user; `None` is a user that the system does not name.
#[derive(Debug, Default)]
pub(super) struct Refusals(HashMap<Option<u32>, Logged>);

#[derive(Debug)]
struct Logged {
    at: Instant,
    /// The refusals since then.
    silent: u32,
}

impl Refusals {
    /// A connection of a user is refused. `None` if no line is due; otherwise what the line ends
    /// with: the number of the refusals that were not logged.
    pub fn note(&mut self, user: Option<u32>, now: Instant) -> Option<String> {
        let mut silent = 0;
        if let Some(logged) = self.0.get_mut(&user) {
            if now.saturating_duration_since(logged.at) < PAUSE {
                logged.silent = logged.silent.saturating_add(1);
                return None;
            }
            silent = logged.silent;
        }
        // Others that were silent for so long need no memory.
        self.0.retain(|_, logged| {
            logged.silent > 0 || now.saturating_duration_since(logged.at) < PAUSE
        });
        self.0.insert(user, Logged { at: now, silent: 0 });
        Some(match silent {
            0 => String::new(),
            count => format!(" ({count} more refusals of this user were not logged)"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t9_11_the_log_has_one_line_in_ten_seconds_about_a_users_refusals_with_their_number() {
        let (mut refusals, begun) = (Refusals::default(), Instant::now());
        let mut after =
            |user, seconds| refusals.note(user, begun + Duration::from_secs_f64(seconds));
        assert_eq!(after(Some(1000), 0.0).as_deref(), Some(""));
        for number in 0..99 {
            assert_eq!(after(Some(1000), f64::from(number) / 10.0), None);
        }
        // Another user, and an unnamed one, have lines of their own.
        assert_eq!(after(Some(0), 9.9).as_deref(), Some(""));
        assert_eq!(after(None, 9.9).as_deref(), Some(""));
        let line = after(Some(1000), 10.0).expect("a line is due");
        assert!(line.contains("(99 more"), "{line}");
        assert_eq!(after(Some(1000), 19.9), None);
        assert!(after(Some(1000), 20.0).expect("a line is due").contains("(1 more"));
        assert_eq!(after(Some(1000), 40.0).as_deref(), Some(""));
    }

    #[test]
    fn t9_11_users_that_were_logged_and_come_no_more_use_no_memory() {
        let (mut refusals, begun) = (Refusals::default(), Instant::now());
        for user in 0..1000 {
            refusals.note(Some(user), begun);
        }
        refusals.note(Some(0), begun + PAUSE);
        assert_eq!(refusals.0.len(), 1);
    }
}
