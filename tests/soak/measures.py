"""What is compared from phase to phase: the counters of MFEs, mgmd's memory and its descriptors."""

import time

# After the streams stop, the last packets are counted within this time on an idle machine.
COUNTED = 2.0
# A request that mgmd has refused is repeated if the machine stood still for so long meanwhile.
PATIENCE = 3.0

# By how much the memory of mgmd may grow after the warm-up. Its state is bounded: 8 flows, 4 links with
# at most 8 groups each, 2 clients. In half an hour, some 3,700 changes follow the warm-up, so a leak of
# 150 bytes a change exceeds the limit. The memory that allocators keep does not: in the six minutes
# after a warm-up, it was 136 KiB at most. In the first minute it is more, because some kinds of events
# happen for the first time. So a short run finds only larger leaks.
GROWTH, SHORT, GROWTH_SHORT = 512 << 10, 300, 1 << 20
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
            now, found = time.time(), self._flows(mgmd, ledger)
            wrong = list(self._wrong(now, sent, found))
            if not wrong or now - began > COUNTED + ledger.between(began, now):
                break
            time.sleep(0.05)
        self.faults += wrong
        if self._before:
            self.compared += len(list(self._lived(now, found)))
        self._before = now, sent, found

    def _flows(self, mgmd, ledger):
        """mgmd refuses a request after 5 s. This is no fault if the machine stood still so long."""
        while True:
            asked = time.time()
            try:
                return flows(mgmd)
            except AssertionError:
                if ledger.between(asked, time.time()) < PATIENCE:
                    raise

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
        self._most = GROWTH_SHORT if seconds < SHORT else GROWTH
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
        if memory_after - memory > self._most:
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
            f" {memory_after >> 10} KiB and {descriptors_after} at the end;"
            f" KiB in the course of the run: {' '.join(map(str, self._course()))}"
        )

    def _course(self, most=12):
        """Returns some samples of the memory, of the whole run."""
        samples = [memory >> 10 for memory, _ in self._first + self._later]
        return samples[:: -(-len(samples) // most)]
