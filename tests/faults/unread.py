"""Upcalls that cannot be read while interfaces change: none may be attributed to another interface."""

import os
import pathlib
import tempfile
import time

from lab import Lab, until
from router import CAN_NOT_COMPLETE, NO_ERROR, Router

GROUP, LATER = "239.1.2.3", "239.1.2.4"
FAR = "10.9.0.5"  # a source behind the host "source"
# How long no upcall can be read, in seconds. The router tries ten times a second.
BLIND = 1.0


def check():
    """All 32 VIFs are in use. One is released while an upcall that names it waits in the socket and
    every read fails. Then another device takes the number. Raises an exception if that fails."""
    with tempfile.TemporaryDirectory() as directory:
        switch, calls = (pathlib.Path(directory) / name for name in ("switch", "calls"))
        lab = Lab()
        try:
            _check(lab, switch, calls)
        finally:
            lab.close()


def _check(lab, switch, calls):
    source, one = lab.host("source"), lab.host("one")
    lab.link(source, "to-source")
    lab.link(one, "to-one")
    *others, newcomer = lab.spare(31)
    lab.router.ip(f"route add 10.9.0.0/24 via {source.address}")
    router = Router(
        lab.router,
        LD_PRELOAD=str(Router.build.interposer),
        MGM_FAULT="12 1 4000000000 recvmmsg",  # ENOMEM
        MGM_FAULT_WHILE=str(switch),
        MGM_CALLS=str(calls),
        MGM_LOG="info",
    )
    try:
        router.protocol("A", 200, "to-source", "to-one", *others)
        assert router.do(f"take A {newcomer}") == CAN_NOT_COMPLETE, "there are 32"

        switch.touch()
        one.emitter(GROUP, spoof=FAR).send()
        router.logs("cannot read upcalls", "memory")
        before = len(calls.read_text().splitlines())
        router.must("release A to-one")
        code = router.do(f"take A {newcomer}")
        time.sleep(BLIND)
        made = calls.read_text().splitlines()[before:]
        failed = [call for call in made if call.startswith("recvmmsg")]
        assert 2 <= len(failed) <= 100 * BLIND, f"{len(failed)} reads in {BLIND} s"
        os.unlink(switch)

        if code != NO_ERROR:
            assert code == CAN_NOT_COMPLETE, code
            router.logs("still being deleted")
        until(lambda: router.do(f"take A {newcomer}") != CAN_NOT_COMPLETE, "the number is free")
        assert router.heard("RPF", source=FAR) == [], "no client owns that interface any longer"
        near = source.emitter(LATER)
        near.send_until(lambda: router.heard("RPF", group=LATER), "later upcalls")
        router.logs("upcalls can be read again")
        told = router.heard("WRONG_IF", interface=router.index(newcomer))
        assert told == [], f"a packet of another link: {told}"
        assert router.heard("RPF", source=FAR) == []
        lines = [line for line in router.log.items if "cannot read upcalls" in line]
        assert len(lines) == 1, lines
        router.must("stop")
        assert router.close() == 0
    finally:
        router.kill()
        router.close()
