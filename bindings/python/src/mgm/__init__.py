"""The multicast group manager of Windows RRAS (mgm.h) by libmgm.

A `Client` is a routing protocol, or IGMP, that is registered. `host` is the
router's side: settings, interfaces, routes, packets. Every refusal of the
library is an `MgmError`; why stands in the log (MGM_LOG in the environment).
"""

from . import host
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
]
