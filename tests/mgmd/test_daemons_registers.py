"""Unmodified pimd as the rendezvous point of sources that other routers register (docs/daemons.md)."""

import contextlib
import pathlib
import socket
import struct
import time

import lab
import packets
from bed import long
from case import kernel_only
from daemon import Mgmd
from lab import PORT, ip, until
from test_daemons import GROUP, ROUTER, Base
from test_daemons_pim import PATIENCE, Beside, FrrPimd
from unmodified import pimd

# Where the source is: behind another router.
BEHIND, SOURCE = "10.100.0.1", "10.100.0.2"
RENDEZVOUS = "10.2.0.1"

PIMD = """
phyint {0} enable
phyint {1} enable
rp-address 10.2.0.1 224.0.0.0/4
"""

# A process that sees /proc/sys as in a service with ProtectKernelTunables=yes.
READ_ONLY = 'mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; exec "$@"'

REASONS = ("malformed", "sender", "checksum", "packet", "group", "source", "own", "no_daemon", "system")


def packet(number, source=SOURCE, group=GROUP):
    """Returns a datagram of a stream, as lab.Emitter numbers them."""
    payload = struct.pack("!HHHHI", PORT, PORT, 12, 0, number)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 32, 0, 0, 16, socket.IPPROTO_UDP, 0)
    header += packets.octets(source) + packets.octets(group)
    return header[:10] + struct.pack("!H", packets.checksum(header)) + header[12:] + payload


def register(inner, flags=0, covered=8):
    """Returns a PIM register. `covered`: how many octets its checksum covers."""
    message = struct.pack("!BBHI", 0x21, 0, 0, flags << 24) + inner
    sum_of = packets.checksum(message[:covered])
    return message[:2] + struct.pack("!H", sum_of) + message[4:]


def reverse_path(host):
    """Returns the kernel's setting for mgmreg."""
    with host.inside():
        return pathlib.Path("/proc/sys/net/ipv4/conf/mgmreg/rp_filter").read_text().strip()


class ReversePath(Base):
    """The kernel's check of the source of packets on mgmreg."""

    @kernel_only("rp_filter does not apply to the others")
    def test_m55_settings_that_drop_registers_are_told_of(self):
        own, every = "net.ipv4.conf.mgmreg.rp_filter=", "net.ipv4.conf.all.rp_filter="
        self.router.sysctl(conf__default__rp_filter=2)
        mgmd = self.mgmd()
        self.assertEqual((reverse_path(self.router), mgmd.lines("registers")), ("0", []))
        mgmd.close()
        # As in a service without daemons.conf.
        mgmd = self.start(Mgmd, ROUTER, wrapper=["unshare", "--mount", "sh", "-ec", READ_ONLY, "sh"]).ready()
        mgmd.logs("mgmreg: ", f"{own}2 drops", "Read-only", "daemons.conf")
        self.assertEqual(reverse_path(self.router), "2")
        mgmd.close()
        self.router.sysctl(conf__all__rp_filter=1)
        mgmd = self.mgmd()
        mgmd.logs("mgmreg: ", f"{every}1 drops", "set it to 0")
        self.assertEqual(len(mgmd.lines("PIM registers")), 1, mgmd.log.items)


class Registers(Beside):
    """A source behind a router at eth0, a receiver at eth1, and pimd as the rendezvous point."""

    def setUp(self):
        super().setUp()
        self.router.ip(f"route add 10.100.0.0/24 via {self.source.address}")
        self.flow = (SOURCE, GROUP)

    def rendezvous(self):
        """Starts mgmd and pimd on the router."""
        mgmd = self.mgmd()
        # As systemd-udevd may do with each new interface, when mgmd has switched it off.
        self.router.sysctl(conf__mgmreg__rp_filter=2)
        started = self.start(pimd, PIMD.format("eth0", "eth1"), mgmd=mgmd)
        self.served("eth0", "eth1", "mgmreg")
        return mgmd, started

    def behind(self):
        """Puts a host behind the host at eth0, which becomes a router; returns both."""
        near, behind = self.source, self.lab.host("behind")
        link = f"link add stub netns {near.namespace} type veth peer name eth0"
        ip(f"{link} netns {behind.namespace}")
        near.sysctl(ip_forward=1, conf__all__rp_filter=0, conf__stub__rp_filter=0)
        near.ip(f"addr add {BEHIND}/24 dev stub", "link set stub up")
        behind.ip(f"addr add {SOURCE}/24 dev eth0", "link set eth0 up", f"route add default via {BEHIND}")
        behind.interface, behind.address = "eth0", SOURCE
        return near, behind

    @staticmethod
    def counts(mgmd):
        return mgmd.get("/v1/status")["registers"]

    def dropped(self, mgmd):
        return {why: count for why, count in self.counts(mgmd)["dropped"].items() if count}

    @long
    def test_m54_packets_in_registers_are_forwarded(self):
        mgmd, started = self.rendezvous()
        collector, pim = self.receiver.collector(GROUP), self.source.socket(socket.AF_INET, socket.SOCK_RAW, 103)
        sent = 0

        def send(message, to=RENDEZVOUS):
            pim.sendto(message, (to, 0))

        def arrives():
            nonlocal sent
            send(register(packet(sent), covered=8 if sent % 2 else 1000))
            sent += 1
            return collector.count and self.entry() and self.entry()[1]

        until(arrives, "the stream", PATIENCE)
        self.assertEqual(self.entry(), ("mgmreg", {"eth1"}))
        # The entry is there, so the next packet is not lost. All that are on their way arrive before it.
        arrives()
        until(lambda: collector.count and collector.numbers[-1] == sent - 1, "the last packet", 2)
        before, first = collector.count, sent
        while sent < first + 200:
            send(register(packet(sent), covered=8 if sent % 2 else 1000))
            sent += 1
            time.sleep(0.002)
        until(lambda: collector.count >= before + 200, "all packets", 2)
        self.assertEqual(collector.numbers[before:], list(range(first, sent)), "each once, in order")
        counts = self.counts(mgmd)
        self.assertEqual((counts["received"], counts["forwarded"], counts["null"]), (sent, sent, 0))
        self.assertEqual(sorted(counts["dropped"]), sorted(REASONS))
        self.assertEqual(self.dropped(mgmd), {})
        # What is not the packet of a source is dropped, and counted.
        good = register(packet(sent))
        damaged = packet(sent)[:10] + b"\0\0" + packet(sent)[12:]
        for why, message in (
            ("checksum", good[:3] + bytes([good[3] ^ 1]) + good[4:]),
            ("packet", good[:-1]),
            ("packet", register(damaged)),
            ("packet", register(b"")),
            ("group", register(packet(sent, group="10.2.0.2"))),
            ("group", register(packet(sent, group="224.0.0.5"))),
            ("source", register(packet(sent, source="239.0.0.1"))),
            ("malformed", good[:7]),
        ):
            former = self.counts(mgmd)["dropped"][why]
            send(message)
            until(lambda: self.counts(mgmd)["dropped"][why] == former + 1, f"{why} {message}", 2)
        send(register(struct.pack("!BBHHHBBH", 0x45, 0, 20, 0, 0, 0, 103, 0) + bytes(8), flags=0x40))
        until(lambda: self.counts(mgmd)["null"] == 1, "a null register", 2)
        self.assertEqual(self.counts(mgmd)["forwarded"], sent)
        # This router itself may run a daemon that registers: it has had the packet already.
        own = self.router.socket(socket.AF_INET, socket.SOCK_RAW, 103)
        self.router.ip("link set lo up")
        own.sendto(good, (RENDEZVOUS, 0))
        until(lambda: self.dropped(mgmd).get("own"), "its own", 2)
        time.sleep(0.2)
        self.assertEqual((collector.count, collector.numbers[-1]), (before + 200, sent - 1))
        # Without a daemon there is no rendezvous point.
        started.kill()
        until(lambda: "mgmreg" not in self.router.vifs().values(), "mgmreg is free", 2)
        send(good)
        until(lambda: self.dropped(mgmd).get("no_daemon"), "no daemon", 2)

    @long
    @kernel_only("rp_filter does not apply to the others")
    def test_m55_settings_that_change_later_are_mended_or_told_of_once(self):
        mgmd, _ = self.rendezvous()
        pim = self.source.socket(socket.AF_INET, socket.SOCK_RAW, 103)
        warnings = lambda: mgmd.lines("mgmreg: ", "PIM registers")  # noqa: E731

        def sends_until(condition, what, timeout):
            def is_it():
                pim.sendto(register(packet(0)), (RENDEZVOUS, 0))
                time.sleep(0.02)
                return condition()

            until(is_it, what, timeout)

        sends_until(lambda: reverse_path(self.router) == "0", "the first register", 2)
        # As by sysctl --system.
        self.router.sysctl(conf__mgmreg__rp_filter=2)
        sends_until(lambda: reverse_path(self.router) == "0", "a later one", 15)
        self.assertEqual(warnings(), [])
        self.router.sysctl(conf__all__rp_filter=1)
        sends_until(warnings, "the warning", 15)
        # Until mgmd has looked once more.
        self.router.sysctl(conf__mgmreg__rp_filter=2)
        sends_until(lambda: reverse_path(self.router) == "0", "the next look", 15)
        self.assertEqual(len(warnings()), 1, warnings())
        self.assertEqual(self.dropped(mgmd), {})

    @long
    def test_registered_packets_have_valid_checksums(self):
        # On a virtual link, a host leaves the checksum of UDP to a network card that does not exist.
        pim = self.router.socket(socket.AF_INET, socket.SOCK_RAW, 103)
        pim.setblocking(False)
        near, self.source = self.behind()
        other = Mgmd(near, ROUTER)
        self.addCleanup(other.close)
        other.ready()
        self.addCleanup(pimd(near, PIMD.format(near.interface, "stub"), mgmd=other).close)
        emitter, registered = self.source.emitter(GROUP), []

        def arrived():
            emitter.send()
            with contextlib.suppress(BlockingIOError):
                while True:
                    message = pim.recv(2048)[20:]
                    if message[0] == 0x21 and message[4] & 0x40 == 0:
                        registered.append(message[8:])
            return registered

        until(arrived, "a register", 2 * PATIENCE)
        for inner in registered:
            pseudo = inner[12:20] + struct.pack("!BBH", 0, 17, len(inner) - 20)
            self.assertEqual(packets.checksum(pseudo + inner[20:]), 0, inner.hex())
            self.assertNotEqual(inner[26:28], b"\0\0")

    def switches(self, mgmd, started):
        """The stream arrives by registers, and then by itself: in between, little is lost, and nothing
        arrives twice."""
        # A register before that is refused, and the other router then waits for a minute.
        knows = lambda line: "Adding vif" in line and GROUP in line  # noqa: E731
        collector = self.receiver.collector(GROUP)
        started.log.wait(knows, "the rendezvous point knows the member", PATIENCE)
        # Without a checksum of UDP, which pimd would not complete in registers.
        emitter, times = self.source.emitter(GROUP, spoof=SOURCE), []

        def sends_until(condition, what, timeout=2 * PATIENCE):
            def is_it():
                times.append(time.monotonic())
                return condition()

            emitter.send_until(is_it, what, timeout)

        sends_until(lambda: collector.count and self.entry(), "the stream in registers")
        sends_until(lambda: self.entry() == ("eth0", {"eth1"}), "the shortest path tree")
        end = emitter.sent + 100
        sends_until(lambda: emitter.sent >= end, "more of it")
        numbers = collector.numbers
        until(lambda: collector.count and numbers[-1] == emitter.sent - 1, "the last packet", 2)
        self.assertEqual(len(numbers), len(set(numbers)), "none twice")
        # What mgmd has not read when the daemon changes to the shortest path tree. Also what arrives before the
        # first entry, except for the 4 packets that the kernel keeps.
        lost = set(range(numbers[0], emitter.sent)) - set(numbers)
        # If the machine is busy, and the emitter itself pauses, this is no time that the change takes.
        paused = sum(min(times[number + 1] - times[number], 0.05) for number in lost)
        self.assertLess(paused, 1.0 * lab.PATIENCE, sorted(lost))
        self.stopped(mgmd, collector)

    def stopped(self, mgmd, collector):
        """The rendezvous point has stopped the registers, and no packet of the stream is lost."""
        self.assertGreater(self.counts(mgmd)["forwarded"], 0)
        self.assertEqual(self.dropped(mgmd), {})
        before = self.settled(mgmd)
        self.flows(collector, 500)
        self.assertEqual(self.settled(mgmd), before, "the rendezvous point has stopped them")

    def settled(self, mgmd):
        """Waits until mgmd has read all registers, and returns how many had a packet."""
        seen = []

        def is_it():
            counts = self.counts(mgmd)
            seen.append((counts["received"] - counts["null"], time.monotonic()))
            since = next(when for count, when in seen if count == seen[-1][0])
            return seen[-1][1] - since > 0.5

        until(is_it, "no register is left", 10)
        return seen[-1][0]

    @long
    def test_a_router_registers_its_source(self):
        mgmd, started = self.rendezvous()
        near, self.source = self.behind()
        self.addCleanup(pimd(near, PIMD.format(near.interface, "stub")).close)
        self.switches(mgmd, started)

    @long
    def test_a_router_with_mgmd_registers_its_source(self):
        mgmd, started = self.rendezvous()
        near, self.source = self.behind()
        other = Mgmd(near, ROUTER)
        self.addCleanup(other.close)
        other.ready()
        self.addCleanup(pimd(near, PIMD.format(near.interface, "stub"), mgmd=other).close)
        self.switches(mgmd, started)

    @long
    def test_frr_is_the_rendezvous_point(self):
        mgmd = self.mgmd()
        frr = FrrPimd(mgmd, self.router, ("eth0", "eth1"), rendezvous=RENDEZVOUS)
        self.addCleanup(frr.close)
        self.served("eth0", "eth1", "mgmreg")
        collector = self.receiver.collector(GROUP)
        until(lambda: frr.knows(), "FRR knows the member", 20)
        near, self.source = self.behind()
        self.addCleanup(pimd(near, PIMD.format(near.interface, "stub")).close)
        # FRR expects (*,G) at the interface of its own address as rendezvous point, so the packets in
        # registers are not forwarded, with or without mgmd. It asks for the source at the first of them.
        emitter = self.source.emitter(GROUP)
        emitter.send_until(lambda: self.entry() == ("eth0", {"eth1"}), "the shortest path tree", PATIENCE)
        emitter.send_until(lambda: collector.count > 100, "the stream", 20)
        self.stopped(mgmd, collector)
