"""The router's side (mgmhost.h): settings, interfaces, routes, packets, a look inside.

Nothing here must be called: the first registration starts MGM with the defaults, which the
environment can change.
"""

from __future__ import annotations

import atexit
import ctypes
import json
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
    MGMHOST_CONFIG,
    MGMHOST_OIF,
    MGMHOST_VERSION,
    MIB_IPMCAST_BOUNDARY,
    MIB_IPMCAST_SCOPE,
)
from ._library import call, code_of
from .errors import ERROR_INSUFFICIENT_BUFFER, NO_ERROR, error
from .values import Address, Interface, Network, dword, pair, prefix

# MGM numbers interfaces with 16 bits: no packet goes out on more.
MOST_INTERFACES = 65536
_UTF16 = "utf-16-le" if sys.byteorder == "little" else "utf-16-be"
_ROUTE_LOCAL = 1
_ROUTE_PREFERRED = 2
_NO_MEMBERSHIPS, _NO_MFES, _METRICS_MFES = 1, 2, 1


class Forwarder(IntEnum):
    """Who forwards. DEFAULT is what MGM_FORWARDER says, else AUTO."""

    DEFAULT, AUTO, KERNEL, MEMORY = 0, 1, 2, 3


class LogLevel(IntEnum):
    """What goes to the log. DEFAULT is what MGM_LOG says, else WARN."""

    DEFAULT, OFF, ERROR, WARN, INFO, DEBUG, TRACE = range(7)


@dataclass(frozen=True)
class Version:
    api: tuple[int, int]
    build: tuple[int, int, int]
    text: str


@dataclass(frozen=True)
class Decision:
    """What becomes of a packet: whether it came in where it must, and where it goes out."""

    accepted: bool
    outgoing: tuple[Interface, ...]


LogCallback = Callable[[LogLevel, str], object]
# Every log callback that MGM ever got: the old one may still be running when it has a new one.
_log_thunks: list[Any] = []
_room = threading.local()


def version() -> Version:
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
    log: LogCallback | None = None,
) -> None:
    """Starts MGM with settings; what is 0 or left out is the default. Times in seconds."""
    config = MGMHOST_CONFIG(
        dwSize=ctypes.sizeof(MGMHOST_CONFIG),
        dwForwarder=forwarder,
        dwTable=table,
        dwMfeTimeout=mfe_timeout,
        dwLogLevel=log_level,
        pfnLogCallback=_log_thunk(log),
    )
    call("MgmHostStart", ctypes.byref(config))


def stop() -> None:
    """Stops MGM: clients, interfaces, memberships and MFEs are gone without callbacks."""
    call("MgmHostStop")


def set_log(log: LogCallback | None) -> None:
    """Has lines of the log go to a function, on any thread; None: to stderr."""
    call("MgmHostSetLogCallback", _log_thunk(log), None)


def add_interface(interface: Interface | int) -> None:
    """Says that the system has an interface (again)."""
    call("MgmHostAddInterface", *pair(interface))


def delete_interface(interface: Interface | int) -> None:
    """Says that the system has lost an interface."""
    call("MgmHostDeleteInterface", *pair(interface))


def add_route(network: Network, interface: int = 0, gateway: Address | None = None, *, protocol: int = 0,
              local: bool = False, preferred: bool = False) -> None:
    """Adds a route to the multicast view. `local`: an address of this router itself. `preferred`: it
    wins over longer routes of the system."""
    flags = (_ROUTE_LOCAL if local else 0) | (_ROUTE_PREFERRED if preferred else 0)
    call("MgmHostAddRoute", *prefix(network), interface, dword(gateway), protocol, flags)


def delete_route(network: Network) -> None:
    call("MgmHostDeleteRoute", *prefix(network))


def packet_in(source: Address, group: Address, interface: Interface | int, *, header: bytes = b"",
              size: int = 0) -> Decision:
    """Hands a packet in. The first one of a flow makes MGM ask its clients and waits for their
    answers, so it is refused inside callbacks. `size`: octets of the whole packet."""
    if not hasattr(_room, "oifs"):
        _room.oifs = (MGMHOST_OIF * MOST_INTERFACES)()
    accepted, count = BOOL(), DWORD(MOST_INTERFACES)
    call("MgmHostPacketIn", dword(source), dword(group), *pair(interface), len(header), header or None, size,
         ctypes.byref(accepted), ctypes.byref(count), _room.oifs)
    outgoing = (Interface.of(o.dwIfIndex, o.dwIfNextHopAddr) for o in _room.oifs[: count.value])
    return Decision(bool(accepted), tuple(outgoing))


def set_ttl_threshold(interface: Interface | int, ttl: int) -> None:
    """Only packets with a greater TTL go out there."""
    call("MgmHostSetTtlThreshold", *pair(interface), ttl)


def add_boundary(interface: int, scope: Network) -> None:
    """Keeps groups of a prefix inside 239.0.0.0/8 off an interface."""
    call("MgmHostAddBoundary", ctypes.byref(_boundary(interface, scope)))


def delete_boundary(interface: int, scope: Network) -> None:
    call("MgmHostDeleteBoundary", ctypes.byref(_boundary(interface, scope)))


def set_scope_name(scope: Network, name: str | None) -> None:
    """Names a range of groups; None: its default name again."""
    utf16 = None if name is None else name.encode(_UTF16, "surrogatepass") + b"\0\0"
    call("MgmHostSetScopeName", *prefix(scope), utf16)


def scope_name(scope: Network) -> str:
    network, mask = prefix(scope)
    raw = MIB_IPMCAST_SCOPE(dwGroupAddress=network, dwGroupMask=mask)
    call("MgmHostGetScopeName", ctypes.byref(raw))
    units = bytes(raw.snNameBuffer)
    return units.decode(_UTF16, "surrogatepass").split("\0")[0]


def status(*, memberships: bool = True, mfes: bool = True) -> dict[str, Any]:
    """A snapshot of everything, as docs/status.md describes it."""
    flags = (0 if memberships else _NO_MEMBERSHIPS) | (0 if mfes else _NO_MFES)
    return cast(dict[str, Any], json.loads(_text("MgmHostGetStatus", flags)))


def metrics(*, mfes: bool = False) -> str:
    """A page for Prometheus; with `mfes` the counters of each MFE, too."""
    return _text("MgmHostGetMetrics", _METRICS_MFES if mfes else 0).decode()


def serve_status(path: str | os.PathLike[str] | None) -> None:
    """Serves both at a UNIX socket, for mgmtop and others; None: nowhere any more."""
    call("MgmHostServeStatus", None if path is None else os.fsencode(path))


def _boundary(interface: int, scope: Network) -> MIB_IPMCAST_BOUNDARY:
    network, mask = prefix(scope)
    return MIB_IPMCAST_BOUNDARY(dwIfIndex=interface, dwGroupAddress=network, dwGroupMask=mask)


def _text(function: str, flags: int) -> bytes:
    size = DWORD(0)
    while True:
        # There may be more to tell by the next call.
        size.value += size.value // 8
        buffer = ctypes.create_string_buffer(max(size.value, 4096))
        size.value = len(buffer)
        code = code_of(function, flags, ctypes.byref(size), buffer)
        if code == NO_ERROR:
            return buffer.value
        if code != ERROR_INSUFFICIENT_BUFFER:
            raise error(function, code)


def _log_thunk(log: LogCallback | None) -> Any:
    if log is None:
        return LOG_CALLBACK()
    take = log

    def called(_context: int | None, level: int, text: bytes) -> None:
        take(LogLevel(level), text.decode(errors="replace"))

    _log_thunks.append(LOG_CALLBACK(called))
    return _log_thunks[-1]


@atexit.register
def _give_log_back() -> None:
    """Lines must not come to an interpreter that is gone."""
    if _log_thunks:
        code_of("MgmHostSetLogCallback", LOG_CALLBACK(), None)
