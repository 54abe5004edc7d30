//! The configuration: /etc/mgmd/mgmd.toml.
//!
//! ```text
//!   file ──► reader (TOML, keys) ──► read (structures) ──► check (contradictions) ──► Config
//!                      │                  │                       │
//!                      └── keys: what each table may contain ─────┴──► Problem
//! ```
//!
//! - `keys` describes each key once: its values, default and meaning. The messages and
//!   mgmd.toml(5) use it.
//! - `reader` reads the tables of a file, and `values` reads single values.
//! - `read` makes the structures, and `check` looks for contradictions between them.
//! - `difference` finds what a reload changes. `link` finds the settings of an interface of the
//!   system.

mod check;
pub mod clients;
mod difference;
pub mod keys;
mod link;
mod pattern;
mod problem;
mod read;
mod read_igmp;
mod reader;
#[cfg(test)]
mod tests;
mod values;

pub use clients::{Client, ClientRules, ClientSocket};
pub use difference::{Changes, NeedsRestart};
pub use link::LinkSettings;
pub use mgm_control::request::LogLevel;
pub use pattern::Pattern;
pub use problem::Problem;

use mgm_igmp::config::{AccessList, LinkConfig};
use mgm_types::{Prefix, Scope};
use problem::FileText;
use std::io::Read;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// A larger file is refused: no configuration needs it.
const LARGEST_FILE: u64 = 4 << 20;

/// A whole configuration. The lists have the order of the
/// file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `[router]`.
    pub router: Router,
    /// Each `[[interface]]`.
    pub interfaces: Vec<Interface>,
    /// Each `[[proxy]]`.
    pub proxies: Vec<Proxy>,
    /// Each `[[route]]`.
    pub routes: Vec<Route>,
    /// Each `[[client]]`.
    pub clients: Vec<Client>,
    /// Each `[[module]]`, in the order in which they are loaded.
    pub modules: Vec<Module>,
}

/// `[router]`: the settings of the whole router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Router {
    /// What forwards the packets.
    pub forwarder: Forwarder,
    /// The multicast routing table of the kernel, 0 for its default table.
    pub table: u32,
    /// The unicast routing table in which sources are looked up, 0 for the routes that the
    /// system itself would use.
    pub unicast_table: u32,
    /// The lifetime of new MFEs in seconds.
    pub mfe_timeout: u32,
    /// How many flows packets may begin.
    pub max_flows: u32,
    /// The groups and sources that IGMP keeps for all interfaces together.
    pub max_igmp_entries: u32,
    /// The socket for routing protocols in other processes.
    pub clients: PathBuf,
    /// Who may connect there, and how they are served.
    pub client_socket: ClientSocket,
    /// The control socket.
    pub control: PathBuf,
    /// Whether mgmd makes the interface mgm0.
    pub daemons: bool,
    /// The address of mgm0.
    pub daemons_address: Ipv4Addr,
    /// The level of the log.
    pub log_level: LogLevel,
}

/// What forwards packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarder {
    /// The multicast routing of the kernel: both "auto" and "kernel".
    Kernel,
    /// The library's own programs at the interfaces.
    Ebpf,
    /// A table in the library, which sees no packets of the system.
    Memory,
}

/// `[[interface]]`: an interface, or all that match a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The name or pattern.
    pub name: Pattern,
    /// IGMP on it. The role and `forward_always` are those of a router: see [`Config::link`].
    pub igmp: Option<LinkConfig>,
    /// Whether the file sets the version of IGMP.
    pub version_is_set: bool,
    /// Packets leave by it only if their TTL on arrival is greater.
    pub ttl_threshold: u8,
    /// The ranges of groups that do not cross it.
    pub boundaries: Vec<Boundary>,
    /// How many new flows packets on it may begin a second, if that is limited.
    pub new_flows: Option<u32>,
}

/// An administrative boundary (RFC 2365).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// The groups.
    pub scope: Scope,
    /// Their name in the log.
    pub name: Option<String>,
}

/// `[[proxy]]`: an upstream of an IGMP proxy, and its downstreams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// The upstream.
    pub upstream: Pattern,
    /// The interfaces that replace the upstream, in this order,
    /// while it is down.
    pub backup: Vec<Pattern>,
    /// The interfaces whose hosts it serves.
    pub downstream: Vec<Pattern>,
    /// The groups that are reported upstream.
    pub groups: AccessList,
    /// The networks of the senders behind the upstream, if they are listed.
    pub sources: Option<Vec<Prefix>>,
    /// The groups whose packets are sent up if their sender is on a downstream.
    pub forward_up: AccessList,
    /// Whether downstreams forward even while another router is the querier.
    pub forward_always: bool,
}

/// `[[route]]`: flows that are forwarded without IGMP or a protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// Where the packets arrive.
    pub from: Pattern,
    /// Their sources.
    pub source: Prefix,
    /// Their groups.
    pub group: Prefix,
    /// Where they are sent.
    pub to: Vec<Pattern>,
}

impl Route {
    /// Whether the route is for one source and one group.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.source.length() == 32 && self.group.length() == 32
    }
}

/// `[[module]]`: a shared object with a routing protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The absolute path.
    pub path: PathBuf,
    /// What mgmd passes to it.
    pub args: String,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// The problems of the file, in the order of its lines, at most 100.
    pub fn load(path: &Path) -> Result<Config, Vec<Problem>> {
        let unusable = |text: String| vec![Problem::of_file(path, text)];
        let text = contents(path).map_err(unusable)?;
        match String::from_utf8(text) {
            Ok(text) => Config::parse(path, &text),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let line = 1 + error.as_bytes()[..valid].iter().filter(|b| **b == b'\n').count();
                Err(unusable(format!("line {line} is not UTF-8: use a text file in UTF-8")))
            }
        }
    }

    /// Reads the text of a file. Messages name the path.
    ///
    /// # Errors
    /// As for [`Config::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Config, Vec<Problem>> {
        let source = FileText::new(path, text);
        let (document, errors) = toml::de::DeTable::parse_recoverable(text);
        source.syntax(&errors);
        let config = read::config(&source, document.get_ref());
        let problems = source.into_problems();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(problems)
        }
    }
}

/// The octets of a file, or why it cannot be read.
fn contents(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| {
        format!("cannot be read: {error}: name a file that mgmd may read with --config")
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err("is a directory: name a file with --config".into());
    }
    let mut text = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err("is larger than 4 MiB: no configuration needs that".into());
    }
    Ok(text)
}

impl Default for Router {
    fn default() -> Router {
        Router {
            forwarder: Forwarder::Kernel,
            table: 0,
            unicast_table: 0,
            mfe_timeout: 900,
            max_flows: 2_097_152,
            max_igmp_entries: 65_536,
            clients: "/run/mgmd/router".into(),
            daemons: false,
            daemons_address: Ipv4Addr::new(169, 254, 77, 1),
            client_socket: ClientSocket::default(),
            control: "/run/mgmd/control".into(),
            log_level: LogLevel::Info,
        }
    }
}
