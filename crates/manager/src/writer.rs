//! The thread `mgm-log`: it writes the log messages of threads that must not wait for this.
//!
//! The host's log callback may sleep, and stderr may be a full pipe. This must not delay the
//! reading of upcalls, because the kernel's buffer would overflow.

use super::log_message::LogMessage;
use ::log::Level;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::io;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many messages may wait, and their total bytes. Beyond that, all further messages are
/// dropped and counted, until half of the waiting ones are written.
const MOST: usize = 65_536;
const MOST_BYTES: usize = 8 << 20;

/// The time until the next attempt after the system could not start the thread.
const REFUSED: Duration = Duration::from_secs(1);

/// The messages that were left to the thread.
struct LogQueue {
    lines: VecDeque<LogMessage>,
    /// The total bytes of these messages.
    bytes: usize,
    /// The number of the last message that was left.
    left: u64,
    is_full: bool,
    /// How many messages were dropped after all those that wait.
    dropped: u64,
    thread: WriterThread,
    /// The thread must end when it has written all messages.
    is_ending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriterThread {
    None,
    Refused(Instant),
    /// Waits for messages.
    Idle,
    /// Writes one.
    Writing,
}

static QUEUE: Mutex<LogQueue> = Mutex::new(LogQueue::new());

/// The number of the last message that is written.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Messages have arrived, or the thread must end.
static WORK: Condvar = Condvar::new();
/// The thread has written all messages, or has ended.
static IDLE: Condvar = Condvar::new();

impl LogQueue {
    const fn new() -> LogQueue {
        LogQueue {
            lines: VecDeque::new(),
            bytes: 0,
            left: 0,
            is_full: false,
            dropped: 0,
            thread: WriterThread::None,
            is_ending: false,
        }
    }

    /// Appends a message, after one about messages dropped before it. Returns its number, unless
    /// it is dropped.
    fn push(&mut self, line: LogMessage) -> Option<u64> {
        if self.is_full {
            self.is_full = 2 * self.lines.len() > MOST || 2 * self.bytes > MOST_BYTES;
        }
        if self.is_full {
            self.dropped += 1;
            return None;
        }
        if let Some(missing) = self.missing() {
            self.add(missing);
        }
        self.add(line);
        self.is_full = self.lines.len() >= MOST || self.bytes >= MOST_BYTES;
        Some(self.left)
    }

    fn add(&mut self, line: LogMessage) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        self.left += 1;
    }

    /// The next message to write, and its number.
    fn pop(&mut self) -> Option<(LogMessage, u64)> {
        let number = self.left + 1 - self.lines.len() as u64;
        let Some(line) = self.lines.pop_front() else {
            // Report the messages dropped after the last one.
            self.lines = VecDeque::new();
            self.is_full = false;
            return self.missing().map(|line| (line, self.left));
        };
        self.bytes -= line.text.len();
        Some((line, number))
    }

    fn missing(&mut self) -> Option<LogMessage> {
        let dropped = std::mem::take(&mut self.dropped);
        let text =
            format!("{dropped} log messages dropped: the log callback, or stderr, is too slow");
        (dropped > 0 && ::log::log_enabled!(Level::Warn))
            .then(|| LogMessage::about_the_log(Level::Warn, text))
    }

    fn clear(&mut self) {
        self.dropped += self.lines.len() as u64;
        self.lines = VecDeque::new();
        (self.bytes, self.is_full) = (0, false);
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.dropped == 0
    }

    fn has_thread(&self) -> bool {
        matches!(self.thread, WriterThread::Idle | WriterThread::Writing)
    }

    /// Makes sure that the thread exists, which passes each message to `write`.
    fn ensure_thread(&mut self, write: fn(LogMessage)) -> io::Result<()> {
        match self.thread {
            WriterThread::Idle | WriterThread::Writing => return Ok(()),
            WriterThread::Refused(since) if since.elapsed() <= REFUSED => {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            WriterThread::None | WriterThread::Refused(_) => {}
        }
        self.is_ending = false;
        let started = crate::threads::spawn("mgm-log", move || write_all(write));
        self.thread = match &started {
            Ok(()) => WriterThread::Writing,
            Err(_) => WriterThread::Refused(Instant::now()),
        };
        started
    }
}

/// Starts the thread in advance; it passes each message to `write`.
///
/// # Errors
/// The system's error, if it cannot start a thread.
pub(super) fn start(write: fn(LogMessage)) -> io::Result<()> {
    let mut queue = QUEUE.lock();
    if let WriterThread::Refused(_) = queue.thread {
        queue.thread = WriterThread::None; // the caller needs it now, so try again at once
    }
    queue.ensure_thread(write)
}

/// Leaves a message to the thread, which passes it to `write`. Returns its number, or `None` if
/// it is dropped.
pub(super) fn leave(line: LogMessage, write: fn(LogMessage)) -> Option<u64> {
    let mut queue = QUEUE.lock();
    let number = queue.push(line);
    // Without the thread, messages wait for one, as many as there is room for.
    if queue.ensure_thread(write).is_ok() && queue.thread == WriterThread::Idle {
        WORK.notify_one();
    }
    number
}

/// Whether the message with this number is written, or was dropped.
pub(super) fn has_written(number: u64) -> bool {
    WRITTEN.load(Ordering::Acquire) >= number
}

/// Waits until all messages are written, for at most this time.
pub(super) fn flush(most: Duration) {
    wait(most, |queue| {
        !queue.has_thread() || (queue.is_empty() && queue.thread == WriterThread::Idle)
    });
}

/// Drops the waiting messages, because their log callback must not be called any longer.
pub(super) fn drop_lines() {
    let mut queue = QUEUE.lock();
    queue.clear();
    WRITTEN.fetch_max(queue.left, Ordering::Release);
    WORK.notify_one(); // the thread reports how many
}

/// Makes the thread end when it has written all messages. Waits for that, for at most this time.
pub(super) fn end(most: Duration) {
    QUEUE.lock().is_ending = true;
    WORK.notify_one();
    wait(most, |queue| !queue.has_thread());
}

fn wait(most: Duration, is_over: impl Fn(&LogQueue) -> bool) {
    let mut queue = QUEUE.lock();
    IDLE.wait_while_for(&mut queue, |queue| !is_over(queue), most);
}

/// The main function of the thread.
fn write_all(write: fn(LogMessage)) {
    while let Some((line, number)) = next() {
        // A panic of a log callback must not end the log.
        let _ = catch_unwind(AssertUnwindSafe(|| write(line)));
        crate::fork::after_callback(); // one that has panicked in a forked child
        WRITTEN.fetch_max(number, Ordering::Release);
    }
}

/// Waits for the next message; `None` if the thread must end.
fn next() -> Option<(LogMessage, u64)> {
    let mut queue = QUEUE.lock();
    loop {
        let next = queue.pop();
        queue.thread = match next {
            Some(_) => WriterThread::Writing,
            None if queue.is_ending => WriterThread::None,
            None => WriterThread::Idle,
        };
        if queue.thread != WriterThread::Writing {
            IDLE.notify_all();
        }
        if queue.thread != WriterThread::Idle {
            return next;
        }
        WORK.wait(&mut queue);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> LogMessage {
        LogMessage::about_the_log(Level::Info, text.to_owned())
    }

    fn written(queue: &mut LogQueue) -> Vec<(String, u64)> {
        std::iter::from_fn(|| queue.pop()).map(|(line, number)| (line.text, number)).collect()
    }

    #[test]
    fn t8_10_lines_that_wait_are_bounded_and_those_missing_are_told_where_they_are_missing() {
        ::log::set_max_level(::log::LevelFilter::Warn);
        let mut queue = LogQueue::new();
        let accepted = (0..MOST + 7).filter(|n| queue.push(line(&n.to_string())).is_some());
        assert_eq!(accepted.count(), MOST);
        // It is full until half of them are written.
        for n in 0..MOST / 2 - 1 {
            assert_eq!(queue.pop().map(|(line, _)| line.text), Some(n.to_string()));
        }
        assert_eq!(queue.push(line("lost")), None);
        queue.pop();
        let behind = queue.push(line("behind"));
        let rest = written(&mut queue);
        let tail: Vec<_> = rest.iter().skip(MOST - MOST / 2).collect();
        assert_eq!(rest.len(), MOST - MOST / 2 + 2);
        assert!(tail[0].0.starts_with("8 log messages dropped"), "{tail:?}");
        assert_eq!((tail[1].0.as_str(), Some(tail[1].1)), ("behind", behind));
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn t8_10_long_lines_are_bounded_by_their_bytes() {
        let mut queue = LogQueue::new();
        let long = "x".repeat(MOST_BYTES / 4 + 1);
        let accepted = (0..10).filter(|_| queue.push(line(&long)).is_some()).count();
        assert_eq!(accepted, 4);
        assert!(written(&mut queue).last().is_some_and(|(text, _)| text.starts_with("6 log")));
    }
}
