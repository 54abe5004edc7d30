"""Nothing is lost while a routing protocol in a process of its own is replaced, or mgmd reads its
configuration again: with packets at 10,000 a second."""

import ctypes
import pathlib
import signal
import socket
import struct
import subprocess
import time

from bed import Bed, interface
from daemon import Mgmd
from lab import ETH_P_IP, setns
from members import Member
from router import ALREADY_EXISTS, Router
from wire import Wire

NETNS = pathlib.Path(__file__).resolve().parent.parent / "netns"
GROUP, OTHER = "239.98.0.1", "239.98.0.2"
RATE, SECONDS = 10_000, 6
SOL_PACKET, PACKET_STATISTICS, SO_ATTACH_FILTER = 263, 6, 26


class Counter:
    """The kernel counts the datagrams of a group that arrive at a host, also those for which the
    socket has no room."""

    def __init__(self, host, group):
        words = struct.unpack("!I", socket.inet_aton(group))[0]
        # Loads the protocol and the destination; keeps UDP datagrams of the group.
        code = [
            (0x30, 0, 0, 9), (0x15, 0, 3, socket.IPPROTO_UDP),
            (0x20, 0, 0, 16), (0x15, 0, 1, words), (0x06, 0, 0, 64), (0x06, 0, 0, 0),
        ]
        program = b"".join(struct.pack("HBBI", *line) for line in code)
        self._program = bytearray(program)
        self._total = 0
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._program))
        self._socket.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(code), address)
        )
        with host.inside():
            self._socket.bind((host.interface, ETH_P_IP))

    @property
    def count(self):
        """Returns how many have arrived since the Counter was made."""
        packets, _ = struct.unpack(
            "II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        )
        self._total += packets  # reading resets the kernel's counter
        return self._total

    def close(self):
        self._socket.close()


class Upgrade(Bed):
    def setUp(self):
        super().setUp()
        self.receiver = self.link("lan")
        self.wire = Wire(self.receiver)
        Mgmd.build.program("burst", NETNS / "burst.c")
        Mgmd.build.program("client", NETNS / "client.c")
        Router.build = Mgmd.build
        self.mgmd = self.start(interface("src"), interface("lan", {}))
        self.wire.query("0.0.0.0")

    def protocol(self, grace, takes=True):
        """Starts a process of a protocol that takes both interfaces and wants the group on lan."""
        process = Router(
            self.router, MGM_ROUTER=str(self.mgmd.directory / "router"), MGM_GRACE=str(grace)
        )
        self.addCleanup(process.close)
        process.must("register A 300 1")
        if takes:
            process.must("take A src", "take A lan", f"join A * {GROUP} lan")
        return process

    def stream(self, group, during):
        """Sends a stream to the receiver, and calls `during` when a second of it has passed.
        Returns how many packets were sent, and how many were lost."""
        self.joined(group)
        counter = Counter(self.receiver, group)
        self.addCleanup(counter.close)
        words = [
            Mgmd.build.directory / "burst", self.sender.interface, self.source, 1, group, 1,
            RATE, RATE * SECONDS,
        ]
        before = counter.count
        burst = subprocess.Popen(
            [str(word) for word in words],
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: setns(self.sender.descriptor),
        )
        self.addCleanup(burst.wait)
        self.addCleanup(burst.kill)
        time.sleep(1.0)
        during()
        self.assertIsNone(burst.poll(), "the stream goes on while it is done")
        self.assertEqual(burst.wait(60), 0)
        sent = RATE * SECONDS
        deadline = time.monotonic() + 2.0
        while counter.count - before < sent and time.monotonic() < deadline:
            time.sleep(0.05)
        return sent, sent - (counter.count - before)

    def test_a_protocol_is_replaced_without_a_packet_lost(self):
        """[mgm 9.8]: killed, and replaced by a new process of the same ids, twice in one stream."""
        first = self.protocol(60)
        self.addCleanup(Member(self.receiver, OTHER).close)
        first.hears("LOCAL_JOIN", group=OTHER)

        def replace():
            nonlocal first
            for _ in range(2):
                first.process.send_signal(signal.SIGKILL)
                first.process.wait()
                time.sleep(0.5)
                second = self.protocol(60, takes=False)
                self.assertEqual(second.do("take A src"), 0)
                self.assertEqual(second.do("take A lan"), 0)
                second.hears("LOCAL_JOIN", group=OTHER)
                second.must(f"join A * {GROUP} lan", "done A")
                first = second

        sent, lost = self.stream(GROUP, replace)
        self.assertEqual(lost, 0, f"of {sent}")
        self.assertIn("lan", self.oifs(OTHER), "the members of IGMP stay")
        first.must("leave A * " + GROUP + " lan")
        self.ended(GROUP)

    def test_without_grace_packets_are_lost(self):
        """[mgm 9.8]: shows that the tests notice a loss."""
        first = self.protocol(0)

        def replace():
            first.kill()
            time.sleep(0.5)
            self.protocol(0)

        sent, lost = self.stream(GROUP, replace)
        self.assertGreater(lost, RATE // 10, f"of {sent}")

    def test_the_rest_goes_when_the_successor_is_done(self):
        """[mgm 9.8]: other protocols are refused, and get nothing meanwhile."""
        first = self.protocol(60)
        self.joined(GROUP)
        first.kill()
        other = Router(self.router, MGM_ROUTER=str(self.mgmd.directory / "router"))
        self.addCleanup(other.close)
        other.must("register B 301 1")
        self.assertEqual(other.do("take B lan"), ALREADY_EXISTS)
        self.assertIn("lan", self.oifs(GROUP))
        second = self.protocol(60, takes=False)
        second.must("take A src", "take A lan", "done A")
        self.ended(GROUP)

    def test_a_reload_loses_no_packet(self):
        """[mgm 9.8]: with a protocol's membership, and with a member of IGMP, each in a stream of its own."""
        self.protocol(0)
        self.addCleanup(Member(self.receiver, OTHER).close)
        self.link("more")
        same = interface("src"), interface("lan", {})

        def reload():
            for tables in (same, (*same, interface("more", {})), same):
                self.mgmd.write("\n".join(tables))
                done = subprocess.run(
                    [Mgmd.build.mgmctl, "--socket", str(self.mgmd.control()), "reload"],
                    capture_output=True, text=True, check=False,
                )
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                time.sleep(0.5)

        for group in (GROUP, OTHER):
            sent, lost = self.stream(group, reload)
            self.assertEqual(lost, 0, f"of {sent} to {group}")
