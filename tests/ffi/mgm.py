"""mgm.h and what the tests need of mgmhost.h, for Python's ctypes.

Written from the C declarations by hand, not generated: so it is a second
opinion about the ABI.
"""

import ctypes
import os
import pathlib
import socket
import struct
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int32, c_uint8, c_uint16, c_uint32, c_void_p

DWORD, BOOL = c_uint32, c_int32
PDWORD, PBYTE = POINTER(DWORD), POINTER(c_uint8)
HANDLE, PHANDLE = c_void_p, POINTER(c_void_p)

NO_ERROR = 0
ERROR_INVALID_PARAMETER = 87
ERROR_INSUFFICIENT_BUFFER = 122
ERROR_ALREADY_EXISTS = 183
ERROR_MORE_DATA = 234
ERROR_NO_MORE_ITEMS = 259
ERROR_CAN_NOT_COMPLETE = 1003
ERROR_NOT_FOUND = 1168

PROTO_IP_LOCAL, PROTO_IP_NETMGMT = 2, 3
PROTO_IP_IGMP, PROTO_IP_BGMP, PROTO_IP_OSPF = 10, 11, 13
JOIN, FORWARD = 1, 2
ANY_SOURCE, ALL_SOURCES = 0, 1
MGM_MFE_STATS_0, MGM_MFE_STATS_1 = 1, 2

HOST_MASK = 0xFFFFFFFF
AF_INET_ON_WINDOWS = 2


def ip(text):
    """An address as mgm.h has it: network byte order in memory."""
    return struct.unpack("=I", socket.inet_aton(text))[0]


class MGM_IF_ENTRY(ctypes.Structure):
    _fields_ = [("dwIfIndex", DWORD), ("dwIfNextHopAddr", DWORD), ("bIGMP", BOOL), ("bIsEnabled", BOOL)]


class SOURCE_GROUP_ENTRY(ctypes.Structure):
    _fields_ = [(n, DWORD) for n in ("dwSourceAddr", "dwSourceMask", "dwGroupAddr", "dwGroupMask")]


class MIB_IPMCAST_OIF(ctypes.Structure):
    _fields_ = [(n, DWORD) for n in ("dwOutIfIndex", "dwNextHopAddr", "dwReserved", "dwReserved1")]


class MIB_IPMCAST_MFE(ctypes.Structure):
    _fields_ = [
        (n, DWORD)
        for n in (
            "dwGroup dwSource dwSrcMask dwUpStrmNgbr dwInIfIndex dwInIfProtocol dwRouteProtocol "
            "dwRouteNetwork dwRouteMask ulUpTime ulExpiryTime ulTimeOut ulNumOutIf fFlags dwReserved"
        ).split()
    ] + [("rgmioOutInfo", MIB_IPMCAST_OIF * 1)]


class MIB_IPMCAST_OIF_STATS(ctypes.Structure):
    _fields_ = [
        (n, DWORD)
        for n in (
            "dwOutIfIndex dwNextHopAddr dwDialContext ulTtlTooLow ulFragNeeded ulOutPackets ulOutDiscards"
        ).split()
    ]


STATS_HEAD = [
    (n, DWORD)
    for n in (
        "dwGroup dwSource dwSrcMask dwUpStrmNgbr dwInIfIndex dwInIfProtocol dwRouteProtocol "
        "dwRouteNetwork dwRouteMask ulUpTime ulExpiryTime ulNumOutIf ulInPkts ulInOctets "
        "ulPktsDifferentIf ulQueueOverflow"
    ).split()
]
STATS_MORE = [
    (n, DWORD)
    for n in "ulUninitMfe ulNegativeMfe ulInDiscards ulInHdrErrors ulTotalOutPackets".split()
]


class MIB_IPMCAST_MFE_STATS(ctypes.Structure):
    _fields_ = STATS_HEAD + [("rgmiosOutStats", MIB_IPMCAST_OIF_STATS * 1)]


class MIB_IPMCAST_MFE_STATS_EX(ctypes.Structure):
    _fields_ = STATS_HEAD + STATS_MORE + [("rgmiosOutStats", MIB_IPMCAST_OIF_STATS * 1)]


class RTM_NET_ADDRESS(ctypes.Structure):
    _fields_ = [("AddressFamily", c_uint16), ("NumBits", c_uint16), ("AddrBits", c_uint8 * 16)]


class RTM_VIEW_INFO(ctypes.Structure):
    _fields_ = [
        ("ViewId", c_int32),
        ("NumRoutes", c_uint32),
        ("Route", HANDLE),
        ("Owner", HANDLE),
        ("DestFlags", DWORD),
        ("HoldRoute", HANDLE),
    ]


class RTM_DEST_INFO(ctypes.Structure):
    _fields_ = [
        ("DestHandle", HANDLE),
        ("DestAddress", RTM_NET_ADDRESS),
        ("LastChanged", DWORD * 2),
        ("BelongsToViews", DWORD),
        ("NumberOfViews", c_uint32),
        ("ViewInfo", RTM_VIEW_INFO * 1),
    ]


class MGMHOST_VERSION(ctypes.Structure):
    _fields_ = [
        (n, DWORD)
        for n in "dwSize dwApiMajor dwApiMinor dwBuildMajor dwBuildMinor dwBuildPatch".split()
    ] + [("pszBuild", c_char_p)]


class MGMHOST_OIF(ctypes.Structure):
    _fields_ = [("dwIfIndex", DWORD), ("dwIfNextHopAddr", DWORD)]


FLOW = [DWORD] * 4
CALLBACKS = {
    "Rpf": CFUNCTYPE(DWORD, *FLOW, PDWORD, PDWORD, PDWORD, DWORD, PBYTE, POINTER(RTM_DEST_INFO)),
    "CreationAlert": CFUNCTYPE(DWORD, *FLOW, DWORD, DWORD, DWORD, POINTER(MGM_IF_ENTRY)),
    "PruneAlert": CFUNCTYPE(DWORD, *FLOW, DWORD, DWORD, BOOL, PDWORD),
    "JoinAlert": CFUNCTYPE(DWORD, *FLOW, BOOL),
    "WrongIf": CFUNCTYPE(DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, PBYTE),
    "LocalJoin": CFUNCTYPE(DWORD, *FLOW, DWORD, DWORD),
    "LocalLeave": CFUNCTYPE(DWORD, *FLOW, DWORD, DWORD),
    "DisableIgmp": CFUNCTYPE(DWORD, DWORD, DWORD),
    "EnableIgmp": CFUNCTYPE(DWORD, DWORD, DWORD),
}


class MIB_IPMCAST_BOUNDARY(ctypes.Structure):
    _fields_ = [(n, DWORD) for n in ("dwIfIndex", "dwGroupAddress", "dwGroupMask", "dwStatus")]


class ROUTING_PROTOCOL_CONFIG(ctypes.Structure):
    _fields_ = [("dwCallbackFlags", DWORD)] + [
        (f"pfn{name}Callback", kind) for name, kind in CALLBACKS.items()
    ]


PMFE = POINTER(MIB_IPMCAST_MFE)
FUNCTIONS = {
    "MgmRegisterMProtocol": [POINTER(ROUTING_PROTOCOL_CONFIG), DWORD, DWORD, PHANDLE],
    "MgmDeRegisterMProtocol": [HANDLE],
    "MgmTakeInterfaceOwnership": [HANDLE, DWORD, DWORD],
    "MgmReleaseInterfaceOwnership": [HANDLE, DWORD, DWORD],
    "MgmGetProtocolOnInterface": [DWORD, DWORD, PDWORD, PDWORD],
    "MgmAddGroupMembershipEntry": [HANDLE, *FLOW, DWORD, DWORD, DWORD],
    "MgmDeleteGroupMembershipEntry": [HANDLE, *FLOW, DWORD, DWORD, DWORD],
    "MgmSetMfe": [HANDLE, PMFE],
    "MgmGetMfe": [PMFE, PDWORD, c_void_p],
    "MgmGetFirstMfe": [PDWORD, c_void_p, PDWORD],
    "MgmGetNextMfe": [PMFE, PDWORD, c_void_p, PDWORD],
    "MgmGetMfeStats": [PMFE, PDWORD, c_void_p, DWORD],
    "MgmGetFirstMfeStats": [PDWORD, c_void_p, PDWORD, DWORD],
    "MgmGetNextMfeStats": [PMFE, PDWORD, c_void_p, PDWORD, DWORD],
    "MgmGroupEnumerationStart": [HANDLE, c_int32, PHANDLE],
    "MgmGroupEnumerationGetNext": [HANDLE, PDWORD, c_void_p, PDWORD],
    "MgmGroupEnumerationEnd": [HANDLE],
}
HOST_FUNCTIONS = {
    "MgmHostVersion": [POINTER(MGMHOST_VERSION)],
    "MgmHostStop": [],
    "MgmHostAddRoute": [DWORD] * 6,
    "MgmHostSetTtlThreshold": [DWORD] * 3,
    "MgmHostAddBoundary": [POINTER(MIB_IPMCAST_BOUNDARY)],
    "MgmHostSetScopeName": [DWORD, DWORD, c_void_p],
    "MgmHostGetStatus": [DWORD, PDWORD, c_void_p],
    "MgmHostGetMetrics": [DWORD, PDWORD, c_void_p],
    "MgmHostPacketIn": [
        *[DWORD] * 5, c_char_p, DWORD, POINTER(BOOL), PDWORD, POINTER(MGMHOST_OIF),
    ],
}


def find():
    """The library: the one that is named, else the installed, else cargo's."""
    if "MGM_LIBRARY" in os.environ:
        return os.environ["MGM_LIBRARY"]
    root = pathlib.Path(__file__).resolve().parents[2]
    for place in ("build/prefix/lib/libmgm.so.1", "target/release/libmgm.so", "target/debug/libmgm.so"):
        if (root / place).exists():
            return str(root / place)
    raise FileNotFoundError("no libmgm.so: build it, or set MGM_LIBRARY")


def load():
    library = ctypes.CDLL(find())
    for name, arguments in (FUNCTIONS | HOST_FUNCTIONS).items():
        function = getattr(library, name)
        function.argtypes = arguments
        function.restype = DWORD
    return library
