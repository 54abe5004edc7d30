"""Clients, their interfaces and memberships, and the tables."""

import ctypes
from ipaddress import IPv4Address, IPv4Network

import pytest

import mgm
from mgm import Flow, Interface, _abi, host, tables

GROUP, SOURCE = IPv4Address("239.1.2.3"), IPv4Address("10.0.0.5")


def router() -> tuple[mgm.Client, mgm.Client]:
    """Sources lie behind a gateway on interface 1; interface 2 wants the group."""
    inner, outer = mgm.Client(mgm.PROTO_IP_OSPF, 1), mgm.Client(mgm.PROTO_IP_BGMP, 1)
    inner.take(1)
    outer.take(2)
    outer.join(2, GROUP)
    host.add_route("10.0.0.0/8", 1, "192.0.2.1")
    return inner, outer


def test_version() -> None:
    version = host.version()
    assert version.api[0] == 1
    assert version.text.startswith("mgm ")


def test_codes_are_exceptions() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF, 1)
    with pytest.raises(mgm.AlreadyExistsError) as refused:
        mgm.Client(mgm.PROTO_IP_OSPF, 1)
    assert (refused.value.function, refused.value.code) == ("MgmRegisterMProtocol", 183)
    assert "ERROR_ALREADY_EXISTS" in str(refused.value)
    with pytest.raises(mgm.InvalidParameterError):
        client.take(0)
    with pytest.raises(mgm.InvalidParameterError):
        client.join(1, GROUP)
    with pytest.raises(mgm.NotFoundError):
        client.leave(1, GROUP)
    with pytest.raises(mgm.NotFoundError):
        mgm.get_mfe(SOURCE, GROUP)


def test_values_that_c_would_cut_off() -> None:
    client = mgm.Client(mgm.PROTO_IP_OSPF, 1)
    for index in (-1, 2**32 + 1):
        with pytest.raises(ValueError, match="must be from 0 to 0xFFFFFFFF"):
            client.take(index)
    with pytest.raises(ValueError):
        client.join(1, "239.1.2")


def test_close_releases_and_only_once() -> None:
    with mgm.Client(mgm.PROTO_IP_OSPF, 1) as client:
        client.take(1)
        client.take(Interface(2, IPv4Address("10.9.0.1")))
        assert mgm.owner_of(1) == (mgm.PROTO_IP_OSPF, 1)
        assert mgm.owner_of(Interface(2, IPv4Address("10.9.0.1"))) == (mgm.PROTO_IP_OSPF, 1)
    assert mgm.owner_of(1) is None
    client.close()
    with pytest.raises(mgm.InvalidParameterError):
        client.take(1)


def test_groups() -> None:
    inner, outer = router()
    outer.join(2, Flow(SOURCE, GROUP))
    inner.join(1)
    everything = {Flow(), Flow(None, GROUP), Flow(SOURCE, GROUP)}
    assert set(inner.groups()) == everything
    assert list(inner.groups(any_source=True)) == [Flow(None, GROUP)]
    # More than the buffer of one call holds.
    for i in range(600):
        outer.join(2, IPv4Address("239.2.0.0") + i)
    assert len(set(inner.groups())) == 603


def test_packets_make_mfes() -> None:
    router()
    decision = host.packet_in(SOURCE, GROUP, 1, size=100)
    assert decision == host.Decision(True, (Interface(2),))
    assert host.packet_in(SOURCE, GROUP, 2).accepted is False
    mfe = mgm.get_mfe(SOURCE, GROUP)
    assert (mfe.incoming, mfe.upstream, mfe.outgoing) == (1, IPv4Address("192.0.2.1"), (Interface(2),))
    assert (mfe.route, mfe.timeout) == (IPv4Network("10.0.0.0/8"), 900)
    stats = mgm.get_mfe_stats(SOURCE, GROUP)
    assert (stats.packets, stats.octets, stats.wrong_interface) == (1, 100, 1)
    assert (stats.negative, stats.sent) == (0, 1)
    assert stats.outgoing[0].packets == 1


def test_each_counter_is_read_from_its_field() -> None:
    raw = _abi.MIB_IPMCAST_MFE_STATS_EX(ulNumOutIf=1, ulInPkts=1, ulInOctets=2, ulPktsDifferentIf=3, ulNegativeMfe=9, ulTotalOutPackets=10)
    raw.rgmiosOutStats[0] = _abi.MIB_IPMCAST_OIF_STATS(
        dwOutIfIndex=4, ulTtlTooLow=5, ulFragNeeded=6, ulOutPackets=7, ulOutDiscards=8
    )
    stats, size = tables._stats(bytearray(raw), 0)
    assert size == ctypes.sizeof(raw)
    assert (stats.packets, stats.octets, stats.wrong_interface) == (1, 2, 3)
    assert (stats.negative, stats.sent) == (9, 10)
    assert stats.outgoing == (
        mgm.OutgoingStats(Interface(4), packets=7, ttl_too_low=5, too_large=6, discards=8),
    )


def test_walks_go_on_behind_the_first_buffer() -> None:
    _, outer = router()
    outer.join(2)
    groups = [IPv4Address("239.3.0.0") + i for i in range(1500)]
    for group in groups:
        host.packet_in(SOURCE, group, 1)
    assert [mfe.group for mfe in mgm.mfes()] == groups
    assert [stats.group for stats in mgm.mfe_stats()] == groups


def test_walks_of_mfes_that_go_nowhere() -> None:
    """The last one ends where the buffer does: it is shorter than its structure."""
    router()
    host.packet_in(SOURCE, GROUP, 1)
    groups = [IPv4Address("239.3.0.0") + i for i in range(1500)]
    for group in groups:
        host.packet_in(SOURCE, group, 1)
    assert [mfe.group for mfe in mgm.mfes()] == [GROUP, *groups]
    assert [stats.group for stats in mgm.mfe_stats()] == [GROUP, *groups]


def test_clients_outlive_a_stop() -> None:
    with mgm.Client(mgm.PROTO_IP_OSPF, 1) as client:
        client.take(1)
        host.stop()


def test_an_mfe_with_very_many_interfaces() -> None:
    _, outer = router()
    for index in range(3, 5003):
        outer.take(index)
        outer.join(index, GROUP)
    assert len(host.packet_in(SOURCE, GROUP, 1).outgoing) == 5001
    assert len(mgm.get_mfe(SOURCE, GROUP).outgoing) == 5001
    assert [len(mfe.outgoing) for mfe in mgm.mfes()] == [5001]


def test_set_mfe() -> None:
    inner, outer = router()
    host.packet_in(SOURCE, GROUP, 1)
    inner.set_mfe(SOURCE, GROUP, "192.0.2.9")
    assert mgm.get_mfe(SOURCE, GROUP).upstream == IPv4Address("192.0.2.9")
    with pytest.raises(mgm.CanNotCompleteError):
        outer.set_mfe(SOURCE, GROUP, "192.0.2.9")


def test_forward_only() -> None:
    _, outer = router()
    outer.take(3)
    host.packet_in(SOURCE, GROUP, 1)
    outer.join(3, GROUP, forward_only=True)
    assert mgm.get_mfe(SOURCE, GROUP).outgoing == (Interface(2), Interface(3))
    outer.leave(3, GROUP, forward_only=True)
    assert mgm.get_mfe(SOURCE, GROUP).outgoing == (Interface(2),)
