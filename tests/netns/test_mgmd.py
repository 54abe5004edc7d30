"""mgmd: streams from one interface to hosts that joined behind another."""

from case import GROUP, NetnsTest
from mgmd import FAST, Mgmd


def interfaces(*names, settings=FAST):
    return "".join(f'[[interface]]\nname = "{name}"\n{settings}\n' for name in names)


class MgmdTest(NetnsTest):
    def mgmd(self, config, **options):
        mgmd = Mgmd(self.lab.router, config, **options)
        self.addCleanup(mgmd.close)
        return mgmd

    def flows(self, emitter, collector, timeout=5.0):
        """Sends until the collector has a datagram more."""
        before = collector.count
        emitter.send_until(lambda: collector.count > before, "the stream", timeout)


class Streams(MgmdTest):
    def setUp(self):
        super().setUp()
        self.source, self.receiver = self.hosts("source", "receiver")

    def test_host_joins_and_leaves(self):
        self.mgmd(interfaces("to-source", "to-receiver"))
        collector, emitter = self.receiver.collector(GROUP), self.source.emitter(GROUP)
        self.flows(emitter, collector)
        collector.leave()
        self.receiver.tap(GROUP).falls_silent(emitter)

    def test_clean_stop_leaves_nothing_in_the_kernel(self):
        mgmd = self.mgmd(interfaces("to-source", "to-receiver"))
        self.flows(self.source.emitter(GROUP), self.receiver.collector(GROUP))
        self.assertEqual(mgmd.stop(), 0)
        self.assert_kernel_empty()
