"""Makes calls of libc with random arguments, valid and invalid ones, and prints what each returns.

    calls.py SEED

The same seed makes the same calls. A test runs this program with and without libmgm-mroute.so, and
compares the output: no socket here is one of multicast routing, so the library must change nothing.
"""

import ctypes
import os
import random
import socket
import struct
import sys
import tempfile

libc = ctypes.CDLL(None, use_errno=True)
NULL = ctypes.c_void_p(None)
IP = socket.IPPROTO_IP


def descriptors():
    """Returns descriptors of many kinds, and numbers that are none."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    one, other = socket.socketpair()
    reader, writer = os.pipe()
    file = tempfile.TemporaryFile()
    for each in (udp, raw, one, other):
        each.setblocking(False)
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    kept.extend([udp, raw, one, other, file])
    sockets = [each.fileno() for each in (udp, raw, one, other)]
    return [*sockets, reader, writer, file.fileno(), -1, 500, 5000, 2**31 - 1]


kept = []


def buffers(chance):
    """Returns a buffer, and the length that is said to be its length."""
    size = chance.choice([0, 1, 2, 3, 4, 7, 8, 12, 16, 60, 136, 264])
    content = bytes(chance.choice([0, 1, 239, 255]) for _ in range(size))
    if chance.random() < 0.3:
        content = (socket.inet_aton("239.1.2.3") + socket.inet_aton("127.0.0.1") + content)[:size]
    return ctypes.create_string_buffer(content, max(size, 1)), size


def call(chance, fds):
    """Makes a call, and returns a line about it."""
    fd = chance.choice(fds)
    buffer, size = buffers(chance)
    said = chance.choice([size, size, size, 0])
    name = chance.choice(
        ["setsockopt", "getsockopt", "send", "sendto", "recv", "recvfrom", "read", "write", "dup"]
        + ["fcntl", "ioctl", "getsockname", "sendmsg", "recvmsg", "bind"]
    )
    if name == "setsockopt":
        # MRT_INIT would open a connection, as it is to.
        option = chance.choice([1, 2, 3, 8, 10, 32, 33, 34, 35, 36, 39, 40, 42, 45, 46, 47, 49])
        level = chance.choice([IP, IP, IP, socket.SOL_SOCKET, 255])
        value = chance.choice([buffer, buffer, NULL])
        said = chance.choice([said, said, -1])
        result = libc.setsockopt(fd, level, option, value, said)
        name = f"setsockopt {level} {option} {said} {value is NULL}"
    elif name == "getsockopt":
        option, length = chance.choice([1, 2, 3, 8, 32, 206, 207, 208]), ctypes.c_int(said)
        result = libc.getsockopt(fd, IP, option, buffer, ctypes.byref(length))
        name = f"getsockopt {option} {length.value}"
    elif name in ("send", "recv"):
        result = getattr(libc, name)(fd, buffer, said, socket.MSG_DONTWAIT)
    elif name == "sendto":
        to = struct.pack("=H2s4s8x", socket.AF_INET, b"\0\0", socket.inet_aton("127.0.0.1"))
        # Raw sockets would get what they send.
        result = libc.sendto(fds[0], buffer, said, socket.MSG_DONTWAIT, to, chance.choice([0, 3, 16]))
    elif name == "recvfrom":
        length = ctypes.c_int(16)
        source = ctypes.create_string_buffer(16)
        result = libc.recvfrom(fd, buffer, said, socket.MSG_DONTWAIT, source, ctypes.byref(length))
        name = f"recvfrom {length.value}"
    elif name in ("read", "write"):
        result = getattr(libc, name)(fd, buffer, said)
    elif name == "dup":
        result = libc.dup(fd)
        if result >= 0:
            name = f"dup, close {libc.close(result)}"
    elif name == "fcntl":
        command = chance.choice([1, 3, 1030, 9999])
        result = libc.fcntl(fd, command, ctypes.c_long(0))
        name = f"fcntl {command}"
        if command == 1030 and result >= 0:
            libc.close(result)
    elif name == "ioctl":
        request = chance.choice([0x8910, 0x8933, 0x541B, 0x89E0, 0x89E1])
        room = ctypes.create_string_buffer(b"lo", 64)
        result = libc.ioctl(fd, ctypes.c_ulong(request), room)
        name = f"ioctl {request:#x}"
    elif name in ("getsockname", "bind"):
        length = ctypes.c_int(16)
        address = ctypes.create_string_buffer(16)
        if name == "bind":
            result = libc.bind(fd, address, chance.choice([0, 2]))
        else:
            result = libc.getsockname(fd, address, ctypes.byref(length))
            result = result or length.value
    else:
        piece = struct.pack("=QQ", ctypes.addressof(buffer), size)
        pieces = ctypes.create_string_buffer(piece, len(piece))
        header = struct.pack("=QIxxxxQQQQixxxx", 0, 0, ctypes.addressof(pieces), 1, 0, 0, 0)
        header = ctypes.create_string_buffer(header, len(header))
        result = getattr(libc, name)(fd, header, socket.MSG_DONTWAIT)
    errno = ctypes.get_errno() if result == -1 else 0
    ctypes.set_errno(0)
    return f"{name} on {fd} of {size}: {result} {errno}"


def main():
    chance = random.Random(int(sys.argv[1]))
    signals = __import__("signal")
    signals.signal(signals.SIGPIPE, signals.SIG_IGN)
    fds = descriptors()
    for _ in range(3000):
        print(call(chance, fds))


if __name__ == "__main__":
    main()
