//! The answer to `GET /v1/status`.

use crate::request::LogLevel;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The router as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Status {
    /// The version of mgmd.
    pub version: String,
    /// The version of the library that mgmd uses.
    pub library_version: String,
    /// The process id of mgmd.
    pub pid: u32,
    /// What forwards packets: "kernel", "ebpf" or "memory".
    pub forwarder: String,
    /// Chains of the packet filter that have no effect on what the ebpf forwarder forwards, as
    /// "family table chain" of nftables, or "iptables table chain".
    #[serde(default)]
    pub bypassed_chains: Vec<String>,
    /// The multicast routing table of the kernel; 0 is its default table.
    pub table: u32,
    /// Milliseconds since mgmd started.
    pub uptime_ms: u64,
    /// The configuration.
    pub config: ConfigStatus,
    /// The level of the log.
    pub log_level: LogLevel,
    /// How many of each there are.
    pub counts: Counts,
    /// The PIM registers that have arrived; null unless `router.daemons` is set.
    #[serde(default)]
    pub registers: Option<RegisterCounts>,
}

/// The PIM registers that have arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RegisterCounts {
    /// All of them.
    pub received: u64,
    /// Those whose packet was made to arrive on mgmreg. The kernel or the forwarder may still drop it.
    pub forwarded: u64,
    /// Those without a packet (Null-Register).
    pub null: u64,
    /// Those that were dropped, by reason: "malformed", "sender" (no address of a router), "checksum",
    /// "packet" (it contains no whole packet), "group" (the packet is not for a group that routers
    /// forward), "source" (the packet has no valid source), "own" (sent by this router itself),
    /// "no_daemon" (no daemon has a register interface), "system" (the system refused the packet).
    pub dropped: BTreeMap<String, u64>,
}

/// The current configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConfigStatus {
    /// The file.
    pub file: String,
    /// Milliseconds since this configuration was read, at the start or by a reload.
    pub age_ms: u64,
    /// How many reloads were carried out.
    pub reloads: u64,
    /// How many reloads were refused.
    pub reloads_refused: u64,
}

/// How many of each there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// Configured interfaces. A pattern counts as the number of interfaces that match
    /// it, and at least as one.
    pub interfaces_configured: u64,
    /// Configured interfaces that exist and are up.
    pub interfaces_up: u64,
    /// Groups that hosts want. A group that is wanted on two interfaces counts twice.
    pub groups: u64,
    /// Flows that have an MFE.
    pub flows: u64,
    /// Flows about which the library is asking its clients.
    pub flows_resolving: u64,
    /// Entries that the forwarder refused. The library tries again.
    pub flows_not_installed: u64,
    /// Upstreams of the proxy.
    pub proxies: u64,
    /// Static routes.
    pub routes: u64,
    /// Static memberships that were added by `POST /v1/join`.
    pub joins: u64,
    /// Modules.
    pub modules: u64,
    /// Clients of the library: IGMP, and routing protocols.
    pub clients: u64,
}
