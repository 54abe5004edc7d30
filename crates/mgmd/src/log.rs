//! The log of mgmd: lines on stderr, for the journal, for a terminal, or for a file.
//!
//! - `style`: what a line looks like on each of them.
//! - `output`: writes to stderr, which may be a pipe that no program reads.
//!
//! A line that cannot be written in time is dropped and counted, because a router must go on
//! forwarding when no program reads its log. All lines together wait at most 0.1 s in each second.
//! When stderr accepts lines again, the first line is the number of dropped lines.
//! The number of lines is not limited here. Code that logs something that a packet can cause must
//! limit these lines itself.

mod output;
mod style;

use crate::config::LogLevel;
use output::Output;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
pub use style::printable;
use style::Style;

/// The log. Any thread may write to it, also several at the same time.
#[derive(Debug)]
pub struct Log {
    level: AtomicU8,
    style: Style,
    output: Mutex<Output>,
}

impl Log {
    /// Returns a log on stderr, which writes lines up to this level.
    #[must_use]
    pub fn new(level: LogLevel) -> Log {
        let output = Output::stderr();
        Log::with(level, Style::of(&output.target()), output)
    }

    fn with(level: LogLevel, style: Style, output: Output) -> Log {
        Log { level: AtomicU8::new(level as u8), style, output: Mutex::new(output) }
    }

    /// Changes the level.
    pub fn set_level(&self, level: LogLevel) {
        self.level.store(level as u8, Ordering::Relaxed);
    }

    /// The level up to which lines are written.
    #[must_use]
    pub fn level(&self) -> LogLevel {
        use LogLevel::{Debug, Error, Info, Off, Trace, Warn};
        let level = self.level.load(Ordering::Relaxed);
        let all = [Off, Error, Warn, Info, Debug, Trace];
        all.into_iter().find(|known| *known as u8 == level).unwrap_or(Off)
    }

    /// Whether a line of this level is written. A caller whose text is expensive asks first.
    #[must_use]
    pub fn is_enabled(&self, level: LogLevel) -> bool {
        level != LogLevel::Off && level as u8 <= self.level.load(Ordering::Relaxed)
    }

    /// Writes a line, if [`Log::is_enabled`]. Control characters in the text are escaped, and a
    /// line is cut after 4,000 bytes.
    pub fn write(&self, level: LogLevel, text: &str) {
        if !self.is_enabled(level) {
            return;
        }
        // If another thread has panicked, the worst effect is an unfinished line.
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let dropped = output.dropped();
        if dropped > 0 {
            let lines = if dropped == 1 { "message" } else { "messages" };
            let text = format!("{dropped} log {lines} dropped: stderr is read too slowly");
            if output.write(&self.style.line(LogLevel::Warn, &text)) {
                output.forget(dropped);
            } else {
                output.drop_line();
                return;
            }
        }
        if !output.write(&self.style.line(level, text)) {
            output.drop_line();
        }
    }
}

#[cfg(test)]
mod tests;
