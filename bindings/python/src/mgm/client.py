"""A routing protocol, or IGMP, that is registered with MGM."""

from __future__ import annotations

import atexit
import ctypes
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

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
from ._library import call, code_of
from .errors import ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, InvalidParameterError, MgmError, NotFoundError, error
from .values import Address, Flow, Incoming, Interface, Outgoing, dword, pair, quadruple

# Who is registered, so that C never calls a function that Python has freed,
# even if nobody keeps the Client.
_registered: set[Client] = set()
# Functions of clients that left inside a callback, which may still be running.
_kept: list[Any] = []
_lock = threading.Lock()


class Client:
    """Registers a protocol, by its number (PROTO_IP_*) and a component of it.

    All callbacks are optional. They run on the thread of the call that causes them or on one
    of MGM's own, one at a time for each client; any function may be called in them, but not
    mgm.host.packet_in and mgm.host.stop, which would wait for them.

    rpf(flow, suggested: Incoming, header: bytes) -> Incoming | None
        A new flow from a source towards an interface of ours: how must it arrive? None agrees.
    creation_alert(flow, incoming: Interface, outgoing: list[Outgoing])
        A new MFE goes out by these of ours; set `enabled` to False where it shall not.
    prune_alert(flow, interface, nobody_else: bool, timeout: int | None) -> int | None
        True: nobody else wants it any more. False: our MFE has no outgoing interface left, and
        lives for `timeout` seconds (0: the default, 0xFFFFFFFF: for ever) or those returned.
    join_alert(flow, somebody_else: bool)
        True: somebody else wants it. False: our MFE has an outgoing interface again.
    wrong_if(flow, interface, header: bytes)
        A packet came in on our interface, which is not the incoming one.
    local_join(flow, interface), local_leave(flow, interface)
        IGMP has added, or deleted, a membership on our interface.
    disable_igmp(interface), enable_igmp(interface)
        To IGMP: the interface is about to change hands; it has.
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
    ) -> None:
        given = (rpf, creation_alert, prune_alert, join_alert, wrong_if, local_join, local_leave,
                 disable_igmp, enable_igmp)
        config = ROUTING_PROTOCOL_CONFIG()
        self._thunks: list[Any] = []
        for name, callback in zip(CALLBACKS, given, strict=True):
            if callback is not None:
                check(name, callback)
                self._thunks.append(thunk(name, callback))
                setattr(config, name, self._thunks[-1])
        self._handle = HANDLE()
        self._interfaces: set[tuple[int, int]] = set()
        call("MgmRegisterMProtocol", ctypes.byref(config), protocol, component, ctypes.byref(self._handle))
        with _lock:
            _registered.add(self)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Releases the interfaces that the client still has and deregisters it: no callback
        runs afterwards, or, if this is called in one of its own, that one is the last. A second time
        does nothing."""
        with _lock:
            if self not in _registered:
                return
        for index, hop in tuple(self._interfaces):
            try:
                self.release(Interface.of(index, hop))
            except MgmError:
                pass  # What matters is whether the next call succeeds.
        try:
            call("MgmDeRegisterMProtocol", self._handle)
        except InvalidParameterError:
            pass  # MGM was stopped: there is nobody left who could call.
        with _lock:
            _registered.discard(self)
            if inside_callback():
                _kept.extend(self._thunks)
        self._thunks = []

    def take(self, interface: Interface | int) -> None:
        """Makes the client the interface's owner; IGMP is enabled there instead."""
        call("MgmTakeInterfaceOwnership", self._handle, *pair(interface))
        self._interfaces.add(pair(interface))

    def release(self, interface: Interface | int) -> None:
        """Gives it back, with the client's memberships and the MFEs that come in there."""
        call("MgmReleaseInterfaceOwnership", self._handle, *pair(interface))
        self._interfaces.discard(pair(interface))

    def join(self, interface: Interface | int, group: Address | None = None, source: Address | None = None,
             *, forward_only: bool = False) -> None:
        """Says that packets are wanted there: of a source to a group, to a group, or all.
        `forward_only` changes the MFEs that are there now and records nothing."""
        self._membership("MgmAddGroupMembershipEntry", interface, group, source, forward_only)

    def leave(self, interface: Interface | int, group: Address | None = None, source: Address | None = None,
              *, forward_only: bool = False) -> None:
        """Says that they are wanted no more."""
        self._membership("MgmDeleteGroupMembershipEntry", interface, group, source, forward_only)

    def _membership(self, function: str, interface: Interface | int, group: Address | None,
                    source: Address | None, forward_only: bool) -> None:
        flags = FORWARD_STATE if forward_only else JOIN_STATE
        call(function, self._handle, *quadruple(source, group), *pair(interface), flags)

    def set_mfe(self, source: Address, group: Address, upstream: Address | None = None,
                incoming: int = 0) -> None:
        """Changes the upstream neighbour of an MFE that comes in by an interface of the
        client's, and that interface if another one is given."""
        mfe = MIB_IPMCAST_MFE(dwGroup=dword(group), dwSource=dword(source), dwUpStrmNgbr=dword(upstream),
                              dwInIfIndex=incoming)
        call("MgmSetMfe", self._handle, ctypes.byref(mfe))

    def groups(self, *, any_source: bool = False) -> Iterator[Flow]:
        """What anyone has joined; with `any_source` each group that was joined with a source."""
        handle = HANDLE()
        kind = ANY_SOURCE if any_source else ALL_SOURCES
        call("MgmGroupEnumerationStart", self._handle, kind, ctypes.byref(handle))
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
            # The end of the client ends its enumerations, too: no error then.
            code_of("MgmGroupEnumerationEnd", handle)


def owner_of(interface: Interface | int) -> tuple[int, int] | None:
    """Protocol and component of an interface's owner; None if nobody has it."""
    protocol, component = DWORD(), DWORD()
    try:
        call("MgmGetProtocolOnInterface", *pair(interface), ctypes.byref(protocol), ctypes.byref(component))
    except NotFoundError:
        return None
    return protocol.value, component.value


@atexit.register
def _leave_all() -> None:
    """Threads of MGM must not call into an interpreter that is gone."""
    for client in tuple(_registered):
        try:
            client.close()
        except MgmError:
            pass  # A forked child, which nobody calls.
