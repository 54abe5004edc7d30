"""A flood of flows that nobody wants, on one interface: it costs little memory, what is lost is
counted, and the new flows of another interface come through meanwhile."""

import re
import statistics
import subprocess
import time

import bpf
import lab
from case import NetnsTest
from lab import setns, until
from router import Router

# Each of so many neighbours of the flooding host sends to so many groups: a million flows. The
# kernel searches its list of unresolved flows for each packet, so a million would take it minutes.
SOURCES, GROUPS = (100, 10_000) if lab.FORWARDER == "ebpf" else (20, 1000)
FLOOD = SOURCES * GROUPS
FIRST_UNWANTED = "239.7.0.0"
# New flows of another host, a group each.
WANTED = 100
FIRST_WANTED = "239.99.0."
PAUSE = 5000  # microseconds between two of them
# So many flows may the router have. The flood gets half of them.
MOST_FLOWS = 100_000
# Megabytes that are the router's own: flows, upcalls and first packets that wait, and what the
# allocator keeps. A flood without a bound would take some 300 bytes for each flow.
MOST_MEMORY = 150
# Seconds until the first packet of a new flow has come through. It takes some milliseconds
# (benches/peers has a row), but here other programs run beside the router.
MOST_DELAY = 1.0


class Floods(NetnsTest):
    def setUp(self):
        super().setUp()
        self.flooder, self.source, self.receiver = self.hosts("flooder", "source", "receiver")
        self.daemon = self.router(MGM_MAX_FLOWS=str(MOST_FLOWS))
        self.daemon.protocol("A", 200, "to-flooder", "to-source", "to-receiver")
        groups = (f"{FIRST_WANTED}{n}" for n in range(1, WANTED + 1))
        self.daemon.must("mute A", *(f"join A * {group} to-receiver" for group in groups))

    def spawn(self, words, host=None):
        return subprocess.Popen(
            [str(word) for word in words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: host and setns(host.descriptor),
        )

    def flood(self):
        """Starts the flood, as fast as the link carries it."""
        first = f"{self.flooder.address.rpartition('.')[0]}.100"
        program = Router.build.directory / "burst"
        words = [program, self.flooder.interface, first, SOURCES, FIRST_UNWANTED, GROUPS]
        return self.spawn(words, self.flooder)

    def probe(self):
        """Sends the first packets of the wanted flows, one after the other. Fails unless each comes
        through. Returns the seconds that each has taken, and how many packets were sent."""
        source, receiver = self.source, self.receiver
        words = [Router.build.directory / "probe", source.namespace, source.address]
        words += [receiver.namespace, f"{FIRST_WANTED}1", WANTED, PAUSE, self.daemon.process.pid]
        probe = self.spawn(words)
        output, errors = probe.communicate(timeout=120)
        self.assertEqual((probe.returncode, errors), (0, ""))
        numbers = [[int(word) for word in line.split()] for line in output.splitlines()]
        self.assertEqual(len(numbers), WANTED)
        return [micros / 1e6 for micros, *_ in numbers], sum(sent for _, sent, *_ in numbers)

    def memory(self):
        """Megabytes that are the router's own: what it shares with programs is of the kernel."""
        with open(f"/proc/{self.daemon.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"RssAnon:\s+(\d+)", file.read()).group(1)) / 1000

    def arrived(self):
        """Packets of the flood that have reached the router: its queue of packets drops others."""
        lines = (line.partition(":") for line in self.lab.router.read("dev"))
        received = {name.strip(): int(numbers.split()[1]) for name, _, numbers in lines if numbers}
        return received["to-flooder"]

    def upcalls(self):
        return self.daemon.ask("status")["status"]["counters"]["upcalls"]

    def wanted_entries(self):
        if lab.FORWARDER == "ebpf":
            with self.lab.router.inside():
                return bpf.iifs().count("to-source")
        return self.lab.router.ip("mroute show").count("Iif: to-source")

    # spec 0.9
    def test_d125_a_flood_on_one_interface_keeps_no_flow_of_another_back(self):
        memory, arrived = self.memory(), self.arrived()
        flood = self.flood()
        time.sleep(0.05)
        times, sent = self.probe()
        memory = max(self.memory() - memory, 0)
        flood.communicate(timeout=300)
        self.assertEqual(flood.returncode, 0)
        print(f"delays: median {statistics.median(times) * 1e3:.1f} ms, longest "
              f"{max(times) * 1e3:.1f} ms; memory: {memory:.0f} MB")
        self.assertEqual(self.wanted_entries(), WANTED)
        self.assertLess(memory, MOST_MEMORY)
        self.assertLess(statistics.median(times), MOST_DELAY)
        mfes = self.daemon.ask("status")["status"]["totals"]["mfes"]
        self.assertLessEqual(mfes, MOST_FLOWS // 2 + WANTED + 1)

        # Each packet that has reached the router has become an upcall, or is counted as lost.
        def told():
            counts = self.upcalls()
            return counts["no_cache"] + counts["lost"]

        arrived = self.arrived() - arrived
        self.assertGreater(arrived, FLOOD // 10, "it was a flood")
        if lab.FORWARDER == "ebpf":  # the kernel's list loses others, uncounted
            everything = arrived + WANTED
            until(lambda: told() >= everything or time.sleep(0.1), f"{everything} told of", 60)
            self.assertLessEqual(told(), arrived + sent)
        self.assertLess(self.memory(), MOST_MEMORY)
