"""Routing daemons that do what Debian's daemons do rarely; the test starts them by mgm-run.

    acts.py WHAT INTERFACE...

Exits with 0 if the calls returned what they have to.
"""

import errno
import fcntl
import socket
import struct
import sys

IP = socket.IPPROTO_IP
MRT_INIT, MRT_ADD_VIF, MRT_ADD_MFC = 200, 202, 204
VIFF_USE_IFINDEX = 8
SIOCGETVIFCNT = 0x89E0  # on a socket of IPv6: SIOCGETMIFCNT_IN6
PATIENCE = 10


def routing(*interfaces):
    """Returns a socket of multicast routing with these interfaces as VIFs."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    raw.setsockopt(IP, MRT_INIT, 1)
    for vif, name in enumerate(interfaces):
        index = socket.if_nametoindex(name)
        vifctl = struct.pack("=HBBIii", vif, VIFF_USE_IFINDEX, 1, 0, index, 0)
        raw.setsockopt(IP, MRT_ADD_VIF, vifctl)
    return raw


def errno_of(call, *arguments):
    """Returns the errno of a call, 0 if it succeeds."""
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
    return 0


def counters(*interfaces):
    """The requests for counters on a socket of IPv6 are the kernel's."""
    six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    request = struct.pack("=H", 31).ljust(80, b"\0")
    wanted = errno_of(fcntl.ioctl, six, SIOCGETVIFCNT, request)
    raw = routing(*interfaces)
    for four in (raw, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)):
        assert errno_of(fcntl.ioctl, four, SIOCGETVIFCNT, request) == errno.EADDRNOTAVAIL
    got = errno_of(fcntl.ioctl, six, SIOCGETVIFCNT, request)
    assert got == wanted != errno.EADDRNOTAVAIL, (got, wanted)


if __name__ == "__main__":
    {"counters": counters}[sys.argv[1]](*sys.argv[2:])
