"""libmgm, the multicast group manager with the API of Windows RRAS (mgm.h).

A `Client` is a registered routing protocol, or IGMP. The module `host` has the
functions for the router itself: settings, interfaces, routes, packets. The module `remote`
is for client processes. If a function of the library fails, it raises an `MgmError`; the log says why (see MGM_LOG in mgmhost.h).
"""

from . import host, remote
from ._library import LibraryError
from .client import Client, owner_of
from .errors import (
    AlreadyExistsError,
    CanNotCompleteError,
    InvalidParameterError,
    MgmError,
    NotFoundError,
    OutOfMemoryError,
)
from .tables import get_mfe, get_mfe_stats, mfe_stats, mfes
from .values import (
    PROTO_IP_BGMP,
    PROTO_IP_BGP,
    PROTO_IP_IGMP,
    PROTO_IP_LOCAL,
    PROTO_IP_MSDP,
    PROTO_IP_NETMGMT,
    PROTO_IP_OSPF,
    PROTO_IP_OTHER,
    PROTO_IP_RIP,
    Flow,
    Incoming,
    Interface,
    Mfe,
    MfeStats,
    Outgoing,
    OutgoingStats,
)

__all__ = [
    "AlreadyExistsError",
    "CanNotCompleteError",
    "Client",
    "Flow",
    "Incoming",
    "Interface",
    "InvalidParameterError",
    "LibraryError",
    "Mfe",
    "MfeStats",
    "MgmError",
    "NotFoundError",
    "OutOfMemoryError",
    "Outgoing",
    "OutgoingStats",
    "PROTO_IP_BGMP",
    "PROTO_IP_BGP",
    "PROTO_IP_IGMP",
    "PROTO_IP_LOCAL",
    "PROTO_IP_MSDP",
    "PROTO_IP_NETMGMT",
    "PROTO_IP_OSPF",
    "PROTO_IP_OTHER",
    "PROTO_IP_RIP",
    "get_mfe",
    "get_mfe_stats",
    "host",
    "mfe_stats",
    "mfes",
    "owner_of",
    "remote",
]
