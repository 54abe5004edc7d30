"""The base class of mgmd's tests: links, hosts, and mgmd between them.

The router's interface `src` leads to a host with senders; nothing asks for groups there. On every
other link the router's address ends with 100, so that a test can speak for routers with lower and
with higher addresses.
"""

import itertools
import unittest

import packets
from daemon import Mgmd
from feed import Feed
from lab import Lab, ip, until
from members import Member
from packets import TO_EX
from wire import Wire

# The times of all tests, where they do not say otherwise. The same in seconds: see below.
TIMES = {
    "query-interval": '"2s"',
    "query-response-interval": '"1s"',
    "last-member-query-interval": '"200ms"',
}
QI, QRI, LMQI, LMQT = 2.0, 1.0, 0.2, 0.4
GMI, OQPI, OHPI = 2 * QI + 2 * QRI, 2 * QI + QRI / 2, 2 * QI + QRI
# A query every 100 ms, for tests that ask whether the router is the querier.
BRISK = {"startup-query-interval": '"100ms"', "startup-query-count": "200"}
# What a busy machine may add to a time.
SLACK = 0.5

ROUTER, LOWER, HIGHER = 100, 5, 200


def long(test):
    """Marks a test that runs only with --long."""
    test.long = True
    return test


def interface(name, igmp=None, **keys):
    """Returns the table of an interface. `igmp` are IGMP's keys in addition to TIMES."""
    lines = ["[[interface]]", f'name = "{name}"']
    lines += [f"{key.replace('_', '-')} = {value}" for key, value in keys.items()]
    if igmp is not None:
        pairs = ", ".join(f"{key} = {value}" for key, value in {**TIMES, **igmp}.items())
        lines.append(f"igmp = {{ {pairs} }}")
    return "\n".join(lines) + "\n"


def proxy(upstream, *downstream, **keys):
    """Returns the table of an upstream; "_" stands for "-" in the names of its keys."""
    links = ", ".join(f'"{link}"' for link in downstream)
    lines = ["[[proxy]]", f'upstream = "{upstream}"', f"downstream = [{links}]"]
    lines += [f"{key.replace('_', '-')} = {value}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


class Switch:
    """An Ethernet switch with a network of its own, 10.N.0.0/24. It floods multicast, unless the
    options of its bridge say otherwise."""

    def __init__(self, lab, number, options="mcast_snooping 0"):
        self.number = number
        self._ports = itertools.count()
        self._host = lab.host(f"switch{number}")
        self.namespace = self._host.namespace
        _quiet(self._host)
        self._host.ip(f"link add lan type bridge {options}", "link set lan up")

    def attach(self, host, last, interface="eth0", gateway=None):
        """Links a host to the switch; `last` is the last octet of its address."""
        port = f"port{next(self._ports)}"
        ip(
            f"link add {port} netns {self._host.namespace} type veth"
            f" peer name {interface} netns {host.namespace}"
        )
        self._host.ip(f"link set {port} master lan", f"link set {port} up")
        address = f"10.{self.number}.0.{last}"
        host.ip(f"addr add {address}/24 dev {interface}", f"link set {interface} up")
        if gateway:
            host.ip(f"route add default via 10.{self.number}.0.{gateway}")
        if host.interface is None:
            host.interface, host.address = interface, address
        return port


def _quiet(host):
    """IPv6 would send packets of its own, and check addresses for a second."""
    try:
        with host.inside(), open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w") as file:
            file.write("1")
    except FileNotFoundError:
        pass


class Bed(unittest.TestCase):
    """`self.router` is the router, `self.sender` a host on its link src."""

    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.close)
        self.router = self.lab.router
        _quiet(self.router)
        self._numbers = itertools.count(1)
        self._markers = (f"239.255.{a}.{b}" for a in range(250) for b in range(1, 250))
        self._feeds = {}
        self.sender = self.link("src")
        self.source = self.sender.address
        self.senders = Wire(self.sender)

    # --- links and hosts

    def host(self, name):
        host = self.lab.host(name)
        _quiet(host)
        return host

    def link(self, name, host=None, last=11):
        """Adds a link with one host to the router, and returns the host: 10.N.0.11/24."""
        number = next(self._numbers)
        host = host or self.host(f"on-{name}")
        self.wire_up(name, host, number, last)
        return host

    def wire_up(self, name, host, number, last=11, index=""):
        """Creates a link between the router and a host's eth0."""
        ip(
            f"link add {name} netns {self.router.namespace} {index} type veth"
            f" peer name eth0 netns {host.namespace}"
        )
        self.router.ip(f"addr add 10.{number}.0.{ROUTER}/24 dev {name}", f"link set {name} up")
        host.ip(
            f"addr add 10.{number}.0.{last}/24 dev eth0",
            "link set eth0 up",
            f"route add default via 10.{number}.0.{ROUTER}",
        )
        host.interface, host.address = "eth0", f"10.{number}.0.{last}"

    def lan(self, name, *hosts, **options):
        """Adds a link with several hosts to the router: 10.N.0.11/24 and so on. Returns the
        switch, which may have options, then the hosts."""
        switch = Switch(self.lab, next(self._numbers), **options)
        switch.attach(self.router, ROUTER, name)
        made = [self.host(host) for host in hosts]
        for last, host in enumerate(made, 11):
            switch.attach(host, last, gateway=ROUTER)
        return switch, *made

    def other_router(self, switch, name, last):
        """Adds another router to a switch."""
        router = self.host(name)
        router.sysctl(ip_forward=1, conf__all__rp_filter=0, conf__default__rp_filter=0)
        switch.attach(router, last)
        return router

    # --- mgmd

    def start(self, *config, host=None, ready=True, **options):
        """Starts mgmd with these parts of a configuration, and waits until it is ready."""
        mgmd = Mgmd(host or self.router, "\n".join(config), **options)
        self.addCleanup(mgmd.close)
        if ready:
            mgmd.ready()
        return mgmd

    # --- streams

    def feed(self, group, source=None, wire=None):
        """Returns the stream of a source and a group."""
        wire, source = wire or self.senders, source or (wire or self.senders).host.address
        return self._feeds.setdefault((source, group), Feed(wire, group, source))

    def oifs(self, group, source=None):
        """Returns the interfaces to which a stream is forwarded, after sending a datagram."""
        feed = self.feed(group, source)

        def entry():
            return self.router.entries().get((feed.source, group))

        if not entry():
            feed.send_until(entry, f"an entry for ({feed.source}, {group})")
        return entry()[1]

    def joined(self, group, source=None, to="lan", timeout=3.0):
        """Waits until a stream is forwarded to a link."""
        until(lambda: to in self.oifs(group, source), f"{group} is forwarded to {to}", timeout)

    def ended(self, group, source=None, to="lan", timeout=3.0):
        """Waits until a stream is forwarded to a link no more."""
        until(lambda: to not in self.oifs(group, source), f"{group} leaves {to}", timeout)

    def settle(self, wire, to="lan", source=None):
        """Waits until the router has processed all that this wire has sent: packets of a link act
        in their order, and here comes one that shows."""
        marker = next(self._markers)
        wire.send(packets.report_of(TO_EX, marker), source=source)
        self.joined(marker, to=to)

    def not_joined(self, wire, group, source=None, to="lan"):
        """Checks that what this wire has sent does not forward a stream to its link."""
        self.settle(wire, to)
        self.assertNotIn(to, self.oifs(group, source), f"{group} is forwarded")


class OneHost(Bed):
    """One host on the link lan: `self.host_wire` speaks for it and for others there."""

    def setUp(self):
        super().setUp()
        self.receiver = self.link("lan")
        self.wire = Wire(self.receiver)
        self.net = self.receiver.address.rpartition(".")[0]
        self.lower, self.own, self.higher = (
            f"{self.net}.{last}" for last in (LOWER, ROUTER, HIGHER)
        )

    def serve(self, igmp=None, *others, **options):
        """Starts mgmd with IGMP on lan, and waits for its first query."""
        self.mgmd = self.start(interface("src"), interface("lan", igmp or {}), *others, **options)
        self.wire.query("0.0.0.0")
        return self.mgmd

    def member(self, group, *sources):
        return Member(self.receiver, group, *sources)
