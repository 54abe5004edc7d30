"""Starts that fail, starts at the same time, and reloads of files that are wrong."""

import pathlib
import shutil
import signal
import socket
import tempfile

from bed import Bed, interface
from daemon import Mgmd
from lab import until

GROUP = "239.1.1.1"
MEMORY = '[router]\nforwarder = "memory"\n'


class Starts(Bed):
    def test_m18_of_two_that_start_at_once_one_serves(self):
        """Both find the socket of a process that was killed. They have no table in common."""
        shared = pathlib.Path(tempfile.mkdtemp(prefix="mgmd-")) / "control"
        self.addCleanup(shutil.rmtree, shared.parent)

        class AtOneSocket(Mgmd):
            def control(self):
                return shared

        for _ in range(5):
            left = socket.socket(socket.AF_UNIX)
            left.bind(str(shared))
            left.close()
            both = [AtOneSocket(self.router, MEMORY + interface("src")) for _ in range(2)]
            for each in both:
                self.addCleanup(each.close)
            until(lambda: any(not each.alive() for each in both), "one of them has ended")
            serving, ended = sorted(both, key=Mgmd.alive, reverse=True)
            self.assertEqual(ended.process.wait(), 1)
            ended.logs(str(shared), "stop it")
            self.assertEqual(ended.heard("READY=1"), [])
            serving.ready()
            self.assertEqual(serving.get("/v1/status")["pid"], serving.process.pid)
            self.assertEqual(serving.stop(), 0)
            left = [path.name for path in shared.parent.iterdir()]
            self.assertEqual(left, ["groups.json"])

    def test_m18_the_lock_of_a_killed_process_is_no_hindrance(self):
        first = self.start(MEMORY, interface("src"))
        lock = first.directory / "control.lock"
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        self.assertTrue(lock.exists())
        second = self.start(MEMORY, interface("src"), directory=first.directory)
        self.assertEqual(second.get("/v1/status")["pid"], second.process.pid)
        self.assertEqual(second.stop(), 0)
        self.assertFalse(lock.exists())
