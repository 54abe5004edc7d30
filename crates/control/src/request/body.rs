//! The bodies of requests.

use super::keys::InterfaceName;
use crate::error::Failure;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A static membership of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// The name of the interface.
    pub interface: InterfaceName,
    /// The source; null or absent for all sources.
    #[serde(default)]
    pub source: Option<Ipv4Addr>,
    /// The group: 224.0.1.0 to 239.255.255.255.
    pub group: Ipv4Addr,
}

const MEMBERSHIP: &str = "use {\"interface\": \"eth1\", \"group\": \"239.1.1.1\"}, with \
                          \"source\": \"10.1.1.1\" if only one source is wanted";

impl Membership {
    pub(super) fn read(path: &str, body: &[u8]) -> Result<Membership, Failure> {
        let membership: Membership = serde_json::from_slice(body)
            .map_err(|error| Failure::invalid(format!("{path}: {error}: {MEMBERSHIP}")))?;
        let group = membership.group;
        if !group.is_multicast() || group.octets()[..3] == [224, 0, 0] {
            let allowed = "use a group from 224.0.1.0 to 239.255.255.255";
            return Err(Failure::invalid(format!("{path}: invalid group {group}: {allowed}")));
        }
        match membership.source {
            Some(source) if !is_host(source) => {
                let allowed = "use the address of a host, or no source for all sources";
                Err(Failure::invalid(format!("{path}: invalid source {source}: {allowed}")))
            }
            _ => Ok(membership),
        }
    }

    pub(super) fn write(&self) -> String {
        json(self)
    }
}

/// Whether a host can have this address.
pub(super) fn is_host(address: Ipv4Addr) -> bool {
    !(matches!(address.octets()[0], 0 | 127) || address.octets()[0] >= 224)
}

/// The levels of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Errors.
    Error,
    /// Warnings too.
    Warn,
    /// Messages for operators too.
    Info,
    /// Messages for developers too.
    Debug,
    /// Every call too.
    Trace,
}

impl LogLevel {
    /// All levels, from the one with the fewest lines to
    /// the one with the most.
    pub const ALL: [LogLevel; 6] = [
        LogLevel::Off,
        LogLevel::Error,
        LogLevel::Warn,
        LogLevel::Info,
        LogLevel::Debug,
        LogLevel::Trace,
    ];

    /// Its name in requests, answers and the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Off => "off",
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }

    /// The level with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<LogLevel> {
        LogLevel::ALL.into_iter().find(|level| level.name() == name)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogLevelBody {
    level: LogLevel,
}

pub(super) fn log_level(path: &str, body: &[u8]) -> Result<LogLevel, Failure> {
    let body: LogLevelBody = serde_json::from_slice(body).map_err(|error| {
        let levels = LogLevel::ALL.map(LogLevel::name).join(", ");
        let allowed = format!("use {{\"level\": LEVEL}} with one of {levels}");
        Failure::invalid(format!("{path}: {error}: {allowed}"))
    })?;
    Ok(body.level)
}

pub(super) fn write_log_level(level: LogLevel) -> String {
    json(&LogLevelBody { level })
}

fn json(body: &impl Serialize) -> String {
    // Strings and addresses cannot fail to serialise.
    serde_json::to_string(body).unwrap_or_default()
}
