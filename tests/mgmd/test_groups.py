"""The groups of a link, told by crafted reports: timers, queries, versions, lists and limits."""

import threading
import time

from bed import GMI, LMQI, LMQT, OHPI, QI, SLACK, OneHost, interface
from lab import until
from packets import (
    ALLOW,
    BLOCK,
    IS_EX,
    IS_IN,
    TO_EX,
    TO_IN,
    leave,
    record,
    report_of,
    v1_report,
    v2_report,
    v3_report,
)
from wires import Stream

GROUP = "239.1.1.1"


class Timers(OneHost):
    def setUp(self):
        super().setUp()
        near = self.source.rpartition(".")[0]
        self.first, self.second = f"{near}.21", f"{near}.22"

    def test_t28_source_timeout(self):
        """vpp test_igmp_router: a source ends after GMI, unless a report renews it."""
        self.serve()
        self.wire.send(report_of(ALLOW, GROUP, self.first, self.second))
        began = time.monotonic()
        self.joined(GROUP, self.first)
        self.joined(GROUP, self.second)
        time.sleep(GMI / 2)
        self.wire.send(report_of(IS_IN, GROUP, self.first))
        renewed = time.monotonic()
        self.ended(GROUP, self.second, timeout=GMI)
        self.assertGreaterEqual(time.monotonic() - began, GMI - 0.1)
        self.assertIn("lan", self.oifs(GROUP, self.first))
        self.ended(GROUP, self.first, timeout=GMI)
        lasted = time.monotonic() - renewed
        self.assertGreaterEqual(lasted, GMI - 0.1)
        self.assertLess(lasted, GMI + SLACK)

    def test_t29_block_queries(self):
        """vpp test_igmp_router, which sends the query once only."""
        self.serve()
        self.wire.send(report_of(ALLOW, GROUP, self.first, self.second))
        self.joined(GROUP, self.first)
        self.joined(GROUP, self.second)
        began = time.time()
        self.wire.send(report_of(BLOCK, GROUP, self.first, self.second))
        self.ended(GROUP, self.first, timeout=LMQT + SLACK)
        self.ended(GROUP, self.second, timeout=SLACK)
        queries = self.wire.queries(GROUP)
        self.assertEqual(len(queries), 2, queries)
        for query in queries:
            self.assertEqual(sorted(query.sources), [self.first, self.second])
            self.assertFalse(query.suppress)
        self.assertLess(queries[0].time - began, LMQI)
        self.assertAlmostEqual(queries[1].time - queries[0].time, LMQI, delta=LMQI / 2)

    def test_t32_query_split(self):
        """FRRouting/frr#21047: 5,000 sources in one query crashed it."""
        self.serve({"max-sources": "1000"})
        sources = [f"10.77.{n // 250}.{1 + n % 250}" for n in range(999)] + [self.first]
        for at in range(0, 1000, 200):
            self.wire.send(report_of(ALLOW, GROUP, *sources[at : at + 200]))
        self.joined(GROUP, self.first)
        self.wire.send(report_of(TO_IN, GROUP))  # INCLUDE(A) asks about all of A
        self.ended(GROUP, self.first, timeout=LMQT + SLACK)
        queries = self.wire.queries(GROUP)
        self.assertTrue(all(len(query.sources) <= 366 for query in queries))
        self.assertTrue(all(query.size <= 1500 for query in queries))
        asked = [source for query in queries for source in query.sources]
        self.assertEqual(sorted(asked), sorted(sources * 2), "each source, LMQC times")

    def test_t47_v1_report_forwards(self):
        """FRR makes a group of v1 reports that never forwards; a v1 host never leaves."""
        self.serve()
        self.wire.send(v1_report(GROUP))
        began = time.monotonic()
        self.joined(GROUP)
        self.wire.send(leave(GROUP))
        self.wire.send(report_of(TO_IN, GROUP))
        self.settle(self.wire)
        self.assertEqual(self.wire.queries(GROUP), [])
        time.sleep(OHPI / 2)
        self.wire.send(report_of(IS_EX, GROUP))
        time.sleep(began + OHPI + SLACK - time.monotonic())
        self.wire.send(leave(GROUP))
        self.wire.query(GROUP, timeout=LMQI + SLACK)
        self.ended(GROUP, timeout=LMQT + SLACK)

    def test_s30_receiver_returns_after_its_timeout(self):
        """antrea-io/antrea#7140: a receiver goes without a leave, and later comes back."""
        self.serve()
        self.wire.send(report_of(IS_EX, GROUP))
        self.joined(GROUP)
        with Stream(self.feed(GROUP), 0.02):
            until(
                lambda: "lan" not in self.router.entries()[self.source, GROUP][1],
                "the end of a silent member", GMI + SLACK,
            )
            since = time.time()
            self.wire.send(report_of(IS_EX, GROUP))
            until(lambda: self.wire.numbers(GROUP, since=since), "the stream is back", 0.5)


class Versions(OneHost):
    def test_t49_v3_report_on_v2_link(self):
        """troglobit/pimd#26: receivers starve."""
        self.serve({"version": "2"})
        self.wire.send(report_of(TO_EX, GROUP))
        self.joined(GROUP)
        self.assertTrue(all(len(query.body) == 8 for query in self.wire.queries()))

    def test_t50_macos_like_v2_only(self):
        """mcproxy/mcproxy#13, #14, S15: a host that answers queries of 8 octets only."""
        self.serve({"version": "2"})
        self.wire.send(v2_report(GROUP))
        self.joined(GROUP)
        done, answered = threading.Event(), [0]

        def host():
            while not done.wait(0.05):
                asked = [q for q in self.wire.queries() if len(q.body) == 8]
                if len(asked) > answered[0]:
                    answered[0] = len(asked)
                    self.wire.send(v2_report(GROUP))

        thread = threading.Thread(target=host)
        thread.start()
        try:
            with Stream(self.feed(GROUP), 0.02):
                time.sleep(GMI + QI)
        finally:
            done.set()
            thread.join()
        self.assertIn("lan", self.oifs(GROUP))
        numbers = self.wire.numbers(GROUP)
        self.assertEqual(numbers, list(range(numbers[0], numbers[-1] + 1)))
        self.assertGreaterEqual(answered[0], 3)


class Lists(OneHost):
    def test_t60_static_join(self):
        """FRR test_ip_igmp_static_groups: no host asks, and the packets flow."""
        self.serve({"static": f'["{GROUP}", "{self.source}, 232.1.1.1"]'})
        self.joined(GROUP)
        self.joined("232.1.1.1")
        other = self.source.rpartition(".")[0] + ".77"
        self.assertNotIn("lan", self.oifs("232.1.1.1", other))

    def test_i50_a_static_group_that_no_router_forwards(self):
        bad = interface("src") + interface("lan", {"static": '["224.0.0.5"]'})
        mgmd = self.start(bad, ready=False)
        self.assertEqual(mgmd.process.wait(5), 1)
        mgmd.logs("static", "224.0.0.5")

    def test_t61_group_limit(self):
        """FRR test_igmp_group_limit: the 1,025th group is refused, the others refresh on."""
        self.serve()
        groups = [f"239.20.{n // 250}.{1 + n % 250}" for n in range(1024)]
        self.refresh(groups)
        self.joined(groups[-1])
        self.wire.send(report_of(TO_EX, "239.21.0.1"))
        self.mgmd.logs("239.21.0.1", "max-groups")
        self.assertNotIn("lan", self.oifs("239.21.0.1"))
        began = time.monotonic()
        while time.monotonic() < began + GMI + SLACK:
            self.refresh(groups)
            time.sleep(QI)
        for group in groups[::50]:
            self.assertIn("lan", self.oifs(group), group)
        self.assertNotIn("lan", self.oifs("239.21.0.1"))

    def refresh(self, groups):
        for at in range(0, len(groups), 128):
            records = [record(IS_EX, group) for group in groups[at : at + 128]]
            self.wire.send(v3_report(*records))

    def test_t63_acl_change(self):
        """FRR test_pim_boundary_acl: a group that is denied now ends at once."""
        self.serve()
        for group in (GROUP, "239.2.2.2"):
            self.wire.send(report_of(TO_EX, group))
            self.joined(group)
        denied = {"groups": '["deny 239.1.0.0/16"]'}
        self.mgmd.reload(interface("src") + interface("lan", denied))
        self.ended(GROUP, timeout=1.0)
        self.assertIn("lan", self.oifs("239.2.2.2"))
        self.assertEqual(self.wire.queries(GROUP), [], "nobody is asked")
        self.wire.send(report_of(TO_EX, GROUP))
        self.not_joined(self.wire, GROUP)
        self.mgmd.reload(interface("src") + interface("lan", {}))

        def permitted():
            self.wire.send(report_of(TO_EX, GROUP))
            return "lan" in self.oifs(GROUP)

        until(permitted, "the group is permitted again", 2.0)
