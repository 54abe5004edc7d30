"""mgmd as a process, as a service manager starts it."""

import atexit
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from lab import Lines, setns, until

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parent.parent
COMPILER = os.environ.get("CC", "cc")
_libc = ctypes.CDLL(None)


class Build:
    """mgmd and the library, in a directory of their own."""

    def __init__(self):
        program = os.environ.get("MGM_MGMD") or _built()
        library = pathlib.Path(os.environ.get("MGM_LIB_DIR", TREE / "target/release"))
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mgmd-bed-"))
        atexit.register(_remove, self.directory, os.getpid())
        self.program = self.directory / "mgmd"
        shutil.copy(program, self.program)
        shutil.copy(library / "libmgm.so", self.directory / "libmgm.so.1")

    def module(self, name):
        """Compiles a module for mgmd from NAME.c, and returns its path."""
        include = os.environ.get("MGM_INCLUDE_DIR", TREE / "include")
        path = self.directory / f"{name}.so"
        if not path.exists():
            made = path.with_suffix(f".{os.getpid()}")
            subprocess.run(
                [COMPILER, "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared",
                 "-fPIC", "-pthread", f"-I{include}", HERE / f"{name}.c",
                 self.directory / "libmgm.so.1", "-o", made],
                check=True,
            )
            made.rename(path)
        return path


def _built():
    """Builds mgmd, and returns its path."""
    subprocess.run(["cargo", "build", "--quiet", "--locked", "-p", "mgmd"], cwd=TREE, check=True)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TREE / "target")) / "debug/mgmd"


def _remove(directory, owner):
    """Removes the directory at the end of the process that made it, not of its workers."""
    if os.getpid() == owner:
        shutil.rmtree(directory, ignore_errors=True)


class Mgmd:
    """mgmd on a host. Its log is `log`; `ready` waits until it serves."""

    build = None

    def __init__(self, host, config, level="debug", directory=None, **environment):
        self.host = host
        # A second start may use the directory of the first, as after a restart of the service.
        self.directory = directory or pathlib.Path(tempfile.mkdtemp(prefix="mgmd-"))
        self.config = self.directory / "mgmd.toml"
        self._level = level
        self.configure(config)
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify = self.directory / "notify"
        notify.unlink(missing_ok=True)
        self._manager.bind(str(notify))
        self.notified = []  # (time, line)
        # On a thread, because a socket of this kind holds only ten messages.
        self._ended = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

        def enter():
            setns(host.descriptor)
            _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with the tests

        self.process = subprocess.Popen(
            [self.build.program, "--config", self.config],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=enter,
            env={
                **os.environ,
                "LD_LIBRARY_PATH": str(self.build.directory),
                "NOTIFY_SOCKET": str(notify),
                "RUNTIME_DIRECTORY": str(self.directory),
                **environment,
            },
        )
        self.log = Lines(self.process.stderr)

    def configure(self, config):
        """Writes the configuration, with sockets and a log level of the test's own."""
        head = "[router]\n"
        if config.lstrip().startswith(head):
            config = config.lstrip().removeprefix(head)
        self.config.write_text(
            head
            + f'clients = "{self.directory}/router"\n'
            + f'control = "{self.directory}/control"\n'
            + f'log-level = "{self._level}"\n'
            + config
        )

    # --- the service manager's view

    def _listen(self):
        self._manager.settimeout(0.1)
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                lines = self._manager.recv(4096).decode().splitlines()
                self.notified += [(time.time(), line) for line in lines]

    def heard(self, line):
        """Returns the times at which the service manager got this line."""
        return [when for when, told in list(self.notified) if told == line]

    def ready(self, timeout=5.0):
        """Waits until mgmd says that it is ready, and returns it."""

        def is_ready():
            assert self.process.poll() is None, f"mgmd has ended: {self.log.items}"
            return self.heard("READY=1")

        until(is_ready, f"READY=1; the log: {self.log.items}", timeout)
        return self

    def ignore_notifications(self):
        """Reads nothing more of what mgmd tells the service manager."""
        self._ended.set()
        self._listener.join()

    def status(self):
        """Returns the status line of the service."""
        lines = [line for _, line in list(self.notified) if line.startswith("STATUS=")]
        return lines[-1].removeprefix("STATUS=") if lines else ""

    def reload(self, config):
        """Changes the configuration while mgmd runs."""
        self.configure(config)
        self.process.send_signal(signal.SIGHUP)

    def alive(self):
        return self.process.poll() is None

    def stop(self, timeout=5.0):
        """Ends mgmd as the service manager would, and returns the exit status."""
        if self.alive():
            self.process.terminate()
        return self.process.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait()

    # --- what it says

    def logs(self, *words, timeout=5.0):
        """Waits for a log line that has all these words, and returns it."""
        return self.log.wait(lambda line: _has(line, words), f"log line with {words}", timeout)

    def lines(self, *words):
        """Returns the log lines so far that have all these words."""
        return [line for line in list(self.log.items) if _has(line, words)]

    # --- what it costs

    def memory(self):
        """Returns the resident bytes."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(text.split("VmRSS:")[1].split()[0])

    def seconds(self):
        """Returns the processor time of all threads."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def get(self, path):
        """Returns what the control socket has at a path."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(str(self.directory / "control"))
            client.sendall(f"GET {path} HTTP/1.0\r\nHost: mgmd\r\n\r\n".encode())
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 200 " in head.splitlines()[0], (head, body)
        return json.loads(body)

    def igmp(self, link):
        """Returns the state of IGMP on a link."""
        (found,) = self.get(f"/v1/igmp?interface={link}")["links"]
        return found

    def querier(self, link):
        """Returns the address of a link's querier."""
        return self.igmp(link)["querier"]["address"]

    def counters(self, link):
        """Returns what IGMP has counted on a link; the reasons of drops are among them."""
        counters = self.igmp(link)["counters"]
        return {**counters, **counters["dropped"]}

    def close(self, keep=False):
        """Ends mgmd. `keep` leaves its directory for another start."""
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"mgmd does not end: {self.log.items[-5:]}") from None
        finally:
            self.log.close()
            self._ended.set()
            self._listener.join()
            self._manager.close()
            if not keep:
                shutil.rmtree(self.directory, ignore_errors=True)


def _has(line, words):
    return all(word.lower() in line.lower() for word in words)
