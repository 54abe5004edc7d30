//! The status of a library, as `MgmHostGetStatus` returns it and a status socket serves it.
//! docs/status.md documents it for users.

mod clients;
mod flows;
#[cfg(test)]
mod tests;

pub use clients::clients;
pub use flows::{flows, FlowIndex};

use serde::Deserialize;
use std::collections::HashMap;

/// The status without the lists of memberships and flows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Summary {
    /// The version of the library.
    pub version: String,
    /// Whether the library is running.
    pub running: bool,
    /// What forwards packets; null until the first interface is taken.
    pub forwarder: Option<String>,
    /// Chains of the packet filter that have no effect on what is forwarded. Older libraries do not
    /// say.
    #[serde(default)]
    pub bypassed_chains: Vec<String>,
    /// Milliseconds since the start.
    pub uptime_ms: u64,
    /// How many of each there are.
    pub totals: Totals,
    /// Counts since the start.
    pub counters: Counters,
    /// The interfaces that a client has taken.
    pub interfaces: Vec<TakenInterface>,
}

/// How many of each there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Totals {
    /// Registered clients.
    pub clients: u64,
    /// Interfaces that are taken.
    pub interfaces: u64,
    /// Flows that have memberships.
    pub memberships: u64,
    /// MFEs.
    pub mfes: u64,
    /// Flows whose clients are being asked.
    pub resolving: u64,
    /// Flows that were refused within the last 10 s.
    pub refused_flows: u64,
    /// Entries that the forwarder refused.
    pub not_installed: u64,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Counters {
    /// Upcalls from the kernel.
    pub upcalls: Upcalls,
}

/// Upcalls from the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Upcalls {
    /// First packets of a flow.
    pub no_cache: u64,
    /// Packets on a wrong interface.
    pub wrong_if: u64,
    /// Upcalls that were lost because the kernel's buffer was full.
    pub lost: u64,
}

/// An interface that a client has taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TakenInterface {
    /// Its index.
    pub index: u32,
    /// Its name; null if the system has none for the index, and with the memory forwarder.
    pub name: Option<String>,
}

impl Summary {
    /// Reads the status of a library. Members that this version does not know are ignored.
    ///
    /// # Errors
    /// The text is not the status of a library.
    pub fn read(status: &str) -> serde_json::Result<Summary> {
        serde_json::from_str(status)
    }

    /// The names of the interfaces that have one, by index.
    #[must_use]
    pub fn names(&self) -> HashMap<u32, String> {
        let named = |of: &TakenInterface| Some((of.index, of.name.clone()?));
        self.interfaces.iter().filter_map(named).collect()
    }
}
