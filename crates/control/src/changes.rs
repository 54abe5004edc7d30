//! The answers to requests that change the router.

use crate::request::{LogLevel, Membership};
use serde::{Deserialize, Serialize};

/// The answer to `POST /v1/join` and `POST /v1/leave`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MembershipChanged {
    /// The membership.
    pub membership: Membership,
    /// Whether a membership was added or removed. False if a join found that it exists already.
    pub changed: bool,
}

/// The answer to `POST /v1/reload`. A reload that is refused is an error with the code `refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reloaded {
    /// The file.
    pub file: String,
    /// The changes that the reload has made, a line for each; empty if there are none.
    pub changes: Vec<String>,
}

/// The answer to `POST /v1/log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogLevelChanged {
    /// The former level.
    pub before: LogLevel,
    /// The new level.
    pub level: LogLevel,
}
