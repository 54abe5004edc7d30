//! The host's log callback: which threads may call it, and when its calls have ended.

use super::context::{self, Inside};
use super::platform::clock;
use super::Manager;
use log::Level;
use parking_lot::RwLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// Receives log messages instead of stderr. Called with no lock held.
pub type LogSink = Box<dyn Fn(Level, &str) + Send + Sync>;

/// How often to look whether a sink is still called.
const PAUSE: Duration = Duration::from_millis(1);

/// A sink counts as stuck if threads are inside it and none has left it for this time.
const STUCK_MS: u64 = 100;

static SINKS: RwLock<Sinks> = RwLock::new(Sinks { current: None, replaced: Vec::new() });

struct Sinks {
    /// The sink that gets the messages. `None`: they go to stderr.
    current: Option<Arc<Sink>>,
    /// Replaced sinks that may still be running.
    replaced: Vec<Arc<Sink>>,
}

struct Sink {
    call: LogSink,
    /// The manager whose stop ends it.
    owner: Manager,
    /// How many [`Lease`]s there are.
    leases: AtomicUsize,
    /// When the first thread entered, or when a thread last left, by [`clock`].
    moved: AtomicU64,
}

impl Sink {
    fn is_called(&self) -> bool {
        // Pairs with the end of a lease: the effects of the sink's last call are visible.
        self.leases.load(Ordering::Acquire) > 0
    }

    fn is_stuck(&self) -> bool {
        self.is_called() && clock().saturating_sub(self.moved.load(Ordering::Relaxed)) >= STUCK_MS
    }
}

/// The destination of a thread's next message.
pub(super) enum LineTarget {
    Stderr,
    /// To the sink, by the thread itself.
    Sink(Lease),
    /// To the sink, by the thread `mgm-log`.
    Leave,
}

/// Determines the destination. A thread that `may_wait` gets a lease however slow the sink is;
/// one that `must_leave` never does.
pub(super) fn target(may_wait: bool, must_leave: bool) -> LineTarget {
    let sinks = SINKS.read();
    let Some(sink) = &sinks.current else {
        return if must_leave { LineTarget::Leave } else { LineTarget::Stderr };
    };
    if must_leave || (!may_wait && sink.is_stuck()) {
        return LineTarget::Leave;
    }
    // With the read lock held, so that a thread that replaces the sink later sees the lease.
    if sink.leases.fetch_add(1, Ordering::Relaxed) == 0 {
        sink.moved.store(clock(), Ordering::Relaxed);
    }
    LineTarget::Sink(Lease(Arc::clone(sink)))
}

/// While this exists, the sink counts as running.
pub(super) struct Lease(Arc<Sink>);

impl Lease {
    /// Passes a message to the sink.
    pub fn call(&self, level: Level, text: &str) {
        context::within(Inside::Host, || (self.0.call)(level, text));
        // Calls made inside it have caused alerts. A caller's thread delivers them at the
        // end of its call.
        if crate::threads::is_ours() && context::owes() {
            self.0.owner.pass_on();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.moved.store(clock(), Ordering::Relaxed);
        self.0.leases.fetch_sub(1, Ordering::Release);
    }
}

impl Sinks {
    /// Removes the sinks that are no longer running from the list. To be dropped with no lock
    /// held, because dropping them runs code of the program.
    fn sweep(&mut self) -> Vec<Arc<Sink>> {
        let all = std::mem::take(&mut self.replaced);
        let (called, rest) = all.into_iter().partition(|sink| sink.is_called());
        self.replaced = called;
        rest
    }
}

/// Sends messages to this sink from now on, or to stderr.
#[must_use]
pub(super) fn set(owner: &Manager, sink: Option<LogSink>) -> Replaced {
    let sink = sink.map(|call| {
        let (leases, moved) = (AtomicUsize::new(0), AtomicU64::new(0));
        Arc::new(Sink { call, owner: owner.clone(), leases, moved })
    });
    let mut sinks = SINKS.write();
    let replaced = std::mem::replace(&mut sinks.current, sink);
    let mut gone = sinks.sweep();
    sinks.replaced.extend(replaced.clone());
    gone.extend(replaced);
    Replaced(gone)
}

/// Sends messages to stderr from now on if this manager had set a sink; then `drop_lines` drops
/// those that wait for it. Returns all its sinks that may still be running, including those
/// replaced before.
#[must_use]
pub(super) fn end(owner: &Manager, drop_lines: impl FnOnce()) -> Replaced {
    let mut sinks = SINKS.write();
    if let Some(current) = sinks.current.take_if(|sink| sink.owner.is(owner)) {
        drop_lines();
        sinks.replaced.push(current);
    }
    let mut gone = sinks.sweep();
    // Its other sinks stay in the list, because another thread may stop it at the same time, and
    // must wait, too.
    gone.extend(sinks.replaced.iter().filter(|sink| sink.owner.is(owner)).cloned());
    Replaced(gone)
}

/// Sinks that get no further messages. To be dropped with no lock held.
pub(super) struct Replaced(Vec<Arc<Sink>>);

impl Replaced {
    /// Waits until no thread is inside them, with no lock held, because they may call the library.
    /// Does not wait inside a callback, which may be one of them.
    pub fn wait(self) {
        if context::inside().is_some() {
            return;
        }
        for sink in self.0 {
            while sink.is_called() {
                std::thread::sleep(PAUSE);
            }
        }
    }
}
