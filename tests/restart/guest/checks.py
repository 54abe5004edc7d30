"""The checks, inside the guest. Each start of the guest runs those of one class, in their order, and
then starts the guest again, or ends it.

Prints "begin NAME", and then "ok NAME: …" or "FAILED NAME: …". All times are those of the guest's
clock.
"""

import pathlib
import time

import pages
from bed import GROUPS, SOURCE, Bed, Member, Streams
from lab import until
from system import HOME, TREE, as_operator, journal, run, show, starts, traces

STAGE = pathlib.Path("/opt/checks/stage")
CONFIGURATION = pathlib.Path("/etc/mgmd/mgmd.toml")
# The longest time without a datagram of a group that had members, over a restart (I80).
GAP = 1.0
# A new join is served within this time.
SOON = 1.0
# The hosts answer the first query within QRI, which is 10 s. The rest is for the start.
ANSWERED = 10.0 + 2.0
# WatchdogSec= and RestartSec= of the unit.
WATCHDOG, RESTART = 30.0, 5.0


class Checks:
    """`told` is what a check found, for the report."""

    told = ""

    def run(self):
        for name in [name for name in vars(type(self)) if name.startswith("check_")]:
            print("begin", name[6:], flush=True)
            self.told = ""
            try:
                getattr(self, name)()
                print(f"ok {name[6:]}: {self.told}", flush=True)
            except Exception as error:  # the other checks run, too
                print(f"FAILED {name[6:]}: {type(error).__name__}: {error!s}", flush=True)

    def serve(self, limit):
        """Sends all groups, and joins them. Each must arrive within the limit."""
        self.bed = Bed()
        self.streams = Streams(self.bed)
        begin = time.time()
        self.members = [Member(self.bed, group) for group in GROUPS]
        return self.expect_served(begin, limit)

    def expect_served(self, begin, limit):
        """Waits until each member has a datagram that is later than `begin`, and returns the longest
        time that this took."""

        def unserved():
            return [member.group for member in self.members if member.served(begin) is None]

        deadline = begin + 2 * limit + 10
        while unserved() and time.time() < deadline:
            time.sleep(0.01)
        assert not unserved(), f"not served within {2 * limit + 10:.0f} s: {unserved()}"
        longest = max(member.served(begin) for member in self.members)
        assert longest <= limit, f"served after {longest:.3f} s, the limit is {limit} s"
        return longest

    def gap(self, begin):
        """Waits for the end of a gap in the streams, and returns the longest gap of all members."""
        self.expect_served(time.time(), ANSWERED)
        return max(member.gap(begin) for member in self.members)

    def expect_groups(self):
        """mgmd has been restarted, and has the groups before the hosts have answered its query."""
        listed = run("mgmctl groups").split()
        missing = [group for group in GROUPS if group not in listed]
        assert not missing, f"mgmd does not have {missing} after the restart"

    def expect_no_complaint(self):
        lines = journal("--boot --priority=warning")
        assert not lines, f"mgmd or systemd complains: {lines}"


class Installed(Checks):
    """The system as Debian installs it. The operator follows README.md, then upgrades."""

    def check_readme(self):
        self.bed, typed, wrong = Bed(), 0, []
        for step in self.installation():
            as_operator(step.text)
            typed += 1
        self.empty = traces()
        assert not starts(), "the installation has started mgmd"
        for step in pages.steps(pages.section(TREE / "README.md", "## First use")):
            if isinstance(step, pages.File):
                assert step.path == str(CONFIGURATION), step.path
                CONFIGURATION.write_text(step.text)
            elif isinstance(step, pages.Event):
                self.happen(step.words)
            else:
                output = as_operator(step.text)
                differs = pages.differs(step.output, output)
                wrong += [f"{step.text}: not {differs!r}: {output!r}"] if differs else []
                typed += 1
        assert not wrong, "; ".join(wrong)
        self.told = f"{typed} commands as printed"

    def installation(self):
        """Returns the commands that install the packages; "make deb" has built them."""
        steps = pages.steps(pages.section(TREE / "README.md", "## Installation"))
        found = [step for step in steps if step.text.startswith("sudo ")]
        assert [step.text.split()[1] for step in found] == ["apt", "adduser"], found
        return found

    def happen(self, words):
        """The event of the page is about one group."""
        assert words == f"a host on eth1 joins {GROUPS[0]}, and {SOURCE} sends to it", words
        self.members = [Member(self.bed, GROUPS[0])]
        self.streams = Streams(self.bed, GROUPS[:1])
        until(lambda: len(self.members[0].read()) > 3, "the stream of the page", ANSWERED)

    def check_service(self):
        """What systemd knows of mgmd, and joins of more groups."""
        found = {name: show(name) for name in ("Type", "SubState", "NRestarts", "StatusText")}
        assert found["Type"] == "notify" and found["SubState"] == "running", found
        assert found["NRestarts"] == "0", found
        assert found["StatusText"].startswith("2 of 2 interfaces, "), found
        assert run(f"ps -o user= -p {show('MainPID')}").strip() != "root", "mgmd runs as root"
        self.streams.groups = GROUPS
        begin = time.time()
        self.members += [Member(self.bed, group) for group in GROUPS[1:]]
        served = self.expect_served(begin, SOON)
        self.expect_no_complaint()
        self.told = f"{found['StatusText']}; joins served after at most {served:.3f} s"

    def check_restart(self):
        """I80: the groups that had members are forwarded again within a second."""
        begin, before = time.time(), starts()
        run("systemctl restart mgmd")
        took = time.time() - begin
        self.expect_groups()
        gap = self.gap(begin)
        assert starts() == before + 1, f"{starts() - before} starts instead of one"
        assert gap <= GAP, f"a gap of {gap:.3f} s, the limit is {GAP} s"
        self.told = f"a gap of {gap:.3f} s, systemctl took {took:.3f} s"

    def check_upgrade(self):
        """The same for an upgrade of the packages, which restarts mgmd once."""
        begin, before = time.time(), starts()
        former = run("dpkg-query --show --showformat='${Version}' mgmd")
        configuration = CONFIGURATION.read_text()
        run(f"DEBIAN_FRONTEND=noninteractive apt-get -y -q install {HOME}/later/*.deb")
        took = time.time() - begin
        self.expect_groups()
        gap = self.gap(begin)
        assert run("dpkg-query --show --showformat='${Version}' mgmd") == f"{former}+later"
        assert starts() == before + 1, f"{starts() - before} starts instead of one"
        assert CONFIGURATION.read_text() == configuration, "the upgrade changes the configuration"
        assert gap <= GAP, f"a gap of {gap:.3f} s, the limit is {GAP} s"
        self.told = f"a gap of {gap:.3f} s, apt took {took:.1f} s"

    def check_stop(self):
        """Nothing stays in the system, and no stream is forwarded; a start serves again."""
        run("systemctl stop mgmd")
        stopped = time.time()
        left = self.traces_left()
        time.sleep(1)
        late = {member.group: when for member in self.members
                for when in member.read()[-1:] if when > stopped + 0.1}
        # Before the checks, so that the next ones have a router.
        begin = time.time()
        run("systemctl start mgmd")
        served = self.expect_served(begin, GAP)
        assert not left, f"mgmd leaves {left}; before the start it was {self.empty}"
        assert not late, f"still forwarded after the stop: {late}"
        self.told = f"{len(self.empty)} kinds of traces compared; a start serves after {served:.3f} s"

    def check_watchdog(self):
        """mgmd hangs. systemd ends it, and starts it again; the hosts answer its first query."""
        begin, before, process = time.time(), starts(), show("MainPID")
        run(f"kill -STOP {process}")
        limit = WATCHDOG + RESTART + 5
        # Meanwhile nothing is sent, and systemd is asked seldom: emulated work takes long.
        self.streams.groups = []
        try:
            while starts() == before and time.time() < begin + limit:
                time.sleep(1)
            assert starts() > before, f"no start by systemd within {limit} s"
        finally:
            self.streams.groups = GROUPS
            run(f"kill -CONT {process} || true")
        restarted = time.time()
        served = self.expect_served(restarted, ANSWERED)
        assert any("Watchdog timeout" in line for line in journal("--boot")), "another cause"
        assert starts() == before + 1, f"{starts() - before} starts instead of one"
        self.told = (
            f"started again {restarted - begin:.1f} s after it hung, {served:.1f} s later it served"
        )

    def check_ebpf(self):
        """The other forwarder, with the drop-in of the package and the commands at its head."""
        example = pathlib.Path("/usr/share/doc/mgmd/examples/ebpf.conf")
        lines = [line.removeprefix("#").strip() for line in example.read_text().splitlines()]
        commands = [line for line in lines if line.startswith("sudo ")]
        assert len(commands) == 3, commands
        former = CONFIGURATION.read_text()
        CONFIGURATION.write_text(f'[router]\nforwarder = "ebpf"\n\n{former}')
        begin = time.time()
        try:
            for command in commands:
                as_operator(f"cd {example.parent} && {command}")
            gap = self.gap(begin)
            assert "ebpf" in run("mgmctl status"), run("mgmctl status")
            used = [kind for kind, found in self.traces_left().items() if found]
            run("systemctl stop mgmd")
            left = self.traces_left()
        finally:
            CONFIGURATION.write_text(former)
            run("rm -r /etc/systemd/system/mgmd.service.d/ebpf.conf && systemctl daemon-reload")
            run("systemctl restart mgmd")
        assert "hooks" in used and "VIFs" not in used, f"it uses {used}"
        assert not left, f"mgmd leaves {left}"
        assert gap <= GAP, f"a gap of {gap:.3f} s, the limit is {GAP} s"
        self.told = f"a gap of {gap:.3f} s; then stopped, and nothing was left"

    def traces_left(self):
        """Returns what the system has now and had not before mgmd was started, by kind."""
        found = traces()
        return {kind: found[kind] for kind in found if found[kind] != self.empty[kind]}

    def check_before_the_reboot(self):
        """The operator's reboot. The unit of a program that needs mgmd starts from now on, too."""
        run("systemctl enable ready.service")
        self.told = f"mgmd.service is {run('systemctl is-enabled mgmd').strip()}"


class Rebooted(Checks):
    """After a reboot, without any command. The interfaces appear after mgmd has started."""

    def check_boot_without_interfaces(self):
        assert show("ActiveState") == "active", f"mgmd is {show('ActiveState')}"
        assert show("NRestarts") == "0", "mgmd needed several starts"
        status = show("StatusText")
        assert status.startswith("0 of 2 interfaces, "), status
        assert show("Result", "ready") == "success", "mgmctl failed in a unit after mgmd.service"
        assert show("ActiveState", "ready") == "active", "ready.service has not run"
        after = show("After").split()
        assert "network.target" in after, after
        cycles = [line for line in run("journalctl --boot --output=cat").splitlines()
                  if "ordering cycle" in line]
        assert not cycles, cycles
        self.told = f"{status}; {run('systemd-analyze time').splitlines()[0]}"

    def check_stopped_in_order(self):
        """The reboot has stopped mgmd, and did not have to kill it."""
        lines = journal("--boot=-1")
        assert any("Deactivated successfully" in line for line in lines), lines[-10:]
        wrong = [line for line in lines if "SIGKILL" in line or "timed out" in line]
        assert not wrong, wrong
        self.told = f"the journal of the former boot has {len(lines)} lines about mgmd"

    def check_late_interfaces(self):
        """The hosts join as soon as the interfaces are there."""
        served = self.serve(ANSWERED)
        status = show("StatusText")
        assert status.startswith("2 of 2 interfaces, "), status
        assert show("NRestarts") == "0", "mgmd needed another start"
        self.told = f"served {served:.3f} s after the joins; {status}"

    def check_before_the_power_cut(self):
        """In the next boot, the interfaces are there before mgmd."""
        run("systemctl enable links.service")
        run("sync")
        self.told = "links.service is enabled"


class Cut(Checks):
    """After a power cut: nothing has been stopped in order."""

    def check_boot_with_interfaces(self):
        assert show("ActiveState") == "active", f"mgmd is {show('ActiveState')}"
        status = show("StatusText")
        assert status.startswith("2 of 2 interfaces, "), status
        served = self.serve(SOON)
        assert show("NRestarts") == "0", "mgmd needed several starts"
        assert show("Result", "ready") == "success", "mgmctl failed in a unit after mgmd.service"
        self.told = f"{status} before any host; joins served after at most {served:.3f} s"


def main():
    stage = int(STAGE.read_text()) if STAGE.exists() else 0
    STAGE.write_text(str(stage + 1))
    checks, ending = [
        (Installed, "systemctl reboot"),
        (Rebooted, "echo b >/proc/sysrq-trigger"),
        (Cut, "systemctl poweroff"),
    ][stage]
    checks().run()
    print("end", checks.__name__, flush=True)
    run(f"sync; {ending}")


if __name__ == "__main__":
    main()
