"""The proxy: what it reports upstream, and what it forwards."""

import time

from bed import BRISK, GMI, LMQT, OQPI, QI, QRI, SLACK, Bed, interface, proxy
from lab import until
from members import Member
from packets import (
    ALL_ROUTERS,
    ALLOW,
    BLOCK,
    IS_EX,
    LEAVE,
    TO_EX,
    TO_IN,
    V2_REPORT,
    V3_REPORT,
    report_of,
    v2_query,
    v3_query,
)
from wire import Wire
from wires import Stream

GROUP = "239.1.1.1"


class Proxied(Bed):
    """Upstream is the link src, where `self.senders` also hears the proxy's reports."""

    def setUp(self):
        super().setUp()
        self.net = self.source.rpartition(".")[0]
        self.own, self.provider = f"{self.net}.100", f"{self.net}.1"
        self.first, self.second = f"{self.net}.21", f"{self.net}.22"
        self.wires = {}

    def downstream(self, *names):
        """Adds links with one host each, and returns the hosts."""
        hosts = [self.link(name) for name in names]
        self.wires.update((name, Wire(host)) for name, host in zip(names, hosts))
        return hosts

    def serve(self, *config, **keys):
        """Starts a proxy from src to all downstreams."""
        links = [interface(name, {}) for name in self.wires]
        config = config or (proxy("src", *self.wires, **keys),)
        self.mgmd = self.start(*links, *config)
        for wire in self.wires.values():
            wire.query("0.0.0.0")
        return self.mgmd

    def reported(self, group, timeout=2.0, **since):
        """Waits for a v3 record for a group upstream, and returns the first."""
        return until(
            lambda: self.senders.records(group, self.own, **since), f"a report of {group}", timeout
        )[0]

    def test_t64_proxy_allow_block(self):
        """vpp test_igmp_proxy_device: only what is new, and only what ends."""
        self.downstream("home1", "home2")
        self.serve()
        sources = [f"{self.net}.{last}" for last in (21, 22, 23, 24)]
        self.wires["home1"].send(report_of(ALLOW, GROUP, *sources[:2]))
        self.assertEqual(self.reported(GROUP), (ALLOW, frozenset(sources[:2])))
        self.joined(GROUP, sources[0], to="home1")
        time.sleep(QRI)  # the repetition is sent
        since = time.time()
        self.wires["home2"].send(report_of(ALLOW, GROUP, *sources[1:]))
        self.assertEqual(self.reported(GROUP, since=since), (ALLOW, frozenset(sources[2:])))
        time.sleep(QRI)
        since = time.time()
        self.wires["home2"].send(report_of(BLOCK, GROUP, *sources[1:]))
        self.assertEqual(self.reported(GROUP, since=since), (BLOCK, frozenset(sources[2:])))
        self.assertIn("home1", self.oifs(GROUP, sources[1]))
        self.assertNotIn("home2", self.oifs(GROUP, sources[1]))

    def test_t65_proxy_two_downstreams_leave(self):
        """FRR test_pim_igmp_proxy_multi_downstream_leave, igmpproxy#39, S16."""
        one, two = self.downstream("home1", "home2")
        self.serve()
        leaver, stayer = Member(one, GROUP), Member(two, GROUP)
        self.assertEqual(self.reported(GROUP), (TO_EX, frozenset()))
        self.feed(GROUP).send_until(lambda: leaver.arrived and stayer.arrived, "the stream")
        time.sleep(QRI)
        since = time.time()
        with Stream(self.feed(GROUP), 0.002):
            leaver.leave()
            time.sleep(LMQT + QRI)
        self.assertEqual(self.senders.records(GROUP, self.own, since=since), [])
        self.assertEqual(stayer.gaps(), ([], []))
        since = time.time()
        stayer.leave()
        self.assertEqual(self.reported(GROUP, since=since), (TO_IN, frozenset()))
        self.ended(GROUP, to="home2")

    def test_s16_a_source_here_and_all_sources_there(self):
        """FRRouting/frr PR#22622 with (s,g) on one link and (*,g) on the other."""
        one, two = self.downstream("home1", "home2")
        self.serve()
        picky, greedy = Member(one, GROUP, self.first), Member(two, GROUP)
        until(lambda: (TO_EX, frozenset()) in self.senders.records(GROUP, self.own), "TO_EX")
        self.joined(GROUP, self.first, to="home1")
        time.sleep(QRI)
        since = time.time()
        greedy.leave()
        record = self.reported(GROUP, since=since)
        self.assertEqual(record, (TO_IN, frozenset([self.first])))
        self.assertIn("home1", self.oifs(GROUP, self.first))
        since = time.time()
        picky.leave_source(self.first)
        until(
            lambda: self.senders.records(GROUP, self.own, since=since)[-1:]
            == [(BLOCK, frozenset([self.first]))],
            "the end of the source",
        )

    def test_t66_proxy_100_groups(self):
        """igmpproxy#30, S8: igmp_max_memberships is 20 a socket."""
        (host,) = self.downstream("home")
        self.serve()
        groups = [f"239.66.0.{n}" for n in range(1, 101)]
        members = [Member(host, group) for group in groups]
        until(
            lambda: all(self.senders.records(group, self.own) for group in groups),
            "100 groups upstream",
        )
        for group in groups:
            self.feed(group).send(1)
        until(lambda: all(member.arrived for member in members), "100 streams")

    def test_t68_proxy_data_first(self):
        """openwrt/omcproxy#25, S41: the stream runs before anybody joins."""
        (host,) = self.downstream("home")
        self.serve()
        feed = self.feed(GROUP)
        with Stream(feed, 0.01):
            time.sleep(5)
            began = time.monotonic()
            member = Member(host, GROUP)
            until(lambda: member.arrived, "the first datagram", 1.0)
            self.assertLess(time.monotonic() - began, 1.0)
        self.assertEqual(member.gaps(), ([], []))

    def test_t70_proxy_upstream_v2(self):
        """RFC 9776, 7.2.1, 8.12, S15: v2 with a querier of version 2, and v3 again after it."""
        one, _ = self.downstream("home", "idle")
        self.serve(interface("src", {}), proxy("src", "home", "idle"))
        self.senders.send(v2_query(code=2), source=self.provider)
        member = Member(one, GROUP)
        report = self.older(V2_REPORT, GROUP)
        self.assertEqual((report.destination, report.ttl), (GROUP, 1))
        self.feed(GROUP).send_until(lambda: member.arrived, "the stream")
        member.leave()
        self.assertEqual(self.older(LEAVE, GROUP).destination, ALL_ROUTERS)
        self.assertEqual(self.senders.records(GROUP, self.own), [])
        # RV × QI + 10 × Max Resp Time = 6 s after the query.
        Member(one, "239.1.1.2")
        until(
            lambda: self.senders.records("239.1.1.2", self.own), "a v3 report", 2 * QI + 2 + SLACK
        )

    def test_s15_a_fixed_version_upstream(self):
        """opnsense/src#280: the provider's switches want v2 although its queries are v3."""
        (host,) = self.downstream("home")
        self.serve(interface("src", {"version": "2"}), proxy("src", "home"))
        self.senders.send(v3_query(), source=self.provider)
        Member(host, GROUP)
        self.older(V2_REPORT, GROUP)
        self.assertEqual(self.senders.records(GROUP, self.own), [])

    def older(self, kind, group):
        """Waits for a report or a leave of version 2 upstream. The router's kernel sends some of
        its own, for the groups of routers."""
        return until(
            lambda: [
                seen
                for seen in self.senders.reports(self.own)
                if (seen.kind, seen.group) == (kind, group)
            ],
            f"a message of version 2 about {group}",
        )[0]

    def test_t72_proxy_not_querier(self):
        """RFC 4605, 4.2 and 5: two proxies on a LAN would send everything twice."""
        switch, host, other = self.lan("home", "host", "other")
        self.wires["home"], played = Wire(host), Wire(other)
        self.serve()
        lower = host.address.rpartition(".")[0] + ".5"
        Member(host, GROUP)
        self.joined(GROUP, to="home")
        since = time.time()
        played.send(v3_query(), source=lower)
        self.ended(GROUP, to="home", timeout=1.0)
        self.mgmd.logs(lower, "forward-always")
        back = self.wires["home"].query(
            "0.0.0.0", source=self.router_of(host), since=since, timeout=OQPI + SLACK
        )
        self.joined(GROUP, to="home", timeout=1.0)
        self.assertGreater(back.time - since, OQPI - SLACK)

    def router_of(self, host):
        return host.address.rpartition(".")[0] + ".100"

    def test_t74_proxy_ssdp_stays(self):
        """igmpproxy#26, #54, S34: 239.255.255.250 goes nowhere."""
        ssdp = "239.255.255.250"
        (host,) = self.downstream("home")
        self.serve()
        Member(host, ssdp)
        Member(host, GROUP)
        self.reported(GROUP)
        feed = self.feed(ssdp, host.address, self.wires["home"])
        other = self.feed("239.7.7.7", host.address, self.wires["home"])
        until(lambda: self.up(other), "the other group goes up", 2.0)
        feed.send(10)
        time.sleep(QI + QRI)
        self.assertEqual(self.senders.records(ssdp, self.own), [])
        self.assertEqual(self.senders.numbers(ssdp), [])
        entry = self.router.entries().get((host.address, ssdp))
        self.assertIn(entry, (None, ("home", set())))

    def up(self, feed):
        feed.send(1)
        return self.senders.numbers(feed.group)

    def test_s20_link_local_groups_are_not_reported(self):
        """pali/igmpproxy#61: the provider cut the stream because of 224.0.0.x."""
        (host,) = self.downstream("home")
        self.serve()
        for group in ("224.0.0.251", "224.0.0.252", "224.0.0.22"):
            self.wires["home"].send(report_of(IS_EX, group))
        Member(host, GROUP)
        self.reported(GROUP)
        self.senders.send(v3_query(code=2), source=self.provider)
        time.sleep(QRI)
        told = {
            group
            for seen in self.senders.reports(self.own)
            if seen.kind == V3_REPORT
            for _, group, _ in seen.records
        }
        # What the router itself has joined, its kernel reports; the proxy adds its own group only.
        self.assertEqual(told - {"224.0.0.2", "224.0.0.22", "224.0.0.106"}, {GROUP})

    def test_s18_zapping_leaves_at_once(self):
        """opnsense/src#210: a late leave piles up the streams of the line."""
        (host,) = self.downstream("home")
        self.serve()
        former = None
        for number in range(1, 11):
            group = f"239.18.0.{number}"
            member = Member(host, group)
            self.reported(group, timeout=0.2 + SLACK)
            if former:
                since = time.time()
                former.close()
            self.feed(group).send_until(lambda: member.arrived, "the stream", 1.0)
            if former:
                until(
                    lambda: (TO_IN, frozenset())
                    in self.senders.records(former.group, self.own, since=since),
                    f"the leave of {former.group}",
                    LMQT + 0.5,
                )
            former = member
        joined, most = set(), 0
        for seen in self.senders.reports(self.own):
            for kind, group, _ in seen.records:
                if kind == TO_EX and group.startswith("239.18."):
                    joined.add(group)
                elif kind == TO_IN:
                    joined.discard(group)
            most = max(most, len(joined))
        self.assertLessEqual(most, 2, "streams on the line at once")

    def test_i53_no_query_leaves_an_upstream(self):
        """I53: the router side is on downstreams only, the host side on upstreams only."""
        (host,) = self.downstream("home")
        self.serve(interface("src", BRISK), proxy("src", "home"))
        Member(host, GROUP)
        self.reported(GROUP)
        self.senders.expect_no(self.senders.queries, QI, "a query upstream")
        self.assertEqual(self.wires["home"].records(GROUP, self.router_of(host)), [])

    def test_i63_queries_of_the_provider_are_answered(self):
        """I63, S3: with its own reports, split to the MTU, from any network."""
        (host,) = self.downstream("home")
        self.serve()
        groups = [f"239.63.0.{n}" for n in range(1, 9)]
        members = [Member(host, group) for group in groups]
        self.reported(groups[-1])
        time.sleep(QRI + SLACK)
        since = time.time()
        self.senders.send(v3_query(code=5), source="172.31.0.1")
        until(
            lambda: all(
                (IS_EX, frozenset()) in self.senders.records(group, self.own, since=since)
                for group in groups
            ),
            "answers",
            0.5 + SLACK,
        )
        self.feed(groups[0]).send_until(lambda: members[0].arrived, "the stream")
        with Stream(self.feed(groups[0]), 0.01):
            time.sleep(GMI)
        self.assertEqual(members[0].gaps(), ([], []))
