//! The answers to `GET /v1/proxies` and `GET /v1/routes`.

use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// The upstreams of the proxy, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Proxies {
    /// The upstreams.
    pub proxies: Vec<Proxy>,
}

/// An upstream, and its downstreams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Proxy {
    /// The name or pattern of the upstream.
    pub upstream: String,
    /// The names or patterns of its backups, in the order in which they are used.
    pub backup: Vec<String>,
    /// The interface that is used now: the upstream or a backup; null if none of them is up
    /// and has an address.
    pub active: Option<String>,
    /// Its index.
    pub active_index: Option<u32>,
    /// The rules for the groups that are reported, such as "permit 239.1.0.0/16".
    pub groups: Vec<String>,
    /// The networks of the senders behind the upstream; null if the system's routes decide.
    pub sources: Option<Vec<String>>,
    /// How many groups are reported now.
    pub reported_groups: u64,
    /// The downstreams, by name.
    pub downstreams: Vec<Downstream>,
}

/// A downstream of a proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Downstream {
    /// The name of the interface; a pattern if no interface matches it.
    pub interface: String,
    /// Its index; null if it does not exist.
    pub index: Option<u32>,
    /// Whether streams are forwarded to it.
    pub forwarding: bool,
    /// The other router that is the querier, and forwards instead of this one; null if there
    /// is none.
    pub other_querier: Option<Ipv4Addr>,
}

/// The static routes, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Routes {
    /// The routes.
    pub routes: Vec<Route>,
}

/// A static route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Route {
    /// The name or pattern of the interface where the packets arrive.
    pub from: String,
    /// The sources, as address/length.
    pub source: String,
    /// The groups, as address/length.
    pub group: String,
    /// The names or patterns of the interfaces where the packets are sent.
    pub to: Vec<String>,
    /// Whether it has an effect.
    pub state: RouteState,
    /// Why it has no effect; null if it has one.
    pub reason: Option<String>,
    /// How many flows it forwards now.
    pub flows: u64,
}

/// Whether a static route has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RouteState {
    /// Its flows are forwarded.
    Active,
    /// An interface is missing or down.
    Waiting,
    /// A routing protocol owns the interface where the packets arrive.
    Resting,
}
