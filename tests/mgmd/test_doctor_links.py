"""`mgmctl doctor` finds links without a querier, and bridges that keep streams from hosts."""

import os
import re
import threading
import time
import unittest

from bed import GMI, OQPI, QI, Switch, interface, proxy
from case import kernel_only
from doctor import Clinic
from feed import Feed
from lab import ip, until
from members import Member
from packets import v2_query, v3_query
from static import StaticRouter
from test_doctor import route
from wire import Wire
from wires import Stream

GROUP = "239.1.1.1"


class Queriers(Clinic):
    """A sender on src, a member on lan, mgmd between them."""

    def setUp(self):
        super().setUp()
        self.receiver = self.link("lan")
        self.wire = Wire(self.receiver)

    def serve(self, igmp, *others):
        self.mgmd = self.start(interface("src"), interface("lan", igmp), *others)
        self.doctor_of(self.mgmd)
        self.member = Member(self.receiver, GROUP)

    def test_a_passive_router_without_another_querier_is_found(self):
        """S3: the stream ends when the report of the join is no longer valid."""
        self.serve({"passive": "true"})
        with Stream(self.feed(GROUP), 0.02):
            self.member.expect(1)
            self.healthy()  # Another querier may have been silent so far.
            self.stopped(self.member, GMI + QI)
            command = self.found("no_querier", "lan: no router sends queries", "passive")
            self.assertIn(f"sed -i 's/passive *= *true/passive = false/' {self.mgmd.file}", command)
            self.cures(command, self.member)

    def test_a_passive_router_beside_a_querier_is_healthy(self):
        self.serve({"passive": "true"})
        with Stream(self.feed(GROUP), 0.02):
            until(lambda: self.mgmd.igmp("lan")["querier"]["since_ms"] > OQPI * 1000, "the time", 9)
            self.wire.send(v3_query(), source=self.receiver.address)
            until(lambda: self.mgmd.querier("lan"), "the querier is known")
            self.healthy()

    def test_an_interface_without_an_address_is_found(self):
        """igmpproxy#12, S26: no query goes out, and the hosts' memberships end."""
        self.router.ip("addr flush dev lan")
        self.serve({})
        with Stream(self.feed(GROUP), 0.02):
            self.member.expect(1)
            self.stopped(self.member, GMI + QI)
            command = self.found("no_address", "lan: it has no IPv4 address")
            # The hosts of the link are silent, so the network is a guess.
            self.assertEqual(command, "ip address add 192.168.1.254/24 dev lan")

    def test_the_address_is_one_of_the_hosts_network(self):
        self.router.ip("addr flush dev lan")
        self.serve({})
        with Stream(self.feed(GROUP), 0.02), zapping(self.receiver):
            self.member.expect(1)
            self.stopped(self.member, GMI + QI)
            command = self.found("no_address")
            self.assertEqual(command, "ip address add 10.2.0.254/24 dev lan")
            self.cures(command, self.member)


class ProxyUpstream(Clinic):
    def test_an_upstream_without_an_address_is_found(self):
        """S26: the provider's link has no address yet, so nothing is reported there."""
        home = self.link("home")
        self.router.ip("addr flush dev src", "route add 10.1.0.0/24 dev src")
        mgmd = self.start(interface("home", {}), proxy("src", "home"))
        self.doctor_of(mgmd)
        member = Member(home, GROUP)
        until(lambda: mgmd.get("/v1/groups")["groups"], "the group")
        self.senders.clear()
        with querier(self.senders):
            command = self.found("no_address", "src: it has no IPv4 address", "the proxy")
            self.assertEqual(command, "ip address add 10.1.0.254/24 dev src")
            self.assertEqual(self.senders.records(GROUP), [])
            self.doctor.type(command)
            until(lambda: self.senders.records(GROUP), "the report upstream")
            with Stream(self.feed(GROUP), 0.02):
                member.expect(3)
                self.healthy()


# Since this version, a bridge passes all multicast packets to the routers of its machine.
PASSES_ALL = (6, 16)


def kernel():
    return tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])


class Bridges(Clinic):
    """br0 of the router, which snoops, with a host on port10."""

    def setUp(self):
        super().setUp()
        self.router.ip(
            "link add br0 type bridge mcast_snooping 1 mcast_query_interval 200"
            " mcast_query_response_interval 100 mcast_startup_query_interval 50"
            " mcast_querier_interval 300",
            "addr add 10.80.0.100/24 dev br0", "link set br0 up",
        )
        self.near = self.port(10)
        self.wire = Wire(self.near)

    def port(self, last):
        """Returns a host on a port of the bridge."""
        host = self.host(f"host{last}")
        ip(
            f"link add port{last} netns {self.router.namespace} type veth"
            f" peer name eth0 netns {host.namespace}"
        )
        self.router.ip(f"link set port{last} master br0", f"link set port{last} up")
        host.ip(
            f"addr add 10.80.0.{last}/24 dev eth0", "link set eth0 up",
            "route add default via 10.80.0.100",
        )
        host.interface, host.address = "eth0", f"10.80.0.{last}"
        return host

    def behind_switch(self):
        """Returns a host behind a switch on another port of the bridge. The switch has heard a
        querier some time ago. So it sends streams only to members, and forgets them after 2 s."""
        switch = Switch(self.lab, 80, options="mcast_snooping 1 mcast_membership_interval 200")
        far = self.host("far")
        port = switch.attach(far, 20, gateway=100)
        # The query does not make the port one of a router, which would get all streams.
        ip(f"link set {port} type bridge_slave mcast_router 0", namespace=switch.namespace)
        Wire(far).send(v3_query(code=1), source=far.address)
        switch.attach(self.router, 99, "port20")
        self.router.ip("addr flush dev port20", "link set port20 master br0")
        return far

    @kernel_only("the doctor compares streams with its entries")
    def test_a_bridge_without_a_querier_is_found(self):
        """S3, udm-iptv#43: a switch behind the bridge knows no member, and stops the stream."""
        mgmd = self.start(interface("src"), interface("br0"), route("src", GROUP, "br0"))
        self.doctor_of(mgmd)
        member = Member(self.behind_switch(), GROUP)
        with Stream(self.feed(GROUP), 0.02):
            member.expect(1)
            self.stopped(member)
            command = self.found("bridge_without_querier", "br0: this bridge snoops IGMP")
            self.assertEqual(command, "ip link set dev br0 type bridge mcast_querier 1")
            self.cures(command, member, timeout=10)

    def test_a_bridge_on_which_mgmd_queries_is_healthy(self):
        mgmd = self.start(interface("src"), interface("br0", {}))
        self.doctor_of(mgmd)
        member = Member(self.behind_switch(), GROUP)
        with Stream(self.feed(GROUP), 0.02):
            member.expect(3, timeout=10)
            self.healthy()

    def test_a_bridge_that_no_router_uses_is_nobodys_fault(self):
        """Container engines make bridges that snoop, without a querier."""
        self.router.ip("link add docker0 type bridge mcast_snooping 1", "link set docker0 up")
        mgmd = self.start(interface("src"), interface("br0", {}))
        self.doctor_of(mgmd)
        with Stream(self.feed(GROUP), 0.02):
            self.healthy()

    @unittest.skipIf(kernel() >= PASSES_ALL, "the bridges of this kernel hide nothing from routers")
    def test_a_bridge_that_hides_reports_is_found(self):
        """I73: a router on the bridge that does not query hears no host of IGMPv2."""
        mgmd = self.start(interface("src"), interface("br0", {}))
        self.doctor_of(mgmd)
        other = Wire(self.port(5))
        until(lambda: mgmd.querier("br0") == "10.80.0.100", "mgmd is the querier")
        self.wire.query("0.0.0.0")
        self.near.sysctl(conf__eth0__force_igmp_version=2)
        with querier(other, v2_query()):
            until(lambda: mgmd.querier("br0") == "10.80.0.5", "the other querier")
            time.sleep(3)  # until the bridge has forgotten the queries of mgmd
            member = Member(self.near, GROUP)
            with Stream(self.feed(GROUP), 0.02):
                self.stopped(member)
                command = self.found("bridge_hides_reports", "the querier is 10.80.0.5")
                self.assertEqual(command, "ip link set dev br0 type bridge mcast_router 2")
                self.cures(command, member)

    @unittest.skipIf(kernel() >= PASSES_ALL, "the bridges of this kernel hide nothing from routers")
    def test_a_bridge_that_hides_streams_is_found_without_mgmd(self):
        """A static router gets no stream of a port while another router is the querier."""
        other = Wire(self.port(5))
        static = StaticRouter(self.router, "br0", "src")
        static.add(self.near.address, GROUP, "br0", "src")
        self.doctor_of()
        member = Member(self.sender, GROUP)
        with querier(other), Stream(Feed(self.wire, GROUP), 0.02):
            self.stopped(member)
            command = self.found("bridge_hides_reports", "the querier is 10.80.0.5")
            self.cures(command, member)


    @unittest.skipIf(kernel() < PASSES_ALL, "the bridges of this kernel hide reports from routers")
    def test_a_bridge_that_hides_nothing_is_healthy(self):
        """Linux 6.16 and later."""
        mgmd = self.start(interface("src"), interface("br0", {}))
        self.doctor_of(mgmd)
        other = Wire(self.port(5))
        with querier(other):
            until(lambda: mgmd.querier("br0") == "10.80.0.5", "the other querier")
            time.sleep(3)  # until the bridge has forgotten the queries of mgmd
            member = Member(self.near, GROUP)
            with Stream(self.feed(GROUP), 0.02):
                member.expect(3)
                self.healthy()


class Repeated:
    """Does something again and again until the block ends."""

    def __init__(self, action, period):
        self._action, self._period, self._ended = action, period, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        self._action()
        while not self._ended.wait(self._period):
            self._action()

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()


def querier(wire, query=None):
    """A router that sends General Queries."""
    query = query or v3_query()
    return Repeated(lambda: wire.send(query, source=wire.host.address), 1)


def zapping(host):
    """A host that joins and leaves other groups, so that it is heard."""
    member = Member(host, "239.1.1.2")

    def zap():
        member.leave()
        member.join()

    return Repeated(zap, 0.2)
