"""What the system does to mgmd: it stops the process, loses messages, and refuses packets."""

import os
import pathlib
import signal
import time

import packets
from bed import BRISK, GMI, LMQT, QI, QRI, SLACK, Bed, OneHost, interface
from firewall import OUTPUT, drops
from lab import until
from members import Member
from packets import IS_EX, TO_IN, report_of
from wire import Wire
from wires import Stream

GROUP, OTHER = "239.1.1.1", "239.1.1.2"
LINKS_AND_ADDRESSES = 0x11  # RTMGRP_LINK | RTMGRP_IPV4_IFADDR
BOOTTIME = 7  # CLOCK_BOOTTIME, which goes on while the system is suspended


class StandsStill(OneHost):
    """mgmd stands still for longer than its timers, as during a suspend."""

    def stop(self):
        self.mgmd.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        since = time.time()  # before, because mgmd may send at once
        self.mgmd.process.send_signal(signal.SIGCONT)
        return since

    def test_t85_suspend(self):
        """One General Query, what has expired is gone, who answers is served again."""
        self.serve()
        member = self.member(GROUP)
        self.wire.send(report_of(IS_EX, OTHER))  # a host that leaves during the suspend
        self.joined(GROUP)
        self.joined(OTHER)
        self.stop()
        time.sleep(GMI + 2 * QI)
        self.assertEqual(self.oifs(OTHER), {"lan"}, "the kernel goes on forwarding")
        since = self.go_on()
        self.ended(OTHER, timeout=SLACK)
        self.joined(GROUP, timeout=QRI + SLACK)
        self.feed(GROUP).send_until(lambda: member.arrived, "the stream")
        time.sleep(max(0, since + QI - SLACK - time.time()))
        queries = self.wire.queries("0.0.0.0", since=since)
        self.assertEqual(len(queries), 1, queries)
        self.wire.query("0.0.0.0", since=since + QI - SLACK, timeout=QI)

    def test_i79_packets_that_the_kernel_drops_meanwhile_are_counted(self):
        self.serve(WATCHDOG_USEC="1000000")  # with it, losses are counted twice a second
        self.wire.send(report_of(IS_EX, GROUP))
        self.joined(GROUP)
        self.stop()
        # More than the socket holds, from a host that repeats itself.
        report = packets.frame(packets.datagram(report_of(IS_EX, OTHER), self.receiver.address))
        self.wire.send_frames([report] * 20_000)
        self.go_on()
        line = self.mgmd.logs("lan: the receive buffer was full", "packets were lost")
        lost = int(line.rpartition(" packets were lost")[0].split()[-1])
        self.assertGreater(lost, 1000)
        self.assertEqual(self.mgmd.counters("lan")["packets_lost"], lost)
        # It goes on with what comes now.
        self.wire.send(report_of(IS_EX, "239.1.1.3"))
        self.joined("239.1.1.3")

    def test_m13_the_clock_counts_a_suspend(self):
        self.serve()
        clocks = []
        for file in pathlib.Path(f"/proc/{self.mgmd.process.pid}/fdinfo").iterdir():
            lines = dict(line.split(":", 1) for line in file.read_text().splitlines())
            clocks += [int(lines["clockid"])] if "clockid" in lines else []
        self.assertEqual(clocks, [BOOTTIME])


class RefusedPackets(OneHost):
    def test_i79_queries_that_cannot_be_sent(self):
        """A firewall rejects them (EPERM): logged once, and the schedule goes on."""
        self.serve()
        member = self.member(GROUP)
        self.wire.send(report_of(IS_EX, OTHER))
        self.joined(GROUP)
        self.joined(OTHER)
        former = self.wire.queries("0.0.0.0")[-1].time
        until(lambda: self.wire.queries("0.0.0.0")[-1].time > former, "the next query")
        former = self.wire.queries("0.0.0.0")[-1].time
        with Stream(self.feed(GROUP), 0.005):
            member.expect()
            try:
                dropping = drops(self.router, OUTPUT)
                dropping.__enter__()
            except OSError as error:
                self.skipTest(f"no nftables in this kernel ({error})")
            try:
                since = time.time()
                # Two specific queries are lost, and one general query.
                self.wire.send(report_of(TO_IN, OTHER))
                self.ended(OTHER, timeout=LMQT + SLACK)
                time.sleep(max(0, former + 1.5 * QI - time.time()))
                self.assertEqual(self.wire.queries(since=since), [])
            finally:
                dropping.__exit__(None, None, None)
            lines = self.mgmd.lines("could not send a packet")
            self.assertEqual(len(lines), 1, lines)
            self.assertIn("lan: could not send a packet (error 1)", lines[0])
            self.assertGreaterEqual(self.mgmd.counters("lan")["send_failures"], 3)
            after = self.wire.query("0.0.0.0", since=since, timeout=QI).time - former
            self.assertLess(abs(after - QI * round(after / QI)), SLACK, "the schedule goes on")
            time.sleep(QRI)
        self.assertEqual(member.gaps(), ([], []))


class RefusedJoins(OneHost):
    def test_s8_the_kernel_refuses_mgmds_own_groups(self):
        """mrouted#38: the log names the setting, and hosts are served all the same."""
        self.router.sysctl(igmp_max_memberships=1)
        self.serve()
        self.mgmd.logs("lan: cannot join the groups", "net.ipv4.igmp_max_memberships")
        self.wire.send(report_of(IS_EX, GROUP))
        self.joined(GROUP)


class LostAnnouncements(Bed):
    """I74: the kernel announces more changes of links than mgmd's sockets hold (ENOBUFS)."""

    # The buffer of mgmd's socket holds some 1,800 announcements.
    MANY = 2500

    def lost(self, mgmd):
        """Returns how many announcements were lost on mgmd's own socket for them."""
        files = pathlib.Path(f"/proc/{mgmd.process.pid}/fd").iterdir()
        inodes = {os.readlink(file).removeprefix("socket:[").rstrip("]") for file in files}
        sockets = [line.split() for line in self.router.read("netlink")]
        (lost,) = (
            int(words[8])
            for words in sockets
            if words[9] in inodes and int(words[3], 16) == LINKS_AND_ADDRESSES
        )
        return lost

    def test_i74_announcements_are_lost(self):
        """What has changed meanwhile is served within a second: links that are gone, new ones,
        ones that have another index or another address."""
        hosts = {name: self.link(name) for name in ("calm", "lan", "away", "moved")}
        names = (*hosts, "late")
        # What the host on calm wants must not expire, however long this takes.
        brisk = [interface(name, BRISK) for name in names[1:]]
        mgmd = self.start(
            interface("src"), interface("calm", {"query-interval": '"60s"'}), *brisk
        )
        steady, member = Member(hosts["calm"], OTHER), Member(hosts["lan"], GROUP)
        for group, link in ((OTHER, "calm"), (GROUP, "lan")):
            self.joined(group, to=link)
        feed = self.feed(OTHER)
        self.addCleanup(mgmd.process.send_signal, signal.SIGCONT)
        with Stream(feed, 0.005):
            mgmd.process.send_signal(signal.SIGSTOP)
            former = self.router.index("lan")
            self.router.ip("link del lan", "link del away", "addr flush dev moved")
            self.router.ip("addr add 10.90.0.100/24 dev moved")
            self.router.ip("link add noise type veth peer name esion")
            self.router.ip(*(f"link set noise mtu {1000 + n % 400}" for n in range(self.MANY)))
            # After the loss, so that the last state is announced to nobody.
            again, late = self.host("again"), self.host("late")
            self.wire_up("lan", again, 91)
            self.wire_up("late", late, 92)
            self.assertNotEqual(self.router.index("lan"), former)
            wires = {
                "10.90.0.100": Wire(hosts["moved"]),
                "10.91.0.100": Wire(again),
                "10.92.0.100": Wire(late),
            }
            self.assertGreater(self.lost(mgmd), 0)
            since = time.time()
            mgmd.process.send_signal(signal.SIGCONT)
            for source, wire in wires.items():
                wire.query("0.0.0.0", source=source, since=since, timeout=1 + SLACK)
            member = Member(again, GROUP)
            self.joined(GROUP, timeout=1 + SLACK)
            self.feed(GROUP).send_until(lambda: member.arrived, "the stream on the new link")
            links = {link["name"]: link["state"] for link in mgmd.get("/v1/interfaces")["interfaces"]}
            self.assertEqual({name: links[name] for name in names}, {
                "calm": "up", "lan": "up", "away": "missing", "moved": "up", "late": "up",
            })
        last = feed.sent - 1
        until(lambda: steady.numbers()[-1] == last, "the last datagram")
        self.assertEqual(steady.gaps(), ([], []))
        self.assertTrue(mgmd.alive())
