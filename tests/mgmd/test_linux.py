"""What Linux does with IGMP: firewalls, own packets, devices that come and go, bridges."""

import time

from bed import GMI, LMQT, QI, QRI, SLACK, Bed, OneHost, Switch, interface
from firewall import INPUT, drops
from lab import until
from members import Member
from packets import IS_EX, TO_EX, record, report_of, v2_report, v3_query, v3_report
from wire import Wire
from wires import Stream

GROUP = "239.1.1.1"


class System(OneHost):
    def test_t79_no_firewall_no_rp_filter(self):
        """I66, immortalwrt#971: neither the firewall's input nor rp_filter keeps hosts away."""
        self.router.sysctl(conf__all__rp_filter=1, conf__lan__rp_filter=1)
        try:
            dropping = drops(self.router, INPUT)
            dropping.__enter__()
        except OSError as error:
            self.skipTest(f"no nftables in this kernel ({error})")
        try:
            self.serve()
            member = self.member(GROUP)
            self.joined(GROUP)
            with Stream(self.feed(GROUP), 0.01):
                time.sleep(GMI + QI)
            self.assertEqual(member.gaps(), ([], []))
            self.wire.send(report_of(IS_EX, "239.1.1.2"), source="0.0.0.0")
            self.joined("239.1.1.2")
        finally:
            dropping.__exit__(None, None, None)

    def test_t81_own_packets(self):
        """FRRouting/frr#14690: own queries and the kernel's own reports are nobody's wishes."""
        self.serve()
        own = Member(self.router, "239.9.9.9", interface="lan")
        until(lambda: self.wire.records("239.9.9.9", source=self.own), "the kernel's report")
        # Own queries are answered by the own kernel (I69): with IS_EX, unlike a join.
        until(
            lambda: (IS_EX, frozenset()) in self.wire.records("239.9.9.9", source=self.own),
            "the kernel's answer", QI + QRI + SLACK,
        )
        self.settle(self.wire)
        self.assertNotIn("lan", self.oifs("239.9.9.9"))
        own.close()
        time.sleep(LMQT)
        self.assertEqual(self.wire.queries("239.9.9.9"), [])
        for source, group in self.router.entries():
            self.assertNotEqual(source, self.own, f"an entry for own packets to {group}")

    def test_i65_reports_of_all_versions_where_the_link_is_a_vif(self):
        """The MRT_INIT socket takes IGMP to routable groups from raw sockets, not from ours."""
        self.serve()
        self.wire.send(report_of(TO_EX, GROUP))
        self.joined(GROUP)
        self.assertIn("lan", self.router.vifs().values())
        for alert in (b"", b"\x94\x04\0\0"):
            group = f"239.65.0.{1 + len(alert)}"
            self.wire.send(v2_report(group), options=alert)
            self.joined(group)

    def test_i71_no_data_group_is_joined(self):
        self.serve()
        groups = [f"239.71.0.{n}" for n in range(1, 6)]
        self.wire.send(v3_report(*(record(TO_EX, group) for group in groups)))
        for group in groups:
            self.joined(group)
        with self.router.inside(), open("/proc/thread-self/net/igmp", encoding="ascii") as file:
            text = file.read()
        for group in groups:
            little = "".join(f"{int(part):02X}" for part in reversed(group.split(".")))
            self.assertNotIn(little, text, f"the kernel has joined {group}")

    def test_t82_device_renamed_index_reused(self):
        """I74: another device takes the name or the index: no state is carried over."""
        self.serve()
        self.wire.send(report_of(IS_EX, GROUP))
        self.joined(GROUP)
        index = self.router.index("lan")
        self.router.ip("link del lan")
        other = self.host("other")
        self.wire_up("elsewhere", other, 90, index=f"index {index}")
        self.assertEqual(self.router.index("elsewhere"), index)
        until(
            lambda: not self.router.entries()[self.source, GROUP][1], "the membership is gone", 1.0
        )
        # The name returns by another index: served again, without the group.
        again = self.host("again")
        self.wire_up("lan", again, 91)
        self.assertNotEqual(self.router.index("lan"), index)
        wire = Wire(again)
        wire.send(report_of(IS_EX, "239.1.1.2"))
        until(lambda: self.sends(wire), "the link is served", 2.0)
        self.assertEqual(self.oifs(GROUP), set())

    def sends(self, wire):
        wire.send(report_of(IS_EX, "239.1.1.2"))
        return "lan" in self.oifs("239.1.1.2")

    def test_i74_the_name_moves_to_another_device(self):
        self.serve()
        self.wire.send(report_of(IS_EX, GROUP))
        self.joined(GROUP)
        self.router.ip("link set lan down", "link set lan name former", "link set former up")
        self.ended(GROUP, timeout=1.0)
        other = self.host("other")
        self.wire_up("lan", other, 90)
        Wire(other).query("0.0.0.0", timeout=1.5)
        self.assertEqual(self.oifs(GROUP), set())


class SnoopingBridge(Bed):
    """br0 of the router, which snoops, with two ports: a host on each."""

    def setUp(self):
        super().setUp()
        self.router.ip(
            "link add br0 type bridge mcast_snooping 1", "addr add 10.80.0.100/24 dev br0",
            "link set br0 up",
        )
        self.hosts = [self.port(last) for last in (11, 12)]
        self.wires = [Wire(host) for host in self.hosts]

    def port(self, last):
        host = self.host(f"host{last}")
        self.wire_up(f"port{last}", host, 81, last)
        self.router.ip(f"addr flush dev port{last}", f"link set port{last} master br0")
        host.ip(
            "addr flush dev eth0", f"addr add 10.80.0.{last}/24 dev eth0",
            "route add default via 10.80.0.100",
        )
        host.address = f"10.80.0.{last}"
        return host

    def leaves_without_gap(self, version):
        self.start(interface("src"), interface("br0", {}))
        for host, wire in zip(self.hosts, self.wires):
            host.sysctl(conf__eth0__force_igmp_version=version)
            wire.query("0.0.0.0")
        members = [Member(host, GROUP) for host in self.hosts]
        self.feed(GROUP).send_until(lambda: all(m.arrived for m in members), "the stream")
        with Stream(self.feed(GROUP), 0.002):
            time.sleep(0.2)
            members[0].leave()
            time.sleep(GMI)
        self.assertEqual(members[1].gaps(), ([], []))
        members[1].leave()
        self.ended(GROUP, to="br0", timeout=LMQT + SLACK)

    def test_t76_bridge_snooping(self):
        """mrouted#42, S9: one host's leave does not cut the other off."""
        self.leaves_without_gap(3)

    def test_i73_a_leave_of_a_v2_host_behind_a_snooping_bridge(self):
        self.leaves_without_gap(2)

    def test_i73_a_bridge_that_queries_itself(self):
        """S9: with the bridge's own querier on, whose queries come from 0.0.0.0."""
        self.router.ip("link set br0 type bridge mcast_querier 1")
        self.leaves_without_gap(3)

    def test_t77_bridge_as_nonquerier(self):
        """I73: a bridge hands no reports to a router on it that does not query."""
        mgmd = self.start(interface("src"), interface("br0", {}))
        self.wires[0].query("0.0.0.0")
        self.wires[1].send(v3_query(), source="10.80.0.5")
        mgmd.logs("br0", "multicast_router")
        self.router.ip("link set br0 type bridge mcast_router 2")
        member = Member(self.hosts[0], GROUP)
        self.joined(GROUP, to="br0")
        self.feed(GROUP).send_until(lambda: member.arrived, "the stream")
        self.assertTrue(mgmd.alive())


class SnoopingSwitch(Bed):
    def test_s3_a_switch_that_snoops_does_not_forget_the_members(self):
        """udm-iptv#43, igmpproxy#85: it deletes a member that has not reported for a while."""
        switch, one, two = self.lan(
            "lan", "one", "two",
            # It queries nothing itself; the times are those of TIMES in hundredths of a second.
            options="mcast_snooping 1 mcast_membership_interval 500 mcast_querier_interval 450"
            " mcast_last_member_interval 20",
        )
        self.start(interface("src"), interface("lan", {}))
        Wire(one).query("0.0.0.0")
        members = [Member(one, GROUP), Member(two, GROUP, self.source)]
        self.feed(GROUP).send_until(lambda: all(m.arrived for m in members), "the stream")
        with Stream(self.feed(GROUP), 0.01):
            time.sleep(2 * GMI)
            members[0].leave()
            time.sleep(GMI)
        for member in members:
            self.assertEqual(member.gaps(), ([], []))
        last = self.feed(GROUP).sent - 1
        until(lambda: members[1].numbers()[-1] == last, "the last datagram")
        members[1].leave_source(self.source)
        self.ended(GROUP, timeout=LMQT + SLACK)


class Ports(Bed):
    def setUp(self):
        super().setUp()
        self.wire_up("port", self.host("far"), 61)
        self.router.ip("link add br0 type bridge", "link set port master br0", "link set br0 up")

    def test_i68_a_bridge_port_is_refused(self):
        """I68: a socket on a port hears nothing, so IGMP belongs on the bridge."""
        mgmd = self.start(interface("src"), interface("port", {}))
        mgmd.logs("warning: port is a port of the bridge br0", "configure br0 instead")
        self.assertTrue(mgmd.alive())

    def test_m12_a_port_that_only_a_pattern_matches_is_no_warning(self):
        """An operator who writes a pattern does not mean the ports."""
        mgmd = self.start(interface("src"), interface("po*", {}), interface("br0", {}))
        mgmd.logs("info: port is a port of the bridge br0")
        mgmd.logs("br0: served")
        self.assertEqual(mgmd.lines("port: served"), [])
