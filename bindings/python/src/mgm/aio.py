"""Calls of the library for asyncio. Each runs on another thread, so that the event loop goes on.

A callback must answer at once, so it is an ordinary function, also in a program with asyncio. Alerts
that need no answer come from `Client.alerts`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from . import host
from .values import Address, Interface

P = ParamSpec("P")
R = TypeVar("R")


async def call(function: Callable[P, R], /, *arguments: P.args, **named: P.kwargs) -> R:
    """Calls a function of this package that may wait for callbacks, such as `client.join`, on another thread."""
    return await asyncio.to_thread(function, *arguments, **named)


async def packet_in(source: Address, group: Address, interface: Interface | int, *, header: bytes = b"",
                    size: int = 0) -> host.Decision:
    """`host.packet_in`, which waits for the answers of the clients. A callback must not wait for it."""
    return await call(host.packet_in, source, group, interface, header=header, size=size)
