//! Which configurations are refused.

use super::LinkConfig;
use mgm_types::{is_host_source, Flow, Interface};
use std::net::Ipv4Addr;
use thiserror::Error;

/// The longest interval that can be configured: what a QQIC can express, in milliseconds.
const LONGEST: u32 = 31_744_000;
/// The longest response time that can be configured: what a Max Resp Code can express.
const LONGEST_RESPONSE: u32 = 3_174_400;

/// Why a configuration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A next hop other than 0 (I3).
    #[error("IGMP cannot serve a single next hop ({0}): configure the whole interface")]
    NextHop(Ipv4Addr),
    /// A version other than 1, 2 or 3.
    #[error("invalid version {0}: use 1, 2 or 3")]
    Version(u8),
    /// A robustness of 0.
    #[error("invalid robustness 0: use at least 1, better 2")]
    Robustness,
    /// An interval of 0, or one that no query can express; its name.
    #[error(
        "invalid {0}: use at least 100 ms, and at most what a query can express (31,744 s; 3,174 s \
         for response times)"
    )]
    Interval(&'static str),
    /// A count of 0; its name.
    #[error("invalid {0} 0: use at least 1")]
    Count(&'static str),
    /// The response interval is not less than the query interval.
    #[error("query-response-interval must be less than query-interval")]
    ResponseInterval,
    /// A source of queries that no host can have.
    #[error("invalid source {0} of queries: not a host address")]
    Source(Ipv4Addr),
    /// A static membership that cannot exist (I50).
    #[error(
        "invalid membership {0}: the group must be in 224.0.0.0/4 and outside of 224.0.0.0/24, the \
         source a host address"
    )]
    Membership(Flow),
}

impl LinkConfig {
    /// Whether this can be configured on an interface.
    ///
    /// # Errors
    /// The first reason for which it cannot.
    pub fn check(&self, interface: Interface) -> Result<(), ConfigError> {
        if !interface.next_hop.is_unspecified() {
            return Err(ConfigError::NextHop(interface.next_hop));
        }
        if !(1..=3).contains(&self.version) {
            return Err(ConfigError::Version(self.version));
        }
        if self.robustness == 0 {
            return Err(ConfigError::Robustness);
        }
        self.check_times()?;
        if let Some(source) = self.source.filter(|source| !is_host_source(*source)) {
            return Err(ConfigError::Source(source));
        }
        let memberships = self.static_memberships.iter().chain(&self.join);
        memberships
            .copied()
            .find(|flow| !is_membership(*flow))
            .map_or(Ok(()), |flow| Err(ConfigError::Membership(flow)))
    }

    fn check_times(&self) -> Result<(), ConfigError> {
        for (name, value, longest) in [
            ("query-interval", self.query_interval, LONGEST),
            ("query-response-interval", self.query_response_interval, LONGEST_RESPONSE),
            ("last-member-query-interval", self.last_member_query_interval, LONGEST_RESPONSE),
            ("startup-query-interval", self.startup_interval(), LONGEST),
            ("unsolicited-report-interval", self.report_interval(3), LONGEST_RESPONSE),
        ] {
            if !(100..=longest).contains(&value) {
                return Err(ConfigError::Interval(name));
            }
        }
        for (name, value) in [
            ("last-member-query-count", self.last_member_count()),
            ("startup-query-count", self.startup_count()),
        ] {
            if value == 0 {
                return Err(ConfigError::Count(name));
            }
        }
        if self.query_response_interval >= self.query_interval {
            return Err(ConfigError::ResponseInterval);
        }
        Ok(())
    }
}

/// Whether hosts could have this membership, and routers forward it.
fn is_membership(flow: Flow) -> bool {
    flow.group().is_multicast()
        && !flow.is_link_local()
        && (!flow.has_source() || is_host_source(flow.source()))
}
