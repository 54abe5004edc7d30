//! Checks sizes, alignments and offsets of every structure against 64-bit Windows. A
//! mistake does not compile. c-tests/layout.c checks the headers in the same way.

use super::types::*;
use std::mem::offset_of;

/// `type: size, alignment { field: offset, … }` with all fields: the pattern in `complete`
/// does not compile if one is missing.
macro_rules! layout {
    ($($type:ident: $size:literal, $align:literal { $($field:ident: $offset:literal),* $(,)? })*) => {
        $(const _: () = {
            assert!(size_of::<$type>() == $size);
            assert!(align_of::<$type>() == $align);
            $(assert!(offset_of!($type, $field) == $offset);)*
            const fn complete(value: &$type) {
                let $type { $($field: _),* } = value;
            }
            let _ = complete;
        };)*
    };
}

layout! {
    ROUTING_PROTOCOL_CONFIG: 80, 8 {
        dwCallbackFlags: 0, pfnRpfCallback: 8, pfnCreationAlertCallback: 16,
        pfnPruneAlertCallback: 24, pfnJoinAlertCallback: 32, pfnWrongIfCallback: 40,
        pfnLocalJoinCallback: 48, pfnLocalLeaveCallback: 56, pfnDisableIgmpCallback: 64,
        pfnEnableIgmpCallback: 72,
    }
    MGM_IF_ENTRY: 16, 4 { dwIfIndex: 0, dwIfNextHopAddr: 4, bIGMP: 8, bIsEnabled: 12 }
    SOURCE_GROUP_ENTRY: 16, 4 {
        dwSourceAddr: 0, dwSourceMask: 4, dwGroupAddr: 8, dwGroupMask: 12,
    }
    MIB_IPMCAST_OIF: 16, 4 { dwOutIfIndex: 0, dwNextHopAddr: 4, dwReserved: 8, dwReserved1: 12 }
    MIB_IPMCAST_MFE: 76, 4 {
        dwGroup: 0, dwSource: 4, dwSrcMask: 8, dwUpStrmNgbr: 12, dwInIfIndex: 16,
        dwInIfProtocol: 20, dwRouteProtocol: 24, dwRouteNetwork: 28, dwRouteMask: 32,
        ulUpTime: 36, ulExpiryTime: 40, ulTimeOut: 44, ulNumOutIf: 48, fFlags: 52,
        dwReserved: 56, rgmioOutInfo: 60,
    }
    MIB_IPMCAST_OIF_STATS: 28, 4 {
        dwOutIfIndex: 0, dwNextHopAddr: 4, dwDialContext: 8, ulTtlTooLow: 12,
        ulFragNeeded: 16, ulOutPackets: 20, ulOutDiscards: 24,
    }
    MIB_IPMCAST_MFE_STATS: 92, 4 {
        dwGroup: 0, dwSource: 4, dwSrcMask: 8, dwUpStrmNgbr: 12, dwInIfIndex: 16,
        dwInIfProtocol: 20, dwRouteProtocol: 24, dwRouteNetwork: 28, dwRouteMask: 32,
        ulUpTime: 36, ulExpiryTime: 40, ulNumOutIf: 44, ulInPkts: 48, ulInOctets: 52,
        ulPktsDifferentIf: 56, ulQueueOverflow: 60, rgmiosOutStats: 64,
    }
    MIB_IPMCAST_MFE_STATS_EX: 112, 4 {
        dwGroup: 0, dwSource: 4, dwSrcMask: 8, dwUpStrmNgbr: 12, dwInIfIndex: 16,
        dwInIfProtocol: 20, dwRouteProtocol: 24, dwRouteNetwork: 28, dwRouteMask: 32,
        ulUpTime: 36, ulExpiryTime: 40, ulNumOutIf: 44, ulInPkts: 48, ulInOctets: 52,
        ulPktsDifferentIf: 56, ulQueueOverflow: 60, ulUninitMfe: 64, ulNegativeMfe: 68,
        ulInDiscards: 72, ulInHdrErrors: 76, ulTotalOutPackets: 80, rgmiosOutStats: 84,
    }
    MIB_MFE_TABLE: 80, 4 { dwNumEntries: 0, table: 4 }
    MIB_MFE_STATS_TABLE: 96, 4 { dwNumEntries: 0, table: 4 }
    MIB_MFE_STATS_TABLE_EX: 116, 4 { dwNumEntries: 0, table: 4 }
    MIB_IPMCAST_GLOBAL: 4, 4 { dwEnable: 0 }
    MIB_IPMCAST_IF_ENTRY: 24, 4 {
        dwIfIndex: 0, dwTtl: 4, dwProtocol: 8, dwRateLimit: 12, ulInMcastOctets: 16,
        ulOutMcastOctets: 20,
    }
    MIB_IPMCAST_IF_TABLE: 28, 4 { dwNumEntries: 0, table: 4 }
    MIB_IPMCAST_BOUNDARY: 16, 4 { dwIfIndex: 0, dwGroupAddress: 4, dwGroupMask: 8, dwStatus: 12 }
    MIB_IPMCAST_BOUNDARY_TABLE: 20, 4 { dwNumEntries: 0, table: 4 }
    MIB_BOUNDARYROW: 8, 4 { dwGroupAddress: 0, dwGroupMask: 4 }
    MIB_MCAST_LIMIT_ROW: 8, 4 { dwTtl: 0, dwRateLimit: 4 }
    MIB_IPMCAST_SCOPE: 524, 4 {
        dwGroupAddress: 0, dwGroupMask: 4, snNameBuffer: 8, dwStatus: 520,
    }
    FILETIME: 8, 4 { dwLowDateTime: 0, dwHighDateTime: 4 }
    RTM_NET_ADDRESS: 20, 2 { AddressFamily: 0, NumBits: 2, AddrBits: 4 }
    _RTM_DEST_VIEW_INFO: 40, 8 {
        ViewId: 0, NumRoutes: 4, Route: 8, Owner: 16, DestFlags: 24, HoldRoute: 32,
    }
    RTM_DEST_INFO: 88, 8 {
        DestHandle: 0, DestAddress: 8, LastChanged: 28, BelongsToViews: 36, NumberOfViews: 40,
        ViewInfo: 48,
    }
    MGMHOST_VERSION: 32, 8 {
        dwSize: 0, dwApiMajor: 4, dwApiMinor: 8, dwBuildMajor: 12, dwBuildMinor: 16,
        dwBuildPatch: 20, pszBuild: 24,
    }
    MGMHOST_CONFIG: 64, 8 {
        dwSize: 0, dwForwarder: 4, dwTable: 8, dwMfeTimeout: 12, dwLogLevel: 16,
        dwReserved: 20, pfnLogCallback: 24, pvLogContext: 32, dwUnicastTable: 40,
        dwMaxFlows: 44, dwFlags: 48, dwReserved1: 52, pszRouter: 56,
    }
    MGMHOST_OIF: 8, 4 { dwIfIndex: 0, dwIfNextHopAddr: 4 }
    MGMHOST_CLIENTS: 32, 4 {
        dwSize: 0, dwFlags: 4, dwMode: 8, dwOwner: 12, dwGroup: 16, dwMaxProcesses: 20,
        dwAnswerMs: 24, dwMaxUserProcesses: 28,
    }
    MGMHOST_CLIENT_REQUEST: 28, 4 {
        dwSize: 0, dwProcess: 4, dwUser: 8, dwProtocolId: 12, dwComponentId: 16, dwIfIndex: 20,
        dwIfNextHopAddr: 24,
    }
}

const _: () = {
    assert!(size_of::<WCHAR>() == 2);
    assert!(size_of::<HANDLE>() == 8);
};
