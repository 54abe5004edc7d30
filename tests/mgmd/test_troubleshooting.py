"""The troubleshooting of docs/operators.md: each fault is made, the commands are typed, and in the
end the stream flows. The command against the firewall is not typed, because nft may be missing."""

import contextlib
import socket
import time

from bed import OQPI, TIMES
from build import TREE
from firewall import FORWARD, drops
from lab import MRT_INIT, until
from members import Member
from typed import MANY, Typed
from wire import Wire

PAGE = TREE / "docs/operators.md"
GROUP, SOURCE, FOREIGN = "239.1.1.1", "10.160.0.7", "198.51.100.9"


class Iptv(Typed):
    """The router of the recipe for IPTV, with a box that plays a channel."""

    def setUp(self):
        super().setUp()
        self.sends("iptv")
        self.lan = self.link("lan")

    def serve(self, *changes):
        """Starts mgmd with the recipe's configuration, changed by pairs of texts."""
        (config,) = self.files(PAGE, "## IPTV at home")
        for old, new in changes:
            self.assertIn(old, config)
            config = config.replace(old, new)
        self.write(config)
        status, output = self.shell.run("sudo systemctl start mgmd")
        self.assertEqual(status, 0, output)

    def plays(self, group, source, **options):
        self.member = Member(self.lan, group)
        self.stream(group, source, **options)

    def test_some_channels_do_not_play(self):
        self.serve()
        self.router.ip("route add default via 10.2.0.11")
        self.events = {
            f"a box plays 239.1.1.5, which {FOREIGN} sends": lambda: self.plays("239.1.1.5", FOREIGN)
        }
        self.follow(PAGE, "### Some channels do not play")
        self.assert_flows(self.member, FOREIGN)

    def test_the_counters_rise_but_the_hosts_receive_nothing(self):
        self.serve()
        self.plays(GROUP, SOURCE)
        self.member.expect(MANY)

        def drop():
            try:
                firewall.enter_context(drops(self.router, FORWARD, "filter", "forward"))
            except OSError as error:
                self.skipTest(f"no nftables in this kernel ({error})")

        self.events = {"a firewall drops what is forwarded": drop}
        with contextlib.ExitStack() as firewall:
            self.follow(PAGE, "### The counters rise, but the hosts receive nothing")
        self.member.expect(MANY)

    def test_packets_arrive_but_flows_does_not_show_them(self):
        self.serve(('"192.0.2.0/24"', '"198.51.100.0/24"'))
        self.router.ip("route add 198.51.100.0/24 via 10.2.0.11")

        def strict():
            self.router.sysctl(conf__iptv__rp_filter=1)
            self.plays(GROUP, FOREIGN)

        self.events = {
            f"the reverse path filter is strict, and the provider sends from {FOREIGN}": strict
        }
        self.follow(PAGE, "### Packets arrive, but mgmctl flows does not show them")
        self.assert_flows(self.member, FOREIGN)

    def test_the_picture_freezes_after_some_minutes(self):
        """With short times, so that mgmd need not listen for minutes."""
        times = ", ".join(f"{key} = {value}" for key, value in TIMES.items())
        self.events = {
            "mgmd is passive on lan": lambda: (
                self.serve(("igmp = { ", f"igmp = {{ {times}, passive = true, ")), time.sleep(OQPI)
            )
        }
        wire = Wire(self.lan)
        self.follow(PAGE, "### The picture freezes after some minutes")
        wire.query("0.0.0.0")

    def test_a_stream_does_not_leave_its_own_network(self):
        self.serve()
        self.events = {
            "a server sends 239.1.1.6 with TTL 1": lambda: self.plays("239.1.1.6", SOURCE, ttl=1)
        }
        self.follow(PAGE, "### A stream does not leave its own network")
        self.stream("239.1.1.6", SOURCE, ttl=16)
        self.member.expect(MANY, SOURCE)


class Others(Typed):
    def test_a_host_asks_but_gets_nothing(self):
        self.sends("servers")
        first, _ = self.link("building1"), self.link("building2")
        config, *_ = self.files(PAGE, "## A campus with source-specific multicast")
        self.write(config)
        self.assertEqual(self.shell.run("sudo systemctl start mgmd")[0], 0)
        self.stream("232.1.1.1", self.source)
        players = []
        self.events = {
            "a host of building 1 joins 232.1.1.1 from all sources": lambda: players.append(
                Member(first, "232.1.1.1")
            )
        }
        self.follow(PAGE, "### A host asks, but gets nothing")
        players[0].close()
        member = Member(first, "232.1.1.1", self.source)
        self.assert_flows(member, self.source)

    def test_mgmd_does_not_start(self):
        (config,) = self.files(PAGE, "## IPTV at home")
        self.write(config)
        taken = []

        def take():
            taken.append(self.router.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP))
            taken[0].setsockopt(socket.IPPROTO_IP, MRT_INIT, 1)

        self.events = {"another multicast router runs": take}
        self.follow(PAGE, "### mgmd does not start")
        taken[0].close()
        until(lambda: self.shell.run("sudo systemctl start mgmd")[0] == 0, "mgmd starts")
