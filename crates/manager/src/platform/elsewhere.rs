//! Replaces the functions that need Linux: these return an error.

use crate::forwarder::{Forwarder, UpcallSink};
use crate::route_view::{RouteView, RouteWatcher};
use crate::system_state::SystemSettings;
use crate::types::{Refusal, Result};
use crate::Manager;
use once_cell::sync::Lazy;
use std::cell::Cell;
use std::convert::Infallible;
use std::ffi::CStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

/// Whether there are other forwarders than the memory forwarder.
pub(crate) const HAS_FORWARDER: bool = false;

/// Whether the system can look up interface names.
pub(crate) const HAS_NAMES: bool = false;

/// Finds nothing.
pub(crate) fn interface_index(_name: &CStr) -> Option<u32> {
    None
}

/// Finds nothing.
pub(crate) fn interface_name(_index: u32) -> Option<Vec<u8>> {
    None
}

/// An environment variable.
pub(crate) fn secure_variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// The library starts in this process.
pub(crate) fn move_in() {
    #[cfg(windows)]
    mgm_windows::stay_loaded();
}

/// Other systems have no fork.
pub mod fork {
    /// Whether this process was forked from the one that uses the library.
    #[must_use]
    pub fn is_child() -> bool {
        false
    }

    /// A callback has returned.
    pub fn after_callback() {}
}

thread_local! {
    /// This is one of the library's own threads. Without a destructor: see `context`.
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is one of the library's own threads.
pub(crate) fn is_ours() -> bool {
    OURS.get()
}

/// Starts a thread. There are no signals that it would have to block.
pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let body = move || {
        OURS.set(true);
        body();
    };
    Builder::new().name(name.to_owned()).spawn(body).map(drop)
}

/// A clock that never goes back, in milliseconds.
pub(crate) fn clock() -> u64 {
    static START: Lazy<Instant> = Lazy::new(Instant::now);
    START.elapsed().as_millis() as u64
}

/// Not known here.
pub(crate) const STDERR_BYTES: usize = usize::MAX;
pub(crate) fn stderr_is_ready(_most: Duration) -> bool {
    true
}

/// There is no kernel forwarder here.
pub(crate) fn open_forwarder(
    _settings: SystemSettings,
    _upcalls: Arc<dyn UpcallSink>,
) -> Result<Box<dyn Forwarder>> {
    Err(Refusal::Forwarder("the kernel forwarder exists only on Linux".into()))
}

/// There is no ebpf forwarder here.
pub(crate) fn open_ebpf(
    _settings: SystemSettings,
    _upcalls: Arc<dyn UpcallSink>,
) -> Result<Box<dyn Forwarder>> {
    Err(Refusal::Forwarder("the ebpf forwarder exists only on Linux".into()))
}

/// Only the host's routes exist here.
pub(crate) fn open_routes(
    _: Arc<dyn RouteWatcher>,
    _table: Option<u32>,
) -> Result<Box<dyn RouteView>> {
    Err(Refusal::Forwarder("the system's routes can be read only on Linux".into()))
}

/// There is no status socket here, and never a value of this type.
pub(crate) struct StatusSocket(Infallible);

impl StatusSocket {
    pub fn open(_: &Path) -> io::Result<StatusSocket> {
        Err(unsupported())
    }

    pub fn serve(&self, _: &StopSignal, _: &Manager) {
        match self.0 {}
    }
}

/// There is no thread to stop, so no value of this type exists.
pub(crate) struct StopSignal(Infallible);

impl StopSignal {
    pub fn new() -> io::Result<StopSignal> {
        Err(unsupported())
    }

    pub fn raise(&self) {
        match self.0 {}
    }
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "not supported on this system")
}
