"""`mgmctl doctor` on a router, and the cures that it prints, typed as it prints them."""

import json
import os
import re
import shutil
import subprocess
import time
from collections import namedtuple

import packages
from bed import Bed
from lab import setns, until

# Its exit status, its report as JSON, and the lines of its text.
Answer = namedtuple("Answer", "status report lines")

HEALTHY, FINDINGS = 0, 4
# A user without privileges, by a program of util-linux.
NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --".split()


class Doctor:
    """Examines a host, with mgmd on it if there is one."""

    build = None

    def __init__(self, host, mgmd=None):
        self.host, self.mgmd = host, mgmd
        # The directory of the packet filter's programs, beside those of the system.
        self.tools = packages.program("usr/sbin")

    def run(self, *arguments, listen="1500ms", wrapper=(), timeout=30):
        """Runs it for the text and at the same time for JSON."""
        command = ["mgmctl", "doctor", "--listen", listen, *arguments]
        if self.mgmd:
            command += ["--socket", str(self.mgmd.control())]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        both = [self.start([*wrapper, *command, *more], **pipes) for more in ([], ["--json"])]
        texts = []
        for process in both:
            output, errors = process.communicate(timeout=timeout)
            assert process.returncode in (HEALTHY, FINDINGS) and not errors, errors
            texts.append(output)
        assert both[0].returncode == both[1].returncode, texts
        return Answer(both[0].returncode, json.loads(texts[1]), texts[0].splitlines())

    def start(self, command, **options):
        """Starts a program on the host, where the programs of `tools` can be found."""
        libraries = packages.environment()["LD_LIBRARY_PATH"]
        extensions = next((packages.HOME / "root").glob("usr/lib/*/xtables"), "")
        environment = {
            **os.environ,
            "PATH": f"{self.build.directory}:{self.tools}:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": f"{self.build.directory}:{libraries}",
            "XTABLES_LIBDIR": str(extensions),
        }
        return subprocess.Popen(
            command,
            preexec_fn=lambda: setns(self.host.descriptor),
            env=environment,
            text=True,
            **options,
        )

    def type(self, command):
        """Runs a command as somebody who types it into a shell."""
        process = self.start(["sh", "-ec", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, f"{command}: {errors}"


def has(program):
    """Whether a program of the packet filter is there, or was unpacked."""
    return shutil.which(program) or packages.program(f"usr/sbin/{program}").exists()


class Clinic(Bed):
    """Tests with a doctor: the router's, unless they make another one."""

    def doctor_of(self, mgmd=None):
        self.doctor = Doctor(self.router, mgmd)
        return self.doctor

    def healthy(self, *arguments, **options):
        """Checks that there is no finding, and returns the answer."""
        answer = self.doctor.run(*arguments, **options)
        self.assertEqual((answer.status, answer.report["findings"]), (HEALTHY, []))
        self.assertRegex(answer.lines[-1], "^no fault found")
        return answer

    def found(self, kind, *words, arguments=(), **options):
        """Checks that there is this finding and no other, with these words. Returns its command."""
        answer = self.doctor.run(*arguments, **options)
        self.assertEqual(answer.status, FINDINGS)
        findings = answer.report["findings"]
        self.assertEqual([finding["kind"] for finding in findings], [kind], findings)
        for word in words:
            self.assertIn(word, findings[0]["text"])
        return self.typed(answer, findings[0])

    def typed(self, answer, finding):
        """Returns the command of a finding as its line prints it."""
        lines = [line for line in answer.lines if line.startswith(finding["text"])]
        self.assertEqual(len(lines), 1, answer.lines)
        command = re.fullmatch(r".*\. Type: (.*)", lines[0])[1]
        self.assertEqual(command, finding["command"])
        return command

    def cures(self, command, member, timeout=5.0):
        """Types a command, after which the stream must flow and the doctor find nothing."""
        self.doctor.type(command)
        member.expect(3, timeout=timeout)
        self.healthy()

    def stopped(self, member, timeout=10.0):
        """Waits until no datagram arrives for a while."""

        def is_silent():
            before = len(member.arrived)
            time.sleep(0.3)
            return len(member.arrived) == before

        until(is_silent, "the stream stops", timeout)
