"""The configurations that users are shown, exactly as they are printed."""

import pathlib
import shutil
import subprocess

from bed import ROUTER, SLACK, Bed
from build import TREE
from daemon import Mgmd
from feed import Feed
from lab import FORWARDER, until
from members import Member
from packets import TO_EX, TO_IN, report_of, v3_query
from typed import Typed
from wire import Wire
from wires import Stream

GROUP, OTHER = "239.1.1.1", "239.1.1.2"
EXAMPLES = TREE / "crates/mgmd/examples"
# The time between two queries after a leave: the examples leave it at its default.
LAST_MEMBER_QUERY = 1.0
# After this many datagrams of a stream that flows, one that is stopped would have arrived.
MANY = 20
# With a /run of its own for each mgmd, the sockets have their default paths.
OWN_RUN = ("unshare", "--mount", "sh", "-ec", 'mount -t tmpfs none /run; exec "$@"', "sh")


def with_forwarder(config):
    """Returns a configuration with the forwarder under test."""
    if FORWARDER == "kernel":
        return config
    head = "[router]\n"
    config = config if head in config else head + config
    return config.replace(head, f'{head}forwarder = "{FORWARDER}"\n')


class Printed(Mgmd):
    """mgmd with a configuration as it is printed, except for the forwarder under test."""

    def __init__(self, host, config):
        super().__init__(host, config, wrapper=OWN_RUN, WATCHDOG_USEC="1000000")

    def write(self, config):
        self.file.write_text(with_forwarder(config), encoding="utf-8")

    def control(self):
        return pathlib.Path(f"/proc/{self.process.pid}/root/run/mgmd/control")


class Examples(Bed):
    def setUp(self):
        super().setUp()
        self.router.ip("link del src")  # no example has it

    def sends(self, link, host=None):
        """Adds a link, behind which the senders are. Returns what its host sees."""
        self.sender = self.link(link, host)
        self.source, self.senders = self.sender.address, Wire(self.sender)
        return self.senders

    def serve(self, config, program=Printed):
        """Starts mgmd, for which the configuration must have no error."""
        self.mgmd = program(self.router, config)
        self.addCleanup(self.mgmd.close)
        checked = subprocess.run(
            [Mgmd.build.mgmd, "--check", "--config", self.mgmd.file],
            env={"LD_LIBRARY_PATH": str(Mgmd.build.directory)}, capture_output=True, text=True,
        )
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.mgmd.ready()
        return self.mgmd

    def assert_flows(self, member, source=None):
        """Checks that a member receives a stream, from the first datagram on without a gap."""
        feed = self.feed(member.group, source)
        feed.send_until(lambda: member.numbers(feed.source), f"{member.group} of {feed.source}")
        with Stream(feed, 0.01):
            member.expect(MANY, feed.source)
        self.assertEqual(member.gaps(feed.source), ([], []))


class Readme(Typed):
    def test_first_use(self):
        self.sends("eth0")
        receiver = self.link("eth1")
        members = []

        def joins():
            members.append(Member(receiver, GROUP))
            self.stream(GROUP, self.source)

        self.events = {f"a host on eth1 joins {GROUP}, and {self.source} sends to it": joins}
        self.follow(TREE / "README.md", "## First use")
        self.assert_flows(members[0], self.source)


class Pages(Examples):
    def test_router_with_a_protocol_in_the_page_of_the_examples(self):
        """The shell writes the file; $PWD is its folder."""
        page = (TREE / "examples/README.md").read_text(encoding="utf-8")
        text = page.partition("<<TOML\n")[2].partition("\nTOML\n")[0]
        examples = TREE / "examples"
        parts = ("module/module.c", "protocol.c", "igmp.c")
        module = Mgmd.build.module("example", *(examples / part for part in parts))

        class InItsFolder(Mgmd):
            def write(self, config):
                shutil.copy(module, self.directory / "protocol.so")
                config = with_forwarder(config.replace("$PWD", str(self.directory)))
                self.file.write_text(config, encoding="utf-8")

        self.sends("eth0")
        receiver = self.link("eth1")
        mgmd = self.serve(text + "\n", InItsFolder)
        owners = {link["name"]: link["owner"] for link in mgmd.get("/v1/interfaces")["interfaces"]}
        self.assertEqual({owner["protocol"] for owner in owners.values()}, {200}, owners)
        member = Member(receiver, GROUP)
        self.assert_flows(member)
        member.leave()
        self.ended(GROUP, to="eth1", timeout=2 * LAST_MEMBER_QUERY + SLACK)


class Iptv(Examples):
    def setUp(self):
        super().setUp()
        self.provider = self.sends("eth0.4")
        _, self.box, self.other_box = self.lan("br0", "box", "other")
        self.station = self.link("wlan0")
        self.serve((EXAMPLES / "iptv.toml").read_text(encoding="utf-8"))

    def test_streams_of_the_provider_reach_the_boxes_and_stations(self):
        """The system has no routes for the senders."""
        box, station = Member(self.box, GROUP), Member(self.station, GROUP)
        for source in ("10.160.0.7", "192.0.2.9"):
            self.assert_flows(box, source)
            self.assert_flows(station, source)
        until(lambda: self.provider.records(GROUP), "the report upstream")
        self.feed(GROUP, "198.51.100.1").send(MANY)
        self.assert_flows(box, "10.160.0.7")
        self.assertEqual(box.numbers("198.51.100.1"), [])

    def test_stream_that_the_last_station_leaves_ends(self):
        """At once (T52), and in the first minutes after two queries: until all have answered, there
        may be hosts that mgmd does not know."""
        source = "10.160.0.7"
        for host, link in ((self.station, "wlan0"), (self.box, "br0")):
            member = Member(host, GROUP)
            self.assert_flows(member, source)
            member.leave()
            self.ended(GROUP, source, to=link, timeout=2 * LAST_MEMBER_QUERY + SLACK)

    def test_no_stream_from_home_goes_to_the_provider(self):
        home = Wire(self.box)
        station = Member(self.station, OTHER)
        feed = self.feed(OTHER, wire=home)
        feed.send_until(lambda: station.arrived, "the stream at home")
        with Stream(feed, 0.01):
            station.expect(MANY)
        self.assertEqual(self.provider.numbers(OTHER), [])


class Campus(Examples):
    SERVER = "10.9.1.7"

    def setUp(self):
        super().setUp()
        self.building = self.host("building")
        self.wire_up("vlan10", self.building, 1)  # 10.1.0.2, which may be querier, is there
        self.wire = Wire(self.building)
        next(self._numbers)
        self.core = self.sends("core0")
        self.router.ip("route add 10.9.0.0/16 dev core0", "route add 10.8.0.0/16 dev core0")
        self.serve((EXAMPLES / "campus.toml").read_text(encoding="utf-8"))
        self.wire.query("0.0.0.0")

    def test_host_that_names_a_server_gets_its_stream(self):
        self.assert_flows(Member(self.building, "232.1.1.1", self.SERVER), self.SERVER)

    def test_other_groups_and_other_sources_are_refused(self):
        refused = {("232.1.1.2", "10.9.66.5"), ("232.1.1.3", "10.8.0.1"), (GROUP, self.SERVER)}
        for group, source in refused:
            self.wire.send(report_of(TO_IN, group, source))
        self.wire.send(report_of(TO_EX, "232.1.1.4"))
        self.wire.send(report_of(TO_IN, "232.1.1.1", self.SERVER))
        self.joined("232.1.1.1", self.SERVER, to="vlan10")
        for group, source in refused | {("232.1.1.4", self.SERVER)}:
            self.assertNotIn("vlan10", self.oifs(group, source), (source, group))

    def test_groups_of_the_campus_stay_inside(self):
        """What leaves by core0 is what others there ask for, here the operator."""
        inside, outside = "239.192.0.1", "239.1.1.1"
        for group in (inside, outside):
            body = {"interface": "core0", "group": group}
            self.assertEqual(self.mgmd.ask("/v1/join", body)[0], 200)
        kept, sent = self.feed(inside, wire=self.wire), self.feed(outside, wire=self.wire)
        sent.send_until(lambda: self.core.numbers(outside), "the group that may leave")
        with Stream(kept, 0.01), Stream(sent, 0.01):
            until(lambda: len(self.core.numbers(outside)) > MANY, "its stream")
        self.assertEqual(self.core.numbers(inside), [])

    def test_only_one_other_router_may_become_querier(self):
        own = f"10.1.0.{ROUTER}"
        self.wire.send(v3_query(), source="10.1.0.3")
        self.wire.send(report_of(TO_IN, "232.1.1.1", self.SERVER))
        self.joined("232.1.1.1", self.SERVER, to="vlan10")
        self.assertEqual(self.mgmd.querier("vlan10"), own)
        self.wire.send(v3_query(), source="10.1.0.2")
        until(lambda: self.mgmd.querier("vlan10") == "10.1.0.2", "the querier that is allowed")


class Static(Examples):
    def setUp(self):
        super().setUp()
        self.studio = self.sends("studio0")
        self.air, self.archive = Wire(self.link("air0")), Wire(self.link("archive0"))
        self.serve((EXAMPLES / "static.toml").read_text(encoding="utf-8"))

    def until_flows(self, feed, *wires):
        for wire in wires:
            feed.send_until(lambda: wire.numbers(feed.group), f"{feed.group} at {wire.interface}")

    def test_all_cameras_reach_both_networks_and_nobody_joins(self):
        for source, group in (("10.20.0.7", "239.20.0.1"), ("10.20.9.9", "239.20.7.7")):
            feed = Feed(self.studio, group, source, ttl=17)
            self.until_flows(feed, self.air, self.archive)

    def test_packets_with_a_low_ttl_stay_off_the_air(self):
        feed = Feed(self.studio, "239.20.0.1", "10.20.0.7", ttl=16)
        self.until_flows(feed, self.archive)
        feed.send(MANY)
        until(lambda: len(self.archive.numbers(feed.group)) >= MANY, "the stream in the archive")
        self.assertEqual(self.air.numbers(feed.group), [])

    def test_one_stream_goes_to_the_archive_alone(self):
        feed = Feed(self.studio, "239.21.0.1", "10.21.0.7", ttl=64)
        self.until_flows(feed, self.archive)
        feed.send(MANY)
        until(lambda: len(self.archive.numbers(feed.group)) >= MANY, "the stream in the archive")
        self.assertEqual(self.air.numbers(feed.group), [])

    def test_streams_of_the_studio_stay_there(self):
        """Even if the operator joins them, and the system has a route to the sender."""
        kept = Feed(self.studio, "239.255.1.1", self.source, ttl=64)
        sent = Feed(self.studio, "239.20.0.1", "10.20.0.7", ttl=64)
        for link in ("air0", "archive0"):
            body = {"interface": link, "group": kept.group}
            self.assertEqual(self.mgmd.ask("/v1/join", body)[0], 200)
        self.until_flows(sent, self.air, self.archive)
        for wire in (self.air, self.archive):
            wire.clear()
            with Stream(kept, 0.01), Stream(sent, 0.01):
                until(lambda: len(wire.numbers(sent.group)) > MANY, "the stream beside it")
            self.assertEqual(wire.numbers(kept.group), [])
