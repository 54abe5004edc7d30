"""The functions of mgmhost.h: settings, interfaces, routes, packets, status.

A program need not call any of them: the first registration starts the library with the
defaults, which environment variables can change.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

from ._abi import (
    BOOL,
    DWORD,
    LOG_CALLBACK,
    MGMHOST_CLIENTS,
    MGMHOST_CONFIG,
    MGMHOST_OIF,
    MGMHOST_VERSION,
    MIB_IPMCAST_BOUNDARY,
    MIB_IPMCAST_SCOPE,
)
from ._library import c_text, call, code_of, error, number
from .alerts import ending
from .errors import ERROR_INSUFFICIENT_BUFFER, NO_ERROR, NotFoundError
from .status import Explanation, Status
from .values import Address, Interface, Network, dword, pair, prefix

# The library numbers interfaces with 16 bits, so a packet has at most this many.
MOST_INTERFACES = 65536
_UTF16 = "utf-16-le" if sys.byteorder == "little" else "utf-16-be"
_ROUTE_LOCAL = 1
_ROUTE_PREFERRED = 2
_NO_MEMBERSHIPS, _NO_MFES, _METRICS_MFES = 1, 2, 1
_OPEN_FORWARDER = 1
# The levels of `logging`; it has none for TRACE.
_LOGGING = {2: logging.ERROR, 3: logging.WARNING, 4: logging.INFO, 5: logging.DEBUG, 6: logging.DEBUG - 5}
_CLIENTS_OWNER, _CLIENTS_GROUP = 1, 2


class Forwarder(IntEnum):
    """The forwarder. DEFAULT is the value of MGM_FORWARDER, or AUTO if that is unset."""

    DEFAULT, AUTO, KERNEL, MEMORY, EBPF = 0, 1, 2, 3, 4


class LogLevel(IntEnum):
    """The level of the log. DEFAULT is the value of MGM_LOG, or WARN if that is unset."""

    DEFAULT, OFF, ERROR, WARN, INFO, DEBUG, TRACE = range(7)


@dataclass(frozen=True)
class Version:
    api: tuple[int, int]
    build: tuple[int, int, int]
    text: str


@dataclass(frozen=True)
class Decision:
    """Whether a packet arrived on the incoming interface, and where it must be forwarded."""

    accepted: bool
    outgoing: tuple[Interface, ...]


LogCallback = Callable[[LogLevel, str], object]
# Every log callback that was ever set. A previous one may still be running after a new one is set.
_log_thunks: list[Any] = []
_room = threading.local()


def version() -> Version:
    """Returns the version of the library."""
    v = MGMHOST_VERSION(dwSize=ctypes.sizeof(MGMHOST_VERSION))
    call("MgmHostVersion", ctypes.byref(v))
    return Version(
        (v.dwApiMajor, v.dwApiMinor), (v.dwBuildMajor, v.dwBuildMinor, v.dwBuildPatch), v.pszBuild.decode()
    )


def start(
    *,
    forwarder: Forwarder = Forwarder.DEFAULT,
    table: int = 0,
    mfe_timeout: int = 0,
    log_level: LogLevel = LogLevel.DEFAULT,
    log: LogCallback | logging.Logger | None = None,
    unicast_table: int = 0,
    max_flows: int = 0,
    open_forwarder: bool = False,
    router: str | os.PathLike[str] | None = None,
) -> None:
    """Starts the library. An argument that is 0 or missing selects the default. `mfe_timeout` is
    in seconds. With `open_forwarder` the start fails if the forwarder cannot be opened. `router` is the
    path at which a router serves client processes: this process becomes a client of it."""
    config = MGMHOST_CONFIG(
        dwSize=ctypes.sizeof(MGMHOST_CONFIG),
        dwForwarder=number(forwarder, "forwarder"),
        dwTable=number(table, "table"),
        dwMfeTimeout=number(mfe_timeout, "mfe_timeout"),
        dwLogLevel=number(log_level, "log_level"),
        pfnLogCallback=_log_thunk(log),
        dwUnicastTable=number(unicast_table, "unicast_table"),
        dwMaxFlows=number(max_flows, "max_flows"),
        dwFlags=_OPEN_FORWARDER if open_forwarder else 0,
        pszRouter=None if router is None else c_text(os.fsencode(router), "router"),
    )
    call("MgmHostStart", ctypes.byref(config))


def stop() -> None:
    """Stops the library: deletes all clients, interfaces, memberships and MFEs without callbacks. The
    iterations of alerts end."""
    # A callback that waits for the reader of its alerts would wait for ever.
    with ending():
        call("MgmHostStop")


def set_log(log: LogCallback | logging.Logger | None) -> None:
    """Sends the log to a function, which may run on any thread, or to a logger of `logging`, such as
    logging.getLogger("mgm"). None sends it to stderr. See also `set_log_level`."""
    call("MgmHostSetLogCallback", _log_thunk(log), None)


def set_log_level(level: LogLevel) -> None:
    """Sets the level of the log, until the next start of the library."""
    call("MgmHostSetLogLevel", level)


def arrival() -> Interface | None:
    """Inside an rpf callback: returns the interface on which the packet arrived. None elsewhere."""
    index, hop = DWORD(), DWORD()
    try:
        call("MgmHostGetArrival", ctypes.byref(index), ctypes.byref(hop))
    except NotFoundError:
        return None
    return Interface.of(index.value, hop.value)


def add_interface(interface: Interface | int) -> None:
    """Reports that the system has an interface, or has it again."""
    call("MgmHostAddInterface", *pair(interface))


def delete_interface(interface: Interface | int) -> None:
    """Reports that the system has lost an interface."""
    call("MgmHostDeleteInterface", *pair(interface))


def add_route(network: Network, interface: int = 0, gateway: Address | None = None, *, protocol: int = 0,
              local: bool = False, preferred: bool = False) -> None:
    """Adds a route to the multicast view. `local`: the network is an address of this router.
    `preferred`: prefer the route to all routes of the system, even to longer prefixes."""
    flags = (_ROUTE_LOCAL if local else 0) | (_ROUTE_PREFERRED if preferred else 0)
    call("MgmHostAddRoute", *prefix(network), interface, dword(gateway), protocol, flags)


def delete_route(network: Network) -> None:
    """Deletes a route of the host from the multicast view."""
    call("MgmHostDeleteRoute", *prefix(network))


def packet_in(source: Address, group: Address, interface: Interface | int, *, header: bytes = b"",
              size: int = 0) -> Decision:
    """Passes a packet to the library. For the first packet of a flow the call waits for the
    answers of the clients. Inside a callback it raises CanNotCompleteError. `size` is the size
    of the whole packet in octets."""
    if not hasattr(_room, "oifs"):
        _room.oifs = (MGMHOST_OIF * MOST_INTERFACES)()
    accepted, count = BOOL(), DWORD(MOST_INTERFACES)
    call("MgmHostPacketIn", dword(source), dword(group), *pair(interface), len(header), header or None, size,
         ctypes.byref(accepted), ctypes.byref(count), _room.oifs)
    outgoing = (Interface.of(o.dwIfIndex, o.dwIfNextHopAddr) for o in _room.oifs[: count.value])
    return Decision(bool(accepted), tuple(outgoing))


def set_ttl_threshold(interface: Interface | int, ttl: int) -> None:
    """Sets the TTL threshold: only packets with a greater TTL are forwarded out of the interface."""
    call("MgmHostSetTtlThreshold", *pair(interface), ttl)


def set_flow_limit(interface: int, per_second: int, burst: int = 1) -> None:
    """Limits how many flows may begin on the interface in a second, and how many at once. 0 a second
    removes the limit."""
    call("MgmHostSetFlowLimit", interface, per_second, burst)


def add_boundary(interface: int, scope: Network) -> None:
    """Makes an interface an administrative boundary for a prefix inside 239.0.0.0/8."""
    call("MgmHostAddBoundary", ctypes.byref(_boundary(interface, scope)))


def delete_boundary(interface: int, scope: Network) -> None:
    """Deletes an administrative boundary."""
    call("MgmHostDeleteBoundary", ctypes.byref(_boundary(interface, scope)))


def set_scope_name(scope: Network, name: str | None) -> None:
    """Sets the name of a range of groups. None restores the default name."""
    if name is not None and "\0" in name:
        raise ValueError(f"a name must not contain a null character: {name!r}")
    utf16 = None if name is None else name.encode(_UTF16, "surrogatepass") + b"\0\0"
    call("MgmHostSetScopeName", *prefix(scope), utf16)


def scope_name(scope: Network) -> str:
    """Returns the name of a range of groups."""
    network, mask = prefix(scope)
    raw = MIB_IPMCAST_SCOPE(dwGroupAddress=network, dwGroupMask=mask)
    call("MgmHostGetScopeName", ctypes.byref(raw))
    units = bytes(raw.snNameBuffer)
    return units.decode(_UTF16, "surrogatepass").split("\0")[0]


def status(*, memberships: bool = True, mfes: bool = True) -> Status:
    """Returns the state of the library. docs/status.md describes it."""
    flags = (0 if memberships else _NO_MEMBERSHIPS) | (0 if mfes else _NO_MFES)
    return cast(Status, json.loads(_text("MgmHostGetStatus", flags)))


def explain(
    source: Address, group: Address, arrival: Interface | int | None = None
) -> Explanation:
    """Explains one flow: why its packets are forwarded, or why not. docs/status.md describes the
    answer. `arrival` is the interface on which they arrive; None selects the one on which they
    arrived, or are expected."""
    flow = dword(source), dword(group)
    text = _text("MgmHostExplain", *flow, *(pair(arrival) if arrival is not None else (0, 0)))
    return cast(Explanation, json.loads(text))


def metrics(*, mfes: bool = False) -> str:
    """Returns the metrics in the text format of Prometheus. With `mfes` they include the
    counters of each MFE."""
    return _text("MgmHostGetMetrics", _METRICS_MFES if mfes else 0).decode()


def serve_status(path: str | os.PathLike[str] | None) -> None:
    """Serves status and metrics at a UNIX socket, for mgmtop and others. None stops serving."""
    call("MgmHostServeStatus", None if path is None else c_text(os.fsencode(path), "path"))


def serve_clients(
    path: str | os.PathLike[str] | None,
    mode: int = 0,
    *,
    owner: int | None = None,
    group: int | None = None,
    max_processes: int = 0,
    max_user_processes: int = 0,
    answer_ms: int = 0,
) -> None:
    """Serves client processes at a UNIX socket, which makes this process a router. The socket has this
    mode; 0 selects 0o660. The file belongs to this owner and group; None selects those of this
    process. The limits are on the processes that are connected, of all users and of each user, and
    `answer_ms` is how long a question waits for its answer; 0 selects the defaults. A path of None
    stops serving. `mgm.remote.set_client_filter` restricts what client processes may do."""
    settings = MGMHOST_CLIENTS(
        dwSize=ctypes.sizeof(MGMHOST_CLIENTS),
        dwFlags=(_CLIENTS_OWNER if owner is not None else 0)
        | (_CLIENTS_GROUP if group is not None else 0),
        dwMode=number(mode, "mode"),
        dwOwner=number(owner or 0, "owner"),
        dwGroup=number(group or 0, "group"),
        dwMaxProcesses=number(max_processes, "max_processes"),
        dwAnswerMs=number(answer_ms, "answer_ms"),
        dwMaxUserProcesses=number(max_user_processes, "max_user_processes"),
    )
    name = None if path is None else c_text(os.fsencode(path), "path")
    call("MgmHostServeClientsEx", name, ctypes.byref(settings))


def _boundary(interface: int, scope: Network) -> MIB_IPMCAST_BOUNDARY:
    network, mask = prefix(scope)
    return MIB_IPMCAST_BOUNDARY(dwIfIndex=number(interface, "interface"), dwGroupAddress=network, dwGroupMask=mask)


def _text(function: str, *arguments: int) -> bytes:
    size = DWORD(0)
    while True:
        # The text can grow until the next call.
        size.value += size.value // 8
        buffer = ctypes.create_string_buffer(max(size.value, 4096))
        size.value = len(buffer)
        code = code_of(function, *arguments, ctypes.byref(size), buffer)
        if code == NO_ERROR:
            return buffer.value
        if code != ERROR_INSUFFICIENT_BUFFER:
            raise error(function, code)


def _log_thunk(log: LogCallback | logging.Logger | None) -> Any:
    if log is None:
        return LOG_CALLBACK()
    take = _to_logger(log) if isinstance(log, logging.Logger) else log
    if not callable(take):
        raise TypeError(f"{log!r} is neither a function of (level, text) nor a logger")

    def called(_context: int | None, level: int, text: bytes) -> None:
        take(LogLevel(level), text.decode(errors="replace"))

    _log_thunks.append(LOG_CALLBACK(called))
    return _log_thunks[-1]


def _to_logger(logger: logging.Logger) -> LogCallback:
    return lambda level, text: logger.log(_LOGGING[level], "%s", text)


@atexit.register
def _give_log_back() -> None:
    """Sends the log to stderr, so that the library does not call an interpreter that has ended."""
    if _log_thunks:
        code_of("MgmHostSetLogCallback", LOG_CALLBACK(), None)
