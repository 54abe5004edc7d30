"""Streams that begin on a link: numbered datagrams of any source, sent as frames."""

import socket
import struct
import time

import packets
from lab import PORT, until

# Sent behind the IPv4 header: ports, length, no checksum; then the number.
UDP = struct.pack("!HHHH", PORT, PORT, 12, 0)


class Feed:
    """Sends numbered datagrams to a group by a Wire. It can serve wires.Stream as an emitter."""

    def __init__(self, wire, group, source=None, ttl=16):
        self.wire, self.group = wire, group
        self.source = source or wire.host.address
        self.sent = 0
        self._ttl = ttl

    def packet(self):
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 32, 0, 0, self._ttl, socket.IPPROTO_UDP, 0,
            socket.inet_aton(self.source), socket.inet_aton(self.group),
        )
        sealed = header[:10] + struct.pack("!H", packets.checksum(header)) + header[12:]
        return sealed + UDP + struct.pack("!I", self.sent)

    def send(self, count=1):
        for _ in range(count):
            frame = packets.frame(self.packet(), near=self.wire.mac)
            self.sent += 1
            self.wire.send_frames([frame])

    def send_until(self, condition, what, timeout=5.0):
        """Sends datagrams until the condition holds: soon one after the other, but not so soon that
        the kernel drops some of a flow that has no entry yet. It keeps four."""
        pause = due = 0.0

        def try_once():
            nonlocal pause, due
            if time.monotonic() >= due:
                self.send()
                pause = min(2 * pause or 0.02, 0.1)
                due = time.monotonic() + pause
            return condition()

        return until(try_once, what, timeout)
