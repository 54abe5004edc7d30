"""Links of other kinds than veth and bridge. Where the kernel lacks a kind, its test is skipped."""

from bed import LMQT, SLACK, Bed, interface, proxy
from lab import until
from members import Member
from wire import Wire

GROUP = "239.1.1.1"


class Kinds(Bed):
    def add(self, host, command):
        """Adds a link to a host, or skips the test."""
        try:
            host.ip(command)
        except RuntimeError as error:
            self.skipTest(f"no {command.split(' type ')[1]} ({str(error).splitlines()[0]})")

    def vlan(self, host, parent, number, address):
        name = f"{parent}.{number}"
        self.add(host, f"link add link {parent} name {name} type vlan id {number}")
        host.ip(f"addr add {address}/24 dev {name}", f"link set {name} up")
        return name

    def test_s40_several_vlans_of_one_parent(self):
        """smcroute#142, #161: exactly the VLAN that asks gets the stream, and its parent not."""
        host = self.link("lan")
        for number in (10, 20):
            self.vlan(self.router, "lan", number, f"10.{60 + number}.0.100")
            self.vlan(host, "eth0", number, f"10.{60 + number}.0.11")
        links = ["lan", "lan.10", "lan.20"]
        self.start(interface("src"), *(interface(link, {}) for link in links))
        Wire(host, "eth0.10").query("0.0.0.0")
        member = Member(host, GROUP, interface="eth0.10")
        self.joined(GROUP, to="lan.10")
        self.assertEqual(self.oifs(GROUP), {"lan.10"})
        self.feed(GROUP).send_until(lambda: member.arrived, "the stream")
        member.leave()
        self.ended(GROUP, to="lan.10", timeout=LMQT + SLACK)

    def test_s22_the_upstream_is_a_vlan(self):
        """opnsense/plugins#590: the provider's streams come on a VLAN of the uplink."""
        provider, lan = self.link("wan"), self.link("lan")
        self.vlan(self.router, "wan", 4, "10.64.0.100")
        self.vlan(provider, "eth0", 4, "10.64.0.11")
        wire = Wire(provider, "eth0.4")
        self.start(interface("lan", {}), proxy("wan.4", "lan", sources='["203.0.113.0/24"]'))
        Wire(lan).query("0.0.0.0")
        member = Member(lan, GROUP)
        until(lambda: wire.records(GROUP), "the report on the VLAN")
        feed = self.feed(GROUP, "203.0.113.9", wire)
        feed.send_until(lambda: member.arrived, "the stream")

    def test_i68_a_bond_slave_is_refused(self):
        self.add(self.router, "link add bond0 type bond")
        self.link("slave")
        self.router.ip("link set slave down", "link set slave master bond0", "link set slave up")
        mgmd = self.start(interface("src"), interface("slave", {}))
        mgmd.logs("slave", "bond0")
        self.assertTrue(mgmd.alive())

    def test_i66_a_macvlan(self):
        """A container's link: a device of its own on the same wire."""
        host = self.link("lan")
        self.add(self.router, "link add link lan name mac0 type macvlan mode bridge")
        self.router.ip(
            "addr flush dev lan", "addr add 10.2.0.100/24 dev mac0", "link set mac0 up"
        )
        self.start(interface("src"), interface("mac0", {}))
        Wire(host).query("0.0.0.0")
        member = Member(host, GROUP)
        self.joined(GROUP, to="mac0")
        self.feed(GROUP).send_until(lambda: member.arrived, "the stream")
        member.leave()
        self.ended(GROUP, to="mac0", timeout=LMQT + SLACK)
