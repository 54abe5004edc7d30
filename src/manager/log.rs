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
use std::time::Duration;

/// Takes log lines instead of stderr. Called with no lock held.
pub type LogSink = Box<dyn Fn(Level, &str) + Send + Sync>;

/// How often to look whether a sink is still called.
const PAUSE: Duration = Duration::from_millis(1);

static SINK: RwLock<Option<Arc<LogSink>>> = RwLock::new(None);

/// The lines of a thread, and why they wait.
struct Waiting {
    lines: RefCell<ManuallyDrop<VecDeque<Line>>>,
    /// How many [`Hold`]s there are.
    held: Cell<u32>,
    flushing: Cell<bool>,
}

// It has no destructor, for the same reason as in `context`.
thread_local! {
    static WAITING: Waiting = const {
        Waiting {
            lines: RefCell::new(ManuallyDrop::new(VecDeque::new())),
            held: Cell::new(0),
            flushing: Cell::new(false),
        }
    };
}

/// A line that waits.
pub(super) struct Line {
    level: Level,
    text: String,
    /// Logged inside the host's log callback, which would never come to an end
    /// if it were handed the lines that its own calls cause.
    by_sink: bool,
}

impl Line {
    /// Logs it on this thread.
    pub fn log(self) {
        WAITING.with(|waiting| {
            waiting.lines.borrow_mut().push_back(self);
            waiting.flush();
        });
    }
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

/// Sends lines to the host from now on, or to stderr again. The old sink may still be
/// in use: see [`Replaced::wait`].
#[must_use]
pub(super) fn set_sink(sink: Option<LogSink>) -> Replaced {
    Replaced(std::mem::replace(&mut *SINK.write(), sink.map(Arc::new)))
}

/// A sink that gets no more lines.
pub(super) struct Replaced(Option<Arc<LogSink>>);

impl Replaced {
    /// Waits until nobody is inside it, with no lock held: it may be calling MGM. Not
    /// inside a callback, which might be one of its own.
    pub fn wait(self) {
        let Some(sink) = self.0.filter(|_| context::inside().is_none()) else { return };
        // Who calls it has a share of it.
        while Arc::strong_count(&sink) > 1 {
            std::thread::sleep(PAUSE);
        }
    }
}

/// While this lives, lines wait.
pub(super) struct Hold(());

impl Hold {
    /// The thread is about to take the lock.
    pub fn new() -> Hold {
        WAITING.with(|waiting| waiting.held.set(waiting.held.get() + 1));
        Hold(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        WAITING.with(|waiting| {
            waiting.held.set(waiting.held.get() - 1);
            waiting.flush();
        });
    }
}

/// Takes the first line of this thread that waits, for another to log.
pub(super) fn take() -> Option<Line> {
    WAITING.with(Waiting::next_line)
}

/// Whether this thread has lines that wait for the lock to be released.
pub(super) fn is_waiting() -> bool {
    WAITING.with(|waiting| !waiting.lines.borrow().is_empty())
}

impl Waiting {
    /// Writes what waits, unless the lock is held or a frame further out is at it.
    fn flush(&self) {
        if self.held.get() == 0 && !self.lines.borrow().is_empty() && !self.flushing.get() {
            self.write();
        }
    }

    #[cold]
    fn write(&self) {
        /// A taker that panics must not leave the thread mute, and its lines
        /// waiting for ever.
        struct Stop<'a>(&'a Waiting);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                self.0.flushing.set(false);
            }
        }
        self.flushing.set(true);
        let _stop = Stop(self);
        while let Some(line) = self.next_line() {
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

    /// Takes the first line that waits; with none left, gives the memory back.
    fn next_line(&self) -> Option<Line> {
        let mut lines = self.lines.borrow_mut();
        let first = lines.pop_front();
        if first.is_none() {
            **lines = VecDeque::new();
        }
        first
    }
}
