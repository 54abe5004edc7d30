"""A multicast router of a few lines, for tests of programs that work beside any router."""

import socket
import struct

MRT_INIT, MRT_ADD_VIF, MRT_ADD_MFC, MRT_TABLE = 200, 202, 204, 209
VIFF_USE_IFINDEX, VIFF_REGISTER = 8, 4
MAXVIFS = 32


class StaticRouter:
    """Holds a multicast routing table of a host, in this process. The interfaces of the table are
    the given ones, by number."""

    def __init__(self, host, *interfaces, table=0):
        self._host = host
        self._socket = host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        if table:
            self._set(MRT_TABLE, struct.pack("=I", table))
        self._set(MRT_INIT, struct.pack("=i", 1))
        self._numbers = {}
        for interface in interfaces:
            self._add(interface, VIFF_USE_IFINDEX, host.index(interface))

    def add_register(self):
        """Adds the interface to the routing daemon itself, as PIM has it."""
        self._add("register", VIFF_REGISTER, 0)

    def add(self, source, group, arrives_on, *sent_to, threshold=1):
        """Adds an entry."""
        numbers = [self._numbers[to] for to in sent_to]
        ttls = bytes(threshold if number in numbers else 0 for number in range(MAXVIFS))
        addresses = socket.inet_aton(source) + socket.inet_aton(group)
        parent = struct.pack("=H", self._numbers[arrives_on])
        self._set(MRT_ADD_MFC, addresses + parent + ttls + bytes(2 + 4 * 4))

    def close(self):
        self._socket.close()

    def _add(self, interface, flags, index):
        number = self._numbers[interface] = len(self._numbers)
        self._set(MRT_ADD_VIF, struct.pack("=HBBIi4x", number, flags, 1, 0, index))

    def _set(self, option, value):
        self._socket.setsockopt(socket.IPPROTO_IP, option, value)
