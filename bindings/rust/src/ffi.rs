//! Safe functions around those of mgm.h and mgmhost.h. The only file with unsafe code.
//! [`declarations`] has the functions and structures of the headers.

#![allow(non_snake_case)] // the names are C's

mod configs;
mod declarations;
#[cfg(test)]
mod tests;

pub use declarations::{
    HostConfig, Oif, ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, NO_ERROR,
};

use crate::callbacks::{guarded, make, Callbacks, Events};
use crate::client_processes::{permits, router_is_lost, ClientService};
use crate::error::API_MAJOR;
use crate::log_sinks::take_line;
use crate::values::{address, dword, mask};
use crate::{Error, Flow, Incoming, Interface, Outgoing, Prefix, Result};
use configs::CONFIGS;
use declarations::*;
use std::ffi::{c_char, c_void, CStr};
use std::net::Ipv4Addr;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};

/// The error for a code that a function has just returned on this thread.
pub fn error(function: &'static str, code: D) -> Error {
    Error::of(function, code, last_message())
}

fn check(function: &'static str, code: D) -> Result<()> {
    match code {
        NO_ERROR => Ok(()),
        code => Err(error(function, code)),
    }
}

/// Calls a function; returns its code.
macro_rules! code_of {
    ($function:ident($($argument:expr),* $(,)?)) => {
        // SAFETY: each pointer comes from a reference or a slice of this thread that outlives the
        // call, whose length is passed along, or is null where the header allows it. Callbacks are
        // functions of this file, which never go away.
        unsafe { $function($($argument),*) }
    };
}

/// The same; a code other than NO_ERROR becomes an error.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {
        check(stringify!($function), code_of!($function($($argument),*)))
    };
}

/// A handle: a number that the library has issued, and not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(usize);

impl Handle {
    fn raw(self) -> RawHandle {
        self.0 as RawHandle
    }
}

/// Whether the library has the version that these declarations are of.
fn check_version() -> Result<()> {
    static CHECKED: AtomicBool = AtomicBool::new(false);
    if CHECKED.load(Ordering::Relaxed) {
        return Ok(());
    }
    let (major, minor) = (version()?.dwApiMajor, version()?.dwApiMinor);
    if major != API_MAJOR {
        return Err(Error::Version { major, minor });
    }
    CHECKED.store(true, Ordering::Relaxed);
    Ok(())
}

pub fn register(slot: usize, events: Events, protocol: u32, component: u32) -> Result<Handle> {
    check_version()?;
    let mut config = CONFIGS[slot](events);
    let mut handle = null_mut();
    call!(MgmRegisterMProtocol(&mut config, protocol, component, &mut handle))?;
    Ok(Handle(handle as usize))
}

pub fn deregister(client: Handle) -> Result<()> {
    call!(MgmDeRegisterMProtocol(client.raw()))
}

pub fn take(client: Handle, interface: Interface) -> Result<()> {
    call!(MgmTakeInterfaceOwnership(client.raw(), interface.index, interface.hop()))
}

pub fn release(client: Handle, interface: Interface) -> Result<()> {
    call!(MgmReleaseInterfaceOwnership(client.raw(), interface.index, interface.hop()))
}

pub fn owner(interface: Interface) -> Result<(u32, u32)> {
    let (mut protocol, mut component) = (0, 0);
    let Interface { index, .. } = interface;
    call!(MgmGetProtocolOnInterface(index, interface.hop(), &mut protocol, &mut component))?;
    Ok((protocol, component))
}

pub fn join(client: Handle, flow: Flow, interface: Interface, flags: u32) -> Result<()> {
    let ((s, g), index, hop) = (flow.dwords(), interface.index, interface.hop());
    let client = client.raw();
    call!(MgmAddGroupMembershipEntry(client, s, mask(s), g, mask(g), index, hop, flags))
}

pub fn leave(client: Handle, flow: Flow, interface: Interface, flags: u32) -> Result<()> {
    let ((s, g), index, hop) = (flow.dwords(), interface.index, interface.hop());
    let client = client.raw();
    call!(MgmDeleteGroupMembershipEntry(client, s, mask(s), g, mask(g), index, hop, flags))
}

/// A query for an MFE, or a change of one.
fn head(flow: Flow, upstream: Option<Ipv4Addr>, incoming: u32) -> MfeHead {
    let (dwSource, dwGroup) = flow.dwords();
    MfeHead {
        dwGroup,
        dwSource,
        dwSrcMask: mask(dwSource),
        dwUpStrmNgbr: dword(upstream),
        dwInIfIndex: incoming,
        ..MfeHead::default()
    }
}

pub fn set_mfe(client: Handle, flow: Flow, upstream: Option<Ipv4Addr>, iif: u32) -> Result<()> {
    call!(MgmSetMfe(client.raw(), &mut head(flow, upstream, iif)))
}

/// What a call has done with a buffer.
pub struct Filled {
    pub function: &'static str,
    pub code: u32,
    /// How many bytes are needed, where they are too few.
    pub size: usize,
    /// How many entries there are now.
    pub count: usize,
}

/// Reads the MFE of a flow, or its counters.
pub type ReadOne = fn(Flow, &mut [u8]) -> Filled;

/// Reads the MFEs after a flow, or from the first on, or their counters.
pub type ReadMore = fn(Option<Flow>, &mut [u8]) -> Filled;

pub fn mfe(flow: Flow, buffer: &mut [u8]) -> Filled {
    let mut head = head(flow, None, 0);
    let (mut size, at) = (room(buffer), buffer.as_mut_ptr());
    let code = code_of!(MgmGetMfe(&mut head, &mut size, at));
    Filled { function: "MgmGetMfe", code, size: size as usize, count: 1 }
}

pub fn mfe_stats(flow: Flow, buffer: &mut [u8]) -> Filled {
    let mut head = head(flow, None, 0);
    let (mut size, at) = (room(buffer), buffer.as_mut_ptr());
    let code = code_of!(MgmGetMfeStats(&mut head, &mut size, at, MGM_MFE_STATS_1));
    Filled { function: "MgmGetMfeStats", code, size: size as usize, count: 1 }
}

pub fn more_mfes(after: Option<Flow>, buffer: &mut [u8]) -> Filled {
    let (mut size, mut n, at) = (room(buffer), 0, buffer.as_mut_ptr());
    let (function, code) = match after.map(|flow| head(flow, None, 0)) {
        None => ("MgmGetFirstMfe", code_of!(MgmGetFirstMfe(&mut size, at, &mut n))),
        Some(mut start) => {
            ("MgmGetNextMfe", code_of!(MgmGetNextMfe(&mut start, &mut size, at, &mut n)))
        }
    };
    Filled { function, code, size: size as usize, count: n as usize }
}

pub fn more_mfe_stats(after: Option<Flow>, buffer: &mut [u8]) -> Filled {
    const FLAGS: u32 = MGM_MFE_STATS_1;
    let (mut size, mut n, at) = (room(buffer), 0, buffer.as_mut_ptr());
    let (function, code) = match after.map(|flow| head(flow, None, 0)) {
        None => {
            let code = code_of!(MgmGetFirstMfeStats(&mut size, at, &mut n, FLAGS));
            ("MgmGetFirstMfeStats", code)
        }
        Some(mut start) => {
            let code = code_of!(MgmGetNextMfeStats(&mut start, &mut size, at, &mut n, FLAGS));
            ("MgmGetNextMfeStats", code)
        }
    };
    Filled { function, code, size: size as usize, count: n as usize }
}

fn room(buffer: &[u8]) -> u32 {
    u32::try_from(buffer.len()).unwrap_or(u32::MAX)
}

pub fn start_groups(client: Handle, any_source: bool) -> Result<Handle> {
    let mut listing = null_mut();
    let kind = if any_source { ANY_SOURCE } else { ALL_SOURCES };
    call!(MgmGroupEnumerationStart(client.raw(), kind, &mut listing))?;
    Ok(Handle(listing as usize))
}

pub fn more_groups(listing: Handle, buffer: &mut [u8]) -> Filled {
    let (mut size, mut n, at) = (room(buffer), 0, buffer.as_mut_ptr());
    let code = code_of!(MgmGroupEnumerationGetNext(listing.raw(), &mut size, at, &mut n));
    let function = "MgmGroupEnumerationGetNext";
    Filled { function, code, size: size as usize, count: n as usize }
}

/// An enumeration that is closed already, with its client, is nothing wrong.
pub fn end_groups(listing: Handle) {
    let _ = code_of!(MgmGroupEnumerationEnd(listing.raw()));
}

pub fn version() -> Result<HostVersion> {
    let mut version = HostVersion {
        dwSize: size_of::<HostVersion>() as D,
        dwApiMajor: 0,
        dwApiMinor: 0,
        dwBuildMajor: 0,
        dwBuildMinor: 0,
        dwBuildPatch: 0,
        pszBuild: null(),
    };
    call!(MgmHostVersion(&mut version))?;
    Ok(version)
}

/// The description of the build.
pub fn build_text(version: &HostVersion) -> String {
    if version.pszBuild.is_null() {
        return String::new();
    }
    // SAFETY: the library says that its text is valid while it is loaded, and it stays loaded.
    unsafe { CStr::from_ptr(version.pszBuild) }.to_string_lossy().into_owned()
}

/// A configuration with the defaults.
pub fn default_config() -> HostConfig {
    HostConfig {
        dwSize: size_of::<HostConfig>() as D,
        dwForwarder: 0,
        dwTable: 0,
        dwMfeTimeout: 0,
        dwLogLevel: 0,
        dwReserved: 0,
        pfnLogCallback: None,
        pvLogContext: null_mut(),
        dwUnicastTable: 0,
        dwMaxFlows: 0,
        dwFlags: 0,
        dwReserved1: 0,
        pszRouter: null(),
    }
}

/// Starts the library; its log goes to the sink of this number, if any.
pub fn start(config: HostConfig, router: Option<&CStr>, sink: Option<usize>) -> Result<()> {
    check_version()?;
    let (pfnLogCallback, pvLogContext) = log_callback(sink);
    let pszRouter = router.map_or(null(), CStr::as_ptr);
    call!(MgmHostStart(&HostConfig { pfnLogCallback, pvLogContext, pszRouter, ..config }))
}

/// The callback for the sink of a number, which is the context: it is not an address.
fn log_callback(sink: Option<usize>) -> (Option<LogCallback>, *mut c_void) {
    (sink.map(|_| log_line as LogCallback), sink.unwrap_or(0) as *mut c_void)
}

pub fn stop() -> Result<()> {
    call!(MgmHostStop())
}

pub fn set_log_sink(sink: Option<usize>) -> Result<()> {
    let (callback, context) = log_callback(sink);
    call!(MgmHostSetLogCallback(callback, context))
}

pub fn set_log_level(level: u32) -> Result<()> {
    call!(MgmHostSetLogLevel(level))
}

/// The text about this thread's last refused call.
fn last_message() -> Option<String> {
    let mut text = [0u8; 1024];
    let mut size = room(&text);
    let code = code_of!(MgmHostGetLastMessage(&mut size, text.as_mut_ptr()));
    let text = CStr::from_bytes_until_nul(&text).ok().filter(|_| code == NO_ERROR)?;
    Some(text.to_string_lossy().into_owned())
}

pub fn interface_index(name: &CStr) -> Result<u32> {
    let mut index = 0;
    call!(MgmHostInterfaceIndex(name.as_ptr(), &mut index))?;
    Ok(index)
}

pub fn interface_name(index: u32) -> Result<Vec<u8>> {
    let mut name = [0u8; 64];
    let mut size = room(&name);
    call!(MgmHostInterfaceName(index, &mut size, name.as_mut_ptr()))?;
    Ok(name.into_iter().take_while(|byte| *byte != 0).collect())
}

pub fn add_interface(interface: Interface) -> Result<()> {
    call!(MgmHostAddInterface(interface.index, interface.hop()))
}

pub fn delete_interface(interface: Interface) -> Result<()> {
    call!(MgmHostDeleteInterface(interface.index, interface.hop()))
}

/// The parts of a route that are no addresses.
pub struct RouteRest {
    pub index: u32,
    pub protocol: u32,
    pub flags: u32,
}

pub fn add_route(network: Prefix, gateway: Option<Ipv4Addr>, rest: &RouteRest) -> Result<()> {
    let (net, mask) = network.dwords();
    let &RouteRest { index, protocol, flags } = rest;
    call!(MgmHostAddRoute(net, mask, index, dword(gateway), protocol, flags))
}

pub fn delete_route(network: Prefix) -> Result<()> {
    let (net, mask) = network.dwords();
    call!(MgmHostDeleteRoute(net, mask))
}

/// Passes a packet; returns whether it was accepted, and the oifs, as many as fit.
pub fn packet_in(
    flow: Flow,
    arrival: Interface,
    header: &[u8],
    size: u32,
    oifs: &mut [Oif],
) -> Result<(bool, usize)> {
    let ((s, g), index, hop) = (flow.dwords(), arrival.index, arrival.hop());
    let (mut accepted, mut count) = (0, u32::try_from(oifs.len()).unwrap_or(u32::MAX));
    let (header_size, header) = (room(header), header.as_ptr());
    call!(MgmHostPacketIn(
        s,
        g,
        index,
        hop,
        header_size,
        header,
        size,
        &mut accepted,
        &mut count,
        oifs.as_mut_ptr()
    ))?;
    Ok((accepted != 0, (count as usize).min(oifs.len())))
}

pub fn arrival() -> Result<Interface> {
    let (mut index, mut hop) = (0, 0);
    call!(MgmHostGetArrival(&mut index, &mut hop))?;
    Ok(Interface::of(index, hop))
}

pub fn set_ttl_threshold(interface: Interface, threshold: u8) -> Result<()> {
    call!(MgmHostSetTtlThreshold(interface.index, interface.hop(), threshold.into()))
}

pub fn set_flow_limit(index: u32, per_second: u32, burst: u32) -> Result<()> {
    call!(MgmHostSetFlowLimit(index, per_second, burst))
}

fn boundary(index: u32, scope: Prefix) -> Boundary {
    let (dwGroupAddress, dwGroupMask) = scope.dwords();
    Boundary { dwIfIndex: index, dwGroupAddress, dwGroupMask, dwStatus: 0 }
}

pub fn add_boundary(index: u32, scope: Prefix) -> Result<()> {
    call!(MgmHostAddBoundary(&boundary(index, scope)))
}

pub fn delete_boundary(index: u32, scope: Prefix) -> Result<()> {
    call!(MgmHostDeleteBoundary(&boundary(index, scope)))
}

/// The name ends with a zero, which is added where it lacks one.
pub fn set_scope_name(scope: Prefix, mut name: Vec<u16>) -> Result<()> {
    name.push(0);
    let (address, mask) = scope.dwords();
    call!(MgmHostSetScopeName(address, mask, name.as_ptr()))
}

pub fn scope_name(scope: Prefix) -> Result<Vec<u16>> {
    let (dwGroupAddress, dwGroupMask) = scope.dwords();
    let mut scope = Scope { dwGroupAddress, dwGroupMask, snNameBuffer: [0; 256], dwStatus: 0 };
    call!(MgmHostGetScopeName(&mut scope))?;
    Ok(scope.snNameBuffer.into_iter().take_while(|unit| *unit != 0).collect())
}

pub fn status(flags: u32, buffer: &mut [u8]) -> Filled {
    let mut size = room(buffer);
    let code = code_of!(MgmHostGetStatus(flags, &mut size, buffer.as_mut_ptr()));
    Filled { function: "MgmHostGetStatus", code, size: size as usize, count: 1 }
}

pub fn metrics(flags: u32, buffer: &mut [u8]) -> Filled {
    let mut size = room(buffer);
    let code = code_of!(MgmHostGetMetrics(flags, &mut size, buffer.as_mut_ptr()));
    Filled { function: "MgmHostGetMetrics", code, size: size as usize, count: 1 }
}

pub fn explain(flow: Flow, arrival: Option<Interface>, buffer: &mut [u8]) -> Filled {
    let (s, g) = flow.dwords();
    let (index, hop) = arrival.map_or((0, 0), |arrival| (arrival.index, arrival.hop()));
    let mut size = room(buffer);
    let code = code_of!(MgmHostExplain(s, g, index, hop, &mut size, buffer.as_mut_ptr()));
    Filled { function: "MgmHostExplain", code, size: size as usize, count: 1 }
}

pub fn serve_status(path: Option<&CStr>) -> Result<()> {
    call!(MgmHostServeStatus(path.map_or(null(), CStr::as_ptr)))
}

pub fn serve_clients(path: Option<&CStr>, service: &ClientService) -> Result<()> {
    let Some(path) = path else { return call!(MgmHostServeClients(null(), 0)) };
    let flag = |id: Option<u32>, flag| if id.is_some() { flag } else { 0 };
    let settings = HostClients {
        dwSize: size_of::<HostClients>() as D,
        dwFlags: flag(service.owner, CLIENTS_OWNER) | flag(service.group, CLIENTS_GROUP),
        dwMode: service.mode,
        dwOwner: service.owner.unwrap_or(0),
        dwGroup: service.group.unwrap_or(0),
        dwMaxProcesses: service.max_processes,
        dwAnswerMs: service.answer_ms,
        dwMaxUserProcesses: service.max_user_processes,
    };
    call!(MgmHostServeClientsEx(path.as_ptr(), &settings))
}

/// Whether [`crate::client_processes`] decides what client processes may do.
pub fn filter_clients(wanted: bool) -> Result<()> {
    call!(MgmHostSetClientFilter(wanted.then_some(client_filter as ClientFilter), null_mut()))
}

/// Whether the end of the router is passed on to [`crate::client_processes`].
pub fn report_router_lost(wanted: bool) -> Result<()> {
    call!(MgmHostSetRouterLost(wanted.then_some(router_lost as RouterLost), null_mut()))
}

pub fn begin_batch() -> Result<()> {
    call!(MgmHostBeginBatch())
}

/// The result, and the number of the first call that was refused, counted from 1; 0 if none was.
pub fn end_batch() -> (Result<()>, u32) {
    let mut first = 0;
    let result = call!(MgmHostEndBatch(&mut first));
    (result, first)
}

pub fn set_grace(seconds: u32) -> Result<()> {
    call!(MgmHostSetGrace(seconds))
}

pub fn grace_done(client: Handle) -> Result<()> {
    call!(MgmHostGraceDone(client.raw()))
}

/// The callbacks of the client in a slot, as the library calls them.
///
/// SAFETY, for all of them: the library calls them with the values that mgm.h documents. Pointers
/// are valid during the callback, and no other thread uses what they point to.
macro_rules! trampolines {
    ($($name:ident($($argument:ident: $type:ty),*) $title:literal $body:expr;)*) => {$(
        unsafe extern "C" fn $name<const SLOT: usize>($($argument: $type),*) -> D {
            let body: fn(&dyn Callbacks, $($type),*) = $body;
            match make(SLOT, $title, |callbacks| body(callbacks, $($argument),*)) {
                true => NO_ERROR,
                false => ERROR_CAN_NOT_COMPLETE,
            }
        }
    )*};
}

trampolines! {
    rpf(s: D, _sm: D, g: D, _gm: D, index: *mut D, hop: *mut D, upstream: *mut D, size: D,
        header: *const u8, _route: *const u8) "RPF_CALLBACK"
        |callbacks, s, _, g, _, index, hop, upstream, size, header, _| {
            // SAFETY: see above.
            let (index, hop, upstream) = unsafe { (&mut *index, &mut *hop, &mut *upstream) };
            let interface = Interface::of(*index, *hop);
            let suggested = Incoming { interface, upstream: address(*upstream) };
            let answer = callbacks.rpf(Flow::of(s, g), suggested, bytes(&header, size));
            (*index, *hop) = (answer.interface.index, answer.interface.hop());
            *upstream = dword(answer.upstream);
        };
    creation(s: D, _sm: D, g: D, _gm: D, index: D, hop: D, count: D, entries: *mut IfEntry)
        "CREATION_ALERT"
        |callbacks, s, _, g, _, index, hop, count, entries| {
            let entries: &mut [IfEntry] = match count {
                0 => &mut [],
                // SAFETY: see above.
                _ => unsafe { std::slice::from_raw_parts_mut(entries, count as usize) },
            };
            let mut outgoing: Vec<Outgoing> = entries.iter().map(outgoing).collect();
            callbacks.creation_alert(Flow::of(s, g), Interface::of(index, hop), &mut outgoing);
            for (entry, answer) in entries.iter_mut().zip(outgoing) {
                entry.bIsEnabled = answer.enabled.into();
            }
        };
    prune(s: D, _sm: D, g: D, _gm: D, index: D, hop: D, member: Bool, timeout: *mut D)
        "PRUNE_ALERT"
        |callbacks, s, _, g, _, index, hop, member, timeout| {
            // SAFETY: see above.
            let timeout = unsafe { &mut *timeout };
            let interface = Interface::of(index, hop);
            *timeout = callbacks.prune_alert(Flow::of(s, g), interface, member != 0, *timeout);
        };
    join_alert(s: D, _sm: D, g: D, _gm: D, member: Bool) "JOIN_ALERT"
        |callbacks, s, _, g, _, member| callbacks.join_alert(Flow::of(s, g), member != 0);
    wrong_if(s: D, g: D, index: D, hop: D, size: D, header: *const u8) "WRONG_IF_CALLBACK"
        |callbacks, s, g, index, hop, size, header| {
            let [source, group] = [s, g].map(|address| Ipv4Addr::from(address.to_ne_bytes()));
            let interface = Interface::of(index, hop);
            callbacks.wrong_if(source, group, interface, bytes(&header, size));
        };
    local_join(s: D, _sm: D, g: D, _gm: D, index: D, hop: D) "LOCAL_JOIN"
        |callbacks, s, _, g, _, index, hop| {
            callbacks.local_join(Flow::of(s, g), Interface::of(index, hop));
        };
    local_leave(s: D, _sm: D, g: D, _gm: D, index: D, hop: D) "LOCAL_LEAVE"
        |callbacks, s, _, g, _, index, hop| {
            callbacks.local_leave(Flow::of(s, g), Interface::of(index, hop));
        };
    disable_igmp(index: D, hop: D) "DISABLE_IGMP"
        |callbacks, index, hop| callbacks.disable_igmp(Interface::of(index, hop));
    enable_igmp(index: D, hop: D) "ENABLE_IGMP"
        |callbacks, index, hop| callbacks.enable_igmp(Interface::of(index, hop));
}

fn outgoing(entry: &IfEntry) -> Outgoing {
    Outgoing {
        interface: Interface::of(entry.dwIfIndex, entry.dwIfNextHopAddr),
        igmp: entry.bIGMP != 0,
        enabled: entry.bIsEnabled != 0,
    }
}

/// The header of a packet, as long as the callback runs that has the pointer.
fn bytes(at: &*const u8, size: D) -> &[u8] {
    if at.is_null() || size == 0 {
        return &[];
    }
    // SAFETY: the library passes as many bytes to the callback, which do not change meanwhile.
    unsafe { std::slice::from_raw_parts(*at, size as usize) }
}

unsafe extern "C" fn router_lost(_: *mut c_void) {
    guarded("the callback of the router's end", router_is_lost);
}

unsafe extern "C" fn client_filter(_: *mut c_void, request: *const ClientRequest) -> Bool {
    let mut permitted = 0;
    guarded("the filter of client processes", || {
        // SAFETY: the library passes its own structure, which is valid during the callback.
        let request = unsafe { &*request };
        let interface = Interface::of(request.dwIfIndex, request.dwIfNextHopAddr);
        permitted = Bool::from(permits(&crate::client_processes::ClientRequest {
            process: request.dwProcess,
            user: request.dwUser,
            protocol: request.dwProtocolId,
            component: request.dwComponentId,
            interface: (request.dwIfIndex != 0).then_some(interface),
        }));
    });
    permitted
}

/// Passes a line of the log to the sink of the number in the context.
unsafe extern "C" fn log_line(context: *mut c_void, level: D, text: *const c_char) {
    guarded("the log callback", || {
        // SAFETY: the library passes a text with a terminating zero, valid during the callback.
        let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
        take_line(context as usize, level, &text);
    });
}
