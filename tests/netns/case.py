"""The base class of the test cases: a lab and routers, which are removed after each test."""

import os
import socket
import unittest

import lab
from lab import MRT_TABLE, Lab
from router import Router

GROUP = "239.1.2.3"


def kernel_only(reason):
    """Marks a test or a class that is about the kernel forwarder. With another one it does not run."""
    return _not_here(lab.FORWARDER != "kernel", f"about the kernel forwarder: {reason}")


def not_with_clsact(reason):
    """Marks a test or a class that does not run where programs are attached by clsact."""
    by_clsact = lab.FORWARDER == "ebpf" and os.environ.get("MGM_TC") == "clsact"
    return _not_here(by_clsact, f"not with clsact: {reason}")


def _not_here(condition, reason):
    """The runner leaves out what has this mark, and says why. It does not count as skipped: nothing is
    missing that could be installed."""

    def mark(test):
        if condition:
            test.not_here = reason
        return test

    return mark


class NetnsTest(unittest.TestCase):
    """`self.lab` is a router without links; Lab adds hosts."""

    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.close)

    def router(self, *arguments, **options):
        router = Router(self.lab.router, *arguments, **options)
        self.addCleanup(router.close)
        return router

    def hosts(self, *names):
        """Returns hosts with one link each. The router's interface to host x is to-x."""
        made = []
        for name in names:
            host = self.lab.host(name)
            self.lab.link(host, f"to-{name}")
            made.append(host)
        return made

    def one_receiver(self):
        """Returns a source, a receiver, and a router that forwards GROUP to the receiver."""
        source, receiver = self.hosts("source", "receiver")
        router = self.router()
        router.protocol("A", 200, "to-source", "to-receiver")
        router.must(f"join A * {GROUP} to-receiver")
        return source, receiver, router

    def needs_table(self, number):
        """Skips the test if the kernel has only one multicast routing table."""
        probe = self.lab.router.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        try:
            probe.setsockopt(socket.IPPROTO_IP, MRT_TABLE, number)
        except OSError as error:
            self.skipTest(f"no multicast routing tables in this kernel ({error})")
        finally:
            probe.close()

    def assert_kernel_empty(self):
        """Checks that the kernel's tables are empty."""
        self.assertEqual(self.lab.router.read("ip_mr_vif"), [])
        self.assertEqual(self.lab.router.read("ip_mr_cache"), [])
