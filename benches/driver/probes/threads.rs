//! Two threads: one walks the table again and again, the other one joins.

use super::joiner::{join_until, Joined};
use super::{sample, Sample, Spec};
use crate::library::Library;
use crate::router::{Router, DOWNSTREAM};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

pub fn run(spec: &Spec, library: &Library) -> Sample {
    let time = Duration::from_millis(spec.number("ms") as u64);
    let router = Router::start(library, false);
    for flow in spec.flows() {
        router.join(flow, DOWNSTREAM);
        router.packet(flow);
    }
    let (alone, _) = together(&router, time, true, false);
    let (_, walked_alone) = together(&router, time, false, true);
    let (both, walked) = together(&router, time, true, true);
    router.stop();

    let (mut alone, mut both) = (alone.expect("it joined"), both.expect("it joined"));
    sample([
        ("join_alone_per_s", alone.speed),
        ("join_per_s", both.speed),
        ("join_kept", both.speed / alone.speed),
        ("dump_alone_per_s", walked_alone),
        ("dump_per_s", walked),
        ("dump_kept", walked / walked_alone),
        ("alone_p999_us", alone.latencies.quantile(0.999)),
        ("p50_us", both.latencies.quantile(0.5)),
        ("p999_us", both.latencies.quantile(0.999)),
        ("max_us", both.latencies.quantile(1.0)),
    ])
}

/// Lets one of them, or both, work for some time. Returns the joins, and the number of MFEs that were
/// walked in a second.
fn together(
    router: &Router<'_>,
    time: Duration,
    joins: bool,
    walks: bool,
) -> (Option<Joined>, f64) {
    let stop = AtomicBool::new(false);
    scope(|scope| {
        let joiner = joins.then(|| scope.spawn(|| join_until(router, &stop)));
        let walker = walks.then(|| scope.spawn(|| walk_until(router, &stop)));
        sleep(time);
        stop.store(true, Ordering::Relaxed);
        let joined = joiner.map(|joiner| joiner.join().expect("it does not panic"));
        let walked = walker.map(|walker| walker.join().expect("it does not panic"));
        (joined, walked.unwrap_or_default())
    })
}

fn walk_until(router: &Router<'_>, stop: &AtomicBool) -> f64 {
    let start = Instant::now();
    let mut rows = 0;
    while !stop.load(Ordering::Relaxed) {
        router.walk_mfes_while(|count| {
            rows += count;
            !stop.load(Ordering::Relaxed)
        });
    }
    rows as f64 / start.elapsed().as_secs_f64()
}
