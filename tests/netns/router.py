"""The router process: client.c, which reads a command from each line."""

import ctypes
import json
import os
import pathlib
import shlex
import signal
import subprocess

import build
import lab
from build import TREE
from lab import Lines, setns

HERE = pathlib.Path(__file__).resolve().parent
NO_ERROR, INVALID_PARAMETER, ALREADY_EXISTS, CAN_NOT_COMPLETE = 0, 87, 183, 1003
IGMP = 10

# Drops capabilities with a program of util-linux, because Python cannot.
WITHOUT_PRIVILEGE = shlex.split(
    "setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --inh-caps=-all --"
)
_libc = ctypes.CDLL(None)


class Build(build.Build):
    """The library, and the programs that use it."""

    def __init__(self):
        super().__init__()
        self.program("client", HERE / "client.c")
        self.program("burst", HERE / "burst.c")
        self.program("probe", HERE / "probe.c")
        daemon = TREE / "examples/host_daemon"
        self.program("host_daemon", daemon / "host_daemon.c", daemon / "service.c")
        self.interposer  # compiled before the tests, some of which measure time


class Router:
    """A router process. Each command returns the code of the library; callbacks are events."""

    build = None

    def __init__(self, host, forwarder=None, wrapper=(), program=("client",), **environment):
        self.host = host
        self._is_daemon = program[0] != "client"

        def enter():
            setns(host.descriptor)
            _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with the tests

        self.process = subprocess.Popen(
            [*wrapper, self.build.directory / program[0], *program[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            preexec_fn=enter,
            env={**os.environ, "MGM_FORWARDER": forwarder or lab.FORWARDER, "MGM_LOG": "warn", **environment},
        )
        parse = str.rstrip if self._is_daemon else json.loads
        self.output = Lines(self.process.stdout, parse)
        self.log = Lines(self.process.stderr)
        self._asked = 0  # where to look for the next reply

    def say(self, command):
        self.process.stdin.write(command + "\n")

    def ask(self, command):
        """Returns the reply to a command."""
        self.say(command)
        what = f"reply to {command}; the log: {self.log.items}"
        at = self.output.find(lambda told: "reply" in told, what, self._asked)
        self._asked = at + 1
        return self.output.items[at]

    def do(self, command):
        """Returns the code of a command."""
        return self.ask(command)["code"]

    def must(self, *commands):
        for command in commands:
            code = self.do(command)
            assert code == NO_ERROR, f"{command}: {code}; the log: {self.log.items}"

    def protocol(self, client, number, *interfaces):
        """Registers a protocol that takes these interfaces."""
        self.must(f"register {client} {number} 1", *(f"take {client} {i}" for i in interfaces))

    def index(self, interface):
        return self.host.index(interface)

    def mfes(self):
        return self.ask("dump")["mfes"]

    def groups(self, client="A"):
        return [tuple(pair) for pair in self.ask(f"groups {client}")["groups"]]

    def heard(self, event, **values):
        """Returns the events of this kind so far that have these values."""
        return [told for told in list(self.output.items) if _is(told, event, values)]

    def hears(self, event, timeout=5.0, **values):
        """Waits for a callback, and returns it."""
        return self.output.wait(
            lambda told: _is(told, event, values), f"{event} {values}", timeout
        )

    def logs(self, *words, timeout=5.0):
        """Waits for a log line that has all these words, and returns it."""
        lower = [word.lower() for word in words]

        def has_all(line):
            return all(word in line.lower() for word in lower)

        return self.log.wait(has_all, f"log line with {words}", timeout)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        """Ends the process as its user would, and returns the exit status."""
        if self.process.poll() is None:
            self.process.stdin.close()
            if self._is_daemon:  # it does not end with its standard input
                self.process.terminate()
            try:
                self.process.wait(5 * lab.PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("the router does not end") from None
        elif not self.process.stdin.closed:
            self.process.stdin.close()
        self.output.close()
        self.log.close()
        return self.process.returncode


def _is(told, event, values):
    return told.get("event") == event and all(told.get(k) == v for k, v in values.items())
