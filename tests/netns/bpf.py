"""What the ebpf forwarder has in the kernel: where its programs are attached, and its entries.

Read from the kernel by bpf(), not from the library, as lab.py reads /proc/net for the kernel's own
multicast routing. The structures are those of crates/linux/bpf/shared.h.
"""

import array
import contextlib
import ctypes
import itertools
import mmap
import os
import platform
import socket
import struct

BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280}.get(platform.machine(), 321)
CREATE, LOOKUP, PROG_FD, MAP_FD, INFO, QUERY = 0, 1, 13, 14, 15, 16
TCX_INGRESS = 46
PROGRAMS = ("mgm_l2", "mgm_l3")
CHUNK = 16384
BUCKETS = 65536
GENERATIONS = 9
ENTRY, OUT = 72, 40  # bytes

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attributes):
    size = len(attributes)
    result = _libc.syscall(BPF, command, attributes, size)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def _attributes(form, *values):
    return ctypes.create_string_buffer(struct.pack(form, *values), max(struct.calcsize(form), 16))


def why_not():
    """Returns why the ebpf forwarder cannot be tested here, or None."""
    try:
        os.close(_bpf(CREATE, _attributes("=IIIII", 2, 4, 4, 1, 0)))  # an array of one element
    except OSError as error:
        return f"no eBPF here ({error})"
    return None


@contextlib.contextmanager
def _opened(command, number):
    descriptor = _bpf(command, _attributes("=III", number, 0, 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _info(descriptor, length, room=None):
    info = room or ctypes.create_string_buffer(length)
    _bpf(INFO, _attributes("=IIQ", descriptor, length, ctypes.addressof(info)))
    return info.raw


def _name(raw, at):
    return raw[at : at + 16].split(b"\0")[0].decode()


class _Map:
    """A map by its number in the kernel."""

    def __init__(self, number):
        with _opened(MAP_FD, number) as descriptor:
            raw = _info(descriptor, 88)
            self.descriptor = os.dup(descriptor)
        _, _, self.key, self.value, self.count = struct.unpack_from("=IIIII", raw)
        self.name = _name(raw, 24)

    def close(self):
        os.close(self.descriptor)

    def get(self, key):
        """Returns the value of a key of bytes, or None."""
        keys, values = ctypes.create_string_buffer(key, self.key), ctypes.create_string_buffer(self.value)
        places = ctypes.addressof(keys), ctypes.addressof(values)
        try:
            _bpf(LOOKUP, _attributes("=IIQQQ", self.descriptor, 0, *places, 0))
        except FileNotFoundError:
            return None
        return values.raw

    def memory(self):
        """Returns all elements of an array that is shared with the router."""
        return mmap.mmap(self.descriptor, self.count * self.value, mmap.MAP_SHARED, mmap.PROT_READ)


def _number(index):
    return struct.pack("=I", index)


def _tcx(index):
    """The numbers of the programs at the ingress of an interface of this thread's namespace."""
    numbers = (ctypes.c_uint32 * 64)()
    query = _attributes(
        "=IIIIQIIQQQQ", index, TCX_INGRESS, 0, 0, ctypes.addressof(numbers), 64, 0, 0, 0, 0, 0
    )
    try:
        _bpf(QUERY, query)
    except OSError:
        return []
    (count,) = struct.unpack_from("=I", query.raw, 24)
    return list(numbers[:count])


def _attributes_of(data):
    """Yields kind and value of netlink attributes."""
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3 :]


def _clsact(index):
    """The same for filters of clsact."""
    head = struct.pack("=BxxxIIII", 0, index, 0, 0xFFFFFFF2, 0)
    request = struct.pack("=IHHII", 16 + len(head), 46, 0x301, 1, 0) + head  # RTM_GETTFILTER
    numbers = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as asking:
        asking.settimeout(5)
        asking.send(request)
        while True:
            answer = asking.recv(1 << 16)
            while answer:
                length, kind = struct.unpack_from("=IH", answer)
                if kind in (2, 3):  # NLMSG_ERROR, NLMSG_DONE
                    return numbers
                options = dict(_attributes_of(answer[36:length])).get(2, b"")  # TCA_OPTIONS
                number = dict(_attributes_of(options)).get(11)  # TCA_BPF_ID
                if number:
                    numbers.append(struct.unpack("=I", number)[0])
                answer = answer[(length + 3) & ~3 :]


def _program(number):
    """Returns the name of a program, and the numbers of its maps."""
    maps = (ctypes.c_uint32 * 64)()
    with _opened(PROG_FD, number) as descriptor:
        info = ctypes.create_string_buffer(128)
        struct.pack_into("=IQ", info, 52, 64, ctypes.addressof(maps))
        raw = _info(descriptor, 128, info)
    (count,) = struct.unpack_from("=I", raw, 52)
    return _name(raw, 64), list(maps[: min(count, 64)])


def _attached():
    """Yields name and maps of each interface of this thread's namespace that is served. Filters of
    a router that was killed do not count: the kernel has emptied their array of tail calls."""
    for index, name in socket.if_nameindex():
        for number in _tcx(index) + _clsact(index):
            with contextlib.suppress(FileNotFoundError):
                program, maps = _program(number)
                if program in PROGRAMS and _is_alive(maps):
                    yield name, maps


def _is_alive(numbers):
    with _Maps(numbers) as maps:
        return maps["tails"].get(_number(0)) is not None


def interfaces():
    """Returns the names of the served interfaces."""
    return [name for name, _ in _attached()]


class _Maps(dict):
    """Maps by name, until the end of the block."""

    def __init__(self, numbers):
        for number in numbers:
            one = _Map(number)
            self[one.name] = one

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.values():
            one.close()

    def inner(self, name, index):
        """Returns an inner map of a map of maps, or None."""
        number = self[name].get(_number(index))
        if number is None:
            return None
        key = name, index
        if key not in self:
            self[key] = _Map(struct.unpack("=I", number)[0])
        return self[key]

    def chunks(self, name, first, count):
        """Returns these chunks of an array, as far as there are some."""
        inner = (self.inner(name, index) for index in range(first, first + count))
        return [chunk.memory() for chunk in itertools.takewhile(bool, inner)]


def entries():
    """Returns the entries: (source, group) to the incoming interface and the set of outgoing
    interfaces. For an interface that does not exist, its index stands for the name."""
    for _, numbers in _attached():
        with _Maps(numbers) as maps, _Copies(maps) as copies:
            return dict(_entries(maps, copies))
    return {}


def iifs():
    """Returns the incoming interface of each entry, which takes less time than all of them."""
    names = {index: name for index, name in socket.if_nameindex()}
    for _, numbers in _attached():
        with _Maps(numbers) as maps:
            return [names.get(iif) for _, _, iif, _ in _slots(maps)]
    return []


def _slots(maps):
    """Yields group, source, iif and run of each entry."""
    chunks = maps.chunks("entries", 0, 1088)
    for generation in range(GENERATIONS):
        for buckets in maps.chunks("flows", (1 << generation) - 1, 1 << generation):
            for following in filter(None, array.array("I", buckets[:])):
                while following:
                    chunk, at = divmod(following - 1, CHUNK)
                    entry = struct.unpack_from("=4s4sIIQ", chunks[chunk], at * ENTRY)
                    group, source, following, iif, run = entry
                    yield group, source, iif, run


class _Copies(_Maps):
    """The maps of mgm_copies, which the other programs name only in their array of tail calls."""

    def __init__(self, maps):
        number = maps["tails"].get(_number(0))
        super().__init__(_program(struct.unpack("=I", number)[0])[1] if number else [])


def _entries(maps, copies):
    def name(index):
        try:
            return socket.if_indextoname(index)
        except OSError:
            return index

    chunks = copies.chunks("outs", 0, 1088)
    for group, source, iif, run in _slots(maps):
        oifs = set()
        for out in range(run & 0xFFFFFFFF, (run & 0xFFFFFFFF) + (run >> 32)):
            chunk, at = divmod(out, CHUNK)
            (port,) = struct.unpack_from("=I", chunks[chunk], at * OUT)
            (index,) = struct.unpack_from("=I", copies["ports"].get(_number(port)))
            oifs.add(name(index))
        yield (socket.inet_ntoa(source), socket.inet_ntoa(group)), (name(iif), oifs)
