"""A routing protocol as a module of mgmd, which takes interfaces when a test says so (protocol.c)."""

import os
import pathlib
import re
import shutil

from bed import OneHost
from build import COMPILER
from daemon import Mgmd
from lab import until

HERE = pathlib.Path(__file__).resolve().parent


def protocol(test):
    """Returns the path of the module, or skips the test."""
    if not shutil.which(COMPILER):
        test.skipTest("no C compiler")
    return Mgmd.build.module("protocol", HERE / "protocol.c")


class ModuleBed(OneHost):
    """mgmd with the module."""

    def serve_with_module(self, igmp=None, *tables):
        path = protocol(self)
        self.fifo = Mgmd.build.directory / f"fifo-{os.getpid()}-{id(self)}"
        os.mkfifo(self.fifo)
        self.addCleanup(self.fifo.unlink)
        module = f'[[module]]\npath = "{path}"\nargs = "{self.fifo}"\n'
        return self.serve(igmp, *tables, module)

    def say(self, command, link):
        """Gives the module a command about a link, or about none, and checks its code."""
        index = self.router.index(link) if link else 0
        before = len(self.mgmd.lines(f"module: {command}"))
        with open(self.fifo, "w", encoding="ascii") as fifo:
            fifo.write(f"{command} {index}\n")
        done = until(lambda: self.mgmd.lines(f"module: {command}")[before:], f"{command} {link}")
        # The code is in the place of the group.
        self.assertIn(", 0.0.0.0)", done[0])

    def told(self, what):
        """Returns the groups of the module's callbacks of this kind, in order."""
        lines = self.mgmd.lines(f"module: {what}")
        return [re.search(r"\(\*, ([\d.]+)\)", line)[1] for line in lines]
