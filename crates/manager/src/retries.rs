//! What the system did not tell, to be asked again.

use crate::types::{Interface, Ipv4Addr, Time};
use std::collections::BTreeSet;

/// Asked again after so long, if not at once; then after twice as long each time.
const SHORTEST_MS: u64 = 1000;
const LONGEST_MS: u64 = 60_000;

/// With more sources than that all are asked about.
const MOST_SOURCES: usize = 4096;

/// Questions to the system that had no answer.
#[derive(Debug, Default)]
pub(super) struct Retries {
    /// Whether all interfaces are there that should be.
    interfaces: bool,
    /// Sources whose route is not known for sure.
    sources: BTreeSet<Ipv4Addr>,
    /// The routes of all sources are to be looked up, because those would be too many.
    routes: bool,
    /// Interfaces that are back, and cannot be served; the log has it.
    troubled: BTreeSet<Interface>,
    not_before: Time,
    pause: u64,
}

impl Retries {
    /// The system does not tell which interfaces there are, or does not let one be served.
    pub fn about_interfaces(&mut self) {
        self.interfaces = true;
    }

    /// An interface is back and cannot be served; false if that is known.
    pub fn about(&mut self, interface: Interface) -> bool {
        self.interfaces = true;
        self.troubled.insert(interface)
    }

    /// An interface is served, or gone.
    pub fn settle(&mut self, interface: Interface) {
        self.troubled.remove(&interface);
    }

    /// The system does not tell the routes to these sources.
    pub fn about_sources(&mut self, sources: impl IntoIterator<Item = Ipv4Addr>) {
        self.sources.extend(sources);
        if self.sources.len() > MOST_SOURCES {
            self.about_routes();
        }
    }

    /// Some route is not known for sure. Takes no memory.
    pub fn about_routes(&mut self) {
        self.routes = true;
        self.sources.clear();
    }

    /// Whether all sources are to be asked about. To be called with [`Retries::take`].
    pub fn take_routes(&mut self) -> bool {
        std::mem::take(&mut self.routes)
    }

    /// When to ask again.
    #[inline]
    pub fn due(&self) -> Option<Time> {
        (self.interfaces || self.routes || !self.sources.is_empty()).then_some(self.not_before)
    }

    /// The sources to ask about; interfaces are asked about in any case. None
    /// if it is not time yet.
    pub fn take(&mut self, now: Time) -> Option<BTreeSet<Ipv4Addr>> {
        self.due().filter(|due| *due <= now)?;
        // A late call means that nothing was in doubt for a while.
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
