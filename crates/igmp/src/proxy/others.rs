//! What other components of the router want, as the library tells it (I54).

use crate::filter::Filter;
use mgm_types::Flow;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Their memberships.
#[derive(Debug, Default)]
pub(super) struct Others {
    flows: BTreeSet<Flow>,
    /// How many memberships found no room.
    refused: u64,
}

/// What an alert has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// A membership came or went.
    Changed,
    /// It was known already, or was not there.
    Unchanged,
    /// There is no room for another one (G45).
    Refused,
}

impl Others {
    /// Notes a membership, if there are fewer than `limit`.
    pub fn add(&mut self, flow: Flow, limit: usize) -> Effect {
        if self.flows.contains(&flow) {
            Effect::Unchanged
        } else if self.flows.len() >= limit {
            self.refused += 1;
            Effect::Refused
        } else {
            self.flows.insert(flow);
            Effect::Changed
        }
    }

    /// A membership has ended.
    pub fn remove(&mut self, flow: Flow) -> Effect {
        match self.flows.remove(&flow) {
            true => Effect::Changed,
            false => Effect::Unchanged,
        }
    }

    /// How many memberships found no room.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The end of `(*,*)` ends all that was said about `(*,g)`; what is left of it is said again
    /// (docs/semantics.md, 4.2).
    pub fn end_shared(&mut self) {
        self.flows.retain(|flow| flow.has_source());
    }

    /// Their groups.
    pub fn groups(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.flows.iter().map(|flow| flow.group())
    }

    /// What they want of a group, as an upstream reports it; `is_ssm` if the group is in its SSM
    /// range.
    pub fn filter(&self, group: Ipv4Addr, is_ssm: bool) -> Filter {
        let any = Flow::any_source(group);
        Filter::of_flows(self.flows.range(any..=any.last_of_group()).copied(), is_ssm)
    }
}
