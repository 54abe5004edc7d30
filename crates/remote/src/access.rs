//! What the host permits to client processes (spec 9.10).

use mgm_manager::{within, Inside, PeerProcess};
use mgm_types::{Interface, Refusal, Result};
use parking_lot::RwLock;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a client process asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The process, with its user.
    pub process: PeerProcess,
    /// The protocol id of the client.
    pub protocol: u32,
    /// The component id of the client.
    pub component: u32,
    /// The interface that the client takes; `None` if it registers.
    pub interface: Option<Interface>,
}

/// Decides whether a wish is permitted.
pub type Filter = Arc<dyn Fn(&Wish) -> bool + Send + Sync>;

static FILTER: RwLock<Option<Filter>> = RwLock::new(None);

/// Sets what decides about registrations and takes from now on; `None` permits all of them.
pub fn set_filter(filter: Option<Filter>) {
    *FILTER.write() = filter;
}

/// The least time between two lines of the log about refusals for one process.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks the host, and logs refusals of one process.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// When the last refusal was logged.
    logged: Option<Instant>,
    /// The refusals since then.
    silent: u32,
}

impl Gate {
    /// Refuses what the host does not permit.
    ///
    /// # Errors
    /// `Router`.
    pub fn pass(&mut self, wish: &Wish) -> Result<()> {
        let filter = FILTER.read().clone();
        // Code of the host: the library is not stopped while it runs, and a child that is forked in
        // it does not return from it (spec 8.10).
        if filter.is_none_or(|permits| within(Inside::Host, || permits(wish))) {
            return Ok(());
        }
        let Wish { process, protocol, component, interface } = wish;
        let what = match interface {
            None => format!("register with protocol id {protocol} and component id {component}"),
            Some(interface) => {
                format!("take {interface} with protocol id {protocol} and component id {component}")
            }
        };
        if self.logged.is_some_and(|logged| logged.elapsed() < PAUSE) {
            self.silent = self.silent.saturating_add(1);
        } else {
            let more = match std::mem::take(&mut self.silent) {
                0 => String::new(),
                count => format!(" ({count} more refusals were not logged)"),
            };
            log::warn!(
                "client process {} ({}, user {}) is not permitted to {what}: change the callback \
                 of MgmHostSetClientFilter, or run the process as another user{more}",
                process.pid,
                process.name,
                process.user
            );
            self.logged = Some(Instant::now());
        }
        let user = process.user;
        Err(Refusal::Router(format!("the router does not permit user {user} to {what}")))
    }
}
