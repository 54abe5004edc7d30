"""Many client processes that live and die at random at mgmd (docs/remote.md): nothing is left."""

import ctypes
import os
import pathlib
import random
import signal
import subprocess
import threading
import time

from bed import long
from build import COMPILER
from daemon import Mgmd
from lab import setns, until
from test_clients import ClientBed

HERE = pathlib.Path(__file__).resolve().parent
PROCESSES = 16
GROUPS = [f"239.10.0.{n}" for n in range(1, 41)]
LINKS = ("src", "lan", "lan2", "lan3", "lan4")
# Tables that have grown stay large, and refused flows are kept for 10 s.
SLACK = 8 << 20
# Workers without work end after 10 s.
SPARE = 30.0


class Crowd(ClientBed):
    def process(self):
        """Starts a process, which dies within two seconds."""
        libc = ctypes.CDLL(None)

        def enter():
            setns(self.mgmd.host.descriptor)
            libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with the tests

        self.started += 1
        indices = [str(self.router.index(link)) for link in LINKS]
        return subprocess.Popen(
            [self.program, str(self.started), *indices], preexec_fn=enter,
            env={**os.environ, "MGM_ROUTER": f"{self.mgmd.directory}/router", "MGM_LOG": "off"},
        )

    def live(self, seconds):
        """Keeps so many processes alive for this time, and waits until all have died."""
        end, crowd = time.monotonic() + seconds, []
        while crowd or time.monotonic() < end:
            for process in crowd:
                self.assertIn(process.poll(), (None, 0, -signal.SIGKILL), "a call is wrong")
            crowd = [process for process in crowd if process.poll() is None]
            if time.monotonic() < end:
                crowd += [self.process() for _ in range(PROCESSES - len(crowd))]
            time.sleep(0.02)

    def send(self, done):
        feeds = [self.feed(group) for group in GROUPS]
        while not done.is_set():
            random.choice(feeds).send()
            time.sleep(0.001)

    def left(self):
        """What mgmd has when all clients are gone."""
        self.assertIsNone(self.mgmd.process.poll(), "mgmd has ended")
        until(lambda: not self.clients(), "no client is left", 20)
        until(lambda: not self.mfes(), "no MFE is left", 20)
        process = pathlib.Path(f"/proc/{self.mgmd.process.pid}")
        return {
            "descriptors": len(list((process / "fd").iterdir())),
            "threads": len(list((process / "task").iterdir())),
            "interfaces": sorted(
                (one["interface"], one["protocol"]) for one in self.owners()
            ),
        }

    def mfes(self):
        return self.mgmd.get("/v1/flows")["flows"]

    def owners(self):
        clients = self.mgmd.get("/v1/clients")["clients"]
        return [
            {"interface": link["interface"], "protocol": client["protocol"]}
            for client in clients for link in client["interfaces"]
        ]

    def stress(self, seconds):
        if not COMPILER:
            self.skipTest("no C compiler")
        for link in LINKS[2:]:
            self.link(link)
        self.program = Mgmd.build.program("crowd", HERE / "crowd.c")
        self.started = 0
        tables = [f'[[interface]]\nname = "{link}"\n' for link in LINKS[2:]]
        self.serve_clients(*tables, router='mfe-timeout = "1s"')
        done = threading.Event()
        sender = threading.Thread(target=self.send, args=(done,))
        sender.start()
        try:
            self.live(seconds / 4)
            done.set()
            sender.join()
            before, memory = self.left(), self.mgmd.memory()
            done.clear()
            sender = threading.Thread(target=self.send, args=(done,))
            sender.start()
            self.live(3 * seconds / 4)
        finally:
            done.set()
            sender.join()
        until(lambda: self.left() == before, f"mgmd has what it had: {before}", SPARE)
        grown = self.mgmd.memory() - memory
        print(f"{self.started} processes; {before}; mgmd uses {grown >> 10} KiB more than at first")
        self.assertLess(grown, SLACK)
        self.assertGreater(self.started, 2 * PROCESSES)
        # The next client is served as the first one.
        self.client(200, *LINKS).kill()
        self.gone(200)

    def test_a_crowd_of_processes_leaves_nothing_in_mgmd(self):
        """9.7"""
        self.stress(8)

    @long
    def test_a_crowd_of_processes_leaves_nothing_in_mgmd_after_a_minute(self):
        """9.7"""
        self.stress(60)
