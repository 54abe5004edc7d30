"""libmgm, the multicast group manager with the API of Windows RRAS (mgm.h).

A `Client` is a registered routing protocol, or IGMP. The module `host` has the
functions for the router itself: settings, interfaces, routes, packets. The module `remote`
is for client processes, and `aio` for asyncio. If a function of the library fails, it raises an
`MgmError` with the reason. A wrong argument raises TypeError or ValueError.
"""

from . import aio, host, remote
from ._library import LibraryError
from .alerts import Alert
from .client import Client, owner_of
from .errors import (
    AlreadyExistsError,
    CanNotCompleteError,
    ClosedError,
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

__version__ = "0.1.0"

__all__ = [
    "Alert",
    "AlreadyExistsError",
    "CanNotCompleteError",
    "Client",
    "ClosedError",
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
    "aio",
    "get_mfe",
    "get_mfe_stats",
    "host",
    "mfe_stats",
    "mfes",
    "owner_of",
    "remote",
]
