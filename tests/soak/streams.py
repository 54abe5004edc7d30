"""The streams of a soak, and the sockets that receive them on the links."""

import contextlib
import errno
import socket
import struct
import threading
import time

from feed import Feed
from lab import ETH_P_IP, PACKET_OUTGOING

SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
# Between two datagrams of a flow.
PERIOD = 0.02


class Outlet:
    """A host's end of a link, for sending only: what a Wire records would grow all the time."""

    def __init__(self, host):
        self.host = host
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        with host.inside():
            self._socket.bind((host.interface, 0))
        self.mac = self._socket.getsockname()[4]

    def send_frames(self, frames):
        for each in frames:
            self._socket.send(each)


class Streams:
    """A thread that sends a datagram of each flow every 20 ms. `flows` is group to source."""

    def __init__(self, outlet, flows):
        self._feeds = {group: Feed(outlet, group, source) for group, source in flows.items()}
        self._lock = threading.Lock()
        self._ended, self.error = threading.Event(), None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._ended.wait(PERIOD):
                with self._lock:
                    for feed in self._feeds.values():
                        feed.send()
        except OSError as error:
            self.error = error

    @contextlib.contextmanager
    def paused(self):
        """Inside the block nothing is sent."""
        with self._lock:
            yield

    def move(self, groups, outlet):
        """These flows are sent by another outlet from now on. Call it inside `paused`."""
        for group in groups:
            self._feeds[group].wire = outlet

    def sent(self):
        """Returns the number of datagrams of each group."""
        return {group: feed.sent for group, feed in self._feeds.items()}

    def miscount(self, group):
        """For a planted fault: claims a datagram that was not sent."""
        self._feeds[group].sent += 1

    def close(self):
        self._ended.set()
        self._thread.join()


class Capture:
    """A packet socket that receives all datagrams on a host's link, joined or not."""

    def __init__(self, host):
        with host.inside():
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)
            )
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._socket.bind((host.interface, ETH_P_IP))
        self._socket.setblocking(False)

    def packets(self):
        """Yields (source, group, time) of what has arrived since the last call."""
        while True:
            try:
                packet, ancillary, _, (_, _, kind, *_) = self._socket.recvmsg(2048, 64)
            except BlockingIOError:
                return
            except OSError as error:
                # The interface is down or gone. recvmsg returns earlier packets first.
                if error.errno in (errno.ENETDOWN, errno.ENODEV, errno.EBADF):
                    return
                raise
            if kind == PACKET_OUTGOING or packet[9] != socket.IPPROTO_UDP:
                continue
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            addresses = (socket.inet_ntoa(packet[at : at + 4]) for at in (12, 16))
            yield (*addresses, seconds + nanoseconds / 1e9)

    def close(self):
        self._socket.close()


class Collector:
    """A thread that passes all captured packets to the judge, and lets it check what is missing."""

    def __init__(self, judge):
        self._judge, self._captures = judge, {}
        self._lock = threading.Lock()
        self._ended, self.error = threading.Event(), None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def add(self, link, capture):
        with self._lock:
            self._captures[link] = capture

    def remove(self, link):
        with self._lock:
            capture = self._captures.pop(link)
            self._drain(link, capture)
            capture.close()

    def _drain(self, link, capture):
        for source, group, when in capture.packets():
            self._judge.saw(link, source, group, when)

    def _run(self):
        try:
            while not self._ended.wait(0.02):
                now = time.time()
                with self._lock:
                    for link, capture in self._captures.items():
                        self._drain(link, capture)
                self._judge.check(now)
        except Exception as error:  # soak.py raises it: a run without its judge must fail
            self.error = error

    def close(self):
        self._ended.set()
        self._thread.join()
        for link in list(self._captures):
            self.remove(link)
