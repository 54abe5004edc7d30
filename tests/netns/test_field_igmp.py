"""Public reports about IGMP messages of routers, as far as the example implements them."""

import re
import socket
import time

from case import GROUP, NetnsTest
from lab import ETH_P_IP, PACKET_OUTGOING, until
from wires import Stream

IP_BLOCK_SOURCE = 38


class Example(NetnsTest):
    def serving(self, *interfaces):
        self.daemon = self.router(program=("igmp_router", *interfaces))
        self.daemon.output.wait(lambda line: line.startswith("serving"), "readiness")

    def prints(self, pattern):
        return self.daemon.output.wait(lambda line: re.search(pattern, line), pattern)

    def test_queries_are_such_as_strict_receivers_want(self):
        """openwrt/omcproxy#23: TTL 1, Router Alert, and the precedence of RFC 3376."""
        source, receiver = self.hosts("source", "receiver")
        wire = receiver.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        with receiver.inside():
            wire.bind(("eth0", ETH_P_IP))
        wire.settimeout(5)
        collector = receiver.collector(GROUP)
        self.serving("to-source", "to-receiver")
        self.prints("wants")
        collector.leave()
        for asked in ("224.0.0.1", GROUP):  # the general query, then that about the group
            while True:
                packet, (_, _, kind, *_) = wire.recvfrom(2048)
                length = 4 * (packet[0] & 15)
                igmp = packet[length:]
                if kind != PACKET_OUTGOING and packet[9] == socket.IPPROTO_IGMP and igmp[0] == 0x11:
                    break
            self.assertEqual(packet[1], 0xC0, "TOS")
            self.assertEqual(packet[8], 1, "TTL")
            self.assertEqual(packet[20:length], bytes((148, 4, 0, 0)), "Router Alert")
            self.assertEqual(socket.inet_ntoa(packet[12:16]), "10.2.0.1")
            self.assertEqual(socket.inet_ntoa(packet[16:20]), asked)
            self.assertEqual(len(igmp), 12)
            total = sum(igmp[i] << 8 | igmp[i + 1] for i in range(0, 12, 2))
            self.assertEqual(total % 0xFFFF, 0, "checksum")

    def test_snooping_bridge_does_not_forget_the_members(self):
        """fabianishere/udm-iptv#43, pali/igmpproxy#85: the picture freezes after 260 s."""
        source, receiver = self.hosts("source", "receiver")
        # Once a bridge has seen a querier, it deletes a member that does not report again within two
        # seconds.
        self.lab.router.ip(
            "link add lan type bridge mcast_snooping 1 mcast_membership_interval 200"
            " mcast_querier_interval 100000",
            "addr flush dev to-receiver",
            "addr add 10.2.0.1/24 dev lan",
            "link set to-receiver master lan",
            "link set lan up",
        )
        collector = receiver.collector(GROUP)
        self.serving("--interval", "1", "to-source", "lan")
        self.prints("wants")
        emitter = source.emitter(GROUP)
        emitter.send_until(lambda: collector.count > 0, "the flow")
        with Stream(emitter, 0.02):
            time.sleep(5)
        began = collector.numbers[0]
        collector.expect(emitter.sent - began)
        self.assertEqual(collector.numbers, list(range(began, emitter.sent)))

    def test_host_that_wants_all_sources_but_one(self):
        """FRRouting/frr#10397: EXCLUDE {s} is no leave, and does not affect other members."""
        blocked, wanted, receiver = self.hosts("blocked", "wanted", "receiver")
        self.serving("to-blocked", "to-wanted", "to-receiver")
        collector = receiver.collector(GROUP)
        collector._socket.setsockopt(
            socket.IPPROTO_IP,
            IP_BLOCK_SOURCE,
            b"".join(map(socket.inet_aton, (GROUP, receiver.address, blocked.address))),
        )
        self.prints(rf"wants \(\*, {GROUP}\)")
        emitters = [host.emitter(GROUP) for host in (blocked, wanted)]
        emitters[1].send_until(lambda: collector.count > 0, "the wanted source")
        other = receiver.collector(GROUP)  # receives from both
        before = other.count
        for emitter in emitters:
            emitter.send(3)
        until(lambda: other.count >= before + 6, "both sources")

    def test_host_of_the_links_second_subnet_is_heard(self):
        """troglobit/pimd#119, #196: the report comes from the second subnet of the link."""
        source, receiver = self.hosts("source", "receiver")
        self.lab.router.ip("addr add 10.72.0.1/24 dev to-receiver")
        receiver.ip("addr add 10.72.0.2/24 dev eth0", "addr del 10.2.0.2/24 dev eth0")
        receiver.address = "10.72.0.2"
        self.serving("to-source", "to-receiver")
        collector = receiver.collector(GROUP)
        self.prints(rf"10\.72\.0\.2 on to-receiver wants \(\*, {GROUP}\)")
        source.emitter(GROUP).send_until(lambda: collector.count > 0, "the flow")
