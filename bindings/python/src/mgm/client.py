"""A client: a registered routing protocol, or IGMP."""

from __future__ import annotations

import atexit
import ctypes
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext
from types import TracebackType
from typing import Any

from . import aio, remote
from ._abi import (
    ALL_SOURCES,
    ANY_SOURCE,
    CALLBACKS,
    DWORD,
    FORWARD_STATE,
    HANDLE,
    JOIN_STATE,
    MIB_IPMCAST_MFE,
    ROUTING_PROTOCOL_CONFIG,
    SOURCE_GROUP_ENTRY,
)
from ._callbacks import check, inside_callback, thunk
from ._library import call, code_of, error, number
from .errors import (
    ERROR_INVALID_PARAMETER,
    ERROR_MORE_DATA,
    ERROR_NO_MORE_ITEMS,
    ClosedError,
    InvalidParameterError,
    MgmError,
    NotFoundError,
)
from .alerts import Alert, Alerts, ending
from .values import Address, Flow, Incoming, Interface, Outgoing, dword, pair, quadruple

# The registered clients. They are kept here so that C never calls a freed function, even if
# the program does not keep the Client.
_registered: set[Client] = set()
# The functions of clients that deregistered inside a callback, which may still be running.
_kept: list[Any] = []
_lock = threading.Lock()


class Client:
    """Registers a protocol. `protocol` is its number (PROTO_IP_*), and `component`
    distinguishes clients of the same protocol.

    All callbacks are optional. They run on the thread of the call that causes them, or on a
    thread of the library, one at a time for each client. A callback may call all functions
    except mgm.host.packet_in, mgm.host.stop and mgm.host.serve_clients, which wait for callbacks.
    Nor may it wait for another thread or task that calls one of them, as mgm.aio.packet_in does.

    rpf(flow, suggested: Incoming, header: bytes) -> Incoming | None
        How must packets of the flow arrive? None agrees with `suggested`.
    creation_alert(flow, incoming: Interface, outgoing: list[Outgoing])
        May the flow be forwarded out of these interfaces of the client? Set `enabled` to
        False where it may not.
    prune_alert(flow, interface, nobody_else: bool, timeout: int | None) -> int | None
        If `nobody_else` is True, no other client wants the packets any longer. If it is False,
        an MFE whose incoming interface the client owns has no outgoing interface. The callback
        returns the lifetime of the MFE in seconds (0: the default, 0xFFFFFFFF: it never
        expires), or None for `timeout`.
    join_alert(flow, somebody_else: bool)
        If `somebody_else` is True, another client wants the packets. If it is False, the MFE of
        the flow has an outgoing interface again; or the client now owns its incoming interface;
        or another client forwards a flow without an MFE whose source is towards this client.
    wrong_if(flow, interface, header: bytes)
        A packet arrived on an interface of the client that is not its incoming interface.
    local_join(flow, interface), local_leave(flow, interface)
        IGMP has added, or deleted, a membership on an interface of the client.
    disable_igmp(interface), enable_igmp(interface)
        For IGMP: the owner of the interface is about to change, or has changed; or the system
        has lost the interface, or has it again.

    With `alerts`, the alerts for which there is no callback wait for `alerts()`, which also gives a
    program with asyncio `async with`.
    """

    def __init__(
        self,
        protocol: int,
        component: int = 0,
        *,
        rpf: Callable[[Flow, Incoming, bytes], Incoming | None] | None = None,
        creation_alert: Callable[[Flow, Interface, list[Outgoing]], object] | None = None,
        prune_alert: Callable[[Flow, Interface, bool, int | None], int | None] | None = None,
        join_alert: Callable[[Flow, bool], object] | None = None,
        wrong_if: Callable[[Flow, Interface, bytes], object] | None = None,
        local_join: Callable[[Flow, Interface], object] | None = None,
        local_leave: Callable[[Flow, Interface], object] | None = None,
        disable_igmp: Callable[[Interface], object] | None = None,
        enable_igmp: Callable[[Interface], object] | None = None,
        alerts: bool = False,
    ) -> None:
        given = (rpf, creation_alert, prune_alert, join_alert, wrong_if, local_join, local_leave,
                 disable_igmp, enable_igmp)
        self.protocol, self.component = number(protocol, "protocol"), number(component, "component")
        self._is_closed = False
        self._alerts = Alerts() if alerts else None
        others = self._alerts.callbacks() if self._alerts else {}
        config = ROUTING_PROTOCOL_CONFIG()
        self._thunks: list[Any] = []
        for name, own in zip(CALLBACKS, given, strict=True):
            callback = own if own is not None else others.get(name)
            if callback is not None:
                check(name, callback)
                self._thunks.append(thunk(name, callback))
                setattr(config, name, self._thunks[-1])
        if alerts:
            remote._watch_router()
        self._handle = HANDLE()
        self._interfaces: set[tuple[int, int]] = set()
        call("MgmRegisterMProtocol", ctypes.byref(config), protocol, component, ctypes.byref(self._handle))
        with _lock:
            _registered.add(self)
        if self._alerts is not None:
            self._alerts.registered(self._handle, remote._is_invalid)
        aio.registered(self)

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else f"interfaces={[str(Interface.of(*i)) for i in sorted(self._interfaces)]}"
        return f"<mgm.Client protocol={self.protocol} component={self.component} {state}>"

    def __enter__(self) -> Client:
        return self

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: BaseException | None,
                        trace: TracebackType | None) -> None:
        await aio.call(self.close)

    def alerts(self) -> AsyncIterator[Alert]:
        """Returns the alerts, for one task: `async for alert in client.alerts()`. It ends when the client is
        closed, the library is stopped, or the router of this client process is lost. The client must be
        registered with `alerts=True`."""
        if self._alerts is None:
            raise TypeError(f"{self!r} has no alerts: register it with alerts=True")
        return self._alerts

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Releases the interfaces of the client and deregisters it. No callback of the client
        runs afterwards; inside one of its own callbacks, that callback is the last one. A
        second call does nothing."""
        with _lock:
            if self not in _registered:
                return
        # A callback that waits for the reader of the alerts would wait for ever.
        with ending(self._alerts) if self._alerts is not None else nullcontext():
            for index, hop in tuple(self._interfaces):
                try:
                    self.release(Interface.of(index, hop))
                except MgmError:
                    pass  # The deregistration fails if an interface is still owned.
            try:
                call("MgmDeRegisterMProtocol", self._handle)
            except InvalidParameterError:
                pass  # The library was stopped: no callback runs any more.
        with _lock:
            _registered.discard(self)
            self._is_closed = True
            if inside_callback():
                _kept.extend(self._thunks)
        self._thunks = []

    def take(self, interface: Interface | int) -> None:
        """Makes the client the owner of the interface, or enables IGMP on it."""
        call("MgmTakeInterfaceOwnership", self._open("MgmTakeInterfaceOwnership"), *pair(interface))
        self._interfaces.add(pair(interface))

    def grace_done(self) -> None:
        """The client has taken and added again what it wants of the state of its predecessor, a client
        with the same ids in a process that has ended. The rest is deleted. See `remote.set_grace`."""
        call("MgmHostGraceDone", self._open("MgmHostGraceDone"))

    def release(self, interface: Interface | int) -> None:
        """Releases the interface. The client's memberships there and the MFEs with this incoming
        interface are deleted."""
        call("MgmReleaseInterfaceOwnership", self._open("MgmReleaseInterfaceOwnership"), *pair(interface))
        self._interfaces.discard(pair(interface))

    def join(self, interface: Interface | int, flow: Flow | Address | None = None,
             *, forward_only: bool = False) -> None:
        """Adds a membership. An address is a group, from any source; `Flow(source, group)` has a source;
        None means all groups. With `forward_only` it only changes the MFEs that exist now and records
        nothing."""
        self._membership("MgmAddGroupMembershipEntry", interface, flow, forward_only)

    def leave(self, interface: Interface | int, flow: Flow | Address | None = None,
              *, forward_only: bool = False) -> None:
        """Deletes a membership; the parameters are those of `join`."""
        self._membership("MgmDeleteGroupMembershipEntry", interface, flow, forward_only)

    def _membership(self, function: str, interface: Interface | int, flow: Flow | Address | None,
                    forward_only: bool) -> None:
        flags = FORWARD_STATE if forward_only else JOIN_STATE
        call(function, self._open(function), *quadruple(flow), *pair(interface), flags)

    def _open(self, function: str) -> Any:
        if self._is_closed:
            raise ClosedError(function, ERROR_INVALID_PARAMETER, f"{self!r} is closed")
        return self._handle

    def set_mfe(self, source: Address, group: Address, upstream: Address | None = None,
                incoming: int = 0) -> None:
        """Changes the upstream neighbour of an MFE whose incoming interface the client owns. If
        `incoming` is another interface of the client, it becomes the incoming interface."""
        mfe = MIB_IPMCAST_MFE(dwGroup=dword(group), dwSource=dword(source), dwUpStrmNgbr=dword(upstream),
                              dwInIfIndex=number(incoming, "incoming"))
        call("MgmSetMfe", self._open("MgmSetMfe"), ctypes.byref(mfe))

    def groups(self, *, any_source: bool = False) -> Iterator[Flow]:
        """Returns the memberships of all clients, without their interfaces. With `any_source` it
        returns each group for which there is a membership with a source."""
        handle = HANDLE()
        kind = ANY_SOURCE if any_source else ALL_SOURCES
        call("MgmGroupEnumerationStart", self._open("MgmGroupEnumerationStart"), kind, ctypes.byref(handle))
        try:
            code, entries = ERROR_MORE_DATA, (SOURCE_GROUP_ENTRY * 256)()
            while code == ERROR_MORE_DATA:
                size, count = DWORD(ctypes.sizeof(entries)), DWORD()
                code = code_of("MgmGroupEnumerationGetNext", handle, ctypes.byref(size), entries,
                               ctypes.byref(count))
                if code not in (ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS):
                    raise error("MgmGroupEnumerationGetNext", code)
                for entry in entries[: count.value]:
                    yield Flow.of(entry.dwSourceAddr, entry.dwGroupAddr)
        finally:
            # The enumeration may already be closed, because its client was deregistered.
            code_of("MgmGroupEnumerationEnd", handle)


def owner_of(interface: Interface | int) -> tuple[int, int] | None:
    """Returns protocol and component of the owner of an interface, or None if it has none."""
    protocol, component = DWORD(), DWORD()
    try:
        call("MgmGetProtocolOnInterface", *pair(interface), ctypes.byref(protocol), ctypes.byref(component))
    except NotFoundError:
        return None
    return protocol.value, component.value


@atexit.register
def _leave_all() -> None:
    """Deregisters all clients, so that no thread of the library calls an interpreter that has ended."""
    for client in tuple(_registered):
        try:
            client.close()
        except MgmError:
            pass  # This is a forked child, in which no callback runs.
