"""mgmd beside other people's queriers on one LAN."""

import time

import packages
from bed import OQPI, QI, ROUTER, SLACK, Bed, interface, long
from daemons import Frr, Igmpproxy
from members import Member
from wire import Wire
from wires import Stream

GROUP = "239.1.1.1"


class OneLan(Bed):
    """mgmd, FRR's pimd and the querier of a Linux bridge on one LAN, and one host."""

    def setUp(self):
        super().setUp()
        if not (packages.HOME / "unpacked").exists():
            self.skipTest("no FRR (tests/peers/packages.py)")

    def meet(self, own, frr, bridge):
        """All three query on one LAN; these are the last octets of their addresses."""
        net = "10.88.0"
        hub, host, peer = self.host("hub"), self.host("host"), self.host("frr")
        peer.sysctl(ip_forward=1, conf__all__rp_filter=0, conf__default__rp_filter=0)
        # The times are those of TIMES, in hundredths of a second.
        hub.ip(
            "link add br0 type bridge mcast_snooping 1 mcast_querier 1 mcast_query_interval 200"
            " mcast_query_response_interval 100 mcast_startup_query_interval 100"
            " mcast_querier_interval 450 mcast_query_use_ifaddr 1 mcast_igmp_version 3"
            " mcast_membership_interval 600 mcast_last_member_interval 20",
            f"addr add {net}.{bridge}/24 dev br0",
            "link set br0 up",
        )
        for other, near, last, port in (
            (self.router, "lan", own, "p0"), (host, "eth0", 11, "p1"), (peer, "eth0", frr, "p2")
        ):
            hub.ip(
                f"link add {port} type veth peer name {near} netns {other.namespace}",
                f"link set {port} master br0",
                f"link set {port} up",
            )
            other.ip(f"addr add {net}.{last}/24 dev {near}", f"link set {near} up")
            if other is not self.router:
                other.interface, other.address = near, f"{net}.{last}"
        self.frr = Frr(peer, ["eth0"])
        self.addCleanup(self.frr.close)
        self.frr.configure(
            "interface eth0",
            "ip igmp query-max-response-time 10",
            "ip igmp query-interval 2",
            "ip igmp last-member-query-interval 2",
        )
        self.wire = wire = Wire(host)
        mgmd = self.start(interface("src"), interface("lan", {}))
        lowest = f"{net}.{min(own, frr, bridge)}"
        wire.query("0.0.0.0", source=lowest, timeout=10)
        time.sleep(2 * QI)
        since = time.time()
        time.sleep(3 * QI)
        askers = {query.source for query in wire.queries("0.0.0.0", since=since)}
        self.assertEqual(askers, {lowest})
        member = Member(host, GROUP)
        self.joined(GROUP)
        with Stream(self.feed(GROUP), 0.01):
            time.sleep(4 * QI)
        self.assertEqual(member.gaps(), ([], []))
        member.leave()
        self.ended(GROUP, timeout=4 * QI)
        self.assertTrue(mgmd.alive())

    @long
    def test_t87_interop_frr(self):
        self.meet(own=10, frr=20, bridge=30)

    @long
    def test_s21_frr_is_the_lowest_and_dies(self):
        """FRRouting/frr#12027: the next one takes over within the time that FRR has announced."""
        self.meet(own=20, frr=10, bridge=30)
        since = time.time()
        self.frr.close()
        self.wire.query("0.0.0.0", source="10.88.0.20", since=since, timeout=OQPI + SLACK)

    @long
    def test_s21_the_bridge_is_the_lowest(self):
        self.meet(own=20, frr=30, bridge=10)

    @long
    def test_s21_igmpproxy_is_the_lowest(self):
        """igmpproxy asks on every downstream, whoever else does: it asks here, and is heard."""
        switch, host = self.lan("lan", "host")
        self.wire = Wire(host)
        mgmd = self.start(interface("src"), interface("lan", {}))
        self.wire.query("0.0.0.0")
        member = Member(host, GROUP)
        self.joined(GROUP)
        peer = self.other_router(switch, "peer", 10)
        self.lab.link(peer, "unused")
        with Stream(self.feed(GROUP), 0.01):
            proxy = Igmpproxy(peer, ["eth1", "eth0"])
            self.addCleanup(proxy.close)
            lower, own = (host.address.rpartition(".")[0] + f".{last}" for last in (10, ROUTER))
            self.wire.query("0.0.0.0", source=lower)
            mgmd.logs(lower, "is the querier")
            since = time.time()
            proxy.close()
            # Its interval is that of RFC 2236, of which four times the own one is believed.
            self.wire.query("0.0.0.0", source=own, since=since, timeout=4 * OQPI + SLACK)
            time.sleep(QI)
        self.assertEqual(member.gaps(), ([], []))
