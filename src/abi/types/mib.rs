//! The MIB structures for MFEs and their counters.
//!
//! They have the layout of Windows Vista and later. Those of Windows 2000 contained pointers.

use super::{DWORD, ULONG, WCHAR};

/// Declared length of the array at the end of a structure. Another field of the
/// structure holds its actual length.
pub const ANY_SIZE: usize = 1;
/// Maximum length of a scope name in UTF-16 units, without the terminating zero.
pub const MAX_SCOPE_NAME_LEN: usize = 255;

/// One outgoing interface of an MFE.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_OIF {
    /// Index of the interface.
    pub dwOutIfIndex: DWORD,
    /// Next hop of the interface, network byte order; 0 except on
    /// point-to-multipoint links.
    pub dwNextHopAddr: DWORD,
    /// Always 0.
    pub dwReserved: DWORD,
    /// Always 0.
    pub dwReserved1: DWORD,
}
pub type MIB_IPMCAST_OIF = _MIB_IPMCAST_OIF;
pub type PMIB_IPMCAST_OIF = *mut MIB_IPMCAST_OIF;
pub type MIB_IPMCAST_OIF_XP = _MIB_IPMCAST_OIF;
pub type PMIB_IPMCAST_OIF_XP = *mut MIB_IPMCAST_OIF_XP;

/// A multicast forwarding entry (MFE). An MFE with n outgoing interfaces has
/// SIZEOF_MIB_MFE(n) bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_MFE {
    /// Group, network byte order.
    pub dwGroup: DWORD,
    /// Source, network byte order.
    pub dwSource: DWORD,
    /// 255.255.255.255.
    pub dwSrcMask: DWORD,
    /// Upstream neighbour, network byte order; 0 if the source is directly
    /// connected.
    pub dwUpStrmNgbr: DWORD,
    /// Index of the incoming interface.
    pub dwInIfIndex: DWORD,
    /// Protocol id of the owner of the incoming interface.
    pub dwInIfProtocol: DWORD,
    /// Protocol of the route to the source, PROTO_IP_*.
    pub dwRouteProtocol: DWORD,
    /// Network of the route to the source, network byte order.
    pub dwRouteNetwork: DWORD,
    /// Mask of the route to the source, network byte order.
    pub dwRouteMask: DWORD,
    /// Time since the MFE was created or renewed, in seconds.
    pub ulUpTime: ULONG,
    /// Time until the MFE expires, in seconds; 0 if it never expires.
    pub ulExpiryTime: ULONG,
    /// Lifetime of the MFE, in seconds; 0xFFFFFFFF if it never expires.
    pub ulTimeOut: ULONG,
    /// Number of outgoing interfaces; 0 in a negative MFE.
    pub ulNumOutIf: ULONG,
    /// Always 0.
    pub fFlags: DWORD,
    /// Always 0.
    pub dwReserved: DWORD,
    /// The outgoing interfaces.
    pub rgmioOutInfo: [MIB_IPMCAST_OIF; ANY_SIZE],
}
pub type MIB_IPMCAST_MFE = _MIB_IPMCAST_MFE;
pub type PMIB_IPMCAST_MFE = *mut MIB_IPMCAST_MFE;

/// A table of MFEs. The library does not use it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_MFE_TABLE {
    pub dwNumEntries: DWORD,
    pub table: [MIB_IPMCAST_MFE; ANY_SIZE],
}
pub type MIB_MFE_TABLE = _MIB_MFE_TABLE;
pub type PMIB_MFE_TABLE = *mut MIB_MFE_TABLE;

/// Counters of one outgoing interface of an MFE.
///
/// The counters wrap at 32 bits. If the interface leaves the MFE and returns,
/// they continue from their old values, unless the interface was released, got
/// another owner or was lost in the meantime. With the kernel forwarder all of
/// them are 0, because the kernel counts only for the MFE as a whole.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_OIF_STATS {
    /// Index of the interface.
    pub dwOutIfIndex: DWORD,
    /// Next hop of the interface, network byte order; 0 except on
    /// point-to-multipoint links.
    pub dwNextHopAddr: DWORD,
    /// Always 0.
    pub dwDialContext: DWORD,
    /// Packets not sent because their TTL was not greater than the TTL threshold.
    /// Always 0 with the kernel forwarder.
    pub ulTtlTooLow: ULONG,
    /// Packets not sent because they are larger than the MTU of the interface. Only
    /// the ebpf forwarder counts them.
    pub ulFragNeeded: ULONG,
    /// Packets sent. Always 0 with the kernel forwarder.
    pub ulOutPackets: ULONG,
    /// Packets that the kernel refused to send. Only the ebpf forwarder counts them.
    pub ulOutDiscards: ULONG,
}
pub type MIB_IPMCAST_OIF_STATS = _MIB_IPMCAST_OIF_STATS;
pub type PMIB_IPMCAST_OIF_STATS = *mut MIB_IPMCAST_OIF_STATS;
pub type MIB_IPMCAST_OIF_STATS_LH = _MIB_IPMCAST_OIF_STATS;
pub type PMIB_IPMCAST_OIF_STATS_LH = *mut MIB_IPMCAST_OIF_STATS_LH;

/// Counters of an MFE (MGM_MFE_STATS_0). With n outgoing interfaces the structure
/// has SIZEOF_MIB_MFE_STATS(n) bytes.
///
/// The counters wrap at 32 bits. Apart from that they never decrease during the
/// life of the MFE. docs/differences.md, "Counters", lists what the kernel
/// forwarder does not count.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_MFE_STATS {
    /// Group, network byte order.
    pub dwGroup: DWORD,
    /// Source, network byte order.
    pub dwSource: DWORD,
    /// 255.255.255.255.
    pub dwSrcMask: DWORD,
    /// Upstream neighbour, network byte order; 0 if the source is directly
    /// connected.
    pub dwUpStrmNgbr: DWORD,
    /// Index of the incoming interface.
    pub dwInIfIndex: DWORD,
    /// Protocol id of the owner of the incoming interface.
    pub dwInIfProtocol: DWORD,
    /// Protocol of the route to the source, PROTO_IP_*.
    pub dwRouteProtocol: DWORD,
    /// Network of the route to the source, network byte order.
    pub dwRouteNetwork: DWORD,
    /// Mask of the route to the source, network byte order.
    pub dwRouteMask: DWORD,
    /// Time since the MFE was created or renewed, in hundredths of a second.
    pub ulUpTime: ULONG,
    /// Time until the MFE expires, in hundredths of a second; 0 if it never
    /// expires.
    pub ulExpiryTime: ULONG,
    /// Number of outgoing interfaces; 0 in a negative MFE.
    pub ulNumOutIf: ULONG,
    /// Packets accepted on the incoming interface.
    pub ulInPkts: ULONG,
    /// Octets of the packets in ulInPkts. The kernel forwarder also counts the
    /// octets of the packets in ulPktsDifferentIf.
    pub ulInOctets: ULONG,
    /// Packets that arrived on another interface and were not forwarded.
    pub ulPktsDifferentIf: ULONG,
    /// Always 0: the library queues no packets.
    pub ulQueueOverflow: ULONG,
    /// Counters of the outgoing interfaces.
    pub rgmiosOutStats: [MIB_IPMCAST_OIF_STATS; ANY_SIZE],
}
pub type MIB_IPMCAST_MFE_STATS = _MIB_IPMCAST_MFE_STATS;
pub type PMIB_IPMCAST_MFE_STATS = *mut MIB_IPMCAST_MFE_STATS;

/// A table of counters. The library does not use it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_MFE_STATS_TABLE {
    pub dwNumEntries: DWORD,
    pub table: [MIB_IPMCAST_MFE_STATS; ANY_SIZE],
}
pub type MIB_MFE_STATS_TABLE = _MIB_MFE_STATS_TABLE;
pub type PMIB_MFE_STATS_TABLE = *mut MIB_MFE_STATS_TABLE;

/// More counters of an MFE (MGM_MFE_STATS_1). With n outgoing interfaces the
/// structure has SIZEOF_MIB_MFE_STATS_EX(n) bytes.
///
/// The counters wrap at 32 bits. Apart from that they never decrease during the
/// life of the MFE. docs/differences.md, "Counters", lists what the kernel
/// forwarder does not count.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_MFE_STATS_EX {
    /// Group, network byte order.
    pub dwGroup: DWORD,
    /// Source, network byte order.
    pub dwSource: DWORD,
    /// 255.255.255.255.
    pub dwSrcMask: DWORD,
    /// Upstream neighbour, network byte order; 0 if the source is directly
    /// connected.
    pub dwUpStrmNgbr: DWORD,
    /// Index of the incoming interface.
    pub dwInIfIndex: DWORD,
    /// Protocol id of the owner of the incoming interface.
    pub dwInIfProtocol: DWORD,
    /// Protocol of the route to the source, PROTO_IP_*.
    pub dwRouteProtocol: DWORD,
    /// Network of the route to the source, network byte order.
    pub dwRouteNetwork: DWORD,
    /// Mask of the route to the source, network byte order.
    pub dwRouteMask: DWORD,
    /// Time since the MFE was created or renewed, in hundredths of a second.
    pub ulUpTime: ULONG,
    /// Time until the MFE expires, in hundredths of a second; 0 if it never
    /// expires.
    pub ulExpiryTime: ULONG,
    /// Number of outgoing interfaces; 0 in a negative MFE.
    pub ulNumOutIf: ULONG,
    /// Packets accepted on the incoming interface.
    pub ulInPkts: ULONG,
    /// Octets of the packets in ulInPkts. The kernel forwarder also counts the
    /// octets of the packets in ulPktsDifferentIf.
    pub ulInOctets: ULONG,
    /// Packets that arrived on another interface and were not forwarded.
    pub ulPktsDifferentIf: ULONG,
    /// Always 0: the library queues no packets.
    pub ulQueueOverflow: ULONG,
    /// Always 0: packets that arrived before the MFE existed are not counted
    /// here.
    pub ulUninitMfe: ULONG,
    /// Packets accepted while the MFE had no outgoing interface.
    pub ulNegativeMfe: ULONG,
    /// Always 0: no forwarder counts it.
    pub ulInDiscards: ULONG,
    /// Always 0: no forwarder counts it.
    pub ulInHdrErrors: ULONG,
    /// Packets sent on all present and former outgoing interfaces. Always 0 with
    /// the kernel forwarder.
    pub ulTotalOutPackets: ULONG,
    /// Counters of the outgoing interfaces.
    pub rgmiosOutStats: [MIB_IPMCAST_OIF_STATS; ANY_SIZE],
}
pub type MIB_IPMCAST_MFE_STATS_EX = _MIB_IPMCAST_MFE_STATS_EX;
pub type PMIB_IPMCAST_MFE_STATS_EX = *mut MIB_IPMCAST_MFE_STATS_EX;
pub type MIB_IPMCAST_MFE_STATS_EX_XP = _MIB_IPMCAST_MFE_STATS_EX;
pub type PMIB_IPMCAST_MFE_STATS_EX_XP = *mut MIB_IPMCAST_MFE_STATS_EX_XP;

/// A table of more counters. The library does not use it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_MFE_STATS_TABLE_EX {
    pub dwNumEntries: DWORD,
    pub table: [MIB_IPMCAST_MFE_STATS_EX; ANY_SIZE],
}
pub type MIB_MFE_STATS_TABLE_EX = _MIB_MFE_STATS_TABLE_EX;
pub type PMIB_MFE_STATS_TABLE_EX = *mut MIB_MFE_STATS_TABLE_EX;

/// Whether multicast routing is on. The library does not use it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_GLOBAL {
    pub dwEnable: DWORD,
}
pub type MIB_IPMCAST_GLOBAL = _MIB_IPMCAST_GLOBAL;
pub type PMIB_IPMCAST_GLOBAL = *mut MIB_IPMCAST_GLOBAL;

/// A multicast interface. The library does not use it.
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

/// A table of multicast interfaces. The library does not use it.
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
    /// First group of the range, network byte order.
    pub dwGroupAddress: DWORD,
    /// Mask of the range, network byte order.
    pub dwGroupMask: DWORD,
    /// The library ignores it.
    pub dwStatus: DWORD,
}
pub type MIB_IPMCAST_BOUNDARY = _MIB_IPMCAST_BOUNDARY;
pub type PMIB_IPMCAST_BOUNDARY = *mut MIB_IPMCAST_BOUNDARY;

/// A table of boundaries. The library does not use it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_BOUNDARY_TABLE {
    pub dwNumEntries: DWORD,
    pub table: [MIB_IPMCAST_BOUNDARY; ANY_SIZE],
}
pub type MIB_IPMCAST_BOUNDARY_TABLE = _MIB_IPMCAST_BOUNDARY_TABLE;
pub type PMIB_IPMCAST_BOUNDARY_TABLE = *mut MIB_IPMCAST_BOUNDARY_TABLE;

/// The range of groups of a boundary. The library does not use it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_BOUNDARYROW {
    pub dwGroupAddress: DWORD,
    pub dwGroupMask: DWORD,
}
pub type MIB_BOUNDARYROW = _MIB_BOUNDARYROW;
pub type PMIB_BOUNDARYROW = *mut MIB_BOUNDARYROW;

/// The limits of an interface for multicast packets. The library does not use it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_MCAST_LIMIT_ROW {
    pub dwTtl: DWORD,
    pub dwRateLimit: DWORD,
}
pub type MIB_MCAST_LIMIT_ROW = _MIB_MCAST_LIMIT_ROW;
pub type PMIB_MCAST_LIMIT_ROW = *mut MIB_MCAST_LIMIT_ROW;

pub type SN_CHAR = WCHAR;
/// The name of a scope in UTF-16: at most MAX_SCOPE_NAME_LEN units and a
/// terminating zero.
pub type SCOPE_NAME_BUFFER = [SN_CHAR; 256];
pub type SCOPE_NAME = *mut SN_CHAR;

/// The name of an administrative scope (RFC 2365), which is a range of groups.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MIB_IPMCAST_SCOPE {
    /// First group of the range, network byte order.
    pub dwGroupAddress: DWORD,
    /// Mask of the range, network byte order.
    pub dwGroupMask: DWORD,
    /// The name of the scope.
    pub snNameBuffer: SCOPE_NAME_BUFFER,
    /// 1 if the name was set with MgmHostSetScopeName, 0 if it is the default
    /// name.
    pub dwStatus: DWORD,
}
pub type MIB_IPMCAST_SCOPE = _MIB_IPMCAST_SCOPE;
pub type PMIB_IPMCAST_SCOPE = *mut MIB_IPMCAST_SCOPE;
