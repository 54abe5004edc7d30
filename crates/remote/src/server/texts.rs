//! Texts that take long to make: a separate thread makes each of them.

use mgm_linux::channel::Poller;
use mgm_linux::threads;
use mgm_manager::{Detail, Manager};
use parking_lot::Mutex;
use std::sync::Arc;

/// Which text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// The status as JSON.
    Status(Detail),
    /// The metrics.
    Metrics(Detail),
}

/// The texts that are finished, each for the connection with this number.
#[derive(Debug, Default)]
pub(super) struct Texts(Mutex<Vec<(u64, Vec<u8>)>>);

impl Texts {
    /// Takes all.
    pub fn take(&self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.0.lock())
    }

    /// Has a text made for a connection. False if the system cannot start a thread.
    pub fn order(
        self: &Arc<Texts>,
        link: u64,
        which: Which,
        manager: &Manager,
        poller: &Arc<Poller>,
    ) -> bool {
        let (texts, poller, manager) = (Arc::clone(self), Arc::clone(poller), manager.clone());
        let make = move || {
            let text = match which {
                Which::Status(detail) => manager.status(detail).to_json(),
                Which::Metrics(detail) => manager.status(detail).to_metrics(),
            };
            texts.0.lock().push((link, text.into()));
            poller.wake();
        };
        threads::spawn("mgm-text", make).is_ok()
    }
}
