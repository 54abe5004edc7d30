"""Runs the installed mgmd as its unit says, without systemd: user, group, capabilities, directories,
environment. Hosts in network namespaces send and receive. tests/deb/run starts this in the chroot.

    tests/deb/as_unit.py UNIT
"""

import grp
import os
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "netns"))
sys.dont_write_bytecode = True

from case import GROUP, NetnsTest  # noqa: E402
from lab import setns, until  # noqa: E402
from test_daemon import Manager  # noqa: E402

UNIT = pathlib.Path(sys.argv.pop())
# A user without a name, as systemd makes for DynamicUser=.
USER = 64123
CONFIGURATION = pathlib.Path("/etc/mgmd/mgmd.toml")
CONFIG = """
[[interface]]
name = "to-source"

[[interface]]
name = "to-receiver"
igmp = { version = 3 }
"""


def settings():
    """Returns the settings of the unit. Each is there once, except SystemCallFilter."""
    lines = [line for line in UNIT.read_text().splitlines() if line[:1].isalpha()]
    return dict(line.split("=", 1) for line in lines)


class AsUnit(NetnsTest):
    def setUp(self):
        super().setUp()
        self.unit = settings()
        self.source, self.receiver = self.hosts("source", "receiver")
        notify = pathlib.Path("/run/mgmd-notify")
        notify.mkdir(exist_ok=True)
        self.manager = Manager(notify)
        self.addCleanup(self.manager.close)
        self.addCleanup(lambda: pathlib.Path(self.manager.path).unlink())
        CONFIGURATION.write_text(CONFIG)

    def directory(self, path, mode):
        """Makes a directory as systemd does, and returns its path."""
        path.mkdir(exist_ok=True, parents=True)
        path.chmod(int(mode, 8))
        os.chown(path, USER, grp.getgrnam(self.unit["Group"]).gr_gid)
        return str(path)

    def as_service(self):
        """What runs a command with the user, group and capabilities of the unit."""
        unit = self.unit

        def sets(name):
            words = unit[name].replace("CAP_", "").lower().split()
            return "-all," + ",".join(f"+{word}" for word in words)

        ambient = sets("AmbientCapabilities")
        return [
            "setpriv", "--reuid", str(USER), "--regid", unit["Group"], "--clear-groups",
            "--no-new-privs", f"--inh-caps={ambient}", f"--ambient-caps={ambient}",
            f"--bounding-set={sets('CapabilityBoundingSet')}", "--",
        ]

    def reload(self):
        """Runs ExecReload= as systemd does."""
        command = [*self.as_service(), *self.unit["ExecReload"].split()]
        return subprocess.run(command, capture_output=True, text=True)

    def start(self):
        unit = self.unit
        self.assertEqual((unit["Type"], unit["DynamicUser"]), ("notify", "yes"))
        run = pathlib.Path("/run") / unit["RuntimeDirectory"]
        state = pathlib.Path("/var/lib") / unit["StateDirectory"]
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
            "NOTIFY_SOCKET": self.manager.path,
            "WATCHDOG_USEC": str(int(unit["WatchdogSec"]) * 1_000_000),
            "RUNTIME_DIRECTORY": self.directory(run, unit["RuntimeDirectoryMode"]),
            "STATE_DIRECTORY": self.directory(state, unit["StateDirectoryMode"]),
        }

        def enter():
            setns(self.lab.router.descriptor)
            os.umask(int(unit["UMask"], 8))

        process = subprocess.Popen(
            [*self.as_service(), *unit["ExecStart"].split()],
            stdin=subprocess.DEVNULL, env=environment, preexec_fn=enter, cwd="/",
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.manager.expect("READY=1")
        return process

    def test_service_forwards_a_stream_reloads_and_stops(self):
        process = self.start()
        collector, emitter = self.receiver.collector(GROUP), self.source.emitter(GROUP)
        emitter.send_until(lambda: collector.count >= 3, "the stream")

        done = self.reload()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.manager.expect("RELOADING=1")
        self.manager.expect("READY=1")
        before = collector.count
        emitter.send_until(lambda: collector.count > before, "the stream after a reload")

        CONFIGURATION.write_text(CONFIG + "[router]\nforwarders = 1\n")
        done = self.reload()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("forwarder", done.stderr)
        CONFIGURATION.write_text(CONFIG)

        process.send_signal(signal.SIGTERM)
        self.manager.expect("STOPPING=1")
        self.assertEqual(process.wait(10), 0)
        self.assert_kernel_empty()

        # systemd deletes the one directory and keeps the other.
        self.assertTrue(pathlib.Path("/var/lib/mgmd/groups.json").exists())
        self.start()
        emitter.send_until(lambda: collector.count > before + 1, "the stream after a restart")
        until(lambda: not pathlib.Path("/var/lib/mgmd/groups.json").exists(), "the groups are read")


if __name__ == "__main__":
    unittest.main(verbosity=2)
