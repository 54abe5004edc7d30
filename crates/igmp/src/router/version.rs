//! The version of a link: the configured one, or that of an older querier (I29).

use crate::config::LinkConfig;
use mgm_types::Time;

/// Until when queriers of older versions count as present.
#[derive(Debug, Default)]
pub(super) struct OlderQueriers {
    v1_until: Time,
    v2_until: Time,
}

impl OlderQueriers {
    /// A General Query of this version came; it counts until `until`.
    pub fn heard(&mut self, version: u8, until: Time) {
        match version {
            1 => self.v1_until = until,
            2 => self.v2_until = until,
            _ => {}
        }
    }

    /// When the v1 querier counts as gone, if there is one.
    pub fn v1_until(&self, now: Time) -> Option<Time> {
        Some(self.v1_until).filter(|until| *until > now)
    }

    /// The version of the link: 1, 2 or 3.
    pub fn version(&self, config: &LinkConfig, now: Time) -> u8 {
        let heard = if config.keep_version || now >= self.v1_until.max(self.v2_until) {
            3
        } else if now < self.v1_until {
            1
        } else {
            2
        };
        config.version.min(heard)
    }
}
