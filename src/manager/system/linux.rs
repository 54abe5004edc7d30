//! What Linux brings: multicast routing in the kernel, the system's routes, and
//! a socket that the status is served at.

#[cfg(test)]
pub(in crate::manager) mod hang;
mod serve;

pub(in crate::manager) use crate::sys::StopSignal;
pub(in crate::manager) use serve::StatusSocket;

use crate::forwarder::kernel::KernelForwarder;
use crate::forwarder::{Forwarder, UpcallSink};
use crate::routes::netlink::NetlinkRoutes;
use crate::routes::{RouteView, RouteWatcher};
use crate::types::Result;
use std::sync::Arc;

/// Whether there is more than memory to choose from.
pub(in crate::manager) const HAS_FORWARDER: bool = true;

/// MGM starts in this process.
pub(in crate::manager) fn move_in() {
    crate::fork::install();
    crate::pin::stay_loaded();
}

/// A clock that never goes back, in milliseconds.
pub(in crate::manager) use crate::sys::coarse_clock as clock;

pub(in crate::manager) use crate::sys::{stderr_is_ready, STDERR_BYTES};

/// The kernel's forwarding table of this number.
pub(in crate::manager) fn open_forwarder(
    table: u32,
    upcalls: Arc<dyn UpcallSink>,
) -> Result<Box<dyn Forwarder>> {
    Ok(Box::new(KernelForwarder::open(table, upcalls)?))
}

/// The system's routes; outside of VRFs those of this table, if the host has named one.
pub(in crate::manager) fn open_routes(
    watcher: Arc<dyn RouteWatcher>,
    table: Option<u32>,
) -> Result<Box<dyn RouteView>> {
    Ok(Box::new(NetlinkRoutes::open(watcher, table)?))
}
