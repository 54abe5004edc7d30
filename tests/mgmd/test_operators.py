"""The recipes of docs/operators.md, typed as they are printed. A stream really flows in each."""

import itertools
import time

import pages
from bed import Bed
from build import TREE
from daemon import Mgmd
from feed import Feed
from lab import until
from members import Member
from shell import Shell
from wire import Wire
from wires import Stream

PAGE = TREE / "docs/operators.md"
# A stream flows if so many datagrams arrive one after the other, without a gap.
MANY = 20
# How long a command is typed again. mgmd refuses a flow that nothing matches for 10 s.
PATIENCE = 15


class Page(Bed):
    """A router on which the commands of a section are typed. `events` has a method for each event
    of the section."""

    def setUp(self):
        super().setUp()
        self.router.ip("link del src")  # no recipe has it
        self._numbers = itertools.count(1)
        self.shell = Shell(self.router, Mgmd.build)
        self.addCleanup(self.shell.close)
        self.events = {}

    def sends(self, link):
        """Adds a link, behind which the senders are. Returns what its host sees."""
        self.sender = self.link(link)
        self.source, self.senders = self.sender.address, Wire(self.sender)
        return self.senders

    def stream(self, group, source, ttl=16):
        """Starts a stream that flows until the end of the test."""
        stream = Stream(Feed(self.senders, group, source, ttl), 0.01)
        self.addCleanup(stream.stop)
        return stream

    def follow(self, heading):
        """Carries out the steps of a section."""
        for step in pages.steps(pages.section(PAGE, heading)):
            self.carry_out(step)
        self.assertFalse(self.events, "the section lacks an event")

    def carry_out(self, step):
        if isinstance(step, pages.Event):
            self.events.pop(step.words)()
        elif isinstance(step, pages.File):
            path = self.shell.path(step.path)
            before = path.read_text(encoding="utf-8") if step.is_more else ""
            path.write_text(before + step.text, encoding="utf-8")
        else:
            self.type(step)

    def type(self, command):
        """Types a command, and compares its output with that of the page. What a command shows may
        still change, so it is typed again; one that changes something is typed once."""
        deadline = time.monotonic() + (0 if command.text.startswith("sudo ") else PATIENCE)
        while True:
            status, output = self.shell.run(command.text)
            missing = None if command.output is None else pages.differs(command.output, output)
            if status == 0 and missing is None:
                return
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        journal = self.shell.journal().splitlines()[-10:]
        self.fail(
            f"docs/operators.md:{command.line}: $ {command.text}\n{output}"
            f"(exit status {status}; the page has: {missing})\nthe log: {journal}"
        )

    def assert_flows(self, member, source):
        """Checks that a member receives a stream without a gap."""
        member.expect(MANY, source)
        self.assertEqual(member.gaps(source), ([], []))


class IptvAtHome(Page):
    def test_streams_of_the_provider_reach_the_boxes(self):
        provider = self.sends("iptv")
        lan = self.link("lan")
        boxes = []

        def plays(group):
            boxes.append(Member(lan, group))

        def begins():
            plays("239.1.1.1")
            until(lambda: provider.records("239.1.1.1"), "the report to the provider")
            self.stream("239.1.1.1", "10.160.0.7")

        def changes():
            boxes[0].leave()
            plays("239.1.1.2")
            self.stream("239.1.1.2", "192.0.2.9")

        self.events = {
            "a box plays 239.1.1.1, which 10.160.0.7 sends": begins,
            "the box changes to 239.1.1.2": changes,
        }
        self.follow("## IPTV at home")
        self.assert_flows(boxes[1], "192.0.2.9")


class CampusWithSsm(Page):
    SERVER = "10.1.0.11"

    def test_hosts_that_name_a_server_get_its_stream(self):
        self.sends("servers")
        first, second = self.link("building1"), self.link("building2")
        hosts = []

        def joins():
            hosts.append(Member(first, "232.1.1.1", self.SERVER))
            self.stream("232.1.1.1", self.SERVER)

        self.events = {"a host of building 1 joins 232.1.1.1 from 10.1.0.11": joins}
        display = Wire(second)
        self.follow("## A campus with source-specific multicast")
        self.assert_flows(hosts[0], self.SERVER)
        until(lambda: len(display.numbers("232.1.1.1")) > MANY, "the stream at the display")


class StaticStreams(Page):
    def test_cameras_reach_both_networks(self):
        self.sends("studio0")
        air, archive = Wire(self.link("air0")), Wire(self.link("archive0"))
        self.events = {
            f"the camera {source} sends to {group}": lambda s=source, g=group: self.stream(g, s, ttl=64)
            for source, group in (("10.20.0.7", "239.20.0.1"), ("10.21.0.7", "239.21.0.1"))
        }
        self.follow("## Static streams between two networks")
        for wire, group in ((air, "239.20.0.1"), (archive, "239.20.0.1"), (archive, "239.21.0.1")):
            until(lambda: len(wire.numbers(group)) > MANY, f"{group} at {wire.host.namespace}")
        self.assertEqual(air.numbers("239.21.0.1"), [])
