"""Floods of forged reports: nobody's stream is lost, and the memory stays bounded."""

import threading
import time

import packets
from bed import SLACK, Bed, interface, long
from lab import until
from members import Member
from packets import TO_EX, record, v3_report
from wire import Wire
from wires import Stream

GROUPS = [f"239.83.0.{n}" for n in range(1, 11)]
RECORDS = 100


def forged(count):
    """Yields frames with reports of new groups by forged hosts, 100 groups in each."""
    for number in range(count):
        groups = (f"230.{number >> 8 & 255}.{number & 255}.{n}" for n in range(1, RECORDS + 1))
        report = v3_report(*(record(TO_EX, group) for group in groups))
        yield packets.frame(packets.datagram(report, f"10.2.0.{20 + number % 200}"))


class Flood(Bed):
    def flood(self, seconds, rate):
        """Floods with this many forged joins a second while members have streams."""
        switch, host, forger = self.lan("lan", "host", "forger")
        wire, forging = Wire(host), Wire(forger)
        mgmd = self.start(interface("src"), interface("lan", {}), level="warn")
        wire.query("0.0.0.0")
        members = [Member(host, group) for group in GROUPS]
        for group in GROUPS:
            self.joined(group)
        before = mgmd.memory()
        frames = list(forged(4000))
        done = threading.Event()

        def send():
            at, began = 0, time.monotonic()
            while not done.is_set():
                due = int((time.monotonic() - began) * rate / RECORDS)
                forging.send_frames(frames[n % len(frames)] for n in range(at, due))
                at = max(at, due)
                time.sleep(0.002)
            sent.append(at * RECORDS)

        sent = []
        thread = threading.Thread(target=send)
        streams = [Stream(self.feed(group), 0.02) for group in GROUPS]
        thread.start()
        try:
            time.sleep(seconds)
        finally:
            done.set()
            thread.join()
        for stream in streams:
            stream.stop()
        self.assertGreater(sent[0], 0.8 * rate * seconds)
        for group, member in zip(GROUPS, members):
            last = self.feed(group).sent - 1
            until(lambda: member.numbers()[-1] == last, f"the last datagram of {group}")
            self.assertEqual(member.gaps(), ([], []), group)
        self.assertLess(mgmd.memory() - before, 16 << 20)
        for words in (("max-groups",), ("faster than",)):
            self.assertLessEqual(len(mgmd.lines(*words)), 1 + seconds // 60, words)
        self.assertTrue(mgmd.lines("max-groups") or mgmd.lines("faster than"))
        return mgmd

    @long
    def test_t83_flood_new_groups(self):
        self.flood(30, 100_000)

    def test_i76_a_short_flood(self):
        self.flood(8 + SLACK, 20_000)
