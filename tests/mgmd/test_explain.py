"""mgmctl explain: what the router itself decides about a flow."""

import threading
import time

from bed import OneHost, interface, proxy
from case import kernel_only
from explaining import FORWARDED, NOT_FORWARDED, Explaining
from lab import FORWARDER, until
from module import ModuleBed
from packets import TO_EX, report_of, v1_report, v2_query, v2_report, v3_query
from wire import Wire
from wires import Stream

GROUP, SSM = "239.1.1.1", "232.1.1.1"


class Walk(OneHost, Explaining):
    """The host on lan, and another one on home."""

    def setUp(self):
        super().setUp()
        self.home = self.link("home")
        self.home_wire = Wire(self.home)

    def serve(self, igmp=None, *others, **options):
        return super().serve(igmp, interface("home", {}), *others, **options)

    def test_a_flow_from_its_route_to_the_hosts(self):
        self.serve()
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "no_member", None, "no interface wants 239.1.1.1")
        member = self.member(GROUP)
        self.joined(GROUP)
        with Stream(self.feed(GROUP), 0.01):
            answer = self.explain(self.source, GROUP)
            self.flows(answer, "lan")
            self.assertEqual(self.wanted(answer, "lan"), ["hosts"])
            self.expect_library(answer)
            status, text = self.mgmctl(self.source, GROUP)
            to_home, told = self.mgmctl(self.source, GROUP, "--to", "home")
            status_json, json = self.mgmctl(self.source, GROUP, "--json", "--listen", "0s")
        self.assertTrue(member.arrived)
        self.assertEqual(status, FORWARDED)
        net = self.source.rpartition(".")[0]
        begin = (
            f"({self.source}, {GROUP})\n"
            f"route      {net}.0/24 directly on src\n"
            "expected   on src, from the source itself\n"
            "arrives    on src: "
        )
        self.assertTrue(text.startswith(begin), text)
        for line in ("TTL 16, up to 32 octets\n", "\nasked      igmp accepts packets on src\n",
                     "\nto lan     wanted by hosts (all sources, for ", "\nnot wanted on home\n",
                     "\nkernel     from src to lan; " if FORWARDER == "kernel" else "\nto lan "):
            self.assertIn(line, text)
        self.assertTrue(text.endswith("\nforwarded  yes: packets are forwarded to lan\n"), text)
        self.assertEqual(to_home, NOT_FORWARDED)
        self.assertIn("\nforwarded  no: no host on home has asked for 239.1.1.1\n", told)
        self.assertEqual(status_json, FORWARDED)
        self.assertIn('"forwarded":true', json)

    def expect_library(self, answer):
        """The library's own explanation is a part of the answer."""
        library, kernel = answer["library"], answer["kernel"]
        self.assertEqual(library["verdict"]["reason"], None)
        if FORWARDER == "ebpf":
            installed = library["forwarder"]["installed"]
            self.assertEqual(installed["name"], "src")
            self.assertEqual([oif["name"] for oif in installed["oifs"]], ["lan"])
            self.assertIsNone(kernel)
            return
        self.assertEqual(kernel["entry"]["incoming"], "src")
        self.assertEqual(kernel["entry"]["outgoing"], ["lan"])
        self.assertEqual(kernel["differences"], [])
        self.assertGreater(kernel["entry"]["packets_while_listening"], 3)
        self.assertEqual(kernel["vifs"], 3)

    def test_explaining_changes_nothing(self):
        self.serve()
        self.wire.send(report_of(TO_EX, GROUP))
        self.settle(self.wire)
        before = self.router.entries()
        answer = self.explain(self.source, "239.1.1.99")
        self.expect(answer, "no_member", None)
        answer = self.explain(self.source, GROUP, listen=200)
        self.expect(answer, "no_packet", "src", "no packet arrived on src in 0.2 s", self.source)
        self.assertEqual(self.router.entries(), before)

    def test_a_flow_of_the_router_itself(self):
        self.serve()
        self.member(GROUP)
        self.settle(self.wire)
        emitter = self.router.emitter(GROUP, address=f"{self.source.rpartition('.')[0]}.100", ttl=9)
        own = self.source.rpartition(".")[0] + ".100"
        with Stream(emitter, 0.01):
            self.router_flows(own)

    def router_flows(self, own):
        until(lambda: (own, GROUP) in self.router.entries(), "an entry")
        answer = self.explain(own, GROUP)
        self.flows(answer, "lan")
        self.assertTrue(answer["arrival"]["seen"])

    def test_hosts_want_other_sources_or_exclude_this_one(self):
        self.serve()
        other = self.source.rpartition(".")[0] + ".77"
        member = self.member(GROUP, other)
        self.settle(self.wire)
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "other_sources", "lan", other)
        member.close()
        blocking = self.member("239.1.1.2")
        blocking.block(self.source)
        self.settle(self.wire)
        answer = self.with_stream(self.feed("239.1.1.2"))
        self.expect(answer, "source_excluded", "lan", self.source)

    def test_m30_reports_that_igmp_refuses(self):
        self.serve({"groups": '["deny 239.9.0.0/16"]', "ignore-v1": "true"})
        host = self.receiver.address
        cases = [
            ("239.9.0.1", v2_report("239.9.0.1"), {}, "groups of lan denies"),
            (SSM, v2_report(SSM), {}, "in ssm-range"),
            ("239.8.0.1", v1_report("239.8.0.1"), {}, "ignore-v1"),
            ("239.8.0.2", v2_report("239.8.0.2"), {"source": "10.200.0.9"}, "no network of lan"),
            ("239.8.0.3", v2_report("239.8.0.3"), {"ttl": 7}, "another TTL than 1"),
        ]
        for group, report, header, words in cases:
            self.wire.send(report, **header)
            self.settle(self.wire)
            answer = self.explain(self.source, group, listen=0)
            self.expect(answer, "igmp_refused", "lan", header.get("source", host), words)

    def test_m30_groups_beyond_the_limit(self):
        self.serve({"max-groups": "4"})
        for n in range(8):
            self.wire.send(v2_report(f"239.7.0.{n}"))
        self.joined("239.7.0.3")
        answer = self.explain(self.source, "239.7.0.7", listen=0)
        self.expect(answer, "igmp_refused", "lan", "max-groups")

    def test_a_link_whose_querier_is_older_has_no_sources(self):
        self.serve()
        self.wire.send(v2_query(), source=self.lower)
        until(lambda: self.mgmd.igmp("lan")["version"] == 2, "version 2")
        answer = self.explain(self.source, SSM, listen=0)
        self.expect(answer, "igmp_version", "lan", "IGMPv2", self.lower, "older-queriers")

    def test_boundaries_where_packets_arrive_and_leave(self):
        site = '[{ scope = "239.1.0.0/16", name = "site" }]'
        self.mgmd = self.start(
            interface("src"), interface("lan", {}, boundaries=site), interface("home", {}),
        )
        self.wire.query("0.0.0.0")
        self.member(GROUP)
        self.settle(self.wire)
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "oif_boundary", "lan", "239.1.0.0/16 (site)", "remove the boundary")
        self.mgmd.reload(
            interface("src", boundaries=site) + interface("lan", {}) + interface("home", {})
        )
        self.mgmd.says("configuration reloaded")
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "arrival_boundary", "src", "239.1.0.0/16 (site)")

    def test_ttl_thresholds(self):
        self.mgmd = self.start(
            interface("src"), interface("lan", {}, ttl_threshold=20), interface("home", {}),
        )
        self.wire.query("0.0.0.0")
        self.member(GROUP)
        self.settle(self.wire)
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "ttl_too_low", "lan", "the TTL 16", "the threshold 20", "ttl-threshold")

    def test_a_threshold_that_no_packet_passes(self):
        def config(threshold):
            lan = interface("lan", {}, ttl_threshold=threshold)
            return interface("src") + lan + interface("home", {})

        self.mgmd = self.start(config(255))
        self.wire.query("0.0.0.0")
        host = self.member(GROUP)
        self.is_wanted(GROUP)
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "ttl_threshold", "lan", "255 of lan lets no packet pass", "lower")
        self.assertEqual(host.arrived, [])
        self.mgmd.reload(config(15))
        self.mgmd.says("configuration reloaded")
        self.flows(self.with_stream(self.feed(GROUP)), "lan")
        self.assertTrue(host.arrived)

    def is_wanted(self, group):
        """Waits for a member on lan, without a flow that is forwarded there."""
        until(lambda: self.wanted(self.explain(self.source, group, listen=0), "lan"), "the member")

    def test_one_interface_with_most_of_the_flows(self):
        """What begins elsewhere is forwarded still."""
        self.mgmd = self.start(
            "[router]\nmax-flows = 4\n", interface("src"), interface("lan", {}),
            interface("home", {}),
        )
        self.wire.query("0.0.0.0")
        self.member(GROUP)
        self.is_wanted(GROUP)
        for n in (5, 6, 7):
            self.oifs(f"239.1.1.{n}")
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "arrival_limit", "src", "more than half", "find the senders on src")
        elsewhere = self.feed(GROUP, self.home.address, self.home_wire)
        self.flows(self.with_stream(elsewhere), "lan")

    def test_more_flows_than_the_router_may_have(self):
        self.mgmd = self.start(
            "[router]\nmax-flows = 1\n", interface("src"), interface("lan", {}),
        )
        self.feed("239.1.1.7").send_until(self.router.entries, "the first flow")
        answer = self.with_stream(self.feed("239.1.1.8"))
        self.expect(answer, "flow_limit", "src", "max-flows in [router]")

    def test_the_memory_forwarder(self):
        memory = "[router]\nforwarder = \"memory\"\n"
        self.mgmd = self.start(memory, interface("src"), interface("lan", {}))
        answer = self.explain(self.source, GROUP, listen=0)
        self.expect(answer, "memory_forwarder", None, "restart mgmd")
        self.assertIsNone(answer["kernel"])

    def test_flows_that_begin_too_fast(self):
        self.mgmd = self.start(
            interface("src", new_flows=1), interface("lan", {}), interface("home", {}),
        )
        self.feed("239.1.1.7").send()
        answer = self.with_stream(self.feed("239.1.1.8"))
        self.expect(answer, "flow_rate", "src", "new-flows of the interface src")

    def test_m34_at_most_eight_requests_at_once(self):
        self.serve()
        answers = []

        def ask():
            path = f"/v1/explain?source={self.source}&group={GROUP}&listen_ms=1000"
            answers.append(self.mgmd.ask(path)[0])

        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(answers), [200] * 8 + [503] * 2)
        self.assertEqual(self.explain(self.source, GROUP, listen=0)["verdict"]["forwarded"], False)

    def test_a_request_is_checked(self):
        self.serve()
        path = f"/v1/explain?source={self.source}&group={GROUP}"
        status, answer = self.mgmd.ask(f"{path}&from=eth99")
        self.assertEqual((status, answer["error"]["code"]), (404, "not_found"))
        status, answer = self.mgmd.ask("/v1/explain?source=239.1.1.1&group=239.1.1.1")
        self.assertEqual((status, answer["error"]["code"]), (400, "invalid"))


class Proxies(OneHost, Explaining):
    """The hosts of lan are behind a proxy, whose upstream is src."""

    def serve_proxy(self, *tables, **keys):
        self.mgmd = self.start(interface("lan", {}), proxy("src", "lan", **keys), *tables)
        self.wire.query("0.0.0.0")

    def test_a_stream_from_the_provider(self):
        self.serve_proxy()
        answer = self.explain(self.source, GROUP, listen=100)
        self.expect(answer, "no_member", "lan")
        self.assertFalse(answer["proxies"][0]["reports"])
        member = self.member(GROUP)
        until(lambda: self.senders.records(GROUP), "the report upstream")
        answer = self.explain(self.source, GROUP, listen=100)
        self.expect(answer, "no_packet", "src", "src reports the group: ask whoever runs the router")
        self.assertTrue(answer["proxies"][0]["reports"])
        answer = self.with_stream(self.feed(GROUP))
        self.flows(answer, "lan")
        self.assertTrue(member.arrived)

    def test_a_source_without_a_route_is_expected_on_the_upstream(self):
        self.serve_proxy()
        self.member(GROUP)
        until(lambda: self.senders.records(GROUP), "the report upstream")
        answer = self.explain("203.0.113.9", GROUP, listen=100)
        self.expect(answer, "no_packet", "src")
        self.assertEqual(answer["arrival"]["accepted_by"], "proxy")
        self.flows(self.with_stream(self.feed(GROUP, "203.0.113.9")), "lan")

    def test_sources_that_leave_the_source_out(self):
        far = self.link("ppp")
        self.router.ip(f"route add default via {far.address}")
        self.serve_proxy(sources='["203.0.113.0/24"]')
        self.member(GROUP)
        until(lambda: self.senders.records(GROUP), "the report upstream")
        answer = self.with_stream(self.feed(GROUP, "198.51.100.9"))
        self.expect(answer, "declined", None, "through ppp", "do not contain 198.51.100.9")
        self.router.ip("route del default")
        answer = self.with_stream(self.feed("239.1.1.2", "198.51.100.9"))
        self.expect(answer, "declined", None, "no route covers", "do not contain 198.51.100.9")

    def test_sources_that_the_route_leads_elsewhere(self):
        far = self.link("ppp")
        self.router.ip(f"route add default via {far.address}")
        self.serve_proxy(interface("ppp"), sources='["203.0.113.0/24"]')
        self.member(GROUP)
        until(lambda: self.senders.records(GROUP), "the report upstream")
        answer = self.with_stream(self.feed(GROUP, "198.51.100.9"))
        self.expect(answer, "wrong_interface", "src", "through ppp", "sources of the proxy")

    def test_groups_that_are_not_reported(self):
        self.serve_proxy(groups='["deny 239.1.0.0/16"]')
        self.member(GROUP)
        until(lambda: self.wanted(self.explain(self.source, GROUP, listen=0), "lan"), "the member")
        answer = self.explain(self.source, GROUP, listen=100)
        self.expect(answer, "not_reported", "src", "its groups deny 239.1.1.1")

    def test_an_upstream_without_an_address_and_a_backup(self):
        self.link("up2")
        self.serve_proxy(backup='["up2"]')
        self.member(GROUP)
        self.router.ip("link set src down")
        until(lambda: self.reports("up2"), "the backup")
        answer = self.explain(self.source, GROUP, listen=100)
        self.assertTrue(answer["proxies"][0]["is_backup"])
        self.router.ip("addr flush dev up2")
        until(lambda: self.explain(self.source, GROUP, listen=0)["proxies"][0]["active"] is None,
              "no upstream")
        answer = self.explain(self.source, GROUP, listen=100)
        self.expect(answer, "not_reported", "src", "no interface of it is up and has an address")

    def reports(self, active):
        share = self.explain(self.source, GROUP, listen=0)["proxies"][0]
        return share["active"] == active and share["reports"]

    def test_another_querier_on_the_downstream(self):
        self.serve_proxy()
        self.member(GROUP)
        self.settle(self.wire)
        self.wire.send(v3_query(), source=self.lower)
        self.mgmd.logs("lan", f"{self.lower} is the querier")
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "not_querier", "lan", self.lower, "forward-always")
        self.assertTrue(self.exit(answer, "lan")["igmp"]["rests"])

    def test_flows_that_are_not_sent_up(self):
        self.serve_proxy(forward_up='["deny 239.1.0.0/16"]')
        own = self.feed(GROUP, self.receiver.address, self.wire)
        answer = self.with_stream(own)
        self.expect(answer, "not_sent_up", "src", "forward-up")
        raised = self.feed("239.2.1.1", self.receiver.address, self.wire)
        answer = self.with_stream(raised)
        self.flows(answer, "src")
        self.assertEqual(self.wanted(answer, "src"), ["forward_up"])


ROUTE = '[[route]]\nfrom = "src"\nsource = "10.0.0.0/8"\ngroup = "239.1.0.0/16"\nto = ["lan"]\n'


class Routes(ModuleBed, Explaining):
    """A static route from src to lan."""

    def test_a_route_waits_for_the_first_packet(self):
        self.serve(None, ROUTE)
        answer = self.explain(self.source, GROUP, listen=100)
        self.expect(answer, "route_waiting", "lan", "10.0.0.0/8 to 239.1.0.0/16", "first packet")
        answer = self.with_stream(self.feed(GROUP))
        self.flows(answer, "lan")
        self.assertEqual(self.wanted(answer, "lan"), ["route"])

    def test_a_route_that_begins_elsewhere(self):
        home = self.link("home")
        self.serve(None, interface("home"), ROUTE)
        answer = self.with_stream(self.feed(GROUP, home.address, Wire(home)))
        self.expect(answer, "route_elsewhere", "home", 'set from = "home"')

    def test_m4_a_route_that_rests(self):
        self.serve_with_module(None, ROUTE)
        self.say("take", "src")
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "route_rests", "src", "a routing protocol owns src")
        self.assertEqual(answer["routes"][0]["rests_because_of"], "src")

    def test_a_route_for_one_flow_and_memberships_of_other_kinds(self):
        exact = (
            f'[[route]]\nfrom = "src"\nsource = "{self.source}"\ngroup = "{GROUP}"\nto = ["lan"]\n'
        )
        self.serve({"static": f'["{GROUP}"]'}, exact)
        self.mgmd.ask("/v1/join", {"interface": "lan", "group": GROUP})
        self.member(GROUP)
        self.settle(self.wire)
        answer = self.with_stream(self.feed(GROUP))
        self.flows(answer, "lan")
        self.assertEqual(sorted(self.wanted(answer, "lan")), ["hosts", "join", "route", "static"])

    def test_a_protocol_that_wants_the_flow(self):
        self.serve_with_module()
        self.say("take", "lan")
        self.wire.send(report_of(TO_EX, GROUP))
        self.settle(self.wire)
        answer = self.with_stream(self.feed(GROUP))
        self.flows(answer, "lan")
        self.assertEqual(answer["library"]["interfaces"][0]["owner"]["protocol"], 200)

    def test_a_protocol_that_refuses_the_flow(self):
        self.serve_with_module()
        self.say("take", "lan")
        members = [self.member(group) for group in (GROUP, "239.1.1.2")]
        self.settle(self.wire)
        self.say("refuse", "lan")
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "creation_alert", "lan", "the owner of lan", "mgmctl interfaces")
        self.say("refuse", None)
        self.flows(self.with_stream(self.feed("239.1.1.2")), "lan")
        self.assertEqual([bool(member.arrived) for member in members], [False, True])
