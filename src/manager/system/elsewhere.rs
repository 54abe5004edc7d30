//! In place of what only Linux has: refusals that say so.

use crate::forwarder::{Forwarder, UpcallSink};
use crate::manager::Manager;
use crate::routes::{RouteView, RouteWatcher};
use crate::types::{Refusal, Result};
use once_cell::sync::Lazy;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whether there is more than memory to choose from.
pub(in crate::manager) const HAS_FORWARDER: bool = false;

/// MGM starts in this process.
pub(in crate::manager) fn move_in() {
    crate::fork::install();
    crate::pin::stay_loaded();
}

/// A clock that never goes back, in milliseconds.
pub(in crate::manager) fn clock() -> u64 {
    static START: Lazy<Instant> = Lazy::new(Instant::now);
    START.elapsed().as_millis() as u64
}

/// Nobody can tell here.
pub(in crate::manager) const STDERR_BYTES: usize = usize::MAX;
pub(in crate::manager) fn stderr_is_ready(_most: Duration) -> bool {
    true
}

/// There is no forwarding by the kernel here.
pub(in crate::manager) fn open_forwarder(
    _table: u32,
    _upcalls: Arc<dyn UpcallSink>,
) -> Result<Box<dyn Forwarder>> {
    Err(Refusal::Forwarder("kernel forwarding exists on Linux only".into()))
}

/// There are only the host's routes here.
pub(in crate::manager) fn open_routes(
    _: Arc<dyn RouteWatcher>,
    _table: Option<u32>,
) -> Result<Box<dyn RouteView>> {
    Err(Refusal::Forwarder("the system's routes are read on Linux only".into()))
}

/// There is no such socket here, and never a value of this type.
pub(in crate::manager) struct StatusSocket(Infallible);

impl StatusSocket {
    pub fn open(_: &Path) -> io::Result<StatusSocket> {
        Err(unsupported())
    }

    pub fn serve(&self, _: &StopSignal, _: &Manager) {
        match self.0 {}
    }
}

/// Nor is there anything to stop.
pub(in crate::manager) struct StopSignal(Infallible);

impl StopSignal {
    pub fn new() -> io::Result<StopSignal> {
        Err(unsupported())
    }

    pub fn raise(&self) {
        match self.0 {}
    }
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "there are none on this system")
}
