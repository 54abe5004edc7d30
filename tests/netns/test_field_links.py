"""Public reports about links without addresses, with several subnets, or without the MULTICAST
flag."""

import contextlib
import socket

from case import GROUP, NetnsTest
from lab import until
from mgmd import Mgmd
from wires import Tun


class PointToPoint(NetnsTest):
    """pali/igmpproxy#28, opnsense/plugins#590: the uplink is a PPP session."""

    def setUp(self):
        super().setUp()
        (self.lan,) = self.hosts("lan")
        self.ppp = Tun(self.lab.router, "ppp0", "10.60.0.1", "10.60.0.2")
        self.addCleanup(self.ppp.close)
        self.lab.router.ip("route add 10.61.0.0/24 dev ppp0")

    def start(self):
        self.daemon = self.router()
        self.daemon.protocol("A", 200, "ppp0", "to-lan")

    def test_stream_comes_in_by_it(self):
        """pali/igmpproxy#28: no MULTICAST flag, a peer address, a route without a gateway."""
        self.start()
        self.daemon.must(f"join A * {GROUP} to-lan")
        wire = self.lan.tap(GROUP)
        for source in ("10.61.0.9", "10.60.0.2"):
            before = wire.count
            for size in (32, 1492):
                self.ppp.send(source, GROUP, size)
            until(lambda: wire.count == before + 2, f"both datagrams of {source}")
        index = self.daemon.index("ppp0")
        ways = {(mfe["in"], mfe["upstream"]) for mfe in self.daemon.mfes()}
        self.assertEqual(ways, {(index, "0.0.0.0")})

    def test_stream_goes_out_by_it(self):
        """opnsense/plugins#590: the PPP session is downstream."""
        self.start()
        self.daemon.must(f"join A * {GROUP} ppp0")
        self.lan.emitter(GROUP).send(1)
        self.assertEqual(self.ppp.receive(GROUP), 32)

    def test_queries_go_out_by_it(self):
        """pali/igmpproxy#28: IGMP messages need no MULTICAST flag."""
        mgmd = Mgmd(self.lab.router, '[[interface]]\nname = "ppp0"\nigmp = {}\n')
        self.addCleanup(mgmd.close)
        self.assertEqual(self.ppp.receive("224.0.0.1", socket.IPPROTO_IGMP), 24 + 12)


class Addresses(NetnsTest):
    def setUp(self):
        super().setUp()
        self.source, self.receiver = self.hosts("source", "receiver")
        self.kernel = self.lab.router
        self.collector = self.receiver.collector(GROUP)
        self.emitter = self.source.emitter(GROUP)

    def start(self):
        self.daemon = self.router()
        self.daemon.protocol("A", 200, "to-source", "to-receiver")
        self.daemon.must(f"join A * {GROUP} to-receiver")

    def test_interfaces_without_an_address_forward(self):
        """pali/igmpproxy#12, troglobit/smcroute#13: an interface that gets its address later."""
        self.kernel.ip(
            "addr flush dev to-source",
            "addr flush dev to-receiver",
            "route add 10.1.0.0/24 dev to-source",
        )
        self.start()
        self.emitter.send(3)
        self.collector.expect(3)
        self.kernel.ip("addr add 10.2.0.1/24 dev to-receiver", "addr add 10.1.0.1/24 dev to-source")
        self.emitter.send(3)
        self.collector.expect(6)
        self.assertEqual(self.collector.numbers, list(range(6)))

    def test_several_subnets_on_one_interface(self):
        """troglobit/pimd#119, #196: source and receiver in the second subnet."""
        self.kernel.ip(
            "addr add 10.71.0.1/24 dev to-source", "addr add 10.72.0.1/24 dev to-receiver"
        )
        self.source.ip("addr add 10.71.0.2/24 dev eth0")
        self.receiver.ip("addr add 10.72.0.2/24 dev eth0")
        self.start()
        second = self.source.emitter(GROUP, spoof="10.71.0.2")
        for turn in range(3):
            second.send(1)
            self.emitter.send(1)
            self.collector.expect(2 * turn + 2)
        self.assertEqual(self.collector.numbers, [0, 0, 1, 1, 2, 2], "one copy of each")
        mfes = {mfe["source"]: mfe["upstream"] for mfe in self.daemon.mfes()}
        self.assertEqual(mfes, {"10.1.0.2": "0.0.0.0", "10.71.0.2": "0.0.0.0"})

    def test_several_devices_over_one_parent(self):
        """troglobit/smcroute#142: devices with the same parent are distinguished."""
        self.kernel.ip(
            "link add over1 link to-receiver type macvlan",
            "addr add 10.73.0.1/24 dev over1",
            "link set over1 up",
        )
        self.start()
        self.daemon.must("take A over1")
        self.emitter.send(1)
        self.collector.expect(1)
        self.daemon.must(f"join A * {GROUP} over1")
        (entry,) = self.kernel.entries().values()
        self.assertEqual(entry, ("to-source", {"to-receiver", "over1"}))
        self.daemon.must(f"leave A * {GROUP} to-receiver")
        before = self.collector.count
        self.emitter.send(5)
        self.collector.expect(before + 5)
        with contextlib.suppress(AssertionError):
            self.collector.expect(before + 6, 0.1)
        self.assertEqual(self.collector.count, before + 5, "one copy of each")
