//! The declarations of mgm.h and mgmhost.h. The tests compare them with the headers.

#![deny(unsafe_code)] // the calls are in the parent module

use std::ffi::{c_char, c_void};

pub const NO_ERROR: u32 = 0;
pub const ERROR_INSUFFICIENT_BUFFER: u32 = 122;
pub const ERROR_MORE_DATA: u32 = 234;
pub const ERROR_NO_MORE_ITEMS: u32 = 259;
pub const ERROR_CAN_NOT_COMPLETE: u32 = 1003;
pub const MGM_MFE_STATS_1: u32 = 2;
pub const ANY_SOURCE: u32 = 0;
pub const ALL_SOURCES: u32 = 1;

/// DWORD, ULONG and MGM_ENUM_TYPES.
pub type D = u32;
pub type Bool = i32;
pub type RawHandle = *mut c_void;

pub type Rpf =
    unsafe extern "C" fn(D, D, D, D, *mut D, *mut D, *mut D, D, *const u8, *const u8) -> D;
pub type CreationAlert = unsafe extern "C" fn(D, D, D, D, D, D, D, *mut IfEntry) -> D;
pub type PruneAlert = unsafe extern "C" fn(D, D, D, D, D, D, Bool, *mut D) -> D;
pub type JoinAlert = unsafe extern "C" fn(D, D, D, D, Bool) -> D;
pub type WrongIf = unsafe extern "C" fn(D, D, D, D, D, *const u8) -> D;
pub type Local = unsafe extern "C" fn(D, D, D, D, D, D) -> D;
pub type Igmp = unsafe extern "C" fn(D, D) -> D;
pub type LogCallback = unsafe extern "C" fn(*mut c_void, D, *const c_char);
pub type RouterLost = unsafe extern "C" fn(*mut c_void);
pub type ClientFilter = unsafe extern "C" fn(*mut c_void, *const ClientRequest) -> Bool;
/// MGMHOST_CLIENTS_OWNER and MGMHOST_CLIENTS_GROUP
pub const CLIENTS_OWNER: u32 = 1;
pub const CLIENTS_GROUP: u32 = 2;

/// Declares structures of C. With them comes a list of their fields, for the tests.
macro_rules! structures {
    ($($(#[$attribute:meta])* $name:ident = $c:ident { $($field:ident: $type:ty,)* })*) => {
        $($(#[$attribute])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name { $(pub $field: $type,)* })*

        /// The name of each structure in C, its size, and the offsets of its fields.
        #[cfg(test)]
        pub const LAYOUTS: &[(&str, usize, &[(&str, usize)])] = &[$((
            stringify!($c),
            size_of::<$name>(),
            &[$((stringify!($field), std::mem::offset_of!($name, $field)),)*],
        ),)*];
    };
}

structures! {
    Config = ROUTING_PROTOCOL_CONFIG {
        dwCallbackFlags: D,
        pfnRpfCallback: Option<Rpf>,
        pfnCreationAlertCallback: Option<CreationAlert>,
        pfnPruneAlertCallback: Option<PruneAlert>,
        pfnJoinAlertCallback: Option<JoinAlert>,
        pfnWrongIfCallback: Option<WrongIf>,
        pfnLocalJoinCallback: Option<Local>,
        pfnLocalLeaveCallback: Option<Local>,
        pfnDisableIgmpCallback: Option<Igmp>,
        pfnEnableIgmpCallback: Option<Igmp>,
    }
    IfEntry = MGM_IF_ENTRY { dwIfIndex: D, dwIfNextHopAddr: D, bIGMP: Bool, bIsEnabled: Bool, }
    /// The head of an MFE: its oifs follow in the buffer, and tables.rs reads them.
    #[derive(Default)]
    MfeHead = MIB_IPMCAST_MFE {
        dwGroup: D, dwSource: D, dwSrcMask: D, dwUpStrmNgbr: D, dwInIfIndex: D,
        dwInIfProtocol: D, dwRouteProtocol: D, dwRouteNetwork: D, dwRouteMask: D, ulUpTime: D,
        ulExpiryTime: D, ulTimeOut: D, ulNumOutIf: D, fFlags: D, dwReserved: D,
        rgmioOutInfo: [[D; 4]; 1],
    }
    HostVersion = MGMHOST_VERSION {
        dwSize: D, dwApiMajor: D, dwApiMinor: D, dwBuildMajor: D, dwBuildMinor: D,
        dwBuildPatch: D, pszBuild: *const c_char,
    }
    HostConfig = MGMHOST_CONFIG {
        dwSize: D, dwForwarder: D, dwTable: D, dwMfeTimeout: D, dwLogLevel: D, dwReserved: D,
        pfnLogCallback: Option<LogCallback>, pvLogContext: *mut c_void, dwUnicastTable: D,
        dwMaxFlows: D, dwFlags: D, dwReserved1: D, pszRouter: *const c_char,
    }
    HostClients = MGMHOST_CLIENTS {
        dwSize: D, dwFlags: D, dwMode: D, dwOwner: D, dwGroup: D, dwMaxProcesses: D,
        dwAnswerMs: D, dwMaxUserProcesses: D,
    }
    ClientRequest = MGMHOST_CLIENT_REQUEST {
        dwSize: D, dwProcess: D, dwUser: D, dwProtocolId: D, dwComponentId: D, dwIfIndex: D,
        dwIfNextHopAddr: D,
    }
    Oif = MGMHOST_OIF { dwIfIndex: D, dwIfNextHopAddr: D, }
    Boundary = MIB_IPMCAST_BOUNDARY {
        dwIfIndex: D, dwGroupAddress: D, dwGroupMask: D, dwStatus: D,
    }
    Scope = MIB_IPMCAST_SCOPE {
        dwGroupAddress: D, dwGroupMask: D, snNameBuffer: [u16; 256], dwStatus: D,
    }
}

#[rustfmt::skip] // a parameter a line would fill three pages
#[cfg_attr(not(test), link(name = "mgm"))]
#[cfg_attr(test, link(name = "mgm_stub", kind = "static"))]
extern "C" {
    pub fn MgmRegisterMProtocol(info: *mut Config, p: D, c: D, handle: *mut RawHandle) -> D;
    pub fn MgmDeRegisterMProtocol(client: RawHandle) -> D;
    pub fn MgmTakeInterfaceOwnership(client: RawHandle, index: D, hop: D) -> D;
    pub fn MgmReleaseInterfaceOwnership(client: RawHandle, index: D, hop: D) -> D;
    pub fn MgmGetProtocolOnInterface(index: D, hop: D, p: *mut D, c: *mut D) -> D;
    pub fn MgmAddGroupMembershipEntry(
        client: RawHandle, s: D, sm: D, g: D, gm: D, index: D, hop: D, flags: D,
    ) -> D;
    pub fn MgmDeleteGroupMembershipEntry(
        client: RawHandle, s: D, sm: D, g: D, gm: D, index: D, hop: D, flags: D,
    ) -> D;
    pub fn MgmSetMfe(client: RawHandle, mfe: *mut MfeHead) -> D;
    pub fn MgmGetMfe(mfe: *mut MfeHead, size: *mut D, buffer: *mut u8) -> D;
    pub fn MgmGetFirstMfe(size: *mut D, buffer: *mut u8, count: *mut D) -> D;
    pub fn MgmGetNextMfe(mfe: *mut MfeHead, size: *mut D, buffer: *mut u8, count: *mut D) -> D;
    pub fn MgmGetMfeStats(mfe: *mut MfeHead, size: *mut D, buffer: *mut u8, flags: D) -> D;
    pub fn MgmGetFirstMfeStats(size: *mut D, buffer: *mut u8, count: *mut D, flags: D) -> D;
    pub fn MgmGetNextMfeStats(
        mfe: *mut MfeHead, size: *mut D, buffer: *mut u8, count: *mut D, flags: D,
    ) -> D;
    pub fn MgmGroupEnumerationStart(client: RawHandle, kind: D, listing: *mut RawHandle) -> D;
    pub fn MgmGroupEnumerationGetNext(
        listing: RawHandle, size: *mut D, buffer: *mut u8, count: *mut D,
    ) -> D;
    pub fn MgmGroupEnumerationEnd(listing: RawHandle) -> D;
    pub fn MgmHostVersion(version: *mut HostVersion) -> D;
    pub fn MgmHostStart(config: *const HostConfig) -> D;
    pub fn MgmHostStop() -> D;
    pub fn MgmHostAddInterface(index: D, hop: D) -> D;
    pub fn MgmHostDeleteInterface(index: D, hop: D) -> D;
    pub fn MgmHostAddRoute(net: D, mask: D, index: D, hop: D, protocol: D, flags: D) -> D;
    pub fn MgmHostDeleteRoute(net: D, mask: D) -> D;
    pub fn MgmHostPacketIn(
        s: D, g: D, index: D, hop: D, header_size: D, header: *const u8, size: D,
        accepted: *mut Bool, count: *mut D, oifs: *mut Oif,
    ) -> D;
    pub fn MgmHostGetArrival(index: *mut D, hop: *mut D) -> D;
    pub fn MgmHostSetTtlThreshold(index: D, hop: D, threshold: D) -> D;
    pub fn MgmHostSetFlowLimit(index: D, per_second: D, burst: D) -> D;
    pub fn MgmHostAddBoundary(boundary: *const Boundary) -> D;
    pub fn MgmHostDeleteBoundary(boundary: *const Boundary) -> D;
    pub fn MgmHostSetScopeName(address: D, mask: D, name: *const u16) -> D;
    pub fn MgmHostGetScopeName(scope: *mut Scope) -> D;
    pub fn MgmHostSetLogCallback(callback: Option<LogCallback>, context: *mut c_void) -> D;
    pub fn MgmHostSetLogLevel(level: D) -> D;
    pub fn MgmHostGetLastMessage(size: *mut D, buffer: *mut u8) -> D;
    pub fn MgmHostInterfaceIndex(name: *const c_char, index: *mut D) -> D;
    pub fn MgmHostInterfaceName(index: D, size: *mut D, buffer: *mut u8) -> D;
    pub fn MgmHostGetStatus(flags: D, size: *mut D, buffer: *mut u8) -> D;
    pub fn MgmHostGetMetrics(flags: D, size: *mut D, buffer: *mut u8) -> D;
    pub fn MgmHostExplain(s: D, g: D, index: D, hop: D, size: *mut D, buffer: *mut u8) -> D;
    pub fn MgmHostServeStatus(path: *const c_char) -> D;
    pub fn MgmHostServeClients(path: *const c_char, mode: D) -> D;
    pub fn MgmHostServeClientsEx(path: *const c_char, settings: *const HostClients) -> D;
    pub fn MgmHostSetClientFilter(filter: Option<ClientFilter>, context: *mut c_void) -> D;
    pub fn MgmHostSetRouterLost(callback: Option<RouterLost>, context: *mut c_void) -> D;
    pub fn MgmHostBeginBatch() -> D;
    pub fn MgmHostEndBatch(first: *mut D) -> D;
    pub fn MgmHostSetGrace(seconds: D) -> D;
    pub fn MgmHostGraceDone(client: RawHandle) -> D;
}
