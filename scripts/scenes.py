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


@contextlib.contextmanager
def iptv():
    """A router of IPTV at home, on which boxes and stations receive channels. Yields its shell."""
    typed, members, wires = _modules()
    bed = typed.Typed()
    try:
        bed.setUp()
        bed.sends("iptv")
        hosts = [bed.link("lan"), bed.link("wlan0")]
        bed.shell.path("/etc/mgmd/mgmd.toml").write_text(CONFIG, encoding="utf-8")
        status, output = bed.shell.run("sudo systemctl start mgmd")
        assert status == 0, output
        bed.members = []
        for channel in range(9):
            group = f"239.1.1.{channel + 1}"
            for host in hosts[: channel % 3 + 1 if channel % 3 < 2 else 0]:
                bed.members.append(members.Member(host, group))
            # 30 to 270 packets a second.
            emitter = typed.Feed(bed.senders, group, f"10.160.0.{7 + channel % 4}")
            stream = wires.Stream(emitter, 1 / (30 * (channel * 7 % 9 + 1)))
            bed.addCleanup(stream.stop)
        yield bed.shell
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
