"""Which IGMP messages count: crafted packets to the router's link lan."""

from bed import BRISK, LMQI, LMQT, SLACK, OneHost, interface
from lab import until
from packets import (
    ALL_ROUTERS,
    ALLOW,
    IS_EX,
    TO_EX,
    TO_IN,
    datagram,
    frame,
    leave,
    record,
    report_of,
    sealed,
    v1_report,
    v2_query,
    v2_report,
    v3_query,
    v3_report,
)
from wire import Wire

GROUP, OTHER = "239.1.1.1", "239.1.1.2"


class Messages(OneHost):
    def counted(self, reason, times=1, link="lan"):
        """Checks how often something was dropped for a reason."""
        self.assertEqual(self.mgmd.counters(link)[reason], times, reason)

    def test_t1_bad_checksum_leave(self):
        """FRRouting/frr#6868, S25."""
        self.serve()
        self.wire.send(v2_report(GROUP))
        self.joined(GROUP)
        bad = leave(GROUP)
        bad = bad[:3] + bytes((bad[3] ^ 1,)) + bad[4:]
        self.wire.send(bad)
        self.settle(self.wire)
        self.assertEqual(self.wire.queries(GROUP), [])
        self.wire.send(leave(GROUP))
        self.wire.query(GROUP)
        self.counted("bad_checksum")

    def test_g53_header_with_a_wrong_checksum(self):
        """The IP layer of the system drops such a packet, but packet sockets receive it before."""
        self.serve()
        packet = datagram(report_of(TO_EX, GROUP), self.wire.host.address)
        bad = packet[:10] + bytes((packet[10] ^ 1,)) + packet[11:]
        self.wire.send_frames([frame(bad, near=self.wire.mac)])
        self.not_joined(self.wire, GROUP)
        self.counted("bad_header")
        self.wire.send_frames([frame(packet, near=self.wire.mac)])
        self.joined(GROUP)

    def test_t2_ttl_255(self):
        """FRRouting/frr#9070, S25."""
        self.serve()
        self.wire.send(report_of(TO_EX, GROUP), ttl=255)
        self.not_joined(self.wire, GROUP)
        self.counted("bad_ttl")

    def test_t3_tos_0(self):
        """FRRouting/frr#9071, #10652."""
        self.serve()
        self.wire.send(report_of(TO_EX, GROUP), tos=0)
        self.joined(GROUP)

    def test_t4_router_alert_matrix(self):
        """v1 messages never have the option and pass, unlike in FRRouting/frr#18202."""
        strict = Wire(self.link("strict"))
        self.serve({}, interface("strict", {"require-router-alert": "true"}))
        strict.query("0.0.0.0")
        messages = {1: v1_report, 2: v2_report, 3: lambda group: report_of(TO_EX, group)}
        for name, wire in (("lan", self.wire), ("strict", strict)):
            for version, message in messages.items():
                for alert in (False, True):
                    group = f"239.4.{version}.{int(alert)}"
                    with self.subTest(link=name, version=version, alert=alert):
                        wire.send(message(group), **({} if alert else {"options": b""}))
                        if name == "strict" and version > 1 and not alert:
                            self.not_joined(wire, group, to=name)
                        else:
                            self.joined(group, to=name)
        self.counted("no_router_alert", 2, "strict")
        self.counted("no_router_alert", 0)

    def test_t6_long_v2_report(self):
        """FRRouting/frr#10331: the checksum covers the octets after the message."""
        self.serve()
        self.wire.send(v2_report(GROUP, extra=bytes(range(1, 9))))
        self.joined(GROUP)

    def test_t10_aux_data(self):
        """vpp test_igmpv3_report_aux_data; the octets are those of igmp.md."""
        self.serve()
        self.wire.send(
            bytes.fromhex("2200f9e10000000204020000ef01010104000000ef09090904000000ef010102")
        )
        self.joined(GROUP)
        self.joined(OTHER)
        self.not_joined(self.wire, "239.9.9.9")

    def test_t13_report_from_zero(self):
        """FRRouting/frr#10118: a host without an address yet."""
        self.serve()
        self.wire.send(report_of(TO_EX, GROUP), source="0.0.0.0")
        self.joined(GROUP)

    def test_t14_query_from_zero(self):
        """A snooping switch without an address asks so (RFC 4541, 2.1.1)."""
        self.serve(BRISK)
        self.wire.send(v2_query(), source="0.0.0.0")
        self.settle(self.wire)
        self.still_querier()
        self.counted("query_from_zero")

    def test_t15_unicast_general_query(self):
        """FRRouting/frr#1692."""
        self.serve(BRISK)
        self.wire.send(v3_query(), source=self.lower, destination=self.own)
        self.settle(self.wire)
        self.still_querier()
        self.counted("bad_destination")

    def still_querier(self):
        """Checks that the next queries are those of a querier of version 3."""
        self.wire.clear()
        until(lambda: len(self.wire.queries("0.0.0.0", source=self.own)) >= 3, "more queries")
        for query in self.wire.queries():
            self.assertEqual((query.version, query.source), (3, self.own))

    def test_t16_unicast_frame_specific(self):
        """One frame to the router alone, which no other host hears, must not end a stream."""
        self.serve()
        self.wire.send(v3_query(), source=self.lower)
        self.wire.send(report_of(IS_EX, GROUP))
        self.joined(GROUP)
        specific = v3_query(GROUP, code=1)
        self.wire.send(specific, source=self.lower, mac=Wire(self.router, "lan").mac)
        self.wire.expect_no(
            lambda: "lan" not in self.oifs(GROUP), LMQT + SLACK, "a unicast frame counted"
        )
        self.wire.send(specific, source=self.lower)
        self.ended(GROUP, timeout=LMQT + SLACK)
        self.counted("unicast_frame")

    def test_t17_off_link_query(self):
        """FRRouting/frr#4610, S25: hosts of another network count only if they are listed."""
        self.serve({**BRISK, "hosts": '["172.16.0.0/16"]'})
        self.wire.send(v3_query(), source="10.0.0.1")
        self.wire.send(report_of(TO_EX, GROUP), source="172.16.0.9")
        self.wire.send(report_of(TO_EX, OTHER), source="192.0.2.9")
        self.joined(GROUP)
        self.not_joined(self.wire, OTHER)
        self.still_querier()
        self.counted("off_link", 2)

    def test_t18_leave_to_group(self):
        """RFC 2236, 9: some hosts send the leave to the group."""
        self.serve()
        self.wire.send(v2_report(GROUP))
        self.wire.send(leave(GROUP), destination=GROUP)
        self.wire.query(GROUP, timeout=LMQI + SLACK)

    def test_t19_v2_report_wrong_dst(self):
        """FRRouting/frr#19199, S25."""
        self.serve()
        self.wire.send(v2_report(GROUP), destination=OTHER)
        self.settle(self.wire)
        for group in (GROUP, OTHER):
            self.assertNotIn("lan", self.oifs(group))
        self.counted("bad_destination")

    def test_t20_link_local_group(self):
        """The messages of igmp.pcap (zeek-plugins/igmp)."""
        self.serve()
        for octets in ("16000904e00000fb", "17000804e00000fb"):
            self.wire.send(bytes.fromhex(octets))
        self.wire.send(bytes.fromhex("2200ea030000000104000000effffffa"))
        self.joined("239.255.255.250")
        self.wire.expect_no(
            lambda: self.wire.queries("224.0.0.251"), LMQT, "a query for a link-local group"
        )
        self.feed("224.0.0.251").send(3)
        self.settle(self.wire)
        self.assertNotIn((self.source, "224.0.0.251"), self.router.entries())

    def test_t22_ethernet_padding(self):
        """A datagram of 32 octets in a frame of 60, and in one without padding."""
        self.serve()
        for group, pad in ((GROUP, True), (OTHER, False)):
            self.wire.send(v2_report(group), pad=pad)
            self.joined(group)

    def test_t55_ssm_rules(self):
        """FRRouting/frr#10012, RFC 4604."""
        group = "232.1.1.1"
        self.serve()
        self.wire.send(v2_report(group))
        self.wire.send(report_of(IS_EX, group))
        self.wire.send(report_of(TO_EX, group))
        self.not_joined(self.wire, group)
        self.wire.send(report_of(ALLOW, group, self.source))
        self.joined(group)
        other = self.source.rpartition(".")[0] + ".77"
        self.assertNotIn("lan", self.oifs(group, other))
        self.assertEqual(len(self.mgmd.lines(group, "ssm")), 1, "one warning a minute")

    def test_t80_v2_report_without_alert(self):
        """On a link that is no VIF, no raw socket hears such a report."""
        self.serve()
        self.wire.send(v2_report(GROUP), options=b"")
        self.joined(GROUP)

    def test_s25_one_record_too_few(self):
        """google/gvisor#5491: a report that promises more records than it has."""
        self.serve()
        message = v3_report(record(TO_EX, GROUP))
        self.wire.send(sealed(message[:6] + b"\0\2" + message[8:]))
        self.wire.send(v2_report(OTHER), destination=self.own)
        self.joined(OTHER)
        self.not_joined(self.wire, GROUP)
        self.counted("record_overrun")

    def test_s25_leave_to_a_unicast_address(self):
        """FRRouting/frr PR#7751: other hosts do not hear it."""
        self.serve()
        self.wire.send(v2_report(GROUP))
        self.joined(GROUP)
        self.wire.send(leave(GROUP), destination=self.own)
        self.settle(self.wire)
        self.assertEqual(self.wire.queries(GROUP), [])

    def test_s36_queries_are_such_as_strict_hosts_want(self):
        """openwrt/omcproxy#23, and I18: TTL 1, TOS 0xC0, Router Alert, the right destination."""
        self.serve()
        self.wire.send(report_of(TO_EX, GROUP))
        self.wire.send(report_of(TO_IN, GROUP))
        self.wire.query(GROUP)
        for query in self.wire.queries(source=self.own):
            self.assertTrue(query.valid, query)
            self.assertEqual((query.ttl, query.tos, query.options), (1, 0xC0, b"\x94\4\0\0"))
            general = query.group == "0.0.0.0"
            self.assertEqual(query.destination, "224.0.0.1" if general else GROUP)
            self.assertEqual(query.mac, bytes.fromhex("01005e") + bytes(
                (0, 0, 1) if general else (1, 1, 1)))
            self.assertEqual((len(query.body), query.qrv, query.qqic), (12, 2, 2))
            self.assertEqual(query.code, 10 if general else 2)
            self.assertFalse(query.suppress)
        # Its own reports are those of the groups of routers (I70).
        until(
            lambda: any(
                group == ALL_ROUTERS
                for seen in self.wire.reports(self.own)
                if seen.version == 3
                for _, group, _ in seen.records
            ),
            "a report of 224.0.0.2",
        )
