//! Very many MFEs that expire in the same second, while a thread joins. MFEs that forwarded packets are
//! renewed, for which the clients are asked again. The others are deleted.

use super::joiner::join_until;
use super::{sample, Sample, Spec};
use crate::flows::{group, Flow};
use crate::library::{Callback, Library, ProtocolConfig};
use crate::meter::thread_time;
use crate::router::{callbacks, listener, Router, DOWNSTREAM};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::OnceLock;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// The thread of the library that ends MFEs.
const TIMER: &str = "mgm-timer";
/// The thread begins to join this long before the first MFE expires.
const AHEAD: Duration = Duration::from_millis(100);

static START: OnceLock<Instant> = OnceLock::new();
/// The time at which MFEs are to expire, in seconds from the start.
static DUE: AtomicU64 = AtomicU64::new(0);

type PruneAlert = unsafe extern "C" fn(u32, u32, u32, u32, u32, u32, i32, *mut u32) -> u32;

/// `PMGM_PRUNE_ALERT_CALLBACK`: an MFE without oifs is kept until all MFEs expire.
unsafe extern "C" fn live_until_due(
    _source: u32,
    _source_mask: u32,
    _group: u32,
    _group_mask: u32,
    _interface: u32,
    _next_hop: u32,
    member_delete: i32,
    timeout: *mut u32,
) -> u32 {
    if member_delete == 0 {
        let passed = START.get().map_or(0, |start| start.elapsed().as_secs());
        let left = DUE.load(Ordering::Relaxed).saturating_sub(passed).max(1);
        // SAFETY: MGM has it point to a number.
        unsafe { *timeout = left as u32 };
    }
    0
}

pub fn run(spec: &Spec, library: &Library) -> Result<Sample, String> {
    let (flows, due) = (spec.flows(), spec.number("due"));
    DUE.store(due as u64, Ordering::Relaxed);
    // SAFETY: it is called as what it is.
    let prune_alert: Callback =
        Some(unsafe { std::mem::transmute::<PruneAlert, unsafe extern "C" fn()>(live_until_due) });
    // Without the alerts of the joins, which would be counted too.
    let config = ProtocolConfig { prune_alert, join_alert: None, ..listener() };
    let router = Router::start_with(library, &config);

    let start = *START.get_or_init(Instant::now);
    for &flow in &flows {
        assert_eq!(router.packet(flow), 0, "nobody has joined {flow:?}");
    }
    let renew = spec.number("renew") == 1;
    if renew {
        for i in 0..spec.number("groups") {
            router.join(Flow { source: 0, group: group(i) }, DOWNSTREAM);
        }
        for &flow in &flows {
            assert_eq!(router.packet(flow), 1, "{flow:?} has one oif");
        }
    }
    let due = Duration::from_secs(due as u64);
    if start.elapsed() > due - AHEAD {
        return Err(format!("{} MFEs could not be made in {due:?}", flows.len()));
    }
    sleep((due - AHEAD).saturating_sub(start.elapsed()));

    let stop = AtomicBool::new(false);
    let (heard, spent) = (callbacks(), thread_time(TIMER));
    let (mut joined, over) = scope(|scope| {
        let joiner = scope.spawn(|| join_until(&router, &stop));
        // A renewal is an RPF callback and a CREATION_ALERT.
        let asked = heard + 2 * flows.len() as u64;
        while if renew { callbacks() < asked } else { router.has_mfes() } {
            sleep(Duration::from_millis(1));
        }
        let over = start.elapsed();
        stop.store(true, Ordering::Relaxed);
        (joiner.join().expect("it does not panic"), over)
    });
    let spent = thread_time(TIMER) - spent;
    let heard = callbacks() - heard;
    router.stop();
    Ok(sample([
        ("timer_ns", spent.as_nanos() as f64 / flows.len() as f64),
        ("seconds", (over - due).as_secs_f64()),
        ("callbacks", heard as f64),
        ("join_per_s", joined.speed),
        ("p50_us", joined.latencies.quantile(0.5)),
        ("p999_us", joined.latencies.quantile(0.999)),
        ("max_us", joined.latencies.quantile(1.0)),
    ]))
}
