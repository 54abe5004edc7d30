"""The values that the functions take and return: addresses, interfaces, flows, MFEs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from ._abi import HOST_MASK

PROTO_IP_OTHER, PROTO_IP_LOCAL, PROTO_IP_NETMGMT = 1, 2, 3
PROTO_IP_RIP, PROTO_IP_MSDP, PROTO_IP_IGMP, PROTO_IP_BGMP = 8, 9, 10, 11
PROTO_IP_OSPF, PROTO_IP_BGP = 13, 14

Address = IPv4Address | str
Network = IPv4Network | str


def dword(address: Address | None) -> int:
    """Converts an address to a DWORD in network byte order; None becomes 0."""
    if address is None:
        return 0
    return int.from_bytes(IPv4Address(address).packed, sys.byteorder)


def address(value: int) -> IPv4Address:
    return IPv4Address(value.to_bytes(4, sys.byteorder))


def address_or_none(value: int) -> IPv4Address | None:
    return address(value) if value else None


def prefix(network: Network) -> tuple[int, int]:
    """Returns the address and the mask of a network as DWORDs."""
    network = IPv4Network(network)
    return dword(network.network_address), dword(network.netmask)


@dataclass(frozen=True)
class Interface:
    """An interface: its index, and on point-to-multipoint links its next hop."""

    index: int
    next_hop: IPv4Address | None = None

    @staticmethod
    def of(index: int, next_hop: int) -> Interface:
        return Interface(index, address_or_none(next_hop))

    def __str__(self) -> str:
        return f"{self.index}/{self.next_hop}" if self.next_hop else str(self.index)


def pair(interface: Interface | int) -> tuple[int, int]:
    if isinstance(interface, int):
        return interface, 0
    return interface.index, dword(interface.next_hop)


@dataclass(frozen=True)
class Flow:
    """The packets of a source to a group. Without a source it means any source; without
    source and group it means all groups."""

    source: IPv4Address | None = None
    group: IPv4Address | None = None

    @staticmethod
    def of(source: int, group: int) -> Flow:
        return Flow(address_or_none(source), address_or_none(group))

    def __str__(self) -> str:
        return f"({self.source or '*'}, {self.group or '*'})"


def quadruple(source: Address | None, group: Address | None) -> tuple[int, int, int, int]:
    """Returns source, source mask, group and group mask as DWORDs."""
    s, g = dword(source), dword(group)
    return s, HOST_MASK if s else 0, g, HOST_MASK if g else 0


@dataclass(frozen=True)
class Incoming:
    """How packets of a source must arrive: the incoming interface and the upstream neighbour."""

    interface: Interface
    upstream: IPv4Address | None = None


@dataclass
class Outgoing:
    """An outgoing interface of an MFE. Set `enabled` to False if the flow must not be
    forwarded out of it. `igmp` is True if IGMP is enabled on it."""

    interface: Interface
    igmp: bool
    enabled: bool = True


@dataclass(frozen=True)
class Mfe:
    """A multicast forwarding entry. Times are in seconds. A `timeout` of None means that the
    MFE never expires."""

    source: IPv4Address
    group: IPv4Address
    incoming: int
    upstream: IPv4Address | None
    protocol: int
    route: IPv4Network
    route_protocol: int
    up_time: int
    expires_in: int | None
    timeout: int | None
    outgoing: tuple[Interface, ...]


@dataclass(frozen=True)
class OutgoingStats:
    interface: Interface
    packets: int
    ttl_too_low: int
    discards: int


@dataclass(frozen=True)
class MfeStats:
    """The counters of an MFE, of 32 bits each."""

    source: IPv4Address
    group: IPv4Address
    incoming: int
    packets: int
    octets: int
    wrong_interface: int
    outgoing: tuple[OutgoingStats, ...]
