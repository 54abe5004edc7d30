//! Queries that the system did not answer. They are repeated later.

use crate::types::{Interface, Ipv4Addr, Time};
use std::collections::BTreeSet;

/// The time until the first retry. It doubles with each further retry.
const SHORTEST_MS: u64 = 1000;
const LONGEST_MS: u64 = 60_000;

/// With more sources than this, all sources are looked up again.
const MOST_SOURCES: usize = 4096;

/// Queries that the system did not answer.
#[derive(Debug, Default)]
pub(super) struct Retries {
    /// Whether the list of existing interfaces must be read again.
    interfaces: bool,
    /// Sources whose route is uncertain.
    sources: BTreeSet<Ipv4Addr>,
    /// The routes of all sources must be looked up, because a list of them would be too long.
    routes: bool,
    /// Interfaces that are back and cannot be served; this was logged.
    troubled: BTreeSet<Interface>,
    not_before: Time,
    pause: u64,
}

impl Retries {
    /// Notes that the interfaces cannot be read, or that one cannot be served.
    pub fn about_interfaces(&mut self) {
        self.interfaces = true;
    }

    /// Notes that an interface is back and cannot be served; false if that was noted already.
    pub fn about(&mut self, interface: Interface) -> bool {
        self.interfaces = true;
        self.troubled.insert(interface)
    }

    /// Notes that an interface is served, or gone.
    pub fn settle(&mut self, interface: Interface) {
        self.troubled.remove(&interface);
    }

    /// Notes that the routes to these sources cannot be looked up.
    pub fn about_sources(&mut self, sources: impl IntoIterator<Item = Ipv4Addr>) {
        self.sources.extend(sources);
        if self.sources.len() > MOST_SOURCES {
            self.about_routes();
        }
    }

    /// Notes that some route is uncertain. Needs no memory.
    pub fn about_routes(&mut self) {
        self.routes = true;
        self.sources.clear();
    }

    /// Whether all sources must be looked up. To be called with [`Retries::take`].
    pub fn take_routes(&mut self) -> bool {
        std::mem::take(&mut self.routes)
    }

    /// When to retry.
    #[inline]
    pub fn due(&self) -> Option<Time> {
        (self.interfaces || self.routes || !self.sources.is_empty()).then_some(self.not_before)
    }

    /// The sources to look up; interfaces are always read again. `None` if it is not time yet.
    pub fn take(&mut self, now: Time) -> Option<BTreeSet<Ipv4Addr>> {
        self.due().filter(|due| *due <= now)?;
        // A late call means that no query had failed for a while.
        let in_a_row = now.0 < self.not_before.0 + self.pause;
        self.pause = if in_a_row { (2 * self.pause).min(LONGEST_MS) } else { SHORTEST_MS };
        self.not_before = Time(now.0 + self.pause);
        self.interfaces = false;
        Some(std::mem::take(&mut self.sources))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_retry_is_at_once_and_the_next_ever_later() {
        let mut retries = Retries::default();
        assert_eq!((retries.due(), retries.take(Time(9_000))), (None, None));
        let (mut now, mut pauses) = (10_000, Vec::new());
        for _ in 0..9 {
            retries.about_interfaces();
            let due = retries.due().unwrap().0.max(now);
            assert!(due == now || retries.take(Time(due - 1)).is_none(), "not before its time");
            assert_eq!(retries.take(Time(due)), Some(BTreeSet::new()));
            pauses.push(due - now);
            now = due;
        }
        assert_eq!(pauses, [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    }

    #[test]
    fn after_a_time_without_retries_the_pauses_start_anew() {
        let mut retries = Retries::default();
        let source = Ipv4Addr::new(10, 0, 0, 1);
        for now in [0, 1000, 3000] {
            retries.about_sources([source]);
            assert_eq!(retries.take(Time(now)), Some([source].into()));
        }
        retries.about_sources([source]);
        assert!(retries.take(Time(100_000)).is_some());
        retries.about_interfaces();
        assert_eq!(retries.due(), Some(Time(101_000)));
    }

    #[test]
    fn t0_9_too_many_sources_are_all_of_them() {
        let mut retries = Retries::default();
        for number in 0..=MOST_SOURCES as u32 {
            assert!(!retries.take_routes());
            retries.about_sources([number.into()]);
        }
        assert_eq!(retries.take(Time(0)), Some(BTreeSet::new()));
        assert!(retries.take_routes() && !retries.take_routes());
        assert_eq!(retries.due(), None);
    }

    #[test]
    fn trouble_is_told_once() {
        let mut retries = Retries::default();
        let link = Interface::link(3);
        assert!(retries.about(link) && !retries.about(link));
        retries.settle(link);
        assert!(retries.about(link));
    }
}
