//! What can be configured, with the defaults of RFC 9776, section 8.

mod access_list;
mod check;
mod proxy;

pub use access_list::{AccessList, Rule};
pub use check::ConfigError;
pub use proxy::{check_upstreams, ProxyError, ProxyUpstream};

use mgm_types::{Flow, Prefix};
use std::net::Ipv4Addr;

/// Settings for all links together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Groups and sources of all links together (I52). The memberships of other components have
    /// the same limit, on their own (G45).
    pub max_entries: u32,
    /// How long the library keeps an MFE, in seconds: its ulTimeOut (I58).
    pub mfe_timeout: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { max_entries: 65_536, mfe_timeout: 900 }
    }
}

/// What IGMP does on a link (I3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It is the router of the link's hosts.
    #[default]
    Router,
    /// It is a host there, for the hosts of its downstreams (RFC 4605).
    Upstream,
    /// It is the router there, and its upstreams join what the hosts want.
    Downstream,
}

/// How a link treats hosts that leave (I40).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaveMode {
    /// Asks whether other hosts still want it.
    #[default]
    Query,
    /// Ends it at once: for links with one host.
    Immediate,
    /// Ends it at once if no other known host wants it.
    Tracked,
}

/// The configuration of a link. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// What IGMP does on the link.
    pub role: Role,
    /// The version of the link: 1, 2 or 3.
    pub version: u8,
    /// How often a message may get lost (RV).
    pub robustness: u8,
    /// Between two General Queries (QI).
    pub query_interval: u32,
    /// How long hosts may take to answer a General Query (QRI).
    pub query_response_interval: u32,
    /// How long hosts may take to answer a specific query, and between two of these (LMQI).
    pub last_member_query_interval: u32,
    /// How many specific queries there are (LMQC); the robustness if not set.
    pub last_member_query_count: Option<u8>,
    /// Between two General Queries at first; a quarter of the query interval if not set.
    pub startup_query_interval: Option<u32>,
    /// How many General Queries come at this interval; the robustness if not set.
    pub startup_query_count: Option<u8>,
    /// The source of queries; the lowest address of the link if not set (I20).
    pub source: Option<Ipv4Addr>,
    /// How long a host may take to repeat a report of its own (RFC 9776, 8.11); 1 s in version 3
    /// and 10 s in older ones if not set.
    pub unsolicited_report_interval: Option<u32>,
    /// A downstream forwards even while another router is the querier (I57).
    pub forward_always: bool,
    /// Never sends a query (I28).
    pub passive: bool,
    /// The only addresses that may be querier instead of this router (I28).
    pub querier_allow: Option<Vec<Ipv4Addr>>,
    /// Keeps the version in spite of queriers of an older one, and only warns (I29). On the host
    /// side, too, which then never falls back (I64).
    pub keep_version: bool,
    /// Accepts any TTL (I7).
    pub any_ttl: bool,
    /// Drops messages of versions 2 and 3 without Router Alert (I8).
    pub require_router_alert: bool,
    /// Where hosts may be beside the prefixes of the link (I10).
    pub hosts: Vec<Prefix>,
    /// Hands joins of 224.0.0.0/24 to the library (I15).
    pub track_link_local: bool,
    /// How hosts that leave are treated.
    pub leave: LeaveMode,
    /// Drops v1 reports (I41).
    pub ignore_v1: bool,
    /// The groups of source-specific multicast (I46).
    pub ssm_range: Vec<Prefix>,
    /// Memberships that need no host (I50).
    pub static_memberships: Vec<Flow>,
    /// Static memberships that are also reported on the link, as by a host (I50).
    pub join: Vec<Flow>,
    /// The groups that hosts may report (I51).
    pub groups: AccessList,
    /// The sources that hosts may report (I51).
    pub sources: AccessList,
    /// Groups of the link (I52).
    pub max_groups: u32,
    /// Sources of a group (I52).
    pub max_sources: u16,
    /// How many pairs of a host and a source a group may have before its hosts are no longer
    /// tracked (I52).
    pub max_tracked: u16,
}

impl Default for LinkConfig {
    fn default() -> LinkConfig {
        LinkConfig {
            role: Role::Router,
            version: 3,
            robustness: 2,
            query_interval: 125_000,
            query_response_interval: 10_000,
            last_member_query_interval: 1_000,
            last_member_query_count: None,
            startup_query_interval: None,
            startup_query_count: None,
            source: None,
            unsolicited_report_interval: None,
            forward_always: false,
            passive: false,
            querier_allow: None,
            keep_version: false,
            any_ttl: false,
            require_router_alert: false,
            hosts: Vec::new(),
            track_link_local: false,
            leave: LeaveMode::Query,
            ignore_v1: false,
            ssm_range: vec![Prefix::of(Ipv4Addr::new(232, 0, 0, 0), 8)],
            static_memberships: Vec::new(),
            join: Vec::new(),
            groups: AccessList::default(),
            sources: AccessList::default(),
            max_groups: 1_024,
            max_sources: 256,
            max_tracked: 64,
        }
    }
}

/// What follows from a robustness, a query interval and a query response interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// How long a report holds (GMI).
    pub group_membership: u64,
    /// How long a group remembers a v1 or v2 host (OHPI).
    pub older_host_present: u64,
    /// How long a querier counts as present (OQPI).
    pub other_querier_present: u64,
}

impl Intervals {
    /// RFC 9776, sections 8.4, 8.5 and 8.13.
    #[must_use]
    pub fn of(robustness: u8, query_interval: u64, response_interval: u64) -> Intervals {
        let rounds = u64::from(robustness) * query_interval;
        Intervals {
            group_membership: rounds + 2 * response_interval,
            older_host_present: rounds + response_interval,
            other_querier_present: rounds + response_interval / 2,
        }
    }
}

impl LinkConfig {
    /// The intervals that follow from the link's own values.
    #[must_use]
    pub fn intervals(&self) -> Intervals {
        Intervals::of(
            self.robustness,
            self.query_interval.into(),
            self.query_response_interval.into(),
        )
    }

    /// LMQC.
    #[must_use]
    pub fn last_member_count(&self) -> u8 {
        self.last_member_query_count.unwrap_or(self.robustness)
    }

    /// LMQT: LMQI × LMQC.
    #[must_use]
    pub fn last_member_time(&self) -> u64 {
        u64::from(self.last_member_query_interval) * u64::from(self.last_member_count())
    }

    /// The startup query interval.
    #[must_use]
    pub fn startup_interval(&self) -> u32 {
        self.startup_query_interval.unwrap_or(self.query_interval / 4)
    }

    /// The startup query count.
    #[must_use]
    pub fn startup_count(&self) -> u8 {
        self.startup_query_count.unwrap_or(self.robustness)
    }

    /// The unsolicited report interval of a host that speaks this version.
    #[must_use]
    pub fn report_interval(&self, version: u8) -> u32 {
        let default = if version < 3 { 10_000 } else { 1_000 };
        self.unsolicited_report_interval.unwrap_or(default)
    }

    /// Whether a group is one of source-specific multicast (I46).
    #[must_use]
    pub fn is_ssm(&self, group: Ipv4Addr) -> bool {
        self.ssm_range.iter().any(|prefix| prefix.contains(group))
    }
}
