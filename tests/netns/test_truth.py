"""The library's MFEs and the kernel's entries agree while the system changes."""

import errno
import os
import pathlib
import signal
import socket
import struct
import tempfile
import time

from case import GROUP, NetnsTest, kernel_only, not_with_clsact
from lab import MRT_FLUSH, MRT_FLUSH_MFC, until
from router import CAN_NOT_COMPLETE, INVALID_PARAMETER, NO_ERROR, Router

MRT_DEL_VIF = 203
SOL_IP = socket.IPPROTO_IP
RTM_DELROUTE, RTNL_FAMILY_IPMR = 25, 128
# The least number of bytes of the buffer that the kernel counts for the announcement of a route.
ANNOUNCEMENT = 512
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 1, 4, 2
RTA_DST, RTA_SRC = 1, 2
RTN_MULTICAST, RTPROT_STATIC, RT_TABLE_DEFAULT = 5, 4, 253


class Flowing(NetnsTest):
    """A flow from `source` to `receiver`. `stranger` never joins."""

    def setUp(self):
        super().setUp()
        self.source, self.receiver, self.stranger = self.hosts("source", "receiver", "stranger")
        self.emitter = self.source.emitter(GROUP)
        self.strangers = self.stranger.tap(GROUP)
        self.kernel = self.lab.router

    def start(self, **options):
        self.daemon = self.router(**options)
        self.daemon.protocol("A", 200, "to-source", "to-receiver")
        self.daemon.must(f"join A * {GROUP} to-receiver")
        self.flows()

    def flows(self):
        """Checks that datagrams arrive at the receiver, and none at the stranger."""
        wire = self.receiver.tap(GROUP)
        self.emitter.send_until(lambda: wire.count > 0, "the flow")
        self.assertEqual(self.strangers.count, 0)

    def watch(self):
        """Takes an interface. The router notices its loss together with other announcements."""
        (self.canary,) = self.lab.spare(1)
        self.daemon.must(f"take A {self.canary}")

    def has_seen(self):
        """Waits until the router has handled all earlier announcements. It collects them, and logs
        nothing if they have no effect."""
        self.delete(self.canary)

    def delete(self, interface):
        index = self.kernel.index(interface)
        self.kernel.ip(f"link del {interface}")
        until(lambda: self.daemon.ask(f"owner {index}")["code"] == 1168, f"{interface} is lost")
        return index


class Interfaces(Flowing):
    # spec 5.11
    def test_device_that_returns_under_another_index_is_another_one(self):
        self.start()
        old = self.delete("to-receiver")
        self.lab.relink("to-receiver", old + 1000)
        self.receiver.tap(GROUP).silent(self.emitter)

        self.assertEqual(self.daemon.do(f"join A * {GROUP} to-receiver"), INVALID_PARAMETER)
        self.daemon.must("take A to-receiver", f"join A * {GROUP} to-receiver")
        self.flows()
        self.daemon.must(f"release A {old}")
        self.assertEqual(set(self.kernel.vifs().values()), {"to-source", "to-receiver"})

    # spec 5.11
    def test_device_replaced_in_one_breath_gets_nothing_that_it_did_not_join(self):
        self.start()
        index = self.kernel.index("to-receiver")
        self.kernel.ip(
            "link del to-receiver",
            f"link add to-receiver index {index} type veth"
            f" peer name eth0 netns {self.receiver.namespace}",
            "addr add 10.2.0.1/24 dev to-receiver",
            "link set to-receiver up",
        )
        self.receiver.ip("addr add 10.2.0.2/24 dev eth0", "link set eth0 up")
        wire = self.receiver.tap(GROUP)
        until(lambda: "to-receiver" in self.kernel.vifs().values(), "it is served again")
        self.emitter.send(20)
        self.assertEqual(self.daemon.ask("owner to-receiver")["protocol"], 200)
        self.assertEqual((wire.count, self.daemon.groups()), (0, []), "its members are gone")

        self.daemon.must(f"join A * {GROUP} to-receiver")
        self.flows()

    # spec 5.11
    def test_device_moved_to_another_namespace_is_lost(self):
        self.start()
        index = self.kernel.index("to-receiver")
        self.kernel.ip(f"link set to-receiver netns {self.stranger.namespace}")
        until(lambda: self.daemon.ask(f"owner {index}")["code"] == 1168, "the loss")
        self.assertEqual(self.kernel.vifs(), {0: "to-source"})
        until(lambda: list(self.kernel.entries().values()) == [("to-source", set())], "no oif")

    def test_renamed_device_is_the_same_one(self):
        self.start()
        self.watch()
        for link, name in (("to-receiver", "lan0"), ("to-source", "wan0")):
            address = "10.2.0.1/24" if name == "lan0" else "10.1.0.1/24"
            self.kernel.ip(
                f"link set {link} down",
                f"link set {link} name {name}",
                f"link set {name} up",
                f"addr replace {address} dev {name}",
            )
        self.has_seen()
        self.flows()
        self.assertEqual(set(self.kernel.vifs().values()), {"wan0", "lan0"})
        self.daemon.must(f"leave A * {GROUP} lan0", "release A lan0", "release A wan0")
        self.assert_kernel_empty()

    def test_link_goes_down_and_up(self):
        self.start()
        for link in ("to-receiver", "to-source"):
            self.watch()
            self.kernel.ip(f"link set {link} down")
            self.emitter.send(3)
            self.has_seen()
            self.assertEqual(self.daemon.ask(f"owner {link}")["protocol"], 200, "it is there")
            self.kernel.ip(f"link set {link} up")
            self.flows()
        self.assertEqual(self.daemon.groups(), [("0.0.0.0", GROUP)])
        self.assertEqual(len(self.kernel.vifs()), 2)

    # spec 5.10
    def test_link_gets_another_address(self):
        self.start()
        self.kernel.ip("addr add 10.77.0.1/24 dev to-source", "addr del 10.1.0.1/24 dev to-source")
        until(lambda: self.daemon.mfes() == [], "the MFE: there is no route to its source")
        until(lambda: self.kernel.entries() == {}, "the kernel's entry, too")

        self.source.ip(
            "addr add 10.77.0.2/24 dev eth0",
            "addr del 10.1.0.2/24 dev eth0",
            "route replace default via 10.77.0.1",
        )
        self.emitter = self.source.emitter(GROUP, address="10.77.0.2")
        self.flows()
        self.assertEqual([mfe["source"] for mfe in self.daemon.mfes()], ["10.77.0.2"])

    @kernel_only("it has 32 VIFs")
    def test_number_of_a_vif_is_not_used_while_an_entry_may_name_it(self):
        # These leave one free VIF in the kernel's table.
        spare = self.lab.spare(30)
        # The first entry is installed. Then rewriting it fails for two seconds.
        self.start(
            LD_PRELOAD=str(Router.build.interposer),
            MGM_FAULT="12 2 4 setsockopt 0 204",  # ENOMEM of MRT_ADD_MFC
        )
        self.daemon.must(*(f"take A {name}" for name in spare[:29]))

        self.daemon.must("release A to-receiver", f"take A {spare[29]}")
        self.assertEqual(self.daemon.do("take A to-stranger"), CAN_NOT_COMPLETE)
        self.daemon.logs("being deleted", "retry")
        self.emitter.send(20)
        self.assertEqual(self.strangers.count, 0)

        until(lambda: self.daemon.do("take A to-stranger") == NO_ERROR, "a place")
        self.emitter.send(20)
        self.assertEqual(self.strangers.count, 0)
        self.assertEqual(list(self.kernel.entries().values()), [("to-source", set())])


class ReRpf(Flowing):
    FAR = "10.9.0.5"

    def setUp(self):
        super().setUp()
        self.kernel.ip(f"route add 10.9.0.0/24 via {self.source.address}")
        self.emitter = self.source.emitter(GROUP, spoof=self.FAR)

    def start(self, **options):
        super().start(**options)
        self.daemon.must("take A to-stranger")

    # spec 5.10
    def test_moved_route_moves_the_mfe_within_a_second(self):
        self.start()
        indices = {name: self.daemon.index(f"to-{name}") for name in ("source", "stranger")}
        for name in ("stranger", "source") * 3:
            gateway = {"stranger": self.stranger, "source": self.source}[name].address
            began = time.monotonic()
            self.kernel.ip(f"route replace 10.9.0.0/24 via {gateway}")
            until(lambda: self.daemon.mfes()[0]["in"] == indices[name], "the new iif", 1.0)
            until(
                lambda: list(self.kernel.entries().values()) == [(f"to-{name}", {"to-receiver"})],
                "the kernel's, too",
                1.0,
            )
            self.assertLess(time.monotonic() - began, 1.0)
        self.flows()

    # spec 5.10
    def test_question_that_does_not_get_through_says_nothing_about_the_route(self):
        with tempfile.TemporaryDirectory() as directory:
            broken = pathlib.Path(directory) / "broken"
            self.start(
                LD_PRELOAD=str(Router.build.interposer),
                # As in a sandbox, or with a "prohibit" route.
                MGM_FAULT=f"{errno.EACCES} 1 4000000000 send",
                MGM_FAULT_WHILE=str(broken),
            )
            old, new = (self.daemon.index(f"to-{name}") for name in ("source", "stranger"))
            broken.touch()
            self.kernel.ip(f"route add 10.9.0.0/16 via {self.source.address}")
            self.daemon.logs("cannot look up the route", self.FAR)
            broken.unlink()

        # The library looks the source up again.
        self.kernel.ip(f"route replace 10.9.0.0/24 via {self.stranger.address}")
        until(lambda: [mfe["in"] for mfe in self.daemon.mfes()] == [new], "the new iif")
        self.assertEqual(
            [(told["interface"], told["size"] > 0) for told in self.daemon.heard("RPF")],
            [(old, True), (new, False)],
            "no packet came, and the MFE is the first packet's still",
        )

    # spec 5.10
    @not_with_clsact("it needs CAP_NET_ADMIN for each interface")
    def test_changes_that_the_announcements_were_lost_of(self):
        with open("/proc/sys/net/core/rmem_max", encoding="ascii") as file:
            count = max(3000, 2 * int(file.read()) // ANNOUNCEMENT)
        if count > 38_000:
            self.skipTest(f"net.core.rmem_max leaves room for {count} announcements")
        # Without CAP_NET_ADMIN the buffer has the default size. The announcement that counts is the
        # last one.
        self.start(wrapper=["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"])
        pid = self.daemon.process.pid
        os.kill(pid, signal.SIGSTOP)
        many = [f"10.{100 + n // 250}.{n % 250}.0/24" for n in range(count)]
        self.kernel.ip(*(f"route add {net} via {self.source.address}" for net in many))
        index = self.kernel.index("to-receiver")
        self.kernel.ip(
            f"route replace 10.9.0.0/24 via {self.stranger.address}", "link del to-receiver"
        )
        drops = [int(line.split()[8]) for line in self.kernel.read("netlink")]
        self.assertGreater(sum(drops), 0, "the socket was not overrun")
        os.kill(pid, signal.SIGCONT)

        until(lambda: self.daemon.ask(f"owner {index}")["code"] == 1168, "the loss")
        new = self.daemon.index("to-stranger")
        until(lambda: self.daemon.mfes()[0]["in"] == new, "the new iif")
        until(lambda: list(self.kernel.entries().values()) == [("to-stranger", set())], "kernel")
        self.assertEqual(set(self.kernel.vifs().values()), {"to-source", "to-stranger"})

        # It still receives announcements.
        self.kernel.ip(f"route replace 10.9.0.0/24 via {self.source.address}")
        until(lambda: self.daemon.mfes()[0]["in"] != new, "the old iif")


@kernel_only("others can change its table")
class BehindOurBack(Flowing):
    """Any program with CAP_NET_ADMIN may change the kernel's table."""

    def assert_repaired(self):
        before = self.daemon.mfes()
        self.flows()
        until(
            lambda: list(self.kernel.entries().values()) == [("to-source", {"to-receiver"})],
            "the entry again",
        )
        self.assertEqual(len(self.daemon.heard("RPF")), len(before), "it is the same MFE")

    def test_entry_deleted_by_netlink(self):
        self.start()
        table, made_by = RT_TABLE_DEFAULT, RTPROT_STATIC
        message = struct.pack(
            "=BBBBBBBBI", RTNL_FAMILY_IPMR, 32, 32, 0, table, made_by, 0, RTN_MULTICAST, 0
        )
        for kind, value in ((RTA_SRC, self.source.address), (RTA_DST, GROUP)):
            message += struct.pack("=HH", 8, kind) + socket.inet_aton(value)
        flags = NLM_F_REQUEST | NLM_F_ACK
        header = struct.pack("=IHHII", 16 + len(message), RTM_DELROUTE, flags, 1, 0)
        netlink = self.kernel.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        netlink.send(header + message)
        _, kind, _, _, _, error = struct.unpack("=IHHIIi", netlink.recv(4096)[:20])
        self.assertEqual((kind, error), (NLMSG_ERROR, 0), os.strerror(-error))
        self.assertEqual(self.kernel.entries(), {})

        self.assert_repaired()

    def stranger_socket(self):
        return self.kernel.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)

    # spec 5.11
    def test_vif_deleted(self):
        self.start()
        number = {name: vif for vif, name in self.kernel.vifs().items()}["to-receiver"]
        self.stranger_socket().setsockopt(SOL_IP, MRT_DEL_VIF, struct.pack("=H14x", number))
        self.receiver.tap(GROUP).falls_silent(self.emitter)
        until(lambda: len(self.kernel.vifs()) == 2, "it is served again")
        self.assertEqual(self.daemon.ask("owner to-receiver")["protocol"], 200)
        self.daemon.must(f"join A * {GROUP} to-receiver")
        self.assert_repaired()

    def test_table_flushed(self):
        self.start()
        self.stranger_socket().setsockopt(SOL_IP, MRT_FLUSH, MRT_FLUSH_MFC)
        self.assertEqual(self.kernel.entries(), {})

        self.assert_repaired()
