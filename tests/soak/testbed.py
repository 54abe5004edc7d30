"""The router, its hosts and its clients, and what each event of the plan does to them."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import time

from bed import interface
from daemon import Mgmd
from judge import Judge, Ledger
from lab import IP_ADD_SOURCE_MEMBERSHIP, Lab, ip
from plan import GROUPS, LINKS, ORIGINS
from router import Router
from streams import Capture, Collector, Outlet, Streams

ROAMING, ROAMER = GROUPS[6:], "192.0.2.9"
# Hosts join these groups for the source only (INCLUDE), and the others for all sources (EXCLUDE).
BY_SOURCE = GROUPS[4:7]
# A busy machine loads the programs of the ebpf forwarder within this time.
START = 30.0


class Lan:
    """A link of the router with one host, which can be deleted and made again."""

    def __init__(self, lab, name, number):
        self.name, self.lab, self.number = name, lab, number
        self.host = lab.host(f"on-{name}")
        quiet(self.host)
        self.members = {}  # group: the socket that has joined it
        self.make()

    def make(self):
        router, host, net = self.lab.router, self.host, f"10.{self.number}.0"
        ip(
            f"link add {self.name} netns {router.namespace} type veth"
            f" peer name eth0 netns {host.namespace}"
        )
        host.ip(f"addr add {net}.11/24 dev eth0", "link set eth0 up")
        router.ip(f"addr add {net}.100/24 dev {self.name}", f"link set {self.name} up")
        host.interface, host.address = "eth0", f"{net}.11"
        # The kernel has ended the memberships of the former link.
        for group in sorted(self.members):
            source = self.members[group][1]
            self.leave(group)
            self.join(group, source)

    def join(self, group, source=None):
        """A socket that is not bound gets no datagrams, so nobody needs to read it."""
        words = socket.inet_aton(group) + socket.inet_aton(self.host.address)
        option = IP_ADD_SOURCE_MEMBERSHIP if source else socket.IP_ADD_MEMBERSHIP
        with self.host.inside():
            member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        member.setsockopt(
            socket.IPPROTO_IP, option, words + (socket.inet_aton(source) if source else b"")
        )
        self.members[group] = member, source

    def leave(self, group):
        """The kernel leaves for a socket that is closed."""
        self.members.pop(group)[0].close()


def quiet(host):
    """IPv6 would send packets of its own, and check addresses for a second."""
    with contextlib.suppress(FileNotFoundError), host.inside():
        with open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")


class Testbed:
    """`plant` is the fault to be planted: "stray" and "unserved" are planted here."""

    def __init__(self, plant=None):
        self._plant = plant
        self.lab = Lab()
        self.router = self.lab.router
        quiet(self.router)
        self._links = itertools.count(1)
        self._origins = {name: self._origin(name) for name in ORIGINS}
        self._outlets = {name: Outlet(host) for name, host in self._origins.items()}
        self.lans = {name: Lan(self.lab, name, next(self._links)) for name in LINKS}
        self._route("src")
        self._configured = dict.fromkeys(LINKS, True)
        self.clients = {}  # number: (process, link, groups)
        self.mgmd = Mgmd(self.router, self._config(), level="info").ready(START)
        self._start_streams()

    def _origin(self, name):
        """Adds a link with a host that sends."""
        host = self.lab.host(f"on-{name}")
        quiet(host)
        number = next(self._links)
        ip(
            f"link add {name} netns {self.router.namespace} type veth"
            f" peer name eth0 netns {host.namespace}"
        )
        self.router.ip(f"addr add 10.{number}.0.100/24 dev {name}", f"link set {name} up")
        host.ip(f"addr add 10.{number}.0.11/24 dev eth0", "link set eth0 up")
        host.interface, host.address = "eth0", f"10.{number}.0.11"
        return host

    def _start_streams(self):
        fixed = self._origins["src"].address
        self.flows = {group: ROAMER if group in ROAMING else fixed for group in GROUPS}
        self.ledger = Ledger()
        self.judge = Judge(self.ledger, LINKS, self.flows)
        self.collector = Collector(self.judge)
        for name, lan in self.lans.items():
            self.collector.add(name, Capture(lan.host))
        self.streams = Streams(self._outlets["src"], self.flows)
        # Until mgmd has every flow, a second at most.
        time.sleep(1.0)

    def _route(self, origin):
        host = self._origins[origin]
        self.router.ip(f"route replace 192.0.2.0/24 via {host.address} dev {origin}")

    def _config(self):
        tables = [interface(name) for name in ORIGINS]
        for link in (link for link, there in self._configured.items() if there):
            keys = {"boundaries": f'["{GROUPS[0]}/32"]'} if self._plant == "unserved" else {}
            tables.append(interface(link, {}, **keys))
        return "\n".join(tables)

    # --- the events, by the names of the plan

    def do(self, event):
        time.sleep(event.pause)
        getattr(self, f"_do_{event.kind}")(*event.arguments)

    def _do_join(self, link, group):
        self.judge.begin(link, group, "host")
        self.lans[link].join(group, self.flows[group] if group in BY_SOURCE else None)

    def _do_leave(self, link, group):
        self.lans[link].leave(group)
        if self._plant == "stray":
            # The operator's membership, which the judge does not know.
            self.mgmd.ask("/v1/join", {"interface": link, "group": group})
        self.judge.end(link, group, "host")

    def _do_down(self, link):
        self.judge.away(link, True)
        self.router.ip(f"link set {link} down")

    def _do_up(self, link):
        self.router.ip(f"link set {link} up")
        self.judge.back(link, True)

    def _do_delete(self, link):
        self.judge.away(link, True)
        self.collector.remove(link)
        self.router.ip(f"link del {link}")
        for number, (process, taken, groups) in self.clients.items():
            if taken == link:
                self._forget_client(number)
                self.clients[number] = (process, None, set())

    def _do_make(self, link):
        self.lans[link].make()
        self.collector.add(link, Capture(self.lans[link].host))
        self.judge.back(link, True)

    def _do_unconfigure(self, link):
        self.judge.away(link, False)
        self._reload(link, False)

    def _do_configure(self, link):
        self._reload(link, True)
        self.judge.back(link, False)

    def _reload(self, link, there):
        self._configured[link] = there
        self.mgmd.write(self._config())
        command = [self.mgmd.build.mgmctl, "--socket", str(self.mgmd.control()), "reload"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    def _do_move(self, origin):
        """The source is elsewhere from now on, and the route with it. A busy machine may take a while
        to change the route."""
        with self.judge.rest(), self.streams.paused():
            self._route(origin)
            self.streams.move(ROAMING, self._outlets[origin])
        self.judge.moved(ROAMING)

    def process(self, program="client"):
        """Starts a client process."""
        router = str(self.mgmd.directory / "router")
        return Router(self.router, program=(program,), MGM_ROUTER=router)

    def _do_client(self, number, link):
        process = self.process()
        self.clients[number] = (process, link, set())
        # By its index, with which it can be released after its deletion.
        process.taken = self.router.index(link)
        process.must(f"register A {300 + number} 1", f"take A {process.taken}")
        self._owner_changes(link)

    def _owner_changes(self, link):
        """The owner of the link where flows arrive decides about them, so they may start anew."""
        if link in ORIGINS:
            self.judge.moved(GROUPS)

    def _do_client_joins(self, number, link, group):
        process, _, groups = self.clients[number]
        self.judge.begin(link, group, f"client {number}")
        process.must(f"join A * {group} {link}")
        groups.add(group)

    def _do_client_leaves(self, number, link, group):
        process, _, groups = self.clients[number]
        process.must(f"leave A * {group} {link}")
        groups.discard(group)
        self.judge.end(link, group, f"client {number}")

    def _do_client_killed(self, number):
        process, *_ = self.clients[number]
        process.process.send_signal(signal.SIGKILL)
        process.process.wait()
        self._gone(number)

    def _do_client_ends(self, number):
        process, *_ = self.clients[number]
        process.must(f"release A {process.taken}", "deregister A")
        self._gone(number)

    def _gone(self, number):
        self._owner_changes(self.clients[number][1])
        self._forget_client(number)
        self.clients.pop(number)[0].close()

    def _forget_client(self, number):
        _, link, groups = self.clients[number]
        for group in groups:
            self.judge.end(link, group, f"client {number}")

    # --- what mgmd needs

    def needs(self):
        """Returns the resident bytes and the number of descriptors of mgmd. It may not have closed
        the connections of the last clients yet."""
        counts = []
        for _ in range(10):
            counts.append(len(os.listdir(f"/proc/{self.mgmd.process.pid}/fd")))
            time.sleep(0.02)
        return self.mgmd.memory(), min(counts)

    def close(self):
        self.streams.close()
        self.collector.close()
        self.ledger.close()
        for process, *_ in self.clients.values():
            process.kill()
            process.close()
        for lan in self.lans.values():
            for member, _ in lan.members.values():
                member.close()
        self.mgmd.close()
        self.lab.close()
