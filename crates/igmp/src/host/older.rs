//! Queriers of older versions, to which a host adapts (RFC 9776, 7.2.1).

use super::response_time;
use crate::codec::Query;
use crate::config::LinkConfig;
use crate::NEVER;
use mgm_types::Time;

/// Until when queriers of versions 1 and 2 count as present.
#[derive(Debug, Default)]
pub(super) struct HostCompatibility {
    v1_until: Option<Time>,
    v2_until: Option<Time>,
}

impl HostCompatibility {
    /// A General Query came. Older ones say nothing of their interval, so that the link's own
    /// one counts (RFC 9776, 8.12).
    pub fn heard(&mut self, query: &Query, config: &LinkConfig, now: Time) {
        let rounds = u64::from(config.robustness) * u64::from(config.query_interval);
        let until = Some(Time(now.0 + rounds + 10 * response_time(query)));
        match query.version() {
            1 => self.v1_until = until,
            2 => self.v2_until = until,
            _ => {}
        }
    }

    /// The version in which the host speaks. `keep_version` turns the fallback off.
    pub fn version(&self, config: &LinkConfig, now: Time) -> u8 {
        let is_present = |until: Option<Time>| until.is_some_and(|until| now < until);
        let heard = match (is_present(self.v1_until), is_present(self.v2_until)) {
            _ if config.keep_version => 3,
            (true, _) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        config.version.min(heard)
    }

    /// When an older querier ceases to count.
    pub fn deadline(&self) -> Time {
        self.v1_until.into_iter().chain(self.v2_until).min().unwrap_or(NEVER)
    }

    /// Forgets those that are over at `at`.
    pub fn expire(&mut self, at: Time) {
        for until in [&mut self.v1_until, &mut self.v2_until] {
            *until = until.filter(|until| *until > at);
        }
    }
}
