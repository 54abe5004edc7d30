"""`mgmctl doctor` finds what keeps mgmd from its work: tables, privileges, other queriers."""

import pathlib
import shutil
import sysconfig
import tempfile
import types

from bed import interface, proxy
from case import kernel_only
from daemon import Mgmd
from doctor import NOBODY as AS_NOBODY
from doctor import Clinic
from lab import until
from members import Member
from static import StaticRouter
from test_doctor_links import querier
from wire import Wire
from wires import Stream

GROUP = "239.1.1.1"
ROUTER = "[router]\n"
NOBODY = 65534


@kernel_only("it has tables")
class Tables(Clinic):
    def setUp(self):
        super().setUp()
        self.receiver = self.link("lan")
        self.config = interface("src"), interface("lan", {})

    def test_a_table_without_rules_is_found(self):
        mgmd = self.start(ROUTER + "table = 100\n", *self.config)
        self.doctor_of(mgmd)
        member = Member(self.receiver, GROUP)
        with Stream(self.feed(GROUP), 0.02):
            command = self.found("table_without_rule", "routing table 100", "no rule leads packets")
            self.assertEqual(
                command, "ip mrule add iif src lookup 100 && ip mrule add iif lan lookup 100"
            )
            self.assertEqual(member.arrived, [])
            self.cures(command, member)

    def test_a_rule_that_lacks_for_one_interface_is_found(self):
        """Also without mgmd."""
        self.router.ip("mrule add iif lan lookup 100")
        static = StaticRouter(self.router, "src", "lan", table=100)
        static.add(self.source, GROUP, "src", "lan")
        self.doctor_of()
        member = Member(self.receiver, GROUP)
        with Stream(self.feed(GROUP), 0.02):
            command = self.found("table_without_rule", "src: a router")
            self.assertEqual(command, "ip mrule add iif src lookup 100")
            self.cures(command, member)

    def test_a_table_of_another_program_is_found(self):
        """igmpproxy#52, S12: mgmd cannot start, and one cannot tell why."""
        other = self.start(*self.config)
        mgmd = self.start(*self.config, ready=False)
        self.assertEqual(mgmd.process.wait(5), 1)
        self.doctor_of(mgmd)
        command = self.found(
            "table_held", f"nothing listens at {mgmd.control()}",
            f"while mgmd (process {other.process.pid}) uses the multicast routing table",
        )
        self.assertEqual(command, f"kill {other.process.pid}")
        self.doctor.type(command)
        other.process.wait(5)
        mgmd.start()  # as the service manager would
        mgmd.ready()
        member = Member(self.receiver, GROUP)
        with Stream(self.feed(GROUP), 0.02):
            member.expect(3)
            self.healthy()

    def test_which_program_has_the_table_may_need_root(self):
        self.start(*self.config)
        absent = self.start(*self.config, ready=False)
        absent.process.wait(5)
        absent.directory.chmod(0o755)
        self.doctor_of(absent)
        answer = self.doctor.run(wrapper=AS_NOBODY)
        (finding,) = answer.report["findings"]
        self.assertEqual((finding["kind"], finding["command"]), ("table_held", "ss -wp"))
        gaps = [gap["what"] for gap in answer.report["not_examined"]]
        self.assertIn("which program is the multicast router", gaps)

    def test_a_table_that_the_service_would_not_use_is_no_fault(self):
        """The service is enabled, but does not run."""
        self.start(*self.config)
        self.doctor_of()

        def configured(key):
            """Runs doctor where /etc/mgmd/mgmd.toml has this key."""
            links = "/etc/systemd/system/multi-user.target.wants"
            script = (
                f"mount -t tmpfs none /etc; mkdir -p /etc/mgmd {links}; touch {links}/mgmd.service;"
                ' printf "%s\\n" "[router]" "$0" >/etc/mgmd/mgmd.toml; exec "$@"'
            )
            wrapper = ["unshare", "--mount", "sh", "-ec", script, key]
            return self.doctor.run(wrapper=wrapper).report["findings"]

        (finding,) = configured('forwarder = "kernel"')
        self.assertEqual(finding["kind"], "table_held")
        self.assertEqual(configured('forwarder = "ebpf"'), [])
        self.assertEqual(configured("table = 100"), [])

    def test_another_router_is_no_fault_if_mgmd_is_not_wanted(self):
        self.start(*self.config)
        self.doctor_of()
        answer = self.healthy()
        self.assertEqual(answer.report["interfaces"], ["src", "lan"])


class Proxies(Clinic):
    def test_a_proxy_that_rests_is_found(self):
        """RFC 4605: only the querier forwards. The other one here does not."""
        home = self.link("home")
        wire = Wire(home)
        mgmd = self.start(interface("home", {}), proxy("src", "home"))
        self.doctor_of(mgmd)
        wire.query("0.0.0.0")
        member = Member(home, GROUP)
        with querier(wire):
            until(lambda: mgmd.querier("home") == home.address, "the other querier")
            with Stream(self.feed(GROUP), 0.02):
                self.stopped(member)
                command = self.found("proxy_rests", "home: the proxy forwards nothing", home.address)
                self.assertRegex(command, f"^sed -i .* {mgmd.file} && mgmctl .* reload$")
                self.cures(command, member)


@kernel_only("it needs these capabilities")
class Privileges(Clinic):
    """mgmd runs as an ordinary user, with fewer capabilities than its unit gives to it."""

    def setUp(self):
        super().setUp()
        self.receiver = self.link("lan")
        # A program of its own, because the cure changes the file.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mgmd-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        build = Mgmd.build
        program = shutil.copy(build.mgmd, self.folder)
        self.build = types.SimpleNamespace(mgmd=program, directory=build.directory)
        self.home = self.folder / "home"
        self.home.mkdir()
        shutil.chown(self.home, NOBODY)

    def run_as_nobody(self, *capabilities, wrapper=()):
        """Starts mgmd with these capabilities."""

        class Own(Mgmd):
            build = self.build

        wanted = ",".join(["-all", *(f"+{name}" for name in capabilities)])
        user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        drop = ["setpriv", *user, f"--inh-caps={wanted}", f"--ambient-caps={wanted}", "--"]
        config = interface("src") + interface("lan", {})
        mgmd = Own(self.router, config, wrapper=[*wrapper, *drop], directory=self.home)
        self.addCleanup(mgmd.close, keep=True)
        # It may not write to the socket of root's service manager.
        until(mgmd.control().exists, "the control socket")
        return mgmd

    def flows(self, mgmd):
        self.doctor_of(mgmd)
        member = Member(self.receiver, GROUP)
        with Stream(self.feed(GROUP), 0.02):
            member.expect(3)
            self.healthy()

    def test_both_capabilities_are_enough(self):
        self.flows(self.run_as_nobody("net_raw", "net_admin"))

    def test_a_missing_capability_is_found(self):
        if not shutil.which("setcap"):
            self.skipTest("no setcap (libcap2-bin)")
        mgmd = self.run_as_nobody("net_raw")
        self.doctor_of(mgmd)
        command = self.found(
            "capabilities", f"mgmd (process {mgmd.process.pid}) lacks CAP_NET_ADMIN", "bursts"
        )
        self.assertEqual(command, f"setcap cap_net_admin,cap_net_raw+ep {self.build.mgmd}")
        self.doctor.type(command)
        mgmd.stop()
        # The kernel lets nobody choose the libraries of a program with capabilities.
        library = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}"
        layers = f"lowerdir={self.build.directory}:{library}"
        mounted = f'mount -t overlay mgm -o {layers} {library} && exec "$@"'
        self.flows(self.run_as_nobody(wrapper=["unshare", "--mount", "sh", "-c", mounted, "-"]))

    def test_a_container_must_permit_them(self):
        mgmd = self.run_as_nobody("net_raw", wrapper=["setpriv", "--bounding-set=-net_admin"])
        self.doctor_of(mgmd)
        command = self.found("capabilities", "its container does not permit them")
        self.assertIn("--cap-add NET_ADMIN", command)
