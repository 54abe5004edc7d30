"""What the routers are put through."""

import pathlib
import socket
import statistics
import subprocess
import tempfile
import time

import bpf
import daemons
from lab import Lab, setns, until

SOURCE = "10.1.0.100"
GROUP = "239.1.0.0"
# Groups that one socket may join: the kernel bounds the memory that it takes for them.
SOCKET_GROUPS = 500
# Groups that hosts join in a second before a burst. mgmd accepts no more from a link (I76).
JOINS_A_SECOND = 1000
# After so long without a packet that is sent on the first pass is over.
SILENCE = 1.5


class Scene:
    """A source's link, a router's, a receiver's. The receiver joins groups. A link of `more` leads to
    another host, the flooder."""

    def __init__(self, router, groups, more=()):
        self.lab = Lab()
        self.router = None
        try:
            self.source, self.receiver = self.lab.host("source"), self.lab.host("receiver")
            self.lab.link(self.source, "to-source")
            self.lab.link(self.receiver, "to-receiver")
            self.receiver.sysctl(igmp_max_memberships=1_000_000)
            for link in more:
                self.flooder = self.lab.host("flooder")
                self.lab.link(self.flooder, link)
            links = ["to-source", "to-receiver", *more]
            options = {"rendezvous": "10.1.0.1", "groups": f"{GROUP}/16"}
            self.router = router(self.lab.router, links, **options)
            self.groups = [socket.inet_ntoa(group_bytes(i)) for i in range(groups)]
            self.tools = tempfile.TemporaryDirectory()
            for program in ("burst", "probe"):
                source = daemons.NETNS / f"{program}.c"
                daemons.compile_c(program, [source], pathlib.Path(self.tools.name))
        except BaseException:
            self.close()
            raise

    def join(self, rate=None):
        """All groups, by ordinary sockets of the receiver's: at once, or this many a second."""
        address = socket.inet_aton(self.receiver.address)
        for i, group in enumerate(self.groups):
            if i % SOCKET_GROUPS == 0:
                if rate and i:
                    time.sleep(SOCKET_GROUPS / rate)
                member = self.receiver.socket(socket.AF_INET, socket.SOCK_DGRAM)
            member.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + address
            )

    def wait_for_members(self):
        """Until the router knows them all, as far as it tells, and is idle."""
        if self.router.knows() is not None:
            until(
                lambda: self.router.knows() >= len(self.groups) or time.sleep(0.2),
                f"{self.router.name} knows {len(self.groups)} groups",
                60,
            )
        else:
            time.sleep(self.router.patience)
        before = -1
        while self.router.processor_time() - before > 0.02:
            before = self.router.processor_time()
            time.sleep(0.5)

    def forwarded(self):
        """Packets that the router has sent on. The ebpf forwarder has no VIFs: all packets that
        the link has sent, of which a few are IGMP queries."""
        if isinstance(self.router, daemons.MgmEbpf):
            lines = (line.partition(":") for line in self.lab.router.read("dev"))
            sent = {name.strip(): int(numbers.split()[9]) for name, _, numbers in lines if numbers}
            return sent["to-receiver"]
        vifs = {line.split()[1]: line.split()[5] for line in self.lab.router.read("ip_mr_vif")}
        return int(vifs[self.router.first_out or "to-receiver"])

    def send(self, sources, rate=0, rounds=1):
        """Starts the burst, and returns its process."""
        words = ["eth0", SOURCE, sources, GROUP, len(self.groups), rate, rounds]
        return self.start(self.source, "burst", *words)

    def start(self, host, program, *words):
        """Starts a program of tests/netns, on a host or on this machine, and returns its process."""
        words = [pathlib.Path(self.tools.name) / program, *words]
        return subprocess.Popen(
            [str(word) for word in words],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: host and setns(host.descriptor),
        )

    def installed(self):
        """Flows that the kernel forwards. By netlink: with 100,000 entries /proc takes
        three times as long."""
        if isinstance(self.router, daemons.MgmEbpf):
            with self.lab.router.inside():
                return len(bpf.iifs())
        lines = self.lab.router.ip("mroute show").splitlines()
        return sum("Oifs:" in line and not line.startswith("(0.0.0.0,") for line in lines)

    def flowing(self):
        """Flows that the kernel forwards to the receiver. By /proc: with few entries it
        takes less than a process."""
        if isinstance(self.router, daemons.MgmEbpf):
            with self.lab.router.inside():
                entries = bpf.entries()
        else:
            entries = self.lab.router.entries()
        return sum(
            source != "0.0.0.0" and "to-receiver" in oifs
            for (source, _), (_, oifs) in entries.items()
        )

    def close(self):
        if self.router:
            self.router.close()
        self.lab.close()


def group_bytes(number):
    first = int.from_bytes(socket.inet_aton(GROUP), "big")
    return (first + number).to_bytes(4, "big")


class Burst:
    """One datagram for each of so many new flows, as fast as they are carried or at a
    rate."""

    def __init__(self, name, title, sources, groups, rate=0):
        self.name, self.title = name, title
        self.sources, self.groups, self.rate = sources, groups, rate
        self.flows = sources * groups
        # At a rate it is the sender that decides about the time.
        self.most_turns = 1 if rate else None

    def suits(self, router):
        return True

    def run(self, router):
        scene = Scene(router, self.groups)
        try:
            scene.join(JOINS_A_SECOND)
            scene.wait_for_members()
            memory, work = scene.router.memory(), scene.router.processor_time()
            came = scene.forwarded()
            sender = scene.send(self.sources, self.rate)
            last, count, ended = time.monotonic(), came, None
            # What is queued in the kernel goes out when its flow is installed.
            while time.monotonic() < last + SILENCE or sender.poll() is None:
                now = scene.forwarded()
                if now > count:
                    last, count = time.monotonic(), now
                if count - came >= self.flows and ended is None:
                    ended = time.monotonic()
                time.sleep(0.002)
            begin, end = (int(word) / 1e9 for word in sender.communicate()[0].split())
            work = scene.router.processor_time() - work
            result = {
                "installed": scene.installed(),
                "seconds": (ended or last) - begin,
                "sending": end - begin,
                "processor": work,
                "memory": scene.router.memory() - memory,
            }
            if hasattr(scene.router, "status"):
                result["lost"] = scene.router.status()["counters"]["upcalls"]["lost"]
            return result
        finally:
            scene.close()


class Flood:
    """New flows of one link, while as many flows as there can be, which nobody wants, arrive on
    another one. The time is the median of those from the first packet of a flow to its arrival."""

    name = "flood"
    title = "300 new flows, one after the other, during a flood of 1,000,000 on another link"
    flows = 300
    pause = 2000  # microseconds between two of them
    flood = ("239.2.0.0", 100, 10_000)
    all_flows = 1_000_300
    most_turns = None

    def suits(self, router):
        # The kernel's list of unresolved flows would take hours. The others have no third link.
        return router is daemons.MgmEbpf

    def run(self, router):
        scene = Scene(router, self.flows, ["to-flooder"])
        flood = None
        try:
            scene.join(JOINS_A_SECOND)
            scene.wait_for_members()
            memory, work = scene.router.memory(), scene.router.processor_time()
            first, sources, groups = self.flood
            words = ["eth0", "10.3.0.100", sources, first, groups]
            flood = scene.start(scene.flooder, "burst", *words)
            time.sleep(0.1)
            source, receiver = scene.source.namespace, scene.receiver.namespace
            words = [source, SOURCE, receiver, GROUP, self.flows, self.pause]
            words.append(scene.router.processes[0].pid)
            lines = scene.start(None, "probe", *words).communicate()[0].splitlines()
            times = sorted(int(line.split()[0]) / 1e6 for line in lines)
            flood.wait()
            return {
                "installed": len(times),
                "seconds": statistics.median(times),
                "longest": times[-1],
                "late": statistics.median(int(line.split()[2]) / 1e6 for line in lines),
                "processor": scene.router.processor_time() - work,
                "memory": scene.router.memory() - memory,
                "lost": scene.router.status()["counters"]["upcalls"]["lost"],
            }
        finally:
            if flood:
                flood.kill()
                flood.communicate()
            scene.close()


class JoinAndFlow:
    """Streams that nobody wants yet, then somebody who wants all of them at once:
    the time until the last one flows."""

    name = "join"
    title = "join of 1,000 running streams (20,000/s)"
    flows = 1000
    rate = 20_000
    most_turns = 1

    def suits(self, router):
        return router not in (daemons.Loop, daemons.LoopNewest, daemons.Smcroute)  # no IGMP

    def run(self, router):
        scene = Scene(router, self.flows)
        sender = None
        try:
            time.sleep(scene.router.patience)
            sender = scene.send(1, self.rate, rounds=10_000)
            time.sleep(2)
            memory, work = scene.router.memory(), scene.router.processor_time()
            begin = time.monotonic()
            scene.join()
            count = 0
            while count < self.flows and time.monotonic() < begin + 30:
                time.sleep(0.005)
                count = scene.flowing()
            return {
                "installed": count,
                "seconds": time.monotonic() - begin,
                "processor": scene.router.processor_time() - work,
                "memory": scene.router.memory() - memory,
            }
        finally:
            if sender:
                sender.kill()
                sender.communicate()
            scene.close()


ROWS = [
    Burst("1000", "1,000 groups in a burst", 1, 1000),
    Burst("10000", "10,000 groups in a burst", 1, 10_000),
    Burst("10x1000", "10 sources × 1,000 groups in a burst", 10, 1000),
    Burst("100x1000", "100 sources × 1,000 groups in a burst", 100, 1000),
    Flood(),
    Burst("paced", "100 sources × 1,000 groups at 20,000/s", 100, 1000, 20_000),
    JoinAndFlow(),
]
