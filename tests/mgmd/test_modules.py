"""A routing protocol in the process of mgmd, which takes IGMP's links (protocol.c)."""

import time

from bed import GMI, QI, SLACK, Bed, interface, proxy
from lab import until
from module import ModuleBed, protocol
from packets import BLOCK, IS_EX, TO_EX, TO_IN, record, report_of, v3_report
from wire import Wire
from wires import Stream

GROUP, OTHER = "239.1.1.1", "239.1.1.2"


class FailedStart(Bed):
    def test_m17_a_module_that_fails_ends_the_start_in_order(self):
        """What mgmd has joined upstream is left, and the saved groups are for the next start."""
        path = protocol(self)
        wire = Wire(self.link("home"))
        tables = interface("home", {"static": f'["{OTHER}"]'}), proxy("src", "home")
        first = self.start(*tables)
        wire.query("0.0.0.0")
        wire.send(report_of(IS_EX, GROUP))
        self.joined(GROUP, to="home")
        self.assertEqual(first.stop(), 0)

        since = time.time()
        # There is no such FIFO, so the module does not start.
        module = f'[[module]]\npath = "{path}"\nargs = "/nowhere/fifo"\n'
        failed = self.start(*tables, module, directory=first.directory, ready=False)
        self.assertEqual(failed.process.wait(5), 1)
        failed.logs(f"module {path}: mgmd_module_init returned 87")
        self.assertIn(f"module {path}", failed.log.items[-1])
        self.assertEqual(failed.lines("has started"), [])
        self.assertEqual(failed.heard("READY=1"), [])
        until(lambda: len(self.senders.records(OTHER, since=since)) >= 2, "a join and a leave")
        self.assertEqual(
            self.senders.records(OTHER, since=since), [(TO_EX, frozenset()), (TO_IN, frozenset())]
        )
        self.assertEqual(self.router.read("ip_mr_vif"), [])

        again = self.start(*tables, directory=first.directory)
        again.logs("home: 1 group restored")
        self.joined(GROUP, to="home", timeout=0.5)
        self.assertFalse((first.directory / "groups.json").exists())


class Protocol(ModuleBed):
    def test_t57_take_while_members(self):
        """[mgm 2.3]: the members are told to the protocol, and no query is lost."""
        self.serve_with_module()
        groups = [f"239.57.0.{n}" for n in range(1, 101)]
        self.wire.send(v3_report(*(record(TO_EX, group) for group in groups)))
        self.joined(groups[-1])
        self.joined(groups[0])
        since = time.time()
        with Stream(self.feed(groups[0]), 0.002):
            time.sleep(0.1)
            self.say("take", "lan")
            until(lambda: len(self.told("LOCAL_JOIN")) >= 100, "100 LOCAL_JOINs")
            self.assertEqual(sorted(self.told("LOCAL_JOIN")), sorted(groups))
            time.sleep(2 * QI)
            self.wire.send(v3_report(*(record(IS_EX, group) for group in groups)))
            self.say("release", "lan")
            time.sleep(QI)
        queries = self.wire.queries("0.0.0.0", since=since)
        gaps = [after.time - before.time for before, after in zip(queries, queries[1:])]
        self.assertGreaterEqual(len(queries), 2)
        self.assertLess(max(gaps), QI + SLACK)
        self.wire.send(v3_report(*(record(IS_EX, group) for group in groups)))
        for group in groups:
            self.feed(group).send()

        def served():
            entries = self.router.entries()
            oifs = (entries.get((self.source, group), (None, ()))[1] for group in groups)
            return all("lan" in links for links in oifs)

        until(served, "all groups are forwarded to lan", GMI - SLACK)

    def test_t54_exclude_beside_owner(self):
        """I45, [mgm D12]: a protocol cannot be told of excluded sources; they are counted."""
        self.serve_with_module()
        self.say("take", "lan")
        first = self.source.rpartition(".")[0] + ".21"
        self.wire.send(report_of(TO_EX, GROUP))
        until(lambda: GROUP in self.told("LOCAL_JOIN"), "LOCAL_JOIN")
        self.joined(GROUP, first)
        self.wire.send(report_of(BLOCK, GROUP, first))
        self.settle(self.wire)
        time.sleep(1.0)
        self.assertEqual(self.told("LOCAL_JOIN").count(GROUP), 1)
        self.assertNotIn(GROUP, self.told("LOCAL_LEAVE"))
        self.assertIn("lan", self.oifs(GROUP, first), "the host filters it itself")
        self.assertGreaterEqual(self.mgmd.counters("lan")["exclusions_not_applied"], 1)

    def test_i43_members_end_for_the_owner_too(self):
        self.serve_with_module()
        self.say("take", "lan")
        self.wire.send(report_of(TO_EX, GROUP))
        until(lambda: GROUP in self.told("LOCAL_JOIN"), "LOCAL_JOIN")
        until(lambda: GROUP in self.told("LOCAL_LEAVE"), "LOCAL_LEAVE", GMI + SLACK)

    def test_m4_routes_rest_while_a_protocol_owns_the_interface_where_they_begin(self):
        net = self.source.rpartition(".")[0]
        route = (
            f'[[route]]\nfrom = "src"\nsource = "{net}.0/24"\ngroup = "239.4.0.0/16"\n'
            'to = ["lan"]\n'
        )
        self.serve_with_module(None, route)
        early, late, last = (f"239.4.0.{n}" for n in (1, 2, 3))
        self.joined(early, timeout=1.0)
        self.say("take", "src")
        self.mgmd.logs("src: a routing protocol owns it")
        self.ended(early, timeout=1.0)
        for _ in range(20):
            self.assertNotIn("lan", self.oifs(late))
            time.sleep(0.01)
        (known,) = self.mgmd.get("/v1/routes")["routes"]
        self.assertEqual(
            (known["state"], known["reason"], known["flows"]),
            ("resting", "a routing protocol owns src", 0),
        )
        self.say("release", "src")
        self.mgmd.logs("src: no routing protocol owns it any longer")
        for group in (early, late, last):
            self.joined(group, timeout=1.0)
        (known,) = self.mgmd.get("/v1/routes")["routes"]
        self.assertEqual((known["state"], known["flows"]), ("active", 3))

    def test_static_routes_join_towards_upstream(self):
        """The protocol that owns the interface towards the sender is told, so it can join there,
        before the first packet."""
        far, group = "198.51.100.9", "239.5.0.1"
        self.router.ip(f"route add {far} dev src")
        self.serve_with_module()
        self.say("take", "src")
        route = (
            f'[[route]]\nfrom = "src"\nsource = "{far}"\ngroup = "{group}"\nto = ["lan"]\n'
        )
        self.mgmd.file.write_text(self.mgmd.file.read_text() + route)
        self.mgmd.reload()
        self.mgmd.logs(f"module: JOIN_ALERT ({far}, {group}) 1")
        self.joined(group, far)
