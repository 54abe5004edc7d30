"""mgmd as a process, as a service manager starts it."""

import contextlib
import pathlib
import socket
import subprocess
import threading
import time

import mgmd
from lab import until


class Mgmd(mgmd.Mgmd):
    """mgmd on a host. Its log is `log`; `ready` waits until it serves."""

    def __init__(self, host, config, level="debug", **options):
        self._level = level
        self.notified = []  # (time, line)
        super().__init__(host, config, wait=False, **options)

    def settings(self):
        return super().settings() + f'log-level = "{self._level}"\n'

    def start(self, wait=True):
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify = self.directory / "notify"
        notify.unlink(missing_ok=True)
        self._manager.bind(str(notify))
        # On a thread, because a socket of this kind holds only ten messages.
        self._ended = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._environment = {"NOTIFY_SOCKET": str(notify), **self._environment}
        super().start(wait)

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
        """Ends mgmd, which must end in time. `keep` leaves its directory for another start."""
        try:
            self.stop(5)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"mgmd does not end: {self.log.items[-5:]}") from None
        finally:
            super().close(keep)
            self._ended.set()
            self._listener.join()
            self._manager.close()


def _has(line, words):
    return all(word.lower() in line.lower() for word in words)
