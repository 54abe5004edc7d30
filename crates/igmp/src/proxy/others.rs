//! The memberships of other components of the router, which the library
//! announces (I54).

use crate::filter::Filter;
use mgm_types::Flow;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The memberships of the other components.
#[derive(Debug, Default)]
pub(super) struct Others {
    flows: BTreeSet<Flow>,
    /// How many memberships found no room.
    refused: u64,
}

/// What an alert has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// A membership was added or removed.
    Changed,
    /// The membership was known already; or, for a removal,
    /// it was not known.
    Unchanged,
    /// The limit of memberships is reached (G45).
    Refused,
}

impl Others {
    /// Adds a membership, if there are fewer than `limit`.
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

    /// Removes every `(*,g)`, because `(*,*)` has ended. The library announces those that still
    /// exist again (docs/semantics.md, 4.2).
    pub fn end_shared(&mut self) {
        self.flows.retain(|flow| flow.has_source());
    }

    /// The groups of the memberships.
    pub fn groups(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.flows.iter().map(|flow| flow.group())
    }

    /// The sources of a group that the other components want, as an upstream reports them.
    /// `is_ssm`: whether the group is in the SSM range of the upstream.
    pub fn filter(&self, group: Ipv4Addr, is_ssm: bool) -> Filter {
        let any = Flow::any_source(group);
        Filter::of_flows(self.flows.range(any..=any.last_of_group()).copied(), is_ssm)
    }
}
