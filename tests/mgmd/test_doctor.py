"""`mgmctl doctor` finds why a stream that arrives does not leave, and its cure makes it flow."""

import contextlib
import shutil
import socket
import struct
import subprocess
import unittest

import bpf
import packets
from bed import interface
from build import COMPILER, TREE
from case import kernel_only
from daemon import Mgmd
from doctor import NOBODY, Clinic, Doctor
from feed import UDP, Feed
from firewall import FORWARD, OUTPUT, PREROUTING, drops
from lab import until
from members import Member
from router import Router
from static import StaticRouter
from wires import Stream

NETNS = TREE / "tests/netns"
GROUP, OTHER_GROUP = "239.1.1.1", "239.1.1.2"
FOREIGN = "203.0.113.9"


class Large(Feed):
    """Datagrams of a length that must not be fragmented (DF)."""

    def __init__(self, wire, group, length):
        super().__init__(wire, group)
        self._length = length

    def packet(self):
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, self._length, 0, 0x4000, 16, socket.IPPROTO_UDP, 0,
            socket.inet_aton(self.source), socket.inet_aton(self.group),
        )
        sealed = header[:10] + struct.pack("!H", packets.checksum(header)) + header[12:]
        udp = UDP[:4] + struct.pack("!HH", self._length - 20, 0)
        return sealed + udp + bytes(self._length - 32) + struct.pack("!I", self.sent)


class Streams(Clinic):
    """A sender on src, a member on lan, and mgmd between them."""

    def setUp(self):
        super().setUp()
        self.receiver = self.link("lan")

    def serve(self, *config):
        self.mgmd = self.start(*(config or (interface("src"), interface("lan", {}))))
        self.doctor_of(self.mgmd)
        self.member = Member(self.receiver, GROUP)

    @contextlib.contextmanager
    def stream(self, feed=None):
        """Until the block ends, a stream of the sender flows."""
        self.joined(GROUP)
        with Stream(feed or self.feed(GROUP), 0.02) as stream:
            yield stream

    @contextlib.contextmanager
    def dropped(self, hook):
        """Until the block ends, the router drops all packets at a hook."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(drops(self.router, hook))
            except OSError as error:
                self.skipTest(f"no nftables in this kernel ({error})")
            yield

    # --- health

    @kernel_only("the doctor compares streams with its entries")
    def test_a_router_that_forwards_is_healthy(self):
        self.serve()
        with self.stream():
            answer = self.healthy(listen="3s")
        self.assertEqual(answer.report["interfaces"], ["src", "lan"])
        self.assertEqual(answer.report["streams"], 1)
        self.assertEqual(answer.report["not_examined"], [])

    def test_the_ebpf_forwarder_is_healthy(self):
        """It has no entries in the kernel, and no interfaces in a table."""
        config = '[router]\nforwarder = "ebpf"\n', interface("src"), interface("lan", {})
        self.mgmd = self.start(*config, ready=False)
        self.doctor_of(self.mgmd)
        self.member = Member(self.receiver, GROUP)
        with Stream(self.feed(GROUP), 0.02):
            try:
                self.member.expect(3)
            except AssertionError:
                # What it lacks is in the log, with the advice to choose the other forwarder.
                if not self.mgmd.lines("MGM_FORWARDER to kernel"):
                    raise
                self.skipTest("this kernel lacks something that the ebpf forwarder needs")
            answer = self.healthy()
        self.assertEqual(answer.report["interfaces"], ["src", "lan"])
        gaps = [gap["what"] for gap in answer.report["not_examined"]]
        self.assertIn("the streams of mgmd", gaps)  # and the queries, if none was due

    @unittest.skipIf(bpf.why_not(), bpf.why_not())
    @unittest.skipUnless(shutil.which(COMPILER), "no C compiler")
    def test_filters_of_a_killed_router_are_found(self):
        """In the way of Linux before 6.6, in which the kernel keeps them."""
        Router.build = Mgmd.build
        Router.build.program("client", NETNS / "client.c")
        killed = Router(self.router, forwarder="ebpf", MGM_TC="clsact")
        self.addCleanup(killed.close)
        killed.protocol("A", 200, "src", "lan")
        self.doctor_of()
        self.healthy("src", "lan")
        killed.kill()
        self.serve()  # with the kernel forwarder
        with self.stream():
            self.member.expect(3)
            command = self.found("stale_filter", "src, lan: a router", "was killed")
            self.assertEqual(
                command,
                " && ".join(
                    f"tc filter del dev {link} {hook} prio 50343"
                    for link in ("src", "lan")
                    for hook in ("ingress", "egress")
                ),
            )
            self.cures(command, self.member)

    def test_streams_that_nobody_wants_are_no_fault(self):
        """Also with a TTL of 1, and from sources without a route."""
        self.serve()
        self.router.sysctl(conf__src__rp_filter=1)
        noise = [Feed(self.senders, "239.255.255.250", ttl=1), Feed(self.senders, OTHER_GROUP)]
        noise.append(Feed(self.senders, "239.255.0.1", FOREIGN))
        with self.stream(), contextlib.ExitStack() as stack:
            for feed in noise:
                stack.enter_context(Stream(feed, 0.05))
            answer = self.healthy()
        self.assertEqual(answer.report["streams"], 4)

    def test_without_a_router_nothing_is_found(self):
        self.doctor_of()
        answer = self.healthy()
        self.assertEqual(answer.report["listened_ms"], 0)
        self.assertIn("no multicast router has an interface", answer.lines[0])

    @kernel_only("the doctor compares streams with its entries")
    def test_without_root_it_says_what_it_could_not_look_at(self):
        self.serve()
        with self.stream():
            answer = self.doctor.run(wrapper=NOBODY)
        self.assertEqual(answer.report["findings"], [])
        gaps = {gap["what"]: gap for gap in answer.report["not_examined"]}
        self.assertLessEqual({"packets", "the packet filter", "mgmd"}, set(gaps))
        self.assertIn("CAP_NET_RAW", gaps["packets"]["why"])
        self.assertEqual(gaps["packets"]["command"], "sudo mgmctl doctor")
        self.assertEqual(answer.lines[-1], "no fault found, but no packets were looked at")

    def test_an_interface_that_does_not_exist_is_an_error(self):
        process = Doctor(self.router).start(["mgmctl", "doctor", "lan0"], stderr=-1)
        self.assertIn("there is no interface lan0", process.communicate()[1])
        self.assertEqual(process.returncode, 1)

    # --- the packet filter

    @kernel_only("the doctor compares streams with its entries")
    def test_a_firewall_at_forward_is_found(self):
        """pimd#121, S17: the counters rise, and nothing comes out."""
        self.serve()
        with self.stream(), self.dropped(FORWARD):
            command = self.found(
                "firewall_forward", "239.1.1.1 from 10.1.0.11 arrives on src",
                "chain ip mgmd_bed stop of nftables, policy drop",
            )
            self.assertRegex(command, "^nft 'insert rule ip mgmd_bed stop iifname")

    @kernel_only("the doctor compares streams with its entries")
    def test_a_firewall_before_routing_is_found(self):
        self.serve()
        with self.stream(), self.dropped(PREROUTING):
            self.found("firewall_arrival", "src: 239.1.1.1", "chain ip mgmd_bed stop", "policy drop")

    def test_a_firewall_at_output_is_found(self):
        self.serve()
        with self.stream(), self.dropped(OUTPUT):
            command = self.found("firewall_output", "lan: ", "chain ip mgmd_bed stop", listen="3s")
            self.assertIn("ip protocol igmp accept", command)

    def test_other_chains_are_not_suspected(self):
        """A firewall that drops what is for the router itself stops no stream (I66)."""
        self.serve()
        with self.stream(), self.dropped(1):
            self.healthy()

    # --- what else stops streams

    @kernel_only("the doctor compares streams with its entries")
    def test_packets_that_are_too_long_are_found(self):
        self.serve()
        self.router.ip("link set lan mtu 1280")
        with self.stream(Large(self.senders, GROUP, 1400)):
            self.stopped(self.member)
            command = self.found("mtu", "up to 1400 bytes", "the MTU of lan is 1280")
            self.assertEqual(command, "ip link set dev lan mtu 1400")
            self.cures(command, self.member)

    @kernel_only("the doctor compares streams with its entries")
    def test_packets_of_which_some_are_too_long_are_found(self):
        self.serve()
        self.router.ip("link set lan mtu 1280")
        with self.stream(Large(self.senders, GROUP, 1400)), Stream(self.feed(GROUP), 0.02):
            self.member.expect(3)
            self.cures(self.found("mtu", "up to 1400 bytes"), self.member)

    @kernel_only("the doctor compares streams with its entries")
    def test_a_ttl_of_1_is_found(self):
        """smcroute#172, S48."""
        self.serve()
        with self.stream(Feed(self.senders, GROUP, ttl=1)):
            command = self.found("ttl", "src: 239.1.1.1", "with TTL 1", "sent to lan")
        self.assertIn("64", command)

    @kernel_only("the doctor compares streams with its entries")
    def test_a_ttl_below_the_threshold_is_found(self):
        self.serve(interface("src"), interface("lan", {}, ttl_threshold=20))
        with self.stream():
            self.found("ttl", "with TTL 16", "a TTL above 20")

    @kernel_only("the doctor compares streams with its entries")
    def test_a_drop_that_is_nobodys_is_said_to_be_unknown(self):
        self.serve(interface("src"), interface("lan"), route("src", GROUP, "lan"))
        with self.stream():
            tc(self.router, "qdisc add dev lan root pfifo limit 0")
            command = self.found("not_forwarded", "the packet filter is not the reason")
            self.assertEqual(command, "tc -s qdisc show dev lan")
            tc(self.router, "qdisc del dev lan root")
            self.healthy()

    # --- rp_filter

    def foreign(self):
        """A stream of src whose source has its route elsewhere, or none."""
        self.serve(interface("src"), interface("lan"), route("src", GROUP, "lan"))
        return Stream(self.feed(GROUP, FOREIGN), 0.02)

    @kernel_only("the doctor compares streams with its entries")
    def test_a_strict_rp_filter_is_found(self):
        """smcroute#99, S10: the stream is dropped before anything counts it."""
        self.router.ip("route add 203.0.113.0/24 dev lan")
        self.router.sysctl(conf__src__rp_filter=1)
        with self.foreign():
            command = self.found("reverse_path", "rp_filter (1)", "leads to lan")
            self.assertEqual(command, "sysctl -w net.ipv4.conf.src.rp_filter=2")
            self.cures(command, self.member)

    @kernel_only("the doctor compares streams with its entries")
    def test_a_loose_rp_filter_is_found_if_the_source_has_no_route(self):
        self.router.sysctl(conf__all__rp_filter=2)
        with self.foreign():
            command = self.found("reverse_path", "rp_filter (2)", f"no route leads to {FOREIGN}")
            self.cures(command, self.member)

    def test_a_strict_rp_filter_that_drops_nothing_is_no_fault(self):
        self.router.sysctl(conf__all__rp_filter=1)
        self.serve()
        with self.stream():
            self.healthy()


class AnyRouter(Clinic):
    """Without mgmd: another program routes from src to lan."""

    def setUp(self):
        super().setUp()
        self.receiver = self.link("lan")
        self.far = self.link("far")
        self.other = StaticRouter(self.router, "src", "lan", "far")
        self.doctor_of()
        self.member = Member(self.receiver, GROUP)

    def stream(self, group=GROUP):
        return Stream(Feed(self.senders, group), 0.02)

    def test_a_router_that_is_not_mgmd_is_healthy(self):
        self.other.add(self.source, GROUP, "src", "lan", "far")
        with self.stream():
            answer = self.healthy()
        self.assertEqual(answer.report["interfaces"], ["src", "lan", "far"])
        self.assertEqual(answer.report["streams"], 1)
        gaps = answer.report["not_examined"]
        self.assertEqual(len(gaps), 1, gaps)
        (gap,) = gaps
        self.assertEqual(gap["what"], "whether a router sends queries on lan, far")
        self.assertEqual(gap["command"], "mgmctl doctor --listen 130s")

    def test_only_the_interfaces_that_are_named_are_listened_on(self):
        self.other.add(self.source, GROUP, "src", "lan")
        with self.stream():
            answer = self.healthy("lan", "src")
        self.assertEqual(answer.report["interfaces"], ["src", "lan"])

    def test_an_entry_for_all_sources_counts(self):
        """FRR has such entries. The kernel uses them only for interfaces that are in them."""
        self.other.add("0.0.0.0", GROUP, "src", "src", "lan")
        self.router.ip("link set lan mtu 1280")
        with Stream(Large(self.senders, GROUP, 1400), 0.02):
            self.cures(self.found("mtu", "lan: 239.1.1.1"), self.member)

    def test_many_streams_are_one_finding(self):
        self.router.ip("link set lan mtu 1280")
        groups = [GROUP, *(f"239.1.2.{n}" for n in range(4))]
        with contextlib.ExitStack() as stack:
            for group in groups:
                self.other.add(self.source, group, "src", "lan")
                stack.enter_context(Stream(Large(self.senders, group, 1400), 0.05))
            command = self.found("mtu", "239.1.1.1 from 10.1.0.11 and 4 more streams arrive on src")
            self.cures(command, self.member)

    def test_packets_for_the_daemon_itself_leave_by_no_link(self):
        """pimd and FRR send them to the rendezvous point themselves."""
        self.other.add_register()
        self.other.add(self.source, GROUP, "src", "lan", "register")
        with self.stream():
            self.healthy()

    def test_a_packet_or_two_are_no_stream(self):
        self.other.add(self.source, GROUP, "src", "lan")
        feed = Large(self.senders, GROUP, 1400)
        self.router.ip("link set lan mtu 1280")
        process = self.doctor.start(["mgmctl", "doctor", "--listen", "1s"], stdout=-1)
        feed.send(2)
        process.communicate(timeout=10)
        self.assertEqual(process.returncode, 0)

    def test_an_interface_that_is_down_is_found(self):
        self.other.add(self.source, GROUP, "src", "lan")
        with self.stream():
            self.member.expect(1)
            self.router.ip("link set lan down")
            self.stopped(self.member)
            self.cures(self.found("interface_down", "lan, which is down"), self.member)

    def test_an_interface_without_carrier_is_found(self):
        self.other.add(self.source, GROUP, "src", "lan")
        with self.stream():
            self.receiver.ip("link set eth0 down")
            until(lambda: "NO-CARRIER" in self.router.ip("link show lan"), "no carrier")
            command = self.found("interface_down", "lan, which has no carrier")
            self.assertEqual(command, "ip link show dev lan")
            self.receiver.ip("link set eth0 up")
            self.member.expect(3)
            self.healthy()


def route(source, group, to):
    return f'[[route]]\nfrom = "{source}"\ngroup = "{group}"\nto = ["{to}"]\n'


def tc(host, command):
    """Changes the queue of a device."""
    subprocess.run(["tc", "-n", host.namespace, *command.split()], check=True)
