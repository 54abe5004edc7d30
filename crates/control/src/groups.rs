//! The answer to `GET /v1/groups`.

use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A page of the groups that hosts want, by the interface's name and the group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Groups {
    /// The groups.
    pub groups: Vec<Group>,
    /// The value of `after` for the next page; null on the last page.
    pub next: Option<String>,
}

/// A group of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Group {
    /// The name of the interface.
    pub interface: String,
    /// The index of the interface.
    pub index: u32,
    /// The group.
    pub group: Ipv4Addr,
    /// Whether `sources` are the wanted sources or the excluded ones.
    pub mode: FilterMode,
    /// Milliseconds until the group timer ends; null in mode include.
    pub expires_in_ms: Option<u64>,
    /// The sources, by address.
    pub sources: Vec<Source>,
    /// Static memberships of the group, of the configuration or added by `POST /v1/join`.
    pub static_memberships: Vec<StaticMembership>,
    /// Milliseconds until the last IGMPv1 host counts as gone; null if there is none.
    pub v1_host_present_ms: Option<u64>,
    /// Milliseconds until the last IGMPv2 host counts as gone; null if there is none.
    pub v2_host_present_ms: Option<u64>,
    /// Whether all hosts that want the group are known; null if hosts are not tracked.
    pub hosts_known: Option<bool>,
    /// How many hosts are known to want the group; null if hosts are not tracked.
    pub host_count: Option<u64>,
    /// The known hosts, by address. Only with `hosts=true`, and only if hosts are tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<Host>>,
}

/// What a list of sources means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FilterMode {
    /// Only these sources are wanted.
    Include,
    /// All sources are wanted, except those that are blocked.
    Exclude,
}

/// A source of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Source {
    /// Its address.
    pub source: Ipv4Addr,
    /// Whether its packets are forwarded to the link.
    pub forwarded: bool,
    /// Milliseconds until the timer of the source ends; null if the source is
    /// excluded, because it then has no timer.
    pub expires_in_ms: Option<u64>,
}

/// A membership that exists without a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StaticMembership {
    /// The source; null for all sources.
    pub source: Option<Ipv4Addr>,
    /// Whether `POST /v1/join` added it. Otherwise it is configured.
    pub until_restart: bool,
}

/// A host that wants a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Host {
    /// Its address.
    pub host: Ipv4Addr,
    /// Whether `sources` are the sources that it wants or excludes.
    pub mode: FilterMode,
    /// Its sources, by address.
    pub sources: Vec<Ipv4Addr>,
    /// Milliseconds until its report is no longer valid, unless the host repeats it.
    pub expires_in_ms: u64,
}

impl Group {
    /// How many parts it has, for [`PageBuilder::push`](crate::PageBuilder::push).
    #[must_use]
    pub fn parts(&self) -> usize {
        let hosts = self.hosts.iter().flatten().map(|host| 1 + host.sources.len());
        1 + self.sources.len() + self.static_memberships.len() + hosts.sum::<usize>()
    }
}
