"""The kernel forwards real packets as the library decides."""

from case import GROUP, NetnsTest
from lab import until


class Forwarding(NetnsTest):
    # spec 5.4
    def test_one_receiver_gets_every_datagram_and_the_protocol_its_callbacks(self):
        source, receiver, router = self.one_receiver()
        collector, emitter = receiver.collector(GROUP), source.emitter(GROUP)

        emitter.send(1)
        collector.expect(1)  # the kernel kept the first packet until the MFE was installed
        emitter.send(9)
        collector.expect(10)

        inward, outward = router.index("to-source"), router.index("to-receiver")
        rpf = router.hears("RPF", client="A", source=source.address, group=GROUP)
        self.assertEqual((rpf["interface"], rpf["upstream"]), (inward, "0.0.0.0"))
        self.assertEqual(rpf["version"], 4, "the header bytes come with the question")
        creation = router.hears("CREATION", client="A", interface=inward)
        self.assertEqual(creation["outs"], [outward])
        (mfe,) = router.mfes()
        self.assertEqual((mfe["in"], mfe["outs"], mfe["protocol"]), (inward, [outward], 200))
        self.assertEqual((mfe["packets"], mfe["octets"], mfe["wrong"]), (10, 320, 0))
        self.assertEqual(router.groups(), [("0.0.0.0", GROUP)])

    def test_two_receivers_on_two_links_get_one_copy_each(self):
        source, one, two = self.hosts("source", "one", "two")
        router = self.router()
        router.protocol("A", 200, "to-source", "to-one", "to-two")
        router.must(f"join A * {GROUP} to-one", f"join A * {GROUP} to-two")
        collectors = [one.collector(GROUP), two.collector(GROUP)]
        emitter = source.emitter(GROUP)

        emitter.send(3)
        for collector in collectors:
            collector.expect(3)
        emitter.send(3)
        for collector in collectors:
            collector.expect(6)
            self.assertEqual(collector.numbers, [0, 1, 2, 3, 4, 5])

    # spec 3.5
    def test_leave_stops_the_flow_on_that_link_only(self):
        source, one, two = self.hosts("source", "one", "two")
        router = self.router()
        router.protocol("A", 200, "to-source", "to-one", "to-two")
        router.must(f"join A * {GROUP} to-one", f"join A * {GROUP} to-two")
        collectors = [one.collector(GROUP), two.collector(GROUP)]
        emitter, wire = source.emitter(GROUP), one.tap(GROUP)
        emitter.send(1)
        for collector in collectors:
            collector.expect(1)

        router.must(f"leave A * {GROUP} to-one")

        wire.silent(emitter)
        collectors[1].expect(emitter.sent)

    # spec 5.8
    def test_last_leave_makes_the_mfe_negative_and_a_join_revives_it(self):
        source, receiver, router = self.one_receiver()
        collector, emitter = receiver.collector(GROUP), source.emitter(GROUP)
        emitter.send(1)
        collector.expect(1)

        router.must(f"leave A * {GROUP} to-receiver")
        receiver.tap(GROUP).silent(emitter)
        self.assertEqual([mfe["outs"] for mfe in router.mfes()], [[]])

        router.must(f"join A * {GROUP} to-receiver")
        emitter.send(1)
        until(lambda: emitter.sent - 1 in collector.numbers[-1:] or not collector.count, "flow")
        collector.expect(2)
        self.assertEqual(len(router.heard("RPF")), 1, "it is the same MFE")

    # spec 6.7
    def test_packets_without_an_oif_are_counted_apart_and_no_counter_falls(self):
        source, receiver = self.hosts("source", "receiver")
        router = self.router()
        router.protocol("A", 200, "to-source", "to-receiver")
        collector, emitter = receiver.collector(GROUP), source.emitter(GROUP)

        def counts(packets, negative):
            until(lambda: [mfe["packets"] for mfe in router.mfes()] == [packets], f"{packets} packets")
            self.assertEqual(router.mfes()[0]["negative"], negative)

        emitter.send(2)
        counts(2, 2)
        router.must(f"join A * {GROUP} to-receiver")
        counts(2, 2)
        emitter.send(5)
        collector.expect(5)
        counts(7, 2)
        router.must(f"leave A * {GROUP} to-receiver")
        counts(7, 2)
        emitter.send(1)
        counts(8, 3)
        # The counters are not read in between.
        router.must(f"join A * {GROUP} to-receiver")
        emitter.send(1)
        collector.expect(6)
        router.must(f"leave A * {GROUP} to-receiver")
        emitter.send(1)
        counts(10, 4)

    # spec 5.5
    def test_flow_that_nobody_wants_gets_a_negative_mfe_and_a_prune(self):
        source, receiver = self.hosts("source", "receiver")
        router = self.router()
        router.protocol("A", 200, "to-source", "to-receiver")
        wire, emitter = receiver.tap(GROUP), source.emitter(GROUP)

        emitter.send(1)

        router.hears("PRUNE", client="A", group=GROUP, member=False)
        wire.silent(emitter, packets=5)
        self.assertEqual([mfe["outs"] for mfe in router.mfes()], [[]])
        self.assertEqual(router.heard("CREATION"), [])

    # spec 3.5
    def test_source_specific_join_lets_one_source_through(self):
        wanted, other, receiver = self.hosts("wanted", "other", "receiver")
        router = self.router()
        router.protocol("A", 200, "to-wanted", "to-other", "to-receiver")
        router.must(f"join A {wanted.address} {GROUP} to-receiver")
        collector, wire = receiver.collector(GROUP), receiver.tap(GROUP)

        other_emitter = other.emitter(GROUP)
        other_emitter.send(1)
        router.hears("PRUNE", source=other.address, member=False)
        wire.silent(other_emitter, packets=5)
        wanted.emitter(GROUP).send(2)

        collector.expect(2)
        self.assertEqual(router.groups(), [(wanted.address, GROUP)])

    def test_many_flows_of_one_group(self):
        source, receiver = self.hosts("source", "receiver")
        addresses = [f"10.1.0.{last}" for last in range(10, 60)]
        source.ip(*(f"addr add {address}/24 dev eth0" for address in addresses))
        router = self.router()
        router.protocol("A", 200, "to-source", "to-receiver")
        router.must(f"join A * {GROUP} to-receiver")
        collector = receiver.collector(GROUP)

        for address in addresses:
            emitter = source.emitter(GROUP, address=address)
            emitter._socket.bind((address, 0))
            emitter.send(1)

        collector.expect(len(addresses))
        self.assertEqual([mfe["source"] for mfe in router.mfes()], addresses)
        self.assertEqual({mfe["packets"] for mfe in router.mfes()}, {1})

    def test_burst_of_new_flows_loses_none(self):
        # The default buffer of a socket holds 256 upcalls; the kernel drops the others.
        source, receiver, router = self.one_receiver()
        collector = receiver.collector(GROUP)
        flows = [f"10.1.{4 + n // 250}.{1 + n % 250}" for n in range(1500)]
        self.lab.router.ip("route add 10.1.0.0/16 dev to-source")
        emitters = [source.emitter(GROUP, spoof=address) for address in flows]

        for emitter in emitters:
            emitter.send(1)

        collector.expect(len(flows))
        self.assertEqual(len(router.mfes()), len(flows))

    def test_ttl_one_is_not_forwarded(self):
        source, receiver, router = self.one_receiver()
        wire, emitter = receiver.tap(GROUP), source.emitter(GROUP, ttl=1)

        emitter.send(1)
        wire.silent(emitter, packets=5)
        emitter = source.emitter(GROUP, ttl=2)
        emitter.send_until(lambda: wire.count > 0, "a datagram with TTL 2")


class Routes(NetnsTest):
    """The multicast view of the routes decides on which interface a source must arrive."""

    REMOTE = "10.9.0.5"

    # spec 5.1
    def test_source_behind_a_gateway_has_an_upstream_neighbour(self):
        gateway, receiver = self.hosts("gateway", "receiver")
        self.lab.router.ip(f"route add 10.9.0.0/24 via {gateway.address}")
        router = self.router()
        router.protocol("A", 200, "to-gateway", "to-receiver")
        router.must(f"join A * {GROUP} to-receiver")
        collector = receiver.collector(GROUP)

        gateway.emitter(GROUP, spoof=self.REMOTE).send(2)

        collector.expect(2)
        rpf = router.hears("RPF", source=self.REMOTE)
        self.assertEqual(rpf["upstream"], gateway.address)
        self.assertEqual(router.mfes()[0]["upstream"], gateway.address)

    # spec 5.10
    def test_flow_follows_a_changed_route(self):
        first, second, receiver = self.hosts("first", "second", "receiver")
        self.lab.router.ip(f"route add 10.9.0.0/24 via {first.address}")
        router = self.router()
        router.protocol("A", 200, "to-first", "to-second", "to-receiver")
        router.must(f"join A * {GROUP} to-receiver")
        collector = receiver.collector(GROUP)
        first.emitter(GROUP, spoof=self.REMOTE).send(1)
        collector.expect(1)

        self.lab.router.ip(f"route replace 10.9.0.0/24 via {second.address}")

        other = second.emitter(GROUP, spoof=self.REMOTE)
        other.send_until(lambda: collector.count > 1, "packets by the new way")
        until(lambda: [m["in"] for m in router.mfes()] == [router.index("to-second")], "new iif")

    # spec 5.1
    def test_flow_without_a_route_gets_no_mfe(self):
        source, receiver, router = self.one_receiver()
        collector = receiver.collector(GROUP)

        source.emitter(GROUP, spoof="192.0.2.1").send(1)
        source.emitter(GROUP).send(1)

        collector.expect(1)
        self.assertEqual([mfe["source"] for mfe in router.mfes()], [source.address])

    # spec 5.1
    def test_the_router_itself_may_be_a_source(self):
        near, far = self.hosts("near", "far")
        router = self.router()
        router.protocol("A", 200, "to-near", "to-far")
        router.must(f"join A * {GROUP} to-far")
        collectors = [near.collector(GROUP), far.collector(GROUP)]

        # It sends on its link to `near`; only forwarding can bring the packets to `far`.
        emitter = self.lab.router.emitter(GROUP, address="10.1.0.1")
        emitter.send_until(lambda: collectors[1].count > 0, "the router's own packets")

        collectors[0].expect(1)
        rpf = router.hears("RPF", source="10.1.0.1")
        self.assertEqual((rpf["interface"], rpf["upstream"]), (router.index("to-near"), "0.0.0.0"))
