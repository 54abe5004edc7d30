"""Many new flows at once: none is lost, and no flow waits for a slow client of other flows."""

import signal
import socket
import subprocess
import time

import bpf
import lab
from case import NetnsTest, kernel_only
from lab import MRT_FLUSH, MRT_FLUSH_MFC, setns, until
from router import Router

SOURCES, GROUPS = 20, 250
FIRST_GROUP = "239.7.0.0"
# The number of bytes of the buffer that the kernel counts for one upcall.
UPCALL = 832


class Bursts(NetnsTest):
    def burst(self, host, sources=SOURCES, groups=GROUPS, first=100):
        """Sends one datagram of each flow, from this many neighbours of the host."""
        first = f"{host.address.rpartition('.')[0]}.{first}"
        words = [Router.build.directory / "burst", host.interface, first, sources]
        subprocess.run(
            [str(word) for word in (*words, FIRST_GROUP, groups)],
            check=True,
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: setns(host.descriptor),
        )

    def installed(self, interface=None):
        """Returns the number of flows with an entry in the kernel: all, or those with this incoming
        interface. Uses netlink, because reading so many from /proc takes seconds."""
        if lab.FORWARDER == "ebpf":
            with self.lab.router.inside():
                iifs = bpf.iifs()
            return len(iifs) if interface is None else iifs.count(interface)
        lines = self.lab.router.ip("mroute show").splitlines()
        iifs = [line.partition("Iif: ")[2].split()[0] for line in lines]
        return len(iifs) - iifs.count("unresolved") if interface is None else iifs.count(interface)

    def all_installed(self, count, interface=None):
        until(
            lambda: self.installed(interface) == count or time.sleep(0.1),
            f"{count} flows, of which {self.installed(interface)} are installed",
            30,
        )

    def lost(self, router):
        return router.ask("status")["status"]["counters"]["upcalls"]["lost"]

    # spec 5.1
    def test_every_flow_is_installed_in_the_first_pass(self):
        source, receiver = self.hosts("source", "receiver")
        router = self.router()
        router.protocol("A", 200, "to-source", "to-receiver")
        router.must("join A * * to-receiver")
        self.burst(source)
        self.all_installed(SOURCES * GROUPS)
        self.assertEqual(self.lost(router), 0)

    def test_upcalls_wait_for_a_router_that_is_not_running(self):
        source, receiver = self.hosts("source", "receiver")
        router = self.router()
        router.protocol("A", 200, "to-source", "to-receiver")
        router.must("join A * * to-receiver")
        router.process.send_signal(signal.SIGSTOP)
        self.burst(source)
        router.process.send_signal(signal.SIGCONT)
        self.all_installed(SOURCES * GROUPS)
        self.assertEqual(self.lost(router), 0)

    @kernel_only("its socket has a buffer")
    def test_as_many_upcalls_wait_as_the_buffer_is_made_for(self):
        sources, at_a_time, groups = 75, 5, 1000
        source, receiver = self.hosts("source", "receiver")
        router = self.router()
        router.protocol("A", 200, "to-source", "to-receiver")
        router.must("join A * * to-receiver")
        kernel = self.lab.router.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        router.process.send_signal(signal.SIGSTOP)
        for first in range(100, 100 + sources, at_a_time):
            self.burst(source, at_a_time, groups, first)
            # Deletes the unresolved packets, but not the upcalls: the kernel's list of them makes
            # each new flow slower than the last.
            kernel.setsockopt(socket.IPPROTO_IP, MRT_FLUSH, MRT_FLUSH_MFC)
        router.process.send_signal(signal.SIGCONT)
        self.all_installed(sources * groups)
        self.assertEqual(self.lost(router), 0)

    @kernel_only("its socket has a buffer")
    def test_a_small_buffer_is_told_of_and_what_it_loses_is_counted(self):
        with open("/proc/sys/net/core/rmem_max", encoding="ascii") as file:
            room = 2 * int(file.read()) // UPCALL
        sources = room * 5 // 4 // GROUPS + 1
        if sources > 120:
            self.skipTest(f"net.core.rmem_max leaves room for {room} upcalls")
        source, receiver = self.hosts("source", "receiver")
        # SO_RCVBUFFORCE needs CAP_NET_ADMIN; the default table does not.
        wrapper = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"]
        router = self.router(wrapper=wrapper, MGM_LOG="info")
        router.protocol("A", 200, "to-source", "to-receiver")
        router.logs("SO_RCVBUFFORCE", "net.core.rmem_max")
        router.must("join A * * to-receiver")
        router.process.send_signal(signal.SIGSTOP)
        self.burst(source, sources)
        router.process.send_signal(signal.SIGCONT)
        router.logs("upcalls lost")
        lost = until(lambda: self.lost(router), "a count of them")
        self.all_installed(sources * GROUPS - lost)
        # Only the counted upcalls were lost; the next packets cause them again.
        self.burst(source, sources)
        self.all_installed(sources * GROUPS)

    # spec 8.4
    def test_callbacks_that_sleep_hold_up_nobody_else(self):
        hosts = self.hosts("sleeper", "slow", "quick", "receiver")
        router = self.router()
        for client, number, host in zip("ABCD", (200, 300, 400, 500), hosts):
            router.protocol(client, number, f"to-{host.namespace.rpartition('-')[2]}")
        router.must("join D * * to-receiver", "slow A 10000", "slow B 1")
        sleeper, slow, quick, _ = hosts
        for host, sources in ((sleeper, 4), (slow, 4), (quick, 32)):
            self.burst(host, sources)
        self.all_installed(32 * GROUPS, "to-quick")
        # A still sleeps in its first callback, so the flows have not waited for it.
        self.assertEqual(self.installed("to-sleeper"), 0)
        self.assertEqual(len(router.heard("RPF", client="A")), 1)
        self.all_installed(4 * GROUPS, "to-slow")
        router.kill()
