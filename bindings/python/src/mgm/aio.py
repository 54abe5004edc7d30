"""Calls of the library for asyncio. Each runs on another thread, so that the event loop goes on.

A callback must answer at once, so it is an ordinary function, also in a program with asyncio. Alerts
that need no answer come from `Client.alerts`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from . import host
from .errors import MgmError
from .values import Address, Interface

if TYPE_CHECKING:
    from .client import Client

P = ParamSpec("P")
R = TypeVar("R")


async def call(function: Callable[P, R], /, *arguments: P.args, **named: P.kwargs) -> R:
    """Calls a function of this package that may wait for callbacks, such as `client.join`, on another thread. If the
    task is cancelled meanwhile, the call goes on. If the call registers and returns a client, the client is
    closed when the call ends."""
    made = _Call(lambda: function(*arguments, **named))
    try:
        return await asyncio.to_thread(made.run)
    except asyncio.CancelledError:
        made.abandon()
        raise


class _Call(Generic[R]):
    """A call on another thread. The task that waits for it may be cancelled."""

    def __init__(self, function: Callable[[], R]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._is_abandoned = False
        # The client that the call has registered and returned.
        self._clients: list[Client] = []

    def run(self) -> R:
        made: list[weakref.ref[Client]] = []
        # `asyncio.to_thread` gives each call a context of its own.
        _made.set(made)
        result = self._function()
        returned: object = result
        clients = [client for each in made if (client := each()) is not None and client is returned]
        with self._lock:
            self._clients = clients
            is_abandoned = self._is_abandoned
        if is_abandoned:
            _close(clients)
        return result

    def abandon(self) -> None:
        with self._lock:
            self._is_abandoned = True
            clients = self._clients
        if clients:
            # Not here, because the close of a client may wait for the event loop.
            threading.Thread(target=_close, args=(clients,)).start()


def _close(clients: list[Client]) -> None:
    for client in clients:
        # The program could not have closed it either, for example because the library is being stopped.
        with contextlib.suppress(MgmError):
            client.close()


def registered(client: Client) -> None:
    """Is called with each client after its registration."""
    made = _made.get()
    if made is not None:
        made.append(weakref.ref(client))


# The clients that the call on this thread has registered, so that no others are closed.
_made: ContextVar[list[weakref.ref[Client]] | None] = ContextVar("_made", default=None)


async def packet_in(source: Address, group: Address, interface: Interface | int, *, header: bytes = b"",
                    size: int = 0) -> host.Decision:
    """`host.packet_in`, which waits for the answers of the clients. A callback must not wait for it."""
    return await call(host.packet_in, source, group, interface, header=header, size=size)
