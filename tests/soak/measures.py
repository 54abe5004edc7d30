"""What is compared from phase to phase: the counters of the MFEs, and what mgmd needs."""

import time

# After the streams stop, the last packets are counted within this time on an idle machine.
COUNTED = 2.0

# What mgmd may grow by after the warm-up. Its state is bounded: 8 flows, 4 links with at most 8
# groups each, 2 clients. Each phase makes some 20 changes, so a leak of 200 bytes a change is 4 KiB
# a phase, and passes the limit within a run of half an hour (some 250 phases). Below the limit is
# what allocators keep back: each thread has an arena, and a burst of work may touch pages of it that
# no earlier burst has needed.
GROWTH = 1 << 20
# The first part of the run, which is not judged, and the least number of phases that it has.
WARM, WARM_PHASES = 0.25, 2


def flows(mgmd):
    """Returns each MFE that mgmd has, by source and group."""
    answer = mgmd.get("/v1/flows?limit=1000")
    return {(flow["source"], flow["group"]): flow for flow in answer["flows"]}


class Counters:
    """Compares what MFEs have counted between two pauses of the streams with what was sent. An MFE
    counts if it is older than the first pause. Packets that the MFE has dropped are counted too:
    those that arrived on a wrong interface."""

    def __init__(self):
        self.faults, self.compared = [], 0
        self._before = None  # (time, what was sent, MFEs)

    def compare(self, mgmd, sent, ledger):
        """Reads the counters; nothing may be sent meanwhile."""
        began = time.time()
        while True:
            now, found = time.time(), flows(mgmd)
            wrong = list(self._wrong(now, sent, found))
            if not wrong or now - began > COUNTED + ledger.between(began, now):
                break
            time.sleep(0.05)
        self.faults += wrong
        if self._before:
            self.compared += len(list(self._lived(now, found)))
        self._before = now, sent, found

    def _lived(self, now, found):
        when, _, before = self._before
        for key, flow in found.items():
            if key in before and now - flow["up_ms"] / 1000 < when:
                yield key, before[key], flow

    def _wrong(self, now, sent, found):
        if not self._before:
            return
        for (source, group), before, after in self._lived(now, found):
            counted = sum(
                after[key] - before[key] for key in ("packets", "wrong_interface_packets")
            )
            expected = sent[group] - self._before[1][group]
            if counted != expected:
                yield f"counter: the MFE of ({source}, {group}) counted {counted} of {expected} packets"


class Needs:
    """The memory and the descriptors of mgmd at the ends of the phases."""

    def __init__(self, began, seconds):
        self._warm = began + WARM * seconds
        self._first, self._later = [], []

    def note(self, needs):
        warm = time.time() < self._warm or len(self._first) < WARM_PHASES
        (self._first if warm else self._later).append(needs)

    def faults(self):
        """Returns what is wrong."""
        if not self._later:
            return ["memory: the run was too short to judge what mgmd needs"]
        (memory, descriptors), (memory_after, descriptors_after) = self._ends()
        found = []
        if memory_after - memory > GROWTH:
            found.append(f"memory: mgmd has grown from {memory >> 10} to {memory_after >> 10} KiB")
        if descriptors_after > descriptors:
            found.append(f"descriptors: {descriptors} after the warm-up, {descriptors_after} at the end")
        return found

    def _ends(self):
        """Returns the most of the warm-up, and the least of the last phases: memory that is given
        back is no leak."""
        last = self._later[-max(1, len(self._later) // 10) :]
        return tuple(map(max, zip(*self._first))), tuple(map(min, zip(*last)))

    def __str__(self):
        if not self._later:
            return "not judged"
        (memory, descriptors), (memory_after, descriptors_after) = self._ends()
        return (
            f"{memory >> 10} KiB and {descriptors} descriptors after the warm-up,"
            f" {memory_after >> 10} KiB and {descriptors_after} at the end"
        )
