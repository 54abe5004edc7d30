//! The structures of mgmhost.h.

use super::DWORD;
use std::ffi::{c_char, c_void};

/// Major number of this API: another one is another API.
pub const MGMHOST_API_MAJOR: DWORD = 1;
/// Minor number: grows with each addition.
pub const MGMHOST_API_MINOR: DWORD = 0;

/// MGMHOST_CONFIG.dwForwarder: what MGM_FORWARDER says, else auto.
pub const MGMHOST_FORWARDER_DEFAULT: DWORD = 0;
/// The kernel where it is there, permitted and free, else memory.
pub const MGMHOST_FORWARDER_AUTO: DWORD = 1;
/// Linux multicast routing.
pub const MGMHOST_FORWARDER_KERNEL: DWORD = 2;
/// The embedded table: the host hands packets in with MgmHostPacketIn.
pub const MGMHOST_FORWARDER_MEMORY: DWORD = 3;

/// MGMHOST_CONFIG.dwLogLevel: what MGM_LOG says, else warn.
pub const MGMHOST_LOG_DEFAULT: DWORD = 0;
/// No line at all.
pub const MGMHOST_LOG_OFF: DWORD = 1;
/// Something is broken.
pub const MGMHOST_LOG_ERROR: DWORD = 2;
/// Something was refused, or works less well than it could.
pub const MGMHOST_LOG_WARN: DWORD = 3;
/// What an operator likes to know.
pub const MGMHOST_LOG_INFO: DWORD = 4;
/// What a developer likes to know.
pub const MGMHOST_LOG_DEBUG: DWORD = 5;
/// Every call.
pub const MGMHOST_LOG_TRACE: DWORD = 6;

/// MgmHostAddRoute: the address is one of this router's own.
pub const MGMHOST_ROUTE_LOCAL: DWORD = 1;
/// MgmHostAddRoute: the route wins over longer ones of the system.
pub const MGMHOST_ROUTE_PREFERRED: DWORD = 2;

/// MgmHostGetStatus: without the memberships.
pub const MGMHOST_STATUS_NO_MEMBERSHIPS: DWORD = 1;
/// MgmHostGetStatus: without the MFEs.
pub const MGMHOST_STATUS_NO_MFES: DWORD = 2;
/// MgmHostGetMetrics: with the counters of each MFE.
pub const MGMHOST_METRICS_MFES: DWORD = 1;

/// Which library this is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MGMHOST_VERSION {
    /// In: sizeof(MGMHOST_VERSION). Out: the number of bytes that were filled in.
    pub dwSize: DWORD,
    /// MGMHOST_API_MAJOR of the library.
    pub dwApiMajor: DWORD,
    /// MGMHOST_API_MINOR of the library.
    pub dwApiMinor: DWORD,
    /// Version of the build, first number.
    pub dwBuildMajor: DWORD,
    /// Version of the build, second number.
    pub dwBuildMinor: DWORD,
    /// Version of the build, third number.
    pub dwBuildPatch: DWORD,
    /// The build in words. Valid as long as the library is loaded.
    pub pszBuild: *const c_char,
}
pub type MGMHOST_VERSION = _MGMHOST_VERSION;
pub type PMGMHOST_VERSION = *mut MGMHOST_VERSION;

/// Takes a line of the log, without a line end.
///
/// # Parameters
/// - `pvContext`: what the host gave with the callback.
/// - `dwLevel`: MGMHOST_LOG_ERROR to MGMHOST_LOG_TRACE.
/// - `pszText`: the line, UTF-8. Valid during the callback only.
///
/// # Threads
/// On the thread of the call that logs, before that call returns; on several threads at
/// a time; with no lock of MGM held. Lines of MGM's own threads, and those of calls while the
/// callback is slow, come on the thread mgm-log: a call waits for this callback at
/// most 0.1 s in each second, plus the line that is being handed over. The lines of one thread keep
/// their order. Of more than 65,536 lines that wait, or 8 MiB of them, further ones
/// are dropped, and a line reports how many.
///
/// Any Mgm function may be called from here, except those that no callback may call;
/// what such a call logs goes to stderr, not here again. An exception that leaves it
/// ends the process. A child that is forked here is refused like any other: the call that it
/// returns to answers ERROR_CAN_NOT_COMPLETE; on mgm-log it ends with _exit(1) when it
/// returns.
pub type MGMHOST_LOG_CALLBACK = Option<
    unsafe extern "C-unwind" fn(pvContext: *mut c_void, dwLevel: DWORD, pszText: *const c_char),
>;

/// How to start MGM. A field that is 0 says: the default.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MGMHOST_CONFIG {
    /// sizeof(MGMHOST_CONFIG).
    pub dwSize: DWORD,
    /// MGMHOST_FORWARDER_*.
    pub dwForwarder: DWORD,
    /// The kernel's multicast routing table (MRT_TABLE). 0: what MGM_TABLE says,
    /// else the kernel's default table.
    pub dwTable: DWORD,
    /// Life of new MFEs in seconds, 0xFFFFFFFF for ever. 0: what MGM_MFE_TIMEOUT
    /// says, else 900.
    pub dwMfeTimeout: DWORD,
    /// MGMHOST_LOG_*.
    pub dwLogLevel: DWORD,
    /// 0.
    pub dwReserved: DWORD,
    /// Takes the log; NULL: the log goes to stderr.
    pub pfnLogCallback: MGMHOST_LOG_CALLBACK,
    /// Handed to pfnLogCallback.
    pub pvLogContext: *mut c_void,
    /// The system's unicast table in which sources are looked up, except those of
    /// interfaces in a VRF. 0: as the system routes packets to them.
    pub dwUnicastTable: DWORD,
    /// How many flows packets may begin, at most 16,777,216. 0: what MGM_MAX_FLOWS
    /// says, else 2,097,152.
    pub dwMaxFlows: DWORD,
}
pub type MGMHOST_CONFIG = _MGMHOST_CONFIG;
pub type PMGMHOST_CONFIG = *mut MGMHOST_CONFIG;

/// An interface that a packet goes out on.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct _MGMHOST_OIF {
    /// Index of the interface.
    pub dwIfIndex: DWORD,
    /// Its next hop, network byte order; 0 except on point-to-multipoint links.
    pub dwIfNextHopAddr: DWORD,
}
pub type MGMHOST_OIF = _MGMHOST_OIF;
pub type PMGMHOST_OIF = *mut MGMHOST_OIF;
