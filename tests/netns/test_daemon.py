"""The example daemon (examples/host_daemon): a router as a system service."""

import http.client
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import tempfile
import time

from case import GROUP, NetnsTest
from lab import until
from router import TREE, WITHOUT_PRIVILEGE

NOBODY = 65534
UNIT = TREE / "examples/host_daemon/host_daemon.service"
# Does what AmbientCapabilities and CapabilityBoundingSet of the unit do, without systemd.
CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13}
TWO_CAPABILITIES = shlex.split(
    "setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs"
    " --inh-caps=-all,+net_raw,+net_admin --ambient-caps=-all,+net_raw,+net_admin"
    " --bounding-set=-all,+net_raw,+net_admin --"
)


class Manager:
    """The socket of the service manager, to which the daemon reports."""

    def __init__(self, directory):
        self.path = f"{directory}/notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        os.chmod(self.path, 0o777)
        self._socket.settimeout(5)

    def expect(self, word):
        """Waits for a message that has this line, and returns the message."""
        while True:
            message = self._socket.recv(4096).decode().splitlines()
            if word in message:
                return message

    def hears_in_time(self, word, limit, times):
        """Waits for messages with this line, each within the limit, as the watchdog does."""
        last = time.monotonic()
        for _ in range(times):
            self.expect(word)
            now = time.monotonic()
            assert now - last < limit, f"{word} after {now - last:.3f} s"
            last = now

    def close(self):
        self._socket.close()


class Daemon(NetnsTest):
    def setUp(self):
        super().setUp()
        # As with systemd's RuntimeDirectory, the directory belongs to the daemon.
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="host-daemon-"))
        self.addCleanup(shutil.rmtree, self.runtime)
        os.chown(self.runtime, NOBODY, NOBODY)
        self.status = self.runtime / "status"
        self.manager = Manager(self.runtime)
        self.addCleanup(self.manager.close)
        self.source, self.receiver = self.hosts("source", "receiver")

    def daemon(self, *arguments, wrapper=TWO_CAPABILITIES, **environment):
        return self.router(
            wrapper=wrapper,
            program=(
                "host_daemon", "--status", str(self.status), *arguments, "to-source", "to-receiver"
            ),
            NOTIFY_SOCKET=self.manager.path,
            **environment,
        )

    def forwards(self):
        collector = self.receiver.collector(GROUP)
        emitter = self.source.emitter(GROUP)
        emitter.send_until(lambda: collector.count >= 3, "three datagrams at the receiver")

    def metrics(self):
        connection = http.client.HTTPConnection("mgm")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.status))
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()

    def threads(self, router):
        """Returns users and capabilities of each thread, from /proc."""
        for task in pathlib.Path(f"/proc/{router.process.pid}/task").iterdir():
            lines = (task / "status").read_text().splitlines()
            yield dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    # spec 2.7
    def test_lives_with_two_capabilities_and_never_as_root(self):
        router = self.daemon("--join", f"to-receiver={GROUP}")
        self.manager.expect("READY=1")

        allowed = sum(1 << bit for bit in CAPABILITIES.values())
        threads = list(self.threads(router))
        self.assertGreater(len(threads), 1)
        for thread in threads:
            self.assertEqual(set(thread["Uid"].split()), {str(NOBODY)}, thread["Name"])
            for kind in ("CapEff", "CapPrm", "CapBnd"):
                self.assertEqual(int(thread[kind], 16), allowed, (thread["Name"], kind))
        self.forwards()
        self.assertIn('mgm_forwarder_info{forwarder="kernel"} 1', self.metrics())
        self.assertEqual(self.status.stat().st_mode & 0o777, 0o600)

        self.assertEqual(router.close(), 0)
        self.manager.expect("STOPPING=1")
        self.assertFalse(self.status.exists(), "the socket goes with the daemon")
        self.assert_kernel_empty()

    # spec 2.7
    def test_started_as_root_no_thread_keeps_a_privilege(self):
        router = self.daemon("--user", "nobody", "--join", f"to-receiver={GROUP}", wrapper=())
        self.manager.expect("READY=1")

        threads = list(self.threads(router))
        self.assertGreater(len(threads), 1)
        for thread in threads:
            self.assertEqual(set(thread["Uid"].split()), {str(NOBODY)}, thread["Name"])
            for kind in ("CapEff", "CapPrm"):
                self.assertEqual(int(thread[kind], 16), 0, (thread["Name"], kind))
        self.forwards()
        self.assertIn("mgm_", self.metrics())

        self.assertEqual(router.close(), 0)
        self.assertFalse(self.status.exists())
        self.assert_kernel_empty()

    # spec 2.7
    def test_without_privilege_it_fails_and_says_what_it_needs(self):
        router = self.daemon(wrapper=WITHOUT_PRIVILEGE, JOURNAL_STREAM="8:1")

        line = router.logs("cap_net_raw")

        self.assertTrue(line.startswith("<4>") or line.startswith("<3>"), line)
        until(lambda: router.process.poll() is not None, "the end of the daemon")
        self.assertEqual(router.close(), 1)

    def test_log_has_priorities_for_the_journal_only(self):
        router = self.daemon(JOURNAL_STREAM="8:1", MGM_LOG="info")
        self.manager.expect("READY=1")
        router.logs("<6>routing between 2 interfaces")
        for line in router.log.items:
            self.assertRegex(line, "^<[3467]>")
        router.close()

        plain = self.daemon()
        self.manager.expect("READY=1")
        plain.logs("routing between 2 interfaces")
        for line in plain.log.items:
            self.assertNotRegex(line, "^<")

    def test_watchdog_hears_from_it(self):
        self.daemon(WATCHDOG_USEC="20000")
        self.manager.expect("READY=1")
        for _ in range(3):
            self.manager.expect("WATCHDOG=1")

    def test_watchdog_is_satisfied_while_interfaces_are_gone(self):
        router = self.daemon("--join", f"to-receiver={GROUP}", WATCHDOG_USEC="1000000")
        self.manager.expect("READY=1")
        self.forwards()

        for interface in ("to-source", "to-receiver"):
            self.lab.router.ip(f"link del {interface}")
            # Wait longer than the limit, so that the messages are not from before.
            self.manager.hears_in_time("WATCHDOG=1", limit=1.0, times=3)

        self.assertIsNone(router.process.poll())
        self.assertEqual(router.close(), 0)
        self.manager.expect("STOPPING=1")

    def test_unit_is_sound(self):
        """systemd itself checks the unit."""
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed (scripts/setup --heavy)")
        # It checks that the program exists.
        unit = self.runtime / "host_daemon.service"
        program = self.router(program=("host_daemon",)).build.directory / "host_daemon"
        text = UNIT.read_text()
        self.assertIn("/usr/local/sbin/host_daemon ", text)
        unit.write_text(text.replace("/usr/local/sbin/host_daemon ", f"{program} "))

        def analyze(*words):
            done = subprocess.run(
                ["systemd-analyze", *words, str(unit)], capture_output=True, text=True
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return done.stderr

        self.assertEqual(analyze("verify"), "")
        # The exposure may be at most 2.5 of 10.
        analyze("security", "--offline=true", "--threshold=25")

        for key in ("AmbientCapabilities", "CapabilityBoundingSet"):
            (line,) = [line for line in text.splitlines() if line.startswith(key + "=")]
            self.assertEqual(set(line.split("=")[1].split()), set(CAPABILITIES))
