"""Streams, floods of flows, and links that are not Ethernet."""

import contextlib
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import time

from lab import ETH_P_IP, PACKET_OUTGOING, ip, setns
from router import Router

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


class Stream:
    """Sends a datagram every few milliseconds, on a thread, until it is stopped. It can change to
    another emitter, like a source that moves."""

    def __init__(self, emitter, period=0.005):
        self.emitter = emitter
        self._period = period
        self._ended = threading.Event()
        self._error = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._ended.wait(self._period):
                self.emitter.send()
        except OSError as error:
            self._error = error

    def stop(self):
        self._ended.set()
        self._thread.join()
        if self._error:
            raise self._error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Flows:
    """Records source and group of each datagram that arrives at a host, whether it has joined or
    not."""

    def __init__(self, host, interface=None):
        self._seen = []
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)  # SO_RCVBUFFORCE
        with host.inside():
            self._socket.bind((interface or host.interface, ETH_P_IP))
        self._socket.setblocking(False)

    @property
    def seen(self):
        """Returns all flows so far, in order of arrival."""
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, (_, _, kind, *_) = self._socket.recvfrom(2048)
                if packet[9] == socket.IPPROTO_UDP and kind != PACKET_OUTGOING:
                    addresses = packet[12:16], packet[16:20]
                    self._seen.append(tuple(socket.inet_ntoa(each) for each in addresses))
        return self._seen

    def clear(self):
        """Deletes the records."""
        self.seen.clear()


@contextlib.contextmanager
def flood(host, source, sources, group, groups=1, rate=0, rounds=1):
    """Sends datagrams of this many flows from a host, until the block ends (see burst.c)."""
    words = [Router.build.directory / "burst", host.interface, source, sources, group, groups]
    program = subprocess.Popen(
        [str(word) for word in (*words, rate, rounds)],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: setns(host.descriptor),
    )
    try:
        yield program
    finally:
        program.kill()
        program.wait()


def open_tun(host, name):
    """Opens a tun device of a host, which is made if it does not exist. Returns its descriptor."""
    with host.inside():
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        request = struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI)
        fcntl.ioctl(descriptor, TUNSETIFF, request)
    return descriptor


class Tun:
    """A point-to-point link of the router, like that of PPP: not Ethernet, without the MULTICAST
    flag. The far end is this process."""

    def __init__(self, router, name, near, far, mtu=1492):
        self._fd = open_tun(router, name)
        router.ip(
            f"link set {name} multicast off mtu {mtu}",
            f"addr add {near} peer {far}/32 dev {name}",
            f"link set {name} up",
        )

    def send(self, source, group, size=32):
        """A UDP datagram arrives at the router; `size` includes its headers."""
        addresses = socket.inet_aton(source) + socket.inet_aton(group)
        header = struct.pack("!BBHHHBBH", 0x45, 0, size, 0, 0, 16, 17, 0) + addresses
        total = sum(struct.unpack("!10H", header))
        total = (total & 0xFFFF) + (total >> 16)
        header = header[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + header[12:]
        udp = struct.pack("!HHHH", 5000, 5000, size - 20, 0)
        os.write(self._fd, header + udp + bytes(size - 28))

    def receive(self, group, protocol=socket.IPPROTO_UDP, timeout=5.0):
        """Returns the size of the next packet to a group that the router sends here, or None."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._fd], [], [], left)[0]:
                packet = os.read(self._fd, 2048)
                if packet[9] == protocol and packet[16:20] == socket.inet_aton(group):
                    return len(packet)
        return None

    def close(self):
        os.close(self._fd)


def unresolved(host):
    """Returns the number of flows without an entry whose packets wait in the kernel."""
    return ip("mroute show", namespace=host.namespace).count("Iif: unresolved")
