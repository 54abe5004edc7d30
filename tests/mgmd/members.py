"""Programs on hosts that join groups with setsockopt, and the streams that they receive."""

import contextlib
import socket
import struct

from lab import PORT, until

# Constants that Python's socket module lacks.
MCAST_JOIN_GROUP, MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE = 42, 43, 44
MCAST_LEAVE_GROUP, MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP = 45, 46, 47
SO_RCVBUFFORCE = 33


def _sockaddr(address):
    """Returns a struct sockaddr_storage."""
    return struct.pack("=HH4s120x", socket.AF_INET, 0, socket.inet_aton(address))


class Member:
    """A program on a host that receives a group: from all sources, or from those that are named."""

    def __init__(self, host, group, *sources, interface=None):
        self.host, self.group = host, group
        self._arrived = []
        self._index = host.index(interface or host.interface)
        self._socket = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 23)
        self._socket.bind((group, PORT))
        self._socket.setblocking(False)
        if not sources:
            self._set(MCAST_JOIN_GROUP)
        for source in sources:
            self._set(MCAST_JOIN_SOURCE_GROUP, source)

    def _set(self, option, source=None):
        request = struct.pack("=I4x", self._index) + _sockaddr(self.group)
        if source:
            request += _sockaddr(source)
        self._socket.setsockopt(socket.IPPROTO_IP, option, request)

    def join(self):
        self._set(MCAST_JOIN_GROUP)

    def leave(self):
        self._set(MCAST_LEAVE_GROUP)

    def leave_source(self, source):
        self._set(MCAST_LEAVE_SOURCE_GROUP, source)

    def block(self, source):
        self._set(MCAST_BLOCK_SOURCE, source)

    def unblock(self, source):
        self._set(MCAST_UNBLOCK_SOURCE, source)

    def close(self):
        """Ends the program: the kernel leaves for it."""
        self._socket.close()

    @property
    def arrived(self):
        """Returns (source, number) of each datagram so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                payload, (source, _) = self._socket.recvfrom(2048)
                self._arrived.append((source, struct.unpack("!I", payload[-4:])[0]))
        return self._arrived

    def numbers(self, source=None):
        return [number for sender, number in self.arrived if source in (None, sender)]

    def expect(self, count=1, source=None, timeout=5.0):
        """Waits until this many more datagrams have arrived."""
        goal = len(self.numbers(source)) + count
        what = f"{count} datagrams for {self.group} at {self.host.namespace}"
        until(lambda: len(self.numbers(source)) >= goal, what, timeout)

    def gaps(self, source=None, first=None):
        """Returns the numbers that are missing between the first one and the last, and those that
        came twice."""
        came = self.numbers(source)
        begin = came[0] if first is None else first
        missing = sorted(set(range(begin, came[-1] + 1)) - set(came))
        twice = sorted(number for number in set(came) if came.count(number) > 1) if (
            len(set(came)) < len(came)
        ) else []
        return missing, twice
