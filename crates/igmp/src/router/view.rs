//! What an operator wants to know of the groups of a link.

use super::RouterSide;
use crate::router::group::{Group, Source};
use crate::router::tracking::HostStatus;
use mgm_types::Time;
use std::net::Ipv4Addr;
use std::ops::Bound;

/// A group of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStatus {
    /// The group.
    pub group: Ipv4Addr,
    /// Whether the group is in EXCLUDE mode.
    pub exclude: bool,
    /// When the group timer ends; `None` in INCLUDE mode.
    pub until: Option<Time>,
    /// The sources, by address.
    pub sources: Vec<SourceStatus>,
    /// When the last v1 host counts as gone; in the past if there is none.
    pub v1_until: Time,
    /// When the last v2 host counts as gone; in the past if there is none.
    pub v2_until: Time,
    /// Until then, hosts that are not listed may want the group.
    pub unknown_until: Time,
    /// The hosts that want the group, by address, where hosts are tracked.
    pub hosts: Vec<HostStatus>,
}

/// A source of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// The source.
    pub source: Ipv4Addr,
    /// When its timer ends; `None` if no host wants the source: it is blocked.
    pub until: Option<Time>,
}

impl RouterSide {
    /// The groups after this one, by address.
    pub fn group_states(&self, after: Option<Ipv4Addr>) -> impl Iterator<Item = GroupStatus> + '_ {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.groups.from(start).map(|(address, group)| status(address, group))
    }
}

fn status(address: Ipv4Addr, group: &Group) -> GroupStatus {
    let source = |source: &Source| SourceStatus { source: source.address, until: source.timer() };
    GroupStatus {
        group: address,
        exclude: group.exclude,
        until: group.exclude.then_some(group.timer),
        sources: group.sources.iter().map(source).collect(),
        v1_until: group.v1_until,
        v2_until: group.v2_until,
        unknown_until: group.tracking.unknown_until(),
        hosts: group.tracking.hosts(),
    }
}
