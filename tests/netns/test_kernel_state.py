"""The library leaves nothing in the kernel, however the router ends."""

import errno
import os
import signal

from case import GROUP, NetnsTest, not_with_clsact
from lab import until
from router import Router


class KernelState(NetnsTest):
    def setUp(self):
        super().setUp()
        self.source, self.receiver = self.hosts("source", "receiver")

    def flowing(self, **options):
        """Returns a router that forwards a flow."""
        router = self.router(**options)
        router.protocol("A", 200, "to-source", "to-receiver")
        router.must(f"join A * {GROUP} to-receiver")
        collector = self.receiver.collector(GROUP)
        self.source.emitter(GROUP).send_until(lambda: collector.count > 0, "the flow")
        self.assertEqual(len(self.lab.router.read("ip_mr_vif")), 2)
        self.assertEqual(len(self.lab.router.read("ip_mr_cache")), 1)
        return router

    def test_d78_status_names_the_interfaces(self):
        router = self.flowing()
        rows = router.ask("status")["status"]["interfaces"]
        self.assertEqual(
            {row["index"]: row["name"] for row in rows},
            {router.index(name): name for name in ("to-source", "to-receiver")},
        )

    # spec 2.5
    def test_release_and_deregistration_clean_the_tables(self):
        router = self.flowing()
        self.assertEqual(router.do("deregister A"), 1003, "it still owns interfaces")

        router.must("release A to-receiver")
        until(lambda: len(self.lab.router.read("ip_mr_vif")) == 1, "one interface left")
        self.assertEqual([mfe["outs"] for mfe in router.mfes()], [[]])
        router.must("release A to-source", "deregister A")

        self.assert_kernel_empty()
        self.assertEqual((router.mfes(), router.close()), ([], 0))

    def test_interface_can_be_taken_again_after_a_release(self):
        router = self.flowing()
        router.must("release A to-receiver", "take A to-receiver", f"join A * {GROUP} to-receiver")
        collector = self.receiver.collector(GROUP)

        self.source.emitter(GROUP).send_until(lambda: collector.count > 0, "the flow again")

    def test_end_of_the_process_without_a_word_leaves_nothing(self):
        router = self.flowing()
        self.assertEqual(router.close(), 0)
        self.assert_kernel_empty()

    # spec 8.7
    def test_kill_9_leaves_nothing(self):
        router = self.flowing()
        router.kill()
        until(lambda: self.lab.router.read("ip_mr_vif") == [], "the kernel's clean-up")
        self.assert_kernel_empty()
        self.flowing()

    # spec 8.7
    def test_child_that_outlives_a_killed_router_keeps_nothing(self):
        router = self.flowing()
        child = router.ask("fork")["child"]
        self.addCleanup(os.kill, child, signal.SIGKILL)
        self.assertEqual(router.hears("CHILD")["code"], 1003, "MGM lives in the router's process")

        router.kill()

        os.kill(child, 0)  # fails if the child has ended
        until(lambda: self.lab.router.read("ip_mr_vif") == [], "the kernel's clean-up")
        self.flowing()

    @not_with_clsact("it needs CAP_NET_ADMIN for each interface")
    def test_router_may_give_up_its_privileges(self):
        router = self.flowing()
        router.must("unprivileged")

        other = "239.9.9.9"
        router.must(f"join A * {other} to-receiver")
        collector = self.receiver.collector(other)
        self.source.emitter(other).send(1)
        collector.expect(1)
        router.must("release A to-receiver", "take A to-receiver")
        self.assertEqual(len(self.lab.router.read("ip_mr_vif")), 2)

    # spec 8.7
    def test_child_does_not_disturb_the_router(self):
        router = self.flowing()
        child = router.ask("fork")["child"]
        router.hears("CHILD")
        os.kill(child, signal.SIGKILL)

        collector = self.receiver.collector(GROUP)
        self.source.emitter(GROUP).send_until(lambda: collector.count > 0, "the flow goes on")
        self.assertEqual(len(router.mfes()), 1)


class Expiry(NetnsTest):
    def setUp(self):
        super().setUp()
        self.source, self.receiver = self.hosts("source", "receiver")

    def live_for_a_second(self, **options):
        """Returns a router whose MFEs expire."""
        router = self.router(MGM_MFE_TIMEOUT="1", **options)
        router.protocol("A", 200, "to-source", "to-receiver")
        return router

    # spec 5.6
    def test_idle_mfe_goes_and_the_next_packet_makes_it_anew(self):
        daemon, emitter = self.live_for_a_second(), self.source.emitter(GROUP)
        emitter.send(1)
        daemon.hears("PRUNE", member=False)
        self.assertEqual(len(daemon.mfes()), 1)

        until(lambda: daemon.mfes() == [], "expiry")
        self.assertEqual(self.lab.router.read("ip_mr_cache"), [])

        emitter.send(1)
        until(lambda: len(daemon.mfes()) == 1, "the MFE again")
        self.assertEqual(len(daemon.heard("RPF")), 2)

    # spec 5.6
    def test_busy_mfe_is_renewed_without_losing_a_datagram(self):
        daemon = self.live_for_a_second()
        daemon.must(f"join A * {GROUP} to-receiver")
        collector, emitter = self.receiver.collector(GROUP), self.source.emitter(GROUP)
        emitter.send(1)
        collector.expect(1)

        emitter.send_until(lambda: len(daemon.heard("RPF")) == 2, "the renewal")

        emitter.send(10)
        collector.expect(emitter.sent)
        self.assertEqual(collector.numbers, list(range(emitter.sent)))

    # spec 5.6
    def test_mfe_lives_on_while_the_kernel_does_not_tell_whether_it_forwarded(self):
        fault = f"{errno.ENOBUFS} 1 2 ioctl 89e1"  # SIOCGETSGCNT
        daemon = self.live_for_a_second(LD_PRELOAD=str(Router.build.interposer), MGM_FAULT=fault)
        daemon.must(f"join A * {GROUP} to-receiver")
        collector = self.receiver.collector(GROUP)
        self.source.emitter(GROUP).send_until(lambda: collector.count > 0, "the flow")

        # No packet arrives any more. The library asks again until the kernel answers.
        daemon.hears("RPF", size=0)
        self.assertEqual(len(daemon.heard("RPF")), 2)


class VanishingInterface(NetnsTest):
    # spec 5.11
    def test_mfes_go_with_the_interface_their_packets_come_in_on(self):
        source, receiver, router = self.one_receiver()
        collector = receiver.collector(GROUP)
        source.emitter(GROUP).send(1)
        collector.expect(1)

        self.lab.router.ip("link del to-source")

        until(lambda: router.mfes() == [], "the MFE is gone")
        until(lambda: self.lab.router.read("ip_mr_cache") == [], "the kernel's entry, too")
        self.assertEqual(router.groups(), [("0.0.0.0", GROUP)], "the other link's member stays")

    # spec 5.11
    def test_interface_that_goes_leaves_the_mfe_and_comes_back_under_its_owner(self):
        source, receiver, router = self.one_receiver()
        collector, emitter = receiver.collector(GROUP), source.emitter(GROUP)
        emitter.send(1)
        collector.expect(1)
        index = router.index("to-receiver")

        self.lab.router.ip("link del to-receiver")
        until(lambda: [mfe["outs"] for mfe in router.mfes()] == [[]], "the oif is gone")
        until(lambda: len(self.lab.router.read("ip_mr_vif")) == 1, "the VIF is gone")

        self.lab.router.ip(
            f"link add to-receiver index {index} type veth"
            f" peer name eth0 netns {receiver.namespace}",
            "addr add 10.2.0.1/24 dev to-receiver",
            "link set to-receiver up",
        )
        receiver.ip("addr add 10.2.0.2/24 dev eth0", "link set eth0 up")
        until(lambda: len(self.lab.router.read("ip_mr_vif")) == 2, "it is served again")
        self.assertEqual(router.ask("owner to-receiver")["protocol"], 200)
        until(lambda: router.do(f"join A * {GROUP} to-receiver") == 0, "join accepted again")
        wire = receiver.tap(GROUP)
        emitter.send_until(lambda: wire.count > 0, "the flow again")
