"""A shell on a host, for commands as the documentation prints them.

Its /etc is a copy, and its /run is empty, so a command may use the paths of an installed system.
stand_ins has what these hosts lack: sudo, systemctl and journalctl. A command that begins with
sudo runs as root, any other as a user in the group mgm. As on Debian, the user's PATH has no sbin, so
the user cannot run mgmd without sudo.
"""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys

from lab import setns

HERE = pathlib.Path(__file__).resolve().parent
GROUP, USER = 64_124, 64_125
CONFIGURATION = "/etc/mgmd/mgmd.toml"
# Each command of a page ends soon.
PATIENCE = 60

PREPARE = """
copy=$(mktemp -d)
cp -a /etc "$copy"
mount -t tmpfs none /run
mkdir /run/etc
cp -a "$copy/etc/." /run/etc
rm -r "$copy"
mount --bind /run/etc /etc
echo "mgm:x:$MGM_GROUP:" >>/etc/group
mkdir -p /etc/mgmd /run/bin
ln -s "$MGMCTL" /run/bin/mgmctl
exec "$@"
"""


class Shell:
    """The shell. `build` has the programs."""

    def __init__(self, host, build):
        self._host = host
        programs = {pathlib.Path(program).parent for program in (build.mgmd, build.mgmctl)}
        path = [str(HERE / "stand_ins"), *map(str, programs), os.environ["PATH"], "/usr/sbin", "/sbin"]
        hidden = ("MGM_", "MGMCTL_", "NOTIFY_", "JOURNAL_")
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(hidden)},
            "PATH": ":".join(path), "LD_LIBRARY_PATH": str(build.directory),
            "MGM_GROUP": str(GROUP), "MGMCTL": str(build.mgmctl), "LC_ALL": "C.UTF-8",
        }
        own = [part for part in os.environ["PATH"].split(":") if not part.rstrip("/").endswith("sbin")]
        self._path_of_user = ":".join([str(HERE / "stand_ins"), "/run/bin", *own])
        self._manager = subprocess.Popen(
            ["unshare", "--mount", "sh", "-ec", PREPARE, "sh", sys.executable, HERE / "service_manager.py"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            preexec_fn=self._enter, env=self.environment,
        )
        assert self._manager.stdout.readline() == "ready\n", "the service manager has not started"

    def _enter(self):
        setns(self._host.descriptor)
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    def arguments(self, command):
        """Returns the program that runs a command here, with its arguments."""
        user = ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--groups", str(GROUP),
                "env", f"PATH={self._path_of_user}"]
        return [
            "nsenter", "--target", str(self._manager.pid), "--mount", "--net",
            *([] if command.startswith("sudo ") else user), "bash", "-c", command,
        ]

    def run(self, command):
        """Runs a command, and returns its exit status and its output, with that of stderr."""
        done = subprocess.run(
            self.arguments(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=self.environment, timeout=PATIENCE,
        )
        return done.returncode, done.stdout

    def path(self, path):
        """Returns where a file of the shell's host is for this process."""
        return pathlib.Path(f"/proc/{self._manager.pid}/root{path}")

    def journal(self):
        return self.path("/run/journal").read_text(encoding="utf-8")

    def close(self):
        self.run("sudo systemctl stop mgmd")
        self._manager.kill()
        self._manager.wait()
        self._manager.stdout.close()
