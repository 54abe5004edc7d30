//! The limits of how many flows may begin on an interface in a second (spec 0.9).

use mgm_types::Time;
use std::collections::BTreeMap;

/// The limit of an interface. Neither number is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowRate {
    /// How many flows may begin in a second, on average.
    pub per_second: u32,
    /// How many may begin at once.
    pub burst: u32,
}

/// What a flow takes. A limit of one a second adds 1 in a millisecond.
const FLOW: u64 = 1_000;

/// A token bucket: as many flows may begin now as there is room for.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub rate: FlowRate,
    /// The room for flows at `filled`, in thousandths of a flow.
    room: u64,
    filled: Time,
    /// How often it had no room for a flow.
    pub refused: u64,
    /// No message about it is logged before this time.
    pub silent_until: Time,
}

impl Bucket {
    /// A full bucket.
    fn full(rate: FlowRate, now: Time) -> Bucket {
        let room = capacity(rate);
        Bucket { rate, room, filled: now, refused: 0, silent_until: Time(0) }
    }

    /// Whether a flow may begin now. It then takes its room.
    pub fn take(&mut self, now: Time) -> bool {
        let room = room_after(self.rate, self.room, now.0.saturating_sub(self.filled.0));
        self.filled = self.filled.max(now);
        self.room = room.saturating_sub(if room < FLOW { 0 } else { FLOW });
        if room < FLOW {
            self.refused += 1;
        }
        room >= FLOW
    }
}

fn capacity(rate: FlowRate) -> u64 {
    u64::from(rate.burst) * FLOW
}

/// The room of a bucket after some milliseconds without flows.
fn room_after(rate: FlowRate, room: u64, ms: u64) -> u64 {
    let added = u64::from(rate.per_second).saturating_mul(ms);
    room.saturating_add(added).min(capacity(rate))
}

/// The limits that are set, by interface index: all its next hops share one.
#[derive(Debug, Default)]
pub struct FlowRates(BTreeMap<u32, Bucket>);

impl FlowRates {
    /// Whether no interface has a limit, which is usual.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The limit of an interface.
    pub fn get_mut(&mut self, if_index: u32) -> Option<&mut Bucket> {
        self.0.get_mut(&if_index)
    }

    /// Sets the limit of an interface, or removes it; false if that changes nothing. A new limit
    /// begins with a full bucket, and a changed one goes on counting.
    pub fn set(&mut self, if_index: u32, rate: Option<FlowRate>, now: Time) -> bool {
        let before = self.0.get(&if_index);
        if before.map(|bucket| bucket.rate) == rate {
            return false;
        }
        let refused = before.map_or(0, |bucket| bucket.refused);
        match rate {
            Some(rate) => {
                self.0.insert(if_index, Bucket { refused, ..Bucket::full(rate, now) });
            }
            None => _ = self.0.remove(&if_index),
        }
        true
    }

    /// All limits, by interface index.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Bucket)> + '_ {
        self.0.iter().map(|(&index, bucket)| (index, bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: FlowRate = FlowRate { per_second: 3, burst: 2 };

    #[test]
    fn t0_9_a_bucket_fills_by_the_millisecond_and_never_overflows() {
        for (room, ms, expected) in
            [(0, 0, 0), (0, 1, 3), (0, 333, 999), (1, 333, 1_000), (0, 5_000, 2_000)]
        {
            assert_eq!(room_after(RATE, room, ms), expected, "{room} after {ms} ms");
        }
        let most = FlowRate { per_second: u32::MAX, burst: u32::MAX };
        assert_eq!(room_after(most, 0, u64::MAX), u64::from(u32::MAX) * 1_000);
    }

    #[test]
    fn t0_9_no_fraction_of_a_flow_is_lost() {
        let mut bucket = Bucket::full(RATE, Time(0));
        let taken = (0..10_000).filter(|&ms| bucket.take(Time(ms))).count();
        assert_eq!(taken, 31, "the first two, and 29.997 in 9,999 ms");
        assert_eq!(bucket.refused, 10_000 - 31);
    }

    #[test]
    fn t0_9_a_clock_that_stands_still_or_is_late_adds_nothing() {
        let mut bucket = Bucket::full(RATE, Time(1_000));
        assert!(bucket.take(Time(1_000)) && bucket.take(Time(900)));
        assert!(!bucket.take(Time(1_000)));
        assert!(bucket.take(Time(1_334)));
    }
}
