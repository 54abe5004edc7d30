"""Routers on which the commands of a page are typed as they are printed."""

import itertools
import time

import pages
from bed import Bed
from case import kernel_only
from daemon import Mgmd
from feed import Feed
from shell import CONFIGURATION, Shell
from wire import Wire
from wires import Stream

# A stream flows if so many datagrams arrive one after the other, without a gap.
MANY = 20
# How long a command is typed again. mgmd refuses a flow that nothing matches for 10 s.
PATIENCE = 15


@kernel_only("the pages print what mgmd says with it")
class Typed(Bed):
    """A router on which the commands of a section are typed. `events` has a function for each event
    of the section."""

    def setUp(self):
        super().setUp()
        self.router.ip("link del src")  # no page has it
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

    def follow(self, page, heading):
        """Carries out the steps of a section."""
        self.page = page
        for step in pages.steps(pages.section(page, heading)):
            self.carry_out(step)
        self.assertFalse(self.events, "the section lacks an event")

    def files(self, page, heading):
        """Returns the texts of the files in a section."""
        steps = pages.steps(pages.section(page, heading))
        return [step.text for step in steps if isinstance(step, pages.File)]

    def write(self, config):
        """Writes the configuration of mgmd."""
        self.shell.path(CONFIGURATION).write_text(config, encoding="utf-8")

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
        changes = command.text.startswith("sudo ") and "doctor" not in command.text
        deadline = time.monotonic() + (0 if changes else PATIENCE)
        while True:
            status, output = self.shell.run(command.text)
            missing = None if command.output is None else pages.differs(command.output, output)
            if status == command.status and missing is None:
                return
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        journal = self.shell.journal().splitlines()[-10:]
        self.fail(
            f"{self.page.name}:{command.line}: $ {command.text}\n{output}"
            f"(exit status {status}; the page has: {missing})\nthe log: {journal}"
        )

    def assert_flows(self, member, source):
        """Checks that a member receives a stream without a gap."""
        member.expect(MANY, source)
        self.assertEqual(member.gaps(source), ([], []))
