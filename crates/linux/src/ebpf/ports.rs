//! Writes what the programs know of interfaces: ports, and the counters of arrivals.

use super::layout::{Arrivals, Port, NEIGHBOUR, UP};
use super::links::Facts;
use crate::types::Rate;
use std::sync::atomic::fence;
use std::sync::atomic::Ordering::{Relaxed, Release};

/// `is_ours`: whether copies may be sent there. `neighbour`: for a port with a next hop, its address
/// if it is known.
pub(super) fn set_port(
    port: &Port,
    (if_index, facts): (u32, &Facts),
    (is_ours, neighbour): (bool, Option<Option<[u8; 6]>>),
) {
    let mut addresses = [0u8; 12];
    addresses[..6].copy_from_slice(&neighbour.flatten().unwrap_or_default());
    addresses[6..].copy_from_slice(&facts.mac);
    let is_up = is_ours && facts.is_up && neighbour != Some(None);
    let flags = if is_up { UP } else { 0 } | if neighbour.is_some() { NEIGHBOUR } else { 0 };
    let words: Vec<u32> = addresses
        .chunks_exact(4)
        .map(|bytes| u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let is_same = port.ifindex.load(Relaxed) == if_index
        && port.addresses.iter().zip(&words).all(|(word, new)| word.load(Relaxed) == *new);
    if !is_same {
        port.flags.store(0, Relaxed);
        fence(Release); // no copy gets a half of each address
    }
    for (word, new) in port.addresses.iter().zip(words) {
        word.store(new, Relaxed);
    }
    port.mtu.store(facts.mtu, Relaxed);
    port.ifindex.store(if_index, Relaxed);
    port.flags.store(flags, Release);
}

/// A bucket that is full at `full_at`, and permits as many flows at once as fit into `depth`.
pub(super) fn set_limit(arrivals: &Arrivals, rate: Option<Rate>) {
    let interval = rate.map_or(0, |rate| 1_000_000_000 / i64::from(rate.per_second)).max(0);
    let burst = rate.map_or(0, |rate| i64::from(rate.burst));
    // More than 10^9 a second is no limit.
    arrivals.depth.store((burst - 1).saturating_mul(interval), Relaxed);
    arrivals.full_at.store(0, Relaxed);
    arrivals.interval.store(interval, Relaxed);
}

/// Before packets arrive.
pub(super) fn reset(arrivals: &Arrivals) {
    for counter in [
        &arrivals.told,
        &arrivals.refused,
        &arrivals.lost,
        &arrivals.invalid,
        &arrivals.cut,
        &arrivals.written,
        &arrivals.taken,
    ] {
        counter.store(0, Relaxed);
    }
}
