"""The links of the guest, with a host on each, and the streams between the hosts.

The router is the guest itself. Its interfaces and addresses are those of README.md. As a program,
this makes the links.
"""

import errno
import pathlib
import socket
import struct
import threading
import time

from lab import PORT, Host, ip

GROUPS = [f"239.1.1.{n}" for n in range(1, 9)]
# Between two datagrams of a group.
PERIOD = 0.05
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
SOURCE, RECEIVER = "10.1.0.11", "10.2.0.11"


def make_links():
    for number, (name, address) in enumerate((("source", SOURCE), ("receiver", RECEIVER))):
        ip(f"netns add {name}")
        ip(f"link add eth{number} type veth peer name eth0 netns {name}")
        ip(f"addr add {address[:-2]}100/24 dev eth{number}", f"link set eth{number} up")
        ip(f"addr add {address}/24 dev eth0", "link set lo up", "link set eth0 up", namespace=name)
        ip(f"route add default via {address[:-2]}100", namespace=name)


class Bed:
    """The hosts. Makes the links, if they are not there."""

    def __init__(self):
        if not pathlib.Path("/run/netns/receiver").exists():
            make_links()
        self.source, self.receiver = Host("source"), Host("receiver")
        for host, address in ((self.source, SOURCE), (self.receiver, RECEIVER)):
            host.interface, host.address = "eth0", address


class Streams:
    """A thread that sends to each of the groups from the source."""

    def __init__(self, bed, groups=GROUPS):
        self.groups = groups
        self._socket = bed.source.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 16)
        self._socket.setsockopt(
            socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(SOURCE)
        )
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            for group in self.groups:
                self._socket.sendto(b"stream", (group, PORT))
            time.sleep(PERIOD)


class Member:
    """A socket of the receiver that has joined a group. `arrivals` are the times of its datagrams."""

    def __init__(self, bed, group):
        self.group, self.arrivals = group, []
        self._socket = bed.receiver.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind((group, PORT))
        self._socket.setblocking(False)
        words = socket.inet_aton(group) + socket.inet_aton(RECEIVER)
        self.joined = time.time()
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, words)

    def read(self):
        """Reads what has arrived, with the times at which the kernel got it."""
        while True:
            try:
                _, ancillary, _, _ = self._socket.recvmsg(64, 64)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    return self.arrivals
                raise
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            self.arrivals.append(seconds + nanoseconds / 1e9)

    def gap(self, begin):
        """Returns the longest time without a datagram from `begin` until now."""
        times = [begin, *(when for when in self.read() if when > begin), time.time()]
        return max(later - former for former, later in zip(times, times[1:]))

    def served(self, begin):
        """Returns the time from `begin` to the first datagram after it, or None."""
        return next((when - begin for when in self.read() if when > begin), None)

if __name__ == "__main__":
    make_links()
