"""Streams that cross MGM's router and somebody else's, either way round."""

import unittest

import bpf
import daemons
from lab import Lab, ip, until

GROUP = "239.1.2.3"
# Querying, electing and joining take other people's timers.
PATIENCE = 60
COUNT = 20


class Interop(unittest.TestCase):
    """source - router - router - receiver. The lab's router is MGM's."""

    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.close)
        self.source, self.peer, self.receiver = map(self.lab.host, ("source", "peer", "receiver"))
        self.peer.sysctl(ip_forward=1, conf__all__rp_filter=0, conf__default__rp_filter=0)

    def wire(self, host, interface):
        """Wires a host to the peer, as Lab.link does to the router."""
        ip(
            f"link add {interface} netns {self.peer.namespace} type veth"
            f" peer name eth0 netns {host.namespace}"
        )
        self.peer.ip(f"addr add 10.100.0.1/24 dev {interface}", f"link set {interface} up")
        host.ip("addr add 10.100.0.2/24 dev eth0", "link set eth0 up")
        host.ip("route add default via 10.100.0.1")
        host.interface, host.address = "eth0", "10.100.0.2"

    def start(self, daemon, host, *links, **options):
        started = daemon(host, links, **options)
        self.addCleanup(started.close)
        return started

    def mgm_first(self, peer, **options):
        """Starts both routers, the receiver behind the peer; the stream must cross."""
        self.lab.link(self.source, "to-source")
        self.lab.link(self.peer, "to-peer")
        self.wire(self.receiver, "to-receiver")
        self.start(daemons.Mgm, self.lab.router, "to-source", "to-peer")
        self.start(peer, self.peer, "eth0", "to-receiver", **options)
        self.crosses(self.receiver.collector(GROUP), ("to-source", "to-peer"))

    def mgm_second(self, peer, **options):
        """Starts both routers, the source behind the peer; the stream must cross."""
        self.wire(self.source, "to-source")
        self.lab.link(self.peer, "to-peer")
        self.lab.link(self.receiver, "to-receiver")
        self.lab.router.ip(f"route add 10.100.0.0/24 via {self.peer.address}")
        self.start(peer, self.peer, "to-source", "eth0", **options)
        self.start(daemons.Mgm, self.lab.router, "to-peer", "to-receiver")
        # The protocol has no neighbours to ask for the stream: the router's host joins the group.
        self.lab.router.address = "10.1.0.1"
        self.lab.router.collector(GROUP)
        self.crosses(self.receiver.collector(GROUP), ("to-peer", "to-receiver"))

    def crosses(self, collector, links):
        emitter = self.source.emitter(GROUP)
        emitter.send_until(lambda: collector.count > 0, "the stream", PATIENCE)
        # All that is sent from now on comes, once and in order.
        first = emitter.sent
        emitter.send(COUNT)
        wanted = list(range(first, first + COUNT))
        until(lambda: collector.count and collector.numbers[-1] == wanted[-1], "the last one")
        self.assertEqual([n for n in collector.numbers if n >= first], wanted)
        # MGM's part is a flow of its own, not a static entry of somebody's.
        inward, outward = links
        flow = (self.source.address, GROUP)
        self.assertEqual(self.lab.router.entries()[flow], (inward, {outward}))
        self.assertIn(flow[1], {group for _, group in self.peer.entries()})

    def test_mgm_then_igmpproxy(self):
        self.mgm_first(daemons.Igmpproxy)

    def test_mgm_then_smcroute(self):
        self.mgm_first(daemons.Smcroute, groups=GROUP, joins=GROUP)

    def test_mgm_then_frr(self):
        # A rendezvous point on the very link needs no neighbour that speaks PIM.
        self.mgm_first(daemons.Frr, rendezvous="10.2.0.1", joins=GROUP)

    def test_smcroute_then_mgm(self):
        self.mgm_second(daemons.Smcroute, groups=GROUP)

    def test_frr_then_mgm(self):
        self.mgm_second(daemons.Frr, rendezvous="10.100.0.1")

    def test_pimd_then_mgm(self):
        self.mgm_second(daemons.Pimd, rendezvous="10.100.0.1")


class Beside(unittest.TestCase):
    """FRR's pimd, which owns the kernel's multicast routing, and mgmd with the ebpf forwarder on one
    machine. Each has a source and a receiver on interfaces of its own."""

    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.close)
        self.emitters, self.collectors = {}, {}
        for daemon in ("frr", "mgm"):
            source, receiver = self.lab.host(f"{daemon}-source"), self.lab.host(f"{daemon}-receiver")
            self.lab.link(source, f"{daemon}-in")
            self.lab.link(receiver, f"{daemon}-out")
            self.emitters[daemon] = source.emitter(GROUP)
            self.collectors[daemon] = receiver.collector(GROUP)

    def served(self):
        """The interfaces where mgmd's programs are attached."""
        with self.lab.router.inside():
            return set(bpf.interfaces())

    def crosses_once(self, daemon):
        """Checks that the stream of a daemon comes to its receiver once, and to no other."""
        emitter, collector = self.emitters[daemon], self.collectors[daemon]
        arrived = collector.count
        emitter.send_until(lambda: collector.count > arrived, f"the stream of {daemon}", PATIENCE)
        others = {name: other.count for name, other in self.collectors.items() if name != daemon}
        first = emitter.sent
        emitter.send(COUNT)
        wanted = list(range(first, first + COUNT))
        until(lambda: collector.count and collector.numbers[-1] == wanted[-1], "the last one")
        self.assertEqual([n for n in collector.numbers[arrived:] if n >= first], wanted)
        for name, count in others.items():
            self.assertEqual(self.collectors[name].count, count, f"at the receiver of {name}")

    @unittest.skipIf(bpf.why_not(), bpf.why_not())
    def test_each_daemon_forwards_its_own_streams(self):
        # A rendezvous point of its own needs no neighbour that speaks PIM.
        frr = daemons.Frr(self.lab.router, ("frr-in", "frr-out"), rendezvous="10.1.0.1")
        self.addCleanup(frr.close)
        mgm = daemons.MgmEbpf(self.lab.router, ("mgm-in", "mgm-out"))
        self.addCleanup(mgm.close)
        for daemon in ("frr", "mgm", "frr"):
            self.crosses_once(daemon)

        # FRR gets an interface of mgmd, too, and releases it again.
        frr.configure("interface mgm-out", "ip pim")
        until(lambda: self.served() == {"mgm-in"}, "mgmd leaves the interface to FRR")
        until(lambda: "mgm-out (index" in mgm.log() and "another multicast" in mgm.log(), "the log")
        self.crosses_once("frr")
        frr.configure("interface mgm-out", "no ip pim")
        until(lambda: self.served() == {"mgm-in", "mgm-out"}, "mgmd takes it again")
        self.crosses_once("mgm")
