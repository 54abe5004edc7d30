//! The limits of how many flows may begin on an interface in a second (spec 0.9).

use mgm_types::{Rate, Time, TokenBucket};
use std::collections::BTreeMap;

/// The limit of an interface.
#[derive(Clone, Debug)]
pub struct Bucket {
    tokens: TokenBucket,
    /// How often it had no room for a flow.
    pub refused: u64,
    /// No message about it is logged before this time.
    pub silent_until: Time,
}

impl Bucket {
    /// A full bucket.
    fn full(rate: Rate, now: Time) -> Bucket {
        Bucket { tokens: TokenBucket::full(rate, now), refused: 0, silent_until: Time(0) }
    }

    /// How many flows may begin.
    pub fn rate(&self) -> Rate {
        self.tokens.rate()
    }

    /// Whether a flow may begin now. It then takes its room.
    pub fn take(&mut self, now: Time) -> bool {
        let may_begin = self.tokens.take(now);
        self.refused += u64::from(!may_begin);
        may_begin
    }
}

/// The limits that are set, by interface index: all its next hops share one.
#[derive(Debug, Default)]
pub struct FlowRates {
    buckets: BTreeMap<u32, Bucket>,
    /// The forwarder refuses flows beyond the limits before the engine hears of them.
    pub is_elsewhere: bool,
}

impl FlowRates {
    /// Whether no interface has a limit, which is usual.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The limit of an interface.
    pub fn get_mut(&mut self, if_index: u32) -> Option<&mut Bucket> {
        self.buckets.get_mut(&if_index)
    }

    /// Sets the limit of an interface, or removes it; false if that changes nothing. A new limit
    /// begins with a full bucket, and a changed one goes on counting.
    pub fn set(&mut self, if_index: u32, rate: Option<Rate>, now: Time) -> bool {
        let before = self.buckets.get(&if_index);
        if before.map(Bucket::rate) == rate {
            return false;
        }
        let refused = before.map_or(0, |bucket| bucket.refused);
        match rate {
            Some(rate) => {
                self.buckets.insert(if_index, Bucket { refused, ..Bucket::full(rate, now) });
            }
            None => _ = self.buckets.remove(&if_index),
        }
        true
    }

    /// All limits, by interface index.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Bucket)> + '_ {
        self.buckets.iter().map(|(&index, bucket)| (index, bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 3, burst: 2 };

    #[test]
    fn t0_9_no_fraction_of_a_flow_is_lost() {
        let mut bucket = Bucket::full(RATE, Time(0));
        let taken = (0..10_000).filter(|&ms| bucket.take(Time(ms))).count();
        assert_eq!(taken, 31, "the first two, and 29.997 in 9,999 ms");
        assert_eq!(bucket.refused, 10_000 - 31);
    }
}
