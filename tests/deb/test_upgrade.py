"""Upgrades the packages while mgmd runs, and checks that the router has the same configuration afterwards.
tests/deb/run starts this in the chroot, where the former packages are installed.

    tests/deb/test_upgrade.py UNIT

The environment variable "packages" names the files of the new packages. systemd does not run in the
chroot: the test puts a program of its own in the place of systemctl, and restarts mgmd when dpkg asks for it.
"""

import os
import pathlib
import re
import signal
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import as_unit  # noqa: E402
from case import GROUP  # noqa: E402
from lab import until  # noqa: E402

SYSTEMCTL = pathlib.Path("/usr/local/bin/systemctl")
ASKED, DONE = pathlib.Path("/run/systemctl.asked"), pathlib.Path("/run/systemctl.done")
# Answers what deb-systemd-invoke asks about a running unit that is enabled. A restart waits for the test.
STAND_IN = f"""#!/bin/sh
echo "$*" >>{ASKED}
case "$*" in
    *is-enabled*) echo enabled ;;
    *restart*) while [ ! -e {DONE} ]; do sleep 0.1; done ;;
esac
"""
CONFIG = as_unit.CONFIG + """
[[route]]
from = "to-source"
source = "10.1.0.2"
group = "239.9.9.9"
to = ["to-receiver"]
"""


class Upgrade(as_unit.AsUnit):
    test_service_forwards_a_stream_reloads_and_stops = None

    def setUp(self):
        super().setUp()
        as_unit.CONFIGURATION.write_text(CONFIG)
        SYSTEMCTL.write_text(STAND_IN)
        SYSTEMCTL.chmod(SYSTEMCTL.stat().st_mode | stat.S_IXUSR)
        pathlib.Path("/run/systemd/system").mkdir(parents=True, exist_ok=True)

    def shown(self, command):
        """What mgmctl shows, without what time changes."""
        done = subprocess.run(["mgmctl", "--json", command], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        # A router counts anew after its restart.
        return re.sub(r'("igmp_[a-z]+"):\d+', r"\1:0", done.stdout)

    def version_of(self, package):
        query = ["dpkg-query", "--show", "--showformat=${Version}", package]
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout

    def test_m35_an_upgrade_keeps_the_configuration_of_a_running_router(self):
        former = self.version_of("mgmd")
        process = self.start()
        collector, emitter = self.receiver.collector(GROUP), self.source.emitter(GROUP)
        emitter.send_until(lambda: collector.count >= 3, "the stream")
        shown = self.shown("interfaces"), self.shown("routes")
        for name in ("to-source", "to-receiver"):
            self.assertIn(name, shown[0])
        self.assertIn("239.9.9.9", shown[1])

        options = ["--force-confdef", "--force-confold"]  # as unattended upgrades pass
        upgrade = subprocess.Popen(
            ["dpkg", *options, "--install", *os.environ["packages"].split()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self.addCleanup(upgrade.kill)

        def restart_is_asked():
            self.assertIsNone(upgrade.poll(), "dpkg ends without a restart")
            return ASKED.exists() and "restart mgmd.service" in ASKED.read_text()

        until(restart_is_asked, "dpkg asks for a restart", 60)
        self.assertNotIn("stop mgmd", ASKED.read_text())
        self.assertIsNone(process.poll(), "mgmd has ended before the restart")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)
        self.start()
        DONE.touch()
        said, _ = upgrade.communicate(timeout=60)
        self.assertEqual(upgrade.returncode, 0, said)
        self.assertNotEqual(self.version_of("mgmd"), former)

        self.assertEqual(as_unit.CONFIGURATION.read_text(), CONFIG)
        self.assertEqual((self.shown("interfaces"), self.shown("routes")), shown)
        before = collector.count
        emitter.send_until(lambda: collector.count > before, "the stream after the upgrade")


if __name__ == "__main__":
    unittest.main(verbosity=2)
