"""`mgmctl doctor` beside other multicast routers, without mgmd."""

import os
import signal
import subprocess
import tempfile

import packages
from bed import Switch, long
from daemons import Frr, Igmpproxy, Smcroute
from doctor import Clinic
from firewall import FORWARD, drops
from lab import ip
from members import Member
from packets import v3_query
from test_doctor import Large
from wire import Wire
from wires import Stream

GROUP = "239.1.1.1"
# A folder /etc/mgmd and a folder /run of its own, for a program that runs in it.
ISOLATED = (
    'mount -t tmpfs mgm "$0" && mkdir "$0/new" "$0/work"'
    ' && mount -t overlay mgm -o "lowerdir=/etc,upperdir=$0/new,workdir=$0/work" /etc'
    ' && mkdir -p /etc/mgmd && mount -t tmpfs mgm /run && exec sh -ec "$1"'
)


class Peers(Clinic):
    """A sender on src, a member on lan, and a router of somebody else between them."""

    def setUp(self):
        super().setUp()
        if not (packages.HOME / "unpacked").exists():
            self.skipTest("no other routers (tests/peers/packages.py)")
        self.doctor_of()

    def serve(self, daemon, **options):
        peer = daemon(self.router, ["src", "lan"], **options)
        self.addCleanup(peer.close)
        return peer

    def is_examined(self, daemon, **options):
        """A healthy router has no fault, and one with a firewall or a low MTU has."""
        receiver = self.link("lan")
        self.serve(daemon, **options)
        member = Member(receiver, GROUP)
        feed = Large(self.senders, GROUP, 1400)
        with Stream(feed, 0.02):
            member.expect(3, timeout=60)
            answer = self.healthy(listen="3s")
            self.assertLessEqual({"src", "lan"}, set(answer.report["interfaces"]))
            with drops(self.router, FORWARD):
                command = self.found("firewall_forward", "lan: 239.1.1.1", "chain ip mgmd_bed stop")
                self.cures(command, member)
            self.router.ip("link set lan mtu 1280")
            self.cures(self.found("mtu", "up to 1400 bytes"), member)

    @long
    def test_beside_frr(self):
        self.is_examined(Frr, rendezvous="10.1.0.100")

    @long
    def test_beside_smcroute(self):
        self.is_examined(Smcroute, groups=GROUP)

    @long
    def test_rp_filter_beside_smcroute(self):
        """smcroute#99, S10."""
        receiver = self.link("lan")
        self.serve(Smcroute, groups=GROUP)
        member = Member(receiver, GROUP)
        with Stream(self.feed(GROUP), 0.02):
            member.expect(3)
            self.router.ip("route add 10.1.0.11/32 dev lan")
            self.router.sysctl(conf__src__rp_filter=1)
            self.stopped(member)
            command = self.found("reverse_path", "src: 239.1.1.1 from 10.1.0.11", "leads to lan")
            self.cures(command, member)

    @long
    def test_beside_igmpproxy(self):
        self.is_examined(Igmpproxy)

    @long
    def test_a_link_without_a_querier_is_found_by_listening(self):
        """S3: smcroute sends no queries, so a switch stops the stream after a while."""
        switch = Switch(self.lab, 80, options="mcast_snooping 1 mcast_membership_interval 200")
        switch.attach(self.router, 100, "lan")
        receiver = self.host("receiver")
        port = switch.attach(receiver, 11, gateway=100)
        # The switch has heard a querier that is gone since.
        ip(f"link set {port} type bridge_slave mcast_router 0", namespace=switch.namespace)
        Wire(receiver).send(v3_query(code=1), source=receiver.address)
        self.serve(Smcroute, groups=GROUP)
        member = Member(receiver, GROUP)
        with Stream(self.feed(GROUP), 0.02):
            member.expect(1)
            self.stopped(member)
            answer = self.healthy()
            (gap,) = answer.report["not_examined"]
            self.assertEqual(gap["what"], "whether a router sends queries on lan")
            arguments = gap["command"].split()[2:]
            self.assertEqual(arguments, ["--listen", "130s"])
            command = self.found(
                "no_querier", "lan: no router has sent queries", listen="130s", timeout=150
            )
            self.assertRegex(command, "^printf .* && mgmd --config ")
            process = self.doctor.start(
                ["unshare", "--mount", "sh", "-ec", ISOLATED, str(self.folder()), command],
                stderr=subprocess.DEVNULL, start_new_session=True,
            )
            try:
                member.expect(3, timeout=15)
                # A new querier repeats its query after 31 s.
                answer = self.healthy(listen="35s", timeout=60)
                self.assertEqual(answer.report["not_examined"], [])
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(10)

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name
