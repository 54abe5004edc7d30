"""Starts that fail, starts at the same time, and reloads of files that are wrong."""

import pathlib
import shutil
import signal
import socket
import tempfile

import bpf
from bed import Bed, interface, proxy
from build import TREE
from case import kernel_only
from daemon import Mgmd
from lab import until
from members import Member
from wire import Wire
from wires import Stream

GROUP = "239.1.1.1"
MEMORY = '[router]\nforwarder = "memory"\n'


SERVICE = TREE / "crates/mgmd/service"


def capabilities():
    """Returns the capabilities of the unit with the drop-in for eBPF, as setpriv takes them."""
    found = []
    for name in ("mgmd.service.in", "ebpf.conf"):
        for line in (SERVICE / name).read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            found += value.split() if key == "CapabilityBoundingSet" else []
    return "-all," + ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in found)


class Starts(Bed):
    def test_the_ebpf_forwarder_starts_with_the_capabilities_of_its_drop_in(self):
        """Root has more, for example CAP_PERFMON, and the kernel then refuses less."""
        reason = bpf.why_not()
        if reason:
            self.skipTest(reason)
        config = '[router]\nforwarder = "ebpf"\n' + interface("src")
        wrapper = ["setpriv", f"--bounding-set={capabilities()}", "--inh-caps=-all", "--"]
        mgmd = Mgmd(self.router, config, wrapper=wrapper)
        self.addCleanup(mgmd.close)
        mgmd.ready(30.0)
        mgmd.logs("using the ebpf forwarder")

    def test_m18_of_two_that_start_at_once_one_serves(self):
        """Both find the socket of a process that was killed. They have no table in common."""
        shared = pathlib.Path(tempfile.mkdtemp(prefix="mgmd-")) / "control"
        self.addCleanup(shutil.rmtree, shared.parent)

        class AtOneSocket(Mgmd):
            def control(self):
                return shared

        for _ in range(5):
            left = socket.socket(socket.AF_UNIX)
            left.bind(str(shared))
            left.close()
            both = [AtOneSocket(self.router, MEMORY + interface("src")) for _ in range(2)]
            for each in both:
                self.addCleanup(each.close)
            until(lambda: any(not each.alive() for each in both), "one of them has ended")
            serving, ended = sorted(both, key=Mgmd.alive, reverse=True)
            self.assertEqual(ended.process.wait(), 1)
            ended.logs(str(shared), "stop that process")
            self.assertEqual(ended.heard("READY=1"), [])
            serving.ready()
            self.assertEqual(serving.get("/v1/status")["pid"], serving.process.pid)
            self.assertEqual(serving.stop(), 0)
            left = [path.name for path in shared.parent.iterdir()]
            self.assertEqual(left, ["groups.json"])

    def test_m18_the_lock_of_a_killed_process_is_no_hindrance(self):
        first = self.start(MEMORY, interface("src"))
        lock = first.directory / "control.lock"
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        self.assertTrue(lock.exists())
        second = self.start(MEMORY, interface("src"), directory=first.directory)
        self.assertEqual(second.get("/v1/status")["pid"], second.process.pid)
        self.assertEqual(second.stop(), 0)
        self.assertFalse(lock.exists())

    def test_m15_the_folder_of_the_control_socket_is_made(self):
        """But not the folders above it."""

        class Elsewhere(Mgmd):
            below = "new"

            def control(self):
                return self.directory / self.below / "control"

        first = Elsewhere(self.router, MEMORY + interface("src"))
        self.addCleanup(first.close)
        first.ready()
        self.assertEqual(first.get("/v1/status")["pid"], first.process.pid)
        Elsewhere.below = "new/er"
        second = Elsewhere(self.router, MEMORY + interface("src"))
        self.addCleanup(second.close)
        self.assertEqual(second.process.wait(5), 1)
        second.logs(f"{second.directory}/new/er", "cannot be created")

    def test_without_permission_one_line_says_what_to_do(self):
        wrapper = ("setpriv", "--bounding-set=-net_raw,-net_admin", "--")
        mgmd = self.start(interface("src"), wrapper=wrapper, ready=False, level="info")
        self.assertEqual(mgmd.process.wait(5), 1)
        mgmd.logs("cannot forward packets", "CAP_NET_RAW")
        self.assertEqual(len(mgmd.log.items), 1, mgmd.log.items)

    @kernel_only("it has tables")
    def test_s33_a_table_of_its_own(self):
        """troglobit/pimd#75: the log names the rules that lead packets to the table."""
        receiver = self.link("lan")
        mgmd = self.start("[router]\ntable = 100\n", interface("src"), interface("lan", {}))
        Wire(receiver).query("0.0.0.0")
        member = Member(receiver, GROUP)
        for link in ("src", "lan"):
            rule = f"ip mrule add iif {link} lookup 100"
            mgmd.logs("router.table = 100", rule)
            self.router.ip(rule.removeprefix("ip "))
        self.feed(GROUP).send_until(lambda: member.arrived, "the stream")
        self.assertEqual(self.router.vifs(), {}, "the default table is free")


class Reloads(Bed):
    """Files that are wrong: a reload with one of them changes nothing."""

    # Without these, root may not read files that it has no permission for.
    WRAPPER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")

    def setUp(self):
        super().setUp()
        self.receiver = self.link("lan")
        self.good = "".join([
            interface("lan", {}, ttl_threshold=2, boundaries='["239.255.0.0/16"]'),
            proxy("src", "lan"),
            '[[route]]\nfrom = "src"\ngroup = "239.9.0.0/16"\nto = ["lan"]\n',
        ])
        self.mgmd = self.start(self.good, wrapper=self.WRAPPER)
        Wire(self.receiver).query("0.0.0.0")
        self.member = Member(self.receiver, GROUP)
        self.joined(GROUP)

    def known(self):
        """Returns what the configuration decides, as the control socket shows it."""
        (lan,) = (i for i in self.mgmd.get("/v1/interfaces")["interfaces"] if i["name"] == "lan")
        (igmp,) = self.mgmd.get("/v1/igmp?interface=lan")["links"]
        status = self.mgmd.get("/v1/status")
        return (
            {key: value for key, value in lan.items() if key != "counters"},
            lan["counters"]["appearances"],
            {key: value for key, value in igmp.items() if key not in ("counters", "querier")},
            self.mgmd.get("/v1/proxies")["proxies"],
            self.mgmd.get("/v1/routes")["routes"],
            {key: status[key] for key in ("forwarder", "table", "log_level")},
        )

    def wrong(self):
        """Yields files that are wrong, by what is wrong with them."""
        write = self.mgmd.write
        good = self.good
        texts = {
            "not TOML": good + "[[interface\n",
            "an unknown key": good + "[router]\nforwarders = 1\n",
            "an unknown table": good + "[[interfaces]]\n",
            "a key of a wrong type": good.replace("ttl-threshold = 2", 'ttl-threshold = "2"'),
            "a key out of its range": good.replace("ttl-threshold = 2", "ttl-threshold = 256"),
            "a duration without a unit": good.replace('"2s"', "2"),
            "a missing key": good.replace('name = "lan"', ""),
            "a key that is there twice": good.replace('name = "lan"', 'name = "lan"\nname = "lan"'),
            "an interface that is there twice": good + interface("lan", {}),
            "a prefix with host bits": good.replace("239.9.0.0/16", "239.9.0.1/16"),
            "an IPv6 address": good.replace("239.9.0.0/16", "ff3e::/16"),
            "an interface with two roles": good + proxy("lan", "src"),
            "another forwarder": '[router]\nforwarder = "memory"\n' + good,
            "another table": "[router]\ntable = 7\n" + good,
            "another limit of flows": "[router]\nmax-flows = 9\n" + good,
            "a module": good + '[[module]]\npath = "/a.so"\n',
        }
        for what, text in texts.items():
            write(text)
            yield what
        file = self.mgmd.file
        write(good)
        file.chmod(0)
        yield "a file that mgmd may not read"
        file.chmod(0o600)
        file.write_bytes(b"# \xff\n" + file.read_bytes())
        yield "not UTF-8"
        file.write_text("#" * (5 << 20))
        yield "a file of 5 MB"
        # A comment of a megabyte does not make the rest right.
        write(good + "#" * (1 << 20) + "\nwrong")
        yield "a file of 1 MB"
        file.unlink()
        yield "no file"
        file.mkdir()
        yield "a directory"
        file.rmdir()
        write(good)

    def test_a_wrong_file_changes_nothing(self):
        before = self.known()
        count = 0
        with Stream(self.feed(GROUP), 0.005):
            self.member.expect()
            for what in self.wrong():
                with self.subTest(what):
                    count += 1
                    status, answer = self.mgmd.ask("/v1/reload", "")
                    self.assertEqual(status, 409, answer)
                    self.assertTrue(answer["error"]["details"], "the reasons")
                    self.assertEqual(self.known(), before)
            self.assertGreater(count, 20)
            config = self.mgmd.get("/v1/status")["config"]
            self.assertEqual((config["reloads"], config["reloads_refused"]), (0, count))
            # A file of a megabyte that is right is read.
            self.mgmd.write(self.good + "#" * (1 << 20) + "\n")
            self.assertEqual(self.mgmd.ask("/v1/reload", "")[0], 200)
            self.assertEqual(self.known(), before)
        self.assertEqual(self.member.gaps(), ([], []))

    def test_m21_a_reload_that_moves_the_control_socket_is_answered(self):
        former, moved = self.mgmd.control(), self.mgmd.directory / "moved"
        for old, new in ((former, moved), (moved, former), (former, moved)):
            text = self.mgmd.file.read_text().replace(f'"{old}"', f'"{new}"')
            self.mgmd.file.write_text(text)
            status, answer = self.mgmd.ask("/v1/reload", "")
            self.assertEqual((status, answer.get("changes")), (200, ["router.control changed"]))
            self.mgmd.control = lambda path=new: path
        self.assertEqual(self.mgmd.get("/v1/status")["config"]["reloads"], 3)
        until(lambda: not former.exists(), "the former socket is gone", 7)
