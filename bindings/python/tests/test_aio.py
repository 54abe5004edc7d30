"""Programs with asyncio."""

import _thread
import asyncio
import contextlib
import threading
import time
import weakref
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest

import mgm
from conftest import needs_router
from mgm import Alert, Flow, Interface, aio, alerts, host

T = TypeVar("T")


def run(program: Coroutine[Any, Any, T]) -> T:
    """Runs a program that ends soon, or fails."""

    async def soon() -> T:
        return await asyncio.wait_for(program, 60)

    return asyncio.run(soon())


GROUP, SOURCE = "239.1.2.3", "10.0.0.5"
STAR_G, S_G = Flow(None, GROUP), Flow(SOURCE, GROUP)


def test_alerts_are_iterated_until_the_client_is_closed() -> None:
    async def program() -> list[Alert]:
        heard = []
        async with mgm.Client(mgm.PROTO_IP_OSPF, alerts=True) as client, mgm.Client(mgm.PROTO_IP_BGMP) as other:
            await aio.call(other.take, 2)
            await aio.call(other.join, 2, GROUP)
            await aio.call(other.leave, 2, GROUP)
            async for alert in client.alerts():
                heard.append(alert)
                if alert.kind == "prune_alert":
                    client.close()
        return heard

    assert run(program()) == [
        Alert("join_alert", STAR_G, other=True),
        Alert("prune_alert", STAR_G, Interface(2), other=True),
    ]


def test_a_task_waits_for_alerts_of_other_threads() -> None:
    """The alerts come while the task already waits, from a thread that is not the loop's."""

    async def program() -> None:
        client = mgm.Client(mgm.PROTO_IP_IGMP, alerts=True)
        client.take(2)
        heard: asyncio.Queue[Alert] = asyncio.Queue()

        async def read() -> None:
            async for alert in client.alerts():
                heard.put_nowait(alert)

        task = asyncio.create_task(read())
        await asyncio.sleep(0)
        owner = mgm.Client(mgm.PROTO_IP_OSPF, alerts=True)
        thread = threading.Thread(target=owner.take, args=(2,))
        thread.start()
        kinds = [(await asyncio.wait_for(heard.get(), 30)).kind for _ in range(2)]
        assert kinds == ["disable_igmp", "enable_igmp"]
        thread.join()
        await aio.call(client.join, 2, GROUP)
        alerts = owner.alerts()
        assert await asyncio.wait_for(anext(aiter(alerts)), 30) == Alert("local_join", STAR_G, Interface(2))
        client.close()
        await asyncio.wait_for(task, 30)
        owner.close()

    run(program())


def test_packets_are_awaited_and_the_loop_goes_on() -> None:
    async def program() -> None:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        answered = threading.Event()

        def rpf(flow: Flow, suggested: mgm.Incoming, header: bytes) -> None:
            assert host.arrival() == Interface(1)
            before = turns
            for _ in range(3000):
                if turns >= before + 3:
                    answered.set()
                    break
                time.sleep(0.01)

        inner, outer = mgm.Client(mgm.PROTO_IP_OSPF, rpf=rpf), mgm.Client(mgm.PROTO_IP_BGMP)
        inner.take(1)
        outer.take(2)
        outer.join(2, GROUP)
        host.add_route("10.0.0.0/8", 1)
        task = asyncio.create_task(turn())
        decision = await asyncio.wait_for(aio.packet_in(SOURCE, GROUP, 1), 30)
        assert decision == host.Decision(True, (Interface(2),))
        assert answered.is_set()
        task.cancel()
        with pytest.raises(mgm.InvalidParameterError):
            await aio.packet_in(SOURCE, SOURCE, 1)

    run(program())


def test_callbacks_come_before_alerts() -> None:
    heard = []
    client = mgm.Client(mgm.PROTO_IP_OSPF, alerts=True, join_alert=lambda flow, other: heard.append(flow))
    other = mgm.Client(mgm.PROTO_IP_BGMP)
    other.take(2)
    other.join(2, GROUP)
    other.leave(2, GROUP)
    client.close()

    async def program() -> list[str]:
        return [alert.kind async for alert in client.alerts()]

    assert run(program()) == ["prune_alert"]
    assert heard == [STAR_G]


def test_a_program_that_reads_no_alerts_never_hangs() -> None:
    """More alerts than wait for a reader, which a thread of the program causes."""
    client = mgm.Client(mgm.PROTO_IP_OSPF, alerts=True)
    other = mgm.Client(mgm.PROTO_IP_BGMP)
    other.take(2)

    def join() -> None:
        for number in range(1500):
            other.join(2, f"239.1.{number // 250}.{number % 250 + 1}")

    thread = threading.Thread(target=join, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    client.close()

    async def program() -> int:
        return len([alert async for alert in client.alerts()])

    assert run(program()) == 1500


def test_a_stop_does_not_wait_for_a_reader() -> None:
    """A thread that Python has not started, such as one of the library, waits for the reader of the alerts."""
    client = mgm.Client(mgm.PROTO_IP_OSPF, alerts=True)
    other = mgm.Client(mgm.PROTO_IP_BGMP)
    other.take(2)
    joined: list[int] = []

    def join() -> None:
        # The stop makes the handle invalid.
        with contextlib.suppress(mgm.InvalidParameterError):
            for number in range(1100):
                other.join(2, f"239.1.{number // 250}.{number % 250 + 1}")
                joined.append(number)

    _thread.start_new_thread(join, ())
    while len(joined) < 1024:
        time.sleep(0.01)
    time.sleep(0.2)
    assert len(joined) == 1024, "the thread does not wait"
    stopping = threading.Thread(target=host.stop, daemon=True)
    stopping.start()
    stopping.join(30)
    assert not stopping.is_alive()
    client.close()


def test_a_close_that_fails_loses_no_alerts() -> None:
    """A close fails while another thread is taking an interface."""
    asked, go_on = threading.Event(), threading.Event()

    def enable(_interface: Interface) -> None:
        asked.set()
        go_on.wait(60)

    igmp = mgm.Client(mgm.PROTO_IP_IGMP, enable_igmp=enable)
    igmp.take(2)
    client, other = mgm.Client(mgm.PROTO_IP_OSPF, alerts=True), mgm.Client(mgm.PROTO_IP_BGMP)
    thread = threading.Thread(target=client.take, args=(2,), daemon=True)
    thread.start()
    assert asked.wait(60)
    with pytest.raises(mgm.CanNotCompleteError):
        client.close()
    go_on.set()
    thread.join(60)
    other.take(3)
    other.join(3, GROUP)
    client.close()

    async def program() -> list[Alert]:
        return [alert async for alert in client.alerts()]

    assert run(program()) == [Alert("join_alert", STAR_G, other=True)]


@needs_router
def test_a_stop_that_fails_loses_no_alerts() -> None:
    """A stop fails inside the log callback."""
    refused: list[mgm.MgmError] = []

    def log(_level: host.LogLevel, _text: str) -> None:
        try:
            host.stop()
        except mgm.CanNotCompleteError as error:
            refused.append(error)

    host.start(forwarder=host.Forwarder.MEMORY, log_level=host.LogLevel.WARN, log=log)
    client, other = mgm.Client(mgm.PROTO_IP_OSPF, alerts=True), mgm.Client(mgm.PROTO_IP_BGMP)
    with pytest.raises(mgm.NotFoundError):
        client.leave(77, GROUP)
    assert refused
    other.take(3)
    other.join(3, GROUP)
    client.close()
    host.set_log_level(host.LogLevel.OFF)
    host.set_log(None)

    async def program() -> list[Alert]:
        return [alert async for alert in client.alerts()]

    assert run(program()) == [Alert("join_alert", STAR_G, other=True)]


@pytest.mark.parametrize("is_made", [False, True])
def test_a_client_that_is_registered_for_a_cancelled_task_is_closed(is_made: bool) -> None:
    made: list[mgm.Client] = []
    begun, go_on = threading.Event(), threading.Event()

    def register() -> mgm.Client:
        begun.set()
        go_on.wait(60)
        made.append(mgm.Client(mgm.PROTO_IP_OSPF))
        made[0].take(2)
        return made[0]

    async def program() -> None:
        task = asyncio.create_task(aio.call(register))
        while not begun.is_set():
            await asyncio.sleep(0.01)
        if is_made:
            go_on.set()
            # The loop does not run, so the task does not see the result.
            while not made or host.status()["totals"]["interfaces"] == 0:
                time.sleep(0.01)
            time.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()

    run(program())
    for _ in range(3000):
        if made and "closed" in repr(made[0]):
            return
        time.sleep(0.01)
    pytest.fail("the client stays registered")


def test_a_client_that_is_returned_to_a_cancelled_task_stays_if_others_had_it() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF)
    begun, go_on = threading.Event(), threading.Event()

    def get() -> mgm.Client:
        mgm.Client(mgm.PROTO_IP_BGMP)
        begun.set()
        go_on.wait(60)
        return client

    async def program() -> None:
        task = asyncio.create_task(aio.call(get))
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()

    # The end of the event loop waits for the call.
    run(program())
    client.take(2)
    assert "closed" not in repr(client)


def test_clients_may_be_registered_while_the_iterations_of_others_end(monkeypatch: pytest.MonkeyPatch) -> None:
    iterates, added = threading.Event(), threading.Event()
    lacking: list[str] = []

    class Slow(weakref.WeakSet[alerts.Alerts]):
        def add(self, item: alerts.Alerts) -> None:
            lacking.extend(vars(made).keys() - vars(item).keys())
            super().add(item)

        def __iter__(self) -> Iterator[alerts.Alerts]:
            for each in super().__iter__():
                yield each
                iterates.set()
                added.wait(0.2)

    made = alerts.Alerts()
    slow = Slow([made])
    monkeypatch.setattr(alerts, "_all", slow)

    def register() -> None:
        assert iterates.wait(60)
        other.append(alerts.Alerts())
        added.set()

    other: list[alerts.Alerts] = []
    thread = threading.Thread(target=register)
    thread.start()
    with alerts.ending():
        pass
    thread.join(60)
    assert made._is_closed and other[0] in set(slow) and not lacking


def test_a_signal_handler_may_register_a_client_while_the_iterations_of_others_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other: list[alerts.Alerts] = []

    class Interrupted(weakref.WeakSet[alerts.Alerts]):
        def __iter__(self) -> Iterator[alerts.Alerts]:
            for each in super().__iter__():
                yield each
                if not other:
                    other.append(alerts.Alerts())

    made = alerts.Alerts()
    monkeypatch.setattr(alerts, "_all", Interrupted([made]))
    with alerts.ending():
        pass
    assert made._is_closed and other[0]._is_closed


def test_alerts_must_be_asked_for() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF)
    with pytest.raises(TypeError, match="alerts=True"):
        client.alerts()
