//! The machine's noise: how long short computations of a thread take, while another thread computes
//! too. No library can have better latencies.

use super::joiner::Latencies;
use super::{sample, Sample, Spec};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Takes about as long as a join.
const STEPS: u64 = 400;

pub fn run(spec: &Spec) -> Sample {
    let time = Duration::from_millis(spec.number("ms") as u64);
    let stop = AtomicBool::new(false);
    let mut latencies = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                compute();
            }
        });
        let latencies = scope.spawn(|| {
            let mut latencies = Latencies::default();
            let start = Instant::now();
            let mut before = start;
            while before - start < time {
                compute();
                let after = Instant::now();
                latencies.note(after - before);
                before = after;
            }
            latencies
        });
        let latencies = latencies.join().expect("it does not panic");
        stop.store(true, Ordering::Relaxed);
        latencies
    });
    sample([
        ("p50_us", latencies.quantile(0.5)),
        ("p999_us", latencies.quantile(0.999)),
        ("max_us", latencies.quantile(1.0)),
    ])
}

fn compute() {
    for step in 0..STEPS {
        black_box(step);
    }
}
