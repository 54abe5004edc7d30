"""mgmctl explain: what the system does to the packets of a flow."""

import errno
import pathlib
import shutil
import socket
import struct
import tempfile
import time
import unittest

import bpf
from bed import Bed, OneHost, interface
from build import COMPILER
from case import kernel_only
from daemon import Mgmd
from explaining import NOT_FORWARDED, PERIOD, Explaining, LongFeed
from feed import Feed
from firewall import FORWARD, PREROUTING, drops
from lab import FORWARDER, until
from packets import v3_query
from static import StaticRouter
from wire import Wire
from wires import Stream

GROUP = "239.1.1.1"
MRT_TABLE, MRT_INIT, MRT_ADD_MFC = 209, 200, 204
RTNL_FAMILY_IPMR = 128
RTM_NEWROUTE, RTM_DELROUTE, ERROR = 24, 25, 2
REQUEST, ACKNOWLEDGE, REPLACE, CREATE = 1, 4, 0x100, 0x400
RTA_DST, RTA_SRC, RTA_IIF, RTA_MULTIPATH, RTA_TABLE = 1, 2, 3, 9, 15
RTPROT_STATIC, RTN_MULTICAST, DEFAULT_TABLE = 4, 5, 253


def _attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def change_entry(host, kind, source, group, incoming, outgoing=()):
    """Changes the kernel's entry of a flow behind the back of mgmd, as any program with
    CAP_NET_ADMIN can."""
    head = struct.pack("=BBBBBBBBI", RTNL_FAMILY_IPMR, 32, 32, 0, 0, RTPROT_STATIC, 0,
                       RTN_MULTICAST, 0)
    # The kernel takes the first so many VIFs in their order.
    hops = b"".join(struct.pack("=HBBi", 8, 0, ttl, 0) for ttl in outgoing)
    body = head + b"".join([
        _attribute(RTA_SRC, socket.inet_aton(source)),
        _attribute(RTA_DST, socket.inet_aton(group)),
        _attribute(RTA_IIF, struct.pack("=I", host.index(incoming))),
        _attribute(RTA_TABLE, struct.pack("=I", DEFAULT_TABLE)),
        _attribute(RTA_MULTIPATH, hops) if hops else b"",
    ])
    flags = REQUEST | ACKNOWLEDGE | (CREATE | REPLACE if kind == RTM_NEWROUTE else 0)
    with host.inside():
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
            asking.settimeout(5)
            asking.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
            answer = asking.recv(4096)
    code = struct.unpack("=i", answer[16:20])[0]
    assert code == 0, f"the kernel answers {code}"


class System(OneHost, Explaining):
    """A host on lan wants the stream of src."""

    def serve_member(self, *tables, **keys):
        self.mgmd = self.start(interface("src"), interface("lan", {}, **keys), *tables)
        self.wire.query("0.0.0.0")
        self.host = self.member(GROUP)
        self.settle(self.wire)

    def serve_with(self, router):
        """Starts mgmd with another table than that of the kernel which the bed reads."""
        self.mgmd = self.start(router, interface("src"), interface("lan", {}))
        self.wire.query("0.0.0.0")
        self.member(GROUP)
        until(lambda: self.wanted(self.explain(self.source, GROUP, listen=0), "lan"), "the member")

    def test_packets_with_the_ttl_1(self):
        self.serve_member()
        answer = self.with_stream(Feed(self.senders, GROUP, ttl=1))
        self.expect(answer, "ttl_too_low", "lan", "on src with the TTL 1", "raise the TTL")
        self.flows(self.with_stream(Feed(self.senders, GROUP, ttl=2)), "lan")

    def test_packets_that_are_too_long(self):
        self.router.ip("link set lan mtu 1000")
        self.serve_member()
        long = LongFeed(self.senders, GROUP, 1300)
        answer = self.with_stream(long)
        self.expect(answer, "mtu", "lan", "1300 octets", "takes at most 1000")
        self.assertEqual(self.host.arrived, [])
        answer = self.with_stream(LongFeed(self.senders, GROUP, 1300, False))
        if FORWARDER == "ebpf":
            self.expect(answer, "mtu", "lan", "1300 octets", "fragments no packets", "at most 1000")
        else:
            self.flows(answer, "lan")
        self.flows(self.with_stream(LongFeed(self.senders, GROUP, 1000)), "lan")

    @kernel_only("rp_filter does not apply to the others")
    def test_rp_filter(self):
        """The cure that it prints makes the stream flow."""
        self.router.ip("route add 198.51.100.0/24 dev lan")
        self.serve_member('[[route]]\nfrom = "src"\ngroup = "239.0.0.0/8"\nto = ["lan"]\n')
        self.router.sysctl(conf__src__rp_filter=1)
        foreign = Feed(self.senders, GROUP, "198.51.100.9")
        answer = self.with_stream(foreign)
        self.expect(answer, "reverse_path", "src", "rp_filter", "net.ipv4.conf.src.rp_filter=2")
        self.assertEqual(self.host.arrived, [])
        self.router.sysctl(conf__src__rp_filter=2)
        self.assertNotEqual(self.with_stream(foreign)["verdict"]["reason"], "reverse_path")
        self.assertTrue(self.host.arrived)

    def firewall(self, hook):
        try:
            dropping = drops(self.router, hook)
            dropping.__enter__()
        except OSError as error:
            self.skipTest(f"no nftables in this kernel ({error})")
        return dropping

    @kernel_only("others bypass it")
    def test_a_firewall_on_the_way_in(self):
        self.serve_member()
        dropping = self.firewall(PREROUTING)
        try:
            answer = self.with_stream(self.feed(GROUP))
            self.expect(answer, "dropped_on_arrival", "src", "hook prerouting")
        finally:
            dropping.__exit__(None, None, None)
        self.flows(self.with_stream(self.feed(GROUP)), "lan")
        dropping = self.firewall(PREROUTING)
        try:
            # Now there is an entry, whose counter does not rise.
            answer = self.with_stream(self.feed(GROUP))
            self.expect(answer, "dropped_on_arrival", "src")
            self.assertEqual(answer["kernel"]["entry"]["packets_while_listening"], 0)
        finally:
            dropping.__exit__(None, None, None)

    @kernel_only("others bypass it")
    def test_a_firewall_on_the_way_out(self):
        self.serve_member()
        self.flows(self.with_stream(self.feed(GROUP)), "lan")
        dropping = self.firewall(FORWARD)
        try:
            answer = self.with_stream(self.feed(GROUP))
            self.expect(answer, "dropped_on_departure", "lan", "hooks forward and postrouting")
        finally:
            dropping.__exit__(None, None, None)
        self.flows(self.with_stream(self.feed(GROUP)), "lan")

    @unittest.skipIf(bpf.why_not(), bpf.why_not())
    def test_the_ebpf_forwarder(self):
        self.serve_with("[router]\nforwarder = \"ebpf\"\n")
        answer = self.with_stream(self.feed(GROUP))
        self.flows(answer, "lan")
        self.assertIsNone(answer["kernel"])
        row = answer["library"]["forwarder"]
        self.assertEqual(row["name"], "ebpf")
        (oif,) = row["installed"]["oifs"]
        self.assertEqual((row["installed"]["name"], oif["name"], oif["ready"]), ("src", "lan", True))
        self.assertIn("from src to lan", self.mgmctl(self.source, GROUP)[1])
        self.expect(
            self.with_stream(Feed(self.senders, GROUP, ttl=1)), "ttl_too_low", "lan", "the TTL 1"
        )

    @unittest.skipIf(bpf.why_not(), bpf.why_not())
    def test_an_interface_that_another_daemon_takes_from_the_ebpf_forwarder(self):
        self.serve_with("[router]\nforwarder = \"ebpf\"\n")
        self.flows(self.with_stream(self.feed(GROUP)), "lan")
        daemon = StaticRouter(self.router, "lan")
        self.mgmd.logs("lan (index", "another multicast daemon")
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "not_served", "lan", "sends nothing to lan", "ip mroute show table all")
        self.assertIn("to lan (discards)", self.mgmctl(self.source, GROUP)[1])
        daemon.close()
        self.mgmd.logs("lan (index", "multicast daemon has released it")
        self.flows(self.with_stream(self.feed(GROUP)), "lan")
        StaticRouter(self.router, "src")
        self.mgmd.logs("src (index", "another multicast daemon")
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "not_served", "src", "takes no packets from src")

    @unittest.skipIf(bpf.why_not(), bpf.why_not())
    def test_a_firewall_that_the_ebpf_forwarder_bypasses(self):
        """It has no effect. The log says so at the start, and the status as long as it exists."""
        dropping = self.firewall(FORWARD)
        try:
            self.serve_with("[router]\nforwarder = \"ebpf\"\n")
            self.mgmd.logs("warning", "bypass", "ip mgmd_bed stop", "tc at the hook egress")
            self.flows(self.with_stream(self.feed(GROUP)), "lan")
            self.assertEqual(self.mgmd.get("/v1/status")["bypassed_chains"], ["ip mgmd_bed stop"])
            shown = self.router_command("status")
            self.assertIn("bypasses ip mgmd_bed stop: filter at tc egress", shown)
        finally:
            dropping.__exit__(None, None, None)
        self.assertEqual(self.mgmd.get("/v1/status")["bypassed_chains"], [])
        self.assertNotIn("bypasses", self.router_command("status"))

    @kernel_only("others can change its entries")
    def test_m32_an_entry_that_another_program_has_changed(self):
        self.serve_member()
        self.flows(self.with_stream(self.feed(GROUP)), "lan")
        change_entry(self.router, RTM_NEWROUTE, self.source, GROUP, "src")
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "entry_differs", "lan", "it lacks lan", "the other program")
        change_entry(self.router, RTM_DELROUTE, self.source, GROUP, "src")
        answer = self.explain(self.source, GROUP, listen=0)
        self.expect(answer, "entry_differs", "lan", "the kernel has no entry")

    @kernel_only("the call that fails is its own")
    @unittest.skipUnless(shutil.which(COMPILER), "no C compiler")
    def test_an_entry_that_the_kernel_refuses(self):
        """As for want of memory. The log has the cause, and the library's next attempt succeeds."""
        directory = tempfile.TemporaryDirectory(prefix="mgmd-refusing-")
        self.addCleanup(directory.cleanup)
        refusing = pathlib.Path(directory.name) / "now"
        self.serve(
            LD_PRELOAD=str(Mgmd.build.interposer),
            MGM_FAULT=f"{errno.ENOMEM} 1 1000000 setsockopt 0 {MRT_ADD_MFC}",
            MGM_FAULT_WHILE=str(refusing),
        )
        host = self.member(GROUP)
        self.settle(self.wire)
        refusing.touch()
        answer = self.with_stream(self.feed(GROUP))
        self.expect(answer, "not_installed", None, "has refused the entry", "the log says why")
        self.mgmd.logs(f"({self.source}, {GROUP})", "Cannot allocate memory")
        with Stream(self.feed(GROUP), PERIOD):
            status, text = self.mgmctl(self.source, GROUP)
        self.assertEqual(status, NOT_FORWARDED)
        self.assertIn("the log says why the forwarder refuses it", " ".join(text.split()))
        self.assertEqual(host.arrived, [])
        refusing.unlink()
        with Stream(self.feed(GROUP), PERIOD):
            until(lambda: host.arrived, "the stream")
        self.flows(self.with_stream(self.feed(GROUP)), "lan")

    @kernel_only("it has tables")
    def test_a_rule_for_another_table(self):
        other = self.router.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        other.setsockopt(socket.IPPROTO_IP, MRT_TABLE, struct.pack("=I", 100))
        other.setsockopt(socket.IPPROTO_IP, MRT_INIT, struct.pack("=i", 1))
        self.serve_member()
        self.router.ip("mrule add iif src lookup 100")
        answer = self.with_stream(self.feed("239.1.1.2"))
        cure = "ip mrule del iif src lookup 100"
        self.expect(answer, "other_table", "src", "table 100", cure)
        self.router.ip(cure.removeprefix("ip "))
        self.flows(self.with_stream(self.feed(GROUP)), "lan")

    @kernel_only("it has tables")
    def test_a_table_without_a_rule(self):
        """The cure that it prints makes the stream flow."""
        self.serve_with("[router]\ntable = 100\n")
        answer = self.with_stream(self.feed(GROUP))
        cure = "ip mrule add iif src lookup 100"
        self.expect(answer, "other_table", "src", "no rule leads", cure)
        self.router.ip(cure.removeprefix("ip "))
        self.flows(self.with_stream(self.feed(GROUP)), "lan")

    @kernel_only("the stack drops such packets before it")
    def test_packets_with_an_address_of_this_router(self):
        self.serve_member()
        own = self.source.rpartition(".")[0] + ".100"
        answer = self.with_stream(self.feed(GROUP, own))
        self.expect(answer, "own_source", "src", own, "an address of this router")


class Interfaces(Bed, Explaining):
    """Interfaces that mgmd cannot use."""

    def expect_on(self, interface, reason, *words, **more):
        answer = self.explain(self.source, GROUP, listen=0, **more)
        self.expect(answer, reason, interface, *words)
        return answer

    def test_an_interface_that_is_not_in_the_configuration(self):
        other = self.link("other")
        self.link("lan")
        self.mgmd = self.start(interface("src"), interface("lan", {"static": f'["{GROUP}"]'}))
        stray = self.feed(GROUP, other.address, Wire(other))
        answer = self.with_stream(stray)
        self.expect(answer, "interface_not_configured", "other", 'name = "other"')
        answer = self.explain(other.address, GROUP, listen=0)
        self.expect(answer, "interface_not_configured", "other", "the route to", "leads through other")

    def test_an_interface_that_is_missing_or_down(self):
        self.link("lan")
        self.mgmd = self.start(
            interface("src"), interface("lan", {"static": f'["{GROUP}"]'}),
            interface("later", {"static": f'["{GROUP}"]'}),
        )
        answer = self.explain(self.source, GROUP)
        self.assertEqual(answer["verdict"]["reason"], "no_packet")
        self.assertEqual(self.exit(answer, "later")["verdict"]["reason"], "interface_missing")
        self.router.ip("link set lan down")
        until(lambda: self.exit(self.explain(self.source, GROUP, listen=0), "lan")["trouble"], "lan")
        self.expect_on("lan", "interface_down", "ip link set lan up")
        self.expect_on("later", "interface_missing", **{"from": "later"})

    def test_a_port_of_a_bridge(self):
        self.link("port")
        self.router.ip("link add br0 type bridge", "link set port master br0", "link set br0 up")
        self.mgmd = self.start(interface("src"), interface("port", {"static": f'["{GROUP}"]'}))
        self.mgmd.logs("port", "br0")
        answer = self.expect_on("port", "interface_port", "br0", "instead of its port")
        self.assertEqual(self.exit(answer, "port")["trouble"]["kind"], "port")

    @kernel_only("it has 32 VIFs")
    def test_more_interfaces_than_the_kernel_has_vifs(self):
        names = self.lab.spare(34)
        self.router.ip(*(f"link set {name} up" for name in names))
        self.mgmd = self.start(
            interface("src"),
            *(interface(name, {"static": f'["{GROUP}"]'}) for name in names),
        )
        until(lambda: len(self.router.vifs()) == 32, "32 VIFs")
        self.mgmd.logs("at most 32")
        answer = self.explain(self.source, GROUP)
        refused = [exit for exit in answer["outgoing"] if exit["trouble"]]
        self.assertEqual(len(refused), 3)
        for exit in refused:
            self.assertEqual(exit["verdict"]["reason"], "interface_refused", exit)
            self.assertIn("at most 32 interfaces", exit["verdict"]["text"])
        self.assertEqual(answer["kernel"]["vifs"], 32)
        status, text = self.mgmctl(self.source, GROUP, "--to", refused[0]["interface"])
        self.assertEqual(status, 4)
        self.assertIn("which the library does not accept", text.replace("\n           ", " "))

    def test_a_link_without_an_address(self):
        self.link("lan")
        self.router.ip("addr flush dev lan")
        self.mgmd = self.start(interface("src"), interface("lan", {}))
        self.expect_on("lan", "no_address", "lan has no address", "give lan an address")

    def test_a_bridge_that_hides_reports(self):
        host = self.host("host")
        self.wire_up("port", host, 81)
        self.router.ip(
            "link add br0 type bridge mcast_snooping 1", "addr add 10.80.0.100/24 dev br0",
            "addr flush dev port", "link set port master br0", "link set br0 up",
        )
        self.mgmd = self.start(interface("src"), interface("br0", {}))
        wire = Wire(host)
        wire.query("0.0.0.0")
        wire.send(v3_query(), source="10.80.0.5")
        self.mgmd.logs("br0", "multicast_router")
        cure = "ip link set br0 type bridge mcast_router 2"
        self.expect_on("br0", "bridge_hides_reports", "10.80.0.5", cure)
        self.router.ip(cure.removeprefix("ip "))
        until(lambda: self.reason("br0") != "bridge_hides_reports", "the bridge shows reports")

    def reason(self, interface):
        answer = self.explain(self.source, GROUP, listen=0)
        return self.exit(answer, interface)["verdict"]["reason"]

    def test_two_ways_to_the_router(self):
        """Packets that arrive on the right interface and on another one are forwarded."""
        self.link("lan")
        second = self.link("second")
        self.mgmd = self.start(
            interface("src"), interface("second"), interface("lan", {"static": f'["{GROUP}"]'})
        )
        copies = self.feed(GROUP, self.source, Wire(second))
        answer = self.with_stream(copies)
        self.expect(answer, "wrong_interface", "second", "through src", f"ip route get {self.source}")
        right = Feed(self.senders, GROUP)
        with Stream(copies, 0.01):
            time.sleep(0.1)
            self.flows(self.with_stream(right), "lan")
