"""One soak with one forwarder: phases of events, what is compared between them, and the outcome."""

import collections
import socket
import struct
import time

from daemon import Mgmd
from measures import Counters, Needs
from plan import GROUPS, LINKS, Plan
from router import Router
from build import Build, TREE
from testbed import Testbed

# So much of each kind of fault is printed.
TOLD = 5
# The memberships that a planted fault of memory adds in each phase.
MANY, FIRST_WISH = 10_000, 0xEF640000  # 239.100.0.0


class Soak:
    def __init__(self, options):
        self._options, self._seed, self._name = options, options.seed, options.forwarder
        self._plan = Plan(self._seed)
        self._counters = Counters()
        self._held, self._wishes = [], 0
        self._events = collections.Counter()
        self._course = []

    def say(self, *words):
        print(f"{self._name}:", *words, flush=True)

    def run(self):
        """Returns the exit status."""
        self._build()
        self.say(f"seed {self._seed}, {self._options.seconds} s")
        self._bed = Testbed(self._options.plant)
        try:
            self._phases()
        finally:
            for held in self._held:
                held.kill()
            self._bed.close()
        return self._tell()

    def _build(self):
        build = Mgmd.build = Router.build = Build()
        build.mgmd, build.mgmctl
        build.program("client", TREE / "tests/netns/client.c")

    def _phases(self):
        began = self._began = time.time()
        self._needs = Needs(began, self._options.seconds)
        self._end_of_phase()
        while time.time() - began < self._options.seconds:
            for event in self._plan.phase():
                told = time.strftime("%H:%M:%S", time.gmtime()), f"{time.time() - began:.2f}"
                self._course.append(" ".join((*told, event.kind, *map(str, event.arguments))))
                if self._options.trace:
                    self.say(self._course[-1])
                self._bed.do(event)
                self._events[event.kind] += 1
                self._alive()
            self._end_of_phase()

    def _alive(self):
        bed = self._bed
        assert bed.mgmd.alive(), f"seed {self._seed}: mgmd has ended: {bed.mgmd.log.items[-20:]}"
        for thread in (bed.streams, bed.collector):
            if thread.error:
                raise thread.error

    def _end_of_phase(self):
        bed = self._bed
        self._plant()
        with bed.judge.rest(), bed.streams.paused():
            self._counters.compare(bed.mgmd, bed.streams.sent(), bed.ledger)
            self._needs.note(bed.needs())

    def _plant(self):
        """Makes a fault of a kind that is not made in testbed.py."""
        bed, plant = self._bed, self._options.plant
        if plant == "counter":
            bed.streams.miscount(GROUPS[2])
        if plant == "descriptors":
            # A client that never ends.
            self._hold(bed).must(f"register A {400 + len(self._held)} 1")
        if plant == "memory":
            self._wish(bed)

    def _hold(self, bed):
        self._held.append(bed.process())
        return self._held[-1]

    def _wish(self, bed):
        """A client wants more groups in each phase, on a link without hosts."""
        if not self._held:
            bed.router.ip("link add spare type veth peer name other", "link set spare up")
            self._hold(bed).must("register A 400 1", "take A spare")
        for _ in range(MANY):
            self._wishes += 1
            group = socket.inet_ntoa(struct.pack("!I", FIRST_WISH + self._wishes))
            self._held[0].say(f"join A * {group} spare")
        self._held[0].must("owner spare")  # answered after the joins

    def _keep(self, faults):
        """Writes the events, what mgmd said, and all faults to a file: a fault that needs a busy
        machine may not come again with the same seed."""
        file = TREE / f"build/soak-{self._name}.log"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join((*self._course, *self._bed.mgmd.log.items, *faults)) + "\n")
        self.say(f"{file} has the events, the log of mgmd and all faults")

    def _tell(self):
        bed, judge, ledger = self._bed, self._bed.judge, self._bed.ledger
        errors = [line for line in bed.mgmd.log.items if " error: " in line]
        faults = [f"{text} (at {when - self._began:.1f} s)" for when, text in judge.faults]
        faults += self._counters.faults
        faults += self._needs.faults() + [f"log: {line}" for line in errors]
        self.say("events:", ", ".join(f"{kind} {n}" for kind, n in sorted(self._events.items())))
        self.say(
            f"{judge.packets} packets on the links, {judge.joins} joins,"
            f" the slowest served after {judge.slowest:.2f} s;"
            f" {self._counters.compared} counters of MFEs compared"
        )
        self.say("mgmd:", self._needs)
        self.say(
            f"the machine stood still: {ledger.sleep}; a lock of the kernel was held: {ledger.rtnl};"
            f" a limit was extended by at most {judge.used:.2f} s"
        )
        if faults:
            self._keep(faults)
        kinds = collections.Counter()
        if self._options.trace:
            for line in bed.mgmd.log.items:
                self.say("log:", line)
        for text in faults:
            kind = text.split(":")[0]
            kinds[kind] += 1
            if kinds[kind] <= TOLD:
                self.say("FAULT", text)
        told = ", ".join(f"{kind} {n}" for kind, n in kinds.items())
        self.say(f"FAILED with seed {self._seed}: {told}" if faults else "nothing wrong")
        return 1 if faults else 0
