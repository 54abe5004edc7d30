//! The answer to `GET /v1/clients`.

use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A page of the clients of the library, in the order in which they have registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Clients {
    /// The clients.
    pub clients: Vec<Client>,
    /// The value of `after` for the next page; null on the last page.
    pub next: Option<String>,
}

/// A client of the library: IGMP, or a routing protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Client {
    /// Its number. A client that registers again gets another one.
    pub number: u64,
    /// "igmp", or "protocol" and the protocol id.
    pub name: String,
    /// Its protocol id (PROTO_IP_*).
    pub protocol: u32,
    /// Its component id.
    pub component: u32,
    /// The process that it is in; null for a client in the router's own process, such as mgmd's
    /// IGMP and modules.
    pub process: Option<Process>,
    /// The interfaces that it owns, or on which it is enabled as IGMP.
    pub interfaces: Vec<ClientInterface>,
    /// Callbacks that wait in the router.
    pub waiting: u64,
    /// Whether it is behind: it is told only of the current state, not of each change.
    pub behind: bool,
}

/// An interface of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClientInterface {
    /// Its name; null if the system has none for the index.
    pub interface: Option<String>,
    /// Its index.
    pub index: u32,
    /// The neighbour, on a point-to-multipoint link.
    pub next_hop: Option<Ipv4Addr>,
}

/// A client process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Process {
    /// Its process id.
    pub pid: i32,
    /// The name of its program, as it says itself.
    pub name: String,
    /// The number of its user.
    pub user: u32,
    /// Callbacks that were sent to the client and that it has not acknowledged.
    pub unacknowledged: u64,
    /// How long its last answers took; null if it has answered no question yet.
    pub answers: Option<Answers>,
    /// Whether it is alive, and answers.
    pub state: State,
    /// Milliseconds until the grace period ends; null unless the client is in one.
    #[serde(default)]
    pub grace_ends_in_ms: Option<u64>,
}

/// How long a client takes for its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Answers {
    /// How many questions it has answered, including late answers.
    pub count: u64,
    /// The median of the last 128 answers, from the sending of the question, in microseconds.
    pub median_us: u64,
    /// The longest of the last 128 answers, in microseconds.
    pub worst_us: u64,
}

/// Whether the process of a client is alive, and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It answers.
    Active,
    /// It has missed three deadlines in a row. It is not asked until it has acknowledged all
    /// callbacks.
    Absent,
    /// It has ended. Its interfaces and memberships stay until its successor takes over or the
    /// grace period ends.
    Grace,
    /// It has ended, and its interfaces and memberships are being deleted.
    Ended,
}
