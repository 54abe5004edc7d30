//! The memberships that follow from the state of a link (I43 to I45, I50).

use crate::filter::{missing, Filter};
use mgm_types::Flow;
use std::net::Ipv4Addr;

/// The memberships that the library should have of one group on one link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Desired {
    /// `(*,g)`.
    pub all: bool,
    /// `(s,g)` for these, in ascending order.
    pub sources: Vec<Ipv4Addr>,
    /// The sources that `(*,g)` must not bring, in ascending order.
    pub blocked: Vec<Ipv4Addr>,
}

impl Desired {
    /// What hosts want, united with the static memberships of the group.
    pub fn of(hosts: Filter, statics: &[Flow]) -> Desired {
        let static_all = statics.first().is_some_and(|flow| !flow.has_source());
        let named = statics.iter().filter(|flow| flow.has_source()).map(|flow| flow.source());
        let mut sources: Vec<Ipv4Addr> = named.collect();
        let mut blocked = Vec::new();
        if hosts.exclude {
            if !static_all {
                blocked = missing(&hosts.sources, &sources);
            }
        } else if sources.is_empty() {
            sources = hosts.sources;
        } else {
            sources.extend(hosts.sources);
            sources.sort_unstable();
            sources.dedup();
        }
        Desired { all: hosts.exclude || static_all, sources, blocked }
    }

    /// All memberships.
    pub fn flows(&self, group: Ipv4Addr) -> impl Iterator<Item = Flow> + '_ {
        let all = self.all.then(|| Flow::any_source(group));
        all.into_iter().chain(self.sources.iter().map(move |source| Flow::new(*source, group)))
    }

    /// The memberships that `other` does not have.
    pub fn missing_in<'a>(
        &'a self,
        other: &'a Desired,
        group: Ipv4Addr,
    ) -> impl Iterator<Item = Flow> + 'a {
        self.flows(group).filter(|flow| !other.has(*flow))
    }

    /// Whether this membership is among them.
    pub fn has(&self, flow: Flow) -> bool {
        if flow.has_source() {
            self.sources.binary_search(&flow.source()).is_ok()
        } else {
            self.all
        }
    }

    /// Whether packets of a source may leave by the link.
    pub fn forwards(&self, source: Ipv4Addr) -> bool {
        self.sources.binary_search(&source).is_ok()
            || self.all && self.blocked.binary_search(&source).is_err()
    }

    /// The blocked sources that `other` does not block.
    pub fn blocked_beyond<'a>(&'a self, other: &'a Desired) -> impl Iterator<Item = Ipv4Addr> + 'a {
        let others = &other.blocked;
        self.blocked.iter().copied().filter(|source| others.binary_search(source).is_err())
    }
}
