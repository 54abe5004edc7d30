"""What all test cases share: a lab and a router that are gone afterwards."""

import unittest

from lab import Lab
from router import Router

GROUP = "239.1.2.3"


class NetnsTest(unittest.TestCase):
    """`self.lab` is a fresh router without links; see Lab for adding hosts."""

    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.close)

    def router(self, *arguments, **options):
        router = Router(self.lab.router, *arguments, **options)
        self.addCleanup(router.close)
        return router

    def hosts(self, *names):
        """Hosts with one link each; the router's interfaces are called after them."""
        made = []
        for name in names:
            host = self.lab.host(name)
            self.lab.link(host, f"to-{name}")
            made.append(host)
        return made

    def assert_kernel_empty(self):
        """Nothing of ours is left in the kernel's tables."""
        self.assertEqual(self.lab.router.read("ip_mr_vif"), [])
        self.assertEqual(self.lab.router.read("ip_mr_cache"), [])
