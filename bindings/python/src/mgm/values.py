"""The values that the functions take and return: addresses, interfaces, flows, MFEs."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from ._abi import DWORD, HOST_MASK
from ._library import c_text, call, number

PROTO_IP_OTHER, PROTO_IP_LOCAL, PROTO_IP_NETMGMT = 1, 2, 3
PROTO_IP_RIP, PROTO_IP_MSDP, PROTO_IP_IGMP, PROTO_IP_BGMP = 8, 9, 10, 11
PROTO_IP_OSPF, PROTO_IP_BGP = 13, 14

Address = IPv4Address | str
Network = IPv4Network | str


def dword(address: Address | None) -> int:
    """Converts an address to a DWORD in network byte order; None becomes 0."""
    if address is None:
        return 0
    return int.from_bytes(parsed(address).packed, sys.byteorder)


def parsed(address: Address) -> IPv4Address:
    # IPv4Address takes numbers, too, which here are indices of interfaces.
    if not isinstance(address, IPv4Address | str):
        raise TypeError(f"{address!r} is not an address: use a text or an IPv4Address")
    return IPv4Address(address)


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
    def by_name(name: str) -> Interface:
        """Returns the interface that has this name in the system. Raises NotFoundError if none has it."""
        index = DWORD()
        call("MgmHostInterfaceIndex", c_text(name.encode(), "a name"), ctypes.byref(index))
        return Interface(index.value)

    @property
    def name(self) -> str:
        """Its name in the system. Raises NotFoundError if it has none."""
        room = ctypes.create_string_buffer(64)
        call("MgmHostInterfaceName", self.index, ctypes.byref(DWORD(len(room))), room)
        return room.value.decode(errors="surrogateescape")

    @staticmethod
    def of(index: int, next_hop: int) -> Interface:
        return Interface(index, address_or_none(next_hop))

    def __str__(self) -> str:
        return f"{self.index}/{self.next_hop}" if self.next_hop else str(self.index)


def pair(interface: Interface | int) -> tuple[int, int]:
    if isinstance(interface, int):
        return number(interface, "the index of an interface"), 0
    if not isinstance(interface, Interface):
        raise TypeError(f"{interface!r} is not an interface: use its index, or an Interface")
    return interface.index, dword(interface.next_hop)


@dataclass(frozen=True)
class Flow:
    """The packets of a source to a group. Without a source it means any source; without
    source and group it means all groups."""

    source: IPv4Address | None = None
    group: IPv4Address | None = None

    def __init__(self, source: Address | None = None, group: Address | None = None) -> None:
        object.__setattr__(self, "source", None if source is None else parsed(source))
        object.__setattr__(self, "group", None if group is None else parsed(group))

    @staticmethod
    def of(source: int, group: int) -> Flow:
        return Flow(address_or_none(source), address_or_none(group))

    def __str__(self) -> str:
        return f"({self.source or '*'}, {self.group or '*'})"


def quadruple(flow: Flow | Address | None) -> tuple[int, int, int, int]:
    """Returns source, source mask, group and group mask as DWORDs. An address is a group."""
    if not isinstance(flow, Flow):
        flow = Flow(None, flow)
    s, g = dword(flow.source), dword(flow.group)
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
    too_large: int
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
    # Packets that were accepted while the MFE had no outgoing interface.
    negative: int
    # Packets sent on all present and former outgoing interfaces; 0 with the kernel forwarder.
    sent: int
    outgoing: tuple[OutgoingStats, ...]
