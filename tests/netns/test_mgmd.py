"""mgmd: streams from one interface to hosts that joined behind another."""

import json
import time

from case import GROUP, NetnsTest, kernel_only
from lab import FORWARDER, LOADING, until
from mgmd import FAST, Mgmd
from router import Router
from wires import Stream


def interfaces(*names, settings=FAST):
    return "".join(f'[[interface]]\nname = "{name}"\n{settings}\n' for name in names)


def route(source, group, *to, origin="to-source"):
    names = ", ".join(f'"{name}"' for name in to)
    return (
        f'[[route]]\nfrom = "{origin}"\nsource = "{source}"\ngroup = "{group}"\nto = [{names}]\n'
    )


class MgmdTest(NetnsTest):
    def mgmd(self, config, **options):
        mgmd = Mgmd(self.lab.router, config, **options)
        self.addCleanup(mgmd.close)
        return mgmd

    def flows(self, emitter, collector, timeout=5.0):
        """Sends until the collector has a datagram more."""
        before = collector.count
        emitter.send_until(lambda: collector.count > before, "the stream", timeout)

    def loses_nothing(self, collector):
        """Checks that the datagrams since the first one all came, once."""
        collector.count
        numbers = collector.numbers
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))


class TwoHosts(MgmdTest):
    def setUp(self):
        super().setUp()
        self.source, self.receiver = self.hosts("source", "receiver")


class Streams(TwoHosts):
    def test_host_joins_and_leaves(self):
        self.mgmd(interfaces("to-source", "to-receiver"))
        collector, emitter = self.receiver.collector(GROUP), self.source.emitter(GROUP)
        self.flows(emitter, collector)
        collector.leave()
        self.receiver.tap(GROUP).falls_silent(emitter)

    def test_clean_stop_leaves_nothing_in_the_kernel(self):
        mgmd = self.mgmd(interfaces("to-source", "to-receiver"))
        self.flows(self.source.emitter(GROUP), self.receiver.collector(GROUP))
        self.assertEqual(mgmd.stop(), 0)
        self.assert_kernel_empty()

    def test_boundary_and_threshold_hold(self):
        self.mgmd(
            interfaces("to-source")
            + interfaces(
                "to-receiver",
                settings=FAST + '\nttl-threshold = 20\nboundaries = ["239.9.0.0/16"]',
            )
        )
        collector, inside = self.receiver.collector(GROUP), self.receiver.collector("239.9.0.1")
        low, high = self.source.emitter(GROUP, ttl=20), self.source.emitter(GROUP, ttl=40)
        scoped = self.source.emitter("239.9.0.1", ttl=40)
        self.flows(high, collector)
        before = collector.count
        low.send(10)
        scoped.send(10)
        self.flows(high, collector)
        self.assertEqual(inside.count, 0)
        self.assertLess(collector.count - before, 10)

    def test_restart_keeps_the_groups_of_hosts(self):
        mgmd = self.mgmd(interfaces("to-source", "to-receiver"))
        collector, emitter = self.receiver.collector(GROUP), self.source.emitter(GROUP)
        self.flows(emitter, collector)
        mgmd.stop()
        saved = json.loads((mgmd.directory / "groups.json").read_text())
        self.assertEqual([g["group"] for g in saved["interfaces"]["to-receiver"]], [GROUP])
        # The host cannot answer the query of the start.
        self.receiver.ip("link set eth0 down", "link set eth0 up")
        self.receiver.sysctl(conf__eth0__force_igmp_version=3)
        tap = self.receiver.tap(GROUP)
        collector.leave()
        mgmd.start()
        mgmd.says("to-receiver: 1 group restored")
        emitter.send_until(lambda: tap.count > 0, "the stream of the saved group")
        self.assertFalse((mgmd.directory / "groups.json").exists())


class Routes(TwoHosts):
    def test_exact_route(self):
        self.mgmd(route(self.source.address, GROUP, "to-receiver"))
        tap, emitter = self.receiver.tap(GROUP), self.source.emitter(GROUP)
        emitter.send_until(lambda: tap.count > 0, "the stream")

    def test_prefix_route_begins_with_the_packets_and_ends_without(self):
        config = "[router]\nmfe-timeout = \"1s\"\n"
        self.mgmd(config + route("10.1.0.0/16", "239.1.0.0/16", "to-receiver"))
        tap, emitter = self.receiver.tap(GROUP), self.source.emitter(GROUP)
        emitter.send_until(lambda: tap.count > 0, "the stream")
        self.assertEqual(self.lab.router.entries()[self.source.address, GROUP][1], {"to-receiver"})
        until(lambda: not self.lab.router.entries(), "the end of the flow", 6)
        other = self.source.emitter("239.2.0.1")
        self.receiver.tap("239.2.0.1").silent(other)

    def test_route_accepts_sources_without_a_unicast_route(self):
        self.mgmd(route("192.0.2.0/24", "239.1.0.0/16", "to-receiver"))
        tap, emitter = self.receiver.tap(GROUP), self.source.emitter(GROUP, spoof="192.0.2.9")
        emitter.send_until(lambda: tap.count > 0, "the stream")

    def test_interface_of_a_route_comes_later(self):
        self.lab.router.ip("link set to-receiver name hidden")
        mgmd = self.mgmd(
            route("10.1.0.0/16", "239.1.0.0/16", "to-receiver")
            + route(self.source.address, "239.2.0.1", "to-*")
        )
        mgmd.says("not there yet: to-receiver")
        prefix, exact = self.source.emitter(GROUP), self.source.emitter("239.2.0.1")
        prefix.send(3)
        exact.send(3)
        self.lab.router.ip(
            "link set hidden down", "link set hidden name to-receiver", "link set to-receiver up"
        )
        taps = self.receiver.tap(GROUP), self.receiver.tap("239.2.0.1")
        prefix.send_until(lambda: taps[0].count > 0, "the stream of the prefix", 1.5)
        exact.send_until(lambda: taps[1].count > 0, "the exact stream", 1.5)


class Interfaces(TwoHosts):
    def test_all_interfaces_are_late(self):
        self.lab.router.ip("link set to-source name a", "link set to-receiver name b")
        mgmd = self.mgmd(interfaces("to-source", "to-*"))
        mgmd.says("not there yet: to-source")
        self.lab.router.ip(
            *(f"link set dev {name} down" for name in "ab"),
            "link set dev a name to-source",
            "link set dev b name to-receiver",
            "link set to-source up",
            "link set to-receiver up",
        )
        self.flows(self.source.emitter(GROUP), self.receiver.collector(GROUP), 3)

    def test_interface_returns_with_another_index(self):
        self.mgmd(interfaces("to-source", "to-receiver"))
        emitter = self.source.emitter(GROUP)
        self.flows(emitter, self.receiver.collector(GROUP))
        index = self.lab.router.index("to-receiver")
        for number in (index + 50, None):
            self.lab.router.ip("link del to-receiver")
            self.lab.relink("to-receiver", number)
            began = time.monotonic()
            self.flows(emitter, self.receiver.collector(GROUP), 3)
            self.assertLess(time.monotonic() - began, 3)

    def test_interface_returns_with_the_same_index(self):
        self.mgmd(interfaces("to-source", "to-receiver"))
        emitter = self.source.emitter(GROUP)
        self.flows(emitter, self.receiver.collector(GROUP))
        for name, host in (("to-receiver", self.receiver), ("to-source", self.source)):
            index = self.lab.router.index(name)
            self.lab.router.ip(f"link del {name}")
            self.lab.relink(name, index)
            emitter = self.source.emitter(GROUP)
            self.flows(emitter, self.receiver.collector(GROUP), 3)

    def test_other_streams_lose_nothing_while_an_interface_flaps(self):
        other = self.lab.host("other")
        self.lab.link(other, "to-other")
        self.mgmd(interfaces("to-source", "to-receiver", "to-other"))
        emitter, collector = self.source.emitter(GROUP), self.receiver.collector(GROUP)
        self.flows(emitter, collector)
        collector.count
        collector.numbers.clear()
        with Stream(emitter):
            for _ in range(3):
                self.lab.router.ip("link del to-other")
                time.sleep(0.2)
                self.lab.relink("to-other")
                time.sleep(0.3)
        until(lambda: emitter.sent - 1 in (collector.count and collector.numbers), "the last one")
        self.loses_nothing(collector)

    def test_address_changes_during_a_stream(self):
        self.mgmd(interfaces("to-source", "to-receiver"))
        emitter, collector = self.source.emitter(GROUP), self.receiver.collector(GROUP)
        self.flows(emitter, collector)
        collector.count
        collector.numbers.clear()
        with Stream(emitter):
            self.lab.router.ip(
                "addr add 10.2.0.7/24 dev to-receiver", "addr del 10.2.0.1/24 dev to-receiver"
            )
            time.sleep(0.3)
            self.lab.router.ip("addr flush dev to-receiver")
            time.sleep(0.3)
        until(lambda: emitter.sent - 1 in (collector.count and collector.numbers), "the last one")
        self.loses_nothing(collector)

    def test_bridge_port_is_refused_with_advice(self):
        self.lab.router.ip("link add br0 type bridge", "link set to-receiver master br0")
        mgmd = self.mgmd(interfaces("to-source", "to-receiver"))
        mgmd.says("to-receiver is a port of the bridge br0.*configure br0 instead")
        self.lab.router.ip("link set to-receiver nomaster")
        self.flows(self.source.emitter(GROUP), self.receiver.collector(GROUP), 3)
        self.lab.router.ip("link set to-receiver master br0")
        mgmd.says("to-receiver: no longer served")

    def test_a_thousand_names_without_interface(self):
        names = [f"gone{n}" for n in range(990)]
        began = time.monotonic()
        mgmd = self.mgmd(interfaces("to-source", "to-receiver", *names))
        self.assertLess(time.monotonic() - began, 1 + LOADING)
        mgmd.says("gone0, gone1.*and 982 others")


class Reload(TwoHosts):
    def test_stream_that_both_let_through_loses_nothing(self):
        mgmd = self.mgmd(interfaces("to-source", "to-receiver"))
        emitter, collector = self.source.emitter(GROUP), self.receiver.collector(GROUP)
        self.flows(emitter, collector)
        collector.count
        collector.numbers.clear()
        with Stream(emitter):
            mgmd.reload(
                interfaces("to-source", "to-receiver", settings=FAST.replace("2s", "3s"))
                + route("10.9.0.0/16", "239.9.0.0/16", "to-receiver")
            )
            mgmd.says("configuration reloaded")
            time.sleep(0.3)
        until(lambda: emitter.sent - 1 in (collector.count and collector.numbers), "the last one")
        self.loses_nothing(collector)

    def test_interface_is_added_and_removed(self):
        mgmd = self.mgmd(interfaces("to-source"))
        emitter, collector = self.source.emitter(GROUP), self.receiver.collector(GROUP)
        self.receiver.tap(GROUP).silent(emitter)
        mgmd.reload(interfaces("to-source", "to-receiver"))
        self.flows(emitter, collector, 3)
        mgmd.reload(interfaces("to-source"))
        mgmd.says("to-receiver: no longer served")
        self.receiver.tap(GROUP).falls_silent(emitter)

    def test_invalid_file_changes_nothing(self):
        good = interfaces("to-source", "to-receiver")
        mgmd = self.mgmd(good)
        emitter, collector = self.source.emitter(GROUP), self.receiver.collector(GROUP)
        self.flows(emitter, collector)
        mgmd.reload(good.replace("to-receiver", "to/receiver"))
        mgmd.says("invalid: the former configuration stays")
        mgmd.reload("[router]\ntable = 7\n" + good)
        why = {"kernel": "cannot change router.table", "ebpf": "router.table: only the kernel has"}
        mgmd.says(why[FORWARDER])
        mgmd.file.unlink()
        mgmd.reload()
        mgmd.says("cannot be read")
        self.flows(emitter, collector)
        self.assertEqual(mgmd.has_said("no longer served"), [])


class Starts(TwoHosts):
    @kernel_only("it has tables")
    def test_table_that_another_program_holds(self):
        holder = Router(self.lab.router)
        self.addCleanup(holder.close)
        holder.protocol("A", 200, "to-source")
        mgmd = self.mgmd(interfaces("to-source"), wait=False)
        self.assertEqual(mgmd.process.wait(5), 1)
        until(lambda: mgmd.has_said("cannot forward packets: .*use .*router.table = 100"), "why")
        mgmd.says(rf"; the daemon is probably process {holder.process.pid} \(client\)$")
        self.assertEqual(len(mgmd.log.items), 1, "one line")

    def test_environment_is_ignored_except_the_log_level(self):
        environment = {"MGM_FORWARDER": "memory", "MGM_TABLE": "nonsense", "MGM_LOG": "debug"}
        self.mgmd(interfaces("to-source", "to-receiver"), **environment)
        self.flows(self.source.emitter(GROUP), self.receiver.collector(GROUP))
        mgmd = self.mgmd(interfaces("to-source"), wait=False, MGM_LOG="loud")
        self.assertEqual(mgmd.process.wait(5), 1)
        mgmd.says("MGM_LOG=loud is invalid")


class Proxies(MgmdTest):
    def setUp(self):
        super().setUp()
        self.provider, self.home, self.second = self.hosts("provider", "home", "second")

    def config(self, **keys):
        lines = "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in keys.items())
        return (
            '[[proxy]]\nupstream = "to-provider"\ndownstream = ["to-home", "to-second"]\n'
            + lines
            + interfaces("to-provider", "to-home", "to-second")
        )

    def test_join_is_reported_upstream_and_the_stream_flows(self):
        self.mgmd(self.config())
        reports = Igmp(self.provider)
        emitter, collector = self.provider.emitter(GROUP), self.home.collector(GROUP)
        self.flows(emitter, collector)
        until(lambda: reports.groups("joined") == {GROUP}, "the report upstream")
        second = self.second.collector(GROUP)
        self.flows(emitter, second)
        collector.leave()
        self.flows(emitter, second)
        self.assertEqual(reports.groups("left"), set())
        second.leave()
        until(lambda: reports.groups("left") == {GROUP}, "the leave upstream")

    def test_sources_without_a_route(self):
        self.mgmd(self.config(sources='["192.0.2.0/24"]'))
        collector = self.home.collector(GROUP)
        self.flows(self.provider.emitter(GROUP, spoof="192.0.2.9"), collector)
        other = self.home.collector("239.1.2.4")
        before = other.count
        self.provider.emitter("239.1.2.4", spoof="198.51.100.1").send(20)
        time.sleep(0.2)
        self.assertEqual(other.count, before)

    def test_senders_at_home_are_forwarded_up(self):
        self.mgmd(self.config(forward_up='["239.1.0.0/16"]'))
        tap, emitter = self.provider.tap(GROUP), self.home.emitter(GROUP)
        emitter.send_until(lambda: tap.count > 0, "the stream upstream")
        local = self.home.emitter("239.2.2.4")
        self.provider.tap("239.2.2.4").silent(local)

    def test_backup_takes_over(self):
        backup = self.lab.host("backup")
        self.lab.link(backup, "to-backup")
        self.mgmd(self.config(backup='["to-backup"]') + interfaces("to-backup"))
        collector = self.home.collector(GROUP)
        self.flows(self.provider.emitter(GROUP), collector)
        reports = Igmp(backup)
        self.lab.router.ip("link set to-provider down")
        until(lambda: GROUP in reports.groups("joined"), "the report to the backup")
        self.flows(backup.emitter(GROUP), collector)

    def test_stop_leaves_upstream(self):
        mgmd = self.mgmd(self.config())
        reports = Igmp(self.provider)
        collector = self.home.collector(GROUP)
        until(lambda: reports.groups("joined") == {GROUP}, "the report upstream")
        self.assertEqual(mgmd.stop(), 0)
        until(lambda: reports.groups("left") == {GROUP}, "the leave upstream")
        collector.leave()


class Control(TwoHosts):
    def setUp(self):
        super().setUp()
        settings = FAST.replace("igmp = {", 'igmp = { leave = "tracked",')
        self.daemon = self.mgmd(
            interfaces("to-source", "to-receiver", "gone*", settings=settings)
            + route("10.9.0.0/16", "239.9.0.0/16", "to-receiver")
        )

    def test_answers(self):
        ask, index = self.daemon.get, self.lab.router.index("to-receiver")
        self.flows(self.source.emitter(GROUP), self.receiver.collector(GROUP))
        counts = ask("/v1/status")["counts"]
        self.assertEqual(
            [counts[name] for name in ("interfaces_configured", "interfaces_up", "flows")],
            [3, 2, 1],
        )
        links = {link["name"]: link for link in ask("/v1/interfaces")["interfaces"]}
        self.assertEqual(links["gone*"]["state"], "missing")
        receiver = links["to-receiver"]
        self.assertEqual((receiver["state"], receiver["index"]), ("up", index))
        self.assertEqual(receiver["owner"]["name"], "igmp")
        self.assertEqual(receiver["igmp"]["querier_address"], "10.2.0.1")
        (igmp,) = ask("/v1/igmp?interface=to-receiver")["links"]
        self.assertTrue(igmp["querier"]["own"] and igmp["counters"]["reports"])
        (group,) = ask(f"/v1/groups?interface=to-receiver&group={GROUP}&hosts=true")["groups"]
        self.assertEqual([host["host"] for host in group["hosts"]], ["10.2.0.2"])
        (flow,) = ask("/v1/flows")["flows"]
        self.assertEqual((flow["source"], flow["group"]), (self.source.address, GROUP))
        (known,) = ask("/v1/routes")["routes"]
        self.assertEqual((known["state"], known["flows"]), ("active", 0))
        self.assertEqual(ask("/v1/proxies")["proxies"], [])
        self.assertEqual(self.daemon.ask("/v1/igmp?interface=eth7")[0], 404)

    def test_groups_come_in_pages(self):
        groups = [f"239.3.0.{n}" for n in range(1, 8)]
        for group in groups:
            self.receiver.collector(group)
        body = {"interface": "to-receiver", "group": "239.3.0.200"}
        self.assertEqual(self.daemon.ask("/v1/join", body)[0], 200)
        expected = [*groups, "239.3.0.200"]

        def all_pages():
            found, after = [], ""
            while True:
                answer = self.daemon.get("/v1/groups?interface=to-receiver&limit=3" + after)
                found += [group["group"] for group in answer["groups"]]
                if not answer["next"]:
                    return [group for group in found if group.startswith("239.3.")]
                after = f"&after={answer['next']}"

        until(lambda: all_pages() == expected, "all groups in pages")

    def test_join_and_leave(self):
        tap, emitter = self.receiver.tap(GROUP), self.source.emitter(GROUP)
        body = {"interface": "to-receiver", "group": GROUP}
        status, answer = self.daemon.ask("/v1/join", body)
        self.assertEqual((status, answer["changed"]), (200, True))
        self.assertEqual(self.daemon.ask("/v1/join", body)[1]["changed"], False)
        emitter.send_until(lambda: tap.count > 0, "the stream")
        (group,) = self.daemon.get("/v1/groups?interface=to-receiver")["groups"]
        self.assertEqual(group["static_memberships"], [{"source": None, "until_restart": True}])
        self.lab.router.ip("link del to-receiver")
        self.lab.relink("to-receiver")
        tap = self.receiver.tap(GROUP)
        emitter.send_until(lambda: tap.count > 0, "the stream on the new device")
        self.assertEqual(self.daemon.ask("/v1/leave", body)[0], 200)
        tap.falls_silent(emitter)
        self.assertEqual(self.daemon.ask("/v1/leave", body)[0], 404)
        other = {"interface": "eth7", "group": GROUP}
        self.assertEqual(self.daemon.ask("/v1/join", other)[0], 404)

    def test_reload_and_log_level(self):
        self.daemon.write(interfaces("to-source", "to-receiver"))
        status, answer = self.daemon.ask("/v1/reload", "")
        self.assertEqual(status, 200, answer)
        self.assertIn("interface gone* removed", answer["changes"])
        self.daemon.write("[[interface]]\nname = 7\n")
        status, answer = self.daemon.ask("/v1/reload", "")
        self.assertEqual((status, answer["error"]["code"]), (409, "refused"))
        config = self.daemon.get("/v1/status")["config"]
        self.assertEqual((config["reloads"], config["reloads_refused"]), (1, 1))
        status, answer = self.daemon.ask("/v1/log", {"level": "debug"})
        self.assertEqual((answer["before"], answer["level"]), ("info", "debug"))


class Igmp:
    """The IGMPv3 reports that arrive at a host, of groups that are forwarded."""

    JOINS, LEAVES = {2, 4, 5}, {3, 6}

    def __init__(self, host):
        import socket

        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        with host.inside():
            self._socket.bind((host.interface, 0x0800))
        self._socket.setblocking(False)
        self._records = []

    def groups(self, what):
        """Returns the groups that were "joined" or "left"."""
        import socket

        while True:
            try:
                packet, (_, _, kind, *_) = self._socket.recvfrom(2048)
            except BlockingIOError:
                break
            message = packet[(packet[0] & 15) * 4 :]
            if kind == 4 or packet[9] != 2 or message[0] != 0x22:
                continue
            at = 8
            for _ in range(int.from_bytes(message[6:8], "big")):
                sources = int.from_bytes(message[at + 2 : at + 4], "big")
                group = socket.inet_ntoa(message[at + 4 : at + 8])
                joins = message[at] in self.JOINS and (message[at] != 5 or sources)
                leaves = message[at] in self.LEAVES and (message[at] != 3 or not sources)
                if not group.startswith("224.0.0."):
                    self._records.append((group, "joined" if joins else "left" if leaves else ""))
                at += 8 + 4 * sources
        return {group for group, did in self._records if did == what}
