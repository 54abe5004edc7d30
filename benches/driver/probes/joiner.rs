//! A thread that joins as fast as it can, and notes the time of each join.

use crate::flows::Flow;
use crate::router::{Router, OTHER};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The number of flows that it joins, then leaves.
const BLOCK: usize = 10_000;

/// Its figures.
pub struct Joined {
    /// Joins and leaves in a second.
    pub speed: f64,
    pub latencies: Latencies,
}

/// Joins until it is told to stop.
pub fn join_until(router: &Router<'_>, stop: &AtomicBool) -> Joined {
    let flows: Vec<Flow> = (0..BLOCK).map(Flow::beyond).collect();
    let mut latencies = Latencies::default();
    let mut calls = 0;
    let start = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let mut before = Instant::now();
        for &flow in &flows {
            router.join(flow, OTHER);
            let after = Instant::now();
            latencies.note(after - before);
            before = after;
        }
        flows.iter().for_each(|&flow| router.leave(flow, OTHER));
        calls += 2 * flows.len();
    }
    Joined { speed: calls as f64 / start.elapsed().as_secs_f64(), latencies }
}

/// The times of many operations.
pub struct Latencies(Vec<u32>);

impl Default for Latencies {
    fn default() -> Latencies {
        // With room for all, so that it is not moved meanwhile. A page uses memory only after a write.
        Latencies(Vec::with_capacity(32 << 20))
    }
}

impl Latencies {
    #[inline]
    pub fn note(&mut self, latency: Duration) {
        self.0.push(latency.as_nanos().try_into().unwrap_or(u32::MAX));
    }

    /// The quantile in microseconds.
    pub fn quantile(&mut self, part: f64) -> f64 {
        let index = (self.0.len() as f64 * part) as usize;
        let index = index.min(self.0.len() - 1);
        f64::from(*self.0.select_nth_unstable(index).1) / 1000.0
    }
}
