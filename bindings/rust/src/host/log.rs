//! The log: its level, and where it goes.

use crate::log_sinks::with_sink;
use crate::{ffi, Result};

pub use crate::log_sinks::{LogLevel, LogSink};

/// Sends the log to a sink; `None` sends it to stderr.
///
/// # Errors
/// [`Code::CanNotComplete`](crate::Code::CanNotComplete): this is a forked child.
pub fn set_log(sink: Option<LogSink>) -> Result<()> {
    with_sink(sink, ffi::set_log_sink)
}

/// Sets the level of the log, until the next start.
///
/// # Errors
/// [`Code::CanNotComplete`](crate::Code::CanNotComplete): this is a forked child.
pub fn set_log_level(level: LogLevel) -> Result<()> {
    ffi::set_log_level(level as u32)
}
