"""Reads the forwarding table."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

from ._abi import (
    DWORD,
    MFE_STATS_1,
    MIB_IPMCAST_MFE,
    MIB_IPMCAST_MFE_STATS_EX,
    MIB_IPMCAST_OIF,
    MIB_IPMCAST_OIF_STATS,
)
from ._library import code_of, error
from .errors import ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, NO_ERROR
from .values import Address, Interface, Mfe, MfeStats, OutgoingStats, address, address_or_none, dword

NEVER = 0xFFFFFFFF
BUFFER = 65536
# The structures include one outgoing interface, but an entry may have none.
SPARE = ctypes.sizeof(MIB_IPMCAST_OIF_STATS)


def get_mfe(source: Address, group: Address) -> Mfe:
    """Returns the MFE of a flow. Raises NotFoundError if there is none."""
    raw = _one("MgmGetMfe", source, group)
    return _mfe(raw, 0)[0]


def get_mfe_stats(source: Address, group: Address) -> MfeStats:
    """Returns the counters of the MFE of a flow. Raises NotFoundError if there is none."""
    raw = _one("MgmGetMfeStats", source, group, MFE_STATS_1)
    return _stats(raw, 0)[0]


def mfes() -> Iterator[Mfe]:
    """Returns all MFEs, in ascending order of group, then of source."""
    return _walk("MgmGetFirstMfe", "MgmGetNextMfe", _mfe)


def mfe_stats() -> Iterator[MfeStats]:
    """Returns the counters of all MFEs, in ascending order of group, then of source."""
    return _walk("MgmGetFirstMfeStats", "MgmGetNextMfeStats", _stats, MFE_STATS_1)


def _one(function: str, source: Address, group: Address, *flags: int) -> Any:
    key = MIB_IPMCAST_MFE(dwGroup=dword(group), dwSource=dword(source))
    size = DWORD(1024)
    while True:
        buffer = ctypes.create_string_buffer(size.value + SPARE)
        code = code_of(function, ctypes.byref(key), ctypes.byref(size), buffer, *flags)
        if code == NO_ERROR:
            return buffer
        if code != ERROR_INSUFFICIENT_BUFFER:
            raise error(function, code)


def _walk(first: str, later: str, parse: Any, *flags: int) -> Iterator[Any]:
    function, start = first, ()
    room = BUFFER
    while True:
        buffer, size, count = ctypes.create_string_buffer(room + SPARE), DWORD(room), DWORD()
        code = code_of(function, *start, ctypes.byref(size), buffer, ctypes.byref(count), *flags)
        if code == ERROR_INSUFFICIENT_BUFFER:
            room = size.value
            continue
        if code not in (ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS):
            raise error(function, code)
        at, last = 0, None
        for _ in range(count.value):
            last, at = parse(buffer, at)
            yield last
        if code == ERROR_NO_MORE_ITEMS or last is None:
            return
        key = MIB_IPMCAST_MFE(dwGroup=dword(last.group), dwSource=dword(last.source))
        function, start = later, (ctypes.byref(key),)  # type: ignore[assignment]


def _mfe(buffer: Any, at: int) -> tuple[Mfe, int]:
    raw = MIB_IPMCAST_MFE.from_buffer(buffer, at)
    first = at + MIB_IPMCAST_MFE.rgmioOutInfo.offset
    oifs = (MIB_IPMCAST_OIF * raw.ulNumOutIf).from_buffer(buffer, first)
    mfe = Mfe(
        source=address(raw.dwSource),
        group=address(raw.dwGroup),
        incoming=raw.dwInIfIndex,
        upstream=address_or_none(raw.dwUpStrmNgbr),
        protocol=raw.dwInIfProtocol,
        route=IPv4Network((address(raw.dwRouteNetwork), str(address(raw.dwRouteMask))), strict=False),
        route_protocol=raw.dwRouteProtocol,
        up_time=raw.ulUpTime,
        expires_in=_seconds(raw.ulExpiryTime),
        timeout=_seconds(raw.ulTimeOut),
        outgoing=tuple(Interface.of(oif.dwOutIfIndex, oif.dwNextHopAddr) for oif in oifs),
    )
    return mfe, first + ctypes.sizeof(oifs)


def _stats(buffer: Any, at: int) -> tuple[MfeStats, int]:
    raw = MIB_IPMCAST_MFE_STATS_EX.from_buffer(buffer, at)
    first = at + MIB_IPMCAST_MFE_STATS_EX.rgmiosOutStats.offset
    oifs = (MIB_IPMCAST_OIF_STATS * raw.ulNumOutIf).from_buffer(buffer, first)
    stats = MfeStats(
        source=address(raw.dwSource),
        group=address(raw.dwGroup),
        incoming=raw.dwInIfIndex,
        packets=raw.ulInPkts,
        octets=raw.ulInOctets,
        wrong_interface=raw.ulPktsDifferentIf,
        negative=raw.ulNegativeMfe,
        sent=raw.ulTotalOutPackets,
        outgoing=tuple(
            OutgoingStats(
                interface=Interface.of(o.dwOutIfIndex, o.dwNextHopAddr),
                packets=o.ulOutPackets,
                ttl_too_low=o.ulTtlTooLow,
                too_large=o.ulFragNeeded,
                discards=o.ulOutDiscards,
            )
            for o in oifs
        ),
    )
    return stats, first + ctypes.sizeof(oifs)


def _seconds(value: int) -> int | None:
    return None if value == NEVER else value
