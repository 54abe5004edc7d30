"""`mgmctl doctor` finds packet filters of all kinds, and its command lets the stream pass."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import bpf
import packages
from bed import GMI, QI, interface, long
from doctor import Clinic, has
from feed import Feed
from lab import until
from members import Member
from wire import Wire
from wires import Stream

GROUP, OTHER_GROUP = "239.1.1.1", "239.1.1.2"
NFT, IPTABLES = "iptables-nft", "iptables-legacy"
# Times with which a query is due seldom, as by default.
SELDOM = {"query-interval": '"125s"', "query-response-interval": '"10s"'}


class Filters(Clinic):
    """A sender on src, a member on lan, mgmd between them, and a packet filter."""

    def setUp(self):
        super().setUp()
        for program in ("nft", NFT, IPTABLES):
            if not has(program):
                self.skipTest(f"no {program} (tests/peers/packages.py)")
        self.receiver = self.link("lan")

    def serve(self, igmp=None):
        self.mgmd = self.start(interface("src"), interface("lan", igmp or {}))
        self.doctor_of(self.mgmd)
        self.member = Member(self.receiver, GROUP)

    def types(self, *commands):
        """Sets up the packet filter as an administrator would."""
        for command in commands:
            self.doctor.type(command)

    def stops(self, kind, suspect, *commands, with_command):
        """Starts a stream, which these commands stop. The finding must name the suspect, and its
        command must begin so, and let the stream pass."""
        self.serve()
        with Stream(self.feed(GROUP), 0.02):
            self.member.expect(1)
            self.types(*commands)
            self.stopped(self.member)
            command = self.found(kind, suspect)
            self.assertTrue(command.startswith(with_command), command)
            self.cures(command, self.member)

    @unittest.skipIf(bpf.why_not(), bpf.why_not())
    def test_the_ebpf_forwarder_names_those_that_it_bypasses(self):
        """Of nftables, by two programs, and of the kernel's older iptables. Not those at input."""
        self.doctor_of()
        self.types(
            "nft 'add table inet fw; "
            "add chain inet fw out { type filter hook forward priority 0; policy drop; }; "
            "add chain inet fw in { type filter hook input priority 0; policy drop; }; "
            "add chain inet fw idle { type filter hook forward priority 1; policy accept; }'",
            f"{NFT} -A FORWARD -j DROP",
            f"{IPTABLES} -P FORWARD DROP",
            f"{IPTABLES} -A INPUT -j DROP",
            f"{IPTABLES} -t raw -A PREROUTING -p udp -j DROP",
        )
        chains = {"inet fw out", "ip filter FORWARD", "iptables filter FORWARD", "iptables raw PREROUTING"}
        config = '[router]\nforwarder = "ebpf"\n', interface("src"), interface("lan", {})
        mgmd = self.start(*config)
        mgmd.logs("warning", "bypass", *chains, "tc at the hook egress")
        self.assertEqual(set(mgmd.get("/v1/status")["bypassed_chains"]), chains)
        member = Member(self.receiver, GROUP)
        with Stream(self.feed(GROUP), 0.02):
            member.expect(3)
        self.types(f"{IPTABLES} -P FORWARD ACCEPT", f"{IPTABLES} -t raw -F", "nft delete table inet fw")
        self.assertEqual(mgmd.get("/v1/status")["bypassed_chains"], ["ip filter FORWARD"])

    # --- at forward

    @long
    def test_a_policy_of_nftables(self):
        self.stops(
            "firewall_forward", "chain inet fw forward of nftables, policy drop",
            "nft 'add table inet fw; add chain inet fw forward"
            " { type filter hook forward priority 0; policy drop; }'",
            with_command='nft \'insert rule inet fw forward iifname "src" oifname "lan"',
        )

    @long
    def test_a_rule_behind_a_jump(self):
        self.stops(
            "firewall_forward", "chain ip fw forward of nftables, which has a rule that drops",
            "nft 'add table ip fw; add chain ip fw user; add rule ip fw user ip ttl > 1 counter drop'",
            "nft 'add chain ip fw forward { type filter hook forward priority 0; }'",
            "nft 'add rule ip fw forward jump user'",
            with_command="nft 'insert rule ip fw forward ",
        )

    @long
    def test_a_map_of_verdicts(self):
        self.stops(
            "firewall_forward", "chain ip fw forward of nftables, which has a rule that drops",
            "nft 'add table ip fw; add chain ip fw forward { type filter hook forward priority 0; }'",
            "nft 'add rule ip fw forward ip protocol vmap { udp : drop }'",
            with_command="nft 'insert rule ip fw forward ",
        )

    @long
    def test_a_policy_of_iptables_on_nftables(self):
        """moby/libnetwork#2397: a container engine sets the policy of FORWARD to DROP."""
        self.stops(
            "firewall_forward", "chain ip filter FORWARD of nftables, policy drop",
            f"{NFT} -P FORWARD DROP", f"{NFT} -N DOCKER-USER", f"{NFT} -A FORWARD -j DOCKER-USER",
            f"{NFT} -A DOCKER-USER -j RETURN",
            with_command=f"{NFT} -t filter -I FORWARD -i src -o lan -d 239.1.1.1 -j ACCEPT",
        )

    @long
    def test_a_reject_of_iptables_on_nftables(self):
        self.stops(
            "firewall_forward", "chain ip filter FORWARD of nftables, which has a rule that drops",
            f"{NFT} -A FORWARD -p udp -j REJECT",
            with_command=f"{NFT} -t filter -I FORWARD ",
        )

    @long
    def test_a_policy_of_the_older_iptables(self):
        self.stops(
            "firewall_forward", "chain FORWARD of the table filter of iptables, policy drop",
            f"{IPTABLES} -P FORWARD DROP",
            with_command=f"{IPTABLES} -t filter -I FORWARD -i src -o lan -d 239.1.1.1 -j ACCEPT",
        )

    @long
    def test_a_rule_of_the_older_iptables(self):
        self.stops(
            "firewall_forward", "chain FORWARD of the table mangle of iptables, which has a rule",
            f"{IPTABLES} -t mangle -N user", f"{IPTABLES} -t mangle -A user -p udp -j DROP",
            f"{IPTABLES} -t mangle -A FORWARD -j user",
            with_command=f"{IPTABLES} -t mangle -I FORWARD ",
        )

    @long
    def test_two_filters_at_once(self):
        """A rule that accepts ends one chain only."""
        self.stops(
            "firewall_forward", "chain ip filter FORWARD of nftables, policy drop; chain",
            f"{NFT} -P FORWARD DROP",
            "nft 'add table ip fw; add chain ip fw forward"
            " { type filter hook forward priority 10; policy drop; }'",
            with_command=f"{NFT} -t filter -I FORWARD ",
        )

    @long
    def test_postrouting(self):
        self.stops(
            "firewall_forward", "chain ip fw post of nftables, policy drop",
            "nft 'add table ip fw; add chain ip fw post"
            " { type filter hook postrouting priority 0; policy drop; }'",
            "nft 'add rule ip fw post ip protocol igmp accept'",
            with_command='nft \'insert rule ip fw post oifname "lan" ip daddr 239.1.1.1 accept',
        )

    @long
    def test_a_table_of_a_program_that_runs(self):
        """firewalld: nobody else can change its chains."""
        self.serve()
        owner = self.doctor.start(["nft", "-i"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(owner.wait)
        with owner.stdin, Stream(self.feed(GROUP), 0.02):
            self.member.expect(1)
            owner.stdin.write(
                "add table inet firewalld { flags owner; }\n"
                "add chain inet firewalld filter_FORWARD"
                " { type filter hook forward priority 10; policy drop; }\n"
            )
            owner.stdin.flush()
            self.stopped(self.member)
            command = self.found("firewall_forward", "chain inet firewalld filter_FORWARD")
            self.assertEqual(command, "nft list chain inet firewalld filter_FORWARD")
            self.doctor.type(f"{command} >/dev/null")

    @long
    def test_many_groups_pass_together(self):
        self.serve()
        other = Member(self.receiver, OTHER_GROUP)
        with Stream(self.feed(GROUP), 0.02), Stream(self.feed(OTHER_GROUP), 0.02):
            self.member.expect(1)
            other.expect(1)
            self.types(f"{NFT} -P FORWARD DROP")
            self.stopped(self.member)
            command = self.found("firewall_forward", "239.1.1.1 from 10.1.0.11 and 1 more stream")
            self.assertIn("-d 224.0.0.0/4", command)
            self.cures(command, self.member)
            other.expect(3)

    # --- before routing

    @long
    def test_prerouting(self):
        self.stops(
            "firewall_arrival", "chain ip fw pre of nftables, which has a rule that drops",
            "nft 'add table ip fw; add chain ip fw pre { type filter hook prerouting priority raw; }'",
            "nft 'add rule ip fw pre ip daddr 239.0.0.0/8 udp dport 5000 drop'",
            with_command='nft \'insert rule ip fw pre iifname "src" ip daddr 239.1.1.1 accept',
        )

    @long
    def test_ingress_of_a_device(self):
        self.stops(
            "firewall_arrival", "chain netdev fw in of nftables, which has a rule that drops",
            "nft 'add table netdev fw; add chain netdev fw in"
            " { type filter hook ingress device src priority 0; }'",
            "nft 'add rule netdev fw in ip daddr 239.0.0.0/8 udp dport 5000 drop'",
            with_command="nft 'insert rule netdev fw in ip daddr 239.1.1.1 accept",
        )

    @long
    def test_raw_of_the_older_iptables(self):
        self.stops(
            "firewall_arrival", "chain PREROUTING of the table raw of iptables",
            f"{IPTABLES} -t raw -A PREROUTING -p udp -j DROP",
            with_command=f"{IPTABLES} -t raw -I PREROUTING -i src -d 239.1.1.1 -j ACCEPT",
        )

    # --- at output

    def queries_stop(self, igmp, listen, *commands, with_command):
        """These commands stop the queries before mgmd starts, so the membership ends."""
        self.doctor_of()
        self.types(*commands)
        self.serve(igmp)
        wire = Wire(self.receiver)
        with Stream(self.feed(GROUP), 0.02):
            self.member.expect(1)
            command = self.found("firewall_output", "lan: mgmd has sent IGMP", listen=listen)
            self.assertEqual(wire.queries(), [])
            self.assertTrue(command.startswith(with_command), command)
            return command

    @long
    def test_queries_that_a_policy_of_nftables_stops(self):
        command = self.queries_stop(
            {}, "3s",
            "nft 'add table ip fw; add chain ip fw out"
            " { type filter hook output priority 0; policy drop; }'",
            with_command='nft \'insert rule ip fw out oifname "lan" ip protocol igmp accept',
        )
        self.flows_after(command)

    @long
    def test_queries_that_iptables_stops(self):
        command = self.queries_stop(
            {}, "3s", f"{NFT} -A OUTPUT -p igmp -j DROP",
            with_command=f"{NFT} -t filter -I OUTPUT -o lan -p igmp -j ACCEPT",
        )
        self.flows_after(command)

    def flows_after(self, command):
        """The stream ends with the membership, and flows when the hosts are asked again."""
        with Stream(self.feed(GROUP), 0.02):
            self.stopped(self.member, GMI + QI)
            self.cures(command, self.member)

    @long
    def test_queries_that_were_stopped_before_doctor_looked(self):
        """With the default times, none is due within the time of doctor."""
        command = self.queries_stop(
            SELDOM, "1s", f"{IPTABLES} -P OUTPUT DROP",
            with_command=f"{IPTABLES} -t filter -I OUTPUT -o lan -p igmp -j ACCEPT",
        )
        self.types(command)
        wire = Wire(self.receiver)
        self.mgmd.stop()
        self.mgmd.start()
        wire.query("0.0.0.0")
        with Stream(self.feed(GROUP), 0.02):
            self.member.expect(3)
            self.healthy()

    # --- TTL

    def raises(self, with_command):
        self.member = Member(self.receiver, GROUP)
        with Stream(Feed(self.senders, GROUP, ttl=1), 0.02):
            until(lambda: (self.source, GROUP) in self.router.entries(), "the entry")
            command = self.found("ttl", "with TTL 1")
            self.assertTrue(command.startswith(with_command), command)
            self.cures(command, self.member)

    @long
    def test_a_ttl_is_raised_by_nft(self):
        """smcroute#172, S48."""
        self.serve()
        self.raises("nft 'add table ip mgm;")

    @long
    def test_a_ttl_is_raised_by_iptables_without_nft(self):
        if shutil.which("nft"):
            self.skipTest("this system has nft")
        self.serve()
        with tempfile.TemporaryDirectory() as folder:
            self.doctor.tools = pathlib.Path(folder)
            (self.doctor.tools / NFT).symlink_to(packages.program(f"usr/sbin/{NFT}"))
            self.raises(f"{NFT} -t mangle -A PREROUTING -i src -d 239.1.1.1 -j TTL --ttl-set 64")
