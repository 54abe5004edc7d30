//! What most parts of the daemon use.

use super::library::Library;
use super::reactor::Reactor;
use super::shared::Shared;
use crate::config::{Config, LogLevel};
use crate::log::Log;

/// What most parts of the daemon use.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The current configuration.
    pub config: &'a Config,
    /// IGMP and the static routes.
    pub shared: &'a Shared,
    /// libmgm.
    pub library: &'a dyn Library,
    /// It wakes the event loop.
    pub reactor: &'a Reactor,
    /// The log.
    pub log: &'a Log,
}

impl Context<'_> {
    /// Writes a line about an interface to the log.
    pub fn log(&self, level: LogLevel, name: &str, text: impl std::fmt::Display) {
        if self.log.is_enabled(level) {
            self.log.write(level, &format!("{name}: {text}"));
        }
    }

    /// Logs an error that has a reason.
    pub fn log_failure(&self, name: &str, result: Result<(), String>) {
        if let Err(reason) = result {
            self.log(LogLevel::Error, name, reason);
        }
    }
}
