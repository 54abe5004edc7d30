"""The router's side."""

import logging
import pathlib
import socket

import pytest

import mgm
from conftest import needs_router
from mgm import host


def test_settings() -> None:
    host.start(forwarder=host.Forwarder.MEMORY, mfe_timeout=5)
    with pytest.raises(mgm.AlreadyExistsError):
        host.start()
    client = mgm.Client(mgm.PROTO_IP_OSPF)
    client.take(1)
    host.add_route("10.0.0.0/8", 1)
    host.packet_in("10.0.0.5", "239.1.2.3", 1)
    assert mgm.get_mfe("10.0.0.5", "239.1.2.3").timeout == 5


def test_the_log_comes_to_a_function() -> None:
    lines: list[tuple[host.LogLevel, str]] = []
    host.start(log_level=host.LogLevel.WARN, log=lambda level, text: lines.append((level, text)))
    with pytest.raises(mgm.InvalidParameterError):
        mgm.Client(mgm.PROTO_IP_OSPF).take(0)
    assert [level for level, _ in lines] == [host.LogLevel.WARN]
    assert "MgmTakeInterfaceOwnership" in lines[0][1]
    host.set_log(None)
    with pytest.raises(mgm.InvalidParameterError):
        mgm.Client(mgm.PROTO_IP_OSPF, 1).take(0)
    assert len(lines) == 1


def test_the_log_comes_to_a_logger(caplog: pytest.LogCaptureFixture) -> None:
    host.start(log=logging.getLogger("router"), log_level=host.LogLevel.DEBUG)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(mgm.InvalidParameterError) as refused:
        mgm.Client(mgm.PROTO_IP_OSPF).take(0)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.name for record in warnings] == ["router"]
    assert warnings[0].getMessage() == f"MgmTakeInterfaceOwnership: {refused.value.reason}"
    caplog.clear()
    host.set_log_level(host.LogLevel.ERROR)
    with pytest.raises(mgm.InvalidParameterError):
        mgm.Client(mgm.PROTO_IP_OSPF, 1).take(0)
    assert not caplog.records
    host.set_log(None)


def test_interfaces_have_names() -> None:
    lo = mgm.Interface.by_name("lo")
    assert (lo.index, lo.name) == (socket.if_nametoindex("lo"), "lo")
    with pytest.raises(mgm.NotFoundError):
        mgm.Interface.by_name("nothing0")
    with pytest.raises(mgm.NotFoundError):
        print(mgm.Interface(2**31 - 1).name)


def test_there_is_no_arrival_outside_of_rpf() -> None:
    assert host.arrival() is None


def test_the_package_has_a_version() -> None:
    assert mgm.__version__.split(".")[:2] == [str(part) for part in host.version().build[:2]]


@needs_router
def test_more_settings(tmp_path: pathlib.Path) -> None:
    host.start(forwarder=host.Forwarder.MEMORY, max_flows=17, open_forwarder=True, unicast_table=254)
    assert host.status()["limits"]["max_flows"] == 17
    host.stop()
    with pytest.raises(mgm.CanNotCompleteError) as refused:
        host.start(router=tmp_path / "nobody")
    assert "nobody" in refused.value.reason


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(mgm.InvalidParameterError):
        host.start(forwarder=9)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="colour"):
        host.start(colour="blue")  # type: ignore[call-arg]


def test_routes_and_lost_interfaces() -> None:
    lost: list[mgm.Flow] = []
    client = mgm.Client(mgm.PROTO_IP_OSPF)
    other = mgm.Client(mgm.PROTO_IP_BGP, prune_alert=lambda flow, *rest: lost.append(flow))
    client.take(1)
    client.take(2)
    client.join(2, "239.1.2.3")
    host.add_route("10.0.0.0/8", 1)
    assert host.packet_in("10.0.0.5", "239.1.2.3", 1).accepted
    host.delete_interface(2)
    assert [str(flow) for flow in lost] == ["(*, 239.1.2.3)"]
    host.add_interface(2)
    assert mgm.owner_of(2) == (mgm.PROTO_IP_OSPF, 0)
    host.delete_route("10.0.0.0/8")
    with pytest.raises(mgm.NotFoundError):
        host.delete_route("10.0.0.0/8")
    host.add_route("192.0.2.1/32", local=True)
    other.close()


def test_limits() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF)
    for index in (1, 2):
        client.take(index)
    client.join(2, "239.1.2.3")
    host.add_route("10.0.0.0/8", 1)
    host.set_ttl_threshold(2, 16)
    header = bytes([0x45, 0, 0, 100, 0, 0, 0, 0, 16, 17, 0, 0, 10, 0, 0, 5, 239, 1, 2, 3])
    assert host.packet_in("10.0.0.5", "239.1.2.3", 1, header=header).outgoing == ()
    host.set_ttl_threshold(2, 1)
    assert host.packet_in("10.0.0.5", "239.1.2.3", 1, header=header).outgoing == (mgm.Interface(2),)
    host.add_boundary(2, "239.0.0.0/8")
    assert host.packet_in("10.0.0.5", "239.1.2.3", 1).outgoing == ()
    host.delete_boundary(2, "239.0.0.0/8")
    assert host.scope_name("239.0.0.0/8") == "239.0.0.0/8"
    host.set_scope_name("239.0.0.0/8", "Büro")
    assert host.scope_name("239.0.0.0/8") == "Büro"
    host.set_scope_name("239.0.0.0/8", None)
    assert host.scope_name("239.0.0.0/8") == "239.0.0.0/8"


def test_flow_limit() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF)
    client.take(1)
    host.add_route("10.0.0.0/8", 1)
    host.set_flow_limit(1, per_second=1, burst=3)
    flows = [host.packet_in("10.0.0.5", f"239.1.2.{n}", 1).accepted for n in range(9)]
    assert flows[:3] == [True] * 3 and not all(flows)
    host.set_flow_limit(1, 0)
    assert host.packet_in("10.0.0.5", "239.1.2.8", 1).accepted
    with pytest.raises(mgm.InvalidParameterError):
        host.set_flow_limit(1, per_second=1, burst=0)


@needs_router
def test_status(tmp_path: pathlib.Path) -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF)
    client.take(1)
    for i in range(300):  # more than the first buffer holds
        client.join(1, f"239.1.{i // 250}.{i % 250 + 1}")
    assert len(host.status()["memberships"]) == 300
    assert "memberships" not in host.status(memberships=False) or not host.status(memberships=False)["memberships"]
    assert "mgm_mfes 0" in host.metrics()
    path = tmp_path / "status"
    host.serve_status(path)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
    host.serve_status(None)
    assert not path.exists()
