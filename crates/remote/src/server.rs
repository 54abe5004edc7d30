//! The router's side: one thread, `mgm-clients`, serves all client processes.
//!
//! The thread waits for all connections, makes the calls that arrive, and passes on
//! acknowledgements. No call waits for another process, so none delays the others for long. Texts
//! such as the status take longer, so another thread makes them. A thread that causes a callback
//! writes it to the buffer of its process; the thread `mgm-clients` sends it.

mod calls;
mod departures;
mod greetings;
mod link;
mod listing;
mod mailbox;
mod newcomers;
mod outlet;
mod process;
mod refusals;
mod requests;
mod service;
mod texts;

/// `tests/mailbox_model.rs` puts another one in its place.
mod sync {
    pub(super) use parking_lot::Mutex;
}

pub use mgm_linux::channel::Access;

use mgm_linux::channel::{allow_descriptors, Listener, Poller};
use mgm_linux::threads;
use mgm_manager::Manager;
use parking_lot::{Condvar, Mutex};
use service::Service;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// What a host can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many processes may be connected.
    pub processes: usize,
    /// How many processes of one user may be connected.
    pub user_processes: usize,
    /// How long a question waits for its answer, in milliseconds.
    pub answer_ms: u32,
    /// A process for which too many callbacks wait, and that acknowledges none for this time, is
    /// disconnected (spec 9.6), in milliseconds.
    pub silent_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { processes: 1000, user_processes: 1000, answer_ms: 1000, silent_ms: 30_000 }
    }
}

/// The service at one path.
pub struct Server {
    poller: Arc<Poller>,
    state: Arc<State>,
}

/// What the thread is told, and whether it has ended.
#[derive(Default)]
struct State {
    is_stopping: AtomicBool,
    /// The limits have changed to these, with the number of connections that there may be.
    limits: Mutex<Option<(Limits, usize)>>,
    has_ended: Mutex<bool>,
    ended: Condvar,
}

impl Server {
    /// Serves client processes at a path.
    ///
    /// # Errors
    /// The system's error.
    pub fn open(
        manager: &Manager,
        path: &Path,
        access: Access,
        limits: Limits,
    ) -> io::Result<Server> {
        let most = allow_connections(&limits);
        let listener = Listener::open(path, access)?;
        let poller = Arc::new(Poller::new()?);
        let state = Arc::new(State::default());
        let mut service =
            Service::new(manager.clone(), listener, Arc::clone(&poller), (limits, most))?;
        let thread = Arc::clone(&state);
        threads::spawn("mgm-clients", move || {
            service.run(&thread);
            drop(service);
            *thread.has_ended.lock() = true;
            thread.ended.notify_all();
        })?;
        Ok(Server { poller, state })
    }

    /// Changes the limits. Processes that are connected stay, even if there are too many.
    pub fn set_limits(&self, limits: Limits) {
        let most = allow_connections(&limits);
        *self.state.limits.lock() = Some((limits, most));
        self.poller.wake();
    }

    /// Ends all connections, removes the socket's file, and waits for both.
    pub fn close(&self) {
        self.state.is_stopping.store(true, Ordering::Release);
        self.poller.wake();
        let mut has_ended = self.state.has_ended.lock();
        while !*has_ended {
            self.state.ended.wait(&mut has_ended);
        }
    }
}

/// The descriptors that are left to the rest of the process.
const KEPT: usize = 256;

/// Raises the limit on descriptors, if necessary. Returns how many connections there may be.
fn allow_connections(limits: &Limits) -> usize {
    // Each process has an event connection, and one call connection or a few.
    let soft = allow_descriptors((4 * limits.processes + KEPT) as u64);
    let soft = usize::try_from(soft).unwrap_or(usize::MAX);
    soft - KEPT.min(soft / 2)
}
