"""The structures, callback types and functions of mgm.h and mgmhost.h for ctypes."""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int32, c_uint8, c_uint16, c_uint32, c_void_p
from typing import Any

DWORD, BOOL, HANDLE = c_uint32, c_int32, c_void_p
PDWORD, PBYTE = POINTER(DWORD), POINTER(c_uint8)

HOST_MASK = 0xFFFFFFFF
JOIN_STATE, FORWARD_STATE = 1, 2
ANY_SOURCE, ALL_SOURCES = 0, 1
MFE_STATS_1 = 2


class Number:
    """A DWORD argument. `_library.code_of` checks it: ctypes would silently truncate a number that is too
    large."""

    @staticmethod
    def from_param(value: Any) -> Any:
        return DWORD(value)


def dwords(names: str) -> list[tuple[str, Any]]:
    return [(name, DWORD) for name in names.split()]


class MGM_IF_ENTRY(ctypes.Structure):
    _fields_ = [("dwIfIndex", DWORD), ("dwIfNextHopAddr", DWORD), ("bIGMP", BOOL), ("bIsEnabled", BOOL)]


class SOURCE_GROUP_ENTRY(ctypes.Structure):
    _fields_ = dwords("dwSourceAddr dwSourceMask dwGroupAddr dwGroupMask")


class MIB_IPMCAST_OIF(ctypes.Structure):
    _fields_ = dwords("dwOutIfIndex dwNextHopAddr dwReserved dwReserved1")


class MIB_IPMCAST_MFE(ctypes.Structure):
    _fields_ = dwords(
        "dwGroup dwSource dwSrcMask dwUpStrmNgbr dwInIfIndex dwInIfProtocol dwRouteProtocol dwRouteNetwork "
        "dwRouteMask ulUpTime ulExpiryTime ulTimeOut ulNumOutIf fFlags dwReserved"
    ) + [("rgmioOutInfo", MIB_IPMCAST_OIF * 1)]


class MIB_IPMCAST_OIF_STATS(ctypes.Structure):
    _fields_ = dwords(
        "dwOutIfIndex dwNextHopAddr dwDialContext ulTtlTooLow ulFragNeeded ulOutPackets ulOutDiscards"
    )


class MIB_IPMCAST_MFE_STATS_EX(ctypes.Structure):
    _fields_ = dwords(
        "dwGroup dwSource dwSrcMask dwUpStrmNgbr dwInIfIndex dwInIfProtocol dwRouteProtocol dwRouteNetwork "
        "dwRouteMask ulUpTime ulExpiryTime ulNumOutIf ulInPkts ulInOctets ulPktsDifferentIf ulQueueOverflow "
        "ulUninitMfe ulNegativeMfe ulInDiscards ulInHdrErrors ulTotalOutPackets"
    ) + [("rgmiosOutStats", MIB_IPMCAST_OIF_STATS * 1)]


class MIB_IPMCAST_BOUNDARY(ctypes.Structure):
    _fields_ = dwords("dwIfIndex dwGroupAddress dwGroupMask dwStatus")


class MIB_IPMCAST_SCOPE(ctypes.Structure):
    _fields_ = [
        ("dwGroupAddress", DWORD),
        ("dwGroupMask", DWORD),
        ("snNameBuffer", c_uint16 * 256),
        ("dwStatus", DWORD),
    ]


class MGMHOST_VERSION(ctypes.Structure):
    _fields_ = dwords("dwSize dwApiMajor dwApiMinor dwBuildMajor dwBuildMinor dwBuildPatch") + [
        ("pszBuild", c_char_p)
    ]


class MGMHOST_OIF(ctypes.Structure):
    _fields_ = dwords("dwIfIndex dwIfNextHopAddr")


class MGMHOST_CLIENTS(ctypes.Structure):
    _fields_ = dwords(
        "dwSize dwFlags dwMode dwOwner dwGroup dwMaxProcesses dwAnswerMs dwMaxUserProcesses"
    )


class MGMHOST_CLIENT_REQUEST(ctypes.Structure):
    _fields_ = dwords(
        "dwSize dwProcess dwUser dwProtocolId dwComponentId dwIfIndex dwIfNextHopAddr"
    )


LOG_CALLBACK = CFUNCTYPE(None, c_void_p, DWORD, c_char_p)
ROUTER_LOST = CFUNCTYPE(None, c_void_p)
CLIENT_FILTER = CFUNCTYPE(BOOL, c_void_p, POINTER(MGMHOST_CLIENT_REQUEST))


class MGMHOST_CONFIG(ctypes.Structure):
    _fields_ = dwords("dwSize dwForwarder dwTable dwMfeTimeout dwLogLevel dwReserved") + [
        ("pfnLogCallback", LOG_CALLBACK),
        ("pvLogContext", c_void_p),
        *dwords("dwUnicastTable dwMaxFlows dwFlags dwReserved1"),
        ("pszRouter", c_char_p),
    ]


_FLOW = [DWORD] * 4

# In the order of ROUTING_PROTOCOL_CONFIG. The names are those of the parameters of Client.
CALLBACKS: dict[str, Any] = {
    "rpf": CFUNCTYPE(DWORD, *_FLOW, PDWORD, PDWORD, PDWORD, DWORD, c_void_p, c_void_p),
    "creation_alert": CFUNCTYPE(DWORD, *_FLOW, DWORD, DWORD, DWORD, POINTER(MGM_IF_ENTRY)),
    "prune_alert": CFUNCTYPE(DWORD, *_FLOW, DWORD, DWORD, BOOL, PDWORD),
    "join_alert": CFUNCTYPE(DWORD, *_FLOW, BOOL),
    "wrong_if": CFUNCTYPE(DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, c_void_p),
    "local_join": CFUNCTYPE(DWORD, *_FLOW, DWORD, DWORD),
    "local_leave": CFUNCTYPE(DWORD, *_FLOW, DWORD, DWORD),
    "disable_igmp": CFUNCTYPE(DWORD, DWORD, DWORD),
    "enable_igmp": CFUNCTYPE(DWORD, DWORD, DWORD),
}


class ROUTING_PROTOCOL_CONFIG(ctypes.Structure):
    _fields_ = [("dwCallbackFlags", DWORD), *CALLBACKS.items()]


_PMFE, _PBOUNDARY = POINTER(MIB_IPMCAST_MFE), POINTER(MIB_IPMCAST_BOUNDARY)
_MEMBERSHIP = [HANDLE, *[Number] * 7]

FUNCTIONS: dict[str, list[Any]] = {
    "MgmRegisterMProtocol": [POINTER(ROUTING_PROTOCOL_CONFIG), Number, Number, POINTER(HANDLE)],
    "MgmDeRegisterMProtocol": [HANDLE],
    "MgmTakeInterfaceOwnership": [HANDLE, Number, Number],
    "MgmReleaseInterfaceOwnership": [HANDLE, Number, Number],
    "MgmGetProtocolOnInterface": [Number, Number, PDWORD, PDWORD],
    "MgmAddGroupMembershipEntry": _MEMBERSHIP,
    "MgmDeleteGroupMembershipEntry": _MEMBERSHIP,
    "MgmSetMfe": [HANDLE, _PMFE],
    "MgmGetMfe": [_PMFE, PDWORD, c_void_p],
    "MgmGetFirstMfe": [PDWORD, c_void_p, PDWORD],
    "MgmGetNextMfe": [_PMFE, PDWORD, c_void_p, PDWORD],
    "MgmGetMfeStats": [_PMFE, PDWORD, c_void_p, Number],
    "MgmGetFirstMfeStats": [PDWORD, c_void_p, PDWORD, Number],
    "MgmGetNextMfeStats": [_PMFE, PDWORD, c_void_p, PDWORD, Number],
    "MgmGroupEnumerationStart": [HANDLE, c_int32, POINTER(HANDLE)],
    "MgmGroupEnumerationGetNext": [HANDLE, PDWORD, c_void_p, PDWORD],
    "MgmGroupEnumerationEnd": [HANDLE],
    "MgmHostVersion": [POINTER(MGMHOST_VERSION)],
    "MgmHostStart": [POINTER(MGMHOST_CONFIG)],
    "MgmHostStop": [],
    "MgmHostAddInterface": [Number] * 2,
    "MgmHostDeleteInterface": [Number] * 2,
    "MgmHostAddRoute": [Number] * 6,
    "MgmHostDeleteRoute": [Number] * 2,
    "MgmHostPacketIn": [
        *[Number] * 5, c_char_p, Number, POINTER(BOOL), PDWORD, POINTER(MGMHOST_OIF),
    ],
    "MgmHostGetArrival": [PDWORD, PDWORD],
    "MgmHostSetTtlThreshold": [Number] * 3,
    "MgmHostSetFlowLimit": [Number] * 3,
    "MgmHostAddBoundary": [_PBOUNDARY],
    "MgmHostDeleteBoundary": [_PBOUNDARY],
    "MgmHostSetScopeName": [Number, Number, c_char_p],
    "MgmHostGetScopeName": [POINTER(MIB_IPMCAST_SCOPE)],
    "MgmHostSetLogCallback": [LOG_CALLBACK, c_void_p],
    "MgmHostSetLogLevel": [Number],
    "MgmHostGetLastMessage": [PDWORD, c_void_p],
    "MgmHostInterfaceIndex": [c_char_p, PDWORD],
    "MgmHostInterfaceName": [Number, PDWORD, c_void_p],
    "MgmHostGetStatus": [Number, PDWORD, c_void_p],
    "MgmHostGetMetrics": [Number, PDWORD, c_void_p],
    "MgmHostExplain": [Number] * 4 + [PDWORD, c_void_p],
    "MgmHostServeStatus": [c_char_p],
    "MgmHostServeClientsEx": [c_char_p, POINTER(MGMHOST_CLIENTS)],
    "MgmHostSetClientFilter": [CLIENT_FILTER, c_void_p],
    "MgmHostSetRouterLost": [ROUTER_LOST, c_void_p],
    "MgmHostBeginBatch": [],
    "MgmHostEndBatch": [PDWORD],
    "MgmHostSetGrace": [Number],
    "MgmHostGraceDone": [HANDLE],
}
