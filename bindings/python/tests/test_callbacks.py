"""Callbacks that Python answers, whatever thread they come on."""

import gc
import subprocess
import sys
import threading
import weakref
from ipaddress import IPv4Address
from typing import Any

import pytest

import mgm
from mgm import Flow, Incoming, Interface, Outgoing, host

GROUP, SOURCE = IPv4Address("239.1.2.3"), IPv4Address("10.0.0.5")
STAR_G, S_G = Flow(None, GROUP), Flow(SOURCE, GROUP)
HEADER = bytes([0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 5, 239, 1, 2, 3])


def test_what_others_want() -> None:
    heard: list[Any] = []
    listener = mgm.Client(
        mgm.PROTO_IP_OSPF,
        join_alert=lambda *arguments: heard.append(("join", *arguments)),
        prune_alert=lambda *arguments: heard.append(("prune", *arguments)),
    )
    with mgm.Client(mgm.PROTO_IP_BGMP) as other:
        other.take(2)
        other.join(2, GROUP)
        other.leave(2, GROUP)
    assert heard == [("join", STAR_G, True), ("prune", STAR_G, Interface(2), True, None)]
    listener.close()


def test_answers_count() -> None:
    heard: list[Any] = []

    def rpf(flow: Flow, suggested: Incoming, header: bytes) -> Incoming:
        heard.append((flow, suggested, header))
        return Incoming(suggested.interface, IPv4Address("192.0.2.9"))

    def creation(flow: Flow, incoming: Interface, outgoing: list[Outgoing]) -> None:
        heard.append((flow, incoming, [(o.interface, o.igmp, o.enabled) for o in outgoing]))
        outgoing[0].enabled = False

    def prune(flow: Flow, interface: Interface, nobody_else: bool, timeout: int | None) -> int:
        heard.append((flow, interface, nobody_else, timeout))
        return 60

    inner = mgm.Client(mgm.PROTO_IP_OSPF, rpf=rpf, prune_alert=prune)
    outer = mgm.Client(mgm.PROTO_IP_BGMP, creation_alert=creation)
    inner.take(1)
    outer.take(2)
    outer.join(2, GROUP)
    host.add_route("10.0.0.0/8", 1)
    assert host.packet_in(SOURCE, GROUP, 1, header=HEADER).outgoing == ()
    assert heard == [
        (S_G, Incoming(Interface(1)), HEADER),
        (S_G, Interface(1), [(Interface(2), False, True)]),
        (S_G, Interface(1), False, 900),
    ]
    mfe = mgm.get_mfe(SOURCE, GROUP)
    assert (mfe.upstream, mfe.timeout, mfe.outgoing) == (IPv4Address("192.0.2.9"), 60, ())


def test_igmp_and_wrong_interface() -> None:
    heard: list[Any] = []

    def note(name: str) -> Any:
        return lambda *arguments: heard.append((name, *arguments))

    igmp = mgm.Client(mgm.PROTO_IP_IGMP, disable_igmp=note("disable"), enable_igmp=note("enable"))
    igmp.take(2)
    owner = mgm.Client(
        mgm.PROTO_IP_OSPF, local_join=note("join"), local_leave=note("leave"), wrong_if=note("wrong")
    )
    owner.take(1)
    owner.take(2)
    igmp.join(2, GROUP)
    host.add_route("10.0.0.0/8", 1)
    host.packet_in(SOURCE, GROUP, 1)
    host.packet_in(SOURCE, GROUP, 2, header=HEADER)
    igmp.leave(2, GROUP)
    assert heard == [
        ("disable", Interface(2)),
        ("enable", Interface(2)),
        ("join", STAR_G, Interface(2)),
        ("wrong", S_G, Interface(2), HEADER),
        ("leave", STAR_G, Interface(2)),
    ]


def test_mgms_own_threads_call_python() -> None:
    """An MFE that forwards is renewed when its time is over: a thread of MGM's asks."""
    host.start(forwarder=host.Forwarder.MEMORY, mfe_timeout=1)
    here, renewed = threading.get_native_id(), threading.Event()

    def rpf(flow: Flow, suggested: Incoming, header: bytes) -> None:
        if threading.get_native_id() != here:
            # Any function may be called in a callback, on any thread.
            assert mgm.owner_of(1) == (mgm.PROTO_IP_OSPF, 0)
            renewed.set()

    client = mgm.Client(mgm.PROTO_IP_OSPF, rpf=rpf)
    for index in (1, 2):
        client.take(index)
    client.join(2, GROUP)
    host.add_route("10.0.0.0/8", 1)
    for _ in range(1000):
        host.packet_in(SOURCE, GROUP, 1)
        if renewed.wait(0.03):
            break
    assert renewed.is_set()
    client.close()


def test_callbacks_outlive_their_client_object() -> None:
    """What C may call is kept, though nobody here holds the client."""
    heard: list[Flow] = []

    def register() -> weakref.ref[Any]:
        def join_alert(flow: Flow, somebody_else: bool) -> None:
            heard.append(flow)

        mgm.Client(mgm.PROTO_IP_OSPF, join_alert=join_alert)
        return weakref.ref(join_alert)

    function = register()
    gc.collect()
    assert function() is not None
    other = mgm.Client(mgm.PROTO_IP_BGMP)
    other.take(2)
    other.join(2, GROUP)
    assert heard == [STAR_G]


def test_callbacks_go_with_their_client() -> None:
    class Heard:
        def join_alert(self, flow: Flow, somebody_else: bool) -> None: ...

    heard = Heard()
    reference = weakref.ref(heard)
    client = mgm.Client(mgm.PROTO_IP_OSPF, join_alert=heard.join_alert)
    client.close()
    del heard
    gc.collect()
    assert reference() is None


def test_close_inside_its_own_callback() -> None:
    heard: list[Flow] = []

    def join_alert(flow: Flow, somebody_else: bool) -> None:
        heard.append(flow)
        listener.close()
        gc.collect()
        # C still has to return through it.
        assert running() is not None
        heard.append(flow)

    listener = mgm.Client(mgm.PROTO_IP_OSPF, join_alert=join_alert)
    running = weakref.ref(listener._thunks[0])
    other = mgm.Client(mgm.PROTO_IP_BGMP)
    other.take(2)
    other.join(2, GROUP)
    other.join(2, "239.9.9.9")
    assert heard == [STAR_G, STAR_G]


def test_an_exception_is_reported_and_the_default_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", reported.append)

    def rpf(flow: Flow, suggested: Incoming, header: bytes) -> Incoming:
        raise KeyError("no such neighbour")

    def creation(flow: Flow, incoming: Interface, outgoing: list[Outgoing]) -> None:
        outgoing[0].enabled = False
        raise KeyError("and none here")

    client = mgm.Client(mgm.PROTO_IP_OSPF, rpf=rpf, creation_alert=creation)
    for index in (1, 2):
        client.take(index)
    client.join(2, GROUP)
    host.add_route("10.0.0.0/8", 1, "192.0.2.1")
    assert host.packet_in(SOURCE, GROUP, 1).outgoing == (Interface(2),)
    assert [type(each.exc_value) for each in reported] == [KeyError, KeyError]


@pytest.mark.parametrize(
    ("callback", "why"),
    [
        (lambda flow: None, r"join_alert is called with \(flow, somebody_else\)"),
        (lambda flow, wanted, more: None, "but .* has the parameters"),
        ("print", "must be a function"),
    ],
)
def test_callbacks_of_the_wrong_signature_are_refused(callback: Any, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        mgm.Client(mgm.PROTO_IP_OSPF, join_alert=callback)
    # And nothing was registered.
    mgm.Client(mgm.PROTO_IP_OSPF).close()


def test_async_callbacks_are_refused() -> None:
    async def later(flow: Flow, somebody_else: bool) -> None: ...

    with pytest.raises(TypeError, match="must not be async"):
        mgm.Client(mgm.PROTO_IP_OSPF, join_alert=later)


def test_unknown_callbacks_are_refused() -> None:
    with pytest.raises(TypeError, match="join_alarm"):
        mgm.Client(mgm.PROTO_IP_OSPF, join_alarm=print)  # type: ignore[call-arg]


def test_the_interpreters_end() -> None:
    """Flows go on being renewed while Python ends: nobody calls into what is gone."""
    program = f"""
import mgm, threading, time
mgm.host.start(forwarder=mgm.host.Forwarder.MEMORY, mfe_timeout=1, log=lambda level, text: None,
               log_level=mgm.host.LogLevel.DEBUG)
renewing = threading.Event()
def rpf(flow, suggested, header):
    time.sleep(0.002)
    if threading.current_thread() is not threading.main_thread():
        renewing.set()
client = mgm.Client(1, rpf=rpf)
client.take(1); client.take(2); client.join(2)
mgm.host.add_route("10.0.0.0/8", 1)
while not renewing.is_set():
    for i in range(200):
        mgm.host.packet_in("{SOURCE}", f"239.1.1.{{i + 1}}", 1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    # What a callback that is under way has to tell after the log function has gone is told on stderr.
    strange = [line for line in done.stderr.splitlines() if not line.startswith("mgm: ")]
    assert (done.returncode, strange) == (0, [])
