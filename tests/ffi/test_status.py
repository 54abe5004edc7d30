#!/usr/bin/env python3
"""The status and the metrics as a program in another language reads them, with
that language's own readers: JSON, JSON Schema and Prometheus, where they are there."""

import ctypes
import json
import os
import pathlib
import unittest

# MGM reads its environment at the first call.
os.environ["MGM_FORWARDER"] = "memory"
os.environ.setdefault("MGM_LOG", "off")

from mgm import *  # noqa: E402,F403

try:
    import jsonschema
except ImportError:
    jsonschema = None
try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    text_string_to_metric_families = None

mgm = load()

SCHEMA = pathlib.Path(__file__).parents[2] / "docs" / "status.schema.json"
WITH_MFES = 1


def text_of(function, flags=0):
    size = DWORD(0)
    assert function(flags, ctypes.byref(size), None) == ERROR_INSUFFICIENT_BUFFER
    buffer = ctypes.create_string_buffer(size.value)
    assert function(flags, ctypes.byref(size), buffer) == NO_ERROR
    assert size.value == len(buffer.value) + 1
    return buffer.value.decode("utf-8")


class Status(unittest.TestCase):
    def setUp(self):
        assert mgm.MgmHostStart(None) == NO_ERROR
        self.addCleanup(mgm.MgmHostStop)
        config = ROUTING_PROTOCOL_CONFIG()
        handle = HANDLE()
        assert mgm.MgmRegisterMProtocol(ctypes.byref(config), 200, 1, ctypes.byref(handle)) == NO_ERROR
        assert mgm.MgmTakeInterfaceOwnership(handle, 1, 0) == NO_ERROR
        assert mgm.MgmTakeInterfaceOwnership(handle, 2, 0) == NO_ERROR
        group = ip("239.1.1.1")
        assert (
            mgm.MgmAddGroupMembershipEntry(handle, 0, 0, group, HOST_MASK, 2, 0, 1) == NO_ERROR
        )
        assert mgm.MgmHostAddRoute(ip("10.0.0.0"), ip("255.0.0.0"), 1, 0, 0, 0) == NO_ERROR
        accepted, oifs = BOOL(), DWORD(0)
        mgm.MgmHostPacketIn(
            ip("10.0.0.5"), group, 1, 0, 0, None, 100, ctypes.byref(accepted), ctypes.byref(oifs), None
        )
        assert accepted.value == 1 and oifs.value == 1

    def set_limits(self):
        network, mask = ip("239.192.0.0"), ip("255.252.0.0")
        boundary = MIB_IPMCAST_BOUNDARY(2, network, mask)
        assert mgm.MgmHostSetTtlThreshold(9, ip("10.9.0.1"), 16) == NO_ERROR
        assert mgm.MgmHostAddBoundary(ctypes.byref(boundary)) == NO_ERROR
        name = "Büro".encode("utf-16")[2:] + b"\0\0"
        assert mgm.MgmHostSetScopeName(network, mask, name) == NO_ERROR

    def test_json(self):
        status = json.loads(text_of(mgm.MgmHostGetStatus))
        self.assertEqual(status["totals"]["mfes"], 1)
        self.assertEqual(status["mfes"][0]["octets"], 100)
        self.assertEqual(status["mfes"][0]["oifs"][0]["index"], 2)

    def test_limits(self):
        self.set_limits()
        limits = json.loads(text_of(mgm.MgmHostGetStatus))["limits"]
        self.assertEqual(limits["thresholds"], [{"index": 9, "next_hop": "10.9.0.1", "ttl": 16}])
        self.assertEqual(limits["boundaries"], [{"index": 2, "scope": "239.192.0.0/14", "name": "Büro"}])

    @unittest.skipIf(jsonschema is None, "no jsonschema (pip install jsonschema)")
    def test_schema(self):
        schema = json.loads(SCHEMA.read_text())
        validator = jsonschema.Draft202012Validator
        validator.check_schema(schema)
        self.set_limits()
        for flags in range(4):
            status = json.loads(text_of(mgm.MgmHostGetStatus, flags))
            validator(schema, format_checker=validator.FORMAT_CHECKER).validate(status)

    @unittest.skipIf(text_string_to_metric_families is None, "no prometheus_client (pip install prometheus_client)")
    def test_metrics(self):
        page = text_of(mgm.MgmHostGetMetrics, WITH_MFES)
        families = {family.name: family for family in text_string_to_metric_families(page)}
        self.assertEqual(families["mgm_mfes"].samples[0].value, 1)
        self.assertEqual(families["mgm_mfe_octets"].type, "counter")
        self.assertEqual(families["mgm_mfe_octets"].samples[0].labels["group"], "239.1.1.1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
