"""Stands in for systemd in the tests of documentation: runs mgmd as its unit says, as far as that
does not need systemd. The program systemctl of the folder stand_ins sends it commands.

    service_manager.py     serves /run/manager until it is killed
"""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

UNIT = pathlib.Path(__file__).resolve().parents[2] / "crates/mgmd/service/mgmd.service.in"
NOTIFY, JOURNAL, RUNTIME = "/run/notify", pathlib.Path("/run/journal"), pathlib.Path("/run/mgmd")
# What systemctl prints.
ENABLED = """\
Created symlink /etc/systemd/system/multi-user.target.wants/mgmd.service → /lib/systemd/system/mgmd.service.
"""
FAILED = """\
Job for mgmd.service failed because the control process exited with error code.
See "systemctl status mgmd.service" and "journalctl -xeu mgmd.service" for details.
"""
PROGRAMS = {"@MGMD@": "mgmd", "@MGMCTL@": "mgmctl"}


class Service:
    """The service mgmd."""

    def __init__(self):
        lines = [line for line in UNIT.read_text().splitlines() if line[:1].isalpha()]
        self._unit = dict(line.split("=", 1) for line in lines)
        self._process, self._is_enabled = None, False
        self._told = []
        JOURNAL.touch()
        # The journal makes files that its group may read.
        JOURNAL.chmod(0o644)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(NOTIFY)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            self._told += self._notify.recv(4096).decode().splitlines()

    def command(self, key):
        """Returns a command of the unit."""
        program, *arguments = self._unit[key].split()
        return [PROGRAMS[program], *arguments]

    def start(self):
        if self._process and self._process.poll() is None:
            return 0, ""
        RUNTIME.mkdir(mode=0o750, exist_ok=True)
        os.chown(RUNTIME, 0, int(os.environ["MGM_GROUP"]))
        self._told.clear()
        # Like the journal: each line has its priority.
        log = JOURNAL.open("ab")
        device = os.fstat(log.fileno())
        self._process = subprocess.Popen(
            self.command("ExecStart"), stderr=log, preexec_fn=end_with_parent,
            env={
                **os.environ, "NOTIFY_SOCKET": NOTIFY,
                "JOURNAL_STREAM": f"{device.st_dev}:{device.st_ino}",
            },
        )
        deadline = time.monotonic() + 10
        while "READY=1" not in self._told:
            if self._process.poll() is not None or time.monotonic() > deadline:
                return 1, FAILED
            time.sleep(0.01)
        return 0, ""

    def stop(self):
        if self._process:
            self._process.terminate()
            self._process.wait(10)
        return 0, ""

    def restart(self):
        self.stop()
        return self.start()

    def reload(self):
        done = subprocess.run(self.command("ExecReload"), stderr=subprocess.PIPE, text=True)
        with JOURNAL.open("a") as journal:
            journal.writelines(f"<6>{line}\n" for line in done.stderr.splitlines())
        return done.returncode, FAILED if done.returncode else ""

    def status(self):
        is_running = self._process and self._process.poll() is None
        lines = [line for line in self._told if line.startswith("STATUS=")]
        state = "active (running) since today" if is_running else "inactive (dead)"
        text = f"     Active: {state}\n"
        if is_running and lines:
            text += f'     Status: "{lines[-1].removeprefix("STATUS=")}"\n'
        return (0 if is_running else 3), text

    def carry_out(self, action, *arguments):
        """Carries out a command of systemctl. Returns the exit status and the output."""
        if action == "enable" and list(arguments) == ["--now", "mgmd"]:
            status, text = self.start()
            enabled, self._is_enabled = self._is_enabled, True
            return status, text if enabled else ENABLED + text
        actions = {name: getattr(self, name) for name in ("start", "stop", "restart", "reload", "status")}
        if action not in actions or list(arguments) != ["mgmd"]:
            return 2, f"unknown: {action} {' '.join(arguments)}\n"
        return actions[action]()


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main():
    service = Service()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("/run/manager")
    os.chmod("/run/manager", 0o666)
    listener.listen()
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            words = b"".join(iter(lambda: connection.recv(4096), b"")).decode().split("\0")
            status, text = service.carry_out(*words)
            connection.sendall(f"{status} {text}".encode())


if __name__ == "__main__":
    main()
