//! The multicast view of the routes: how a source is reached.
//!
//! A look-up may be a system call or a callback of the host, so the manager
//! never makes one with its lock held.

use crate::{Domain, Ipv4Addr, Route};
use std::time::Duration;

mod changes;

pub use changes::RouteChanges;

/// Returns how a source is reached.
pub trait RouteView: Send + Sync {
    /// The route towards `source` as the system looks it up in `domain`,
    /// [`Route::NONE`] if there is none. `None` if the system does not answer: the route
    /// that was known before stays valid.
    fn lookup(&self, source: Ipv4Addr, domain: Domain) -> Option<Route>;

    /// Waits, for at most this long, until a look-up in this domain would not have to wait for
    /// seconds. False if it still would. A caller that holds something that others need calls this
    /// before a look-up.
    fn wait_until_ready(&self, _domain: Domain, _most: Duration) -> bool {
        true
    }

    /// The domain in which packets of this interface are routed. Makes no system call.
    fn domain(&self, _if_index: u32) -> Domain {
        Domain::MAIN
    }
}

/// Receives what the system announces, on a thread of the route view.
pub trait RouteWatcher: Send + Sync {
    /// Look-ups of these sources may return another result than before, and interfaces may
    /// have appeared, disappeared or changed their domain. A watcher that needs long calls
    /// `meanwhile` every few milliseconds, with no lock held: the route view then reads the
    /// announcements that have arrived.
    fn routes_changed(&self, changes: &RouteChanges, meanwhile: &mut dyn FnMut());

    /// An interface has begun or ceased to take part in multicast routing, or has changed its
    /// domain. Look-ups in a domain return the same results as before. Returns soon.
    fn interfaces_changed(&self);
}
