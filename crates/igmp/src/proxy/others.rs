//! What other components of the router want, as the library tells it (I54).

use crate::filter::Filter;
use mgm_types::Flow;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Their memberships.
#[derive(Debug, Default)]
pub(super) struct Others(BTreeSet<Flow>);

impl Others {
    /// A membership came or went. Returns whether that is news.
    pub fn set(&mut self, flow: Flow, wanted: bool, limit: usize) -> bool {
        match wanted {
            true => self.0.len() < limit && self.0.insert(flow),
            false => self.0.remove(&flow),
        }
    }

    /// The end of `(*,*)` ends all that was said about `(*,g)`; what is left of it is said again
    /// (docs/semantics.md, 4.2).
    pub fn end_shared(&mut self) {
        self.0.retain(|flow| flow.has_source());
    }

    /// Their groups.
    pub fn groups(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.0.iter().map(|flow| flow.group())
    }

    /// What they want of a group, as an upstream reports it; `is_ssm` if the group is in its SSM
    /// range.
    pub fn filter(&self, group: Ipv4Addr, is_ssm: bool) -> Filter {
        let any = Flow::any_source(group);
        Filter::of_flows(self.0.range(any..=any.last_of_group()).copied(), is_ssm)
    }
}
