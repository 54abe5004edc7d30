"""Hosts of the Linux kernel that join and leave by setsockopt, in all versions of IGMP."""

import time

from bed import GMI, LMQI, LMQT, QI, QRI, SLACK, Bed, OneHost, interface
from firewall import OUTPUT, drops
from lab import until
from members import Member
from wire import Wire
from wires import Stream

GROUP = "239.1.1.1"


def force(host, version):
    host.sysctl(conf__eth0__force_igmp_version=version)


class SingleHost(OneHost):
    def setUp(self):
        super().setUp()
        near = self.source.rpartition(".")[0]
        self.first, self.second = f"{near}.21", f"{near}.22"

    def test_t51_immediate_leave(self):
        """FRR test_igmp_immediate_leave: gone at once, and nobody is asked."""
        force(self.receiver, 2)
        self.serve({"leave": '"immediate"'})
        member = self.member(GROUP)
        self.feed(GROUP).send_until(lambda: member.arrived, "the stream")
        began = time.monotonic()
        member.close()
        self.ended(GROUP, timeout=0.5)
        self.assertLess(time.monotonic() - began, LMQT)
        self.assertEqual(self.wire.queries(GROUP), [])

    def test_t53_exclude_with_source(self):
        """FRRouting/frr#10397, S45: all sources but one."""
        self.serve()
        member = self.member(GROUP)
        self.joined(GROUP, self.first)
        self.joined(GROUP, self.second)
        member.block(self.first)
        self.ended(GROUP, self.first, timeout=LMQT + SLACK)
        self.assertIn("lan", self.oifs(GROUP, self.second))
        with Stream(self.feed(GROUP, self.second), 0.01):
            member.expect(20, source=self.second)
        # (*,g) still stands: the stream of a source that nobody has named comes too.
        third = self.source.rpartition(".")[0] + ".23"
        self.joined(GROUP, third)
        member.unblock(self.first)
        self.joined(GROUP, self.first, timeout=1.0)

    def test_i45_another_member_gets_the_blocked_source(self):
        """S45: a host that excludes a source takes it from no other host."""
        switch, one, two = self.lan("lan2", "one", "two")
        self.start(interface("src"), interface("lan2", {}))
        picky = Member(one, GROUP)
        self.joined(GROUP, self.first, to="lan2")
        other = Member(two, GROUP)
        self.feed(GROUP, self.first).send_until(lambda: other.arrived, "the first source")
        with Stream(self.feed(GROUP, self.first), 0.01):
            picky.block(self.first)
            time.sleep(GMI + QRI)
        self.assertEqual(other.gaps(self.first), ([], []))
        self.assertGreater(len(other.numbers()), 300)

    def test_t56_asm_source_join(self):
        """FRRouting/frr#10912: a source join outside of 232/8 is (s,g), too."""
        self.serve()
        member = self.member(GROUP, self.first)
        self.joined(GROUP, self.first)
        self.assertNotIn("lan", self.oifs(GROUP, self.second))
        since = time.time()
        self.feed(GROUP, self.first).send(5)
        self.feed(GROUP, self.second).send(5)
        until(lambda: len(self.wire.numbers(GROUP, self.first, since)) == 5, "the wanted source")
        self.assertEqual(self.wire.numbers(GROUP, self.second, since), [])
        member.leave_source(self.first)
        self.ended(GROUP, self.first, timeout=LMQT + SLACK)

    def test_i19_a_host_that_joined_before_the_router_started(self):
        """It has sent its reports, and answers the first query."""
        member = self.member(GROUP)
        time.sleep(1 + SLACK)  # within a second, the kernel repeats its report
        self.serve()
        self.joined(GROUP, timeout=QRI + SLACK)
        with Stream(self.feed(GROUP), 0.01):
            member.expect(20)

    def test_i72_each_version_joins_and_leaves(self):
        for version in (3, 2, 1):
            with self.subTest(version=version):
                force(self.receiver, version)
                if version == 3:
                    self.serve()
                group = f"239.72.0.{version}"
                member = self.member(group)
                self.joined(group)
                self.wire.clear()
                member.leave()
                if version == 1:  # which has no leave: it ends by its timer
                    until(lambda: "lan" not in self.oifs(group), "its end", GMI + SLACK)
                    self.assertEqual(self.wire.queries(group), [])
                else:
                    self.ended(group, timeout=LMQT + SLACK)
                    self.assertEqual(len(self.wire.queries(group)), 2)

    def test_s3_picture_does_not_freeze(self):
        """udm-iptv#43, igmpproxy#85: the stream goes on for several GMI, then the receiver dies."""
        self.serve()
        member = self.member(GROUP)
        self.joined(GROUP)
        with Stream(self.feed(GROUP), 0.01):
            time.sleep(2 * GMI)
        self.assert_whole(member)
        general = self.wire.queries("0.0.0.0")[2:]
        for before, after in zip(general, general[1:]):
            self.assertAlmostEqual(after.time - before.time, QI, delta=SLACK)

    def test_s3_receiver_dies_without_a_leave(self):
        """S3: the stream ends with the membership, not before and not never."""
        self.serve()
        self.member(GROUP)
        self.joined(GROUP)
        last = None
        with drops(self.receiver, OUTPUT):
            last = time.monotonic()  # no report is heard from now on
            self.ended(GROUP, timeout=GMI + SLACK)
        self.assertGreater(time.monotonic() - last, GMI - QI - QRI - SLACK)

    def test_s3_reports_lost_for_less_than_gmi(self):
        """udm-iptv#410: no answer for a while costs nothing."""
        self.serve()
        member = self.member(GROUP)
        self.joined(GROUP)
        with Stream(self.feed(GROUP), 0.01):
            since = time.time()
            until(lambda: self.wire.queries("0.0.0.0", since=since), "a query", QI + SLACK)
            time.sleep(QRI)  # it is answered
            with drops(self.receiver, OUTPUT):
                time.sleep(QI)
            time.sleep(QI + QRI)
        self.assert_whole(member)

    def assert_whole(self, member):
        """Checks that a member has every datagram from its first to the last sent."""
        last = self.feed(GROUP).sent - 1
        until(lambda: member.numbers()[-1] == last, f"datagram {last}")
        self.assertEqual(member.gaps(), ([], []))


class SeveralHosts(Bed):
    def serve(self, *names, **igmp):
        self.switch, *hosts = self.lan("lan", *names)
        self.wire = Wire(hosts[0])
        self.mgmd = self.start(interface("src"), interface("lan", igmp))
        self.wire.query("0.0.0.0")
        return hosts

    def until_flows(self, *members):
        self.feed(GROUP).send_until(lambda: all(m.arrived for m in members), "the stream")

    def assert_whole(self, member):
        """Checks that a member has every datagram from its first to the last sent."""
        last = self.feed(GROUP).sent - 1
        until(lambda: member.numbers()[-1] == last, f"datagram {last}")
        self.assertEqual(member.gaps(), ([], []))

    def test_t52_tracked_two_hosts(self):
        """igmpproxy#57, #87: the first leave costs nothing, the second acts at once."""
        one, two = self.serve("one", "two", leave='"tracked"')
        time.sleep(GMI + SLACK)  # before that, hosts may be there that have not reported
        leaver, stayer = Member(one, GROUP), Member(two, GROUP)
        self.until_flows(leaver, stayer)
        time.sleep(QRI)  # the reports are sent twice
        with Stream(self.feed(GROUP), 0.002):
            time.sleep(0.1)
            leaver.leave()
            time.sleep(QRI + LMQT)
        self.assertEqual(self.wire.queries(GROUP), [], "the other host is known")
        self.assert_whole(stayer)
        stayer.leave()
        self.ended(GROUP, timeout=LMQI)
        self.assertEqual(self.wire.queries(GROUP), [])

    def leave_costs_the_other_nothing(self, version):
        one, two = self.serve("one", "two")
        for host in (one, two):
            force(host, version)
        leaver, stayer = Member(one, GROUP), Member(two, GROUP)
        self.until_flows(leaver, stayer)
        with Stream(self.feed(GROUP), 0.001):
            time.sleep(0.1)
            leaver.leave()
            time.sleep(2 * LMQT + QRI)
        self.assert_whole(stayer)
        # A v2 host that heard the other's report does not report, and so does not leave.
        self.assertTrue(version == 2 or len(self.wire.queries(GROUP)) >= 1)
        stayer.leave()
        self.ended(GROUP, timeout=LMQT + SLACK)

    def test_s11_a_leave_costs_the_other_host_nothing(self):
        """mrouted#28, igmpproxy#39: two set-top boxes, one changes the channel."""
        self.leave_costs_the_other_nothing(3)

    def test_s11_a_leave_of_a_v2_host_costs_the_other_nothing(self):
        self.leave_costs_the_other_nothing(2)

    def test_t78_mixed_hosts(self):
        """Hosts of all versions in one group: it flows until the last has left."""
        # A v1 host of Linux takes up to ten seconds for its answer, whatever the query says.
        robustness = 6
        hosts = self.serve(
            "v1", "v2", "v3", **{"robustness": str(robustness), "last-member-query-count": "2"}
        )
        for version, host in enumerate(hosts, 1):
            force(host, version)
        members = [Member(host, GROUP) for host in hosts]
        self.until_flows(*members)
        with Stream(self.feed(GROUP), 0.005):
            for leaver, stayer in ((2, 1), (1, 0)):
                time.sleep(QI)
                members[leaver].leave()
                time.sleep(LMQT + QI)
                members[stayer].expect(1, timeout=1.0)
        self.assertEqual(members[0].gaps(), ([], []))
        members[0].leave()  # version 1 has no leave
        self.ended(GROUP, timeout=robustness * QI + 2 * QRI + SLACK)

    def test_s27_host_of_the_second_subnet(self):
        """troglobit/pimd#119, #196: hosts and senders of a secondary address count too."""
        switch, one = self.lan("lan", "one")
        self.router.ip("addr add 10.72.0.100/24 dev lan", "addr add 10.73.0.100/24 dev src")
        one.ip("addr flush dev eth0", "addr add 10.72.0.11/24 dev eth0")
        one.address = "10.72.0.11"
        self.start(interface("src"), interface("lan", {}))
        Wire(one).query("0.0.0.0")
        member = Member(one, GROUP)
        self.joined(GROUP, "10.73.0.11")
        with Stream(self.feed(GROUP, "10.73.0.11"), 0.01):
            member.expect(20)
        self.assertEqual(member.gaps(), ([], []))

    def test_s42_two_links_play_one_channel(self):
        """openwrt/omcproxy#14: joined one after the other, left in both orders."""
        one, two = self.link("one"), self.link("two")
        self.start(interface("src"), interface("one", {}), interface("two", {}))
        Wire(one).query("0.0.0.0")
        Wire(two).query("0.0.0.0")
        for leaver, stayer in ((0, 1), (1, 0)):
            members = [Member(one, GROUP)]
            self.joined(GROUP, to="one")
            time.sleep(LMQT)
            members.append(Member(two, GROUP))
            self.joined(GROUP, to="two")
            self.until_flows(*members)
            with Stream(self.feed(GROUP), 0.002):
                members[leaver].leave()
                time.sleep(2 * LMQT)
            self.assertEqual(members[stayer].gaps(), ([], []))
            members[stayer].leave()
            self.ended(GROUP, to=("one", "two")[stayer], timeout=LMQT + SLACK)
