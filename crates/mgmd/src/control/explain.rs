//! Requests to explain a flow. A thread for each of them listens for packets, asks the library and
//! the kernel, and then passes the request on to the event loop, with what it has found.
//!
//! ```text
//!   service ──► thread mgmd-explain ──────────────► Inbox ──► event loop: adds its own state
//!               packets, kernel, library → Evidence
//! ```
//! Listening takes seconds, and netlink may wait while other programs change interfaces, so neither
//! the event loop nor the thread of the connections does it.

mod differences;
mod gather;

use super::evidence::{Evidence, ExplainReader};
use super::mailbox::{Asked, Outbox};
use super::stop::Stop;
use mgm_control::request::ExplainQuery;
use mgm_control::Request;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread::Builder;

pub use gather::name;

/// How many requests are worked on at the same time.
const AT_ONCE: usize = 8;

/// Starts the threads.
#[derive(Clone)]
pub(super) struct Explainers {
    /// Asks the library.
    pub library: ExplainReader,
    /// The multicast routing table of the kernel; `None` with the memory forwarder.
    pub table: Option<u32>,
    /// The event loop.
    pub router: Outbox,
    pub stop: Stop,
    pub running: Arc<AtomicUsize>,
}

impl std::fmt::Debug for Explainers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explainers").field("table", &self.table).finish_non_exhaustive()
    }
}

/// Counts a thread as long as it runs.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Explainers {
    /// Begins to work on a request. Returns false if too many are being worked on, or if the
    /// system starts no thread.
    pub fn begin(&self, asked: Asked) -> bool {
        let Request::Explain(query) = asked.request().clone() else { return false };
        let before = self.running.fetch_add(1, Ordering::SeqCst);
        let running = Running(Arc::clone(&self.running));
        if before >= AT_ONCE {
            return false;
        }
        let of_thread = self.clone();
        let work = move || {
            let _running = running;
            let evidence = of_thread.gather(&query);
            // If too many requests wait for the event loop, the request is dropped, which is an
            // answer.
            let _ = of_thread.router.send(asked.with(evidence));
        };
        // At the end of mgmd the thread ends by itself, because it looks at `stop`.
        Builder::new().name("mgmd-explain".into()).spawn(work).is_ok()
    }

    fn gather(&self, query: &ExplainQuery) -> Evidence {
        gather::Gather { explainers: self, query }.all()
    }
}
