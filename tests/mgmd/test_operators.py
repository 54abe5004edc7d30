"""The recipes of docs/operators.md, typed as they are printed. A stream really flows in each."""

from build import TREE
from devices import lacks
from lab import until
from members import Member
from typed import MANY, Typed
from wire import Wire

PAGE = TREE / "docs/operators.md"


class IptvAtHome(Typed):
    def test_streams_of_the_provider_reach_the_boxes(self):
        self.watch(self.sends("iptv"))

    def test_streams_on_a_vlan_reach_the_boxes(self):
        """The section about the VLAN, then the recipe."""
        if lacks("vlan", self.router.namespace):
            self.skipTest("this kernel lacks VLAN devices (make test-kernels)")
        provider = self.link("wan0")
        self.router.ip("addr flush dev wan0")
        provider.ip("addr flush dev eth0", "link add link eth0 name tagged type vlan id 4")
        provider.ip(f"addr add {provider.address}/24 dev tagged", "link set tagged up")
        self.senders = Wire(provider, "tagged")
        self.follow(PAGE, "## IPTV on a VLAN")
        self.watch(self.senders)

    def watch(self, provider):
        """Follows the recipe."""
        lan = self.link("lan")
        boxes = []

        def plays(group):
            boxes.append(Member(lan, group))

        def begins():
            plays("239.1.1.1")
            until(lambda: provider.records("239.1.1.1"), "the report to the provider")
            self.stream("239.1.1.1", "10.160.0.7")

        def changes():
            boxes[0].leave()
            plays("239.1.1.2")
            self.stream("239.1.1.2", "192.0.2.9")

        self.events = {
            "a box plays 239.1.1.1, which 10.160.0.7 sends": begins,
            "the box changes to 239.1.1.2": changes,
        }
        self.follow(PAGE, "## IPTV at home")
        self.assert_flows(boxes[1], "192.0.2.9")


class CampusWithSsm(Typed):
    SERVER = "10.1.0.11"

    def test_hosts_that_name_a_server_get_its_stream(self):
        self.sends("servers")
        first, second = self.link("building1"), self.link("building2")
        hosts = []

        def joins():
            hosts.append(Member(first, "232.1.1.1", self.SERVER))
            self.stream("232.1.1.1", self.SERVER)

        self.events = {"a host of building 1 joins 232.1.1.1 from 10.1.0.11": joins}
        display = Wire(second)
        self.follow(PAGE, "## A campus with source-specific multicast")
        self.assert_flows(hosts[0], self.SERVER)
        until(lambda: len(display.numbers("232.1.1.1")) > MANY, "the stream at the display")


class StaticStreams(Typed):
    def test_cameras_reach_both_networks(self):
        self.sends("studio0")
        air, archive = Wire(self.link("air0")), Wire(self.link("archive0"))
        self.events = {
            f"the camera {source} sends to {group}": lambda s=source, g=group: self.stream(g, s, ttl=64)
            for source, group in (("10.20.0.7", "239.20.0.1"), ("10.21.0.7", "239.21.0.1"))
        }
        self.follow(PAGE, "## Static streams between two networks")
        for wire, group in ((air, "239.20.0.1"), (archive, "239.20.0.1"), (archive, "239.21.0.1")):
            until(lambda: len(wire.numbers(group)) > MANY, f"{group} at {wire.host.namespace}")
        self.assertEqual(air.numbers("239.21.0.1"), [])
