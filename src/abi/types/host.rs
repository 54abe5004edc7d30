//! The structures of mgmhost.h.

use super::{BOOL, DWORD};
use std::ffi::{c_char, c_void};

/// Major version of this API. Versions with different major numbers are
/// incompatible.
pub const MGMHOST_API_MAJOR: DWORD = 1;
/// Minor version of this API. It grows with each addition.
pub const MGMHOST_API_MINOR: DWORD = 0;

/// MGMHOST_CONFIG.dwForwarder: the value of MGM_FORWARDER, by default auto.
pub const MGMHOST_FORWARDER_DEFAULT: DWORD = 0;
/// The kernel forwarder if it is available, permitted and not in use; otherwise
/// the memory forwarder.
pub const MGMHOST_FORWARDER_AUTO: DWORD = 1;
/// The kernel forwarder: Linux multicast routing.
pub const MGMHOST_FORWARDER_KERNEL: DWORD = 2;
/// The memory forwarder: a table in the library. The host passes packets to
/// MgmHostPacketIn.
pub const MGMHOST_FORWARDER_MEMORY: DWORD = 3;
/// The ebpf forwarder: eBPF programs that the library attaches to the interfaces. It needs
/// Linux 5.8 or later, and the capabilities CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and
/// CAP_NET_RAW.
pub const MGMHOST_FORWARDER_EBPF: DWORD = 4;

/// MGMHOST_CONFIG.dwLogLevel: the value of MGM_LOG, by default warn.
pub const MGMHOST_LOG_DEFAULT: DWORD = 0;
/// Log nothing.
pub const MGMHOST_LOG_OFF: DWORD = 1;
/// Log errors: something does not work.
pub const MGMHOST_LOG_ERROR: DWORD = 2;
/// Log warnings too: a call failed, or something works less well than it could.
pub const MGMHOST_LOG_WARN: DWORD = 3;
/// Log messages for operators too.
pub const MGMHOST_LOG_INFO: DWORD = 4;
/// Log messages for developers too.
pub const MGMHOST_LOG_DEBUG: DWORD = 5;
/// Log every call too.
pub const MGMHOST_LOG_TRACE: DWORD = 6;

/// MGMHOST_CONFIG.dwFlags: open the forwarder at the start. If it cannot be
/// opened, MgmHostStart returns an error, and the library does not start.
pub const MGMHOST_START_OPEN_FORWARDER: DWORD = 1;

/// MGMHOST_CLIENTS.dwFlags: dwOwner is the user that owns the socket's file.
pub const MGMHOST_CLIENTS_OWNER: DWORD = 1;
/// MGMHOST_CLIENTS.dwFlags: dwGroup is the group of the socket's file.
pub const MGMHOST_CLIENTS_GROUP: DWORD = 2;

/// MgmHostAddRoute: the network is an address of this router.
pub const MGMHOST_ROUTE_LOCAL: DWORD = 1;
/// MgmHostAddRoute: prefer the route to all routes of the system, even to longer
/// prefixes.
pub const MGMHOST_ROUTE_PREFERRED: DWORD = 2;

/// MgmHostGetStatus: leave out the memberships.
pub const MGMHOST_STATUS_NO_MEMBERSHIPS: DWORD = 1;
/// MgmHostGetStatus: leave out the MFEs.
pub const MGMHOST_STATUS_NO_MFES: DWORD = 2;
/// MgmHostGetMetrics: include the counters of each MFE.
pub const MGMHOST_METRICS_MFES: DWORD = 1;

/// The version of the library.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MGMHOST_VERSION {
    /// In: sizeof(MGMHOST_VERSION). Out: the number of bytes written.
    pub dwSize: DWORD,
    /// MGMHOST_API_MAJOR of the library.
    pub dwApiMajor: DWORD,
    /// MGMHOST_API_MINOR of the library.
    pub dwApiMinor: DWORD,
    /// First number of the build version.
    pub dwBuildMajor: DWORD,
    /// Second number of the build version.
    pub dwBuildMinor: DWORD,
    /// Third number of the build version.
    pub dwBuildPatch: DWORD,
    /// Description of the build. Valid while the library is loaded.
    pub pszBuild: *const c_char,
}
pub type MGMHOST_VERSION = _MGMHOST_VERSION;
pub type PMGMHOST_VERSION = *mut MGMHOST_VERSION;

/// Receives one message of the log.
///
/// # Parameters
/// - `pvContext`: the context that the host passed with the callback.
/// - `dwLevel`: level of the message, MGMHOST_LOG_ERROR to MGMHOST_LOG_TRACE.
/// - `pszText` (in): the message in UTF-8, without a line end. Valid only during
///   the callback.
///
/// # Threads
/// The library calls it on the thread of the call that logs, before that call
/// returns. The library may call it on several threads at the same time. It holds
/// no lock of its own while the callback runs. An exception must not leave the
/// callback: it would end the process.
///
/// A call waits for the callback at most 0.1 s in each second, plus the time
/// for one message. A thread that has used up this time leaves its messages to
/// the library's thread mgm-log. A thread also does so if the callback is
/// stuck: other threads are inside it, and none has returned from it for 0.1 s.
/// The threads of the library leave all their messages to mgm-log. The messages
/// of one thread keep their order. At most 65,536 messages, or 8 MiB of them,
/// wait for mgm-log. The library drops further messages, and a later message
/// reports how many.
///
/// The callback may call any Mgm function that other callbacks may call. Messages
/// that such a call causes go to stderr. The callback may fork: in the child, the
/// Mgm call that ran the callback returns ERROR_CAN_NOT_COMPLETE. If the callback
/// ran on mgm-log, the child ends with _exit(1) when the callback returns.
pub type MGMHOST_LOG_CALLBACK = Option<
    unsafe extern "C-unwind" fn(pvContext: *mut c_void, dwLevel: DWORD, pszText: *const c_char),
>;

/// Reports that the router of a client library is lost.
///
/// # Parameters
/// - `pvContext`: the context that the program passed with the callback.
///
/// # Threads
/// A thread of the library calls it, once for each router that is lost, after all
/// handles have become invalid. It may call the functions that other callbacks may
/// call, and register again. An exception must not leave the callback: it would end
/// the process.
pub type MGMHOST_ROUTER_LOST = Option<unsafe extern "C-unwind" fn(pvContext: *mut c_void)>;

/// The settings with which the host starts the library. A field that is 0 selects
/// the default.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MGMHOST_CONFIG {
    /// sizeof(MGMHOST_CONFIG).
    pub dwSize: DWORD,
    /// The forwarder, MGMHOST_FORWARDER_*.
    pub dwForwarder: DWORD,
    /// The multicast routing table of the kernel (MRT_TABLE). 0 selects the value
    /// of MGM_TABLE, by default the kernel's default table.
    pub dwTable: DWORD,
    /// Lifetime of new MFEs in seconds; 0xFFFFFFFF means that they never expire.
    /// 0 selects the value of MGM_MFE_TIMEOUT, by default 900.
    pub dwMfeTimeout: DWORD,
    /// The level of the log, MGMHOST_LOG_*.
    pub dwLogLevel: DWORD,
    /// Must be 0.
    pub dwReserved: DWORD,
    /// Receives the log; NULL sends the log to stderr.
    pub pfnLogCallback: MGMHOST_LOG_CALLBACK,
    /// The library passes it to pfnLogCallback.
    pub pvLogContext: *mut c_void,
    /// The unicast routing table of the system in which the library looks up
    /// sources. Sources of packets on interfaces in a VRF are looked up in the
    /// table of the VRF instead. 0 selects the routes that the system itself
    /// would use.
    pub dwUnicastTable: DWORD,
    /// The maximum number of flows that packets create, up to 16,777,216. 0
    /// selects the value of MGM_MAX_FLOWS, by default 2,097,152.
    pub dwMaxFlows: DWORD,
    /// 0, or MGMHOST_START_OPEN_FORWARDER.
    pub dwFlags: DWORD,
    /// Must be 0.
    pub dwReserved1: DWORD,
    /// The path of the socket of a router, at most 107 bytes. MgmHostStart connects
    /// to the router, and the library is a client library until MgmHostStop. NULL
    /// selects the value of MGM_ROUTER, by default none. With a path, dwForwarder
    /// must be 0.
    pub pszRouter: *const c_char,
}
pub type MGMHOST_CONFIG = _MGMHOST_CONFIG;
pub type PMGMHOST_CONFIG = *mut MGMHOST_CONFIG;

/// An interface out of which a packet is to be forwarded.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct _MGMHOST_OIF {
    /// Index of the interface.
    pub dwIfIndex: DWORD,
    /// Next hop of the interface, network byte order.
    pub dwIfNextHopAddr: DWORD,
}
pub type MGMHOST_OIF = _MGMHOST_OIF;
pub type PMGMHOST_OIF = *mut MGMHOST_OIF;

/// How client processes are served. A field that is 0 selects the default.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MGMHOST_CLIENTS {
    /// sizeof(MGMHOST_CLIENTS).
    pub dwSize: DWORD,
    /// 0, or a combination of MGMHOST_CLIENTS_OWNER and MGMHOST_CLIENTS_GROUP.
    pub dwFlags: DWORD,
    /// Mode of the socket's file, at most 0777 (octal); 0 selects 0660.
    pub dwMode: DWORD,
    /// The user that owns the socket's file; without MGMHOST_CLIENTS_OWNER, that of
    /// this process.
    pub dwOwner: DWORD,
    /// The group of the socket's file; without MGMHOST_CLIENTS_GROUP, that of this
    /// process.
    pub dwGroup: DWORD,
    /// The maximum number of processes that are connected, up to 65,536; 0 selects
    /// 1,000. The library raises the soft limit on open files for them, as far as
    /// the hard limit permits.
    pub dwMaxProcesses: DWORD,
    /// How long a question waits for its answer, up to 3,600,000 milliseconds. 0
    /// selects the value of MGM_ANSWER_MS, by default 1,000.
    pub dwAnswerMs: DWORD,
    /// The maximum number of processes of one user that are connected, up to
    /// 65,536; 0 selects no other limit than dwMaxProcesses.
    pub dwMaxUserProcesses: DWORD,
}
pub type MGMHOST_CLIENTS = _MGMHOST_CLIENTS;
pub type PMGMHOST_CLIENTS = *mut MGMHOST_CLIENTS;

/// What a client process asks for.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MGMHOST_CLIENT_REQUEST {
    /// sizeof(MGMHOST_CLIENT_REQUEST) of the library. A later version may append
    /// fields.
    pub dwSize: DWORD,
    /// The process id of the client process.
    pub dwProcess: DWORD,
    /// The effective user of the client process when it connected.
    pub dwUser: DWORD,
    /// The protocol id of the client.
    pub dwProtocolId: DWORD,
    /// The component id of the client.
    pub dwComponentId: DWORD,
    /// Index of the interface that the client takes; 0 if it registers.
    pub dwIfIndex: DWORD,
    /// Next hop of that interface, network byte order.
    pub dwIfNextHopAddr: DWORD,
}
pub type MGMHOST_CLIENT_REQUEST = _MGMHOST_CLIENT_REQUEST;
pub type PMGMHOST_CLIENT_REQUEST = *mut MGMHOST_CLIENT_REQUEST;

/// Decides whether a client process may register a client, or take an interface.
///
/// # Parameters
/// - `pvContext`: the context that the host passed with the callback.
/// - `pRequest` (in): what the client process asks for. Valid only during the
///   callback.
///
/// # Returns
/// TRUE if it is permitted. Otherwise the call of the client process returns
/// ERROR_CAN_NOT_COMPLETE, and the log of the router has a line.
///
/// # Threads
/// A thread of the library calls it, without a lock. All client processes wait for
/// it, so it must return at once. It must not call functions of the library, except
/// MgmHostInterfaceName. An exception must not leave the callback: it would end the
/// process.
pub type MGMHOST_CLIENT_FILTER = Option<
    unsafe extern "C-unwind" fn(
        pvContext: *mut c_void,
        pRequest: *const MGMHOST_CLIENT_REQUEST,
    ) -> BOOL,
>;
