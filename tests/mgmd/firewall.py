"""A firewall that drops everything at one hook, without the nft program: nftables by netlink."""

import contextlib
import os
import socket
import struct

PREROUTING, INPUT, FORWARD, OUTPUT = 0, 1, 2, 3
NETLINK_NETFILTER, NFTABLES, FAMILY_IPV4 = 12, 10, 2
BATCH_BEGIN, BATCH_END = 0x10, 0x11
NEW_TABLE, DELETE_TABLE, NEW_CHAIN = (NFTABLES << 8 | kind for kind in (0, 2, 3))
REQUEST, ACKNOWLEDGE, CREATE, NESTED = 1, 4, 0x400, 0x8000


def _attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _message(kind, flags, family, resource=0, attributes=b""):
    body = struct.pack("!BBH", family, 0, resource) + attributes
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body


def _ask(host, kind, flags, attributes):
    batch = _message(BATCH_BEGIN, REQUEST, 0, NFTABLES)
    for each in attributes if isinstance(attributes, list) else [(kind, attributes)]:
        batch += _message(each[0], flags, FAMILY_IPV4, attributes=each[1])
    batch += _message(BATCH_END, REQUEST, 0, NFTABLES)
    with host.inside():
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as asking:
            asking.settimeout(5)
            asking.send(batch)
            answer = asking.recv(4096)
    code = -struct.unpack("=i", answer[16:20])[0]
    if code:
        raise OSError(code, os.strerror(code))


@contextlib.contextmanager
def drops(host, hook, table="mgmd_bed", chain="stop"):
    """Until the block ends, the host drops all IPv4 packets at a hook. OSError if the kernel has
    no nftables."""
    name = _attribute(1, f"{table}\0".encode())
    place = _attribute(1, struct.pack("!I", hook)) + _attribute(2, struct.pack("!I", 0))
    described = (
        name
        + _attribute(3, f"{chain}\0".encode())
        + _attribute(4 | NESTED, place)
        + _attribute(5, struct.pack("!I", 0))  # the policy: drop
        + _attribute(7, b"filter\0")
    )
    flags = REQUEST | ACKNOWLEDGE | CREATE
    _ask(host, None, flags, [(NEW_TABLE, name), (NEW_CHAIN, described)])
    try:
        yield
    finally:
        _ask(host, DELETE_TABLE, REQUEST | ACKNOWLEDGE, name)
