"""mgmd in a network namespace."""

import atexit
import ctypes
import functools
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

from lab import Lines, setns
from router import TREE, Router

# Times with which tests need not wait long.
FAST = (
    'igmp = { query-interval = "2s", query-response-interval = "1s",'
    ' last-member-query-interval = "200ms", startup-query-interval = "500ms" }'
)
_libc = ctypes.CDLL(None)


@functools.cache
def program():
    """Returns the path of mgmd, beside the library. MGM_MGMD names another one."""
    built = os.environ.get("MGM_MGMD")
    if not built:
        subprocess.run(
            ["cargo", "build", "--quiet", "--locked", "--package", "mgmd"], cwd=TREE, check=True
        )
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TREE / "target"))
        built = target / "debug/mgmd"
    copy = Router.build.directory / "mgmd"
    temporary = copy.with_name(f"mgmd-{os.getpid()}")
    shutil.copy(built, temporary)
    temporary.rename(copy)  # another process may be running the same file
    return copy


class Mgmd:
    """A running mgmd. `config` is the text of its file; `close` stops it."""

    def __init__(self, host, config, wrapper=(), wait=True, **environment):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mgmd-"))
        atexit.register(shutil.rmtree, self.directory, ignore_errors=True)
        self.host = host
        self.file = self.directory / "mgmd.toml"
        self.write(config)
        self._wrapper, self._environment = wrapper, environment
        self.start(wait)

    def write(self, config):
        """Writes the configuration. The sockets are in a folder of the test."""
        run = f'clients = "{self.directory}/router"\ncontrol = "{self.directory}/control"\n'
        if "[router]\n" in config:
            config = config.replace("[router]\n", "[router]\n" + run)
        else:
            config = f"[router]\n{run}{config}"
        self.file.write_text(config, encoding="utf-8")

    def start(self, wait=True):
        def enter():
            setns(self.host.descriptor)
            _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with the tests

        self.process = subprocess.Popen(
            [*self._wrapper, program(), "--config", self.file],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            preexec_fn=enter,
            env={
                **os.environ,
                "LD_LIBRARY_PATH": str(Router.build.directory),
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
        if config is not None:
            self.write(config)
        self.process.send_signal(signal.SIGHUP)

    def ask(self, target, body=None):
        """Sends a request to the control socket. Returns the status and the JSON of the answer."""
        connection = http.client.HTTPConnection("mgmd", timeout=6)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(6)
        connection.sock.connect(str(self.directory / "control"))
        method = "GET" if body is None else "POST"
        text = None if body in (None, "") else json.dumps(body)
        connection.request(method, target, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        result = answer.status, json.loads(answer.read())
        connection.close()
        return result

    def get(self, target):
        status, answer = self.ask(target)
        assert status == 200, answer
        return answer

    def stop(self):
        """Stops mgmd cleanly, and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
