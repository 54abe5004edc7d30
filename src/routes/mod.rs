//! The multicast view of the routes: how a source is reached.
//!
//! A look-up may be a system call or a callback of the host's, so the manager
//! never makes one with its lock held.

use crate::types::{Ipv4Addr, Route};

#[cfg(target_os = "linux")]
pub mod netlink;
mod table;

pub use table::RouteTable;

/// Something that can tell how a source is reached.
pub trait RouteView: Send + Sync {
    /// The route towards `source`, [`Route::NONE`] if there is none. `None` if
    /// that cannot be told just now: what was known of it stands.
    fn lookup(&self, source: Ipv4Addr) -> Option<Route>;
}

/// Hears what the system announces, on a thread of the view's own. Returns soon.
pub trait RouteWatcher: Send + Sync {
    /// Any look-up may give another result than before, and interfaces may
    /// have come or gone.
    fn routes_changed(&self);

    /// Some interface takes part in multicast routing now, or does no more; look-ups
    /// give the same results.
    fn interfaces_changed(&self);
}
