"""Multicast routers as processes: MGM's, and other people's, behind one face.

Each runs in the network namespace of a lab's host, and with directories of its
own for what daemons leave in /run.
"""

import ctypes
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import bpf
import packages
from build import Build
from lab import setns, until

HERE = pathlib.Path(__file__).resolve().parent
NETNS = HERE.parent / "netns"
_libc = ctypes.CDLL(None)

# A process that sees another /run and other accounts than the system has.
ISOLATED = """
mount -t tmpfs none /run
mkdir -p /run/frr
cp /etc/passwd "$0/passwd" && cp /etc/group "$0/group"
echo 'frr:x:951:951::/:/bin/false' >>"$0/passwd"
printf 'frr:x:951:\\nfrrvty:x:952:root,frr\\n' >>"$0/group"
mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group
exec "$@"
"""


class Daemon:
    """A router on a host. `members` is the link whose memberships count."""

    name = None
    # How long one that cannot tell takes to know its members.
    patience = 2
    # Where the first packets of a flow go, if not to its members.
    first_out = None

    def __init__(self, host, links, rendezvous=None, groups=None, joins=None):
        """`links` are the host's interfaces. Daemons that need one get a
        rendezvous point, and those without IGMP a range of groups that they
        forward from the first link to all others. `joins` is a group that it
        asks for on the first link, where that is for people to say."""
        self.host = host
        self.links = links
        self.rendezvous = rendezvous
        self.groups = groups
        self.joins = joins
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mgm-peers-"))
        self.processes = []
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def spawn(self, program, *arguments, environment=None, isolated=True):
        def enter():
            setns(self.host.descriptor)
            _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

        command = [str(word) for word in (program, *arguments)]
        if isolated:
            around = ["unshare", "--mount", "sh", "-ec", ISOLATED, str(self.directory)]
            command = [*around, *command]
        log = open(self.directory / f"{pathlib.Path(program).name}.log", "w")
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            preexec_fn=enter,
            env=environment or packages.environment(),
        )
        log.close()
        self.processes.append(process)
        return process

    def configuration(self, text):
        path = self.directory / "configuration"
        path.write_text(text)
        return path

    def vifs(self):
        """The interfaces that the kernel routes multicast among for it."""
        return {line.split()[1] for line in self.host.read("ip_mr_vif")}

    def serves(self):
        """Waits until it has all of its links."""
        until(lambda: self.alive() and set(self.links) <= self.vifs(), f"{self.name} serves", 20)

    def alive(self):
        for process in self.processes:
            if process.poll() is not None:
                raise AssertionError(f"{self.name} ended: {self.log()}")
        return True

    def log(self):
        return "".join(path.read_text() for path in self.directory.glob("*.log"))[-2000:]

    def knows(self):
        """How many groups it knows members of; None if it cannot tell."""
        return None

    def processor_time(self):
        """Seconds, of all its threads, ended ones too."""
        return sum(time.clock_gettime(~process.pid << 3 | 2) for process in self.processes)

    def memory(self):
        """Resident bytes."""
        total = 0
        for process in self.processes:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            total += 1024 * int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
        return total

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdin.close()
        self.processes = []
        shutil.rmtree(self.directory, ignore_errors=True)


class Frr(Daemon):
    """FRR's pimd, with the zebra that it asks for routes."""

    name = "FRR pimd"
    package = "frr"
    # What starts pimd, and with which environment.
    launcher, environment = (), None

    def start(self):
        programs = packages.program("usr/lib/frr")
        text = "".join(f"interface {link}\n ip pim\n ip igmp\n" for link in self.links)
        if self.joins:
            text += f"interface {self.links[0]}\n ip igmp join {self.joins}\n"
        if self.rendezvous:
            text += f"ip pim rp {self.rendezvous} 224.0.0.0/4\n"
        common = ["-u", "root", "-g", "root", "-z", self.directory / "zserv"]
        common += ["--vty_socket", self.directory, "-A", "127.0.0.1", "-P", 0]
        empty = self.directory / "zebra.conf"
        empty.write_text("")
        self.spawn(programs / "zebra", *common, "-f", empty, "-i", self.directory / "zebra.pid")
        until(lambda: self.alive() and (self.directory / "zserv").exists(), "zebra listens", 20)
        file = self.configuration(text)
        pimd = [*self.launcher, programs / "pimd", *common, "-f", file]
        pimd += ["-i", self.directory / "pimd.pid"]
        self.spawn(*pimd, environment=self.environment)
        self.serves()

    def say(self, *commands):
        """What vtysh would: commands, each with its answer up to three zeros and a status. Returns
        the last answer."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.directory / "pimd.vty"))
            for line in ("enable", *commands):
                client.sendall(line.encode() + b"\0")
                answer = b""
                while answer[-4:-1] != b"\0\0\0":
                    piece = client.recv(65536)
                    if not piece:
                        raise AssertionError(f"{self.name} does not answer {line}")
                    answer += piece
                if answer[-1]:
                    raise AssertionError(f"{self.name} refuses {line}: {answer[:-4].decode()}")
        return answer[:-4].decode()

    def configure(self, *commands):
        self.say("configure terminal", *commands)

    def knows(self):
        found = re.search(r"Total IGMP groups: (\d+)", self.say("show ip igmp groups"))
        return int(found.group(1)) if found else 0


class Pimd(Daemon):
    name = "pimd"
    package = "pimd"
    patience = 30
    first_out = "pimreg"  # to its rendezvous point, itself

    def start(self):
        text = "".join(f"phyint {link} enable\n" for link in self.links)
        text += f"rp-address {self.rendezvous} 224.0.0.0/4\n" if self.rendezvous else ""
        file = self.configuration(text)
        self.spawn(packages.program("usr/sbin/pimd"), "-f", "-N", "-c", file)
        self.serves()


class Smcroute(Daemon):
    """Static routes: it hears no IGMP."""

    name = "smcroute"
    package = "smcroute"

    def start(self):
        text = "".join(f"phyint {link} enable\n" for link in self.links)
        upstream, *downstream = self.links
        text += f"mroute from {upstream} group {self.groups} to {' '.join(downstream)}\n"
        if self.joins:
            text += f"mgroup from {upstream} group {self.joins}\n"
        file = self.configuration(text)
        self.spawn(packages.program("usr/sbin/smcrouted"), "-n", "-N", "-f", file)
        self.serves()


class Igmpproxy(Daemon):
    """Asks for upstream, the first link, what hosts on the others ask for."""

    name = "igmpproxy"
    package = "igmpproxy"

    def start(self):
        upstream, *downstream = self.links
        text = f"quickleave\nphyint {upstream} upstream\n altnet 0.0.0.0/0\n"
        text += "".join(f"phyint {link} downstream\n" for link in downstream)
        text += "phyint lo disabled\n"
        file = self.configuration(text)
        self.spawn(packages.program("usr/sbin/igmpproxy"), "-n", file)
        self.serves()


class Mgm(Daemon):
    """mgmd with IGMP, and with a protocol that owns the links (quiet.c)."""

    name = "libmgm"
    forwarder = "kernel"
    # Hosts may join 10,000 groups, and no query disturbs the measurement.
    igmp = "igmp = { max-groups = 1000000, startup-query-count = 1 }"

    def start(self):
        module = programs().module("quiet", HERE / "quiet.c")
        self.status_socket = self.directory / "status"
        arguments = " ".join([str(self.status_socket), *self.links])
        text = f'[router]\nforwarder = "{self.forwarder}"\nclients = "{self.directory}/clients"\n'
        text += f'control = "{self.directory}/control"\nmax-igmp-entries = 1000000\n'
        text += "".join(f'[[interface]]\nname = "{link}"\n{self.igmp}\n' for link in self.links)
        text += f'[[module]]\npath = "{module}"\nargs = "{arguments}"\n'
        environment = {**os.environ, "LD_LIBRARY_PATH": str(programs().directory)}
        file = self.configuration(text)
        mgmd = programs().mgmd
        self.spawn(mgmd, "--config", file, environment=environment, isolated=False)
        self.serves()

    def status(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.status_socket))
            client.sendall(b"GET /summary HTTP/1.0\r\n\r\n")
            reply = b"".join(iter(lambda: client.recv(65536), b""))
        return json.loads(reply.partition(b"\r\n\r\n")[2])

    def knows(self):
        return self.status()["totals"]["memberships"]


class MgmEbpf(Mgm):
    """The same, with the ebpf forwarder."""

    name = "libmgm, ebpf"
    forwarder = "ebpf"

    def vifs(self):
        with self.host.inside():
            return set(bpf.interfaces())


class Loop(Daemon):
    """No router at all: a loop in C that answers every upcall, in turn."""

    name = "C loop"
    order = "oldest"

    def start(self):
        program = compile_c("answer", [HERE / "answer.c"], self.directory)
        self.spawn(program, *self.links, self.order, isolated=False)
        self.serves()


class LoopNewest(Loop):
    """The same, but what came last is answered first."""

    name = "C loop, newest first"
    order = "newest"


@functools.cache
def programs():
    """Returns mgmd and the library under test."""
    return Build()


def compile_c(name, sources, directory, *options):
    """Builds a C program."""
    program = directory / name
    compiler = os.environ.get("CC", "cc")
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, *sources, *options, "-o", program], check=True)
    return program


PEERS = [Smcroute, Pimd, Frr]
