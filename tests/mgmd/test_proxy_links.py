"""Proxies with several upstreams, foreign sources, and links that are lost and return."""

import time

from bed import GMI, QRI, SLACK, Bed, interface, proxy
from lab import until
from members import Member
from packets import TO_EX
from wire import Wire
from wires import Stream, Tun

GROUP = "239.1.1.1"
# Senders of the provider that no route of the router covers, or one that leads elsewhere.
FOREIGN, OTHER = "203.0.113.9", "198.51.100.9"


class Altnet(Bed):
    """igmpproxy's altnet: the stream comes by src, the default route leads to ppp (S1)."""

    def setUp(self):
        super().setUp()
        self.lan_host = self.link("home")
        self.far = self.link("ppp")
        self.wire = Wire(self.lan_host)

    def serve(self, *tables, **keys):
        self.mgmd = self.start(interface("home", {}), proxy("src", "home", **keys), *tables)
        self.wire.query("0.0.0.0")
        self.member = Member(self.lan_host, GROUP)
        until(lambda: self.senders.records(GROUP), "the report upstream")

    def flows(self, source):
        feed = self.feed(GROUP, source)
        feed.send_until(lambda: self.member.numbers(source), f"the stream of {source}", 2.0)
        self.assertEqual(self.router.entries()[source, GROUP], ("src", {"home"}))

    def test_t69_proxy_altnet(self):
        """igmpproxy#53, udm-iptv#368: a source without any route."""
        self.serve()
        self.flows(FOREIGN)
        # A sender of the LAN is one of the LAN, whatever the provider's networks are.
        lan = self.feed(GROUP, self.lan_host.address, self.wire)
        lan.send_until(
            lambda: (self.lan_host.address, GROUP) in self.router.entries(), "its entry"
        )
        self.assertEqual(self.router.entries()[self.lan_host.address, GROUP][0], "home")

    def test_i59_sources_that_cover_it(self):
        """igmpproxy#73, udm-iptv#385: the default route leads elsewhere."""
        self.router.ip(f"route add default via {self.far.address}")
        self.serve(sources='["203.0.113.0/24"]')
        self.flows(FOREIGN)

    def test_i59_sources_that_leave_it_out(self):
        """udm-iptv#432: a list of permitted senders."""
        self.router.ip(f"route add default via {self.far.address}")
        self.serve(sources='["203.0.113.0/24"]')
        self.flows(FOREIGN)
        feed = self.feed(GROUP, OTHER)
        for _ in range(20):
            feed.send()
            time.sleep(0.01)
        self.mgmd.logs("src", OTHER, GROUP, "sources")
        way = f"ppp (index {self.router.index('ppp')})"
        self.mgmd.logs(OTHER, f"reached through {self.far.address} on {way}")
        self.assertEqual(self.member.numbers(OTHER), [])

    def test_m19_the_log_names_the_interface_of_the_route(self):
        """S1: the route leads to another interface that mgmd serves."""
        self.router.ip(f"route add default via {self.far.address}")
        self.serve(interface("ppp"), sources='["203.0.113.0/24"]')
        self.feed(GROUP, OTHER).send()
        way = f"ppp (index {self.router.index('ppp')})"
        self.mgmd.logs("src: ", OTHER, f"the route to its source leads to {way}: add its network")
        # The same interface in a line of the library.
        self.mgmd.logs(OTHER, f"reached through {self.far.address} on {way}")

    def test_s22_the_upstream_is_a_ppp_link(self):
        """igmpproxy#28: a point-to-point link without the MULTICAST flag."""
        ppp = Tun(self.router, "ppp0", "192.0.2.1", "192.0.2.2")
        self.addCleanup(ppp.close)
        self.router.ip("route add 203.0.113.0/24 dev ppp0")
        self.start(interface("home", {}), proxy("ppp0", "home"))
        self.wire.query("0.0.0.0")
        member = Member(self.lan_host, GROUP)
        self.assertIsNotNone(ppp.receive("224.0.0.22", protocol=2), "a report by ppp0")

        def flows():
            ppp.send(FOREIGN, GROUP)
            return member.arrived

        until(flows, "the stream")


class Upstreams(Bed):
    def test_t73_proxy_two_upstreams(self):
        """mcproxy multi_upstream, igmpproxy#34: the group decides, and for (s,g) the source."""
        second = self.link("up2")
        wires = {"src": self.senders, "up2": Wire(second)}
        host = self.link("home")
        down = Wire(host)
        self.start(
            interface("home", {}),
            *(
                proxy(
                    up, "home", groups=f'["239.{n}.0.0/16", "232.0.0.0/8"]',
                    sources=f'["10.{n}.0.0/24"]',
                )
                for n, up in enumerate(wires, 1)
            ),
        )
        down.query("0.0.0.0")
        wanted = {
            "src": [("239.1.1.1", None), ("232.1.1.1", self.source)],
            "up2": [("239.2.1.1", None), ("232.1.1.2", second.address)],
        }
        members = {}
        for group, source in wanted["src"] + wanted["up2"]:
            members[group] = Member(host, group, *([source] if source else []))
        for up, other in (("src", "up2"), ("up2", "src")):
            for group, source in wanted[up]:
                until(lambda: wires[up].records(group), f"{group} on {up}")
                self.assertEqual(wires[other].records(group), [], f"{group} on {other}")
                feed = self.feed(group, wires[up].host.address, wires[up])
                feed.send_until(lambda: members[group].arrived, f"{group} from {up}")
        time.sleep(QRI)
        for up, other in (("src", "up2"), ("up2", "src")):
            for group, _ in wanted[up]:
                self.assertEqual(wires[other].records(group), [])

    def test_i60_a_backup_takes_over_and_gives_back(self):
        second, host = self.link("up2"), self.link("home")
        spare = Wire(second)
        self.start(interface("home", {}), proxy("src", "home", backup='["up2"]'))
        Wire(host).query("0.0.0.0")
        member = Member(host, GROUP)
        until(lambda: self.senders.records(GROUP), "the report on the first")
        self.assertEqual(spare.records(GROUP), [])
        self.router.ip("link set src down")
        until(lambda: spare.records(GROUP), "the report on the backup", 2.0)
        feed = self.feed(GROUP, second.address, spare)
        feed.send_until(lambda: member.numbers(second.address), "the stream by the backup")
        since = time.time()
        self.router.ip("link set src up")
        until(lambda: self.senders.records(GROUP, since=since), "the first again", 2.0)


class Flap(Bed):
    """The upstream is lost and returns, with the DHCP address later (S5, S14)."""

    def setUp(self):
        super().setUp()
        self.lan_host = self.link("home")
        self.wire = Wire(self.lan_host)
        self.mgmd = self.start(interface("home", {}), proxy("src", "home"))
        self.wire.query("0.0.0.0")
        self.groups = [f"239.71.0.{n}" for n in range(1, 4)]
        self.members = [Member(self.lan_host, group) for group in self.groups]
        for group in self.groups:
            until(lambda: self.senders.records(group), f"the report of {group}")
        self.flow()

    def flow(self, timeout=2.0):
        for group, member in zip(self.groups, self.members):
            before = len(member.arrived)
            self.feed(group).send_until(lambda: len(member.arrived) > before, group, timeout)

    def return_upstream(self, address):
        """Deletes src, and makes it anew; its address comes later."""
        self.router.ip("link del src")
        time.sleep(0.2)
        number = int(self.source.split(".")[1])
        self.wire_up("src", self.sender, number)
        self.router.ip("addr flush dev src")
        self.senders = Wire(self.sender)
        self._feeds.clear()
        time.sleep(0.3)
        self.assertEqual(self.senders.records(self.groups[0]), [], "it has no address yet")
        since = time.time()
        self.router.ip(f"addr add {address}/24 dev src")
        return since

    def test_t71_proxy_upstream_flap(self):
        """igmpproxy#21, #31, udm-iptv#142: reported again RV times, and it flows."""
        address = self.source.rpartition(".")[0] + ".150"
        since = self.return_upstream(address)
        time.sleep(1.0 + QRI + SLACK)
        for group in self.groups:
            self.assertEqual(
                self.senders.records(group, address, since=since), [(TO_EX, frozenset())] * 2
            )
        self.flow()
        self.assertTrue(self.mgmd.alive())

    def test_s14_ten_times_in_a_row(self):
        """troglobit/pimd#234: a modem that returns under a new index; no VIF leaks."""
        own = self.source.rpartition(".")[0] + ".100"
        for _ in range(10):
            self.return_upstream(own)
            self.flow()
        self.assertEqual(sorted(self.router.vifs().values()), ["home", "src"])
        # The members have stayed all the time.
        self.assertTrue(self.mgmd.alive())

    def test_i62_a_clean_stop_leaves_all_groups(self):
        since = time.time()
        self.assertEqual(self.mgmd.stop(), 0)
        for group in self.groups:
            until(
                lambda: (3, frozenset()) in self.senders.records(group, since=since),
                f"the leave of {group}",
            )
        self.assertEqual(self.router.read("ip_mr_vif"), [])
        self.assertEqual(self.router.read("ip_mr_cache"), [])


class Home(Bed):
    """IPTV at home: 50 hosts on a LAN zap, and the senders are in another prefix."""

    HOSTS, CHANNELS = 50, 20

    def test_s1_iptv_at_home_with_50_hosts_zapping(self):
        switch, *hosts = self.lan("lan", *(f"box{n}" for n in range(self.HOSTS)))
        wire = Wire(hosts[0])
        self.start(
            interface("lan", {}),
            proxy("src", "lan", sources='["203.0.113.0/24"]', forward_up="false"),
        )
        wire.query("0.0.0.0")
        channels = [f"239.50.0.{n}" for n in range(1, self.CHANNELS + 1)]
        feeds = [self.feed(group, FOREIGN) for group in channels]
        with Stream(_Together(feeds), 0.02):
            stayer = Member(hosts[0], channels[0])
            until(lambda: stayer.arrived, "the first channel")
            watched = {}
            for turn in range(4):
                for n, host in enumerate(hosts[1:], 1):
                    if host in watched:
                        watched[host].close()
                    watched[host] = Member(host, channels[(n + 7 * turn) % self.CHANNELS])
                for member in watched.values():
                    until(lambda: member.arrived, f"{member.group} at a box", 2.0)
            time.sleep(GMI)
            before = {host: len(member.arrived) for host, member in watched.items()}
            time.sleep(0.5)
            for host, member in watched.items():
                self.assertGreater(len(member.arrived), before[host], member.group)
        self.assertEqual(stayer.gaps(), ([], []))
        for member in watched.values():
            self.assertEqual(member.gaps(), ([], []), member.group)


class _Together:
    """Several feeds that send at once."""

    def __init__(self, feeds):
        self.feeds = feeds

    def send(self):
        for feed in self.feeds:
            feed.send()
