"""Hosts and links on one machine: network namespaces, veth pairs, sockets.

An example:

    lab = Lab()
    source, receiver = lab.host("source"), lab.host("receiver")
    lab.link(source, "src0")          # router's interface src0, 10.1.0.1/24
    lab.link(receiver, "rcv0")        # router's interface rcv0, 10.2.0.1/24
    collector = receiver.collector(GROUP)
    source.emitter(GROUP).send(5)
    collector.expect(5)

This process opens a host's sockets in the namespace of the host, so a host needs no process.
"""

import contextlib
import ctypes
import itertools
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import bpf

PORT = 5000
CLONE_NEWNET = 0x40000000
MRT_INIT = 200
MRT_TABLE = 209
MRT_FLUSH, MRT_FLUSH_MFC = 212, 1
ETH_P_IP = 0x0800
PACKET_OUTGOING = 4
# Constants that Python's socket module lacks.
IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP = 39, 40
IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO = 10, 0, 2

# The forwarder under test, where a test does not name one: kernel or ebpf.
FORWARDER = os.environ.get("MGM_TEST_FORWARDER", "kernel")
# How long a start may take in addition, in seconds, because the kernel verifies programs.
LOADING = 1.0 if FORWARDER == "ebpf" else 0.0
# How many times as long as on a real machine the tests wait, for a machine that is emulated.
PATIENCE = float(os.environ.get("MGM_TEST_PATIENCE", "1"))

_libc = ctypes.CDLL(None, use_errno=True)
_labs = itertools.count()
_run = os.getpid()  # the forked workers have the same number


def setns(descriptor):
    """Moves the calling thread to a network namespace."""
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def ip(*commands, namespace=None):
    """Runs `ip` commands, each a string, in one process, and returns their output."""
    where = ["-n", namespace] if namespace else []
    done = subprocess.run(
        ["ip", *where, "-batch", "-"],
        input="\n".join(commands) + "\n",
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"ip: {done.stderr.strip()} in {commands}")
    return done.stdout


def until(condition, what, timeout=5.0):
    """Polls until the condition holds, and returns its value."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout * PATIENCE} s: {what}")
        time.sleep(0.005)


def why_not():
    """Returns why these tests cannot run here, or None."""
    if os.geteuid() != 0:
        return "not root"
    name = f"mgm-probe-{os.getpid()}"
    try:
        ip(f"netns add {name}")
    except (OSError, RuntimeError) as error:
        return f"no network namespaces ({error})"
    try:
        with Host(name).inside():
            with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP) as probe:
                probe.setsockopt(socket.IPPROTO_IP, MRT_INIT, 1)
    except OSError as error:
        return f"no multicast routing in this kernel ({error})"
    finally:
        ip(f"netns del {name}")
    return bpf.why_not() if FORWARDER == "ebpf" else None


def sweep():
    """Deletes the namespaces that an interrupted test of this run may have left."""
    for name in os.listdir("/var/run/netns"):
        if name.startswith(f"mgm-{_run}-"):
            ip(f"netns del {name}")


class Host:
    """A network namespace. `address` and `interface` are its end of the first link."""

    def __init__(self, namespace):
        self.namespace = namespace
        self.descriptor = os.open(f"/var/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
        self.address = self.interface = None
        self._open = []

    @contextlib.contextmanager
    def inside(self):
        """Inside the block, this thread opens everything in the host's namespace."""
        with open("/proc/thread-self/ns/net", "rb") as home:
            setns(self.descriptor)
            try:
                yield
            finally:
                setns(home.fileno())

    def ip(self, *commands):
        return ip(*commands, namespace=self.namespace)

    def sysctl(self, **values):
        """Sets values of net.ipv4; in the names, two underscores mean a dot."""
        with self.inside():
            for key, value in values.items():
                path = "/proc/sys/net/ipv4/" + key.replace("__", "/")
                with open(path, "w", encoding="ascii") as file:
                    file.write(str(value))

    def read(self, path):
        """Returns a file of /proc/net in this host, without its heading. With the ebpf forwarder,
        those of multicast routing have a line for each served interface, and for each entry."""
        if FORWARDER == "ebpf" and path in ("ip_mr_vif", "ip_mr_cache"):
            return list(self.vifs().values() if path == "ip_mr_vif" else self.entries())
        return self.read_all(path)[1:]

    def read_all(self, path):
        """Returns all lines of a file of /proc/net in this host."""
        with self.inside(), open(f"/proc/thread-self/net/{path}", encoding="ascii") as file:
            return file.read().splitlines()

    def index(self, interface):
        with self.inside():
            return socket.if_nametoindex(interface)

    def socket(self, *arguments):
        with self.inside():
            made = socket.socket(*arguments)
        self._open.append(made)
        return made

    def spawn(self, *command):
        """Starts a program in this host, without output. It ends with the tests."""

        def enter():
            setns(self.descriptor)
            _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            command, stdin=quiet, stdout=quiet, stderr=quiet, preexec_fn=enter
        )

    def emitter(self, group, **options):
        return Emitter(self, group, **options)

    def collector(self, group, **options):
        return Collector(self, group, **options)

    def tap(self, group, interface=None):
        return Tap(self, group, interface or self.interface)

    def vifs(self):
        """Returns the kernel's VIFs by number. With the ebpf forwarder: the served interfaces."""
        if FORWARDER == "ebpf":
            with self.inside():
                return dict(enumerate(bpf.interfaces()))
        return {int(line.split()[0]): line.split()[1] for line in self.read("ip_mr_vif")}

    def entries(self):
        """Returns the kernel's entries: (source, group) to the incoming interface and the set of
        outgoing interfaces. For a VIF that does not exist, its number stands for the interface."""
        if FORWARDER == "ebpf":
            with self.inside():
                return bpf.entries()
        vifs, found = self.vifs(), {}

        def address(word):
            return socket.inet_ntoa(struct.pack("=I", int(word, 16)))

        for line in self.read("ip_mr_cache"):
            group, source, iif, _, _, _, *oifs = line.split()
            if iif not in ("-1", "65535"):  # which mean unresolved entries
                numbers = [int(oif.split(":")[0]) for oif in oifs]
                found[address(source), address(group)] = (
                    vifs.get(int(iif), int(iif)),
                    {vifs.get(number, number) for number in numbers},
                )
        return found

    def close(self):
        for each in self._open:
            each.close()
        os.close(self.descriptor)


class Lab:
    """A router and its hosts, with names that no other run uses."""

    def __init__(self):
        self._prefix = f"mgm-{_run}-{os.getpid()}-{next(_labs)}"
        self._hosts = []
        self._links = itertools.count(1)
        self._wired = {}
        self.router = self.host("router")
        self.router.sysctl(ip_forward=1, conf__all__rp_filter=0, conf__default__rp_filter=0)

    def host(self, name):
        namespace = f"{self._prefix}-{name}"
        ip(f"netns add {namespace}")
        host = Host(namespace)
        self._hosts.append(host)
        host.ip("link set lo up")
        return host

    def link(self, host, interface):
        """Links a host to the router: its end is `eth0` (eth1, …), 10.N.0.2/24,
        the router's is `interface`, 10.N.0.1/24. The first link carries the
        host's default route."""
        number = next(self._links)
        near = "eth0" if host.interface is None else f"eth{number}"
        self._wire(number, host, interface, near)
        if host.interface is None:
            host.interface, host.address = near, f"10.{number}.0.2"
            host.ip(f"route add default via 10.{number}.0.1")
        self._wired[interface] = (number, host, interface, near)
        return interface

    def spare(self, count):
        """Adds this many interfaces without a host to the router, and returns their names."""
        self.router.ip(*(f"link add a{n} type veth peer name b{n}" for n in range(-(-count // 2))))
        return [f"{side}{n}" for n in range(-(-count // 2)) for side in "ab"][:count]

    def relink(self, interface, index=None):
        """Creates a link again that a test has deleted, with its former index or another one."""
        number, host, *_ = self._wired[interface]
        self._wire(*self._wired[interface], f"index {index}" if index else "")
        if host.address == f"10.{number}.0.2":
            host.ip(f"route add default via 10.{number}.0.1")

    def _wire(self, number, host, interface, near, index=""):
        ip(
            f"link add {interface} netns {self.router.namespace} {index} type veth"
            f" peer name {near} netns {host.namespace}"
        )
        # IPv6 would send multicast packets, and check addresses for a second.
        for side, name in ((self.router, interface), (host, near)):
            with side.inside(), contextlib.suppress(FileNotFoundError):
                with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w") as file:
                    file.write("1")
        self.router.ip(f"addr add 10.{number}.0.1/24 dev {interface}", f"link set {interface} up")
        host.ip(f"addr add 10.{number}.0.2/24 dev {near}", f"link set {near} up")

    def close(self):
        for host in self._hosts:
            host.close()
            ip(f"netns del {host.namespace}")
        self._hosts = []


class Emitter:
    """Sends numbered datagrams of a size to a group. `spoof` is a source address of another host."""

    def __init__(self, host, group, spoof=None, address=None, ttl=16, size=4):
        self.group = group
        self.sent = 0
        self._size = size
        self._spoof = spoof
        self._ttl = ttl
        raw = (socket.SOCK_RAW, socket.IPPROTO_RAW) if spoof else (socket.SOCK_DGRAM,)
        self._socket = host.socket(socket.AF_INET, *raw)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        self._socket.setsockopt(
            socket.IPPROTO_IP,
            socket.IP_MULTICAST_IF,
            socket.inet_aton(address or host.address),
        )

    def send(self, count=1):
        for _ in range(count):
            payload = bytes(self._size - 4) + struct.pack("!I", self.sent)
            if self._spoof:
                payload = self._header(len(payload)) + payload
            self._socket.sendto(payload, (self.group, PORT))
            self.sent += 1

    def fragment(self, permitted):
        """Whether routers may fragment the datagrams."""
        self._socket.setsockopt(
            socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT if permitted else IP_PMTUDISC_DO
        )

    def send_until(self, condition, what, timeout=5.0):
        """Sends a datagram every few milliseconds until the condition holds."""

        def try_once():
            self.send()
            return condition()

        return until(try_once, what, timeout)

    def _header(self, payload):
        """Returns IP and UDP headers; the kernel fills in checksum and identification."""
        source, group = socket.inet_aton(self._spoof), socket.inet_aton(self.group)
        udp = struct.pack("!HHHH", PORT, PORT, 8 + payload, 0)
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 28 + payload, 0, 0, self._ttl, 17, 0, source, group
        )
        return header + udp


class Collector:
    """Joins a group with setsockopt, as programs do, and counts datagrams."""

    def __init__(self, host, group, source=None):
        self.numbers = []
        self._group = socket.inet_aton(group) + socket.inet_aton(host.address)
        self._source = socket.inet_aton(source) if source else b""
        self._socket = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # SO_RCVBUFFORCE, with room for a burst that is read later.
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)
        self._socket.bind((group, PORT))
        self._socket.setblocking(False)
        join = IP_ADD_SOURCE_MEMBERSHIP if source else socket.IP_ADD_MEMBERSHIP
        self._socket.setsockopt(socket.IPPROTO_IP, join, self._group + self._source)

    def leave(self):
        leave = IP_DROP_SOURCE_MEMBERSHIP if self._source else socket.IP_DROP_MEMBERSHIP
        self._socket.setsockopt(socket.IPPROTO_IP, leave, self._group + self._source)

    @property
    def count(self):
        """The number of datagrams so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.numbers.append(struct.unpack("!I", self._socket.recv(2048)[-4:])[0])
        return len(self.numbers)

    def expect(self, count, timeout=5.0):
        until(lambda: self.count >= count, f"{count} datagrams ({self.numbers} came)", timeout)


class Tap:
    """Counts the datagrams of a group that arrive at a host, whether it has joined or not."""

    def __init__(self, host, group, interface):
        self._group = socket.inet_aton(group)
        self._total = 0
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        with host.inside():
            self._socket.bind((interface, ETH_P_IP))
        self._socket.setblocking(False)

    @property
    def count(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, (_, _, kind, *_) = self._socket.recvfrom(2048)
                to_group = packet[16:20] == self._group and packet[9] == socket.IPPROTO_UDP
                self._total += to_group and kind != PACKET_OUTGOING
        return self._total

    def close(self):
        self._socket.close()

    def silent(self, emitter, packets=20):
        """Checks that no datagram arrives: sends some, and gives each the time to arrive. For the
        effect of a call that has returned."""
        time.sleep(0.02 * PATIENCE)  # earlier datagrams may still arrive
        arrived = self._arrivals(emitter, packets)
        assert arrived == 0, f"{arrived} of {packets} datagrams on a wire that is to be silent"

    def falls_silent(self, emitter, packets=20, patience=5.0):
        """Waits until no datagram arrives. For an event that the router notices by itself."""
        until(lambda: not self._arrivals(emitter, packets), "silence on the wire", patience)

    def _arrivals(self, emitter, packets):
        before = self.count
        for _ in range(packets):
            emitter.send()
            time.sleep(0.001)
        time.sleep(0.02 * PATIENCE)
        return self.count - before


class Lines:
    """Reads a program's output on a thread, so that tests can wait for a line."""

    def __init__(self, stream, parse=str.rstrip):
        self.items = []
        self._stream = stream
        self._parse = parse
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._stream:
            with self._changed:
                self.items.append(self._parse(line))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def find(self, matches, what, start=0, timeout=20.0):
        """Waits for a line that matches, from `start` on, and returns its index."""
        deadline = time.monotonic() + timeout * PATIENCE
        at = start
        with self._changed:
            while True:
                for at in range(at, len(self.items)):
                    if matches(self.items[at]):
                        return at
                at = len(self.items)
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    raise AssertionError(f"no {what} among the last lines: {self.items[-20:]}")
                self._changed.wait(left)

    def wait(self, matches, what, timeout=20.0):
        """Waits for a line that matches, and returns it."""
        return self.items[self.find(matches, what, timeout=timeout)]

    def close(self):
        self._thread.join(2)
        self._stream.close()
