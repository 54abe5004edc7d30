"""Public reports about sources that can be reached through several interfaces (rule 5.1)."""

import time

from case import GROUP, NetnsTest
from lab import until
from wires import Stream

# By rule 5.1 a flow moves when two packets arrive on the new path, three seconds apart, and none on
# the old path between them.
MOVED = 8.0


class TwoWays(NetnsTest):
    """The router has the interfaces to-left and to-right, and a receiver behind a third."""

    def setUp(self):
        super().setUp()
        self.left, self.right, self.receiver = self.hosts("left", "right", "receiver")
        self.kernel = self.lab.router
        self.collector = self.receiver.collector(GROUP)

    def equal_cost(self):
        """Adds a route with two next hops, nearly all weight on the right one."""
        self.kernel.ip(
            f"route add 10.9.0.0/24 nexthop via {self.left.address} weight 3"
            f" nexthop via {self.right.address} weight 200"
        )

    def start(self, *interfaces, **options):
        self.daemon = self.router(**options)
        taken = interfaces or ("to-left", "to-right")
        self.daemon.protocol("A", 200, *taken, "to-receiver")
        self.daemon.must(f"join A * {GROUP} to-receiver")

    def iifs(self):
        """Returns the incoming interface of each source."""
        names = {self.daemon.index(name): name for name in ("to-left", "to-right")}
        return {mfe["source"]: names[mfe["in"]] for mfe in self.daemon.mfes()}

    def flows_by(self, host, sources):
        """Checks that datagrams of each of these sources through this host all arrive."""
        expected = self.collector.count
        for source in sources:
            host.emitter(GROUP, spoof=source).send(2)
            expected += 2
        self.collector.expect(expected)

    def assert_by(self, host, sources):
        """Checks that the incoming interface and the neighbour are those of the packets."""
        name = {self.left: "to-left", self.right: "to-right"}[host]
        self.assertEqual({self.iifs()[source] for source in sources}, {name})
        upstream = {mfe["upstream"] for mfe in self.daemon.mfes() if mfe["source"] in sources}
        self.assertEqual(upstream, {host.address})


class EqualCost(TwoWays):
    LEFT = [f"10.9.0.{n}" for n in range(10, 18)]
    RIGHT = [f"10.9.0.{n}" for n in range(20, 28)]

    def setUp(self):
        super().setUp()
        self.equal_cost()

    def test_each_source_is_taken_from_where_it_comes(self):
        """Equal-cost paths: FRRouting/frr#22466, #22607: the stream may arrive on any of them."""
        self.start()
        for host, sources in ((self.left, self.LEFT), (self.right, self.RIGHT)):
            self.flows_by(host, sources)
            self.assert_by(host, sources)

    def test_member_that_nobody_has_does_not_refuse_the_flow(self):
        """Equal-cost paths of which clients own one: packets must arrive there."""
        self.start("to-left")
        self.flows_by(self.left, self.LEFT)
        self.assert_by(self.left, self.LEFT)

    def test_source_moves_to_the_other_member_without_a_route_change(self):
        """troglobit/smcroute#17, equal-cost paths: the stream moves to the other path."""
        self.start()
        source = self.LEFT[0]
        for old, new in ((self.left, self.right), (self.right, self.left)):
            before = self.collector.count
            old.emitter(GROUP, spoof=source).send_until(
                lambda: self.collector.count > before, "the old way", MOVED
            )
            self.assert_by(old, [source])
            before = self.collector.count
            new.emitter(GROUP, spoof=source).send_until(
                lambda: self.collector.count > before, "the new way", MOVED
            )
            self.assert_by(new, [source])

    def test_way_in_outlives_the_end_of_the_mfe(self):
        """Equal-cost paths: a renewal does not move the flow to the kernel's choice."""
        self.start(MGM_MFE_TIMEOUT="1")
        for host, source in ((self.left, self.LEFT[0]), (self.right, self.RIGHT[0])):
            emitter, first = host.emitter(GROUP, spoof=source), self.collector.count
            emitter.send_until(
                lambda: len(self.daemon.heard("RPF", source=source)) >= 3, "two renewals"
            )
            self.collector.expect(first + emitter.sent)
            self.assert_by(host, [source])

    def test_both_members_deliver_at_once(self):
        """FRRouting/frr#22626: one copy is forwarded, and the incoming interface does not flap."""
        self.start()
        source = self.LEFT[0]
        emitters = {"to-left": self.left.emitter(GROUP, spoof=source)}
        emitters["to-left"].send(1)
        self.collector.expect(1)
        emitters["to-right"] = self.right.emitter(GROUP, spoof=source)
        with Stream(emitters["to-left"], 0.02), Stream(emitters["to-right"], 0.02):
            for _ in range(18):
                time.sleep(0.4)
                self.assertEqual(self.iifs(), {source: "to-left"})
        sent = emitters["to-left"].sent
        self.collector.expect(sent)
        self.assertEqual(self.collector.numbers, list(range(sent)), "each once")
        (mfe,) = self.daemon.mfes()
        self.assertEqual(mfe["wrong"], emitters["to-right"].sent)

    def test_next_hop_group_of_which_a_leg_goes(self):
        """Equal-cost paths with next hop objects, one of which no longer works."""
        self.kernel.ip(
            "route del 10.9.0.0/24",
            f"nexthop add id 11 via {self.left.address} dev to-left",
            f"nexthop add id 12 via {self.right.address} dev to-right",
            "nexthop add id 20 group 11,3/12,200",
            "route add 10.9.0.0/24 nhid 20",
        )
        self.start()
        for host, sources in ((self.left, self.LEFT), (self.right, self.RIGHT)):
            self.flows_by(host, sources)
            self.assert_by(host, sources)

        self.kernel.ip("link set to-right down")
        source, before = self.RIGHT[0], self.collector.count
        self.left.emitter(GROUP, spoof=source).send_until(
            lambda: self.collector.count > before, "what the dead leg brought, by the other"
        )
        until(lambda: self.iifs()[source] == "to-left", "the way in")


class EqualPrefixes(TwoWays):
    """Both interfaces are connected to 10.50.0.0/24; the routes differ in their metric."""

    SOURCE = "10.50.0.9"

    def setUp(self):
        super().setUp()
        for host, interface, metric in (("1", "to-left", 10), ("2", "to-right", 20)):
            address = f"10.50.0.{host}"
            self.kernel.ip(
                f"addr flush dev {interface}",
                f"addr add {address}/24 dev {interface} noprefixroute",
                f"route add 10.50.0.0/24 dev {interface} metric {metric} src {address}",
            )
        self.start()

    def test_source_is_on_the_link_that_the_route_does_not_name(self):
        """FRRouting/frr#22607, troglobit/pimd#156: one prefix on two interfaces."""
        emitter = self.right.emitter(GROUP, spoof=self.SOURCE)
        emitter.send(3)
        self.collector.expect(3)
        self.assertEqual(self.iifs(), {self.SOURCE: "to-right"})
        (mfe,) = self.daemon.mfes()
        self.assertEqual(mfe["upstream"], "0.0.0.0", "directly connected")

        self.left.emitter(GROUP, spoof=self.SOURCE).send_until(
            lambda: self.collector.count > 3, "the other link, once this one is silent", MOVED
        )
        self.assertEqual(self.iifs(), {self.SOURCE: "to-left"})

    def test_two_feeds_of_one_name_are_never_mixed(self):
        """troglobit/smcroute#89, #212: two networks with the same addresses send the same flow."""
        first, second = (
            host.emitter(GROUP, spoof=self.SOURCE) for host in (self.right, self.left)
        )
        second.sent = 1 << 20  # so that its datagrams have other numbers
        first.send(1)
        self.collector.expect(1)
        for _ in range(50):
            first.send()
            second.send()
        self.collector.expect(51)
        self.assertEqual(self.collector.numbers, list(range(51)))
        self.assertEqual([mfe["wrong"] for mfe in self.daemon.mfes()], [50])


class OneWay(TwoWays):
    """The routes have one path to the source, and packets arrive on another."""

    SOURCE = "10.9.0.5"

    def setUp(self):
        super().setUp()
        self.kernel.ip(f"route add 10.9.0.0/24 via {self.left.address}")

    def test_copies_from_a_shared_network_never_take_the_flow_over(self):
        """troglobit/smcroute#143: a copy of the stream arrives first on a private link."""
        self.start()
        shared = self.right.emitter(GROUP, spoof=self.SOURCE)
        private = self.left.emitter(GROUP, spoof=self.SOURCE)
        shared.send(1)
        self.daemon.hears("WRONG_IF", interface=self.daemon.index("to-right"))
        private.send(1)
        self.collector.expect(1)
        # Longer than the move to an equal-cost path would take.
        with Stream(shared, 0.02):
            for _ in range(18):
                time.sleep(0.4)
                self.assertEqual(self.iifs(), {self.SOURCE: "to-left"})
        self.assertEqual(self.collector.count, 1)
        private.send(1)
        self.collector.expect(2)

    def test_owner_hears_of_a_source_that_moved_and_may_follow_it(self):
        """troglobit/smcroute#17: the source moves, and the routes stay as they are."""
        self.start()
        self.left.emitter(GROUP, spoof=self.SOURCE).send(1)
        self.collector.expect(1)

        moved = self.right.emitter(GROUP, spoof=self.SOURCE)
        moved.send(1)
        self.daemon.hears("WRONG_IF", source=self.SOURCE, interface=self.daemon.index("to-right"))
        self.daemon.must(f"setmfe A {self.SOURCE} {GROUP} to-right")
        moved.send(5)
        self.collector.expect(6)
        self.assertEqual(self.iifs(), {self.SOURCE: "to-right"})
