"""A routing protocol in a process of its own (client.c), which does what a test says."""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import threading

from build import COMPILER
from daemon import Mgmd
from lab import Lines, setns, until

HERE = pathlib.Path(__file__).resolve().parent
NO_ERROR, CAN_NOT_COMPLETE, INVALID, EXISTS = 0, 1003, 87, 183
_libc = ctypes.CDLL(None)


def program(test):
    """Returns the path of the program, or skips the test."""
    if not shutil.which(COMPILER):
        test.skipTest("no C compiler")
    # Not "client": that is another program, of tests/netns.
    return Mgmd.build.program("caller", HERE / "client.c")


class ClientProcess:
    """The process. It runs on the router's host, as this user; 0 is root."""

    def __init__(self, test, mgmd, user=0, protocol=200, component=0, **environment):
        self._links = mgmd.host.index
        self._lock = threading.Lock()

        def enter():
            setns(mgmd.host.descriptor)
            if user:
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
            _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with the tests

        self.process = subprocess.Popen(
            [program(test)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, bufsize=1, preexec_fn=enter,
            env={**os.environ, "MGM_ROUTER": f"{mgmd.directory}/router", **environment},
        )
        self.output, self.log = Lines(self.process.stdout), Lines(self.process.stderr)
        test.addCleanup(self.close)
        if protocol is not None:
            self.register(protocol, component)

    def say(self, *command):
        """Gives it a command, without waiting. Returns how many codes it has written before."""
        before = len(self._codes())
        self.process.stdin.write(" ".join(map(str, command)) + "\n")
        self.process.stdin.flush()
        return before

    def code(self, *command, timeout=10.0):
        """Gives it a command, and returns its code."""
        before = self.say(*command)
        what = f"the code of {command}; {list(self.log.items)[-3:]}"
        return int(until(lambda: self._codes()[before:], what, timeout)[0][2:])

    def _codes(self):
        return [line for line in list(self.output.items) if line.startswith("= ")]

    def done(self, *command, timeout=10.0):
        """Gives it a command, which must succeed."""
        code = self.code(*command, timeout=timeout)
        assert code == NO_ERROR, f"{command}: {code}: {list(self.log.items)[-3:]}"

    def register(self, protocol, component=0):
        self.done("register", protocol, component)

    def take(self, link):
        self.done("take", self._links(link))

    def join(self, group, link):
        self.done("join", group, self._links(link))

    def heard(self, what, group=None):
        """Returns the groups of the callbacks of this kind, in order; only this group if given."""
        lines = [line.split() for line in list(self.output.items)]
        groups = [line[2] for line in lines if line[:2] == ["heard", what]]
        return [heard for heard in groups if group in (None, heard)]

    def hears(self, what, group, timeout=5.0):
        until(lambda: self.heard(what, group), f"{what} {group}: {list(self.output.items)[-5:]}", timeout)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        if self.process.poll() is None:
            self.resume()
            self.kill()
        self.process.stdin.close()
        self.output.close()
        self.log.close()
