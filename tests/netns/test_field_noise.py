"""Public reports about packets without a receiver: refused flows, and local traffic of a LAN."""

import time

from case import GROUP, NetnsTest
from lab import until
from wires import Flows, flood, unresolved

SSDP = "239.255.255.250"


class Refused(NetnsTest):
    """Flows of sources without a route."""

    def setUp(self):
        super().setUp()
        self.source, self.receiver = self.hosts("source", "receiver")
        self.daemon = self.router()
        self.daemon.protocol("A", 200, "to-source", "to-receiver")
        self.daemon.must("join A * * to-receiver")

    def counters(self):
        return self.daemon.ask("status")["status"]["counters"]

    def test_they_do_not_hold_up_a_flow_that_is_wanted(self):
        """troglobit/smcroute#66, torvalds/linux#324: they fill the kernel's unresolved queue."""
        flows = Flows(self.receiver)
        # 50 flows, each ten times a second.
        with flood(self.source, "192.0.2.1", 50, GROUP, 1, 500, 100):
            until(lambda: self.counters()["refused_packets"]["no_upstream"] >= 50, "the refusals")
            until(lambda: unresolved(self.lab.router) <= 5, "an entry in the kernel for each")
            time.sleep(1)
            self.assertLessEqual(unresolved(self.lab.router), 5)
            # The kernel causes one upcall for each flow, not for each packet.
            self.assertLess(self.counters()["upcalls"]["no_cache"], 100)
            self.source.emitter(GROUP).send(3)
            until(lambda: flows.seen.count((self.source.address, GROUP)) == 3, "all of it")
        self.assertEqual([mfe["source"] for mfe in self.daemon.mfes()], [self.source.address])
        self.assertEqual(set(flows.seen), {(self.source.address, GROUP)})

    def test_log_stays_quiet(self):
        """troglobit/mrouted#33, #40: a log line for each packet of a source without a route."""
        emitters = [self.source.emitter(SSDP, spoof=f"192.0.2.{n}") for n in range(1, 21)]
        for _ in range(50):
            for emitter in emitters:
                emitter.send()
            time.sleep(0.02)
        until(lambda: self.counters()["refused_packets"]["no_upstream"] >= 20, "the refusals")
        self.assertLessEqual(len(self.daemon.log.items), 20, self.daemon.log.items)
        self.assertEqual(self.counters()["install_errors"], 0)


class Chatter(NetnsTest):
    def test_ssdp_of_the_lan_does_not_leave_it(self):
        """pali/igmpproxy#26, #54: 20 hosts of the LAN, and a boundary towards iptv."""
        iptv, lan = self.hosts("iptv", "lan")
        daemon = self.router()
        daemon.protocol("A", 200, "to-iptv", "to-lan")
        daemon.must("boundary to-iptv 239.255.0.0 255.255.0.0", "join A * * to-iptv")
        wire, lan_wire = iptv.tap(SSDP), lan.tap(SSDP)
        sources = [f"10.2.0.{n}" for n in range(10, 30)]
        for source in sources:
            lan.emitter(SSDP, spoof=source).send(3)
        until(lambda: len(daemon.mfes()) == 20, "the MFEs")
        inward = daemon.index("to-lan")
        self.assertEqual({(mfe["in"], len(mfe["outs"])) for mfe in daemon.mfes()}, {(inward, 0)})
        self.assertEqual(wire.count, 0)

        # Packets from the provider's network are not forwarded either.
        daemon.must(f"join A * {SSDP} to-lan")
        lan_wire.silent(iptv.emitter(SSDP))
        self.assertEqual({mfe["source"] for mfe in daemon.mfes()}, set(sources))
