//! The MIB structures: what MFEs and their counters look like from outside.
//!
//! Those of Windows Vista and later; the Windows 2000 forms held pointers.

use super::{DWORD, ULONG, WCHAR};

/// One element here, as many as the count before it says in memory.
pub const ANY_SIZE: usize = 1;
/// Longest scope name in UTF-16 units, without the terminating zero.
pub const MAX_SCOPE_NAME_LEN: usize = 255;

/// One outgoing interface of an MFE.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_OIF {
    /// Index of the interface.
    pub dwOutIfIndex: DWORD,
    /// Next hop on point-to-multipoint links, else 0. Network byte order.
    pub dwNextHopAddr: DWORD,
    /// 0.
    pub dwReserved: DWORD,
    /// 0.
    pub dwReserved1: DWORD,
}
pub type MIB_IPMCAST_OIF = _MIB_IPMCAST_OIF;
pub type PMIB_IPMCAST_OIF = *mut MIB_IPMCAST_OIF;
pub type MIB_IPMCAST_OIF_XP = _MIB_IPMCAST_OIF;
pub type PMIB_IPMCAST_OIF_XP = *mut MIB_IPMCAST_OIF_XP;

/// A multicast forwarding entry. One with n outgoing interfaces takes
/// SIZEOF_MIB_MFE(n) bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_MFE {
    /// Group. Network byte order.
    pub dwGroup: DWORD,
    /// Source. Network byte order.
    pub dwSource: DWORD,
    /// 255.255.255.255.
    pub dwSrcMask: DWORD,
    /// Neighbour towards the source, 0 if that is directly connected. Network byte order.
    pub dwUpStrmNgbr: DWORD,
    /// Index of the incoming interface.
    pub dwInIfIndex: DWORD,
    /// Protocol id of the incoming interface's owner.
    pub dwInIfProtocol: DWORD,
    /// Protocol of the route to the source, PROTO_IP_*.
    pub dwRouteProtocol: DWORD,
    /// Network of that route. Network byte order.
    pub dwRouteNetwork: DWORD,
    /// Mask of that route. Network byte order.
    pub dwRouteMask: DWORD,
    /// Seconds since the entry was made or renewed.
    pub ulUpTime: ULONG,
    /// Seconds until it expires; 0 if it never does.
    pub ulExpiryTime: ULONG,
    /// Its life in seconds, 0xFFFFFFFF if it never expires.
    pub ulTimeOut: ULONG,
    /// Number of outgoing interfaces, 0 in a negative entry.
    pub ulNumOutIf: ULONG,
    /// 0.
    pub fFlags: DWORD,
    /// 0.
    pub dwReserved: DWORD,
    /// The outgoing interfaces.
    pub rgmioOutInfo: [MIB_IPMCAST_OIF; ANY_SIZE],
}
pub type MIB_IPMCAST_MFE = _MIB_IPMCAST_MFE;
pub type PMIB_IPMCAST_MFE = *mut MIB_IPMCAST_MFE;

/// A table of entries.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_MFE_TABLE {
    pub dwNumEntries: DWORD,
    pub table: [MIB_IPMCAST_MFE; ANY_SIZE],
}
pub type MIB_MFE_TABLE = _MIB_MFE_TABLE;
pub type PMIB_MFE_TABLE = *mut MIB_MFE_TABLE;

/// Counters of one outgoing interface of an MFE. They wrap at 32 bits, and go on where
/// they were if the interface leaves the MFE and comes back, unless it changed hands or
/// was lost meanwhile. The kernel forwarder counts for the MFE as a whole: with it they
/// are 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_OIF_STATS {
    /// Index of the interface.
    pub dwOutIfIndex: DWORD,
    /// Next hop on point-to-multipoint links, else 0. Network byte order.
    pub dwNextHopAddr: DWORD,
    /// 0.
    pub dwDialContext: DWORD,
    /// Packets that stayed here because their TTL was not above the threshold. 0 with
    /// the kernel forwarder.
    pub ulTtlTooLow: ULONG,
    /// 0: no forwarder counts it.
    pub ulFragNeeded: ULONG,
    /// Packets that went out. 0 with the kernel forwarder.
    pub ulOutPackets: ULONG,
    /// 0: no forwarder counts it.
    pub ulOutDiscards: ULONG,
}
pub type MIB_IPMCAST_OIF_STATS = _MIB_IPMCAST_OIF_STATS;
pub type PMIB_IPMCAST_OIF_STATS = *mut MIB_IPMCAST_OIF_STATS;
pub type MIB_IPMCAST_OIF_STATS_LH = _MIB_IPMCAST_OIF_STATS;
pub type PMIB_IPMCAST_OIF_STATS_LH = *mut MIB_IPMCAST_OIF_STATS_LH;

/// Counters of an MFE (MGM_MFE_STATS_0). They wrap at 32 bits and never fall otherwise
/// as long as the MFE lives. What the kernel forwarder cannot tell is in
/// docs/differences.md, "Counters". One with n outgoing interfaces takes SIZEOF_MIB_MFE_STATS(n) bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_MFE_STATS {
    /// Group. Network byte order.
    pub dwGroup: DWORD,
    /// Source. Network byte order.
    pub dwSource: DWORD,
    /// 255.255.255.255.
    pub dwSrcMask: DWORD,
    /// Neighbour towards the source, 0 if that is directly connected. Network byte order.
    pub dwUpStrmNgbr: DWORD,
    /// Index of the incoming interface.
    pub dwInIfIndex: DWORD,
    /// Protocol id of the incoming interface's owner.
    pub dwInIfProtocol: DWORD,
    /// Protocol of the route to the source, PROTO_IP_*.
    pub dwRouteProtocol: DWORD,
    /// Network of that route. Network byte order.
    pub dwRouteNetwork: DWORD,
    /// Mask of that route. Network byte order.
    pub dwRouteMask: DWORD,
    /// Hundredths of a second since the entry was made or renewed.
    pub ulUpTime: ULONG,
    /// Hundredths of a second until it expires; 0 if it never does.
    pub ulExpiryTime: ULONG,
    /// Number of outgoing interfaces, 0 in a negative entry.
    pub ulNumOutIf: ULONG,
    /// Packets accepted on the incoming interface.
    pub ulInPkts: ULONG,
    /// Octets of these. The kernel forwarder also counts those of ulPktsDifferentIf.
    pub ulInOctets: ULONG,
    /// Packets that arrived on another interface, and were not forwarded.
    pub ulPktsDifferentIf: ULONG,
    /// 0: no packet waits in a queue.
    pub ulQueueOverflow: ULONG,
    /// Counters of the outgoing interfaces.
    pub rgmiosOutStats: [MIB_IPMCAST_OIF_STATS; ANY_SIZE],
}
pub type MIB_IPMCAST_MFE_STATS = _MIB_IPMCAST_MFE_STATS;
pub type PMIB_IPMCAST_MFE_STATS = *mut MIB_IPMCAST_MFE_STATS;

/// A table of counters.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_MFE_STATS_TABLE {
    pub dwNumEntries: DWORD,
    pub table: [MIB_IPMCAST_MFE_STATS; ANY_SIZE],
}
pub type MIB_MFE_STATS_TABLE = _MIB_MFE_STATS_TABLE;
pub type PMIB_MFE_STATS_TABLE = *mut MIB_MFE_STATS_TABLE;

/// More counters of an MFE (MGM_MFE_STATS_1). They wrap at 32 bits and never fall otherwise
/// as long as the MFE lives. What the kernel forwarder cannot tell is in
/// docs/differences.md, "Counters". One with n outgoing interfaces takes SIZEOF_MIB_MFE_STATS_EX(n) bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_MFE_STATS_EX {
    /// Group. Network byte order.
    pub dwGroup: DWORD,
    /// Source. Network byte order.
    pub dwSource: DWORD,
    /// 255.255.255.255.
    pub dwSrcMask: DWORD,
    /// Neighbour towards the source, 0 if that is directly connected. Network byte order.
    pub dwUpStrmNgbr: DWORD,
    /// Index of the incoming interface.
    pub dwInIfIndex: DWORD,
    /// Protocol id of the incoming interface's owner.
    pub dwInIfProtocol: DWORD,
    /// Protocol of the route to the source, PROTO_IP_*.
    pub dwRouteProtocol: DWORD,
    /// Network of that route. Network byte order.
    pub dwRouteNetwork: DWORD,
    /// Mask of that route. Network byte order.
    pub dwRouteMask: DWORD,
    /// Hundredths of a second since the entry was made or renewed.
    pub ulUpTime: ULONG,
    /// Hundredths of a second until it expires; 0 if it never does.
    pub ulExpiryTime: ULONG,
    /// Number of outgoing interfaces, 0 in a negative entry.
    pub ulNumOutIf: ULONG,
    /// Packets accepted on the incoming interface.
    pub ulInPkts: ULONG,
    /// Octets of these. The kernel forwarder also counts those of ulPktsDifferentIf.
    pub ulInOctets: ULONG,
    /// Packets that arrived on another interface, and were not forwarded.
    pub ulPktsDifferentIf: ULONG,
    /// 0: no packet waits in a queue.
    pub ulQueueOverflow: ULONG,
    /// 0: what came before the entry is not counted in it.
    pub ulUninitMfe: ULONG,
    /// Packets accepted while the entry had no outgoing interface.
    pub ulNegativeMfe: ULONG,
    /// 0: no forwarder counts it.
    pub ulInDiscards: ULONG,
    /// 0: no forwarder counts it.
    pub ulInHdrErrors: ULONG,
    /// Packets sent out, on all interfaces that are or were outgoing ones. 0 with the
    /// kernel forwarder.
    pub ulTotalOutPackets: ULONG,
    /// Counters of the outgoing interfaces.
    pub rgmiosOutStats: [MIB_IPMCAST_OIF_STATS; ANY_SIZE],
}
pub type MIB_IPMCAST_MFE_STATS_EX = _MIB_IPMCAST_MFE_STATS_EX;
pub type PMIB_IPMCAST_MFE_STATS_EX = *mut MIB_IPMCAST_MFE_STATS_EX;
pub type MIB_IPMCAST_MFE_STATS_EX_XP = _MIB_IPMCAST_MFE_STATS_EX;
pub type PMIB_IPMCAST_MFE_STATS_EX_XP = *mut MIB_IPMCAST_MFE_STATS_EX_XP;

/// A table of more counters.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_MFE_STATS_TABLE_EX {
    pub dwNumEntries: DWORD,
    pub table: [MIB_IPMCAST_MFE_STATS_EX; ANY_SIZE],
}
pub type MIB_MFE_STATS_TABLE_EX = _MIB_MFE_STATS_TABLE_EX;
pub type PMIB_MFE_STATS_TABLE_EX = *mut MIB_MFE_STATS_TABLE_EX;

/// Whether multicast routing is on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_GLOBAL {
    pub dwEnable: DWORD,
}
pub type MIB_IPMCAST_GLOBAL = _MIB_IPMCAST_GLOBAL;
pub type PMIB_IPMCAST_GLOBAL = *mut MIB_IPMCAST_GLOBAL;

/// A multicast interface.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_IF_ENTRY {
    pub dwIfIndex: DWORD,
    pub dwTtl: DWORD,
    pub dwProtocol: DWORD,
    pub dwRateLimit: DWORD,
    pub ulInMcastOctets: ULONG,
    pub ulOutMcastOctets: ULONG,
}
pub type MIB_IPMCAST_IF_ENTRY = _MIB_IPMCAST_IF_ENTRY;
pub type PMIB_IPMCAST_IF_ENTRY = *mut MIB_IPMCAST_IF_ENTRY;

/// A table of multicast interfaces.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_IF_TABLE {
    pub dwNumEntries: DWORD,
    pub table: [MIB_IPMCAST_IF_ENTRY; ANY_SIZE],
}
pub type MIB_IPMCAST_IF_TABLE = _MIB_IPMCAST_IF_TABLE;
pub type PMIB_IPMCAST_IF_TABLE = *mut MIB_IPMCAST_IF_TABLE;

/// An administrative boundary (RFC 2365) on an interface.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_BOUNDARY {
    /// Index of the interface.
    pub dwIfIndex: DWORD,
    /// First group of the range. Network byte order.
    pub dwGroupAddress: DWORD,
    /// Mask of the range. Network byte order.
    pub dwGroupMask: DWORD,
    pub dwStatus: DWORD,
}
pub type MIB_IPMCAST_BOUNDARY = _MIB_IPMCAST_BOUNDARY;
pub type PMIB_IPMCAST_BOUNDARY = *mut MIB_IPMCAST_BOUNDARY;

/// A table of boundaries.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_BOUNDARY_TABLE {
    pub dwNumEntries: DWORD,
    pub table: [MIB_IPMCAST_BOUNDARY; ANY_SIZE],
}
pub type MIB_IPMCAST_BOUNDARY_TABLE = _MIB_IPMCAST_BOUNDARY_TABLE;
pub type PMIB_IPMCAST_BOUNDARY_TABLE = *mut MIB_IPMCAST_BOUNDARY_TABLE;

/// A boundary's range of groups.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_BOUNDARYROW {
    pub dwGroupAddress: DWORD,
    pub dwGroupMask: DWORD,
}
pub type MIB_BOUNDARYROW = _MIB_BOUNDARYROW;
pub type PMIB_BOUNDARYROW = *mut MIB_BOUNDARYROW;

/// An interface's limits for multicast packets.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_MCAST_LIMIT_ROW {
    pub dwTtl: DWORD,
    pub dwRateLimit: DWORD,
}
pub type MIB_MCAST_LIMIT_ROW = _MIB_MCAST_LIMIT_ROW;
pub type PMIB_MCAST_LIMIT_ROW = *mut MIB_MCAST_LIMIT_ROW;

pub type SN_CHAR = WCHAR;
/// A scope's name in UTF-16, MAX_SCOPE_NAME_LEN units and a zero.
pub type SCOPE_NAME_BUFFER = [SN_CHAR; 256];
pub type SCOPE_NAME = *mut SN_CHAR;

/// The name of an administrative scope.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_SCOPE {
    /// First group of the range. Network byte order.
    pub dwGroupAddress: DWORD,
    /// Mask of the range. Network byte order.
    pub dwGroupMask: DWORD,
    /// The name.
    pub snNameBuffer: SCOPE_NAME_BUFFER,
    pub dwStatus: DWORD,
}
pub type MIB_IPMCAST_SCOPE = _MIB_IPMCAST_SCOPE;
pub type PMIB_IPMCAST_SCOPE = *mut MIB_IPMCAST_SCOPE;
