//! The shell around the engine: the one lock, callback queues, threads, time.
#![allow(missing_docs, unused_variables)]

mod callbacks;

pub use callbacks::Callbacks;

use crate::engine::ClientId;
use crate::types::{Flow, Interface, Ipv4Addr, Result, Route};
use std::ops::ControlFlow;

/// An open group enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnumId(pub u64);

/// What a membership call acts on (dwFlags; spec 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// MGM_JOIN_STATE_FLAG, alone or with the other.
    State,
    /// MGM_FORWARD_STATE_FLAG alone.
    Forward,
}

/// What a group enumeration returns (MGM_ENUM_TYPES).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnumKind {
    AnySource,
    AllSources,
}

/// One oif of an [`MfeRow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OifRow {
    pub interface: Interface,
    pub packets: u64,
    pub ttl_too_low: u64,
}

/// Everything that the retrieval functions tell about one MFE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfeRow {
    pub flow: Flow,
    pub upstream: Ipv4Addr,
    pub iif: Interface,
    /// Protocol id of the iif's owner.
    pub iif_protocol: u32,
    pub route: Route,
    /// Milliseconds since the MFE was created or renewed.
    pub up_ms: u64,
    /// Milliseconds until it expires; `None` = never.
    pub expiry_ms: Option<u64>,
    /// Life in seconds, u32::MAX = never expires.
    pub timeout: u32,
    pub oifs: Vec<OifRow>,
    pub packets: u64,
    pub octets: u64,
    pub wrong_if: u64,
}

/// MGM's answer to a packet that the host handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Accepted on the MFE's incoming interface.
    pub accepted: bool,
    /// Where it goes out.
    pub oifs: Vec<Interface>,
}

/// A packet that the host hands in.
#[derive(Clone, Copy, Debug)]
pub struct PacketIn<'a> {
    pub flow: Flow,
    pub arrival: Interface,
    /// The IP header bytes, passed on to callbacks.
    pub header: &'a [u8],
    /// Length of the whole packet in octets, for the counters.
    pub length: u32,
    pub ttl: u8,
}

/// Which forwarder to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwarderChoice {
    #[default]
    Auto,
    Kernel,
    Memory,
}

/// Settings, from the environment (`Settings::from_env`) or the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub forwarder: ForwarderChoice,
    /// MRT_TABLE
    pub table: u32,
    /// ulTimeOut of new MFEs, seconds; u32::MAX never.
    pub mfe_timeout: u32,
    pub log_level: log::LevelFilter,
}

impl Settings {
    /// MGM_FORWARDER, MGM_TABLE, MGM_MFE_TIMEOUT, MGM_LOG; a bad value is an error line and the default.
    pub fn from_env() -> Settings {
        todo!()
    }
}

/// Takes log lines instead of stderr. Called with no lock held.
pub type LogSink = Box<dyn Fn(log::Level, &str) + Send + Sync>;

/// MGM itself.
pub struct Manager {}

impl Manager {
    /// The process's one instance. Starts itself with `Settings::from_env` at the first use of any
    /// of the methods below except `start` and `stop`.
    pub fn global() -> &'static Manager {
        todo!()
    }

    pub fn register(
        &self,
        callbacks: Box<dyn Callbacks>,
        protocol: u32,
        component: u32,
    ) -> Result<ClientId> {
        todo!()
    }
    pub fn deregister(&self, client: ClientId) -> Result<()> {
        todo!()
    }
    pub fn take(&self, client: ClientId, interface: Interface) -> Result<()> {
        todo!()
    }
    pub fn release(&self, client: ClientId, interface: Interface) -> Result<()> {
        todo!()
    }
    /// (protocol id, component id)
    pub fn protocol_on(&self, interface: Interface) -> Result<(u32, u32)> {
        todo!()
    }
    pub fn add_membership(
        &self,
        client: ClientId,
        flow: Flow,
        interface: Interface,
        join: Join,
    ) -> Result<()> {
        todo!()
    }
    pub fn delete_membership(
        &self,
        client: ClientId,
        flow: Flow,
        interface: Interface,
        join: Join,
    ) -> Result<()> {
        todo!()
    }
    /// `if_index` is dwInIfIndex as given.
    pub fn set_mfe(
        &self,
        client: ClientId,
        flow: Flow,
        upstream: Ipv4Addr,
        if_index: u32,
    ) -> Result<()> {
        todo!()
    }
    /// Reads one MFE under the lock; `stats` fetches the forwarder's counters.
    pub fn with_mfe<R>(
        &self,
        flow: Flow,
        stats: bool,
        read: impl FnOnce(&MfeRow) -> R,
    ) -> Result<R> {
        todo!()
    }
    /// Walks the MFEs after `start` (all, if `None`) in order until `visit` breaks.
    pub fn walk_mfes(
        &self,
        start: Option<Flow>,
        stats: bool,
        visit: &mut dyn FnMut(&MfeRow) -> ControlFlow<()>,
    ) -> Result<()> {
        todo!()
    }
    pub fn enum_start(&self, client: ClientId, kind: EnumKind) -> Result<EnumId> {
        todo!()
    }
    /// Visits up to `capacity` entries, moving the enumeration on; true if there are more.
    /// ANY_SOURCE entries are (*,g) flows. With capacity 0 and more entries left: `Ok(true)`, nothing visited.
    pub fn enum_next(
        &self,
        id: EnumId,
        capacity: usize,
        visit: &mut dyn FnMut(Flow),
    ) -> Result<bool> {
        todo!()
    }
    pub fn enum_end(&self, id: EnumId) -> Result<()> {
        todo!()
    }

    // The host's side
    pub fn start(&self, settings: Settings, log: Option<LogSink>) -> Result<()> {
        todo!()
    }
    pub fn stop(&self) -> Result<()> {
        todo!()
    }
    pub fn set_log_sink(&self, log: Option<LogSink>) {
        todo!()
    }
    /// The system has this interface (again).
    pub fn host_add_interface(&self, interface: Interface) -> Result<()> {
        todo!()
    }
    /// The system lost this interface.
    pub fn host_delete_interface(&self, interface: Interface) -> Result<()> {
        todo!()
    }
    pub fn add_route(&self, route: Route) -> Result<()> {
        todo!()
    }
    pub fn delete_route(&self, network: Ipv4Addr, prefix_len: u8) -> Result<()> {
        todo!()
    }
    pub fn packet_in(&self, packet: PacketIn<'_>) -> Result<Verdict> {
        todo!()
    }
}
