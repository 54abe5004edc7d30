"""A flood of flows that nobody wants, on one interface of an ebpf router."""

import re
import select
import socket
import statistics
import subprocess
import time
import unittest

from case import NetnsTest
from lab import ETH_P_IP, setns, until
from router import Router
from test_ebpf import is_there

# A million flows: 100 neighbours of the flooding host, each sends to 10,000 groups.
SOURCES, GROUPS = 100, 10_000
FIRST_GROUP = "239.7.0.0"
# The flows that count: a group each.
WANTED = 40
# Seconds: until the first packet of a new flow has come through while the flood lasts. The receiver
# is a program, too, and other tests run beside this one: as long as without the flood, some times.
WITHIN, SLACK = 0.01, 5
# So many flows the router may have, and so much memory may they take: kilobytes.
MOST_FLOWS, MOST_MEMORY = 100_000, 120_000


class Probe:
    """Sends the first packet of a new flow, and waits until it has come through."""

    def __init__(self, source, receiver):
        self.source, self.number = source, 0
        self.socket = receiver.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        with receiver.inside():
            self.socket.bind((receiver.interface, ETH_P_IP))
        self.socket.setblocking(False)

    def seconds(self, emitters):
        """The time that each of these flows takes."""
        return [self._one(emitter) for emitter in emitters]

    def _one(self, emitter):
        group = socket.inet_aton(emitter.group)
        begin = time.monotonic()
        emitter.send(1)
        while time.monotonic() < begin + 5:
            select.select([self.socket], [], [], 0.1)
            try:
                packet = self.socket.recv(2048)
            except BlockingIOError:
                continue
            if packet[16:20] == group:
                return time.monotonic() - begin
        raise AssertionError(f"the first packet to {emitter.group} has not come through")


@unittest.skipUnless(is_there(), "no eBPF in this kernel")
class Floods(NetnsTest):
    # spec 0.9
    def test_d125_a_flood_on_one_interface_delays_no_flow_of_another(self):
        flooder, source, receiver = self.hosts("flooder", "source", "receiver")
        router = self.router(forwarder="ebpf", MGM_MAX_FLOWS=str(MOST_FLOWS))
        router.protocol("A", 200, "to-flooder", "to-source", "to-receiver")
        groups = [f"239.99.{half}.{n}" for half in (0, 1) for n in range(1, WANTED + 1)]
        router.must(*(f"join A * {group} to-receiver" for group in groups))
        emitters = [source.emitter(group) for group in groups]
        probe = Probe(source, receiver)
        calm = statistics.median(probe.seconds(emitters[:WANTED]))
        before = self.memory(router)

        flood = self.flood(flooder)
        time.sleep(0.2)
        slow = []
        for emitter in emitters[WANTED:]:
            if flood.poll() is not None:
                break
            slow += probe.seconds([emitter])
        flood.wait()
        self.assertGreater(len(slow), 5, "the flood has lasted")
        print(f"calm {calm * 1e3:.2f} ms, flood {[round(each * 1e3, 2) for each in slow]}")
        self.assertLess(statistics.median(slow), WITHIN + SLACK * calm)

        # Each packet of the flood has become an upcall, or is counted as lost.
        def told():
            counts = router.ask("status")["status"]["counters"]["upcalls"]
            return counts["no_cache"] + counts["lost"]

        everything = SOURCES * GROUPS + WANTED + len(slow)
        until(lambda: told() >= everything, f"{everything} told of, {told()} now", 30)
        self.assertEqual(told(), everything)
        self.assertLessEqual(len(router.mfes()), MOST_FLOWS)
        self.assertLess(self.memory(router) - before, MOST_MEMORY)

    def memory(self, router):
        """Kilobytes that are the router's own: what it shares with programs is of the kernel."""
        with open(f"/proc/{router.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"RssAnon:\s+(\d+)", file.read()).group(1))

    def flood(self, host):
        first = f"{host.address.rpartition('.')[0]}.100"
        words = [Router.build.directory / "burst", host.interface, first, SOURCES]
        return subprocess.Popen(
            [str(word) for word in (*words, FIRST_GROUP, GROUPS)],
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: setns(host.descriptor),
        )
