"""Floods of forged reports and of new flows: nobody's stream is lost, and the memory stays bounded."""

import threading
import time

import packets
from bed import SLACK, Bed, OneHost, interface, long
from case import kernel_only
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


class NewFlows(OneHost):
    """A static route sends each flow of the sender to lan, as far as new-flows permits it."""

    LIMIT, FLOWS = 5, 60

    def tables(self, **keys):
        net = self.source.rpartition(".")[0]
        route = '[[route]]\nfrom = "src"\nsource = "%s.0/24"\ngroup = "239.84.0.0/16"\nto = ["lan"]\n'
        return [interface("src", **keys), interface("lan", {}), route % net]

    def outgoing(self):
        """Returns the outgoing interfaces of each flow."""
        entries = self.router.entries().items()
        return [oifs for (_, group), (_, oifs) in entries if group.startswith("239.84.1.")]

    @kernel_only("it remembers refused flows")
    def test_new_flows_are_limited_and_others_go_on(self):
        mgmd = self.start(*self.tables(new_flows=self.LIMIT))
        member = Member(self.receiver, "239.84.0.1")
        self.joined(member.group)
        with Stream(self.feed(member.group), 0.005):
            member.expect()
            time.sleep(1)  # so that the limit permits its whole burst
            began = time.monotonic()
            flows = [self.feed(f"239.84.1.{n}") for n in range(1, self.FLOWS + 1)]
            for feed in flows:
                feed.send()
            # A refused flow has an entry without outgoing interfaces.
            until(lambda: len(self.outgoing()) == self.FLOWS, "an entry of each flow")
            # mgmd joins a flow of a route a moment after its entry is there.
            until(lambda: self.outgoing().count({"lan"}) >= self.LIMIT, "the permitted flows")
            seconds = time.monotonic() - began
            forwarded = self.outgoing().count({"lan"})
            self.assertLessEqual(forwarded, self.LIMIT * (1 + seconds) + 1)
            self.assertEqual(self.outgoing().count(set()), self.FLOWS - forwarded)
            words = "refusing new flows that arrive on src",
            line = mgmd.logs(*words)
            self.assertIn("new-flows of the interface", line)
            self.assertIn("mgmctl flows", line)

            # Without the limit, all are forwarded. On a busy machine, the library drops flows whose
            # senders do not go on.
            mgmd.reload("\n".join(self.tables()))

            def all_flow():
                for feed in flows:
                    feed.send()
                time.sleep(0.1)
                return self.outgoing().count({"lan"}) == self.FLOWS

            until(all_flow, "all flows are forwarded")
            self.assertEqual(mgmd.lines(*words), [line], "one line a minute")
        self.assertEqual(member.gaps(), ([], []))
