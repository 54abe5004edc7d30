//! Which sources a change of the routes concerns.

use crate::{Ipv4Addr, Prefix};

/// The sources whose look-up may return another result than before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteChanges {
    /// In ascending order; none contains another.
    prefixes: Vec<Prefix>,
}

impl RouteChanges {
    /// Every source.
    #[must_use]
    pub fn everything() -> RouteChanges {
        RouteChanges { prefixes: vec![Prefix::ALL] }
    }

    /// The sources in these prefixes.
    #[must_use]
    pub fn within(prefixes: impl IntoIterator<Item = Prefix>) -> RouteChanges {
        let mut all: Vec<Prefix> = prefixes.into_iter().collect();
        all.sort_unstable(); // a prefix precedes those that it contains
        let mut prefixes: Vec<Prefix> = Vec::with_capacity(all.len());
        for prefix in all {
            if !prefixes.last().is_some_and(|last| last.contains(prefix.network())) {
                prefixes.push(prefix);
            }
        }
        RouteChanges { prefixes }
    }

    /// The prefixes that these sources are in: ascending, none contains another.
    #[must_use]
    pub fn prefixes(&self) -> &[Prefix] {
        &self.prefixes
    }

    /// Whether a source is among them.
    #[must_use]
    pub fn contain(&self, source: Ipv4Addr) -> bool {
        let behind = self.prefixes.partition_point(|prefix| prefix.network() <= source);
        behind > 0 && self.prefixes[behind - 1].contains(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(network: [u8; 4], len: u8) -> Prefix {
        Prefix::of(network.into(), len)
    }

    #[test]
    fn prefixes_within_others_are_left_out() {
        let changes = RouteChanges::within([
            prefix([10, 1, 2, 0], 24),
            prefix([192, 0, 2, 1], 32),
            prefix([10, 1, 0, 0], 16),
            prefix([10, 1, 0, 0], 24),
            prefix([10, 1, 0, 0], 16),
            prefix([10, 2, 0, 0], 24),
        ]);
        assert_eq!(
            changes.prefixes(),
            [prefix([10, 1, 0, 0], 16), prefix([10, 2, 0, 0], 24), prefix([192, 0, 2, 1], 32)]
        );
    }

    #[test]
    fn contains_what_a_plain_scan_finds() {
        let mut seed = 5u32;
        let mut random = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 8
        };
        for _ in 0..200 {
            let list: Vec<Prefix> = (0..random() % 9)
                .map(|_| {
                    Prefix::of(
                        (((random() % 64) << 26) | (random() % 8)).into(),
                        26 + (random() % 7) as u8,
                    )
                })
                .collect();
            let changes = RouteChanges::within(list.iter().copied());
            for _ in 0..50 {
                let source = Ipv4Addr::from(((random() % 64) << 26) | (random() % 64));
                let expected = list.iter().any(|prefix| prefix.contains(source));
                assert_eq!(changes.contain(source), expected, "{source} in {list:?}");
            }
        }
        assert!(RouteChanges::everything().contain([255; 4].into()));
        assert!(!RouteChanges::default().contain([0; 4].into()));
    }
}
