//! A log message, and how it is written to stderr.

use super::platform;
use log::Level;
use parking_lot::Mutex;
use std::io::Write;
use std::time::Duration;

/// A log message.
pub(super) struct LogMessage {
    pub level: Level,
    pub text: String,
    /// Whether it was logged inside the host's log callback. Otherwise a log callback that calls
    /// the library would recurse for ever.
    pub by_sink: bool,
}

impl LogMessage {
    /// A message of the library about its own log.
    pub fn about_the_log(level: Level, text: String) -> LogMessage {
        LogMessage { level, text, by_sink: false }
    }

    /// Writes it to stderr; returns it if stderr does not accept it within `patience`.
    pub fn write_to_stderr(self, patience: Option<Duration>) -> Result<(), LogMessage> {
        let name = self.level.as_str().to_ascii_lowercase();
        // One write, so that it stays one line.
        let line = format!("mgm: {name}: {}\n", self.text);
        let _guard = match patience {
            None => STDERR.lock(),
            Some(_) if line.len() > platform::STDERR_BYTES => return Err(self),
            // One thread at a time, because two could find the same room.
            Some(patience) => match STDERR.try_lock_for(patience) {
                Some(guard) if platform::stderr_is_ready(patience) => guard,
                _ => return Err(self),
            },
        };
        let _ = std::io::stderr().write_all(line.as_bytes());
        Ok(())
    }
}

/// Held by the thread that writes to stderr.
static STDERR: Mutex<()> = Mutex::new(());
