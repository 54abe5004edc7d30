"""What only the ebpf forwarder does, with a whole router: whatever forwarder is tested."""

import errno
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

import bpf
from case import GROUP, NetnsTest
from lab import MRT_INIT, PORT, until
from router import CAN_NOT_COMPLETE, INVALID_PARAMETER, NO_ERROR, Router

UDP_SEGMENT = 103
# The commands of bpf().
MAP_CREATE, MAP_UPDATE, PROG_LOAD, LINK_CREATE = "bpf 0", "bpf 2", "bpf 5", "bpf 28"


@unittest.skipIf(bpf.why_not(), bpf.why_not())
class Ebpf(NetnsTest):
    def router(self, **options):
        return super().router(forwarder="ebpf", **options)

    def faulty(self, how, kind):
        """Returns a router in which calls of this kind fail while a file exists, and the file."""
        directory = self.enterContext(tempfile.TemporaryDirectory())
        fault = pathlib.Path(directory) / "fault"
        router = self.router(
            LD_PRELOAD=str(Router.build.interposer),
            MGM_FAULT=f"{how} 1 4000000000 {kind}",
            MGM_FAULT_WHILE=str(fault),
        )
        return router, fault

    def attached(self):
        with self.lab.router.inside():
            return set(bpf.interfaces())

    # spec 6.7
    def test_oifs_have_counters_to_the_packet(self):
        source, receiver, router = self.one_receiver()
        router.must("threshold to-receiver 20")
        collector = receiver.collector(GROUP)
        low, high = source.emitter(GROUP, ttl=16), source.emitter(GROUP, ttl=64)
        low.send(3)
        until(router.mfes, "the MFE, because four packets are kept at most")
        high.send_until(lambda: collector.count > 0, "a packet comes through")
        sent = high.sent

        def counted():
            (mfe,) = router.mfes()
            return mfe["counts"], mfe["sent"], mfe["packets"]

        until(lambda: counted() == ([[sent, 3, 0, 0]], sent, sent + 3), f"{sent}: {counted()}")
        # They stay counted when the oif leaves.
        router.must(f"leave A * {GROUP} to-receiver")
        until(lambda: counted() == ([], sent, sent + 3), f"{sent}: {counted()}")

    # spec 6.7
    def test_a_packet_that_a_device_has_put_together_counts_as_its_segments(self):
        source, receiver, router = self.one_receiver()
        collector, stream = receiver.collector(GROUP), source.emitter(GROUP)
        stream.send_until(lambda: collector.count > 0, "the stream")
        sender = source.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 16)
        place = socket.inet_aton(source.address)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, place)
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 500)
        arriving = self.lab.router.tap(GROUP, "to-source")

        def counted(mtu):
            """Returns how the counters grow when four segments are sent as one packet."""
            self.lab.router.ip(f"link set to-receiver mtu {mtu}")
            time.sleep(0.3)  # the router learns of it
            (before,), came, arrived = router.mfes(), collector.count, arriving.count
            sender.sendto(bytes(4 * 500), (GROUP, PORT))
            time.sleep(0.3)
            (after,) = router.mfes()
            self.assertEqual(arriving.count - arrived, 1, "it arrives as one packet")
            oif = [new - old for old, new in zip(before["counts"][0], after["counts"][0])]
            return after["packets"] - before["packets"], oif, collector.count - came

        self.assertEqual(counted(1000), (4, [4, 0, 0, 0], 4), "each is shorter than the MTU")
        self.assertEqual(counted(520), (4, [0, 0, 4, 0], 0), "each is longer")

    # spec 2.7
    def test_it_does_not_use_the_kernels_multicast_routing(self):
        source, receiver, router = self.one_receiver()
        self.assertEqual(self.attached(), {"to-source", "to-receiver"})
        other = self.lab.router.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        other.setsockopt(socket.IPPROTO_IP, MRT_INIT, 1)  # another daemon's, on other interfaces
        collector = receiver.collector(GROUP)
        source.emitter(GROUP).send(1)
        collector.expect(1)

    # spec 2.7
    def test_more_interfaces_than_the_kernels_multicast_routing_has(self):
        source, receiver = self.hosts("source", "receiver")
        spare = self.lab.spare(100)
        router = self.router()
        router.protocol("A", 200, "to-source", "to-receiver", *spare)
        self.assertEqual(len(self.attached()), 102)
        router.must(f"join A * {GROUP} to-receiver", *(f"join A * {GROUP} {i}" for i in spare))
        collector = receiver.collector(GROUP)
        source.emitter(GROUP).send(1)
        collector.expect(1)
        (mfe,) = router.mfes()
        self.assertEqual(len(mfe["outs"]), 101)
        router.must("release A a0")
        until(lambda: len(self.attached()) == 101, "one interface less")

    # spec 0.10
    def test_the_host_selects_it_at_the_start(self):
        self.hosts("source", "receiver")
        router = super().router(forwarder="memory")  # the environment counts only by default
        router.must("start-ebpf", "register A 200 1", "take A to-source")
        self.assertEqual(router.ask("status")["status"]["forwarder"], "ebpf")
        self.assertEqual(self.attached(), {"to-source"})

    # spec 2.7
    def test_an_index_that_does_not_exist(self):
        router = self.router()
        router.must("register A 200 1")
        self.assertEqual(router.do("take A 9999"), INVALID_PARAMETER)

    # spec 2.7
    def test_a_second_router_is_refused_the_same_interface_alone(self):
        self.hosts("source", "receiver")
        first, second = self.router(), self.router()
        for router in (first, second):
            router.must("register A 200 1")
        first.must("take A to-source")
        self.assertEqual(second.do("take A to-source"), CAN_NOT_COMPLETE)
        second.logs("to-source", "another ebpf forwarder")
        self.assertEqual(second.do("take A to-receiver"), NO_ERROR)

    # spec 2.7
    def test_each_reason_to_refuse_the_first_take_is_one_line_with_the_cure(self):
        self.hosts("source", "receiver")
        for error, kind, *words in (
            (errno.EPERM, MAP_CREATE, "CAP_BPF", "run as root"),
            (errno.EPERM, PROG_LOAD, "CAP_BPF", "lockdown", "MGM_FORWARDER to kernel"),
            (errno.EINVAL, MAP_CREATE, "use Linux 5.8 or later", "MGM_FORWARDER to kernel"),
            (errno.EINVAL, PROG_LOAD, "use Linux 5.8 or later", "MGM_FORWARDER to kernel"),
            (errno.ENOSYS, MAP_CREATE, "CONFIG_BPF_SYSCALL", "MGM_FORWARDER to kernel"),
            (errno.ENOMEM, MAP_CREATE, "free some memory"),
            (errno.EMFILE, MAP_CREATE, "raise the limit on open files"),
            (errno.EPERM, LINK_CREATE, "to-source", "CAP_NET_ADMIN"),
        ):
            router, fault = self.faulty(error, kind)
            router.must("register A 200 1")
            fault.touch()
            self.assertEqual(router.do("take A to-source"), CAN_NOT_COMPLETE, kind)
            router.logs(*words)
            self.assertEqual(len(router.log.items), 1, router.log.items)
            self.assertEqual(self.attached(), set(), kind)
            fault.unlink()
            router.must("take A to-source", "take A to-receiver")
            router.close()

    # spec 2.7
    def test_a_full_map_of_interfaces(self):
        self.hosts("source", "receiver")
        router, fault = self.faulty(errno.E2BIG, MAP_UPDATE)
        router.protocol("A", 200, "to-source")
        fault.touch()
        self.assertEqual(router.do("take A to-receiver"), CAN_NOT_COMPLETE)
        router.logs("to-receiver", "release another one")
        self.assertEqual(len(router.log.items), 1, router.log.items)
        self.assertEqual(self.attached(), {"to-source"})
        show = ["ip", "-n", self.lab.router.namespace, "-d", "link", "show", "dev", "to-receiver"]
        self.assertIn("allmulti 0", subprocess.run(show, stdout=subprocess.PIPE, text=True).stdout)
        fault.unlink()
        router.must("take A to-receiver")

    def test_system_calls_about_interfaces_delay_no_others(self):
        """They may wait for the kernel, which deletes a thousand devices, for example."""
        source, receiver = self.hosts("source", "receiver")
        router, slow = self.faulty("slow", "ioctl 8921")  # SIOCGIFMTU
        router.protocol("A", 200, "to-source", "to-receiver")
        router.must(f"join A * {GROUP} to-receiver")
        collector, stream = receiver.collector(GROUP), source.emitter(GROUP)
        stream.send_until(lambda: collector.count > 0, "the stream")
        slow.touch()
        self.lab.router.ip("link set to-receiver mtu 1400")
        time.sleep(0.2)  # now the router asks about the link
        began = time.monotonic()
        (mfe,) = router.mfes()
        router.must(f"leave A * {GROUP} to-receiver", f"join A * {GROUP} to-receiver")
        router.ask("status")
        took = time.monotonic() - began
        slow.unlink()
        self.assertLess(took, 0.5, "statistics and joins waited for it")

    # spec 5.11
    def test_an_interface_that_gets_another_name_while_it_is_asked_about_is_not_lost(self):
        source, receiver = self.hosts("source", "receiver")
        # SIOCGIFFLAGS, by the name that the request before has told.
        router, renamed = self.faulty(errno.ENODEV, "ioctl 8913")
        router.protocol("A", 200, "to-source", "to-receiver")
        router.must(f"join A * {GROUP} to-receiver")
        collector, stream = receiver.collector(GROUP), source.emitter(GROUP)
        stream.send_until(lambda: collector.count > 0, "the stream")
        renamed.touch()
        self.lab.router.ip("link set to-receiver mtu 1400", "link set to-source mtu 1400")
        time.sleep(0.3)  # now the router asks about them
        renamed.unlink()
        before = collector.count
        stream.send_until(lambda: collector.count > before, "the stream goes on")
        self.assertEqual(self.attached(), {"to-source", "to-receiver"})
        self.assertEqual(router.mfes()[0]["outs"], [router.index("to-receiver")])

    # spec 2.7
    def test_clsact_needs_a_privilege_for_each_interface(self):
        self.hosts("source", "receiver")
        router = self.router(MGM_TC="clsact")
        router.must("register A 200 1", "take A to-source", "unprivileged")
        self.assertEqual(router.do("take A to-receiver"), CAN_NOT_COMPLETE)
        router.logs("to-receiver", "clsact", "CAP_NET_ADMIN")
        self.assertEqual(self.attached(), {"to-source"})

    # spec 2.7
    def test_flows_beyond_the_tables_of_a_router_without_privileges(self):
        source, receiver, router = self.one_receiver()
        collector, stream = receiver.collector(GROUP), source.emitter(GROUP)
        stream.send_until(lambda: collector.count > 0, "the stream")
        router.must("unprivileged")
        sender = source.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 16)
        place = socket.inet_aton(source.address)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, place)

        def totals():
            return router.ask("status")["status"]["totals"]

        for number in range(66_000):
            sender.sendto(b"", (f"239.60.{number >> 8}.{number & 255}" if number < 65536
                                else f"239.61.0.{number & 255}", 5000))
            if number % 4096 == 0:
                until(lambda: totals()["resolving"] == 0, "the flows so far", 30)
        router.logs("no permission for more memory", "CAP_BPF", "65,536 flows", timeout=30)
        until(lambda: totals()["not_installed"] > 0, "the others wait")
        # Those that have an entry go on.
        before = collector.count
        stream.send(5)
        collector.expect(before + 5)

    # spec 0.9
    def test_d91_a_flow_limit_is_counted_in_the_status(self):
        source, _, router = self.one_receiver()
        router.must("flow-limit to-source 1 10")
        for number in range(50):
            source.emitter(f"239.50.0.{number}").send(1)

        def limit():
            (row,) = router.ask("status")["status"]["limits"]["flow_rates"]
            return row["refused"]

        router.logs("to-source", "1 new flows a second", "MgmHostSetFlowLimit")
        until(lambda: limit() == 40, f"40 refused packets, {limit()} now")
        self.assertEqual(len(router.mfes()), 10)
