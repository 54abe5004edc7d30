//! The counters of an oif.

use super::layout::Out;
use std::sync::atomic::Ordering::Relaxed;

/// The counters of an oif.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OutCounts {
    pub port: u32,
    pub packets: u64,
    pub ttl_too_low: u64,
    pub too_large: u64,
    pub discards: u64,
}

impl Out {
    pub(super) fn counts(&self) -> OutCounts {
        OutCounts {
            port: self.port.load(Relaxed),
            packets: self.packets.load(Relaxed),
            ttl_too_low: self.ttl_too_low.load(Relaxed),
            too_large: self.too_large.load(Relaxed),
            discards: self.discards.load(Relaxed),
        }
    }

    /// Programs do not use it yet.
    pub(super) fn set(&self, (port, threshold): (u32, u8)) {
        self.port.store(port, Relaxed);
        self.threshold.store(threshold.into(), Relaxed);
        for counter in [&self.packets, &self.ttl_too_low, &self.too_large, &self.discards] {
            counter.store(0, Relaxed);
        }
    }

    /// Adds what the same oif has counted in another run since its counters there were `known`.
    pub(super) fn add(&self, now: &OutCounts, known: &OutCounts) {
        self.packets.fetch_add(now.packets - known.packets, Relaxed);
        self.ttl_too_low.fetch_add(now.ttl_too_low - known.ttl_too_low, Relaxed);
        self.too_large.fetch_add(now.too_large - known.too_large, Relaxed);
        self.discards.fetch_add(now.discards - known.discards, Relaxed);
    }
}
