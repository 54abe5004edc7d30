"""The status and the metrics, read by the parsers of others: JSON, JSON Schema and Prometheus."""

import json
import os
import pathlib
from collections.abc import Iterator
from ipaddress import IPv4Address

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

# The library reads its environment when it starts.
os.environ["MGM_FORWARDER"] = "memory"
os.environ.setdefault("MGM_LOG", "off")

import mgm  # noqa: E402
from mgm import Interface, host  # noqa: E402

EXPLAIN_SCHEMA = pathlib.Path(__file__).parents[2] / "docs" / "explain.schema.json"
SCHEMA = pathlib.Path(__file__).parents[2] / "docs" / "status.schema.json"
GROUP = "239.1.1.1"


@pytest.fixture(autouse=True)
def router() -> Iterator[None]:
    """A library with one MFE."""
    client = mgm.Client(200, 1)
    client.take(1)
    client.take(2)
    client.join(2, GROUP)
    host.add_route("10.0.0.0/8", 1)
    assert host.packet_in("10.0.0.5", GROUP, 1, size=100).outgoing == (Interface(2),)
    yield
    host.stop()


def set_limits() -> None:
    host.set_ttl_threshold(Interface(9, IPv4Address("10.9.0.1")), 16)
    host.set_flow_limit(2, 100, 200)
    host.add_boundary(2, "239.192.0.0/14")
    host.set_scope_name("239.192.0.0/14", "Büro")


def test_json() -> None:
    status = host.status()
    assert status["totals"]["mfes"] == 1
    assert status["mfes"][0]["octets"] == 100
    assert status["mfes"][0]["oifs"][0]["index"] == 2


def test_limits() -> None:
    set_limits()
    limits = host.status()["limits"]
    assert limits["thresholds"] == [{"index": 9, "next_hop": "10.9.0.1", "ttl": 16}]
    assert limits["flow_rates"] == [{"index": 2, "per_second": 100, "burst": 200, "refused": 0}]
    assert limits["boundaries"] == [{"index": 2, "scope": "239.192.0.0/14", "name": "Büro"}]


@pytest.mark.parametrize("memberships", [False, True])
@pytest.mark.parametrize("mfes", [False, True])
def test_schema(memberships: bool, mfes: bool) -> None:
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    set_limits()
    status = host.status(memberships=memberships, mfes=mfes)
    validator(schema, format_checker=validator.FORMAT_CHECKER).validate(status)


@pytest.mark.parametrize("source", ["10.0.0.5", "10.0.0.6", "11.0.0.1"])
@pytest.mark.parametrize("arrival", [None, 1, 2, 9])
def test_explain(source: str, arrival: int | None) -> None:
    schema = json.loads(EXPLAIN_SCHEMA.read_text())
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    set_limits()
    flow = host.explain(source, GROUP, arrival)
    validator(schema, format_checker=validator.FORMAT_CHECKER).validate(flow)
    on_iif = None if source == "10.0.0.5" else "no_packet"
    reasons = {1: on_iif, 2: "wrong_interface", 9: "foreign_arrival"}
    if source.startswith("10."):
        assert flow["verdict"]["reason"] == reasons[arrival or 1]
    elif arrival is None:
        assert flow["verdict"]["reason"] == "no_route"


def test_metrics() -> None:
    page = host.metrics(mfes=True)
    families = {family.name: family for family in text_string_to_metric_families(page)}
    assert families["mgm_mfes"].samples[0].value == 1
    assert families["mgm_mfe_octets"].type == "counter"
    assert families["mgm_mfe_octets"].samples[0].labels["group"] == GROUP
