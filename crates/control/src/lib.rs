//! The requests and answers of mgmd's control socket.
//!
//! mgmd serves HTTP/1.1 with JSON at a UNIX socket. docs/control.md documents it for users.
//!
//! ```text
//!   mgmctl                                       mgmd
//!   Request ─► client ─► HTTP ═══ socket ═══► http ─► Request::read ─► the router
//!   Answer  ◄─ client ◄─ HTTP ═══ socket ═══◄ http ◄─ Answer        ◄─ the router
//! ```
//!
//! - [`request`]: the requests, their paths, parameters and bodies.
//! - [`status`], [`interfaces`], [`igmp`], [`groups`], [`flows`], [`clients`],
//!   [`explain`], [`forwarding`], [`changes`]: the answers. docs/control.schema.json is made from them.
//! - [`http`]: reads and writes the messages, without I/O.
//! - [`library`]: the status of a library (docs/status.md), from which mgmd's flows come.
//! - [`client`]: a connection to mgmd, or to the status socket of a library.
//!
//! The names of members end with their unit: `_ms` for milliseconds, `_seconds`. Interfaces have
//! their names, and their indexes beside them. A later version may add members, so readers ignore
//! members that they do not know; it neither renames nor removes any without a new [`API`].
#![forbid(unsafe_code)]

pub mod changes;
#[cfg(unix)]
pub mod client;
pub mod clients;
mod error;
pub mod explain;
pub mod flows;
pub mod forwarding;
pub mod groups;
pub mod http;
pub mod igmp;
pub mod interfaces;
pub mod library;
mod page;
mod query;
pub mod request;
#[cfg(test)]
mod schema;
pub mod status;

pub use error::{ErrorAnswer, ErrorCode, Failure};
pub use page::{Page, PageBuilder};
pub use request::Request;

use serde::{Deserialize, Serialize};

/// The version of the requests and answers: the `1` of the path `/v1/status`.
pub const API: u32 = 1;

/// Where mgmd listens unless its configuration says otherwise.
pub const DEFAULT_SOCKET: &str = "/run/mgmd/control";

/// What mgmd answers to a request that it accepts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To [`Request::Status`].
    Status(Box<status::Status>),
    /// To [`Request::Interfaces`].
    Interfaces(interfaces::Interfaces),
    /// To [`Request::Igmp`].
    Igmp(igmp::IgmpLinks),
    /// To [`Request::Groups`].
    Groups(groups::Groups),
    /// To [`Request::Flows`].
    Flows(flows::Flows),
    /// To [`Request::Clients`].
    Clients(clients::Clients),
    /// To [`Request::Explain`].
    Explanation(Box<explain::Explanation>),
    /// To [`Request::Proxies`].
    Proxies(forwarding::Proxies),
    /// To [`Request::Routes`].
    Routes(forwarding::Routes),
    /// To [`Request::Join`] and [`Request::Leave`].
    Membership(changes::MembershipChanged),
    /// To [`Request::Reload`].
    Reload(changes::Reloaded),
    /// To [`Request::LogLevel`].
    LogLevel(changes::LogLevelChanged),
}

/// An answer as it is sent: with the version of the API as its first member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Versioned<T> {
    /// The version of the API: 1.
    pub api: u32,
    /// The answer.
    #[serde(flatten)]
    pub answer: T,
}

impl<T> Versioned<T> {
    /// The answer, in this version of the API.
    pub fn new(answer: T) -> Versioned<T> {
        Versioned { api: API, answer }
    }
}

impl<T: Serialize> Versioned<T> {
    /// As JSON, with a line feed at the end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers, lists and maps with text as keys cannot fail to serialise.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
