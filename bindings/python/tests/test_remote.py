"""Batches, and client processes."""

import contextlib
import os
import pathlib
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

import mgm
from conftest import needs_router


def environment(path: pathlib.Path) -> dict[str, str]:
    """The environment of a client process of the router at this path."""
    own = {name: value for name, value in os.environ.items() if name != "MGM_FORWARDER"}
    return own | {"MGM_ROUTER": str(path)}


@contextlib.contextmanager
def started(path: pathlib.Path, program: str) -> Iterator[subprocess.Popen[str]]:
    """Starts a program as a client process. At the end of the block, it must have ended by itself, with success."""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment(path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
    assert process.returncode == 0


def test_a_batch_is_made_when_its_block_ends() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF)
    client.take(1)
    with mgm.remote.batch():
        client.join(1, "239.1.2.3")
        client.join(1, "239.1.2.4")
        client.leave(1, "239.1.2.3")
    assert [str(flow) for flow in client.groups()] == ["(*, 239.1.2.4)"]


def test_a_batch_names_the_first_refused_call() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF)
    client.take(1)
    with pytest.raises(mgm.InvalidParameterError) as refused, mgm.remote.batch():
        client.join(1, "239.1.2.3")
        client.join(7, "239.1.2.3")  # an interface of nobody
        client.join(1, "239.1.2.4")
    assert refused.value.number == 2
    assert len(list(client.groups())) == 2, "the calls around the refused one were made"


def test_an_exception_ends_a_batch() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF)
    client.take(1)
    with pytest.raises(KeyError), mgm.remote.batch():
        client.join(1, "239.1.2.3")
        raise KeyError
    with mgm.remote.batch():
        with pytest.raises(mgm.CanNotCompleteError) as nested, mgm.remote.batch():
            pass
    assert nested.value.number == 0


def test_grace_is_at_most_five_minutes_and_has_no_effect_in_a_router() -> None:
    with pytest.raises(mgm.InvalidParameterError):
        mgm.remote.set_grace(301)
    mgm.remote.set_grace(300)
    client = mgm.Client(mgm.PROTO_IP_OSPF)
    client.take(1)
    client.join(1, "239.1.2.3")
    client.grace_done()
    assert len(list(client.groups())) == 1, "nothing was left by another client"
    mgm.remote.set_grace(0)


@needs_router
def test_grace_needs_an_end_without_a_close(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "router"
    mgm.host.serve_clients(path)
    taker = "import mgm, os; mgm.remote.set_grace(60); client = mgm.Client(mgm.PROTO_IP_OSPF); client.take(5)"
    as_client(path, taker)
    assert mgm.owner_of(5) is None
    for end in ("os._exit(0)", "mgm.host.stop()"):
        as_client(path, f"{taker}; {end}")
        assert mgm.owner_of(5) == (mgm.PROTO_IP_OSPF, 0)
        as_client(path, taker)
        assert mgm.owner_of(5) is None


PROTOCOL = """
import mgm, sys, threading
lost = threading.Event()
mgm.remote.set_router_lost(lost.set)
client = mgm.Client(mgm.PROTO_IP_OSPF)
client.take(5)
print("ready", flush=True)
sys.stdin.readline()
assert lost.wait(60)
try:
    client.take(6)
except mgm.InvalidParameterError:
    print("lost", flush=True)
"""


@needs_router
def test_the_end_of_the_router_is_reported(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "router"
    mgm.host.serve_clients(path)
    with started(path, PROTOCOL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert mgm.owner_of(5) == (mgm.PROTO_IP_OSPF, 0)
        mgm.host.serve_clients(None)
        assert process.communicate("go\n", timeout=60)[0] == "lost\n"
    assert mgm.owner_of(5) is None


ALERTED = """
import asyncio, mgm, sys, threading
lost = threading.Event()

async def main():
    {before}
    client = mgm.Client(mgm.PROTO_IP_OSPF, alerts=True)
    client.take(5)
    {after}
    print("ready", flush=True)
    async for alert in client.alerts():
        print(alert, flush=True)
    client.close()
    print("ended", {called}, flush=True)

asyncio.run(main())
"""
OWN = "mgm.remote.set_router_lost(lost.set)"


@needs_router
@pytest.mark.parametrize(
    ("before", "after", "called"),
    [("", "", "True"), (OWN, "", "lost.wait(60)"), ("", OWN, "lost.wait(60)"),
     ("", "mgm.remote.set_router_lost(None)", "True")],
)
def test_alerts_end_with_the_router(tmp_path: pathlib.Path, before: str, after: str, called: str) -> None:
    path = tmp_path / "router"
    mgm.host.serve_clients(path)
    program = ALERTED.format(before=before or "pass", after=after or "pass", called=called)
    with started(path, program) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        mgm.host.serve_clients(None)
        assert process.communicate(timeout=30)[0] == "ended True\n"


AGAIN = """
import asyncio, mgm, sys, threading
from mgm import remote
connected, end_lost = threading.Event(), remote.close_lost

def late(is_lost):
    connected.wait(60)
    end_lost(is_lost)

remote.close_lost = late

async def main():
    old = mgm.Client(mgm.PROTO_IP_OSPF, alerts=True)
    print("ready", flush=True)
    sys.stdin.readline()
    new = None
    while new is None:
        try:
            new = mgm.Client(mgm.PROTO_IP_OSPF, 2, alerts=True)
        except mgm.CanNotCompleteError:
            pass  # The call itself has found that the router is lost.
    connected.set()
    print("old", [alert async for alert in old.alerts()], flush=True)
    sys.stdin.readline()
    print("new", (await anext(aiter(new.alerts()))).kind, flush=True)
    new.close()

asyncio.run(main())
"""


@needs_router
def test_a_client_of_the_next_router_keeps_its_alerts(tmp_path: pathlib.Path) -> None:
    """It is registered before the program is told that the former router is lost."""
    path = tmp_path / "router"
    mgm.host.serve_clients(path)
    other = mgm.Client(mgm.PROTO_IP_BGMP)
    other.take(2)
    with started(path, AGAIN) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        mgm.host.serve_clients(None)
        mgm.host.serve_clients(path)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "old []\n"
        other.join(2, "239.1.2.3")
        assert process.communicate("\n", timeout=30)[0] == "new join_alert\n"


EARLY = """
import asyncio, ctypes, mgm, threading
from mgm import _abi, client
told, call = threading.Event(), client.call

def slow(function, *arguments):
    if function != "MgmRegisterMProtocol":
        return call(function, *arguments)
    handle = _abi.HANDLE()
    call(function, *arguments[:-1], ctypes.byref(handle))
    print("registered", flush=True)
    assert told.wait(60)
    arguments[-1]._obj.value = handle.value

client.call = slow
mgm.remote.set_router_lost(told.set)

async def main():
    print([alert async for alert in mgm.Client(mgm.PROTO_IP_OSPF, alerts=True).alerts()], flush=True)

asyncio.run(main())
"""


@needs_router
def test_alerts_end_if_the_router_is_lost_before_the_handle_is_known(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "router"
    mgm.host.serve_clients(path)
    with started(path, EARLY) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "registered\n"
        mgm.host.serve_clients(None)
        assert process.communicate(timeout=30)[0] == "[]\n"


def as_client(path: pathlib.Path, program: str) -> str:
    """Runs a program as a client process, and returns what it has printed."""
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(
        command, env=environment(path), capture_output=True, text=True, check=True, timeout=60
    ).stdout


TAKER = """
import mgm
client = mgm.Client(mgm.PROTO_IP_OSPF, 7)
client.take(5)
for refused in (lambda: client.take(6), lambda: mgm.Client(mgm.PROTO_IP_BGP)):
    try:
        refused()
    except mgm.CanNotCompleteError:
        print("refused")
"""


@needs_router
def test_a_filter_decides_what_client_processes_may_do(tmp_path: pathlib.Path) -> None:
    asked: list[mgm.remote.ClientRequest] = []

    def permits(request: mgm.remote.ClientRequest) -> bool:
        asked.append(request)
        return request.protocol == mgm.PROTO_IP_OSPF and request.interface in (None, mgm.Interface(5))

    path = tmp_path / "router"
    mgm.host.serve_clients(path)
    mgm.remote.set_client_filter(permits)
    try:
        assert as_client(path, TAKER) == "refused\nrefused\n"
    finally:
        mgm.remote.set_client_filter(None)
    assert [(one.protocol, one.component, one.interface) for one in asked] == [
        (mgm.PROTO_IP_OSPF, 7, None),
        (mgm.PROTO_IP_OSPF, 7, mgm.Interface(5)),
        (mgm.PROTO_IP_OSPF, 7, mgm.Interface(6)),
        (mgm.PROTO_IP_BGP, 0, None),
    ]
    assert {one.user for one in asked} == {os.geteuid()}
    assert as_client(path, TAKER) == "", "nothing is refused any longer"


@needs_router
def test_the_socket_of_client_processes_has_settings(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "router"
    own = {"owner": os.geteuid(), "group": os.getegid()}
    mgm.host.serve_clients(path, 0o640, **own, max_processes=3, max_user_processes=1, answer_ms=500)
    found = path.stat()
    assert (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())
    assert stat.S_IMODE(found.st_mode) == 0o640
    one = "import mgm; mgm.Client(mgm.PROTO_IP_OSPF); print('registered')"
    assert as_client(path, one) == "registered\n"
    second = """
        import mgm, subprocess, sys
        mgm.Client(mgm.PROTO_IP_OSPF)
        ended = subprocess.run([sys.executable, "-c", "import mgm; mgm.Client(mgm.PROTO_IP_BGP)"])
        print("refused" if ended.returncode else "registered")
    """
    assert as_client(path, second) == "refused\n"
    mgm.host.serve_clients(path, max_user_processes=2)
    assert as_client(path, second) == "registered\n"
    for wrong in ({"mode": 0o1000}, {"max_user_processes": 65537}, {"answer_ms": 3_600_001}):
        with pytest.raises(mgm.InvalidParameterError):
            mgm.host.serve_clients(path, **wrong)
    with pytest.raises(ValueError):
        mgm.host.serve_clients(path, max_processes=1 << 32)
