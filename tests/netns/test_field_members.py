"""Public reports about members that leave, return, or are on the link of the source."""

from case import GROUP, NetnsTest
from lab import until
from router import IGMP


class Members(NetnsTest):
    def setUp(self):
        super().setUp()
        self.source, self.one, self.two = self.hosts("source", "one", "two")
        self.daemon = self.router()
        self.daemon.protocol("A", 200, "to-source", "to-one", "to-two")
        self.emitter = self.source.emitter(GROUP)

    # spec 5.8
    def test_member_that_timed_out_comes_back_at_once(self):
        """antrea-io/antrea#7140: a member ends without a leave and reports again."""
        self.daemon.protocol("B", IGMP, "to-one", "to-two")
        self.daemon.must(f"join B * {GROUP} to-one", f"join B * {GROUP} to-two")
        wires = [self.one.tap(GROUP), self.two.tap(GROUP)]
        self.emitter.send_until(lambda: all(wire.count for wire in wires), "the flow")

        # With another member, and alone; while packets arrive, and while none do.
        for beside in (True, False):
            if not beside:
                self.daemon.must(f"leave B * {GROUP} to-two")
            for going_on in (True, False):
                self.daemon.must(f"leave B * {GROUP} to-one")
                if going_on:
                    wires[0].silent(self.emitter)
                self.daemon.must(f"join B * {GROUP} to-one")
                before = wires[0].count
                self.emitter.send(1)
                until(lambda: wires[0].count == before + 1, "the very next datagram")

    # spec 0.5
    def test_source_and_member_on_one_link(self):
        """FRRouting/frr#11411, Microsoft Q279096: no copy goes back to the source's link."""
        listener = self.source.tap(GROUP)
        self.daemon.must(*(f"join A * {GROUP} to-{name}" for name in ("source", "one")))
        wire = self.one.tap(GROUP)
        self.emitter.send_until(lambda: wire.count > 0, "the flow")
        before = wire.count
        self.emitter.send(10)
        until(lambda: wire.count >= before + 10, "one copy of each")
        self.daemon.must(f"leave A * {GROUP} to-one")
        wire.silent(self.emitter)
        self.assertEqual(listener.count, 0, "copies on the source's own link")
        self.assertEqual(self.daemon.heard("WRONG_IF"), [])

    # spec 5.8
    def test_one_join_opens_the_way_for_every_source_of_the_group(self):
        """troglobit/smcroute#105: 50 sources are known, and only one is forwarded."""
        sources = [f"10.1.0.{n}" for n in range(10, 60)]
        emitters = [self.source.emitter(GROUP, spoof=source) for source in sources]
        for emitter in emitters:
            emitter.send(1)
        until(lambda: len(self.lab.router.entries()) == 50, "50 entries")
        self.assertTrue(all(not oifs for _, oifs in self.lab.router.entries().values()))

        collector = self.one.collector(GROUP)
        self.daemon.must(f"join A * {GROUP} to-one")
        self.assertEqual(
            {(source, GROUP): ("to-source", {"to-one"}) for source in sources},
            self.lab.router.entries(),
        )
        for emitter in emitters:
            emitter.send(1)
        collector.expect(50)
