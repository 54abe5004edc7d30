"""Routers for the pictures of scripts/picture: mgmd in network namespaces, with hosts and streams."""

import contextlib
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
RELEASE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"

CONFIG = """
[[interface]]
name = "lan"
igmp = { leave = "tracked" }

[[interface]]
name = "wlan0"
igmp = { leave = "tracked" }

[[proxy]]
upstream = "iptv"
downstream = ["lan", "wlan0"]
sources = ["10.160.0.0/16"]
forward-up = false
"""


class Scene:
    """A router of IPTV at home, on which boxes and stations receive channels."""

    def __init__(self, bed, modules):
        self._bed, self._modules = bed, modules
        bed.sends("iptv")
        self._hosts = [bed.link("lan"), bed.link("wlan0")]
        self._members = []
        self.shell = bed.shell
        bed.write(CONFIG)
        status, output = self.shell.run("sudo systemctl start mgmd")
        assert status == 0, output
        for channel in range(9):
            hosts = self._hosts[: channel % 3 + 1] if channel % 3 < 2 else []
            # 30 to 270 packets a second.
            period = 1 / (30 * (channel * 7 % 9 + 1))
            self.plays(f"239.1.1.{channel + 1}", f"10.160.0.{7 + channel % 4}", hosts, period)

    def plays(self, group, source, hosts=None, period=0.01):
        """Hosts join a channel, which a source sends."""
        typed, members, wires = self._modules
        for host in self._hosts[:1] if hosts is None else hosts:
            self._members.append(members.Member(host, group))
        stream = wires.Stream(typed.Feed(self._bed.senders, group, source), period)
        self._bed.addCleanup(stream.stop)

    def filter_strictly(self):
        """The system drops the channels, because the routes to their sources lead elsewhere."""
        self._bed.router.ip("route add 10.160.0.0/16 via 10.2.0.11")
        self._bed.router.sysctl(conf__iptv__rp_filter=1)


@contextlib.contextmanager
def iptv():
    """Yields the scene, and removes it afterwards."""
    modules = _modules()
    bed = modules[0].Typed()
    try:
        bed.setUp()
        yield Scene(bed, modules)
    finally:
        bed.doCleanups()


def _modules():
    """The tests have the hosts and the streams."""
    tests = ROOT / "tests"
    sys.path[:0] = [str(tests / "mgmd"), str(tests / "netns")]
    sys.dont_write_bytecode = True
    os.environ |= {
        "MGM_LIB_DIR": str(RELEASE), "MGM_MGMD": str(RELEASE / "mgmd"), "MGM_MGMCTL": str(RELEASE / "mgmctl"),
    }
    import members
    import typed
    import wires
    from build import Build

    typed.Mgmd.build = Build()
    return typed, members, wires
