"""Streams through devices of each kind that people have, under Ethernet and over it. What a kernel
lacks is tried in a virtual machine (make test-kernels)."""

import unittest

import bpf
import lab
from case import GROUP, NetnsTest, kernel_only
from devices import KINDS, MOVABLE, TUNNELS, Device, lacks
from lab import until
from mgmd import FAST, Mgmd
from router import CAN_NOT_COMPLETE
from wires import Stream

BOTH = "".join(f'[[interface]]\nname = "{name}"\n{FAST}\n' for name in ("to-plain", Device.NAME))


def reaches(collector, what):
    """Waits until more of a running stream arrives."""
    collector.count  # takes what has arrived before
    collector.numbers.clear()
    until(lambda: collector.count > 10, what, 10)


class OfKind:
    """The tests of one kind: a host behind the device, and another one behind a veth interface."""

    def setUp(self):
        super().setUp()
        self.plain, self.far = self.hosts("plain", "far")
        self.kernel = self.lab.router
        self.device = Device(self.kind, self.kernel, self.far, "to-far")
        self.addCleanup(self.device.close)

    def start(self):
        self.daemon = self.router()
        self.daemon.protocol("A", 200, Device.NAME, "to-plain")

    def mgmd(self):
        mgmd = Mgmd(self.kernel, BOTH)
        self.addCleanup(mgmd.close)
        return mgmd

    def twenty_arrive(self, emitter, collector):
        """Checks that the first datagram, and those that follow the MFE, arrive once, in order."""
        for count in (1, 20):
            emitter.send(count - emitter.sent)
            collector.expect(count)
        self.assertEqual(collector.numbers, list(range(20)))

    def test_stream_comes_in_by_it(self):
        self.start()
        self.daemon.must(f"join A * {GROUP} to-plain")
        self.twenty_arrive(self.far.emitter(GROUP), self.plain.collector(GROUP))
        entry = (Device.NAME, {"to-plain"})
        self.assertEqual(self.kernel.entries(), {(self.far.address, GROUP): entry})

    def test_stream_goes_out_by_it(self):
        self.start()
        self.daemon.must(f"join A * {GROUP} {Device.NAME}")
        emitter = self.plain.emitter(GROUP)
        self.twenty_arrive(emitter, self.far.collector(GROUP))
        entry = ("to-plain", {Device.NAME})
        self.assertEqual(self.kernel.entries(), {(self.plain.address, GROUP): entry})
        self.daemon.must(f"leave A * {GROUP} {Device.NAME}")
        self.far.tap(GROUP).silent(emitter)

    def test_hosts_behind_it_join_and_leave(self):
        self.mgmd()
        collector, emitter = self.far.collector(GROUP), self.plain.emitter(GROUP)
        with Stream(emitter):
            reaches(collector, "the stream after the join")
        collector.leave()
        self.far.tap(GROUP).falls_silent(emitter, patience=10.0)

    def test_it_goes_down_and_up_under_a_stream(self):
        self.mgmd()
        outward, inward = self.far.collector(GROUP), self.plain.collector("239.1.2.4")
        with Stream(self.plain.emitter(GROUP)), Stream(self.far.emitter("239.1.2.4")):
            for turn in range(4):
                if turn:
                    self.kernel.ip("link set far0 down", *self.device.up())
                reaches(outward, f"the stream out, turn {turn}")
                reaches(inward, f"the stream in, turn {turn}")

    def test_it_goes_and_comes_back_under_a_stream(self):
        self.device.delete()
        mgmd = self.mgmd()
        outward, inward = self.far.collector(GROUP), self.plain.collector("239.1.2.4")
        with Stream(self.plain.emitter(GROUP)), Stream(self.far.emitter("239.1.2.4")):
            for _ in range(2):
                self.device.create()
                reaches(outward, "the stream out")
                reaches(inward, "the stream in")
                self.device.delete()
        self.assertTrue(mgmd.alive())


class Moves:
    """The tests of kinds that can move to another namespace."""

    def test_it_moves_away_and_back_under_a_stream(self):
        other = self.lab.host("other")
        self.mgmd()
        outward, inward = self.far.collector(GROUP), self.plain.collector("239.1.2.4")
        with Stream(self.plain.emitter(GROUP)), Stream(self.far.emitter("239.1.2.4")):
            reaches(outward, "the stream out")
            self.kernel.ip(f"link set far0 netns {other.namespace}")
            other.ip(f"link set far0 netns {self.kernel.namespace}")
            self.device.configure()
            reaches(outward, "the stream out")
            reaches(inward, "the stream in")


class Tunnels:
    """The tests of tunnels."""

    REMOTE = "10.9.0.5"

    def test_source_beyond_its_far_end_comes_in_by_it(self):
        """pimd#243: with a route by the device alone, and by an address there that answers no ARP."""
        self.start()
        groups = {GROUP: "dev far0", "239.1.2.4": f"via {self.far.address} dev far0"}
        for group, way in groups.items():
            self.kernel.ip(f"route replace 10.9.0.0/24 {way}")
            self.daemon.must(f"join A * {group} to-plain", f"join A * {group} {Device.NAME}")
            inward, outward = self.plain.tap(group), self.far.tap(group)
            self.far.emitter(group, spoof=self.REMOTE).send(3)
            self.plain.emitter(group).send(3)
            until(lambda: inward.count == outward.count == 3, f"three datagrams each way, {way}")
            entries = self.kernel.entries()
            self.assertEqual(entries[self.REMOTE, group], (Device.NAME, {"to-plain"}))
            self.assertEqual(entries[self.plain.address, group], ("to-plain", {Device.NAME}))

    @kernel_only("the ebpf forwarder sends no packet that is larger than the MTU of its oif")
    def test_datagrams_of_the_size_of_an_ethernet_frame_arrive_whole(self):
        """pimd#78, smcroute#15: they are larger than the MTU of the tunnel. Those that may not be
        fragmented are counted as such, and do not arrive."""
        self.start()
        self.daemon.must(f"join A * {GROUP} {Device.NAME}")
        collector, emitter = self.far.collector(GROUP), self.plain.emitter(GROUP, size=1472)
        emitter.fragment(True)
        emitter.send(1)
        collector.expect(1)
        refused = self.not_fragmented()
        emitter.fragment(False)
        emitter.send(5)
        until(lambda: self.not_fragmented() == refused + 5, "five packets counted as too large")
        emitter.fragment(True)
        emitter.send(4)
        collector.expect(5)
        self.assertEqual(collector.numbers, [0, 6, 7, 8, 9])

    def not_fragmented(self):
        """The number of packets that the router could not send in one piece."""
        names, values = (
            line.split() for line in self.kernel.read_all("snmp") if line.startswith("Ip: ")
        )
        return int(values[names.index("FragFails")])


class Dummy(NetnsTest):
    """What goes out by a dummy is counted, and nobody gets it."""

    ADD = ["link add far0 type dummy", "addr add 10.99.0.1/24 dev far0", "link set far0 up multicast on"]

    def setUp(self):
        super().setUp()
        (self.source,) = self.hosts("source")
        self.kernel = self.lab.router
        self.kernel.ip(*self.ADD)

    def test_stream_goes_out_by_a_dummy(self):
        daemon = self.router()
        daemon.protocol("A", 200, "to-source", "far0")
        daemon.must(f"join A * {GROUP} far0")
        before = self.sent()
        emitter = self.source.emitter(GROUP)
        for count in range(1, 11):
            emitter.send(1)
            until(lambda: self.sent() == before + count, "each packet on the device")

    def test_it_goes_down_and_up_returns_and_moves_under_a_stream(self):
        other = self.lab.host("other")
        away = [f"link set far0 netns {other.namespace}"]
        back = [f"link set far0 netns {self.kernel.namespace}"]
        mgmd = Mgmd(
            self.kernel,
            '[[interface]]\nname = "to-source"\n'
            f'[[interface]]\nname = "far0"\nigmp = {{ static = ["{GROUP}"] }}\n',
        )
        self.addCleanup(mgmd.close)
        with Stream(self.source.emitter(GROUP)):
            self.grows("at first")
            for turn in range(3):
                self.kernel.ip("link set far0 down", "link set far0 up")
                self.grows(f"after it was down, turn {turn}")
            for turn in range(2):
                self.kernel.ip("link del far0")
                self.kernel.ip(*self.ADD)
                self.grows(f"after it was deleted, turn {turn}")
            self.kernel.ip(*away)
            other.ip(*back)
            self.kernel.ip(*self.ADD[1:])
            self.grows("after it has moved")

    def grows(self, when):
        """Waits until more of a running stream goes out."""
        before = self.sent()
        until(lambda: self.sent() > before + 10, f"packets on the device {when}", 10)

    def sent(self):
        with self.kernel.inside(), open("/proc/thread-self/net/dev", encoding="ascii") as file:
            (line,) = (line for line in file if line.strip().startswith("far0:"))
        return int(line.split(":")[1].split()[9])


class Vrf(NetnsTest):
    """A router in each VRF. With the kernel forwarder, each has the table of its VRF, to which the
    kernel leads the packets without `ip mrule`."""

    TABLES = {"red": 100, "blue": 101}

    def vrf(self, name):
        """Makes a VRF with two hosts. Returns them, and the interfaces of the router."""
        hosts = self.hosts(f"{name}-s", f"{name}-r")
        self.create(name)
        return *hosts, self.links(name)

    def links(self, name):
        return f"to-{name}-s", f"to-{name}-r"

    def create(self, name):
        self.lab.router.ip(
            f"link add {name} type vrf table {self.TABLES[name]}",
            f"link set {name} up",
            *(f"link set {link} master {name}" for link in self.links(name)),
        )

    def mgmd(self, name):
        """Starts mgmd in a VRF."""
        router = f"[router]\ntable = {self.TABLES[name]}\n" if lab.FORWARDER == "kernel" else ""
        tables = (f'[[interface]]\nname = "{link}"\n{FAST}\n' for link in self.links(name))
        self.addCleanup(Mgmd(self.lab.router, router + "".join(tables)).close)

    def test_routers_in_two_vrfs_do_not_mix_streams(self):
        collectors, emitters = [], []
        for vrf, table in self.TABLES.items():
            source, receiver, links = self.vrf(vrf)
            daemon = self.router(MGM_TABLE=str(table) if lab.FORWARDER == "kernel" else "")
            daemon.protocol("A", 200, *links)
            daemon.must(f"join A * {GROUP} {links[1]}")
            collectors.append(receiver.collector(GROUP))
            emitters.append(source.emitter(GROUP))
        for emitter, count in zip(emitters, (10, 20)):
            emitter.send_until(lambda: emitter.sent == count, "so many datagrams")
        for collector, count in zip(collectors, (10, 20)):
            collector.expect(count)
            self.assertEqual(collector.numbers, list(range(count)), "its own stream alone")

    def test_mgmd_in_each_vrf_serves_the_hosts_there(self):
        taps, emitters, receivers = [], [], []
        for vrf in self.TABLES:
            source, receiver, _ = self.vrf(vrf)
            self.mgmd(vrf)
            emitters.append(source.emitter(GROUP))
            receivers.append(receiver)
            taps.append(receiver.tap(GROUP))
        red, blue = taps
        collector = receivers[0].collector(GROUP)
        emitters[0].send_until(lambda: collector.count > 10, "the stream in the VRF of the member", 10)
        for emitter in emitters:
            blue.silent(emitter)
        collector.leave()
        red.falls_silent(emitters[0], patience=10)

    def test_it_goes_down_and_up_returns_and_its_links_move_under_a_stream(self):
        source, receiver, links = self.vrf("red")
        self.mgmd("red")
        collector, router = receiver.collector(GROUP), self.lab.router
        with Stream(source.emitter(GROUP)):
            reaches(collector, "the stream")
            for turn in range(3):
                router.ip("link set red down", "link set red up")
                reaches(collector, f"the stream after the VRF was down, turn {turn}")
            for turn in range(2):
                router.ip("link del red")
                self.create("red")
                reaches(collector, f"the stream after the VRF was deleted, turn {turn}")
            for link in links:
                router.ip(f"link set {link} nomaster", f"link set {link} master red")
                reaches(collector, f"the stream after {link} has left the VRF, and returned")


@unittest.skipIf(bpf.why_not(), bpf.why_not())
class ManyEnds(NetnsTest):
    def test_ebpf_refuses_a_tunnel_with_many_remote_ends(self):
        """Whatever forwarder is tested."""
        self.hosts("source")
        self.lab.router.ip(
            "link add hub0 type gre local 10.1.0.1 key 8",
            "link add hub1 type gre local 10.1.0.1 remote 239.9.9.9 key 9 dev to-source",
            "link set hub0 up",
            "link set hub1 up",
        )
        daemon = self.router(forwarder="ebpf")
        daemon.must("register A 200 1", "take A to-source")
        for name in ("hub0", "hub1"):
            self.assertEqual(daemon.do(f"take A {name}"), CAN_NOT_COMPLETE)
            daemon.logs(f"({name}) is a GRE tunnel with many remote ends", "MGM_FORWARDER")


# The kinds that have no class above.
_OTHERS = {"dummy": Dummy, "vrf": Vrf}


def load_tests(loader, _tests, _pattern):
    """A class for each kind that this kernel has, and one skipped test that names the others."""
    suite, missing = unittest.TestSuite(), []
    probe = lab.Lab()
    try:
        for kind in [*KINDS, *_OTHERS]:
            if lacks(kind, probe.router.namespace):
                missing.append(kind)
                continue
            bases = [OfKind, *[Moves] * (kind in MOVABLE), *[Tunnels] * (kind in TUNNELS)]
            made = type(kind.capitalize(), (*bases, NetnsTest), {"kind": kind, "__module__": __name__})
            if kind == "multipoint":
                made = kernel_only("the ebpf forwarder refuses tunnels with many remote ends")(made)
                suite.addTests(loader.loadTestsFromTestCase(ManyEnds))
            suite.addTests(loader.loadTestsFromTestCase(_OTHERS.get(kind, made)))
    finally:
        probe.close()
    if missing:
        reason = f"this kernel lacks {', '.join(missing)} (make test-kernels)"
        lacking = unittest.skip(reason)(lambda self: None)
        suite.addTest(type("Missing", (NetnsTest,), {"test_kinds": lacking})("test_kinds"))
    return suite
