"""A run of a router in which a system call fails, and what must be true nevertheless."""

import os
import time

from lab import Lab, until
from router import CAN_NOT_COMPLETE, NO_ERROR, Router

GROUP = "239.1.2.3"
FAR = "10.9.0.5"  # a source behind a gateway
PROTOCOL = 200
# If an upcall is lost, its packet stays in the kernel for this time, and later packets of the flow
# cause no upcall.
UNRESOLVED = 14.0


class Network:
    """A lab in which many runs take place, one after the other."""

    def __init__(self):
        self.lab = Lab()
        self.hosts = {}
        for name in ("source", "one", "two", "idle"):
            self.hosts[name] = self.lab.host(name)
            self.lab.link(self.hosts[name], f"to-{name}")
        self.near = self.hosts["source"].emitter(GROUP)
        self.far = self.hosts["source"].emitter(GROUP, spoof=FAR)
        self.detour = self.hosts["one"].emitter(GROUP, spoof=FAR)
        self.astray = self.hosts["one"].emitter(GROUP, spoof=self.hosts["source"].address)

    def close(self):
        self.lab.close()


class Run:
    """One run of a router in which at most `failing` calls fail. In a prompted run the client repeats
    its joins while packets are missing."""

    def __init__(self, network, failing, prompted, environment):
        self._network, self._failing, self._prompted = network, failing, prompted
        self._refused = 0
        self._host = network.lab.router
        self._host.ip(f"route replace 10.9.0.0/24 via {network.hosts['source'].address}")
        self.router = Router(self._host, **environment)
        self._taps = {name: network.hosts[name].tap(GROUP) for name in ("one", "two", "idle")}
        self._index = self._host.index("to-two")

    def close(self):
        for tap in self._taps.values():
            tap.close()
        try:
            self.router.close()
        finally:
            if not self._has_two():
                self._network.lab.relink("to-two", self._index)

    def _has_two(self):
        try:
            return bool(self._host.index("to-two"))
        except OSError:
            return False

    def go(self):
        router, ip = self.router, self._host.ip
        router.ask("owner to-two")  # the process runs, and has not started the library
        descriptors = self._descriptors()
        self._insist(f"register A {PROTOCOL} 1")
        for name in ("source", "one", "two", "idle"):
            self._insist(f"take A to-{name}")

        self._insist(f"join A * {GROUP} to-one")
        self._flows(self._network.near, "one")
        self._insist(f"join A * {GROUP} to-two")
        self._flows(self._network.near, "one", "two")
        self._insist(f"leave A * {GROUP} to-one")
        self._flows(self._network.near, "two")
        wrong = {"client": "A", "interface": router.index("to-one")}
        self._send_until(self._network.astray, lambda: router.heard("WRONG_IF", **wrong), "two")

        # The route moves from the source's link to that of "one".
        self._flows(self._network.far, "two")
        ip(f"route replace 10.9.0.0/24 via {self._network.hosts['one'].address}")
        detoured = lambda: self._in_by(FAR) == router.index("to-one")  # noqa: E731
        self._send_until(self._network.detour, detoured, "two")
        self._flows(self._network.detour, "two")

        # An interface disappears and returns.
        ip("link del to-two")
        until(lambda: all(not mfe["outs"] for mfe in router.mfes()), "the loss")
        self._settled()
        self._network.lab.relink("to-two", self._index)
        self._taps["two"].close()
        self._taps["two"] = self._network.hosts["two"].tap(GROUP)
        until(lambda: router.ask("owner to-two")["code"] == NO_ERROR, "the return")
        self._insist(f"join A * {GROUP} to-two")
        self._flows(self._network.near, "two")
        # The counter has packets of this entry, and no more than were sent. If an interface seemed to
        # be lost, the entry may have been deleted, and the next packet creates it again.
        near = self._network.near
        self._send_until(near, lambda: self._counted(near) > 0, "two")
        assert self._counted(near) <= near.sent

        self._insist("release A to-two")
        self._flows(self._network.near)
        self._insist("take A to-two")
        assert self._taps["idle"].count == 0, "a link that never joined got a packet"
        for name in ("source", "one", "two", "idle"):
            self._insist(f"release A to-{name}")
        self._insist("deregister A")
        until(lambda: (self._host.vifs(), self._host.entries()) == ({}, {}), "an empty kernel")
        self._insist("stop")
        until(lambda: self._descriptors() == descriptors, "the descriptors are closed")
        assert router.close() == 0

    def _descriptors(self):
        return sorted(os.listdir(f"/proc/{self.router.process.pid}/fd"))

    def _insist(self, command):
        """Repeats a command until it succeeds. Each refusal has the right code and a line in the log,
        and there are at most as many refusals as failing calls."""
        told = len(self.router.log.items)
        while (code := self.router.do(command)) != NO_ERROR:
            assert code == CAN_NOT_COMPLETE, f"{command}: {code}"
            until(lambda: len(self.router.log.items) > told, f"a line about {command}")
            told = len(self.router.log.items)
            self._refused += 1
            assert self._refused <= self._failing, f"{command} is refused too often"

    def _in_by(self, source):
        return next((m["in"] for m in self.router.mfes() if m["source"] == source), None)

    def _counted(self, emitter):
        source = self._network.hosts["source"].address
        return next((m["packets"] for m in self.router.mfes() if m["source"] == source), 0)

    def _flows(self, emitter, *names):
        """Checks that datagrams arrive on these links, and soon on no others."""
        before = {name: self._taps[name].count for name in names}
        self._send_until(
            emitter, lambda: all(self._taps[name].count > before[name] for name in names), *names
        )
        self._settled()
        others = [tap for name, tap in self._taps.items() if name not in names]
        before = [tap.count for tap in others]
        emitter.send(5)
        time.sleep(0.01)
        assert [tap.count for tap in others] == before, "packets on a link without a member"

    def _send_until(self, emitter, condition, *names):
        """Sends datagrams for these links until the condition holds."""

        def done():
            if self._prompted:
                for name in names:
                    self.router.do(f"join A * {GROUP} to-{name}")
            return condition()

        emitter.send_until(done, f"the flow to {names}", UNRESOLVED * max(1, self._failing))

    def _settled(self):
        """Waits until the kernel's entries agree with the library's MFEs."""

        def wanted():
            name = {self._host.index(f"to-{n}"): f"to-{n}" for n in self._network.hosts
                    if n != "two" or self._has_two()}
            return {
                (m["source"], m["group"]): (name[m["in"]], {name[o] for o in m["outs"]})
                for m in self.router.mfes()
            }

        until(lambda: self._host.entries() == wanted(), "the kernel's entries")
