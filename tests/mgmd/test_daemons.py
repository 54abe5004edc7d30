"""Unmodified daemons of Debian side by side, as clients of mgmd (docs/daemons.md)."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import packages
import packets
from bed import long
from case import kernel_only
from daemon import Mgmd
from lab import Lab, until
from unmodified import Unmodified, igmpproxy, smcroute
from wire import Wire

HERE = pathlib.Path(__file__).resolve().parent
GROUP, OTHER_GROUP = "239.1.2.3", "239.9.9.9"

ROUTER = '[router]\ndaemons = true\n[[interface]]\nname = "mgm*"\n'

SMCROUTE = f"""
phyint eth0 enable
phyint eth1 disable
phyint eth2 enable
phyint mgm0 enable
mroute from eth0 group {GROUP} to mgm0
mroute from eth0 group {OTHER_GROUP} to eth2
"""

PROXY = """
quickleave
phyint {upstream} upstream
    altnet 0.0.0.0/0
phyint {downstream} downstream
phyint {disabled} disabled
phyint eth2 disabled
phyint lo disabled
"""


class Base(unittest.TestCase):
    """source - eth0, eth1 - receiver, and eth2 - a host that hears everything."""

    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.close)
        self.source, self.receiver, self.third = map(self.lab.host, ("source", "receiver", "third"))
        for number, host in enumerate((self.source, self.receiver, self.third)):
            self.lab.link(host, f"eth{number}")
        self.router = self.lab.router
        self.router.sysctl(**{f"conf__eth{number}__rp_filter": 0 for number in range(3)})
        self.flow = (self.source.address, GROUP)

    def start(self, kind, *arguments, **options):
        started = kind(self.router, *arguments, **options)
        self.addCleanup(started.close)
        return started

    def mgmd(self, config=ROUTER):
        return self.start(Mgmd, config).ready()

    def entry(self, flow=None):
        return self.router.entries().get(flow or self.flow)

    def served(self, *interfaces):
        until(lambda: set(interfaces) <= set(self.router.vifs().values()), f"{interfaces} served")

    def proxy(self, mgmd, upstream="mgm0", downstream="eth1", disabled="eth0"):
        config = PROXY.format(upstream=upstream, downstream=downstream, disabled=disabled)
        return self.start(igmpproxy, config, mgmd=mgmd)

    def pair(self):
        """Starts mgmd, smcroute and igmpproxy."""
        mgmd = self.mgmd()
        static = self.start(smcroute, SMCROUTE, mgmd=mgmd)
        self.served("eth0", "eth2")
        proxy = self.proxy(mgmd)
        self.served("eth0", "eth1", "eth2")
        # Only then it hears reports.
        proxy.log.wait(lambda line: "membership query" in line.lower(), "igmpproxy queries")
        return mgmd, static, proxy

    def joined(self, mgmd, on="eth1"):
        """The receiver joins; waits until mgmd knows."""
        collector = self.receiver.collector(GROUP)
        mgmd.logs(f"joins (*, {GROUP}) on {on}", timeout=10)
        return collector

    def flows(self, collector, count=500):
        """Sends datagrams, of which 99 % must arrive, and none twice."""
        emitter, before = self.source.emitter(GROUP), collector.count
        emitter.send()
        # The kernel keeps only 4 packets of a flow until its entry is there.
        until(lambda: self.entry() and self.entry()[1], "the entry", 1)
        for _ in range(count - 1):
            emitter.send()
            time.sleep(0.002)
        until(lambda: collector.count - before >= count * 0.99, f"{count} datagrams", 2)
        time.sleep(0.2)
        numbers = collector.numbers[before : before + collector.count]
        self.assertEqual(len(numbers), len(set(numbers)), "none twice")
        return emitter


class Daemons(Base):
    """Daemons as Debian ships them."""

    def setUp(self):
        if not packages.program("usr/sbin/smcrouted").exists():
            self.skipTest("Debian's packages cannot be had")
        super().setUp()

    @long
    @kernel_only("the daemons use the kernel")
    def test_without_mgm_run_the_second_daemon_exits(self):
        first = self.start(smcroute, SMCROUTE.replace("phyint mgm0 enable\n", ""))
        self.served("eth0", "eth2")
        second = self.proxy(None, upstream="eth0", disabled="eth3")
        self.assertNotEqual(second.process.wait(10), 0)
        self.assertTrue(first.alive())
        second.log.wait(lambda line: "in use" in line, "Address already in use")

    @long
    def test_one_daemon_alone(self):
        mgmd = self.mgmd()
        config = f"phyint eth0 enable\nphyint eth1 enable\nmroute from eth0 group {GROUP} to eth1\n"
        self.start(smcroute, config, mgmd=mgmd)
        self.served("eth0", "eth1")
        self.flows(self.receiver.collector(GROUP), 100)
        self.assertEqual(self.entry(), ("eth0", {"eth1"}))

    @long
    def test_smcroutectl_shows_the_packets(self):
        mgmd = self.mgmd()
        config = f"phyint eth0 enable\nphyint eth1 enable\nmroute from eth0 group {GROUP} to eth1\n"
        static = self.start(smcroute, config, mgmd=mgmd)
        self.served("eth0", "eth1")
        collector = self.receiver.collector(GROUP)

        def shown():
            """Returns the packets and octets of the flow."""
            command = [packages.program("usr/sbin/smcroutectl"), "-p", "-u", static.directory / "ctl"]
            done = subprocess.run([*command, "show", "-d"], capture_output=True, text=True)
            for line in done.stdout.splitlines():
                words = line.split()
                if self.flow[0] in line and GROUP in line:
                    return [int(word) for word in words if word.isdigit()][:2]
            return None

        self.flows(collector, 100)
        before = until(shown, "the flow", 5)
        self.source.emitter(GROUP).send(50)
        wanted = [before[0] + 50, before[1] + 50 * 32]
        until(lambda: shown() == wanted, f"{wanted}, not {shown()}", 5)

    @long
    def test_two_daemons_are_one_router(self):
        mgmd, static, proxy = self.pair()
        self.assertNotIn("mgm0", self.router.vifs().values())
        clients = [one for one in mgmd.get("/v1/clients")["clients"] if one.get("process")]
        self.assertEqual({one["process"]["name"] for one in clients}, {"smcrouted", "igmpproxy"})
        command = [mgmd.build.mgmctl, "--socket", mgmd.control(), "clients"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.assertTrue("smcrouted" in shown and "igmpproxy" in shown, shown)
        collector = self.joined(mgmd)
        emitter = self.flows(collector)
        self.assertEqual(self.entry(), ("eth0", {"eth1"}))
        collector.leave()
        # igmpproxy takes some 20 s of its own to believe it; what it then says takes effect at once.
        ended = lambda: mgmd.lines(f"({self.flow[0]}, {GROUP}) on eth1", "ends")  # noqa: E731
        until(ended, "igmpproxy deletes its entry", 60)
        until(lambda: self.entry() in (None, ("eth0", set())), "eth1 is no oif", 1)
        self.receiver.tap(GROUP).falls_silent(emitter, patience=1)
        self.assertTrue(static.alive() and proxy.alive())

    @long
    def test_the_other_way_round(self):
        mgmd = self.mgmd()
        self.proxy(mgmd, upstream="eth0", downstream="mgm0", disabled="eth1")
        self.served("eth0")
        config = (
            "phyint eth0 disable\nphyint eth1 enable\nphyint mgm0 enable\n"
            f"mgroup from mgm0 group {GROUP}\nmroute from mgm0 group {GROUP} to eth1\n"
        )
        self.start(smcroute, config, mgmd=mgmd)
        self.served("eth0", "eth1")
        # igmpproxy hears the group on mgm0, and joins it on eth0.
        joined = lambda: any("030201EF" in line for line in self.router.read("igmp"))  # noqa: E731
        until(joined, f"igmpproxy joins {GROUP} on eth0", 10)
        self.flows(self.receiver.collector(GROUP))
        self.assertEqual(self.entry(), ("eth0", {"eth1"}))

    @long
    def test_a_daemon_is_killed_and_started_again(self):
        mgmd, static, proxy = self.pair()
        collector = self.joined(mgmd)
        emitter = self.flows(collector, 100)
        static.kill()
        until(lambda: self.entry() is None, "the entry is gone", 1)
        until(lambda: "eth0" not in self.router.vifs().values(), "eth0 is free", 1)
        self.assertTrue(proxy.alive())
        static.start()
        before = collector.count
        emitter.send_until(lambda: collector.count > before, "packets flow again", 2)

    @long
    def test_a_stopped_daemon_delays_nobody(self):
        mgmd, static, proxy = self.pair()
        self.joined(mgmd)
        proxy.signal(signal.SIGSTOP)
        self.addCleanup(proxy.signal, signal.SIGCONT)
        times = []
        for number in range(5):
            emitter = self.source.emitter(OTHER_GROUP, spoof=f"10.1.0.{100 + number}")
            flow, start = (f"10.1.0.{100 + number}", OTHER_GROUP), time.monotonic()
            emitter.send()
            until(lambda: self.entry(flow), "the entry", 2)
            times.append(time.monotonic() - start)
            self.assertEqual(self.entry(flow), ("eth0", {"eth2"}))
        self.assertLess(min(times), 0.1, times)

    @long
    def test_mgmd_is_killed_and_started_again(self):
        mgmd, static, proxy = self.pair()
        collector = self.joined(mgmd)
        self.flows(collector, 100)
        mgmd.kill()
        until(lambda: not self.router.vifs(), "no VIF is left", 2)
        self.assertEqual(self.router.entries(), {})
        before = [daemon.seconds() for daemon in (static, proxy)]
        time.sleep(3)
        for daemon, then in zip((static, proxy), before):
            self.assertTrue(daemon.alive())
            self.assertLess(daemon.seconds() - then, 0.3, "it does not spin")
        mgmd.ignore_notifications()
        mgmd.start()
        self.served("eth0", "eth1", "eth2")
        emitter, before = self.source.emitter(GROUP), collector.count
        emitter.send_until(lambda: collector.count > before, "packets flow again", 5)

    @long
    def test_an_interface_has_one_owner(self):
        mgmd, static, _ = self.pair()
        second = self.start(smcroute, "phyint eth0 enable\n", mgmd=mgmd)
        second.log.wait(lambda line: "mgm-mroute" in line and "own" in line, "the owner")

    @long
    def test_a_daemon_in_the_background(self):
        mgmd = self.mgmd()
        config = f"phyint eth0 enable\nphyint eth1 enable\nmroute from eth0 group {GROUP} to eth1\n"
        started = self.start(smcroute, config, mgmd=mgmd, background=True)
        self.addCleanup(_end, self.router, "smcrouted")
        self.assertEqual(started.process.wait(10), 0, "the parent ends")
        self.served("eth0", "eth1")
        self.flows(self.receiver.collector(GROUP), 100)


class Rest(Base):
    """The interface mgm0, and daemons of the tests' own."""

    def test_d130_the_child_of_a_fork_goes_on_as_the_daemon(self):
        mgmd = self.mgmd()
        words = (str(HERE / "forking.py"), "eth0", "eth1")
        started = self.start(Unmodified, sys.executable, "", *words, mgmd=mgmd)
        self.addCleanup(_end, self.router, "python3")
        self.assertEqual(started.process.wait(10), 0, "the parent ends")
        self.served("eth0", "eth1")
        self.flows(self.receiver.collector(GROUP), 100)
        self.assertEqual(self.entry(), ("eth0", {"eth1"}))

    def acts(self, what, mgmd, *interfaces):
        """Starts a daemon of acts.py."""
        words = (str(HERE / "acts.py"), what, *interfaces)
        return self.start(Unmodified, sys.executable, "", *words, mgmd=mgmd)

    def succeeds(self, started, patience=20):
        """Waits until the daemon has ended well."""
        self.assertEqual(started.process.wait(patience), 0, started.log.items)

    def test_d134_each_igmp_packet_is_read_once(self):
        mgmd = self.mgmd()
        started = self.acts("hearing", mgmd, "eth0", "eth1")
        started.log.wait(lambda line: line == "ready", "the daemon")
        self.served("eth0", "eth1")
        one, third = Wire(self.receiver), Wire(self.third)
        # With and without Router Alert, to a group, to all routers, and to this machine.
        wanted = []
        for number, options in enumerate((packets.ROUTER_ALERT, b"")):
            group = f"239.1.0.{number}"
            one.send(packets.v2_report(group), options=options)
            wanted.append(f"heard eth1 0x16 {group}")
            one.send(packets.leave(group), options=options)
            wanted.append(f"heard eth1 0x17 {group}")
            group = f"239.1.1.{number}"
            mac = bytes.fromhex(self.router.ip("link show dev eth1").split()[-3].replace(":", ""))
            one.send(packets.v2_report(group), destination="10.2.0.1", mac=mac, options=options)
            wanted.append(f"heard eth1 0x16 {group}")
            # Only all-hosts is joined where the daemon has no interface.
            third.send(packets.v2_query(f"239.1.2.{number}"), destination="224.0.0.1", options=options)
            wanted.append(f"heard eth2 0x11 239.1.2.{number}")
        time.sleep(0.3)
        one.send(packets.v2_report("239.1.0.99"))
        wanted += ["heard eth1 0x16 239.1.0.99", "heard eth0 0x11 0.0.0.0"]
        started.log.wait(lambda line: line.startswith("heard eth0"), "its own query")
        time.sleep(0.3)
        heard = [line for line in started.log.items if line.startswith("heard")]
        self.assertEqual(sorted(heard), sorted(wanted))

    def test_d134_only_interfaces_that_are_vifs_are_listened_on(self):
        mgmd = self.mgmd()
        started = self.acts("moving", mgmd, "eth0", "eth1")
        started.log.wait(lambda line: line == "ready", "the daemon", 30)
        for host, name in ((self.source, "eth0"), (self.receiver, "eth1")):
            wire, number = Wire(host), name[-1]
            wire.send(packets.v2_report(f"239.1.3.{number}"), options=b"")
            wire.send(packets.v2_query(f"239.1.2.{number}"), destination="224.0.0.1")
        started.log.wait(lambda line: line.endswith("239.1.2.1"), "the query on eth1")
        time.sleep(0.3)
        heard = [line for line in started.log.items if line.startswith("heard")]
        wanted = ["heard eth0 0x11 239.1.2.0", "heard eth1 0x11 239.1.2.1", "heard eth1 0x16 239.1.3.1"]
        self.assertEqual(sorted(heard), wanted)

    def test_counters_on_a_socket_of_ipv6_are_the_kernels(self):
        self.succeeds(self.acts("counters", self.mgmd(), "eth0", "eth1"))

    def test_a_child_that_closes_a_member_of_a_group_is_no_daemon(self):
        mgmd = self.mgmd()
        self.succeeds(self.acts("closing", mgmd, "eth0", "eth1"))

    def test_what_a_child_of_vfork_closes_stays_open(self):
        self.succeeds(self.acts("vfork", self.mgmd(), "eth0", "eth1"))

    def test_a_daemon_with_a_child_does_not_spin_without_mgmd(self):
        mgmd = self.mgmd()
        started = self.acts("helper", mgmd, "eth0", "eth1")
        started.log.wait(lambda line: line == "ready", "the child")
        mgmd.kill()
        self.succeeds(started)

    def test_only_groups_go_by_the_interface_for_multicast(self):
        self.router.ip("link set lo up")
        self.succeeds(self.acts("unicast", self.mgmd(), "eth0", "eth1"))

    def test_groups_on_mgm0_outlive_mrt_done(self):
        mgmd = self.mgmd()
        started = self.acts("again", mgmd, "eth0", "eth1")
        started.log.wait(lambda line: line == "ready", "the daemon", 10)
        joins = lambda group: len(mgmd.lines(f"joins (*, {group}) on eth0"))  # noqa: E731
        until(lambda: joins("239.1.2.3") == 2, "the group again", 5)
        self.assertEqual(joins("239.1.2.4"), 1)

    def test_a_dup2_that_fails_closes_nothing(self):
        self.succeeds(self.acts("failing", self.mgmd(), "eth0", "eth1"))

    def test_all_numbers_of_a_socket_are_equal(self):
        self.succeeds(self.acts("copies", self.mgmd(), "eth0", "eth1"))

    def test_a_number_closed_unnoticed_is_that_of_a_file(self):
        self.succeeds(self.acts("stale", self.mgmd(), "eth0", "eth1"))

    def test_closefrom_spares_the_library(self):
        started = self.acts("closefrom", self.mgmd(), "eth0", "eth1")
        self.succeeds(started)
        self.assertFalse([line for line in started.log.items if "mgm-mroute" in line])

    def test_closefrom_without_close_range(self):
        self.succeeds(self.acts("old_kernel", self.mgmd(), "eth0", "eth1"))

    def test_calls_that_no_daemon_makes(self):
        self.succeeds(self.acts("odd", self.mgmd(), "eth0", "eth1"))

    def test_a_program_that_inherits_the_socket_does_no_harm(self):
        self.succeeds(self.acts("execs", self.mgmd(), "eth0", "eth1"))

    def test_a_child_that_closes_the_socket_does_not_change_it(self):
        mgmd = self.mgmd()
        started = self.acts("orphan", mgmd, "eth0", "eth1")
        started.log.wait(lambda line: line == "ready", "the daemon")
        self.served("eth0", "eth1")
        Wire(self.receiver).send(packets.v2_report("239.1.0.1"))
        Wire(self.source).send(packets.leave("239.1.0.2"))
        for wanted in ("heard eth1 0x16 239.1.0.1", "heard eth0 0x17 239.1.0.2"):
            started.log.wait(lambda line, wanted=wanted: line == wanted, wanted)
        time.sleep(0.3)
        heard = [line for line in started.log.items if line.startswith("heard")]
        self.assertEqual(len(heard), 2, heard)

    def test_a_thread_that_waits_is_cancelled(self):
        mgmd = self.mgmd()
        program = mgmd.build.program("cancelled", HERE / "cancelled.c")
        self.succeeds(self.start(Unmodified, program, "", mgmd=mgmd))

    @long
    def test_a_thread_that_waits_for_mgmd_is_cancelled(self):
        mgmd = self.mgmd()
        program = mgmd.build.program("cancelled", HERE / "cancelled.c")
        started = self.start(Unmodified, program, "", "stopped", mgmd=mgmd)
        started.log.wait(lambda line: line == "ready", "the daemon")
        mgmd.process.send_signal(signal.SIGSTOP)
        self.addCleanup(mgmd.process.send_signal, signal.SIGCONT)
        self.succeeds(started, 40)

    def test_a_number_that_is_too_high_is_logged(self):
        started = self.acts("high", self.mgmd())
        self.succeeds(started)
        started.log.wait(lambda line: "mgm-mroute" in line and "1024" in line, "the line")

    def test_log_lines_do_no_harm(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        folder = tempfile.mkdtemp(prefix="mgm-lines-")
        self.addCleanup(shutil.rmtree, folder)
        library = Mgmd.build.mgm_run.parent / "libmgm_mroute.so"
        done = subprocess.run(
            [sys.executable, HERE / "acts.py", "lines", f"{folder}/file"],
            stderr=writer,
            env={**os.environ, "LD_PRELOAD": str(library), "MGM_ROUTER": f"{folder}/none"},
            timeout=20,
        )
        self.assertEqual(done.returncode, 0)

    def test_receiving_waits_as_from_the_kernel(self):
        self.succeeds(self.acts("waiting", self.mgmd(), "eth0", "eth1"))

    def test_numbers_closed_unnoticed_are_used_again(self):
        mgmd = self.mgmd()
        started = self.acts("reused", mgmd, "eth0", "eth1")
        self.addCleanup(_end, self.router, "python3")
        self.succeeds(started)
        started.log.wait(lambda line: line == "goes on", "the child")

    def test_threads_signals_and_forks(self):
        self.succeeds(self.acts("threads", self.mgmd(), "eth0", "eth1"))

    @long
    def test_an_mgmd_that_is_stopped_delays_one_call(self):
        mgmd = self.mgmd()
        started = self.acts("stopped", mgmd, "eth0", "eth1")
        started.log.wait(lambda line: line == "ready", "the daemon")
        mgmd.process.send_signal(signal.SIGSTOP)
        self.addCleanup(mgmd.process.send_signal, signal.SIGCONT)
        self.succeeds(started, 40)
        refused = [line for line in started.log.items if "cannot connect" in line]
        self.assertEqual(len(refused), 1, started.log.items)

    def test_m58_patterns_do_not_match_mgm0(self):
        mgmd = self.mgmd('[router]\ndaemons = true\n[[interface]]\nname = "*"\n')
        names = {each["name"] for each in mgmd.get("/v1/interfaces")["interfaces"]}
        self.assertIn("eth0", names)
        self.assertTrue(names.isdisjoint({"mgm0", "mgmreg"}), names)
        self.assertIn("169.254.77.1/30", self.router.ip("addr show dev mgm0"))
        self.assertEqual(mgmd.stop(), 0)
        shown = self.router.ip("link")
        self.assertFalse("mgm0:" in shown or "mgmreg:" in shown, shown)

    def test_m59_mgm0_that_cannot_be_made_ends_the_start(self):
        for name in ("mgm0", "mgmreg"):
            self.router.ip(f"tuntap add {name} mode tap")
            mgmd = self.start(Mgmd, ROUTER)
            self.assertEqual(mgmd.process.wait(10), 1)
            mgmd.logs(name, "router.daemons")
            self.assertEqual(self.router.vifs(), {})
            self.router.ip(f"link del {name}")


def _end(host, name):
    """Ends the programs of a name that have gone into the background on a host."""
    done = subprocess.run(["ip", "netns", "pids", host.namespace], capture_output=True, text=True)
    for pid in done.stdout.split():
        if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith(name):
            os.kill(int(pid), signal.SIGKILL)
