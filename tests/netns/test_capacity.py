"""The greatest numbers of interfaces, several tables and owners, and dropped privileges."""

import os
import signal
import sys
import tempfile
import time

from case import GROUP, NetnsTest, kernel_only, not_with_clsact
from lab import until
from router import CAN_NOT_COMPLETE, NO_ERROR, TREE

sys.path.append(str(TREE / "tests/peers"))
import packages  # noqa: E402

MOST = 32  # VIFs in a table


class ManyLinks(NetnsTest):
    """A source, and a host with many links to the router."""

    def wire(self, links):
        (self.source,) = self.hosts("source")
        self.emitter = self.source.emitter(GROUP)
        far = self.lab.host("far")
        self.names = [self.lab.link(far, f"to-far{n}") for n in range(links)]
        numbers = range(2, 2 + links)
        self.taps = {
            name: far.tap(GROUP, "eth0" if number == 2 else f"eth{number}")
            for name, number in zip(self.names, numbers)
        }
        self.daemon = self.router()
        self.daemon.protocol("A", 200, "to-source")

    def join(self, *names):
        for name in names:
            self.daemon.must(f"take A {name}", f"join A * {GROUP} {name}")

    def assert_flows_to(self, names):
        """Checks that each datagram arrives once on each of these links, and not on the others."""
        wanted = set(names)
        until(
            lambda: self.lab.router.entries() == {}
            or list(self.lab.router.entries().values()) == [("to-source", wanted)],
            "the entry",
        )
        before = {name: tap.count for name, tap in self.taps.items()}
        self.emitter.send(3)  # the kernel keeps no more packets of a new flow
        until(
            lambda: all(self.taps[name].count >= before[name] + 3 for name in wanted),
            f"3 datagrams on {wanted}",
        )
        time.sleep(0.02)
        came = {name: tap.count - before[name] for name, tap in self.taps.items()}
        self.assertEqual(came, {name: 3 * (name in wanted) for name in self.names})

    def test_31_interfaces_and_32(self):
        self.wire(MOST - 1)
        self.join(*self.names[:-1])
        self.assertEqual(len(self.lab.router.vifs()), MOST - 1)
        self.assert_flows_to(self.names[:-1])

        self.join(self.names[-1])
        self.assertEqual(len(self.lab.router.vifs()), MOST)
        self.assert_flows_to(self.names)

    # spec 2.7
    @kernel_only("it has 32 VIFs")
    def test_33rd_interface_is_refused_and_gets_nothing_until_it_has_another_ones_place(self):
        self.wire(MOST)
        *served, last = self.names
        self.join(*served)
        self.assert_flows_to(served)

        self.assertEqual(self.daemon.do(f"take A {last}"), CAN_NOT_COMPLETE)
        self.daemon.logs(f"at most {MOST}", "release one first")
        self.assertNotEqual(self.daemon.do(f"join A * {GROUP} {last}"), NO_ERROR)
        self.assert_flows_to(served)

        # The free VIF belonged to an interface whose bit was set in the entry.
        for given_up in served[5], served[0]:
            self.daemon.must(f"release A {given_up}", f"take A {last}")
            self.assert_flows_to(set(served) - {given_up})
            self.daemon.must(f"join A * {GROUP} {last}")
            self.assert_flows_to(set(self.names) - {given_up})
            self.daemon.must(f"release A {last}")
            self.join(given_up)
            self.assert_flows_to(served)


@kernel_only("it has tables")
class Tables(NetnsTest):
    TABLE = 77

    def setUp(self):
        super().setUp()
        self.needs_table(self.TABLE)

    def test_two_routers_on_two_tables_forward_each_what_is_its_own(self):
        left, right, left_rcv, right_rcv = self.hosts("left", "right", "left-rcv", "right-rcv")
        kernel = self.lab.router
        kernel.ip(f"mrule add pref 100 iif to-right table {self.TABLE}")
        routers = {}
        for side, table in (("left", 0), ("right", self.TABLE)):
            router = routers[side] = self.router(MGM_TABLE=str(table))
            # Each router has all interfaces. The arrival interface selects the table.
            router.protocol("A", 200, *(f"to-{host}" for host in
                                        ("left", "right", "left-rcv", "right-rcv")))
            router.must(f"join A * {GROUP} to-{side}-rcv")
        taps = {"left": left_rcv.tap(GROUP), "right": right_rcv.tap(GROUP)}
        emitters = {"left": left.emitter(GROUP), "right": right.emitter(GROUP)}

        for side, other in (("left", "right"), ("right", "left")):
            before = taps[other].count
            emitters[side].send(3)
            until(lambda: taps[side].count == 3, f"the flow from {side}")
            self.assertEqual(taps[other].count, before, "on the other's link")
        for side, host in (("left", left), ("right", right)):
            (mfe,) = routers[side].mfes()
            self.assertEqual((mfe["source"], mfe["packets"]), (host.address, 3))

        # One router ends, the other continues.
        routers["left"].kill()
        until(lambda: kernel.vifs() == {}, "the table of the one that was killed")
        emitters["right"].send(3)
        until(lambda: taps["right"].count == 6, "the other's flow")


@kernel_only("an ebpf router does not own the table")
class AnotherDaemon(NetnsTest):
    # spec 2.7
    def test_smcrouted_holds_the_table(self):
        try:
            packages.fetch()
        except packages.Unavailable as why:
            self.skipTest(f"smcrouted is not to be had: {why}")
        program = packages.program("usr/sbin/smcrouted")
        self.hosts("source")
        directory = self.enterContext(tempfile.TemporaryDirectory())
        configuration = f"{directory}/smcroute.conf"
        with open(configuration, "w", encoding="ascii") as file:
            file.write("phyint to-source enable\n")
        command = ["-n", "-N", "-f", configuration, "-u", f"{directory}/socket"]
        daemon = self.lab.router.spawn(program, *command)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        until(lambda: self.lab.router.vifs() == {0: "to-source"}, "smcrouted")
        router = self.router()
        router.must("register A 200 1")

        self.assertEqual(router.do("take A to-source"), CAN_NOT_COMPLETE)
        router.logs("another multicast routing daemon", "smcrouted", "stop it", "MGM_TABLE", "ip mrule")
        self.assertEqual(self.lab.router.vifs(), {0: "to-source"}, "it is not disturbed")

        daemon.terminate()
        daemon.wait(5)
        router.must("take A to-source")


@not_with_clsact("it needs CAP_NET_ADMIN for each interface")
class GivenUp(NetnsTest):
    """A router needs privileges only at the start."""

    def test_all_goes_on_as_nobody(self):
        first, second, receiver = self.hosts("first", "second", "receiver")
        kernel, far = self.lab.router, "10.9.0.5"
        kernel.ip(f"route add 10.9.0.0/24 via {first.address}")
        router = self.router(MGM_MFE_TIMEOUT="1")
        router.protocol("A", 200, "to-first", "to-receiver")
        router.must("unprivileged")
        with open(f"/proc/{router.process.pid}/status", encoding="ascii") as status:
            self.assertIn("CapEff:\t0000000000000000", status.read())

        # Another interface, a new flow, a route change.
        router.must("take A to-second", f"join A * {GROUP} to-receiver")
        wire = receiver.tap(GROUP)
        first.emitter(GROUP, spoof=far).send_until(lambda: wire.count > 0, "a new flow")
        kernel.ip(f"route replace 10.9.0.0/24 via {second.address}")
        way = {(far, GROUP): ("to-second", {"to-receiver"})}
        until(lambda: kernel.entries() == way, "the new way")
        moved, before = second.emitter(GROUP, spoof=far), wire.count
        moved.send_until(lambda: wire.count > before, "packets by the new way")

        # An interface disappears and returns, and an MFE expires.
        index = kernel.index("to-receiver")
        kernel.ip("link del to-receiver")
        until(lambda: len(kernel.vifs()) == 2, "the loss")
        self.lab.relink("to-receiver", index)
        until(lambda: len(kernel.vifs()) == 3, "the return")
        router.must(f"join A * {GROUP} to-receiver")
        wire = receiver.tap(GROUP)
        moved.send_until(lambda: wire.count > 0, "the flow again")
        until(lambda: (router.mfes(), kernel.entries()) == ([], {}), "the end of its life")

        # A child outlives the router.
        child = router.ask("fork")["child"]
        self.addCleanup(os.kill, child, signal.SIGKILL)
        router.hears("CHILD")
        router.kill()
        until(lambda: kernel.vifs() == {}, "the kernel's clean-up")
