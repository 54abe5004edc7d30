"""Calls of the library for asyncio. Each runs on another thread, so that the event loop goes on.

A callback must answer at once, so it is an ordinary function, also in a program with asyncio. Alerts
that need no answer come from `Client.alerts`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

from . import host
from .errors import MgmError
from .values import Address, Interface

P = ParamSpec("P")
R = TypeVar("R")


async def call(function: Callable[P, R], /, *arguments: P.args, **named: P.kwargs) -> R:
    """Calls a function of this package that may wait for callbacks, such as `client.join`, on another thread. If the
    task is cancelled meanwhile, the call goes on; a client that it then registers is closed."""
    made = _Call(lambda: function(*arguments, **named))
    try:
        return await asyncio.to_thread(made.run)
    except asyncio.CancelledError:
        made.abandon()
        raise


class _Call(Generic[R]):
    """A call on another thread, for whose result perhaps nobody waits any longer."""

    def __init__(self, function: Callable[[], R]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._is_abandoned = False
        self._results: list[R] = []

    def run(self) -> R:
        result = self._function()
        with self._lock:
            self._results.append(result)
            is_abandoned = self._is_abandoned
        if is_abandoned:
            _close(result)
        return result

    def abandon(self) -> None:
        with self._lock:
            self._is_abandoned = True
            results = tuple(self._results)
        for result in results:
            # Not here, because the close of a client may wait for the event loop.
            threading.Thread(target=_close, args=(result,)).start()


def _close(result: object) -> None:
    """Closes a client; leaves other results alone."""
    close = getattr(result, "close", None)
    if close is not None:
        # This is what the program could not do either, for example because the library is being stopped.
        with contextlib.suppress(MgmError):
            close()


async def packet_in(source: Address, group: Address, interface: Interface | int, *, header: bytes = b"",
                    size: int = 0) -> host.Decision:
    """`host.packet_in`, which waits for the answers of the clients. A callback must not wait for it."""
    return await call(host.packet_in, source, group, interface, header=header, size=size)
