//! Limits on how often something may happen.

use crate::Time;

/// How often something may happen. Neither number is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How often in a second, on average.
    pub per_second: u32,
    /// How often at once.
    pub burst: u32,
}

/// What the bucket loses each time. A rate of one a second adds 1 in a millisecond.
const TOKEN: u64 = 1_000;

/// A token bucket: something may happen as often now as there are tokens.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    rate: Rate,
    /// The thousandths of tokens at `filled`.
    level: u64,
    filled: Time,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub fn full(rate: Rate, now: Time) -> TokenBucket {
        TokenBucket { rate, level: capacity(rate), filled: now }
    }

    /// How often it permits something.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes a token, if there is one. A clock that goes back adds none.
    pub fn take(&mut self, now: Time) -> bool {
        self.level = level_after(self.rate, self.level, now.since(self.filled));
        self.filled = self.filled.max(now);
        let is_there = self.level >= TOKEN;
        if is_there {
            self.level -= TOKEN;
        }
        is_there
    }
}

fn capacity(rate: Rate) -> u64 {
    u64::from(rate.burst) * TOKEN
}

/// The level after some milliseconds in which no token is taken.
fn level_after(rate: Rate, level: u64, ms: u64) -> u64 {
    let added = u64::from(rate.per_second).saturating_mul(ms);
    level.saturating_add(added).min(capacity(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 3, burst: 2 };

    #[test]
    fn t0_9_a_bucket_fills_by_the_millisecond_and_never_overflows() {
        for (level, ms, expected) in
            [(0, 0, 0), (0, 1, 3), (0, 333, 999), (1, 333, 1_000), (0, 5_000, 2_000)]
        {
            assert_eq!(level_after(RATE, level, ms), expected, "{level} after {ms} ms");
        }
        let most = Rate { per_second: u32::MAX, burst: u32::MAX };
        assert_eq!(level_after(most, 0, u64::MAX), u64::from(u32::MAX) * 1_000);
    }

    #[test]
    fn t0_9_a_clock_that_stands_still_or_is_late_adds_nothing() {
        let mut bucket = TokenBucket::full(RATE, Time(1_000));
        assert!(bucket.take(Time(1_000)) && bucket.take(Time(900)));
        assert!(!bucket.take(Time(1_000)));
        assert!(bucket.take(Time(1_334)));
    }
}
