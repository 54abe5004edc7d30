//! Which sources of a group are wanted: a filter mode and a list of sources (RFC 9776, 3.2).

use mgm_types::Flow;
use std::net::Ipv4Addr;

/// INCLUDE(sources), or EXCLUDE(sources).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Whether all sources are wanted except those of the list.
    pub exclude: bool,
    /// The list, in ascending order, each source once.
    pub sources: Vec<Ipv4Addr>,
}

impl Filter {
    /// Everything: EXCLUDE of nothing.
    #[must_use]
    pub fn everything() -> Filter {
        Filter { exclude: true, sources: Vec::new() }
    }

    /// What these memberships of one group want a host to report. In the SSM range `(*,g)` is
    /// not reported (G36).
    pub(crate) fn of_flows(flows: impl Iterator<Item = Flow>, is_ssm: bool) -> Filter {
        let mut wanted = Filter::default();
        for flow in flows {
            match flow.has_source() {
                true => wanted.sources.push(flow.source()),
                false if is_ssm => {}
                false => return Filter::everything(),
            }
        }
        wanted.sources.sort_unstable();
        wanted.sources.dedup();
        wanted
    }

    /// The part of it that is reported: all, but in the SSM range only a list of wanted sources
    /// (RFC 4604, 2.2; G36).
    #[must_use]
    pub(crate) fn reportable(self, is_ssm: bool) -> Filter {
        if is_ssm && self.exclude {
            Filter::default()
        } else {
            self
        }
    }

    /// Whether nothing is wanted: INCLUDE of nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        !self.exclude && self.sources.is_empty()
    }

    /// Whether packets of this source are wanted.
    #[must_use]
    pub fn wants(&self, source: Ipv4Addr) -> bool {
        self.exclude != self.sources.binary_search(&source).is_ok()
    }

    /// What is wanted if this and `other` are: the merge of RFC 9776, section 3.2.
    #[must_use]
    pub fn merge(mut self, mut other: Filter) -> Filter {
        match (self.exclude, other.exclude) {
            (false, false) => {
                self.sources.append(&mut other.sources);
                self.sources.sort_unstable();
                self.sources.dedup();
                self
            }
            // Excluded is what both exclude.
            (true, true) => {
                self.sources.retain(|source| !other.wants(*source));
                self
            }
            (true, false) => {
                self.sources.retain(|source| !other.wants(*source));
                self
            }
            (false, true) => other.merge(self),
        }
    }
}

/// Which addresses of one ascending list are not in another one.
pub(crate) fn missing(from: &[Ipv4Addr], other: &[Ipv4Addr]) -> Vec<Ipv4Addr> {
    from.iter().copied().filter(|source| other.binary_search(source).is_err()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(exclude: bool, sources: &[u8]) -> Filter {
        let sources = sources.iter().map(|&host| Ipv4Addr::new(10, 0, 0, host)).collect();
        Filter { exclude, sources }
    }

    #[test]
    fn i54_a_merge_wants_what_either_wants() {
        for bits in 0..256_u32 {
            let list =
                |bits: u32| -> Vec<u8> { (1..=3).filter(|host| bits >> host & 1 == 1).collect() };
            let one = filter(bits & 1 == 1, &list(bits));
            let other = filter(bits >> 4 & 1 == 1, &list(bits >> 4));
            let merged = one.clone().merge(other.clone());
            assert!(merged.sources.is_sorted());
            for host in 1..=4 {
                let source = Ipv4Addr::new(10, 0, 0, host);
                assert_eq!(merged.wants(source), one.wants(source) || other.wants(source));
            }
        }
    }
}
