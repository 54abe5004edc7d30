"""pimd and FRR's pimd as Debian ships them, with their own rendezvous point, beside other daemons, as
clients of mgmd (docs/daemons.md)."""

import re
import time

import daemons
import packages
from bed import long
from lab import ip, until
from test_daemons import GROUP, Base
from unmodified import pimd, smcroute

# pimd looks for members every 5 s, and ignores a flow for the 10 s after an upcall in vain.
PATIENCE = 90

# What lies behind mgm0 is to be directly connected to it.
PIMD = """
phyint {own} enable
phyint mgm0 enable altnet {others}
rp-address {rendezvous} 224.0.0.0/4
"""
UPSTREAM = PIMD.format(own="eth0", others="10.2.0.0/24", rendezvous="10.1.0.1")
DOWNSTREAM = PIMD.format(own="eth1", others="10.1.0.0/24", rendezvous="10.2.0.1")


class Beside(Base):
    """The source is at eth0, receivers are at eth1."""

    def setUp(self):
        if not packages.program("usr/sbin/pimd").exists():
            self.skipTest("Debian's packages cannot be had")
        super().setUp()

    def arrives(self, collector, says=None, count=200):
        """The stream arrives once pimd knows its members, and, if it `says` so, has its entry. Then
        nothing is lost, and nothing comes twice."""

        def has_begun():
            leaves = self.entry() and self.entry()[1]
            return collector.count > 0 and leaves and (says is None or has_added(says))

        def has_added(started):
            return any("Added kernel MFC" in line and GROUP in line for line in list(started.log.items))

        self.source.emitter(GROUP).send_until(has_begun, "the stream", PATIENCE)
        time.sleep(0.3)
        emitter = self.flows(collector, count)
        self.assertEqual(self.entry(), ("eth0", {"eth1"}))
        return emitter

    def smcroute(self, mgmd, upstream, downstream, joins=""):
        config = f"phyint {upstream} enable\nphyint {downstream} enable\n{joins}"
        config += f"mroute from {upstream} group {GROUP} to {downstream}\n"
        return self.start(smcroute, config, mgmd=mgmd)


class Pimd(Beside):
    """pimd and another daemon."""

    def ends(self, emitter):
        """No host at eth1 receives the stream any longer."""

        def ended():
            emitter.send()
            return self.entry() in (None, ("eth0", set()))

        until(ended, "eth1 is no oif", PATIENCE)
        self.receiver.tap(GROUP).falls_silent(emitter, patience=1)

    def daemon(self, mgmd, config, *served):
        started = self.start(pimd, config, mgmd=mgmd)
        self.served(*served)
        return started

    @long
    def test_pimd_alone(self):
        mgmd = self.mgmd()
        config = "phyint eth0 enable\nphyint eth1 enable\nrp-address 10.2.0.1 224.0.0.0/4\n"
        started = self.daemon(mgmd, config, "eth0", "eth1")
        self.arrives(self.receiver.collector(GROUP), started)

    @long
    def test_pimd_then_smcroute(self):
        mgmd = self.mgmd()
        started = self.daemon(mgmd, UPSTREAM, "eth0")
        self.smcroute(mgmd, "mgm0", "eth1", f"mgroup from mgm0 group {GROUP}\n")
        self.served("eth0", "eth1")
        # It hears the group on mgm0, and lets the stream go there.
        heard = lambda line: "accept_group_report" in line and GROUP in line  # noqa: E731
        started.log.wait(heard, "a report on mgm0", 20)
        self.arrives(self.receiver.collector(GROUP), started)
        added = [line for line in started.log.items if "Added kernel MFC" in line]
        self.assertTrue(added and all("from eth0" in line for line in added), added)

    @long
    def test_pimd_then_igmpproxy(self):
        mgmd = self.mgmd()
        started = self.daemon(mgmd, UPSTREAM, "eth0")
        proxy = self.proxy(mgmd)
        self.served("eth0", "eth1")
        collector = self.receiver.collector(GROUP)
        emitter = self.arrives(collector)
        collector.leave()
        self.ends(emitter)
        self.assertTrue(started.alive() and proxy.alive())

    @long
    def test_smcroute_then_pimd(self):
        mgmd = self.mgmd()
        static = self.smcroute(mgmd, "eth0", "mgm0")
        self.served("eth0")
        started = self.daemon(mgmd, DOWNSTREAM, "eth0", "eth1")
        collector = self.receiver.collector(GROUP)
        emitter = self.arrives(collector, started)
        collector.leave()
        self.ends(emitter)
        self.assertTrue(static.alive() and started.alive())

    @long
    def test_igmpproxy_then_pimd(self):
        mgmd = self.mgmd()
        self.proxy(mgmd, upstream="eth0", downstream="mgm0", disabled="eth1")
        self.served("eth0")
        started = self.daemon(mgmd, DOWNSTREAM, "eth0", "eth1")
        self.arrives(self.receiver.collector(GROUP), started)
        started.kill()
        until(lambda: "eth1" not in self.router.vifs().values(), "eth1 is free", 1)

    def second(self, rendezvous):
        """Starts another pimd, which uses the kernel, on the host at eth1. Returns a host behind it."""
        peer, behind = self.receiver, self.lab.host("behind")
        link = f"link add stub netns {peer.namespace} type veth peer name eth0"
        ip(f"{link} netns {behind.namespace}")
        peer.sysctl(ip_forward=1, conf__all__rp_filter=0, conf__stub__rp_filter=0)
        peer.ip("addr add 10.100.0.1/24 dev stub", "link set stub up")
        behind.ip("addr add 10.100.0.2/24 dev eth0", "link set eth0 up")
        behind.interface, behind.address = "eth0", "10.100.0.2"
        config = f"phyint {peer.interface} enable\nphyint stub enable\n"
        config += f"rp-address {rendezvous} 224.0.0.0/4\n"
        self.addCleanup(pimd(peer, config).close)
        return behind

    @long
    def test_a_second_router_of_pim(self):
        # smcroute and pimd on one router, and behind it another pimd.
        mgmd = self.mgmd()
        self.smcroute(mgmd, "eth0", "mgm0")
        started = self.daemon(mgmd, DOWNSTREAM, "eth0", "eth1")
        self.arrives(self.second("10.2.0.1").collector(GROUP), started)

    @long
    def test_d138_a_rendezvous_point_on_another_router(self):
        # It learns of the source by PIM registers, and then asks for it.
        mgmd = self.mgmd()
        self.smcroute(mgmd, "eth0", "mgm0")
        config = DOWNSTREAM.replace("rp-address 10.2.0.1", "rp-address 10.2.0.2")
        started = self.daemon(mgmd, config, "eth0", "eth1")
        self.arrives(self.second("10.2.0.2").collector(GROUP), started)


class FrrPimd(daemons.Frr):
    """FRR's pimd as a client, with zebra as it is."""

    def __init__(self, mgmd, host, links, **options):
        self.launcher = (mgmd.build.mgm_run,)
        self.environment = {**packages.environment(), "MGM_ROUTER": str(mgmd.directory / "router")}
        super().__init__(host, links, **options)

    def vifs(self):
        return {*self.host.vifs().values(), "mgm0"}


class Frr(Beside):
    """FRR's pimd, and another daemon behind it."""

    def frr(self, mgmd, *links):
        started = FrrPimd(mgmd, self.router, links, rendezvous="10.1.0.1")
        self.addCleanup(started.close)
        return started

    def counts(self, frr, collector):
        """FRR shows as many packets as are sent, be it for (S,G) or (*,G)."""
        emitter, before = self.arrives(collector), self.shown(frr)
        emitter.send(100)
        until(lambda: self.shown(frr)[0] - before[0] >= 100, "100 packets")
        packets, octets, wrong = (now - then for now, then in zip(self.shown(frr), before))
        self.assertEqual((packets, octets, wrong), (100, 100 * 32, 0))

    def shown(self, frr):
        """Returns the counters of all entries of the group: packets, octets, on a wrong interface."""
        shown = frr.say("show ip mroute count")
        rows = re.findall(rf"{GROUP} +\S+ +(\d+) +(\d+) +(\d+)", shown)
        self.assertTrue(rows, shown)
        return [sum(map(int, column)) for column in zip(*rows)]

    @long
    def test_frr_alone(self):
        self.counts(self.frr(self.mgmd(), "eth0", "eth1"), self.receiver.collector(GROUP))

    @long
    def test_frr_then_smcroute(self):
        mgmd = self.mgmd()
        frr = self.frr(mgmd, "eth0", "mgm0")
        self.smcroute(mgmd, "mgm0", "eth1", f"mgroup from mgm0 group {GROUP}\n")
        self.served("eth0", "eth1")
        until(lambda: frr.knows(), "FRR hears the group on mgm0", 20)
        self.counts(frr, self.receiver.collector(GROUP))

    @long
    def test_frr_then_igmpproxy(self):
        mgmd = self.mgmd()
        frr = self.frr(mgmd, "eth0", "mgm0")
        self.proxy(mgmd)
        self.served("eth0", "eth1")
        collector = self.receiver.collector(GROUP)
        until(lambda: frr.knows(), "FRR hears the group on mgm0", 30)
        self.counts(frr, collector)

    @long
    def test_smcroute_then_frr_with_a_static_route(self):
        # FRR asks its members in vain: it takes no source on mgm0 for connected. A static route needs none.
        mgmd = self.mgmd()
        self.smcroute(mgmd, "eth0", "mgm0")
        self.served("eth0")
        frr = FrrPimd(mgmd, self.router, ("eth1", "mgm0"), rendezvous="10.2.0.1")
        self.addCleanup(frr.close)
        frr.configure("interface mgm0", f"ip mroute eth1 {GROUP} {self.source.address}")
        self.served("eth0", "eth1")
        self.counts(frr, self.receiver.collector(GROUP))

    @long
    def test_frr_then_pimd(self):
        # Two routers of PIM, each of which wants everything.
        mgmd = self.mgmd()
        frr = self.frr(mgmd, "eth0", "mgm0")
        self.served("eth0")
        started = self.start(pimd, DOWNSTREAM, mgmd=mgmd)
        self.served("eth0", "eth1")
        collector = self.receiver.collector(GROUP)
        self.arrives(collector, started)
        self.assertTrue(frr.alive() and started.alive())
