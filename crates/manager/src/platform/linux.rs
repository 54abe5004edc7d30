//! What Linux provides: multicast routing in the kernel, the system's routes, and the status
//! socket.

#[cfg(test)]
pub(crate) mod hang;
mod status_reply;

pub use mgm_linux::fork;
pub(crate) use mgm_linux::names::{interface_index, interface_name};
pub(crate) use mgm_linux::sys::{secure_variable, StopSignal};
pub(crate) use mgm_linux::threads::{is_ours, spawn};

use super::Manager;
use crate::forwarder::{Forwarder, UpcallSink};
use crate::route_view::{RouteView, RouteWatcher};
use crate::settings::TrafficControl;
use crate::system_state::SystemSettings;
use crate::types::Result;
use mgm_linux::ebpf::{Attachment, EbpfForwarder};
use mgm_linux::kernel::KernelForwarder;
use mgm_linux::netlink::NetlinkRoutes;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Whether there are other forwarders than the memory forwarder.
pub(crate) const HAS_FORWARDER: bool = true;

/// Whether the system can look up interface names.
pub(crate) const HAS_NAMES: bool = true;

/// The library starts in this process.
pub(crate) fn move_in() {
    fork::install();
}

/// A clock that never goes back, in milliseconds.
pub(crate) use mgm_linux::sys::coarse_clock as clock;

pub(crate) use mgm_linux::sys::{stderr_is_ready, STDERR_BYTES};

/// The kernel's forwarding table.
pub(crate) fn open_forwarder(
    settings: SystemSettings,
    upcalls: Arc<dyn UpcallSink>,
) -> Result<Box<dyn Forwarder>> {
    Ok(Box::new(KernelForwarder::open(settings.table, upcalls)?))
}

/// The library's own programs at the interfaces.
pub(crate) fn open_ebpf(
    settings: SystemSettings,
    upcalls: Arc<dyn UpcallSink>,
) -> Result<Box<dyn Forwarder>> {
    let how = match settings.traffic_control {
        TrafficControl::Auto => Attachment::Auto,
        TrafficControl::Clsact => Attachment::Clsact,
    };
    Ok(Box::new(EbpfForwarder::open(how, upcalls)?))
}

/// The system's routes; outside of VRFs those of this table, if the host has named one.
pub(crate) fn open_routes(
    watcher: Arc<dyn RouteWatcher>,
    table: Option<u32>,
) -> Result<Box<dyn RouteView>> {
    Ok(Box::new(NetlinkRoutes::open(watcher, table)?))
}

/// The socket at which the status is served.
pub(crate) struct StatusSocket {
    /// In tests, removing the file can hang, too.
    #[cfg(test)]
    _end: hang::HangingEnd,
    socket: mgm_linux::serve::StatusServer,
}

impl StatusSocket {
    /// See [`mgm_linux::serve::StatusServer::open`].
    pub fn open(path: &Path) -> io::Result<StatusSocket> {
        #[cfg(test)]
        hang::pass(path);
        Ok(StatusSocket {
            #[cfg(test)]
            _end: hang::HangingEnd(path.into()),
            socket: mgm_linux::serve::StatusServer::open(path)?,
        })
    }

    /// Answers requests until `stop` is raised.
    pub fn serve(&self, stop: &StopSignal, manager: &Manager) {
        self.socket.serve(stop, manager);
    }
}

#[cfg(test)]
mod tests;
