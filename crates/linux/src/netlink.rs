//! The kernel's unicast routes as the multicast view: RTM_GETROUTE for each
//! source.
//!
//! - `reply` parses the kernel's answers, `nexthops` parses next hop objects, both without I/O.
//! - `links` has the properties of links and addresses on which routes depend, `copy` stores the
//!   table that the host named, if any.
//! - `listener` is the thread that reads announcements, `announced` determines what they concern,
//!   `dump` reads the existing state, `first` waits for the first dump of the table.
//! - `lookups` looks up sources.
//!
//! Messages in general, sockets, and the table of links and addresses are those of `mgm-net`. The
//! sockets are [`Guarded`](crate::fork::Guarded), which closes them in forked children.

mod announced;
mod copy;
mod dump;
mod first;
mod links;
mod listener;
mod lookups;
mod nexthops;
mod reply;

#[cfg(fuzzing)]
pub use announced::fuzz;

use crate::route_view::{RouteView, RouteWatcher};
use crate::sys::StopSignal;
use crate::types::{Domain, Ipv4Addr, Refusal, Route};
use copy::TableCopy;
use first::FirstDump;
use links::RoutingLinks;
use listener::Listener;
use lookups::Lookups;
use mgm_net::netlink::wire;
use nexthops::Cache;
use parking_lot::{Mutex, RwLock};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The state that announcements have changed.
#[derive(Debug, Default)]
struct Known {
    links: RwLock<RoutingLinks>,
    /// The table that the host named.
    copy: Option<RwLock<TableCopy>>,
    first_dump: FirstDump,
    objects: Mutex<Cache>,
}

/// How long a look-up waits for the first dump of the table that the host named. A million
/// routes take about a second.
const FIRST_DUMP: Duration = Duration::from_secs(10);

/// The routes of the Linux kernel, in the network namespace of the thread that
/// opened them.
pub struct NetlinkRoutes {
    /// A look-up takes some microseconds, so a second socket would not help.
    lookups: Mutex<Lookups>,
    known: Arc<Known>,
    stop: Arc<StopSignal>,
}

impl NetlinkRoutes {
    /// Opens the view. From then on, a separate thread reports changes to `watcher`, many changes
    /// at a time. Outside of VRFs, sources are looked up in the unicast table with this number, or
    /// by the policy rules if it is `None`. That thread also reads the table, and look-ups wait
    /// for it. This function does not wait, because its caller may hold a lock.
    ///
    /// # Errors
    /// `Forwarder`, with what is missing and what to do about it.
    pub fn open(
        watcher: Arc<dyn RouteWatcher>,
        table: Option<u32>,
    ) -> Result<NetlinkRoutes, Refusal> {
        NetlinkRoutes::try_open(watcher, table).map_err(|error| {
            Refusal::Forwarder(match error.raw_os_error() {
                Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT | libc::EPERM | libc::EACCES) => {
                    format!(
                        "cannot look up routes: netlink is missing, or a sandbox blocks it \
                         ({error}): allow AF_NETLINK sockets"
                    )
                }
                _ => format!(
                    "cannot look up routes: {error}: raise the limits on open files and threads"
                ),
            })
        })
    }

    fn try_open(watcher: Arc<dyn RouteWatcher>, table: Option<u32>) -> io::Result<NetlinkRoutes> {
        let copy = table.map(|table| RwLock::new(TableCopy::of(table)));
        let known = Arc::new(Known { copy, ..Known::default() });
        let lookups = Mutex::new(Lookups::open(Arc::clone(&known))?);
        let stop = Arc::new(StopSignal::new()?);
        Listener::open(Arc::clone(&known), Arc::clone(&stop), watcher)?.spawn()?;
        Ok(NetlinkRoutes { lookups, known, stop })
    }
}

impl RouteView for NetlinkRoutes {
    fn wait_until_ready(&self, domain: Domain, most: Duration) -> bool {
        domain != Domain::MAIN || self.known.copy.is_none() || self.known.first_dump.wait(most)
    }

    fn lookup(&self, source: Ipv4Addr, domain: Domain) -> Option<Route> {
        self.wait_until_ready(domain, FIRST_DUMP);
        let mut lookups = self.lookups.lock();
        // A signal or a lack of memory seldom interrupts a look-up twice.
        let found = lookups.route(source, domain).or_else(|_| lookups.route(source, domain));
        drop(lookups);
        found
            .inspect_err(|error| {
                log::warn!(
                    "cannot look up the route to {source} ({error}): keeping the last known \
                     route; retrying"
                );
            })
            .ok()
    }

    fn domain(&self, if_index: u32) -> Domain {
        self.known.links.read().domain(if_index)
    }
}

impl Drop for NetlinkRoutes {
    /// The thread ends by itself. Waiting for it here could deadlock, because the manager's lock
    /// is held and the thread may be waiting for that lock.
    fn drop(&mut self) {
        self.stop.raise();
    }
}

/// Messages for the unit tests.
#[cfg(test)]
mod sample {
    pub use mgm_net::netlink::wire::attr;

    /// A message of this kind.
    pub fn message(kind: u16, flags: u16, parts: &[&[u8]]) -> Vec<u8> {
        super::wire::message(kind, flags, 7, parts)
    }
}
