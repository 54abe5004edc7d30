"""Who queries on a link: several mgmd, and queriers that the test plays."""

import time

from bed import (
    BRISK,
    GMI,
    HIGHER,
    LMQI,
    LMQT,
    LOWER,
    OQPI,
    QI,
    ROUTER,
    SLACK,
    Bed,
    OneHost,
    interface,
)
from lab import until
from members import Member
from packets import IS_EX, TO_IN, leave, report_of, v2_query, v2_report, v3_query
from wire import Wire
from wires import Stream

GROUP = "239.1.1.1"


class ThreeRouters(Bed):
    """mgmd on the addresses 10, 20 and 100 of one LAN, and a host that hears them all."""

    def setUp(self):
        super().setUp()
        self.switch, self.receiver = self.lan("lan", "host")
        self.wire = Wire(self.receiver)
        self.net = self.receiver.address.rpartition(".")[0]
        self.routers = {100: (self.router, "lan")}
        for last in (10, 20):
            self.routers[last] = (self.other_router(self.switch, f"router{last}", last), "eth0")

    def serve(self, last):
        host, link = self.routers[last]
        return self.start(interface("src"), interface(link, {}), host=host)

    def address(self, last):
        return f"{self.net}.{last}"

    def test_t35_elect_lowest(self):
        """FRRouting/frr#6985: only the lowest queries."""
        for last in (100, 20, 10):
            self.serve(last)
        self.wire.query(source=self.address(10))
        time.sleep(QI + SLACK)  # until all links are up and have heard it
        since = time.time()
        time.sleep(2 * QI + SLACK)
        askers = {query.source for query in self.wire.queries(since=since)}
        self.assertEqual(askers, {self.address(10)})

    def test_t36_querier_dies(self):
        """FRRouting/frr#12027, S21: the next one takes over, and the third never asks."""
        mgmd = {last: self.serve(last) for last in (10, 20, 100)}
        for last in (20, 100):
            mgmd[last].logs(self.address(10), "is the querier")
        since = time.time()
        mgmd[10].kill()
        took_over = self.wire.query(source=self.address(20), since=since, timeout=OQPI + SLACK)
        self.assertGreater(took_over.time - since, OQPI - QI - SLACK)
        self.wire.query(source=self.address(20), since=took_over.time + QI / 4, timeout=QI + SLACK)
        until(lambda: mgmd[100].querier("lan") == self.address(20), "the third reports it", QI)
        # Both timers end at one moment, so that one query of the third may cross it (G39).
        third = self.wire.queries(source=self.address(100), since=since)
        self.assertLessEqual(len(third), 1)
        self.assertEqual([query for query in third if query.time > took_over.time + SLACK], [])


class Forger(Bed):
    def test_s21_a_querier_that_falls_silent_costs_no_stream(self):
        """I77, troglobit/pimd#35: one forged query, then nobody asks until OQPI has passed."""
        switch, host, forger = self.lan("lan", "host", "forger")
        wire, forging = Wire(host), Wire(forger)
        self.start(interface("src"), interface("lan", {}))
        wire.query("0.0.0.0")
        member = Member(host, GROUP)
        self.joined(GROUP)
        own, lower = (host.address.rpartition(".")[0] + f".{last}" for last in (ROUTER, LOWER))
        with Stream(self.feed(GROUP), 0.01):
            time.sleep(QI)
            since = time.time()
            forging.send(v3_query(), source=lower)
            back = wire.query("0.0.0.0", source=own, since=since + SLACK, timeout=OQPI + SLACK)
            time.sleep(QI)
        self.assertGreater(back.time - since, OQPI - SLACK)
        self.assertEqual(member.gaps(), ([], []))


class PlayedQuerier(OneHost):
    """The test is the other router of the link."""

    def test_t40_lower_querier_while_checking(self):
        """FRRouting/frr#11491, S21: what runs at the transition goes on to its end."""
        self.serve({"last-member-query-interval": '"500ms"'})
        self.wire.send(v2_report(GROUP))
        self.joined(GROUP)
        self.wire.send(leave(GROUP))
        self.wire.query(GROUP)
        self.wire.send(v3_query(), source=self.lower)
        until(lambda: len(self.wire.queries(GROUP, source=self.own)) == 2, "the second Q(G)", 1.5)
        self.ended(GROUP, timeout=1.0 + SLACK)
        since = time.time()
        self.wire.send(v3_query(), source=self.lower)
        self.wire.expect_no(
            lambda: self.wire.queries(source=self.own, since=since), QI + SLACK, "a query"
        )

    def test_t41_nonquerier_leave(self):
        """FRRouting/frr#12556: no query, and the group stays."""
        self.serve()
        self.wire.send(v3_query(), source=self.lower)
        self.wire.send(v2_report(GROUP))
        self.joined(GROUP)
        self.wire.clear()
        self.wire.send(leave(GROUP))
        self.wire.send(report_of(TO_IN, GROUP))
        self.settle(self.wire)
        self.wire.expect_no(self.wire.queries, 3 * LMQT, "a query")
        self.assertIn("lan", self.oifs(GROUP))

    def test_t43_election_across_versions(self):
        """FRR ignores queries of another version, and then both query."""
        self.serve()
        self.wire.send(v2_query(), source=self.lower)
        self.settle(self.wire)
        self.mgmd.logs(self.lower, "version 2")
        since = time.time()
        for _ in range(4):
            self.wire.send(v2_query(), source=self.lower)
            time.sleep(QI / 4)
        time.sleep(QI)
        self.assertEqual(self.wire.queries(source=self.own, since=since), [])
        self.assertEqual(len(self.mgmd.lines(self.lower, "queries with version 2")), 1)

    def test_s21_a_passive_link_never_queries(self):
        """troglobit/pimd#158: a box that must not become the querier."""
        self.mgmd = self.start(interface("src"), interface("lan", {**BRISK, "passive": "true"}))
        self.wire.send(report_of(IS_EX, GROUP))
        self.joined(GROUP)
        self.wire.expect_no(lambda: self.wire.queries(source=self.own), 1.0, "a query")

    def test_t45_two_addresses_one_query(self):
        """querierd test basic.sh: three addresses in two subnets."""
        self.router.ip(f"addr add {self.net}.50/24 dev lan", "addr add 10.72.0.1/24 dev lan")
        self.serve()
        time.sleep(2 * QI)
        queries = self.wire.queries("0.0.0.0")
        lowest = f"{self.net}.50"
        self.assertEqual({query.source for query in queries}, {lowest})
        gaps = [after.time - before.time for before, after in zip(queries, queries[1:])]
        self.assertTrue(all(gap > QI / 4 - 0.1 for gap in gaps), gaps)

    def test_t46_address_removed(self):
        """querierd sleepy.sh, FRRouting/frr#9489, S23: the next address asks, the groups stay."""
        self.router.ip(f"addr add {self.net}.{HIGHER}/24 dev lan")
        self.serve()
        self.wire.send(report_of(IS_EX, GROUP))
        self.joined(GROUP)
        # The kernel removes the second address with the first, unless it promotes it.
        self.router.sysctl(conf__all__promote_secondaries=1)
        since = time.time()
        self.router.ip(f"addr del {self.own}/24 dev lan")
        self.wire.query("0.0.0.0", source=self.higher, since=since, timeout=1.0)
        self.assertIn("lan", self.oifs(GROUP))
        self.router.ip(f"addr del {self.higher}/24 dev lan")
        time.sleep(SLACK)
        since = time.time()
        self.wire.expect_no(lambda: self.wire.queries(since=since), QI + SLACK, "a query")
        # Without an address it still hears reports.
        self.wire.send(report_of(IS_EX, "239.1.1.2"))
        self.joined("239.1.1.2")

    def test_s23_address_changed_and_changed_back(self):
        """FRRouting/frr#8757: during a stream; no query ever comes from 0.0.0.0."""
        self.serve()
        member = self.member(GROUP)
        self.joined(GROUP)
        self.router.sysctl(conf__all__promote_secondaries=1)
        lower = f"{self.net}.50"
        with Stream(self.feed(GROUP), 0.002):
            time.sleep(0.2)
            for command, expected in (
                (f"addr add {lower}/24 dev lan", lower),
                (f"addr del {self.own}/24 dev lan", None),
                (f"addr add {self.own}/24 dev lan", None),
                (f"addr del {lower}/24 dev lan", self.own),
            ):
                since = time.time()
                self.router.ip(command)
                if expected:
                    self.wire.query("0.0.0.0", source=expected, since=since, timeout=1.0)
                time.sleep(0.2)
            time.sleep(GMI)
        self.assertEqual(member.gaps(), ([], []))
        self.assertEqual(
            {query.source for query in self.wire.queries()}, {self.own, lower}
        )

    def test_i21_a_query_is_sent_when_the_first_address_comes(self):
        """S26: igmpproxy#12: an interface without an address ends nothing."""
        self.router.ip("addr flush dev lan")
        self.mgmd = self.start(interface("src"), interface("lan", {}))
        self.wire.send(report_of(IS_EX, GROUP))
        self.joined(GROUP)
        self.assertEqual(self.wire.queries(), [])
        since = time.time()
        self.router.ip(f"addr add {self.own}/24 dev lan")
        self.wire.query("0.0.0.0", source=self.own, since=since, timeout=1.0)
        self.assertIn("lan", self.oifs(GROUP))

    def test_i77_one_address_is_allowed_to_win(self):
        self.serve({**BRISK, "querier-allow": f'["{self.net}.7"]'})
        self.wire.send(v3_query(), source=self.lower)
        self.settle(self.wire)
        self.mgmd.logs(self.lower, "querier-allow")
        since = time.time()
        self.wire.query("0.0.0.0", source=self.own, since=since, timeout=LMQI + SLACK)
        self.wire.send(v3_query(), source=f"{self.net}.7")
        self.settle(self.wire)
        since = time.time()
        self.wire.expect_no(lambda: self.wire.queries(source=self.own, since=since), 1.0, "a query")
