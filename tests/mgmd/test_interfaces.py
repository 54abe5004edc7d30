"""Interfaces that come late, go, return and change while other streams run."""

import time

from bed import GMI, QI, SLACK, Bed, interface, long, proxy
from case import kernel_only
from lab import LOADING, until
from members import Member
from packets import IS_EX, report_of, v2_report
from wire import Wire
from wires import Stream, Tun

GROUP, OTHER = "239.1.1.1", "239.1.1.2"
# An interface is served within a second of its appearance.
SOON = 1.0 + SLACK


class Interfaces(Bed):
    """The stream OTHER flows to the link calm all the time, and must lose nothing."""

    def setUp(self):
        super().setUp()
        self.calm = self.link("calm")
        self.calm_wire = Wire(self.calm)

    def serve(self, *tables, **environment):
        self.mgmd = self.start(
            interface("src"), interface("calm", {}), *tables,
            # The watchdog has to be satisfied whatever the interfaces do.
            WATCHDOG_USEC="1000000", **environment,
        )
        self.calm_wire.query("0.0.0.0")
        self.steady = Member(self.calm, OTHER)
        self.joined(OTHER, to="calm")
        return self.mgmd

    def calm_stream(self):
        return Stream(self.feed(OTHER), 0.002)

    def wait(self, seconds):
        """Lets time pass, and empties the buffer of the steady stream meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.steady.numbers()
            time.sleep(min(left, 0.5))

    def assert_calm(self):
        """Checks that the other stream has lost nothing, and that mgmd is well."""
        last = self.feed(OTHER).sent - 1
        until(lambda: self.steady.numbers()[-1] == last, "the last datagram")
        self.assertEqual(self.steady.gaps(), ([], []))
        self.assert_well()

    def assert_well(self):
        """Checks that mgmd has satisfied the watchdog all the time."""
        self.assertTrue(self.mgmd.alive())
        beats = self.mgmd.heard("WATCHDOG=1")
        self.assertTrue(beats, "the watchdog hears of mgmd")
        gaps = [after - before for before, after in zip(beats, beats[1:])]
        self.assertLess(max(gaps, default=0), 1.0)

    def test_s7_all_interfaces_late_at_start(self):
        """smcroute#55, FRRouting/frr#4636: nothing is there at boot; static joins come too."""
        lan = self.host("late")
        started = self.mgmd = self.start(
            interface("late0", {"static": f'["{GROUP}"]'}), interface("late1", {}),
            WATCHDOG_USEC="1000000",  # with it, the status line comes twice a second
        )
        until(lambda: "0 of 2" in started.status(), "the status line of no interface", 1.5)
        started.logs("late0")
        started.logs("late1")
        time.sleep(1)
        self.assertTrue(started.alive())
        self.wire_up("late0", lan, 70)
        began = time.monotonic()
        Wire(lan).query("0.0.0.0", timeout=SOON)
        far = self.host("far")
        self.wire_up("late1", far, 71)
        Wire(far).query("0.0.0.0", timeout=SOON)
        feed = self.feed(GROUP, far.address, Wire(far))
        wire = Wire(lan)
        feed.send_until(lambda: wire.numbers(GROUP), "the static stream", SOON)
        self.assertLess(time.monotonic() - began, 3 * SOON)
        until(lambda: "2 of 2" in started.status(), "the status line of both interfaces", 1.5)
        self.assert_well()

    def test_s7_a_late_interface_of_a_running_router(self):
        self.serve(interface("late*", {"static": f'["{GROUP}"]'}))
        with self.calm_stream():
            for number in (1, 2):
                host = self.host(f"late{number}")
                self.wire_up(f"late{number}", host, 70 + number)
                wire = Wire(host)
                wire.query("0.0.0.0", timeout=SOON)
                self.joined(GROUP, to=f"late{number}", timeout=SOON)
        self.assert_calm()

    def ppp_vanishes(self, seconds):
        """A PPP-like upstream goes for this time, and returns under a new index; the members
        behind it stay."""
        self.serve(proxy("ppp0", "calm"))
        member = Member(self.calm, GROUP)
        with self.calm_stream():
            first = self.ppp_serves(member)
            # Another device takes the index meanwhile.
            self.router.ip("link add other type veth peer name rehto")
            self.wait(seconds)
            self.assertNotEqual(self.ppp_serves(member), first)
        self.assert_calm()

    def ppp_serves(self, member):
        """Makes ppp0, checks that mgmd serves it soon, and deletes it. Returns its index."""
        ppp = Tun(self.router, "ppp0", "192.0.2.1", "192.0.2.2")
        self.router.ip("route add 203.0.113.0/24 dev ppp0")
        index = self.router.index("ppp0")
        self.assertIsNotNone(
            ppp.receive("224.0.0.22", protocol=2, timeout=SOON), "a report by ppp0"
        )
        before = len(member.arrived)

        def flows():
            ppp.send("203.0.113.9", GROUP)
            return len(member.arrived) > before

        until(flows, "the stream by ppp0", SOON)
        ppp.close()
        until(lambda: not self.has("ppp0"), "ppp0 is gone")
        return index

    def test_s5_ppp_link_vanishes_and_returns_under_a_new_index(self):
        """udm-iptv#142, pimd#234."""
        self.ppp_vanishes(3)

    @long
    def test_s5_ppp_link_vanishes_for_a_minute(self):
        self.ppp_vanishes(60)

    def has(self, name):
        try:
            self.router.index(name)
        except OSError:
            return False
        return True

    def test_i74_a_downstream_returns_under_a_new_index(self):
        lan = self.link("lan")
        self.serve(interface("lan", {}))
        wire = Wire(lan)
        wire.query("0.0.0.0")
        with self.calm_stream():
            for number in range(3):
                member = Member(lan, GROUP)
                self.joined(GROUP)
                self.router.ip("link del lan")
                until(lambda: "lan" not in self.router.vifs().values(), "its VIF goes", SOON)
                time.sleep(0.2)
                self.wire_up("lan", lan, 70 + number)
                Wire(lan).query("0.0.0.0", timeout=SOON)
                self.assertEqual(self.oifs(GROUP), set())
                member.close()
        self.assert_calm()

    def test_i49_a_link_goes_down_and_up(self):
        lan = self.link("lan")
        wire = Wire(lan)
        self.serve(interface("lan", {}))
        with self.calm_stream():
            wire.query("0.0.0.0")
            wire.send(report_of(IS_EX, GROUP))
            self.joined(GROUP)
            self.router.ip("link set lan down")
            self.ended(GROUP, timeout=SOON)
            time.sleep(0.3)
            since = time.time()
            self.router.ip("link set lan up")
            wire.query("0.0.0.0", since=since, timeout=SOON)
            self.assertNotIn("lan", self.oifs(GROUP))
            wire.send(report_of(IS_EX, GROUP))
            self.joined(GROUP, timeout=SOON)
        self.assert_calm()

    def test_i27_the_address_changes_during_a_stream(self):
        """The stream's own link gets another address; not one packet is lost anywhere."""
        lan = self.link("lan")
        self.serve(interface("lan", {}))
        wire = Wire(lan)
        net = lan.address.rpartition(".")[0]
        wire.query("0.0.0.0")
        member = Member(lan, GROUP)
        self.joined(GROUP)
        with self.calm_stream(), Stream(self.feed(GROUP), 0.002):
            time.sleep(0.2)
            since = time.time()
            self.router.ip(
                f"addr add {net}.120/24 dev lan", f"addr del {net}.100/24 dev lan",
                f"addr replace {net}.120/24 dev lan",
            )
            wire.query("0.0.0.0", source=f"{net}.120", since=since, timeout=SOON)
            time.sleep(GMI)
        self.assertEqual(member.gaps(), ([], []))
        self.assert_calm()

    def test_s26_interfaces_without_an_address(self):
        """igmpproxy#12, udm-iptv#318: as iif and as oif; the others are served."""
        bare = self.link("bare")
        self.router.ip("addr flush dev bare", "route add 10.99.0.0/24 dev bare")
        self.serve(interface("bare", {"static": f'["{GROUP}"]'}))
        wire = Wire(bare)
        with self.calm_stream():
            self.joined(GROUP, to="bare")
            self.feed(GROUP).send_until(lambda: wire.numbers(GROUP), "the static stream", SOON)
            inward = self.feed(OTHER, "10.99.0.9", wire)
            inward.send_until(lambda: self.steady.numbers("10.99.0.9"), "the stream from it")
            wire.expect_no(wire.queries, QI, "a query without an address")
            since = time.time()
            self.router.ip("addr add 10.99.0.100/24 dev bare")
            wire.query("0.0.0.0", source="10.99.0.100", since=since, timeout=SOON)
        last = self.feed(OTHER).sent - 1
        until(lambda: self.steady.numbers(self.source)[-1] == last, "the last datagram")
        self.assertEqual(self.steady.gaps(self.source), ([], []))
        self.assert_well()

    def test_a_reload_costs_no_packet(self):
        """A stream that both configurations let through loses nothing; a bad file does nothing."""
        one, two = self.link("one"), self.link("two")
        self.serve(interface("one", {}))
        Wire(one).query("0.0.0.0")
        calm = interface("src") + interface("calm", {})
        other = interface("two", {"version": "2", "leave": '"immediate"'})
        wire = Wire(two)
        with self.calm_stream():
            self.mgmd.reload(calm + other)
            wire.query("0.0.0.0", timeout=SOON)
            until(lambda: "one" not in self.router.vifs().values(), "one is let go", SOON)
            self.mgmd.reload(calm + interface("one", {"query-interval": '"0s"'}))
            self.mgmd.logs("query-interval", timeout=SOON)
            wire.clear()
            wire.query("0.0.0.0", timeout=QI + SLACK)
            self.mgmd.reload(calm)
            until(lambda: "two" not in self.router.vifs().values(), "two is let go", SOON)
        self.assert_calm()

    def test_a_service_manager_that_does_not_read_delays_nothing(self):
        self.serve()
        self.mgmd.ignore_notifications()
        self.mgmd.logs("service manager", timeout=8)  # its socket holds ten messages
        since = time.time()
        time.sleep(3 * QI)
        queries = self.calm_wire.queries("0.0.0.0", since=since)
        gaps = [after.time - before.time for before, after in zip(queries, queries[1:])]
        self.assertGreaterEqual(len(gaps), 1)
        self.assertLess(max(gaps) - QI, SLACK)
        self.assertEqual(self.mgmd.stop(timeout=2.5), 0)

    def test_1000_interfaces_of_which_10_exist(self):
        there = [f"lan{n}" for n in range(0, 1000, 100)]
        self.router.ip(*(f"link add {name} type veth peer name x{name}" for name in there))
        self.router.ip(*(f"link set {name} up" for name in there))
        self.router.ip(*(f"link set x{name} up" for name in there))
        tables = [interface(f"lan{n}", {}) for n in range(1000)]
        began = time.monotonic()
        self.serve(*tables)
        self.assertLess(time.monotonic() - began, 1.0 + LOADING + SLACK)
        served = set(self.router.vifs().values())
        until(lambda: set(there) <= set(self.router.vifs().values()), f"ten of them; {served}")
        until(lambda: "12 of 1002" in self.mgmd.status(), "the status line", 1.5)

    def test_i80_a_restart_uses_the_saved_state(self):
        """A clean stop and a start: the streams of silent hosts are back before any report."""
        self.serve()
        wire = self.calm_wire
        wire.send(report_of(IS_EX, GROUP))
        self.joined(GROUP, to="calm")
        self.assertEqual(self.mgmd.stop(), 0)
        self.assertEqual(self.router.read("ip_mr_vif"), [])
        again = self.start(
            interface("src"), interface("calm", {}), directory=self.mgmd.directory
        )
        self.joined(GROUP, to="calm", timeout=0.5)
        again.kill()
        # After kill -9, members return within QRI; nobody has left, and a silent host is forgotten.
        third = self.start(
            interface("src"), interface("calm", {}), directory=self.mgmd.directory
        )
        self.joined(OTHER, to="calm", timeout=1 + SLACK)
        self.assertTrue(third.alive())


class WithoutIgmp(Bed):
    def test_m1_an_interface_without_igmp_neither_queries_nor_believes_reports(self):
        """But streams come in and go out: what an operator or a route sends there."""
        bare, lan = self.link("bare"), self.link("lan")
        wire = Wire(bare)
        mgmd = self.start(interface("src"), interface("bare"), interface("lan", {}))
        Wire(lan).query("0.0.0.0")
        member = Member(lan, OTHER)
        self.joined(OTHER)
        # In by bare, out by lan.
        self.feed(OTHER, wire=wire).send_until(lambda: member.arrived, "the stream from bare")
        for report in (report_of(IS_EX, GROUP), v2_report(GROUP)):
            wire.send(report)
        wire.expect_no(wire.queries, QI, "a query")
        self.assertNotIn("bare", self.oifs(GROUP))
        # In by src, out by bare.
        self.assertEqual(mgmd.ask("/v1/join", {"interface": "bare", "group": GROUP})[0], 200)
        self.feed(GROUP).send_until(lambda: wire.numbers(GROUP), "the stream to bare")

    def test_scopes_of_boundaries_have_names(self):
        scope = '{ scope = "239.192.0.0/14", name = "campus" }'
        mgmd = self.start(interface("src", boundaries=f"[{scope}]"))
        mgmd.logs(f"src (index {self.router.index('src')})", "campus, 239.192.0.0/14")
        (link,) = mgmd.get("/v1/interfaces")["interfaces"]
        self.assertEqual(link["boundaries"], [{"scope": "239.192.0.0/14", "name": "campus"}])


class Many(Bed):
    def own_groups(self):
        """Returns the groups of IGMP routers that the kernel has joined, by interface."""
        with self.router.inside(), open("/proc/thread-self/net/igmp", encoding="ascii") as file:
            lines = file.read().splitlines()[1:]
        found, name = {}, None
        for line in lines:
            words = line.split()
            if not line.startswith("\t"):
                name = words[1]
            elif words[0] in ("020000E0", "160000E0"):  # 224.0.0.2 and 224.0.0.22
                found.setdefault(name, set()).add(words[0])
        return {name for name, groups in found.items() if len(groups) == 2}

    @kernel_only("it has 32 VIFs")
    def test_s8_32_interfaces(self):
        """mrouted#38: each joins the groups of routers, although a socket may join 20. The kernel
        has no room for one more (smcroute#71), and the others are served."""
        host = self.link("first")
        names = [f"lan{n:02}" for n in range(32)]
        self.router.ip(*(f"link add {name} type veth peer name x{name}" for name in names))
        self.router.ip(*(f"link set {side}{name} up" for name in names for side in ("", "x")))
        mgmd = self.start(interface("first", {}), *(interface(name, {}) for name in names))
        Wire(host).query("0.0.0.0")
        served = set(self.router.vifs().values())
        self.assertEqual(len(served), 32)
        self.assertIn("first", served)
        (other,) = {*names, "first"} - served
        mgmd.logs(f"{other} (index {self.router.index(other)})", "at most 32 interfaces")
        self.assertLessEqual({*names, "first"}, self.own_groups())
        feed = self.feed(GROUP, host.address, Wire(host))
        self.assertEqual(mgmd.ask("/v1/join", {"interface": names[0], "group": GROUP})[0], 200)
        feed.send_until(
            lambda: self.router.entries().get((host.address, GROUP)) == ("first", {names[0]}),
            "the stream between two of them",
        )
