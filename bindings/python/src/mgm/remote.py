"""Client processes: what they may do, batches, grace, and the end of the router (rules 9.8 to 9.10
and 9.14 of the library).

A process with MGM_ROUTER in its environment is a client process: its calls go to the router at that
path, a process that has called `host.serve_clients`, such as mgmd.
"""

from __future__ import annotations

import atexit
import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ._abi import ALL_SOURCES, CLIENT_FILTER, DWORD, HANDLE, ROUTER_LOST
from ._library import call, code_of, error
from .alerts import close_lost
from .errors import ERROR_INVALID_PARAMETER, NO_ERROR
from .values import Interface

# Every filter that was ever set. A previous one may still be running after a new one is set.
_thunks: list[Any] = []
# What the program wants to be called when the router is lost, and whether the library calls anything.
_lost: Callable[[], object] | None = None
_is_watched = False


@dataclass(frozen=True)
class ClientRequest:
    """What a client process asks for: to register a client, or to take an interface."""

    process: int
    user: int
    protocol: int
    component: int
    interface: Interface | None


def set_client_filter(permits: Callable[[ClientRequest], bool] | None) -> None:
    """Sets what decides in a router whether a client process may register a client, or take an
    interface; None permits everything. It runs on a thread of the library, and all client processes
    wait for it, so it must return at once and call no functions of the library. If it raises an
    exception, that is printed, and the request is refused."""
    thunk = CLIENT_FILTER()
    if permits is not None:
        thunk = CLIENT_FILTER(lambda _context, request: bool(permits(_request(request.contents))))
        _thunks.append(thunk)
    call("MgmHostSetClientFilter", thunk, None)


def _request(given: Any) -> ClientRequest:
    interface = None
    if given.dwIfIndex != 0:
        interface = Interface.of(given.dwIfIndex, given.dwIfNextHopAddr)
    return ClientRequest(
        given.dwProcess, given.dwUser, given.dwProtocolId, given.dwComponentId, interface
    )


def set_router_lost(callback: Callable[[], object] | None) -> None:
    """Sets what is called when the router has ended, or the connection to it is broken. It runs on a
    thread of the library. All clients are invalid then, the iterations of their alerts end, and the
    next registration connects again."""
    global _lost, _is_watched
    call("MgmHostSetRouterLost", _router_lost, None)
    _lost, _is_watched = callback, True


def _watch_router() -> None:
    """Has the library report the loss of the router, also if the program does not want to know it: the
    iterations of alerts must end."""
    global _is_watched
    call("MgmHostSetRouterLost", _router_lost, None)
    _is_watched = True


def _called_when_lost(_context: int | None) -> None:
    close_lost(_is_invalid)
    callback = _lost
    if callback is not None:
        callback()


def _is_invalid(handle: Any) -> bool:
    """Whether the client with this handle belongs to a router that is lost."""
    enumeration = HANDLE()
    code = code_of("MgmGroupEnumerationStart", handle, ALL_SOURCES, ctypes.byref(enumeration))
    if code == NO_ERROR:
        code_of("MgmGroupEnumerationEnd", enumeration)
    return code == ERROR_INVALID_PARAMETER


_router_lost = ROUTER_LOST(_called_when_lost)


def set_grace(seconds: int) -> None:
    """Lets the state of the clients that this process registers later stay for this time when the
    process ends without closing them; at most 300 s. See `Client.grace_done`.

    A `with` block closes its client, and the interpreter closes all clients when it exits, also after an
    exception. So a process whose state must stay calls `host.stop` before. The state also stays if the
    process crashes, a signal ends it (SIGTERM without a handler), or it calls `os._exit`."""
    call("MgmHostSetGrace", seconds)


@contextmanager
def batch() -> Iterator[None]:
    """Makes the joins and leaves of a `with` block together: each of them only checks its arguments at
    first, and is made when the block ends. In a client process that needs far fewer messages.

    A call that is refused does not keep later ones from being made. The end of the block raises the
    error of the first such call, whose attribute `number` counts from 1. It is 0 if the connection to
    the router has ended, so that it is unknown which calls were made."""
    call("MgmHostBeginBatch")
    first = DWORD()
    try:
        yield
    except BaseException:
        code_of("MgmHostEndBatch", ctypes.byref(first))
        raise
    code = code_of("MgmHostEndBatch", ctypes.byref(first))
    if code != NO_ERROR:
        refused = error("MgmHostEndBatch", code)
        refused.number = first.value
        raise refused


@atexit.register
def _give_callback_back() -> None:
    """The library does not call an interpreter that has ended."""
    if _is_watched:
        code_of("MgmHostSetRouterLost", ROUTER_LOST(), None)
    if _thunks:
        code_of("MgmHostSetClientFilter", CLIENT_FILTER(), None)
