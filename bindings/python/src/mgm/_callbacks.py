"""Converts the arguments of C callbacks for Python callbacks, and the answers back."""

from __future__ import annotations

import ctypes
import inspect
import threading
from collections.abc import Callable
from typing import Any

from ._abi import CALLBACKS
from .errors import NO_ERROR
from .values import Flow, Incoming, Interface, Outgoing, address_or_none, dword, pair

# The parameters of each Python callback, for the message about a callback with other ones.
PARAMETERS = {
    "rpf": ("flow", "suggested", "header"),
    "creation_alert": ("flow", "incoming", "outgoing"),
    "prune_alert": ("flow", "interface", "nobody_else", "timeout"),
    "join_alert": ("flow", "somebody_else"),
    "wrong_if": ("flow", "interface", "header"),
    "local_join": ("flow", "interface"),
    "local_leave": ("flow", "interface"),
    "disable_igmp": ("interface",),
    "enable_igmp": ("interface",),
}

_inside = threading.local()


def inside_callback() -> bool:
    """Returns whether this thread is running a callback."""
    return getattr(_inside, "depth", 0) > 0


def check(name: str, callback: Any) -> None:
    """Raises TypeError if a callback cannot be called with its arguments."""
    expected = ", ".join(PARAMETERS[name])
    if not callable(callback):
        raise TypeError(f"{name} must be a function of ({expected}), not {callback!r}")
    if inspect.iscoroutinefunction(callback):
        raise TypeError(f"{name} must not be async: the library waits for its answer")
    try:
        signature = inspect.signature(callback)
    except ValueError:
        return  # Some functions written in C have no signature.
    try:
        signature.bind(*PARAMETERS[name])
    except TypeError:
        raise TypeError(f"{name} is called with ({expected}), but {callback!r} has the parameters {signature}") from None


def thunk(name: str, callback: Callable[..., Any]) -> Any:
    """Returns a C function that calls the callback. Keep it as long as C may call it."""
    convert: Callable[..., None] = _CONVERTERS[name]

    def called(*arguments: Any) -> int:
        _inside.depth = getattr(_inside, "depth", 0) + 1
        try:
            convert(callback, *arguments)
        finally:
            _inside.depth -= 1
        return NO_ERROR

    return CALLBACKS[name](called)


def _rpf(callback: Any, s: int, _sm: int, g: int, _gm: int, index: Any, hop: Any, upstream: Any, size: int,
         header: int | None, _route: Any) -> None:
    suggested = Incoming(Interface.of(index[0], hop[0]), address_or_none(upstream[0]))
    answer = callback(Flow.of(s, g), suggested, _bytes(header, size))
    if answer is None:
        return
    if not isinstance(answer, Incoming):
        raise TypeError(f"rpf must return an Incoming or None, not {answer!r}")
    index[0], hop[0] = pair(answer.interface)
    upstream[0] = dword(answer.upstream)


def _creation_alert(callback: Any, s: int, _sm: int, g: int, _gm: int, index: int, hop: int, count: int,
                    entries: Any) -> None:
    outgoing = [
        Outgoing(Interface.of(e.dwIfIndex, e.dwIfNextHopAddr), bool(e.bIGMP), bool(e.bIsEnabled))
        for e in entries[:count]
    ]
    callback(Flow.of(s, g), Interface.of(index, hop), list(outgoing))
    for i, each in enumerate(outgoing):
        entries[i].bIsEnabled = bool(each.enabled)


def _prune_alert(callback: Any, s: int, _sm: int, g: int, _gm: int, index: int, hop: int, member: int,
                 timeout: Any) -> None:
    # With bMemberDelete TRUE the library ignores the lifetime.
    life = None if member else int(timeout[0])
    answer = callback(Flow.of(s, g), Interface.of(index, hop), bool(member), life)
    if answer is None or member:
        return
    if not isinstance(answer, int) or not 0 <= answer <= 0xFFFFFFFF:
        raise TypeError(f"prune_alert must return a number of seconds or None, not {answer!r}")
    timeout[0] = answer


def _join_alert(callback: Any, s: int, _sm: int, g: int, _gm: int, member: int) -> None:
    callback(Flow.of(s, g), bool(member))


def _wrong_if(callback: Any, s: int, g: int, index: int, hop: int, size: int, header: int | None) -> None:
    callback(Flow.of(s, g), Interface.of(index, hop), _bytes(header, size))


def _local(callback: Any, s: int, _sm: int, g: int, _gm: int, index: int, hop: int) -> None:
    callback(Flow.of(s, g), Interface.of(index, hop))


def _igmp(callback: Any, index: int, hop: int) -> None:
    callback(Interface.of(index, hop))


def _bytes(at: int | None, size: int) -> bytes:
    return ctypes.string_at(at, size) if at else b""


_CONVERTERS: dict[str, Any] = {
    "rpf": _rpf,
    "creation_alert": _creation_alert,
    "prune_alert": _prune_alert,
    "join_alert": _join_alert,
    "wrong_if": _wrong_if,
    "local_join": _local,
    "local_leave": _local,
    "disable_igmp": _igmp,
    "enable_igmp": _igmp,
}
