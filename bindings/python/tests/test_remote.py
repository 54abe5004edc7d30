"""Batches, and client processes."""

import os
import pathlib
import subprocess
import sys

import pytest

import mgm
from conftest import needs_router


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
    environment = {name: value for name, value in os.environ.items() if name != "MGM_FORWARDER"}
    with subprocess.Popen(
        [sys.executable, "-c", PROTOCOL],
        env=environment | {"MGM_ROUTER": str(path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert mgm.owner_of(5) == (mgm.PROTO_IP_OSPF, 0)
        mgm.host.serve_clients(None)
        assert process.communicate("go\n", timeout=60)[0] == "lost\n"
    assert process.returncode == 0
    assert mgm.owner_of(5) is None
