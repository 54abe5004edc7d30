"""A host's end of a link: crafted frames go out of it, and all that arrives is recorded."""

import contextlib
import socket
import struct
import time
from collections import namedtuple

import packets
from lab import ETH_P_IP, PACKET_OUTGOING, PORT, until

SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
ETHERNET = 14

# A datagram of a stream that was seen on a link; `number` is that of lab.Emitter.
Datagram = namedtuple("Datagram", "time source group number")


class Wire:
    """One link, seen from a host. `igmp` and `data` are what has arrived there, with the kernel's
    time of arrival (that of time.time())."""

    def __init__(self, host, interface=None):
        self.host = host
        self.interface = interface or host.interface
        self._igmp, self._data = [], []
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        with host.inside():
            self._socket.bind((self.interface, ETH_P_IP))
        self._socket.setblocking(False)
        self.mac = self._socket.getsockname()[4]

    # --- sending

    def send(self, message, source=None, mac=None, pad=True, **header):
        """Sends an IGMP message; `header` is that of packets.datagram."""
        packet = packets.datagram(message, source or self.host.address, **header)
        self._socket.send(packets.frame(packet, mac=mac, near=self.mac, pad=pad))

    def send_frames(self, frames):
        for each in frames:
            self._socket.send(each)

    # --- what has arrived

    def _drain(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, ancillary, _, (_, _, kind, *_) = self._socket.recvmsg(65536, 64)
                if kind != PACKET_OUTGOING and len(frame) >= ETHERNET + packets.HEADER:
                    self._record(frame, ancillary)

    def _record(self, frame, ancillary):
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
        when, packet = seconds + nanoseconds / 1e9, frame[ETHERNET:]
        message = packets.parse(packet, frame[:6], when)
        if message:
            self._igmp.append(message)
        elif packet[9] == socket.IPPROTO_UDP and packet[22:24] == struct.pack("!H", PORT):
            end = struct.unpack("!H", packet[2:4])[0]
            number = struct.unpack("!I", packet[end - 4 : end])[0]
            source, group = (socket.inet_ntoa(packet[at : at + 4]) for at in (12, 16))
            self._data.append(Datagram(when, source, group, number))

    @property
    def igmp(self):
        self._drain()
        return self._igmp

    @property
    def data(self):
        self._drain()
        return self._data

    def clear(self):
        """Forgets what has arrived."""
        self._drain()
        self._igmp.clear()
        self._data.clear()

    def queries(self, group=None, source=None, since=0.0):
        """Returns the queries that have arrived: for a group, "0.0.0.0" being general."""
        return [
            seen
            for seen in self.igmp
            if seen.is_query
            and seen.time >= since
            and group in (None, seen.group)
            and source in (None, seen.source)
        ]

    def reports(self, source=None, since=0.0):
        """Returns the reports and leaves that have arrived, of all versions."""
        return [
            seen
            for seen in self.igmp
            if not seen.is_query and seen.time >= since and source in (None, seen.source)
        ]

    def records(self, group, source=None, since=0.0):
        """Returns (type, sources) of each v3 record for a group, in order of arrival."""
        return [
            (kind, sources)
            for seen in self.reports(source, since)
            if seen.kind == packets.V3_REPORT
            for kind, of, sources in seen.records
            if of == group
        ]

    def query(self, group="0.0.0.0", timeout=5.0, **wanted):
        """Waits for a query and returns it."""
        return until(
            lambda: self.queries(group, **wanted), f"query for {group} on {self.interface}", timeout
        )[0]

    def numbers(self, group, source=None, since=0.0):
        """Returns the numbers of the datagrams of a stream that have arrived."""
        return [
            seen.number
            for seen in self.data
            if seen.group == group and source in (None, seen.source) and seen.time >= since
        ]

    def expect_no(self, find, seconds, what):
        """Fails if `find` returns something within the next seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = find()
            assert not found, f"{what}: {found[:3]}"
            time.sleep(0.02)
