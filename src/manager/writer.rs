//! The thread `mgm-log`: it writes the lines of who must not wait until they are written.
//!
//! Whoever takes the log may take long: a callback of the host's that sleeps, a pipe that
//! is full. While upcalls are read that must hold up nobody, or the kernel's buffer
//! overflows.

use super::log::{self, Hold, Line};
use super::Manager;
use std::io;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::Arc;

/// As many lines may wait. Those beyond are counted, and not written.
const MOST: usize = 65_536;

/// Where lines can be left. The thread ends when this is gone and all are written.
pub(super) struct Writer {
    lines: Sender<Line>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    waiting: AtomicUsize,
    dropped: AtomicUsize,
}

impl Writer {
    /// Starts the thread.
    pub fn start(manager: Manager) -> io::Result<Writer> {
        let (lines, left) = mpsc::channel();
        let counts = Arc::<Counts>::default();
        let own = Arc::clone(&counts);
        crate::threads::spawn("mgm-log", move || write(&left, &own, &manager))?;
        Ok(Writer { lines, counts })
    }

    /// Does `work`, whose log lines the thread writes.
    pub fn quietly(&self, work: &mut dyn FnMut()) {
        let _hold = Hold::new();
        work();
        while let Some(line) = log::take() {
            self.leave(line);
        }
    }

    fn leave(&self, line: Line) {
        let Counts { waiting, dropped } = &*self.counts;
        if waiting.load(Ordering::Relaxed) < MOST {
            waiting.fetch_add(1, Ordering::Relaxed);
            let _ = self.lines.send(line); // the thread lives as long as this
        } else {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The thread's life.
fn write(left: &Receiver<Line>, counts: &Counts, manager: &Manager) {
    for line in left {
        counts.waiting.fetch_sub(1, Ordering::Relaxed);
        // A panic of who takes the lines is no end to the log.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            line.log();
            let dropped = counts.dropped.swap(0, Ordering::Relaxed);
            if dropped > 0 {
                ::log::warn!("{dropped} lines are missing here: the log takes them too slowly");
            }
            manager.pass_on(); // calls made inside the host's log callback
        }));
        if crate::fork::is_child() {
            return; // that callback has forked
        }
    }
}
