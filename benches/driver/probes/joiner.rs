//! A thread that joins as fast as it can, and notes how long each join took.

use crate::flows::Flow;
use crate::router::{Router, OTHER};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// It joins so many flows, then leaves them.
const BLOCK: usize = 10_000;

/// What it has to tell.
pub struct Joined {
    /// Joins and leaves a second.
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

/// How long each of many things took.
pub struct Latencies(Vec<u32>);

impl Default for Latencies {
    fn default() -> Latencies {
        // With room, lest it be moved in the middle; pages come as they are written to.
        Latencies(Vec::with_capacity(32 << 20))
    }
}

impl Latencies {
    #[inline]
    pub fn note(&mut self, latency: Duration) {
        self.0.push(latency.as_nanos().try_into().unwrap_or(u32::MAX));
    }

    /// The microseconds that this part of them did not exceed.
    pub fn quantile(&mut self, part: f64) -> f64 {
        let index = (self.0.len() as f64 * part) as usize;
        let index = index.min(self.0.len() - 1);
        f64::from(*self.0.select_nth_unstable(index).1) / 1000.0
    }
}
