/*
 * Sizes and offsets of every structure on 64-bit Windows. The test succeeds if this file compiles,
 * as C11 and as C++17. src/abi/layout.rs checks the same in Rust.
 */

#include "mgmhost.h"

#include <stddef.h>

#ifdef __cplusplus
#define CHECK(condition) static_assert(condition, #condition)
#else
#define CHECK(condition) _Static_assert(condition, #condition)
#endif

#define SIZE(type, size) CHECK(sizeof(type) == (size)); CHECK(sizeof(struct _##type) == (size))
/* Offset and type of a field. */
#define WIDE(type, field, offset, width)                                                       \
    CHECK(offsetof(type, field) == (offset));                                                  \
    CHECK(sizeof(((type *)0)->field) == (width))
#define AT(type, field, offset) WIDE(type, field, offset, 4)
#define POINTER_AT(type, field, offset) WIDE(type, field, offset, 8)
/* The pointer typedef points to the right type. */
#define POINTER(type) CHECK(sizeof(*(P##type)0) == sizeof(type))

CHECK(sizeof(DWORD) == 4 && (DWORD)-1 > 0);
CHECK(sizeof(ULONG) == 4 && (ULONG)-1 > 0);
CHECK(sizeof(UINT) == 4);
CHECK(sizeof(INT) == 4);
CHECK(sizeof(LONG) == 4 && (LONG)-1 < 0);
CHECK(sizeof(BOOL) == 4 && (BOOL)-1 < 0);
CHECK(sizeof(USHORT) == 2);
CHECK(sizeof(UCHAR) == 1);
CHECK(sizeof(BYTE) == 1 && (BYTE)-1 > 0);
CHECK(sizeof(WCHAR) == 2 && sizeof(u"ab"[0]) == sizeof(WCHAR));
CHECK(sizeof(HANDLE) == 8);
CHECK(sizeof(MGM_ENUM_TYPES) == 4 && ANY_SOURCE == 0 && ALL_SOURCES == 1);

SIZE(ROUTING_PROTOCOL_CONFIG, 80);
POINTER(ROUTING_PROTOCOL_CONFIG);
AT(ROUTING_PROTOCOL_CONFIG, dwCallbackFlags, 0);
POINTER_AT(ROUTING_PROTOCOL_CONFIG, pfnRpfCallback, 8);
POINTER_AT(ROUTING_PROTOCOL_CONFIG, pfnCreationAlertCallback, 16);
POINTER_AT(ROUTING_PROTOCOL_CONFIG, pfnPruneAlertCallback, 24);
POINTER_AT(ROUTING_PROTOCOL_CONFIG, pfnJoinAlertCallback, 32);
POINTER_AT(ROUTING_PROTOCOL_CONFIG, pfnWrongIfCallback, 40);
POINTER_AT(ROUTING_PROTOCOL_CONFIG, pfnLocalJoinCallback, 48);
POINTER_AT(ROUTING_PROTOCOL_CONFIG, pfnLocalLeaveCallback, 56);
POINTER_AT(ROUTING_PROTOCOL_CONFIG, pfnDisableIgmpCallback, 64);
POINTER_AT(ROUTING_PROTOCOL_CONFIG, pfnEnableIgmpCallback, 72);

SIZE(MGM_IF_ENTRY, 16);
POINTER(MGM_IF_ENTRY);
AT(MGM_IF_ENTRY, dwIfIndex, 0);
AT(MGM_IF_ENTRY, dwIfNextHopAddr, 4);
AT(MGM_IF_ENTRY, bIGMP, 8);
AT(MGM_IF_ENTRY, bIsEnabled, 12);

SIZE(SOURCE_GROUP_ENTRY, 16);
POINTER(SOURCE_GROUP_ENTRY);
AT(SOURCE_GROUP_ENTRY, dwSourceAddr, 0);
AT(SOURCE_GROUP_ENTRY, dwSourceMask, 4);
AT(SOURCE_GROUP_ENTRY, dwGroupAddr, 8);
AT(SOURCE_GROUP_ENTRY, dwGroupMask, 12);

SIZE(MIB_IPMCAST_OIF, 16);
POINTER(MIB_IPMCAST_OIF);
AT(MIB_IPMCAST_OIF, dwOutIfIndex, 0);
AT(MIB_IPMCAST_OIF, dwNextHopAddr, 4);
AT(MIB_IPMCAST_OIF, dwReserved, 8);
AT(MIB_IPMCAST_OIF, dwReserved1, 12);

/* The nine fields with which an MFE and its statistics begin. */
#define KEY_AND_ROUTE(type)                                                                    \
    AT(type, dwGroup, 0);                                                                      \
    AT(type, dwSource, 4);                                                                     \
    AT(type, dwSrcMask, 8);                                                                    \
    AT(type, dwUpStrmNgbr, 12);                                                                \
    AT(type, dwInIfIndex, 16);                                                                 \
    AT(type, dwInIfProtocol, 20);                                                              \
    AT(type, dwRouteProtocol, 24);                                                             \
    AT(type, dwRouteNetwork, 28);                                                              \
    AT(type, dwRouteMask, 32);                                                                 \
    AT(type, ulUpTime, 36);                                                                    \
    AT(type, ulExpiryTime, 40)

SIZE(MIB_IPMCAST_MFE, 76);
POINTER(MIB_IPMCAST_MFE);
KEY_AND_ROUTE(MIB_IPMCAST_MFE);
AT(MIB_IPMCAST_MFE, ulTimeOut, 44);
AT(MIB_IPMCAST_MFE, ulNumOutIf, 48);
AT(MIB_IPMCAST_MFE, fFlags, 52);
AT(MIB_IPMCAST_MFE, dwReserved, 56);
WIDE(MIB_IPMCAST_MFE, rgmioOutInfo, 60, 16);
CHECK(SIZEOF_BASIC_MIB_MFE == 60);
CHECK(SIZEOF_MIB_MFE(0) == 60);
CHECK(SIZEOF_MIB_MFE(3) == 60 + 16 * 3);

SIZE(MIB_IPMCAST_OIF_STATS, 28);
POINTER(MIB_IPMCAST_OIF_STATS);
AT(MIB_IPMCAST_OIF_STATS, dwOutIfIndex, 0);
AT(MIB_IPMCAST_OIF_STATS, dwNextHopAddr, 4);
AT(MIB_IPMCAST_OIF_STATS, dwDialContext, 8);
AT(MIB_IPMCAST_OIF_STATS, ulTtlTooLow, 12);
AT(MIB_IPMCAST_OIF_STATS, ulFragNeeded, 16);
AT(MIB_IPMCAST_OIF_STATS, ulOutPackets, 20);
AT(MIB_IPMCAST_OIF_STATS, ulOutDiscards, 24);

SIZE(MIB_IPMCAST_MFE_STATS, 92);
POINTER(MIB_IPMCAST_MFE_STATS);
KEY_AND_ROUTE(MIB_IPMCAST_MFE_STATS);
AT(MIB_IPMCAST_MFE_STATS, ulNumOutIf, 44);
AT(MIB_IPMCAST_MFE_STATS, ulInPkts, 48);
AT(MIB_IPMCAST_MFE_STATS, ulInOctets, 52);
AT(MIB_IPMCAST_MFE_STATS, ulPktsDifferentIf, 56);
AT(MIB_IPMCAST_MFE_STATS, ulQueueOverflow, 60);
WIDE(MIB_IPMCAST_MFE_STATS, rgmiosOutStats, 64, 28);
CHECK(SIZEOF_BASIC_MIB_MFE_STATS == 64);
CHECK(SIZEOF_MIB_MFE_STATS(3) == 64 + 28 * 3);

SIZE(MIB_IPMCAST_MFE_STATS_EX, 112);
POINTER(MIB_IPMCAST_MFE_STATS_EX);
KEY_AND_ROUTE(MIB_IPMCAST_MFE_STATS_EX);
AT(MIB_IPMCAST_MFE_STATS_EX, ulNumOutIf, 44);
AT(MIB_IPMCAST_MFE_STATS_EX, ulInPkts, 48);
AT(MIB_IPMCAST_MFE_STATS_EX, ulInOctets, 52);
AT(MIB_IPMCAST_MFE_STATS_EX, ulPktsDifferentIf, 56);
AT(MIB_IPMCAST_MFE_STATS_EX, ulQueueOverflow, 60);
AT(MIB_IPMCAST_MFE_STATS_EX, ulUninitMfe, 64);
AT(MIB_IPMCAST_MFE_STATS_EX, ulNegativeMfe, 68);
AT(MIB_IPMCAST_MFE_STATS_EX, ulInDiscards, 72);
AT(MIB_IPMCAST_MFE_STATS_EX, ulInHdrErrors, 76);
AT(MIB_IPMCAST_MFE_STATS_EX, ulTotalOutPackets, 80);
WIDE(MIB_IPMCAST_MFE_STATS_EX, rgmiosOutStats, 84, 28);
CHECK(SIZEOF_BASIC_MIB_MFE_STATS_EX == 84);
CHECK(SIZEOF_MIB_MFE_STATS_EX(3) == 84 + 28 * 3);

SIZE(MIB_IPMCAST_BOUNDARY, 16);
POINTER(MIB_IPMCAST_BOUNDARY);
AT(MIB_IPMCAST_BOUNDARY, dwIfIndex, 0);
AT(MIB_IPMCAST_BOUNDARY, dwGroupAddress, 4);
AT(MIB_IPMCAST_BOUNDARY, dwGroupMask, 8);
AT(MIB_IPMCAST_BOUNDARY, dwStatus, 12);

SIZE(MIB_IPMCAST_SCOPE, 524);
POINTER(MIB_IPMCAST_SCOPE);
AT(MIB_IPMCAST_SCOPE, dwGroupAddress, 0);
AT(MIB_IPMCAST_SCOPE, dwGroupMask, 4);
WIDE(MIB_IPMCAST_SCOPE, snNameBuffer, 8, 512);
AT(MIB_IPMCAST_SCOPE, dwStatus, 520);
CHECK(sizeof(SCOPE_NAME_BUFFER) == (MAX_SCOPE_NAME_LEN + 1) * sizeof(SN_CHAR));
CHECK(sizeof(*(SCOPE_NAME)0) == sizeof(SN_CHAR));

SIZE(MIB_MFE_TABLE, 80);
SIZE(MIB_MFE_STATS_TABLE, 96);
SIZE(MIB_MFE_STATS_TABLE_EX, 116);
SIZE(MIB_IPMCAST_GLOBAL, 4);
SIZE(MIB_IPMCAST_IF_ENTRY, 24);
SIZE(MIB_IPMCAST_IF_TABLE, 28);
SIZE(MIB_IPMCAST_BOUNDARY_TABLE, 20);
CHECK(sizeof(MIB_BOUNDARYROW) == 8);
CHECK(sizeof(MIB_MCAST_LIMIT_ROW) == 8);
#ifndef _WIN32 /* not in every SDK */
CHECK(sizeof(MIB_IPMCAST_OIF_XP) == 16);
CHECK(sizeof(MIB_IPMCAST_OIF_STATS_LH) == 28);
CHECK(sizeof(MIB_IPMCAST_MFE_STATS_EX_XP) == 112);
#endif

SIZE(FILETIME, 8);
SIZE(RTM_NET_ADDRESS, 20);
POINTER(RTM_NET_ADDRESS);
WIDE(RTM_NET_ADDRESS, AddressFamily, 0, 2);
WIDE(RTM_NET_ADDRESS, NumBits, 2, 2);
WIDE(RTM_NET_ADDRESS, AddrBits, 4, 16);

SIZE(RTM_DEST_INFO, 88);
POINTER(RTM_DEST_INFO);
POINTER_AT(RTM_DEST_INFO, DestHandle, 0);
WIDE(RTM_DEST_INFO, DestAddress, 8, 20);
WIDE(RTM_DEST_INFO, LastChanged, 28, 8);
AT(RTM_DEST_INFO, BelongsToViews, 36);
AT(RTM_DEST_INFO, NumberOfViews, 40);
WIDE(RTM_DEST_INFO, ViewInfo, 48, 40);
AT(RTM_DEST_INFO, ViewInfo[0].ViewId, 48);
AT(RTM_DEST_INFO, ViewInfo[0].NumRoutes, 52);
POINTER_AT(RTM_DEST_INFO, ViewInfo[0].Route, 56);
POINTER_AT(RTM_DEST_INFO, ViewInfo[0].Owner, 64);
AT(RTM_DEST_INFO, ViewInfo[0].DestFlags, 72);
POINTER_AT(RTM_DEST_INFO, ViewInfo[0].HoldRoute, 80);
CHECK(RTM_SIZE_OF_DEST_INFO(2) == 48 + 40 * 2);

SIZE(MGMHOST_VERSION, 32);
POINTER(MGMHOST_VERSION);
POINTER_AT(MGMHOST_VERSION, pszBuild, 24);
SIZE(MGMHOST_CONFIG, 64);
POINTER(MGMHOST_CONFIG);
POINTER_AT(MGMHOST_CONFIG, pfnLogCallback, 24);
POINTER_AT(MGMHOST_CONFIG, pvLogContext, 32);
AT(MGMHOST_CONFIG, dwUnicastTable, 40);
AT(MGMHOST_CONFIG, dwMaxFlows, 44);
AT(MGMHOST_CONFIG, dwFlags, 48);
AT(MGMHOST_CONFIG, dwReserved1, 52);
POINTER_AT(MGMHOST_CONFIG, pszRouter, 56);
SIZE(MGMHOST_OIF, 8);
POINTER(MGMHOST_OIF);
SIZE(MGMHOST_CLIENTS, 32);
POINTER(MGMHOST_CLIENTS);
AT(MGMHOST_CLIENTS, dwFlags, 4);
AT(MGMHOST_CLIENTS, dwMode, 8);
AT(MGMHOST_CLIENTS, dwOwner, 12);
AT(MGMHOST_CLIENTS, dwGroup, 16);
AT(MGMHOST_CLIENTS, dwMaxProcesses, 20);
AT(MGMHOST_CLIENTS, dwAnswerMs, 24);
AT(MGMHOST_CLIENTS, dwMaxUserProcesses, 28);
SIZE(MGMHOST_CLIENT_REQUEST, 28);
POINTER(MGMHOST_CLIENT_REQUEST);
AT(MGMHOST_CLIENT_REQUEST, dwProcess, 4);
AT(MGMHOST_CLIENT_REQUEST, dwUser, 8);
AT(MGMHOST_CLIENT_REQUEST, dwProtocolId, 12);
AT(MGMHOST_CLIENT_REQUEST, dwComponentId, 16);
AT(MGMHOST_CLIENT_REQUEST, dwIfIndex, 20);
AT(MGMHOST_CLIENT_REQUEST, dwIfNextHopAddr, 24);

CHECK(MGM_JOIN_STATE_FLAG == 1 && MGM_FORWARD_STATE_FLAG == 2 && MGM_FORWARD_STATE == 2);
CHECK(MGM_MFE_STATS_0 == 1 && MGM_MFE_STATS_1 == 2);
CHECK(RTM_VIEW_ID_UCAST == 0 && RTM_VIEW_ID_MCAST == 1);
CHECK(RTM_VIEW_MASK_UCAST == 1 && RTM_VIEW_MASK_MCAST == 2 && RTM_VIEW_MASK_ALL == 0xFFFFFFFF);
CHECK(NO_ERROR == 0 && ERROR_NOT_ENOUGH_MEMORY == 8 && ERROR_INVALID_PARAMETER == 87);
CHECK(ERROR_INSUFFICIENT_BUFFER == 122 && ERROR_ALREADY_EXISTS == 183);
CHECK(ERROR_MORE_DATA == 234 && ERROR_NO_MORE_ITEMS == 259);
CHECK(ERROR_CAN_NOT_COMPLETE == 1003 && ERROR_NOT_FOUND == 1168);
CHECK(PROTO_IP_IGMP == 10 && PROTO_IP_MGM == 10009 && PROTO_IP_NT_STATIC == 10006);
CHECK(MS_IP_IGMP == 0x4137000A);
