"""Exceptions say why, and in which way the program is wrong."""

import pathlib
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

import mgm
from mgm import host


def test_an_error_has_the_words_of_the_log() -> None:
    lines: list[str] = []
    host.start(log_level=host.LogLevel.WARN, log=lambda level, text: lines.append(text))
    client = mgm.Client(mgm.PROTO_IP_OSPF, 1)
    with pytest.raises(mgm.NotFoundError) as refused:
        client.leave(7, "239.1.2.3")
    error = refused.value
    assert lines == [f"MgmDeleteGroupMembershipEntry: {error.reason}"]
    assert str(error) == f"MgmDeleteGroupMembershipEntry: ERROR_NOT_FOUND: {error.reason} (code 1168)"
    assert "7" in error.reason
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.reason) == (str(error), error.reason)


def test_the_reason_is_that_of_the_same_thread() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF, 1)
    reasons: dict[int, set[str]] = {}

    def refused(index: int) -> None:
        for _ in range(200):
            with pytest.raises(mgm.NotFoundError) as error:
                client.leave(index, "239.1.2.3")
            reasons.setdefault(index, set()).add(error.value.reason)

    threads = [threading.Thread(target=refused, args=(index,)) for index in range(101, 105)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reasons) == [101, 102, 103, 104]
    for index, said in reasons.items():
        assert len(said) == 1 and str(index) in said.pop()


def test_a_closed_client_says_so() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF, 5)
    client.take(1)
    assert repr(client) == "<mgm.Client protocol=13 component=5 interfaces=['1']>"
    client.close()
    calls: list[Callable[[], object]] = [
        lambda: client.take(1),
        lambda: client.release(1),
        lambda: client.join(1),
        lambda: client.leave(1),
        lambda: client.set_mfe("10.0.0.5", "239.1.2.3"),
        lambda: list(client.groups()),
        client.grace_done,
    ]
    for call in calls:
        with pytest.raises(mgm.ClosedError, match="component=5 closed> is closed"):
            call()
    assert repr(client) == "<mgm.Client protocol=13 component=5 closed>"


@pytest.mark.parametrize("wrong", ["1", None, 1.5, b"1"])
def test_wrong_types_are_type_errors(wrong: Any) -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF, 1)
    calls: list[Callable[[], object]] = [
        lambda: client.take(wrong),
        lambda: mgm.Client(wrong),
        lambda: host.set_flow_limit(wrong, 1),
        lambda: host.start(table=wrong),
        lambda: client.set_mfe("10.0.0.5", "239.1.2.3", incoming=wrong),
        lambda: host.packet_in("10.0.0.5", "239.1.2.3", 1, size=wrong),
    ]
    for number, call in enumerate(calls):
        with pytest.raises(TypeError):
            print(number, call())


def test_texts_that_c_would_cut_off(tmp_path: pathlib.Path) -> None:
    path = f"{tmp_path}/socket\0other"
    calls: list[Callable[[], object]] = [
        lambda: host.serve_status(path),
        lambda: host.serve_clients(path),
        lambda: host.start(router=path),
        lambda: host.set_scope_name("239.0.0.0/8", "a\0b"),
        lambda: mgm.Interface.by_name("lo\0"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="null character"):
            call()
    assert not list(tmp_path.iterdir())


def test_messages_name_what_is_wrong() -> None:
    with pytest.raises(TypeError, match="protocol must be a number, not 'a'"):
        mgm.Client("a")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the index of an interface must be from 0 to 0xFFFFFFFF, not -1"):
        mgm.owner_of(-1)


def test_wrong_addresses() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF, 1)
    client.take(1)
    with pytest.raises(TypeError, match="is not an address"):
        client.join(1, 17)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        client.join(1, "239.1.2")
    with pytest.raises(ValueError):
        host.add_route("10.0.0.0/33", 1)
    with pytest.raises(ValueError, match="must be from 0"):
        host.start(table=2**32 + 1)
    with pytest.raises(TypeError, match="neither a function"):
        host.set_log("stderr")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        host.packet_in("10.0.0.5", "239.1.2.3", 1, header="text")  # type: ignore[arg-type]
