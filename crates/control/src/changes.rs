//! The answers to requests that change the router.

use crate::request::{LogLevel, Membership};
use serde::{Deserialize, Serialize};

/// The answer to `POST /v1/join` and `POST /v1/leave`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MembershipChanged {
    /// The membership.
    pub membership: Membership,
    /// False if a join found the membership there already.
    pub changed: bool,
}

/// The answer to `POST /v1/reload`. A reload that is refused is an error with the code `refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reloaded {
    /// The file.
    pub file: String,
    /// What the reload has changed, a line each; empty if nothing has changed.
    pub changes: Vec<String>,
}

/// The answer to `POST /v1/log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogLevelChanged {
    /// The level until now.
    pub before: LogLevel,
    /// The level from now on.
    pub level: LogLevel,
}
