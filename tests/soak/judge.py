"""Decides whether each link got the streams that it asked for, and no others.

All times are those of time.time(), because the kernel stamps the packets with that clock. The limits
are those of docs/igmp.md with the timers of the test bed, plus the delays by the machine itself, which
a `Ledger` records.
"""

import contextlib
import ctypes
import socket
import threading
import time

from bed import LMQT, QRI

# A join is served within a second; a client's membership ends as soon.
SERVED = 1.0
# After LMQT, or after a call, the router may need this long until the last packet has gone. On a busy
# machine, 0.35 s were seen while an interface was deleted.
GONE = 0.5
# A delay of a short sleep that is longer counts as a stall of the machine. So does a longer wait for the
# lock; shorter ones are common where programs change interfaces, and every limit has room for some.
STALL, LOCKED = 0.025, 0.2

# After a stall, what was delayed is done one after the other. This takes a part of the time of the stall.
CATCH_UP = 0.1

_libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    """A thread that does a short thing again and again, and notes when it took longer than `most`."""

    def __init__(self, spans, lock, act, most):
        self._spans, self._lock, self._act, self._most = spans, lock, act, most
        self._began = time.time()  # when the thread has last begun
        self.total = self.longest = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._ended.is_set():
            self._act()
            with self._lock:
                now = time.time()
                took = now - self._began
                if took > self._most:
                    self.total += took
                    self.longest = max(self.longest, took)
                self._spans += self.current(now)
                self._began = now

    def current(self, now):
        """Returns the span from its last beginning until now, if it is too long already."""
        return [(self._began, now)] if now - self._began > self._most else []

    def __str__(self):
        return f"{self.total:.1f} s, at most {self.longest:.2f} s at once"

    def close(self):
        self._ended.set()
        self._thread.join()


class Ledger:
    """How long the machine stood still. Pauses of the streams are noted here too.

    Two things delay mgmd, and neither is its fault: it waits for a processor, and it waits for a lock
    of the kernel. All network namespaces share that lock (RTNL), and mgmd needs it for each entry. A
    test that deletes many namespaces may hold it for seconds. So one thread sleeps for 5 ms again and
    again, and another one takes this lock."""

    def __init__(self):
        self._spans, self._lock = [], threading.Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sleep = Watch(self._spans, self._lock, lambda: time.sleep(0.005), STALL)
        self.rtnl = Watch(self._spans, self._lock, self._take, LOCKED)

    def _take(self):
        """Takes the lock: leaves a group that the socket has never joined, which changes nothing.
        Not by Python's setsockopt, during which no other thread of Python runs."""
        group = socket.inet_aton("239.0.0.1") + socket.inet_aton("127.0.0.1")
        level, option = socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP
        _libc.setsockopt(self._socket.fileno(), level, option, group, len(group))
        time.sleep(0.005)

    def note(self, begin, end):
        """Notes a pause of the streams. Forgets what is too old for any limit."""
        with self._lock:
            self._spans.append((begin, end))
            del self._spans[:-10_000]

    def between(self, begin, end):
        """Returns for how much of this time the machine stood still."""
        found = 0.0
        with self._lock:
            # The other threads may wake up before those that measure.
            now = time.time()
            reached = begin  # spans that overlap count once
            recent = [span for span in self._spans if span[1] > begin]
            for first, last in sorted(recent + self.sleep.current(now) + self.rtnl.current(now)):
                found += max(0.0, min(last, end) - max(first, reached))
                reached = max(reached, last)
        return found

    def close(self):
        self.sleep.close()
        self.rtnl.close()
        self._socket.close()


class Pair:
    """A link and a group: who wants it, and since when each flow has to come."""

    def __init__(self):
        self.holders = set()
        self.allowed = 0.0  # without holders: a packet may come until then
        self.since = {}  # holder: when it has asked, or its link has come back


class Judge:
    """`begin` and `end` are called just before and just after what a holder does."""

    def __init__(self, ledger, links, flows):
        self._ledger, self._flows = ledger, flows  # flows: group to source
        self._pairs = {(link, group): Pair() for link in links for group in flows}
        self._seen = {}  # (link, group): the time of the last packet
        self._down, self._unserved = set(), set()  # links that are down; links without IGMP
        self._moved = dict.fromkeys(flows, 0.0)
        self._back = dict.fromkeys(links, 0.0)
        self._lock = threading.Lock()
        self._resting = False
        self.faults = []
        self.packets = self.joins = 0
        self.slowest = self.used = 0.0

    # --- what the bed does

    def begin(self, link, group, holder):
        """A holder asks now. If its link has just come back, mgmd may not hear a host's report, but
        hears the answer to the first query."""
        with self._lock:
            pair = self._pairs[link, group]
            if not pair.holders:
                self._seen.pop((link, group), None)
            pair.holders.add(holder)
            first = self._back[link] + QRI if holder == "host" else 0.0
            pair.since[holder] = max(time.time(), first)
            self.joins += 1

    def end(self, link, group, holder):
        """A holder has left: a host must be asked (LMQT), a client need not."""
        with self._lock:
            pair = self._pairs[link, group]
            pair.holders.discard(holder)
            pair.since.pop(holder, None)
            wait = LMQT if holder == "host" else SERVED
            pair.allowed = max(pair.allowed, time.time() + wait + GONE)

    def away(self, link, down):
        """A link goes down, or is no longer configured: nothing has to come there."""
        with self._lock:
            (self._down if down else self._unserved).add(link)

    def back(self, link, down):
        """A link is back. Its hosts answer the first query within QRI."""
        with self._lock:
            (self._down if down else self._unserved).discard(link)
            self._back[link] = time.time()
            for (where, _), pair in self._pairs.items():
                if where == link:
                    for holder in pair.holders:
                        pair.since[holder] = time.time() + (QRI if holder == "host" else 0.0)

    def moved(self, groups):
        with self._lock:
            self._moved.update(dict.fromkeys(groups, time.time()))

    @contextlib.contextmanager
    def rest(self):
        """Inside the block nothing is sent, so nothing can be missing."""
        begin = time.time()
        self._resting = True
        yield
        self._ledger.note(begin, time.time())
        self._resting = False

    # --- what arrives

    def saw(self, link, source, group, when):
        with self._lock:
            self.packets += 1
            pair = self._pairs.get((link, group))
            if pair is None or self._flows[group] != source:
                self._fault(f"stray: ({source}, {group}) on {link}, which is no flow of this test")
                return
            before, self._seen[link, group] = self._seen.get((link, group)), when
            if pair.holders:
                if before is None:
                    self.slowest = max(self.slowest, when - min(pair.since.values()))
                return
            late = when - pair.allowed
            if late > 0 and late > self._extended(late, pair.allowed, when):
                self._fault(f"stray: {group} on {link} {late:.2f} s after the time of its leave")

    def check(self, now):
        """Everything that arrived before `now` has been seen."""
        if self._resting:
            return
        with self._lock:
            for (link, group), pair in self._pairs.items():
                due = self._due(link, group, pair)
                if due is None:
                    continue
                last = max(due, self._seen.get((link, group), 0.0))
                late = now - last - SERVED
                if late > 0 and late > self._extended(late, last, now):
                    self._fault(
                        f"unserved: {group} on {link}, wanted by {', '.join(sorted(pair.holders))},"
                        f" for {now - last:.2f} s"
                    )
                    self._seen[link, group] = now  # so that it is told once a second

    def _due(self, link, group, pair):
        """Returns since when packets have to come, or None."""
        if not pair.holders or link in self._down:
            return None
        holders = [
            holder for holder in pair.holders if holder != "host" or link not in self._unserved
        ]
        if not holders:
            return None
        return max(min(pair.since[holder] for holder in holders), self._moved[group])

    def _extended(self, late, begin, end):
        """Returns by how much stalls extend a limit that has passed."""
        stalled = self._ledger.between(begin, end) * (1 + CATCH_UP)
        if late <= stalled:
            self.used = max(self.used, late)
        return stalled

    def _fault(self, text):
        if len(self.faults) < 200:
            self.faults.append((time.time(), text))
