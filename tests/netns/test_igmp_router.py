"""The example IGMP router with the IGMP of real hosts."""

import re
import signal

from case import GROUP, NetnsTest


class IgmpRouter(NetnsTest):
    def setUp(self):
        super().setUp()
        self.source, self.receiver = self.hosts("source", "receiver")

    def serving(self, *options):
        router = self.router(program=("igmp_router", *options, "to-source", "to-receiver"))
        router.output.wait(lambda line: line.startswith("serving"), "readiness")
        self.daemon = router
        return router

    def prints(self, pattern):
        """Waits for a line of the router that matches."""
        return self.daemon.output.wait(lambda line: re.search(pattern, line), pattern)

    def assert_flows_until_leave(self, collector):
        emitter = self.source.emitter(GROUP)
        self.prints(r"wants \(")
        self.daemon.say("groups")  # answered after the previous command
        self.prints(r"^GROUP +1 joined")
        emitter.send(1)
        collector.expect(1)
        emitter.send(4)
        collector.expect(5)
        collector.leave()
        self.receiver.tap(GROUP).falls_silent(emitter)

    def test_v3_host_joins_and_leaves(self):
        self.serving()
        self.assert_flows_until_leave(self.receiver.collector(GROUP))
        self.prints(rf"leaves \(\*, {GROUP}\)")

    def test_v2_host_joins_and_leaves(self):
        self.receiver.sysctl(conf__eth0__force_igmp_version=2)
        self.serving()
        self.assert_flows_until_leave(self.receiver.collector(GROUP))
        self.prints(rf"leaves \(\*, {GROUP}\)")

    def test_host_that_wants_one_source(self):
        self.serving()
        self.assert_flows_until_leave(
            self.receiver.collector(GROUP, source=self.source.address)
        )
        self.prints(rf"leaves \({self.source.address}, {GROUP}\)")

    def test_host_that_joined_before_the_router_came_answers_its_query(self):
        collector = self.receiver.collector(GROUP)
        self.serving()
        self.assert_flows_until_leave(collector)

    def test_second_host_on_the_link_keeps_the_flow_when_the_first_leaves(self):
        # Both hosts are on one link: the router's interface becomes a bridge.
        router, other = self.lab.router, self.lab.host("other")
        router.ip(
            "link add lan type bridge mcast_snooping 0",
            "addr flush dev to-receiver",
            "addr add 10.2.0.1/24 dev lan",
            "link set to-receiver master lan",
            f"link add port type veth peer name eth0 netns {other.namespace}",
            "link set port master lan",
            "link set port up",
            "link set lan up",
        )
        other.ip("addr add 10.2.0.3/24 dev eth0", "link set eth0 up")
        other.interface, other.address = "eth0", "10.2.0.3"
        self.daemon = self.router(program=("igmp_router", "to-source", "lan"))
        self.prints("^serving")
        leaver, stayer = self.receiver.collector(GROUP), other.collector(GROUP)
        self.prints(rf"10\.2\.0\.2 on lan wants")
        self.prints(rf"10\.2\.0\.3 on lan wants")
        emitter = self.source.emitter(GROUP)
        emitter.send_until(lambda: leaver.count and stayer.count, "the flow to both")

        leaver.leave()
        self.prints(rf"10\.2\.0\.2 on lan leaves")

        before = stayer.count
        emitter.send_until(lambda: stayer.count > before + 5, "the flow to the second")

    def test_owner_hears_of_members_through_igmp(self):
        self.serving("--igmp")
        self.assert_flows_until_leave(self.receiver.collector(GROUP))
        self.prints(rf"^LOCAL_JOIN .*{GROUP}\): members on to-receiver")
        self.prints(rf"^LOCAL_LEAVE .*{GROUP}\): no members on to-receiver")
        self.prints(r"^PRUNE .*no outgoing interface is left")

    def test_tables_on_demand_and_an_orderly_end(self):
        router = self.serving()
        collector = self.receiver.collector(GROUP)
        self.prints("wants")
        router.say("groups")
        self.prints(r"^GROUP +1 joined")
        self.source.emitter(GROUP).send(1)
        collector.expect(1)

        router.process.send_signal(signal.SIGUSR1)
        self.prints(rf"^MFE .*{self.source.address}, {GROUP}\): in on to-source: 1 packets")
        self.prints(rf"^GROUP .*\(\*, {GROUP}\)")
        self.prints(r"^GROUP +1 joined")
        router.say("mfes")
        self.prints(r"^MFE +1 in the table")
        router.process.send_signal(signal.SIGTERM)
        self.assertEqual(router.process.wait(5), 0)
        self.prints("^deregistered")
        self.assert_kernel_empty()
