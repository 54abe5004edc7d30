"""mgmd in a network namespace."""

import ctypes
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from lab import FORWARDER, PATIENCE, Lines, setns

# Times with which tests need not wait long.
FAST = (
    'igmp = { query-interval = "2s", query-response-interval = "1s",'
    ' last-member-query-interval = "200ms", startup-query-interval = "500ms" }'
)
_libc = ctypes.CDLL(None)


class Mgmd:
    """A running mgmd. `config` is the text of its file; `close` stops it."""

    # The Build of these tests.
    build = None

    def __init__(self, host, config, wrapper=(), wait=True, directory=None, **environment):
        self.host = host
        # A second start may use the directory of the first, as after a restart of the service.
        self.directory = directory or pathlib.Path(tempfile.mkdtemp(prefix="mgmd-"))
        self.file = self.directory / "mgmd.toml"
        self.write(config)
        self._wrapper, self._environment = wrapper, environment
        self.start(wait)

    def settings(self):
        """Returns the keys of [router] that this class sets: the sockets are in its directory."""
        return f'clients = "{self.directory}/router"\ncontrol = "{self.control()}"\n'

    def control(self):
        """Returns the path of the control socket."""
        return self.directory / "control"

    def write(self, config):
        """Writes the configuration."""
        head, settings = "[router]\n", self.settings()
        if FORWARDER == "ebpf" and not re.search("^forwarder = ", config, re.MULTILINE):
            settings += 'forwarder = "ebpf"\n'
        if head in config:
            config = config.replace(head, head + settings)
        else:
            config = head + settings + config
        self.file.write_text(config, encoding="utf-8")

    def start(self, wait=True):
        def enter():
            setns(self.host.descriptor)
            _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with the tests

        self.process = subprocess.Popen(
            [*self._wrapper, self.build.mgmd, "--config", self.file],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            preexec_fn=enter,
            env={
                **os.environ,
                "LD_LIBRARY_PATH": str(self.build.directory),
                **self._environment,
            },
        )
        self.log = Lines(self.process.stderr)
        if wait:
            self.says("mgmd .* has started")

    def says(self, pattern, timeout=5.0):
        """Waits for a line of the log that matches, and returns it."""
        return self.log.wait(lambda line: re.search(pattern, line), pattern, timeout)

    def has_said(self, pattern):
        return [line for line in self.log.items if re.search(pattern, line)]

    def reload(self, config=None):
        """Has mgmd read its configuration again, which may change first."""
        if config is not None:
            self.write(config)
        self.process.send_signal(signal.SIGHUP)

    def ask(self, target, body=None):
        """Sends a request to the control socket. Returns the status and the JSON of the answer."""
        connection = http.client.HTTPConnection("mgmd", timeout=6)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(6)
        connection.sock.connect(str(self.control()))
        method = "GET" if body is None else "POST"
        text = None if body in (None, "") else json.dumps(body)
        connection.request(method, target, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        result = answer.status, json.loads(answer.read())
        connection.close()
        return result

    def get(self, target):
        """Returns what the control socket has at a path."""
        status, answer = self.ask(target)
        assert status == 200, answer
        return answer

    def stop(self, timeout=10.0):
        """Ends mgmd as the service manager would, and returns the exit status."""
        if self.alive():
            self.process.terminate()
        return self.process.wait(timeout * PATIENCE)

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self, keep=False):
        """Ends mgmd at once. `keep` leaves its directory for another start."""
        if self.alive():
            self.kill()
        self.log.close()
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)
