//! Where log lines go: to stderr, or to the host.
//!
//! A line that is logged while the lock is held waits in a buffer of its
//! thread until the lock is released, because the host's log callback is a
//! callback like any other and may call MGM.

use super::context::{self, Inside};
use log::{Level, LevelFilter, Log, Metadata, Record};
use once_cell::sync::Lazy;
use parking_lot::RwLock;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// Takes log lines instead of stderr. Called with no lock held.
pub type LogSink = Box<dyn Fn(Level, &str) + Send + Sync>;

static SINK: RwLock<Option<Arc<LogSink>>> = RwLock::new(None);

// No destructors, for the same reason as in `context`.
thread_local! {
    static HELD: Cell<u32> = const { Cell::new(0) };
    static LINES: RefCell<ManuallyDrop<VecDeque<Line>>> =
        const { RefCell::new(ManuallyDrop::new(VecDeque::new())) };
    static FLUSHING: Cell<bool> = const { Cell::new(false) };
}

/// A line that waits.
struct Line {
    level: Level,
    text: String,
    /// Logged inside the host's log callback, which would never come to an end
    /// if it were handed the lines that its own calls cause.
    by_sink: bool,
}

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
        let line = Line {
            level: record.level(),
            text: record.args().to_string(),
            by_sink: context::inside() == Some(Inside::Host),
        };
        LINES.with_borrow_mut(|lines| lines.push_back(line));
        flush();
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

/// Sends lines to the host from now on, or to stderr again.
pub(super) fn set_sink(sink: Option<LogSink>) {
    *SINK.write() = sink.map(Arc::new);
}

/// While this lives, lines wait.
pub(super) struct Hold(());

impl Hold {
    /// The thread is about to take the lock.
    pub fn new() -> Hold {
        HELD.set(HELD.get() + 1);
        Hold(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        HELD.set(HELD.get() - 1);
        flush();
    }
}

/// Whether this thread has lines that wait for the lock to be released.
pub(super) fn is_waiting() -> bool {
    LINES.with_borrow(|lines| !lines.is_empty())
}

/// Takes the first line that waits; with none left, gives the memory back.
fn next_line() -> Option<Line> {
    LINES.with_borrow_mut(|lines| {
        let first = lines.pop_front();
        if first.is_none() && lines.capacity() > 0 {
            **lines = VecDeque::new();
        }
        first
    })
}

/// Writes what waits, unless the lock is held or a frame further out is at it.
fn flush() {
    /// A taker that panics must not leave the thread mute, and its lines waiting
    /// for ever.
    struct Stop;
    impl Drop for Stop {
        fn drop(&mut self) {
            FLUSHING.set(false);
        }
    }
    if HELD.get() > 0 || FLUSHING.replace(true) {
        return;
    }
    let _stop = Stop;
    while let Some(line) = next_line() {
        let sink = SINK.read().clone().filter(|_| !line.by_sink);
        let Line { level, text, .. } = line;
        match sink {
            Some(sink) => context::within(Inside::Host, || sink(level, &text)),
            None => {
                let name = level.as_str().to_ascii_lowercase();
                let _ = writeln!(std::io::stderr(), "mgm: {name}: {text}");
            }
        }
    }
}
