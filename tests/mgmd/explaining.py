"""What mgmd explains about a flow while its packets arrive."""

import struct
import subprocess
import urllib.parse

import packets
from daemon import Mgmd
from feed import Feed
from lab import setns, until
from wires import Stream

# How long mgmd listens, in milliseconds.
LISTEN = 700
# How often a test sends a packet, in seconds.
PERIOD = 0.01

FORWARDED, NOT_FORWARDED = 0, 4


class LongFeed(Feed):
    """Datagrams of this length, with the bit DF or without it."""

    def __init__(self, wire, group, length, unfragmentable=True, **options):
        super().__init__(wire, group, **options)
        self._length, self._unfragmentable = length, unfragmentable

    def packet(self):
        short = super().packet()
        flags = 0x4000 if self._unfragmentable else 0
        header = bytearray(short[:20])
        header[2:4] = struct.pack("!H", self._length)
        header[6:8] = struct.pack("!H", flags)
        header[10:12] = b"\0\0"
        header[10:12] = struct.pack("!H", packets.checksum(bytes(header)))
        udp = struct.pack("!HHHH", 5000, 5000, self._length - 20, 0)
        return (bytes(header) + udp).ljust(self._length, b"\0")


class Explaining:
    """For a test with `self.mgmd`: asks mgmd about a flow."""

    def explain(self, source, group, listen=LISTEN, **more):
        """Returns the answer of the control socket."""
        query = {"source": source, "group": group, "listen_ms": listen, **more}
        return self.mgmd.get(f"/v1/explain?{urllib.parse.urlencode(query)}")

    def with_stream(self, feed, **more):
        """Returns the answer about a flow while its packets arrive."""
        with Stream(feed, PERIOD):
            until(lambda: feed.sent > 3, "some packets")
            return self.explain(feed.source, feed.group, **more)

    def expect(self, answer, reason, interface, *words):
        """Checks a verdict: the words are in its text or in its advice."""
        verdict = answer["verdict"]
        self.assertEqual((verdict["reason"], verdict["interface"]), (reason, interface), verdict)
        self.assertFalse(verdict["forwarded"])
        said = f"{verdict['text']}\n{verdict['advice'] or ''}"
        for word in words:
            self.assertIn(word, said)

    def flows(self, answer, *interfaces):
        """Checks that packets are forwarded to these interfaces, and that they were seen there."""
        verdict = answer["verdict"]
        self.assertTrue(verdict["forwarded"], verdict)
        out = [exit for exit in answer["outgoing"] if exit["verdict"]["forwarded"]]
        self.assertEqual([exit["interface"] for exit in out], list(interfaces))
        for exit in out:
            self.assertGreater(exit["seen_leaving"], 0, exit)

    def exit(self, answer, interface):
        """Returns what an answer says about an outgoing interface."""
        (found,) = (exit for exit in answer["outgoing"] if exit["interface"] == interface)
        return found

    def wanted(self, answer, interface):
        """Returns who wants the flow on an interface."""
        return [want["by"] for want in self.exit(answer, interface)["wanted_by"]]

    def router_command(self, *arguments):
        """Runs a command of mgmctl that must succeed, and returns its output."""
        status, text = self.mgmctl(*arguments, command=())
        self.assertEqual(status, 0)
        return text

    def mgmctl(self, *arguments, command=("explain",)):
        """Runs `mgmctl explain` or another command, and returns its status and its output."""
        command = [Mgmd.build.mgmctl, "--socket", self.mgmd.control(), *command, *arguments]
        done = subprocess.run(
            command,
            preexec_fn=lambda: setns(self.router.descriptor),
            capture_output=True,
            text=True,
            timeout=20,
        )
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout
