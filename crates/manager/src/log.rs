//! A thread's log lines, on their way to stderr or to the host's log callback.
//!
//! A line that is logged while the lock is held waits in a buffer of its
//! thread until the lock is released, because the host's log callback is a
//! callback like any other and may call MGM.
//!
//! Then a caller's thread calls the host's log callback itself, so that the lines of a call
//! come before it returns. If the callback is slow, the thread leaves its lines
//! to `mgm-log` ([`writer`]): a call must not take as long as all of them. So it does where
//! stderr takes none, a pipe that nobody reads. The library's own
//! threads always do, because others' events wait for them.

use super::context::{self, Inside};
use super::sink::{self, LineTarget};
use super::{platform, writer};
use crate::fork;
use log::{Level, LevelFilter, Log, Metadata, Record};
use once_cell::sync::Lazy;
use parking_lot::Mutex;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::time::{Duration, Instant};

/// A thread that has spent so long in the log callback, or waiting for stderr, within a [`WINDOW`] leaves its
/// lines to `mgm-log`, for as long as another window.
const PATIENCE: Duration = Duration::from_millis(100);
const WINDOW: Duration = Duration::from_secs(1);
/// A call of it that takes less holds nobody up, and is not counted.
const QUICK: Duration = Duration::from_millis(1);

/// The lines of a thread, and why they wait.
struct WaitingLines {
    lines: RefCell<ManuallyDrop<VecDeque<LogLine>>>,
    /// How many [`Hold`]s there are.
    held: Cell<u32>,
    flushing: Cell<bool>,
    /// The thread's last line that was left to `mgm-log`: those after it must not overtake it.
    left: Cell<u64>,
    /// The last one that its calls inside the log callback have caused: those go to stderr.
    left_by_sink: Cell<u64>,
    /// The thread is `mgm-log`.
    is_writer: Cell<bool>,
    spent: Cell<Spent>,
}

// It has no destructor, for the same reason as in `context`.
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

/// How long a thread was in the host's log callback, in the window that began then.
#[derive(Clone, Copy)]
struct Spent {
    since: Option<Instant>,
    time: Duration,
}

impl Spent {
    fn is_too_long(self, now: Instant) -> bool {
        self.time >= PATIENCE && self.since.is_some_and(|since| now < since + WINDOW)
    }

    /// One more call of it has ended.
    fn after(self, begun: Instant, now: Instant) -> Spent {
        if now - begun < QUICK {
            return self;
        }
        let is_over = self.since.is_none_or(|since| begun >= since + WINDOW);
        let time = now - begun + if is_over { Duration::ZERO } else { self.time };
        // Where the patience ends another window begins.
        let since = if is_over || time >= PATIENCE { Some(now) } else { self.since };
        Spent { since, time }
    }
}

/// A line that waits.
pub(super) struct LogLine {
    pub level: Level,
    pub text: String,
    /// Logged inside the host's log callback, which would never come to an end
    /// if it were handed the lines that its own calls cause.
    by_sink: bool,
}

impl LogLine {
    /// One that the library itself has to say about its log.
    pub fn about_the_log(level: Level, text: String) -> LogLine {
        LogLine { level, text, by_sink: false }
    }

    /// Logs it on this thread.
    pub fn log(self) {
        WAITING.with(|waiting| {
            waiting.lines.borrow_mut().push_back(self);
            waiting.flush();
        });
    }

    /// Writes it to stderr; gives it back if stderr does not take it within `patience`.
    fn write_to_stderr(self, patience: Option<Duration>) -> Result<(), LogLine> {
        let name = self.level.as_str().to_ascii_lowercase();
        // One write, so that it stays one line.
        let line = format!("mgm: {name}: {}\n", self.text);
        let _guard = match patience {
            None => STDERR.lock(),
            Some(_) if line.len() > platform::STDERR_BYTES => return Err(self),
            // One thread at a time, or two would find room for the same line.
            Some(patience) => match STDERR.try_lock_for(patience) {
                Some(guard) if platform::stderr_is_ready(patience) => guard,
                _ => return Err(self),
            },
        };
        let _ = std::io::stderr().write_all(line.as_bytes());
        Ok(())
    }
}

/// Whoever has it writes to stderr.
static STDERR: Mutex<()> = Mutex::new(());

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        // Only MGM's own lines: a program that links the Rust library logs as it likes.
        if !self.enabled(record.metadata()) || !record.target().starts_with("mgm") {
            return;
        }
        let line = LogLine {
            level: record.level(),
            text: record.args().to_string(),
            by_sink: context::inside() == Some(Inside::Host),
        };
        line.log();
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

/// While this lives, lines wait.
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

/// Takes the first line of this thread that waits, for another to log.
pub(super) fn take() -> Option<LogLine> {
    WAITING.with(WaitingLines::next_line)
}

/// Whether this thread has lines that wait for the lock to be released.
pub(super) fn is_waiting() -> bool {
    WAITING.with(|waiting| !waiting.lines.borrow().is_empty())
}

/// This thread is `mgm-log`, which writes all of its lines itself.
pub(super) fn be_writer() {
    WAITING.with(|waiting| waiting.is_writer.set(true));
}

impl WaitingLines {
    /// Writes what waits, unless the lock is held or a frame further out is at it.
    #[inline]
    fn flush(&self) {
        if self.held.get() == 0 && !self.lines.borrow().is_empty() && !self.flushing.get() {
            self.write();
        }
    }

    #[cold]
    fn write(&self) {
        /// A taker that panics must not leave the thread mute, and its lines
        /// waiting for ever.
        struct Stop<'a>(&'a WaitingLines);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                self.0.flushing.set(false);
            }
        }
        self.flushing.set(true);
        let _stop = Stop(self);
        // A forked child writes nothing: any lock on the way may be one that it inherited.
        while let Some(line) = self.next_line().filter(|_| !fork::is_child()) {
            self.write_line(line);
        }
    }

    fn write_line(&self, line: LogLine) {
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
        if let Some(number) = left.and_then(writer::leave) {
            self.left.set(number);
            if by_sink {
                self.left_by_sink.set(number);
            }
        }
        self.spent.set(self.spent.get().after(begun, Instant::now()));
    }

    /// Takes the first line that waits; with none left, gives the memory back.
    fn next_line(&self) -> Option<LogLine> {
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

    #[test]
    fn d76_a_line_of_a_call_inside_the_log_callback_does_not_overtake_one_that_was_left() {
        WAITING.with(|waiting| {
            let line =
                |text: &str| LogLine { level: Level::Info, text: text.to_owned(), by_sink: true };
            let before = waiting.left.get();
            line("stderr takes it").log();
            assert_eq!(waiting.left.get(), before, "it is written");
            waiting.left_by_sink.set(u64::MAX); // stderr took none, and mgm-log has not written it
            line("another is in front of it").log();
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
        // Others add up within a window, and are forgotten after it.
        spent = spent.after(start, start + ms(60));
        assert!(!spent.is_too_long(start + ms(60)));
        assert!(!spent.after(start + ms(2000), start + ms(2060)).is_too_long(start + ms(2060)));
        spent = spent.after(start + ms(100), start + ms(160));
        assert!(spent.is_too_long(start + ms(160)));
        assert!(spent.is_too_long(start + ms(1159)));
        assert!(!spent.is_too_long(start + ms(1160)));
        // A slow one is too much by itself.
        spent = spent.after(start + ms(2000), start + ms(9000));
        assert!(spent.is_too_long(start + ms(9999)));
        assert!(!spent.is_too_long(start + ms(10_000)));
    }
}
