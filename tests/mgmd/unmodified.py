"""Multicast routing daemons as Debian ships them, started by mgm-run or on their own."""

import ctypes
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import packages
from lab import Lines, setns

_libc = ctypes.CDLL(None)

# A process that sees another /run than the system has.
ISOLATED = 'mount -t tmpfs none /run; exec "$@"'


class Unmodified:
    """A daemon on a host. `mgmd` is the one whose client it is; without it, the daemon uses the
    kernel."""

    def __init__(self, host, program, config, *options, mgmd=None):
        self.host, self.mgmd = host, mgmd
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mgm-unmodified-"))
        self.file = self.directory / "configuration"
        self.file.write_text(config)
        # An absolute path is no program of a package.
        self._command = [packages.program(program), *self._filled_in(options)]
        self.start()

    def _filled_in(self, options):
        return [option.format(file=self.file, directory=self.directory) for option in options]

    def start(self):
        def enter():
            setns(self.host.descriptor)
            _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with the tests

        command, environment = self._command, packages.environment()
        if self.mgmd:
            command = [self.mgmd.build.mgm_run, *command]
            environment["MGM_ROUTER"] = str(self.mgmd.directory / "router")
        around = ["unshare", "--mount", "sh", "-ec", ISOLATED, "sh"]
        self.process = subprocess.Popen(
            [*around, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            preexec_fn=enter,
            env=environment,
        )
        self.log = Lines(self.process.stderr)

    def alive(self):
        return self.process.poll() is None

    def seconds(self):
        """Returns the processor time."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def close(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def smcroute(host, config, mgmd=None, background=False):
    options = (*([] if background else ["-n"]), "-N", "-f", "{file}", "-l", "debug")
    options += ("-u", "{directory}/ctl")
    return Unmodified(host, "usr/sbin/smcrouted", config, *options, mgmd=mgmd)


def igmpproxy(host, config, mgmd=None):
    return Unmodified(host, "usr/sbin/igmpproxy", config, "-n", "-d", "-v", "{file}", mgmd=mgmd)


def pimd(host, config, mgmd=None):
    """It serves the interfaces that the configuration enables, and no others."""
    options = ("-f", "-N", "-s", "debug", "-d", "-c", "{file}")
    return Unmodified(host, "usr/sbin/pimd", config, *options, mgmd=mgmd)
