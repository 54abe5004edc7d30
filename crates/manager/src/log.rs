//! The log messages of a thread, which go to stderr or to the host's log callback.
//!
//! A message that is logged while the lock is held waits in a buffer of its thread until the lock
//! is released, because the host's log callback may call the library.
//!
//! Then a caller's thread calls the host's log callback itself, so that the messages of a call
//! arrive before it returns. If the callback is slow, or stderr is a pipe that no process reads,
//! the thread leaves its messages to `mgm-log` ([`writer`]), so that they do not delay the call.
//! The library's own threads always do so, because incoming events wait for them.

use super::context::{self, Inside};
use super::log_message::LogMessage;
use super::sink::{self, LineTarget};
use super::writer;
use crate::fork;
use log::{LevelFilter, Log, Metadata, Record};
use once_cell::sync::Lazy;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::mem::ManuallyDrop;
use std::time::{Duration, Instant};

/// A thread that has spent this time in the log callback, or waiting for stderr, within a
/// [`WINDOW`] leaves its messages to `mgm-log` for another window.
const PATIENCE: Duration = Duration::from_millis(100);
const WINDOW: Duration = Duration::from_secs(1);
/// A call that takes less time than this is not counted.
const QUICK: Duration = Duration::from_millis(1);

/// The waiting messages of a thread, and why they wait.
struct WaitingLines {
    lines: RefCell<ManuallyDrop<VecDeque<LogMessage>>>,
    /// How many [`Hold`]s there are.
    held: Cell<u32>,
    flushing: Cell<bool>,
    /// The last message that the thread left to `mgm-log`: later ones must not overtake it.
    left: Cell<u64>,
    /// The last message caused by its calls inside the log callback: these messages go to stderr.
    left_by_sink: Cell<u64>,
    /// The thread is `mgm-log`.
    is_writer: Cell<bool>,
    spent: Cell<Spent>,
}

// Without a destructor, for the same reason as in `context`.
thread_local! {
    static WAITING: WaitingLines = const {
        WaitingLines {
            lines: RefCell::new(ManuallyDrop::new(VecDeque::new())),
            held: Cell::new(0),
            flushing: Cell::new(false),
            left: Cell::new(0),
            left_by_sink: Cell::new(0),
            is_writer: Cell::new(false),
            spent: Cell::new(Spent { since: None, time: Duration::ZERO }),
        }
    };
}

/// How long a thread was in the host's log callback, in the window that began at `since`.
#[derive(Clone, Copy)]
struct Spent {
    since: Option<Instant>,
    time: Duration,
}

impl Spent {
    fn is_too_long(self, now: Instant) -> bool {
        self.time >= PATIENCE && self.since.is_some_and(|since| now < since + WINDOW)
    }

    /// Counts a call that has ended.
    fn after(self, begun: Instant, now: Instant) -> Spent {
        if now - begun < QUICK {
            return self;
        }
        let is_over = self.since.is_none_or(|since| begun >= since + WINDOW);
        let time = now - begun + if is_over { Duration::ZERO } else { self.time };
        // When the time is used up, another window begins.
        let since = if is_over || time >= PATIENCE { Some(now) } else { self.since };
        Spent { since, time }
    }
}

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        // Only the library's own messages: a program that links the Rust library may log others.
        if !self.enabled(record.metadata()) || !record.target().starts_with("mgm") {
            return;
        }
        let line = LogMessage {
            level: record.level(),
            text: record.args().to_string(),
            by_sink: context::inside() == Some(Inside::Host),
        };
        log(line);
    }

    fn flush(&self) {}
}

/// Sets up logging at a level. A program that links the Rust library and has a
/// logger of its own keeps that, and its level.
pub(super) fn init(level: LevelFilter) {
    static LOGGER: Logger = Logger;
    static OURS: Lazy<bool> = Lazy::new(|| log::set_logger(&LOGGER).is_ok());
    if *OURS {
        log::set_max_level(level);
    }
}

/// Whether messages of the level debug are logged.
pub(super) fn is_debug() -> bool {
    log::max_level() >= LevelFilter::Debug
}

/// While this exists, messages wait.
pub(super) struct Hold(());

impl Hold {
    /// The thread is about to take the lock.
    #[inline]
    pub fn new() -> Hold {
        WAITING.with(|waiting| waiting.held.set(waiting.held.get() + 1));
        Hold(())
    }
}

impl Drop for Hold {
    #[inline]
    fn drop(&mut self) {
        WAITING.with(|waiting| {
            waiting.held.set(waiting.held.get() - 1);
            waiting.flush();
        });
    }
}

/// Logs a message on this thread.
fn log(line: LogMessage) {
    WAITING.with(|waiting| {
        waiting.lines.borrow_mut().push_back(line);
        waiting.flush();
    });
}

/// Calls `work`; the thread `mgm-log` writes its log messages.
pub(super) fn quietly(work: &mut dyn FnMut()) {
    let _hold = Hold::new();
    work();
    while let Some(line) = WAITING.with(WaitingLines::next_line) {
        writer::leave(line, log_as_writer);
    }
}

/// Starts the thread `mgm-log` in advance.
///
/// # Errors
/// The system's error, if it cannot start a thread.
pub(super) fn start_writer() -> io::Result<()> {
    writer::start(log_as_writer)
}

/// Logs a message on the thread `mgm-log`, which writes all its messages itself.
fn log_as_writer(line: LogMessage) {
    WAITING.with(|waiting| waiting.is_writer.set(true));
    log(line);
}

/// Whether this thread has messages that wait for the release of the lock.
pub(super) fn is_waiting() -> bool {
    WAITING.with(|waiting| !waiting.lines.borrow().is_empty())
}

impl WaitingLines {
    /// Writes the waiting messages, unless the lock is held or an outer frame is doing so.
    #[inline]
    fn flush(&self) {
        if self.held.get() == 0 && !self.lines.borrow().is_empty() && !self.flushing.get() {
            self.write();
        }
    }

    #[cold]
    fn write(&self) {
        /// A panic of the log callback must not stop the logging of this thread.
        struct Stop<'a>(&'a WaitingLines);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                self.0.flushing.set(false);
            }
        }
        self.flushing.set(true);
        let _stop = Stop(self);
        // A forked child writes nothing, because it may have inherited any lock needed for this.
        while let Some(line) = self.next_line().filter(|_| !fork::is_child()) {
            self.write_line(line);
        }
    }

    fn write_line(&self, line: LogMessage) {
        let is_writer = self.is_writer.get();
        let begun = Instant::now();
        let is_patient = !self.spent.get().is_too_long(begun);
        let must_leave = !is_writer
            && (crate::threads::is_ours() || !writer::has_written(self.left.get()) || !is_patient);
        let by_sink = line.by_sink;
        let target = match by_sink {
            true if !is_writer && !writer::has_written(self.left_by_sink.get()) => {
                LineTarget::Leave
            }
            true => LineTarget::Stderr,
            false => sink::target(is_writer, must_leave),
        };
        let left = match target {
            LineTarget::Stderr => {
                let patience = if is_patient { PATIENCE } else { Duration::ZERO };
                line.write_to_stderr((!is_writer).then_some(patience)).err()
            }
            LineTarget::Leave => Some(line),
            LineTarget::Sink(lease) => {
                lease.call(line.level, &line.text);
                None
            }
        };
        if let Some(number) = left.and_then(|line| writer::leave(line, log_as_writer)) {
            self.left.set(number);
            if by_sink {
                self.left_by_sink.set(number);
            }
        }
        self.spent.set(self.spent.get().after(begun, Instant::now()));
    }

    /// Takes the first waiting message; if there is none, frees the memory.
    fn next_line(&self) -> Option<LogMessage> {
        let mut lines = self.lines.borrow_mut();
        let first = lines.pop_front();
        if first.is_none() {
            **lines = VecDeque::new();
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::log::Level;

    #[test]
    fn d76_a_line_of_a_call_inside_the_log_callback_does_not_overtake_one_that_was_left() {
        WAITING.with(|waiting| {
            let line = |text: &str| LogMessage {
                level: Level::Info,
                text: text.to_owned(),
                by_sink: true,
            };
            let before = waiting.left.get();
            log(line("stderr takes it"));
            assert_eq!(waiting.left.get(), before, "it is written");
            waiting.left_by_sink.set(u64::MAX); // stderr took none, and mgm-log has not written it
            log(line("another is in front of it"));
            assert!(waiting.left.get() > before, "it is left, too");
            assert_eq!(waiting.left_by_sink.get(), waiting.left.get());
        });
    }

    #[test]
    fn a_thread_waits_for_a_slow_log_no_longer_than_its_patience_in_a_window() {
        let ms = Duration::from_millis;
        let start = Instant::now();
        let mut spent = Spent { since: None, time: Duration::ZERO };
        assert!(!spent.is_too_long(start));
        for call in 0..1000 {
            spent = spent.after(start, start + Duration::from_micros(call));
        }
        assert!(!spent.is_too_long(start + ms(1)), "quick calls do not count");
        // Other calls add up within a window.
        spent = spent.after(start, start + ms(60));
        assert!(!spent.is_too_long(start + ms(60)));
        assert!(!spent.after(start + ms(2000), start + ms(2060)).is_too_long(start + ms(2060)));
        spent = spent.after(start + ms(100), start + ms(160));
        assert!(spent.is_too_long(start + ms(160)));
        assert!(spent.is_too_long(start + ms(1159)));
        assert!(!spent.is_too_long(start + ms(1160)));
        // A slow call is too much by itself.
        spent = spent.after(start + ms(2000), start + ms(9000));
        assert!(spent.is_too_long(start + ms(9999)));
        assert!(!spent.is_too_long(start + ms(10_000)));
    }
}
