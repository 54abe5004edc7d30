"""mgm-run and its library: programs that it cannot load, and calls that pass untouched."""

import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

import packages
from bed import long
from daemon import Mgmd
from lab import Lab, setns

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parent.parent


class Refused(unittest.TestCase):
    """Programs into which the dynamic linker loads nothing."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mgm-refused-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder)
        # mgm-run waits for an mgmd.
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.folder / "router"))
        (self.folder / "router").chmod(0o777)
        listener.listen()
        self.addCleanup(listener.close)

    def run_as(self, user, program):
        """Runs a program by mgm-run, and returns the exit status and what it printed."""
        done = subprocess.run(
            [Mgmd.build.mgm_run, "--router", self.folder / "router", program]
            + ["-c", "echo $LD_PRELOAD"],
            capture_output=True,
            text=True,
            user=user,
        )
        return done.returncode, done.stdout + done.stderr

    def test_a_file_with_capabilities(self):
        program = self.folder / "shell"
        shutil.copy("/bin/sh", program)
        self.assertEqual(self.run_as(65534, program)[0], 0)
        # CAP_NET_RAW, permitted and effective, as setcap(8) writes it.
        capabilities = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
        os.setxattr(program, "security.capability", capabilities)
        status, text = self.run_as(65534, program)
        self.assertEqual((status, "capabilities" in text), (125, True), text)
        # root has all capabilities in any case, so the linker loads the library.
        status, text = self.run_as(0, program)
        self.assertEqual((status, "libmgm_mroute.so" in text), (0, True), text)

    def test_a_static_program(self):
        source = self.folder / "program.c"
        source.write_text("int main(void) { return 0; }\n")
        compiler = os.environ.get("CC", "cc")
        for options, wanted in (([], 0), (["-static"], 125)):
            program = self.folder / f"program{len(options)}"
            subprocess.run([compiler, source, *options, "-o", program], check=True)
            status, text = self.run_as(0, program)
            self.assertEqual((status, "static" in text), (wanted, wanted != 0), text)


class Functions(unittest.TestCase):
    """adapter/functions.txt, and the calls that must pass untouched."""

    # The names of functions of libc that have to do with descriptors.
    ABOUT_DESCRIPTORS = re.compile(
        r"(sock|recv|send|poll|select|read|write|close|dup|fcntl|ioctl|open|pipe|accept|listen|bind"
        r"|connect|shutdown|stat|seek|trunc|sync|mmap|file|isatty|tc[gs]et|epoll|eventfd|timerfd"
        r"|signalfd|inotify|splice|fd|fgets|fput|fch|utimens|flock)"
    )
    # Names that match and take no descriptor.
    OTHERS = re.compile(
        r"^(openlog|closelog|opendir|closedir|readdir|readlink.*|pthread_.*|dlopen|dlclose|dlsym|popen"
        r"|pclose|gettimeofday|strdup|strndup|stat|lstat|stat64|__xstat|syslog|tmpfile_.*|read_.*|.*_unlocked"
        r"|sd_notify.*|openpty|unsetenv|setenv|sigaction|select_.*)$"
    )

    def listed(self):
        lines = (TREE / "adapter/functions.txt").read_text().splitlines()
        words = [line.split() for line in lines if line and not line.startswith("#")]
        return {name: kind for kind, name in words}

    @staticmethod
    def symbols(path, which, mark=""):
        done = subprocess.run(["nm", "-D", which, path], capture_output=True, text=True, check=True)
        names = [line.split()[-1] for line in done.stdout.splitlines()]
        return {name.partition("@")[0] for name in names if mark in name}

    @long
    def test_the_list_is_what_the_library_replaces(self):
        library = Mgmd.build.mgm_run.parent / "libmgm_mroute.so"
        defined = self.symbols(library, "--defined-only")
        replaced = {name for name, kind in self.listed().items() if kind == "replaced"}
        self.assertEqual(defined, replaced)
        self.assertFalse({name for name in defined if name.startswith("Mgm")})

    @long
    def test_the_list_has_what_the_daemons_use(self):
        listed = self.listed()
        programs = ["usr/sbin/smcrouted", "usr/sbin/igmpproxy", "usr/sbin/pimd", "usr/lib/frr/pimd"]
        (frr,) = packages.program("usr/lib").glob("*-linux-gnu/frr/libfrr.so.0")
        for program in (*programs, frr):
            used = self.symbols(packages.program(program), "--undefined-only", "@GLIBC")
            about = {name for name in used if self.ABOUT_DESCRIPTORS.search(name)}
            self.assertGreater(len(about), 2, program)
            missing = {name for name in about - set(listed) if not self.OTHERS.match(name)}
            self.assertEqual(missing, set(), f"{program} uses these: add them to functions.txt")

    @long
    def test_calls_on_other_descriptors_pass_untouched(self):
        library = Mgmd.build.mgm_run.parent / "libmgm_mroute.so"
        lab = Lab()
        self.addCleanup(lab.close)

        def calls(seed, **environment):
            command = [sys.executable, HERE / "calls.py", str(seed)]
            enter = lambda: setns(lab.router.descriptor)  # noqa: E731
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                preexec_fn=enter,
                env={**os.environ, **environment},
                timeout=60,
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""), seed)
            return done.stdout.splitlines()

        for seed in range(10):
            plain = calls(seed)
            loaded = calls(seed, LD_PRELOAD=str(library))
            self.assertEqual(len(plain), 3000)
            differences = [pair for pair in zip(plain, loaded) if pair[0] != pair[1]]
            self.assertEqual(differences[:5], [], f"seed {seed}")
