"""TTL thresholds and administrative boundaries (rule 3.7), and limits of new flows (rule 0.9)."""

from case import GROUP, NetnsTest, kernel_only
from lab import until

SITE = "239.255.1.1"
BOUNDARY = "239.255.0.0 255.255.0.0"


class Limits(NetnsTest):
    def setUp(self):
        super().setUp()
        self.source, self.one, self.two = self.hosts("source", "one", "two")
        self.daemon = self.router()
        self.daemon.protocol("A", 200, "to-source")
        self.daemon.protocol("B", 201, "to-one", "to-two")
        self.daemon.must("join B * * to-one", "join B * * to-two")

    def indices(self, *interfaces):
        return [self.daemon.index(interface) for interface in interfaces]

    def test_threshold_keeps_a_ttl_of_5_back_and_lets_64_through(self):
        self.daemon.must("threshold to-one 16")
        wires = [self.one.tap(GROUP), self.two.tap(GROUP)]
        near, far = self.source.emitter(GROUP, ttl=5), self.source.emitter(GROUP, ttl=64)

        near.send_until(lambda: wires[1].count > 0, "the link without a threshold")
        wires[0].silent(near)
        self.assertEqual(wires[0].count, 0)
        far.send(3)
        until(lambda: wires[0].count == 3, "what has a TTL of 64")

        (mfe,) = self.daemon.mfes()
        self.assertEqual(sorted(mfe["outs"]), sorted(self.indices("to-one", "to-two")))

    def test_threshold_changes_reach_flows_that_run(self):
        wire, emitter = self.one.tap(GROUP), self.source.emitter(GROUP, ttl=64)
        emitter.send_until(lambda: wire.count > 0, "the flow")

        for held in (64, 255):
            self.daemon.must(f"threshold to-one {held}")
            wire.silent(emitter)
            self.daemon.must("threshold to-one 63")
            before = wire.count
            emitter.send_until(lambda: wire.count > before, "the flow again")
        self.assertEqual(len(self.daemon.heard("RPF")), 1, "it is the same MFE")

    def test_boundary_stops_its_groups_on_its_link_only(self):
        taps = {(name, group): host.tap(group)
                for name, host in (("one", self.one), ("two", self.two))
                for group in (SITE, GROUP)}
        emitters = [self.source.emitter(group, ttl=64) for group in (SITE, GROUP)]

        def flows_to(*keys):
            """Sends datagrams until one has arrived on all links."""
            before = {key: taps[key].count for key in keys}
            until(
                lambda: [emitter.send() for emitter in emitters]
                and all(taps[key].count > before[key] for key in keys),
                keys,
            )

        flows_to(*taps)
        self.daemon.must(f"boundary to-one {BOUNDARY}")
        taps["one", SITE].silent(emitters[0])
        flows_to(("one", GROUP), ("two", SITE), ("two", GROUP))

        self.daemon.must(f"boundary to-two {BOUNDARY}")
        self.daemon.hears("PRUNE", client="A", group=SITE, member=False)
        taps["two", SITE].silent(emitters[0])
        self.daemon.must(f"unbound to-one {BOUNDARY}", f"unbound to-two {BOUNDARY}")
        self.daemon.hears("JOIN", client="A", group=SITE, member=False)
        flows_to(*taps)

    def test_boundary_set_before_the_interface_is_taken_holds(self):
        self.daemon.must("release B to-one", f"boundary to-one {BOUNDARY}", "take B to-one")
        self.daemon.must("join B * * to-one")
        wires = [self.one.tap(SITE), self.two.tap(SITE)]
        emitter = self.source.emitter(SITE, ttl=64)

        emitter.send_until(lambda: wires[1].count > 0, "the link without a boundary")
        wires[0].silent(emitter)
        self.assertEqual(wires[0].count, 0)

    def test_packets_from_beyond_a_boundary_go_nowhere(self):
        wire, emitter = self.two.tap(SITE), self.source.emitter(SITE, ttl=64)
        emitter.send_until(lambda: wire.count > 0, "the flow")

        self.daemon.must(f"boundary to-source {BOUNDARY}")
        wire.silent(emitter)
        self.assertEqual(self.daemon.mfes(), [])
        oifs = [oifs for _, oifs in self.lab.router.entries().values()]
        self.assertEqual(oifs, [set()], "a refused flow is not left among the unresolved ones")

        before = wire.count
        self.daemon.must(f"unbound to-source {BOUNDARY}")
        emitter.send_until(lambda: wire.count > before, "the flow again")

    def test_boundary_outside_of_239_is_refused(self):
        self.assertEqual(self.daemon.do("boundary to-one 224.1.0.0 255.255.0.0"), 87)
        self.daemon.logs("MgmHostAddBoundary", "RFC 2365")
        self.assertEqual(self.daemon.do(f"unbound to-one {BOUNDARY}"), 1168)

    @kernel_only("it remembers refused flows")
    def test_flow_limit_refuses_new_flows_until_it_is_removed(self):
        """0.9, D81."""
        def entries():
            return [oifs for _, oifs in self.lab.router.entries().values()]

        self.daemon.must("flow-limit to-source 1 3")
        for group in range(1, 11):
            self.source.emitter(f"239.1.3.{group}", ttl=64).send()
        until(lambda: len(entries()) == 10, "an entry of each flow, so that none is left unresolved")
        refused = entries().count(set())
        self.assertIn(refused, range(1, 8))
        self.assertEqual(len(self.daemon.mfes()), 10 - refused)
        self.assertEqual(len(self.daemon.heard("RPF")), 10 - refused, "nobody is asked about the others")
        self.daemon.logs("MgmHostSetFlowLimit", "new flows")

        self.daemon.must("flow-limit to-source 0 0")
        until(lambda: entries().count(set()) == 0, "an entry with oifs of each flow")
        self.assertEqual(len(self.daemon.mfes()), 10)
