"""What protocols are told about other clients, and about packets on the wrong interface."""

import time

from case import GROUP, NetnsTest
from router import IGMP


class WrongInterface(NetnsTest):
    def setUp(self):
        super().setUp()
        self.source, self.receiver, self.liar = self.hosts("source", "receiver", "liar")
        self.daemon = self.router()
        self.daemon.protocol("A", 200, "to-source")
        self.daemon.protocol("B", 201, "to-receiver", "to-liar")
        # The kernel reports packets on the wrong interface only on an oif.
        self.daemon.must(f"join B * {GROUP} to-receiver", f"join B * {GROUP} to-liar")
        self.collector = self.receiver.collector(GROUP)

    # spec 5.7
    def test_packet_of_a_known_flow_on_another_link_calls_the_owner_of_that_link(self):
        self.source.emitter(GROUP).send(1)
        self.collector.expect(1)

        self.liar.emitter(GROUP, spoof=self.source.address).send(1)

        self.daemon.hears(
            "WRONG_IF",
            client="B",
            source=self.source.address,
            group=GROUP,
            interface=self.daemon.index("to-liar"),
        )
        self.assertEqual(self.daemon.heard("WRONG_IF", client="A"), [])
        (mfe,) = self.daemon.mfes()
        self.assertEqual((mfe["packets"], mfe["wrong"]), (1, 1))
        self.assertEqual(self.collector.count, 1, "the astray packet is dropped")

    # spec 5.1, 5.7
    def test_first_packet_on_the_wrong_link_installs_the_mfe_for_the_right_one(self):
        self.liar.emitter(GROUP, spoof=self.source.address).send(1)

        rpf = self.daemon.hears("RPF", client="A", source=self.source.address)
        self.assertEqual(rpf["interface"], self.daemon.index("to-source"))
        self.daemon.hears("WRONG_IF", client="B", interface=self.daemon.index("to-liar"))
        self.source.emitter(GROUP).send(1)
        self.collector.expect(1)
        self.assertEqual(self.daemon.mfes()[0]["in"], self.daemon.index("to-source"))

    # spec 5.7
    def test_wrong_interface_is_told_once_in_three_seconds(self):
        self.source.emitter(GROUP).send(1)
        self.collector.expect(1)

        self.liar.emitter(GROUP, spoof=self.source.address).send(20)

        self.daemon.hears("WRONG_IF", client="B")
        self.source.emitter(GROUP).send(1)
        self.collector.expect(2)
        self.assertEqual(len(self.daemon.heard("WRONG_IF")), 1)


class RpfAnswer(NetnsTest):
    # spec 5.2
    def test_protocol_may_expect_a_source_elsewhere_than_the_route_says(self):
        source, detour, receiver = self.hosts("source", "detour", "receiver")
        router = self.router()
        router.protocol("A", 200, "to-source", "to-detour", "to-receiver")
        router.must(f"join A * {GROUP} to-receiver", "rpf A to-detour")
        collector = receiver.collector(GROUP)

        detour.emitter(GROUP, spoof=source.address).send(2)

        collector.expect(2)
        self.assertEqual(router.mfes()[0]["in"], router.index("to-detour"))


class SlowProtocol(NetnsTest):
    # spec 8.4
    def test_slow_callback_holds_up_no_other_protocols_flow(self):
        slow, quick, receiver = self.hosts("slow", "quick", "receiver")
        router = self.router()
        router.protocol("A", 200, "to-slow")
        router.protocol("B", 201, "to-quick", "to-receiver")
        router.must(f"join B * {GROUP} to-receiver")
        router.hears("JOIN", client="A")
        router.must("slow A 500")
        collector = receiver.collector(GROUP)

        slow.emitter(GROUP).send(1)
        router.hears("RPF", client="A")  # where it sleeps
        began = time.monotonic()
        quick.emitter(GROUP).send(1)

        collector.expect(1)
        self.assertLess(time.monotonic() - began, 0.4)
        collector.expect(2)  # the kernel has kept the packet of the slow client


class TwoProtocols(NetnsTest):
    """One router, and two protocols that own one interface each."""

    def setUp(self):
        super().setUp()
        self.source, self.receiver = self.hosts("source", "receiver")
        self.daemon = self.router()
        self.daemon.protocol("A", 200, "to-source")
        self.daemon.protocol("B", 201, "to-receiver")

    # spec 4.3, 4.4
    def test_membership_of_one_alerts_the_other(self):
        self.daemon.must(f"join B * {GROUP} to-receiver")
        self.daemon.hears("JOIN", client="A", source="0.0.0.0", group=GROUP, member=True)

        self.daemon.must(f"leave B * {GROUP} to-receiver")
        self.daemon.hears("PRUNE", client="A", source="0.0.0.0", group=GROUP, member=True)

        self.assertEqual(self.daemon.heard("JOIN", client="B"), [])
        self.assertEqual(self.daemon.heard("PRUNE", client="B"), [])

    # spec 5.2, 5.3
    def test_upstream_owner_is_asked_for_rpf_and_downstream_owner_for_creation(self):
        self.daemon.must(f"join B * {GROUP} to-receiver")
        collector = self.receiver.collector(GROUP)

        self.source.emitter(GROUP).send(1)

        collector.expect(1)
        self.daemon.hears("RPF", client="A", interface=self.daemon.index("to-source"))
        creation = self.daemon.hears("CREATION", client="B")
        self.assertEqual(creation["outs"], [self.daemon.index("to-receiver")])
        self.assertEqual(self.daemon.heard("RPF", client="B"), [])
        self.assertEqual(self.daemon.heard("CREATION", client="A"), [])

    # spec 5.8
    def test_upstream_owner_hears_when_a_flow_is_no_longer_and_again_wanted(self):
        self.daemon.must(f"join B * {GROUP} to-receiver")
        collector, emitter = self.receiver.collector(GROUP), self.source.emitter(GROUP)
        emitter.send(1)
        collector.expect(1)

        self.daemon.must(f"leave B * {GROUP} to-receiver")
        self.daemon.hears("PRUNE", client="A", source=self.source.address, member=False)

        self.daemon.must(f"join B * {GROUP} to-receiver")
        self.daemon.hears("JOIN", client="A", source=self.source.address, member=False)
        emitter.send_until(lambda: collector.count > 1, "the flow again")

    # spec 4.6
    def test_source_specific_join_alerts_the_owner_towards_the_source(self):
        self.daemon.must(f"join B {self.source.address} {GROUP} to-receiver")

        self.daemon.hears("JOIN", client="A", source=self.source.address, member=True)


class IgmpBesideAnOwner(NetnsTest):
    def setUp(self):
        super().setUp()
        self.source, self.receiver = self.hosts("source", "receiver")
        self.daemon = self.router()

    # spec 3.6
    def test_owner_gets_local_join_and_leave_and_packets_flow(self):
        self.daemon.protocol("A", 200, "to-source", "to-receiver")
        self.daemon.protocol("B", IGMP, "to-receiver")
        collector, emitter = self.receiver.collector(GROUP), self.source.emitter(GROUP)

        self.daemon.must(f"join B * {GROUP} to-receiver")
        self.daemon.hears(
            "LOCAL_JOIN", client="A", group=GROUP, interface=self.daemon.index("to-receiver")
        )
        emitter.send(1)
        collector.expect(1)

        self.daemon.must(f"leave B * {GROUP} to-receiver")
        self.daemon.hears("LOCAL_LEAVE", client="A", group=GROUP)
        self.receiver.tap(GROUP).silent(emitter)
        self.assertEqual(self.daemon.ask("owner to-receiver")["protocol"], 200)

    # spec 2.3
    def test_igmp_is_disabled_and_enabled_around_a_change_of_owner(self):
        self.daemon.protocol("B", IGMP, "to-receiver")
        self.assertEqual(self.daemon.ask("owner to-receiver")["protocol"], IGMP)

        self.daemon.protocol("A", 200, "to-receiver")

        index = self.daemon.index("to-receiver")
        self.daemon.hears("DISABLE_IGMP", client="B", interface=index)
        self.daemon.hears("ENABLE_IGMP", client="B", interface=index)
        self.assertEqual(self.daemon.ask("owner to-receiver")["protocol"], 200)

    # spec 0.7
    def test_igmp_alone_serves_its_links(self):
        self.daemon.protocol("B", IGMP, "to-source", "to-receiver")
        collector = self.receiver.collector(GROUP)

        self.daemon.must(f"join B * {GROUP} to-receiver")
        self.source.emitter(GROUP).send(1)

        collector.expect(1)
