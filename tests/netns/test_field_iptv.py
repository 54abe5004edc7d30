"""Public reports from home routers: streams of a provider without a route to their source."""

from case import GROUP, NetnsTest, kernel_only

# The provider announces a route to the first, but not to the second.
ROUTED, UNROUTED = "198.51.100.9", "203.0.113.9"


class Iptv(NetnsTest):
    """Streams arrive on to-iptv. The default route leads through to-ppp, which has no owner."""

    def setUp(self):
        super().setUp()
        self.iptv, self.lan, self.ppp = self.hosts("iptv", "lan", "ppp")
        self.lab.router.ip(
            f"route add default via {self.ppp.address}",
            f"route add 198.51.100.0/24 via {self.iptv.address}",
        )
        self.collector = self.lan.collector(GROUP)

    def start(self, **options):
        self.daemon = self.router(**options)
        self.daemon.protocol("A", 200, "to-iptv", "to-lan")
        self.daemon.must(f"join A * {GROUP} to-lan")

    def flows(self, source):
        before = self.collector.count
        self.iptv.emitter(GROUP, spoof=source).send(3)
        self.collector.expect(before + 3)

    # spec 5.2
    def test_client_names_its_iptv_interface_for_a_source_that_routes_lead_elsewhere(self):
        """pali/igmpproxy#73, fabianishere/udm-iptv#385: the look-up finds the default route."""
        self.start()
        self.daemon.must("permit A to-iptv")
        self.flows(UNROUTED)
        self.flows(ROUTED)
        inward = self.daemon.index("to-iptv")
        asked = {source: self.daemon.hears("RPF", source=source) for source in (ROUTED, UNROUTED)}
        self.assertEqual(
            {source: (rpf["interface"], rpf["upstream"]) for source, rpf in asked.items()},
            {ROUTED: (inward, self.iptv.address), UNROUTED: (0, "0.0.0.0")},
        )
        self.assertEqual({rpf["arrival"] for rpf in asked.values()}, {inward})
        self.assertEqual([mfe["in"] for mfe in self.daemon.mfes()], [inward, inward])

    # spec 5.2
    def test_source_that_no_route_covers_at_all(self):
        """fabianishere/udm-iptv#368: without a default route."""
        self.lab.router.ip("route del default")
        self.start()
        self.daemon.must("permit A to-iptv")
        self.flows(UNROUTED)

    # spec 5.2
    def test_sources_that_the_client_does_not_list_stay_out(self):
        """fabianishere/udm-iptv#432: the client has a list of permitted sources."""
        self.start(MGM_LOG="debug")
        self.daemon.must("permit A to-iptv 203.0.113.0 255.255.255.0")
        other, emitter = "192.0.2.9", None
        wire = self.lan.tap(GROUP)
        emitter = self.iptv.emitter(GROUP, spoof=other)
        wire.silent(emitter)
        self.daemon.hears("RPF", source=other, interface=0)
        # The log names the arrival interface, and the interface of the route.
        arrival, route = (self.daemon.index(name) for name in ("to-iptv", "to-ppp"))
        self.daemon.logs(other, GROUP, f"interface {arrival}")
        self.daemon.logs(other, f"interface {route}")
        self.flows(UNROUTED)
        self.assertEqual([mfe["source"] for mfe in self.daemon.mfes()], [UNROUTED])
        self.assertEqual(len(self.daemon.heard("RPF", source=other)), 1, "asked once in 10 s")

    # spec 5.1
    def test_host_route_permits_the_providers_sources(self):
        """pali/igmpproxy#73: a route of the host solves it."""
        self.start()
        self.daemon.must(f"route 203.0.113.0 255.255.255.0 to-iptv {self.iptv.address}")
        self.flows(UNROUTED)

    # spec 5.1
    def test_preferred_host_route_wins_over_a_longer_one_of_the_systems(self):
        """pali/igmpproxy#73: a route of a VPN to this source must not move the stream."""
        self.lab.router.ip(f"route add {UNROUTED}/32 via {self.ppp.address}")
        self.start()
        network = "203.0.113.0 255.255.255.0"
        self.daemon.must(f"route {network} to-iptv {self.iptv.address} preferred")
        self.flows(UNROUTED)

    # spec 5.1
    def test_default_route_of_the_hosts_does_not_hide_connected_links(self):
        """pali/igmpproxy#73: "all sources are on iptv" must not mean those of the LAN."""
        self.start()
        self.daemon.must(
            f"route 0.0.0.0 0.0.0.0 to-iptv {self.iptv.address}", f"join A * {GROUP} to-iptv"
        )
        self.flows(UNROUTED)
        outward = self.iptv.collector(GROUP)
        self.lan.emitter(GROUP).send(3)
        outward.expect(3)


@kernel_only("rp_filter does not apply to the others")
class ReversePath(NetnsTest):
    """rp_filter, with which the kernel checks sources before the library sees a packet."""

    def setUp(self):
        super().setUp()
        self.iptv, self.lan, self.ppp = self.hosts("iptv", "lan", "ppp")
        self.lab.router.ip(f"route add default via {self.ppp.address}")

    def filter(self, interface, value):
        self.lab.router.sysctl(**{f"conf__{interface}__rp_filter": value})

    def start(self):
        self.daemon = self.router()
        self.daemon.protocol("A", 200, "to-iptv", "to-lan")
        self.daemon.must(
            f"join A * {GROUP} to-lan",
            f"route 203.0.113.0 255.255.255.0 to-iptv {self.iptv.address}",
        )

    def filters(self):
        """Returns the interfaces of the status."""
        rows = self.daemon.ask("status")["status"]["interfaces"]
        return {row["index"]: row["reverse_path_filter"] for row in rows}

    def test_strict_filter_is_told_of_once_with_its_cure(self):
        """troglobit/smcroute#99, troglobit/pimd#186: strict rp_filter drops the stream."""
        self.filter("to-iptv", 1)
        self.start()
        index = self.daemon.index("to-iptv")
        self.daemon.logs(f"to-iptv (index {index})", "net.ipv4.conf.to-iptv.rp_filter=1", "2")
        self.assertEqual(len(self.daemon.log.items), 1, self.daemon.log.items)
        self.assertEqual(self.filters(), {index: "strict", self.daemon.index("to-lan"): "off"})
        wire, emitter = self.lan.tap(GROUP), self.iptv.emitter(GROUP, spoof=UNROUTED)
        wire.silent(emitter)

        self.filter("to-iptv", 2)
        self.assertEqual(self.filters()[index], "loose")
        emitter.send_until(lambda: wire.count > 0, "what the strict filter held back")

    def test_filter_of_all_interfaces_counts_too(self):
        """troglobit/smcroute#99: "all" is 1 on many systems, and the greater value applies."""
        self.filter("all", 1)
        self.filter("to-lan", 2)
        self.start()
        self.daemon.logs("to-iptv", "net.ipv4.conf.all.rp_filter=1")
        self.assertEqual(len(self.daemon.log.items), 1, self.daemon.log.items)

    def test_without_an_address_the_loose_filter_drops_the_same(self):
        self.lab.router.ip("addr flush dev to-iptv")
        self.filter("all", 1)
        self.filter("to-lan", 2)
        self.start()
        both = "set it and net.ipv4.conf.to-iptv.rp_filter to 0"
        self.daemon.logs("to-iptv", "net.ipv4.conf.all.rp_filter=1", both)
        wire, emitter = self.lan.tap(GROUP), self.iptv.emitter(GROUP, spoof=UNROUTED)
        self.filter("to-iptv", 2)
        wire.silent(emitter)
        self.filter("all", 0)
        self.filter("to-iptv", 0)
        emitter.send_until(lambda: wire.count > 0, "what the loose filter held back")

    def test_loose_filter_holds_nothing_back(self):
        """troglobit/pimd#186: the setting that the log recommends."""
        self.filter("all", 2)
        self.start()
        wire, emitter = self.lan.tap(GROUP), self.iptv.emitter(GROUP, spoof=UNROUTED)
        emitter.send_until(lambda: wire.count > 0, "the stream")
        self.assertEqual(self.daemon.log.items, [])
