"""The alerts of a client, for asyncio: `async for alert in client.alerts()`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from .values import Flow, Interface

Kind = Literal["prune_alert", "join_alert", "wrong_if", "local_join", "local_leave", "disable_igmp", "enable_igmp"]

# How long after its registration a client is asked whether it belongs to a router that is lost, in seconds.
RECENT = 60.0
# As many alerts as the library itself keeps for a client that does not take them.
LIMIT = 1024


@dataclass(frozen=True)
class Alert:
    """One call of a callback. `kind` is the name of the callback; what it does not have is None.
    `other` is `nobody_else` of prune_alert, or `somebody_else` of join_alert."""

    kind: Kind
    flow: Flow | None = None
    interface: Interface | None = None
    other: bool | None = None
    header: bytes | None = None


def close_lost(is_lost: Callable[[Any], bool]) -> None:
    """Ends the iterations of the clients whose router is lost. `is_lost` tells it from a handle.

    The program may have connected to another router before it is told of the loss. Only clients registered in the
    last 60 s are checked: checking an invalid handle writes a line to the log. The iterations of all older clients end
    without a check."""
    for alerts in _every():
        alerts.lose(is_lost)


@contextlib.contextmanager
def ending(*given: Alerts) -> Iterator[None]:
    """For a block that ends these clients, or all if none is given. No thread of the library waits for a
    reader inside the block. Then the iterations end, unless the block fails."""
    alerts = given or _every()
    for each in alerts:
        each.let_threads_go(+1)
    try:
        yield
        for each in alerts:
            each.close()
    finally:
        for each in alerts:
            each.let_threads_go(-1)


class Alerts:
    """Alerts that wait for their reader. Callbacks put them in on any thread; one task reads them."""

    def __init__(self) -> None:
        self._waiting: deque[Alert] = deque()
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._is_closed = False
        # The handle of the client, and since when it is registered; None until then.
        self._handle: Any = None
        self._begin = 0.0
        # Whether a router was lost while the client registered. It may be the router of the client.
        self._is_doubtful = False
        # How many calls are ending the client, and may wait for the thread of a callback.
        self._ending = 0
        # Last, because other threads may use it from now on.
        with _all_lock:
            _all.add(self)

    def registered(self, handle: Any, is_lost: Callable[[Any], bool]) -> None:
        """The client has this handle."""
        with self._changed:
            self._handle, self._begin = handle, time.monotonic()
            is_doubtful = self._is_doubtful
        if is_doubtful and is_lost(handle):
            self.close()

    def lose(self, is_lost: Callable[[Any], bool]) -> None:
        """A router is lost. Ends the iteration if it is that of the client."""
        with self._changed:
            if self._handle is None:
                self._is_doubtful = True
                return
        if time.monotonic() - self._begin >= RECENT or is_lost(self._handle):
            self.close()

    def put(self, alert: Alert) -> None:
        with self._changed:
            # A thread of the library waits for the reader, so that the library sees a slow client. A
            # thread of the program may be the one that the reader needs.
            if isinstance(threading.current_thread(), threading._DummyThread):
                self._changed.wait_for(lambda: self._is_closed or self._ending or len(self._waiting) < LIMIT)
            if self._is_closed:
                return
            self._waiting.append(alert)
            self._tell()

    def close(self) -> None:
        """Ends the iteration when the alerts that wait have been read."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            self._tell()

    def let_threads_go(self, change: int) -> None:
        """Counts the calls that are ending the client. Meanwhile no thread waits for the reader."""
        with self._changed:
            self._ending += change
            self._changed.notify_all()

    def _tell(self) -> None:
        if self._loop is not None and self._wake is not None and not self._loop.is_closed():
            # Another thread may close the loop meanwhile. Then nobody waits for the alert.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake.set)

    def __aiter__(self) -> Alerts:
        loop = asyncio.get_running_loop()
        with self._changed:
            if self._loop is not None and self._loop is not loop and not self._loop.is_closed():
                raise RuntimeError("the alerts of this client are read in another event loop")
            self._loop, self._wake = loop, asyncio.Event()
        return self

    async def __anext__(self) -> Alert:
        wake = self._wake
        assert wake is not None, "__aiter__ comes first"
        while True:
            with self._changed:
                if self._waiting:
                    self._changed.notify()
                    return self._waiting.popleft()
                if self._is_closed:
                    raise StopAsyncIteration
                wake.clear()
            await wake.wait()

    def callbacks(self) -> dict[str, Callable[..., Any]]:
        """Returns a callback for each kind of alert. None of them answers anything but the default."""
        put = self.put
        return {
            "prune_alert": lambda flow, interface, nobody_else, timeout: put(
                Alert("prune_alert", flow, interface, nobody_else)
            ),
            "join_alert": lambda flow, somebody_else: put(Alert("join_alert", flow, other=somebody_else)),
            "wrong_if": lambda flow, interface, header: put(Alert("wrong_if", flow, interface, header=header)),
            "local_join": lambda flow, interface: put(Alert("local_join", flow, interface)),
            "local_leave": lambda flow, interface: put(Alert("local_leave", flow, interface)),
            "disable_igmp": lambda interface: put(Alert("disable_igmp", interface=interface)),
            "enable_igmp": lambda interface: put(Alert("enable_igmp", interface=interface)),
        }


def _every() -> tuple[Alerts, ...]:
    with _all_lock:
        while True:
            # A signal handler that runs meanwhile may add one.
            with contextlib.suppress(RuntimeError):
                return tuple(_all)


_all: weakref.WeakSet[Alerts] = weakref.WeakSet()
# An addition during an iteration makes the iteration fail. A signal handler may use the list inside `_every`, so the
# same thread may take the lock again.
_all_lock = threading.RLock()
