//! The functions of mgmhost.h: settings, interfaces, routes, packets, log, status.
//!
//! A program need not call any of them: the first registration starts the library with the
//! defaults, which environment variables can change. Each function that would start the library
//! returns [`Code::InvalidParameter`] as long as such a variable has an invalid value.

use crate::ffi::{self, Filled, Oif, RouteRest, ERROR_INSUFFICIENT_BUFFER, NO_ERROR};
use crate::log_sinks::with_sink;
use crate::remote::ClientService;
use crate::{Code, Error, Flow, Interface, Prefix, Result};
use std::cell::Cell;
use std::ffi::CString;
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod log;

pub use log::{set_log, set_log_level, LogLevel, LogSink};

/// MGMHOST_START_OPEN_FORWARDER, and the flags of the status and of the metrics.
const OPEN_FORWARDER: u32 = 1;
const NO_MEMBERSHIPS: u32 = 1;
const NO_MFES: u32 = 2;
const METRICS_MFES: u32 = 1;

/// The forwarder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Forwarder {
    /// The value of MGM_FORWARDER, by default [`Forwarder::Auto`].
    #[default]
    Default = 0,
    /// The kernel forwarder if it is available, permitted and not in use; otherwise memory.
    Auto = 1,
    /// Linux multicast routing.
    Kernel = 2,
    /// A table in the library: the program hands in packets with [`packet_in`].
    Memory = 3,
    /// eBPF programs of the library at the interfaces. Needs Linux 5.8 or later, CAP_BPF and
    /// CAP_PERFMON.
    Ebpf = 4,
}

/// The settings for a start. Those that are not set are taken from the environment, or are the
/// defaults.
#[derive(Clone, Default)]
pub struct Settings {
    forwarder: Forwarder,
    table: u32,
    mfe_timeout: u32,
    log_level: LogLevel,
    unicast_table: u32,
    max_flows: u32,
    opens_forwarder: bool,
    router: Option<PathBuf>,
    log: Option<LogSink>,
}

impl Settings {
    /// Returns settings with the defaults.
    #[must_use]
    pub fn new() -> Settings {
        Settings::default()
    }

    /// Sets the forwarder.
    #[must_use]
    pub fn forwarder(self, forwarder: Forwarder) -> Settings {
        Settings { forwarder, ..self }
    }

    /// Has [`Settings::start`] open the forwarder, and fail if that fails. Otherwise the first
    /// [`Client::take`](crate::Client::take) opens it.
    #[must_use]
    pub fn open_forwarder(self) -> Settings {
        Settings { opens_forwarder: true, ..self }
    }

    /// Sets the multicast routing table of the kernel.
    #[must_use]
    pub fn table(self, table: u32) -> Settings {
        Settings { table, ..self }
    }

    /// Sets the unicast routing table of the system in which sources are looked up.
    #[must_use]
    pub fn unicast_table(self, unicast_table: u32) -> Settings {
        Settings { unicast_table, ..self }
    }

    /// Sets the lifetime of new MFEs in seconds; `u32::MAX` means that they never expire.
    #[must_use]
    pub fn mfe_timeout(self, seconds: u32) -> Settings {
        Settings { mfe_timeout: seconds, ..self }
    }

    /// Sets how many flows packets may begin, at most 16,777,216.
    #[must_use]
    pub fn max_flows(self, max_flows: u32) -> Settings {
        Settings { max_flows, ..self }
    }

    /// Sets the level of the log.
    #[must_use]
    pub fn log_level(self, log_level: LogLevel) -> Settings {
        Settings { log_level, ..self }
    }

    /// Makes this process a client of the router that serves client processes at this path.
    /// [`Settings::start`] connects to it. No forwarder can be set then.
    #[must_use]
    pub fn router(self, path: impl Into<PathBuf>) -> Settings {
        Settings { router: Some(path.into()), ..self }
    }

    /// Sets what receives the log. Without it, the log goes to stderr.
    #[must_use]
    pub fn log(self, sink: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Settings {
        Settings { log: Some(Arc::new(sink)), ..self }
    }

    /// Starts the library with these settings.
    ///
    /// # Errors
    /// [`Code::AlreadyExists`]: it is running; [`Code::InvalidParameter`]: a setting, or an
    /// environment variable, has an invalid value; [`Code::CanNotComplete`]: the forwarder cannot
    /// be opened, or the router cannot be reached; [`Error::InvalidText`]: the path of the router
    /// contains a zero byte; [`Error::Version`].
    pub fn start(self) -> Result<()> {
        let router = self.router.map(|path| CString::new(path.as_os_str().as_bytes())).transpose();
        let router = router.map_err(|_| Error::InvalidText)?;
        let config = ffi::HostConfig {
            dwForwarder: self.forwarder as u32,
            dwTable: self.table,
            dwMfeTimeout: self.mfe_timeout,
            dwLogLevel: self.log_level as u32,
            dwUnicastTable: self.unicast_table,
            dwMaxFlows: self.max_flows,
            dwFlags: if self.opens_forwarder { OPEN_FORWARDER } else { 0 },
            ..ffi::default_config()
        };
        with_sink(self.log, |sink| ffi::start(config, router.as_deref(), sink))
    }
}

/// Stops the library: deletes all clients, interfaces, memberships and MFEs, without callbacks.
/// When the call has returned, no callback runs any more, and the log goes to stderr.
///
/// # Errors
/// [`Code::CanNotComplete`]: the call is made inside a callback, or another thread is stopping the
/// library.
pub fn stop() -> Result<()> {
    with_sink(None, |_| ffi::stop())
}

/// The version of the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Major and minor version of the API.
    pub api: (u32, u32),
    /// The three numbers of the build.
    pub build: (u32, u32, u32),
    /// Description of the build.
    pub text: String,
}

/// Returns the version of the library.
///
/// # Errors
/// [`Code::CanNotComplete`]: this is a forked child.
pub fn version() -> Result<Version> {
    let v = ffi::version()?;
    Ok(Version {
        api: (v.dwApiMajor, v.dwApiMinor),
        build: (v.dwBuildMajor, v.dwBuildMinor, v.dwBuildPatch),
        text: ffi::build_text(&v),
    })
}

/// Reports that the system has an interface, or has it again.
///
/// # Errors
/// [`Code::InvalidParameter`]: the index is 0; [`Code::CanNotComplete`]: the library is being
/// stopped.
pub fn add_interface(interface: impl Into<Interface>) -> Result<()> {
    ffi::add_interface(interface.into())
}

/// Reports that the system has lost an interface.
///
/// # Errors
/// As for [`add_interface`].
pub fn delete_interface(interface: impl Into<Interface>) -> Result<()> {
    ffi::delete_interface(interface.into())
}

/// A route of the host, for [`add_route`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    network: Prefix,
    gateway: Option<Ipv4Addr>,
    index: u32,
    protocol: u32,
    flags: u32,
}

const ROUTE_LOCAL: u32 = 1;
const ROUTE_PREFERRED: u32 = 2;

impl Route {
    /// Returns a route to a network that is directly connected to an interface.
    #[must_use]
    pub fn connected(network: Prefix, index: u32) -> Route {
        Route { network, gateway: None, index, protocol: 0, flags: 0 }
    }

    /// Returns a route to a network through a gateway.
    #[must_use]
    pub fn via(network: Prefix, index: u32, gateway: Ipv4Addr) -> Route {
        Route { gateway: Some(gateway), ..Route::connected(network, index) }
    }

    /// Returns a route that says that an address is one of this router.
    #[must_use]
    pub fn local(address: Ipv4Addr) -> Route {
        Route { flags: ROUTE_LOCAL, ..Route::connected(Prefix::new(address, 32), 0) }
    }

    /// Prefers the route to all routes of the system, even to longer prefixes.
    #[must_use]
    pub fn preferred(self) -> Route {
        Route { flags: self.flags | ROUTE_PREFERRED, ..self }
    }

    /// Sets where the route comes from ([`protocol`](crate::protocol)); MFEs return it.
    #[must_use]
    pub fn protocol(self, protocol: u32) -> Route {
        Route { protocol, ..self }
    }
}

/// Adds a route to the multicast view, or replaces the one to the same network.
///
/// # Errors
/// [`Code::InvalidParameter`]: the route is invalid; [`Code::NotEnoughMemory`];
/// [`Code::CanNotComplete`]: the library is being stopped.
pub fn add_route(route: Route) -> Result<()> {
    let Route { network, gateway, index, protocol, flags } = route;
    ffi::add_route(network, gateway, &RouteRest { index, protocol, flags })
}

/// Deletes a route of the host.
///
/// # Errors
/// [`Code::NotFound`]: there is none; [`Code::InvalidParameter`]: the network is invalid;
/// [`Code::CanNotComplete`]: the library is being stopped.
pub fn delete_route(network: Prefix) -> Result<()> {
    ffi::delete_route(network)
}

/// A packet for [`packet_in`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The source.
    pub source: Ipv4Addr,
    /// The group.
    pub group: Ipv4Addr,
    /// The interface on which it arrived.
    pub interface: Interface,
    /// Its IP header, which callbacks get; may be empty. Its ninth byte is the TTL, otherwise
    /// the TTL is 255.
    pub header: &'a [u8],
    /// Size of the whole packet in octets, for the counters; 0 means that of the header.
    pub size: u32,
}

/// Where a packet must be forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the packet arrived on the incoming interface of its MFE.
    pub accepted: bool,
    /// The interfaces out of which it must be forwarded.
    pub outgoing: Vec<Interface>,
}

/// The library numbers interfaces with 16 bits, so a packet has at most this many.
const MOST_OIFS: usize = 65_536;

thread_local! {
    /// Kept for the next packet. Taken during the call, whose callbacks may call it again.
    static OIFS: Cell<Vec<Oif>> = const { Cell::new(Vec::new()) };
}

/// Passes a packet to the library, for the memory forwarder. For the first packet of a flow the
/// call waits for the answers of the clients.
///
/// # Errors
/// [`Code::InvalidParameter`]: an address, the size or the interface is invalid;
/// [`Code::CanNotComplete`]: the call is made inside a callback, or the library is being stopped.
pub fn packet_in(packet: Packet<'_>) -> Result<Decision> {
    let mut oifs = OIFS.take();
    oifs.resize(MOST_OIFS, Oif { dwIfIndex: 0, dwIfNextHopAddr: 0 });
    let Packet { source, group, interface, header, size } = packet;
    let result = ffi::packet_in(Flow::new(source, group), interface, header, size, &mut oifs);
    let decision = result.map(|(accepted, count)| Decision {
        accepted,
        outgoing: oifs[..count]
            .iter()
            .map(|oif| Interface::of(oif.dwIfIndex, oif.dwIfNextHopAddr))
            .collect(),
    });
    OIFS.set(oifs);
    decision
}

/// Returns the interface on which the packet arrived, inside
/// [`Callbacks::rpf`](crate::Callbacks::rpf); `None` elsewhere.
///
/// # Errors
/// [`Code::CanNotComplete`]: this is a forked child.
pub fn arrival() -> Result<Option<Interface>> {
    match ffi::arrival() {
        Ok(interface) => Ok(Some(interface)),
        Err(error) if error.code() == Some(Code::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sets the TTL threshold of an interface: only packets with a greater TTL are forwarded out of
/// it. 0 means 1.
///
/// # Errors
/// [`Code::InvalidParameter`]: the index is 0; [`Code::CanNotComplete`]: the library is being
/// stopped.
pub fn set_ttl_threshold(interface: impl Into<Interface>, threshold: u8) -> Result<()> {
    ffi::set_ttl_threshold(interface.into(), threshold)
}

/// Limits how many flows may begin on an interface in a second, and how many at once (`burst`).
/// 0 a second removes the limit; the burst does not matter then.
///
/// # Errors
/// [`Code::InvalidParameter`]: the index is 0, or only the burst is; [`Code::CanNotComplete`]: the
/// library is being stopped.
pub fn set_flow_limit(index: u32, per_second: u32, burst: u32) -> Result<()> {
    ffi::set_flow_limit(index, per_second, burst)
}

/// Makes an interface an administrative boundary for a prefix inside 239.0.0.0/8.
///
/// # Errors
/// [`Code::InvalidParameter`]: the scope is no such prefix, or the index is 0;
/// [`Code::CanNotComplete`]: the library is being stopped.
pub fn add_boundary(index: u32, scope: Prefix) -> Result<()> {
    ffi::add_boundary(index, scope)
}

/// Deletes an administrative boundary.
///
/// # Errors
/// [`Code::NotFound`]: there is none; otherwise as for [`add_boundary`].
pub fn delete_boundary(index: u32, scope: Prefix) -> Result<()> {
    ffi::delete_boundary(index, scope)
}

/// Sets the name of a range of groups. An empty name restores the default, the prefix itself.
///
/// # Errors
/// [`Code::InvalidParameter`]: the scope is not a prefix inside 239.0.0.0/8, or the name is too
/// long; [`Error::InvalidText`]: it contains a zero character; [`Code::CanNotComplete`]: the
/// library is being stopped.
pub fn set_scope_name(scope: Prefix, name: &str) -> Result<()> {
    if name.contains('\0') {
        return Err(Error::InvalidText);
    }
    ffi::set_scope_name(scope, name.encode_utf16().collect())
}

/// Returns the name of a range of groups.
///
/// # Errors
/// [`Code::InvalidParameter`]: the scope is not a prefix inside 239.0.0.0/8;
/// [`Code::CanNotComplete`]: the library is being stopped.
pub fn scope_name(scope: Prefix) -> Result<String> {
    Ok(String::from_utf16_lossy(&ffi::scope_name(scope)?))
}

/// What [`status`] contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Include the memberships.
    pub memberships: bool,
    /// Include the MFEs.
    pub mfes: bool,
}

impl Detail {
    /// Everything.
    pub const ALL: Detail = Detail { memberships: true, mfes: true };
    /// Neither memberships nor MFEs.
    pub const SUMMARY: Detail = Detail { memberships: false, mfes: false };
}

/// Returns the state of the library as JSON, which docs/status.md describes. With the feature `status`, the module
/// `status` has its types.
///
/// # Errors
/// [`Code::CanNotComplete`]: this is a forked child.
pub fn status(detail: Detail) -> Result<String> {
    let memberships = if detail.memberships { 0 } else { NO_MEMBERSHIPS };
    let mfes = if detail.mfes { 0 } else { NO_MFES };
    text(|buffer| ffi::status(memberships | mfes, buffer))
}

/// Returns the metrics in the text format of Prometheus; with `mfes` they include the counters of
/// each MFE.
///
/// # Errors
/// [`Code::CanNotComplete`]: this is a forked child.
pub fn metrics(mfes: bool) -> Result<String> {
    text(|buffer| ffi::metrics(if mfes { METRICS_MFES } else { 0 }, buffer))
}

/// Explains one flow as JSON (docs/status.md): why its packets are forwarded, or why not. `arrival`
/// is the interface on which they arrive; `None` selects the one on which they arrived, or are
/// expected.
///
/// # Errors
/// [`Code::InvalidParameter`]: the flow is not a source and a group, or the index is 0.
/// [`Code::CanNotComplete`]: this is a forked child.
pub fn explain(flow: Flow, arrival: Option<Interface>) -> Result<String> {
    text(|buffer| ffi::explain(flow, arrival, buffer))
}

/// Serves status and metrics at a UNIX socket; `None` stops serving.
///
/// # Errors
/// [`Code::CanNotComplete`]: the socket cannot be created, and the status is no longer served
/// anywhere; another call has set another path meanwhile; or the library is being stopped.
/// [`Code::InvalidParameter`]: an environment variable has an invalid value.
/// [`Error::InvalidText`]: the path contains a zero byte.
pub fn serve_status(path: Option<&Path>) -> Result<()> {
    let path = path.map(|path| CString::new(path.as_os_str().as_bytes())).transpose();
    ffi::serve_status(path.map_err(|_| Error::InvalidText)?.as_deref())
}

/// Serves client processes at a UNIX socket; `None` stops serving. Client processes have the path in
/// their environment variable MGM_ROUTER. If they are served at this path already, the settings
/// change, and the processes that are connected stay.
///
/// # Errors
/// [`Code::CanNotComplete`]: the socket cannot be created; this process is itself a client
/// process; or the library is being stopped.
/// [`Code::InvalidParameter`]: the path is empty or too long, or a setting is out of range.
/// [`Error::InvalidText`]: the path contains a zero byte.
pub fn serve_clients(path: Option<&Path>, service: &ClientService) -> Result<()> {
    let path = path.map(|path| CString::new(path.as_os_str().as_bytes())).transpose();
    ffi::serve_clients(path.map_err(|_| Error::InvalidText)?.as_deref(), service)
}

/// Reads a text, which can grow until the next call.
fn text(read: impl Fn(&mut [u8]) -> Filled) -> Result<String> {
    let mut buffer = vec![0; 4096];
    loop {
        let Filled { function, code, size, .. } = read(&mut buffer);
        match code {
            NO_ERROR => {
                buffer.truncate(size.saturating_sub(1)); // without the zero at the end
                return Ok(String::from_utf8_lossy(&buffer).into_owned());
            }
            ERROR_INSUFFICIENT_BUFFER => buffer.resize(size + size / 8, 0),
            code => return Err(ffi::error(function, code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that is 300 bytes longer each time.
    fn read(first: usize) -> String {
        let sizes = Cell::new(first);
        let read = text(|buffer| {
            let size = sizes.replace(sizes.get() + 300);
            let fits = size <= buffer.len();
            if fits {
                buffer[..size - 1].fill(b'x');
                buffer[size - 1] = 0;
            }
            let code = if fits { NO_ERROR } else { ERROR_INSUFFICIENT_BUFFER };
            Filled { function: "MgmHostGetStatus", code, size, count: 1 }
        });
        read.expect("it fits in the end")
    }

    #[test]
    fn a_text_that_grows_is_read_again() {
        assert_eq!(read(4090), "x".repeat(4089));
        assert_eq!(read(5000), "x".repeat(5299));
    }
}
