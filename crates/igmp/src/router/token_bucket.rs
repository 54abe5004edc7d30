//! Limits on how often something may happen (I76).

use mgm_types::Time;

/// A thousand in a second, two thousand at once: new groups and sources of a link.
pub(super) const CREATIONS: Rate = Rate { per_second: 1_000, burst: 2_000 };
/// Two hundred in a second, four hundred at once: sequences of specific queries of a link.
pub(super) const SEQUENCES: Rate = Rate { per_second: 200, burst: 400 };

/// How often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    per_second: u64,
    burst: u64,
}

/// A token bucket. It counts in thousandths of a token, so that milliseconds come out even.
#[derive(Debug)]
pub(super) struct TokenBucket {
    rate: Rate,
    level: u64,
    filled: Time,
}

impl TokenBucket {
    pub fn new(rate: Rate, now: Time) -> TokenBucket {
        TokenBucket { rate, level: rate.burst * 1_000, filled: now }
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: Time) -> bool {
        // Beyond a bucketful, more time fills no more.
        let gain = now.since(self.filled).min(self.rate.burst * 1_000) * self.rate.per_second;
        self.level = (self.level + gain).min(self.rate.burst * 1_000);
        self.filled = now;
        if self.level < 1_000 {
            return false;
        }
        self.level -= 1_000;
        true
    }
}
