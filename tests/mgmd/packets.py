"""IGMP messages: to build them with every field as a test wants it, and to read them."""

import socket
import struct
from collections import namedtuple

IS_IN, IS_EX, TO_IN, TO_EX, ALLOW, BLOCK = range(1, 7)
QUERY, V1_REPORT, V2_REPORT, LEAVE, V3_REPORT = 0x11, 0x12, 0x16, 0x17, 0x22
ALL_HOSTS, ALL_ROUTERS, V3_ROUTERS = "224.0.0.1", "224.0.0.2", "224.0.0.22"
ROUTER_ALERT = bytes((148, 4, 0, 0))
HEADER = 20


def octets(address):
    return socket.inet_aton(address)


def checksum(data):
    """Returns the Internet checksum of data whose checksum field is 0."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def sealed(message):
    """Returns an IGMP message with its checksum, which covers all octets."""
    message = message[:2] + b"\0\0" + message[4:]
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def short(kind, group="0.0.0.0", code=0, extra=b""):
    """Returns a message of version 1 or 2, with octets after it if wanted."""
    return sealed(struct.pack("!BBH4s", kind, code, 0, octets(group)) + extra)


def v1_report(group):
    return short(V1_REPORT, group)


def v2_report(group, extra=b""):
    return short(V2_REPORT, group, extra=extra)


def leave(group):
    return short(LEAVE, group)


def v3_query(group="0.0.0.0", sources=(), code=10, suppress=False, qrv=2, qqic=2):
    fixed = struct.pack(
        "!BBH4sBBH", QUERY, code, 0, octets(group), suppress << 3 | qrv, qqic, len(sources)
    )
    return sealed(fixed + b"".join(map(octets, sources)))


def v2_query(group="0.0.0.0", code=10):
    return short(QUERY, group, code)


def record(kind, group, *sources, auxiliary=b""):
    """Returns a record of a v3 report."""
    fixed = struct.pack("!BBH4s", kind, len(auxiliary) // 4, len(sources), octets(group))
    return fixed + b"".join(map(octets, sources)) + auxiliary


def v3_report(*records):
    """Returns a v3 report; the records are those of `record`."""
    return sealed(struct.pack("!BBHHH", V3_REPORT, 0, 0, 0, len(records)) + b"".join(records))


def report_of(kind, group, *sources):
    """Returns a v3 report with one record."""
    return v3_report(record(kind, group, *sources))


def destination_of(message):
    """Returns the address to which this message is to be sent."""
    kind, group = message[0], socket.inet_ntoa(message[4:8])
    if kind == V3_REPORT:
        return V3_ROUTERS
    if kind == LEAVE:
        return ALL_ROUTERS
    return ALL_HOSTS if group == "0.0.0.0" else group


def datagram(message, source, destination=None, ttl=1, tos=0xC0, options=ROUTER_ALERT):
    """Returns an IPv4 datagram with an IGMP message."""
    length = HEADER + len(options)
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x40 | length // 4, tos, length + len(message), 0, 0, ttl,
        socket.IPPROTO_IGMP, 0, octets(source), octets(destination or destination_of(message)),
    ) + options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + message


def multicast_mac(group):
    return b"\x01\x00\x5e" + bytes((octets(group)[1] & 0x7F,)) + octets(group)[2:]


def frame(packet, mac=None, near=b"\x02\0\0\0\0\x01", pad=True):
    """Returns an Ethernet frame: `mac` is its destination, by default that of the group."""
    to = mac or multicast_mac(socket.inet_ntoa(packet[16:20]))
    whole = to + near + b"\x08\x00" + packet
    return whole.ljust(60, b"\0") if pad else whole


class Message(
    namedtuple("Message", "time source destination ttl tos options mac kind code body size valid")
):
    """An IGMP message that was seen on a link. `size` is that of the datagram."""

    @property
    def version(self):
        """The version of a query or a report."""
        if self.kind == QUERY:
            return 3 if len(self.body) >= 12 else 2 if self.code else 1
        return {V1_REPORT: 1, V2_REPORT: 2, LEAVE: 2, V3_REPORT: 3}[self.kind]

    @property
    def group(self):
        return socket.inet_ntoa(self.body[4:8])

    @property
    def is_query(self):
        return self.kind == QUERY

    @property
    def is_general(self):
        return self.is_query and self.group == "0.0.0.0"

    @property
    def suppress(self):
        return bool(self.body[8] & 8)

    @property
    def qrv(self):
        return self.body[8] & 7

    @property
    def qqic(self):
        return self.body[9]

    @property
    def sources(self):
        """The sources of a v3 query."""
        count = struct.unpack("!H", self.body[10:12])[0] if len(self.body) >= 12 else 0
        return [socket.inet_ntoa(self.body[at : at + 4]) for at in range(12, 12 + 4 * count, 4)]

    @property
    def records(self):
        """The records of a v3 report: (type, group, set of sources)."""
        found, at = [], 8
        for _ in range(struct.unpack("!H", self.body[6:8])[0]):
            kind, auxiliary, count = struct.unpack("!BBH", self.body[at : at + 4])
            group, at = socket.inet_ntoa(self.body[at + 4 : at + 8]), at + 8
            listed = [self.body[k : k + 4] for k in range(at, at + 4 * count, 4)]
            found.append((kind, group, frozenset(map(socket.inet_ntoa, listed))))
            at += 4 * (count + auxiliary)
        return found


def parse(packet, mac, when):
    """Returns the Message in an IPv4 datagram, or None if there is none."""
    if len(packet) < HEADER or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_IGMP:
        return None
    length, total = 4 * (packet[0] & 15), struct.unpack("!H", packet[2:4])[0]
    body = packet[length:total]
    if len(body) < 8 or body[0] not in (QUERY, V1_REPORT, V2_REPORT, LEAVE, V3_REPORT):
        return None
    addresses = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    return Message(
        when, *addresses, packet[8], packet[1], packet[HEADER:length], mac, body[0], body[1],
        body, total, sealed(body) == body,
    )
