"""Modules of mgmd: protocols in C that run in its process."""

import pathlib

from case import GROUP, NetnsTest
from mgmd import FAST, Mgmd
from router import TREE, Router

EXAMPLE = ("examples/module/module.c", "examples/protocol.c", "examples/igmp.c")


def example():
    """Returns the path of the example."""
    return Mgmd.build.module("protocol", *(TREE / source for source in EXAMPLE))


def module(path, args=""):
    return f'[[module]]\npath = "{path}"\nargs = "{args}"\n'


def interfaces(*names):
    return "".join(f'[[interface]]\nname = "{name}"\n{FAST}\n' for name in names)


class Modules(NetnsTest):
    def setUp(self):
        super().setUp()
        self.source, self.receiver = self.hosts("source", "receiver")
        self.interfaces = interfaces("to-source", "to-receiver")

    def mgmd(self, config, **options):
        mgmd = Mgmd(self.lab.router, config, **options)
        self.addCleanup(mgmd.close)
        return mgmd

    def test_stream_flows_to_a_host_on_an_interface_of_the_example(self):
        mgmd = self.mgmd(self.interfaces + module(example(), "1 to-source to-receiver"))
        mgmd.says("protocol 1: took to-receiver")
        collector, emitter = self.receiver.collector(GROUP), self.source.emitter(GROUP)
        emitter.send_until(lambda: collector.count >= 3, "the stream")

        maps = pathlib.Path(f"/proc/{mgmd.process.pid}/maps").read_text().splitlines()
        libraries = {line.split()[-1] for line in maps if "libmgm" in line}
        self.assertEqual(len(libraries), 1, libraries)

        self.assertEqual(mgmd.stop(), 0)
        self.assertEqual(mgmd.has_said("did not stop|error"), [])
        self.assert_kernel_empty()

    def test_module_that_fails_ends_mgmd_and_is_named(self):
        good = module(example(), "1 to-source")
        for bad, reason in (
            ("/nowhere/protocol.so", "cannot open shared object file"),
            (Router.build.directory / "interpose.so", "is not linked with libmgm.so.1"),
        ):
            mgmd = self.mgmd(self.interfaces + good + module(bad), wait=False)
            mgmd.says(f"module {bad}: .*{reason}")
            self.assertEqual(mgmd.process.wait(10), 1)
            self.assert_kernel_empty()

    def test_module_whose_interface_is_missing_ends_mgmd(self):
        mgmd = self.mgmd(self.interfaces + module(example(), "1 to-nobody"), wait=False)
        mgmd.says("protocol 1: cannot take the interface to-nobody")
        mgmd.says(f"module {example()}: mgmd_module_init returned [0-9]+")
        self.assertEqual(mgmd.process.wait(10), 1)

    def test_reload_that_changes_modules_is_refused(self):
        mgmd = self.mgmd(self.interfaces)
        mgmd.reload(self.interfaces + module(example(), "1 to-source"))
        mgmd.says("module.*restart|restart.*module")
        self.assertEqual(mgmd.has_said("protocol 1:"), [])
