"""The pages of documentation as scripts: configurations, commands, and what they print.

A block `toml` after <!-- FILE --> is the whole text of that file; after <!-- more: FILE -->, it is
added to the file. In a block `console`, a line that begins with `$ ` is a command, and the lines
after it are its output; a line `…` stands for any lines. <!-- event: WORDS --> is something that
happens on the network, which a test carries out. Comments are not shown to readers.
"""

import re
from collections import namedtuple

File = namedtuple("File", "path text is_more")
Command = namedtuple("Command", "text output line")
Event = namedtuple("Event", "words")

COMMENT = re.compile(r"<!-- (?:(event|more): )?(.*?) -->$")
# A number, a time such as 3.2s or 14:58, or a count such as 12.3k. Not an address.
NUMBER = re.compile(r"\d+(?:[.:]\d+){0,2}(?:ms|[smhdkMG])?[,;)]?$")


def section(page, heading):
    """Returns the lines of a section, up to the next heading of the same level, with their numbers."""
    lines = list(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))
    begin = next(at for at, (_, line) in enumerate(lines) if line == heading)
    level = heading.split()[0] + " "
    end = next((at for at in range(begin + 1, len(lines)) if lines[at][1].startswith(level)), len(lines))
    return lines[begin:end]


def steps(lines):
    """Yields the steps of a section in their order."""
    lines, target = iter(lines), None
    for number, line in lines:
        comment = COMMENT.match(line)
        if comment and comment[1] == "event":
            yield Event(comment[2])
        elif comment:
            target = (comment[2], comment[1] == "more")
        elif line == "```toml":
            path, is_more = target
            yield File(path, "".join(f"{text}\n" for _, text in block(lines)), is_more)
        elif line in ("```console", "```sh"):
            yield from commands(list(block(lines)), is_shell=line == "```sh")


def block(lines):
    """Yields the lines up to the end of a block of code."""
    for number, line in lines:
        if line == "```":
            return
        yield number, line
    raise AssertionError("a block without an end")


def commands(lines, is_shell):
    """Yields the commands of a block. In a block `sh`, each line is a command, whose output is not
    shown."""
    if is_shell:
        yield from (Command(line.partition("  #")[0].rstrip(), None, number) for number, line in lines)
        return
    found = []
    for number, line in lines:
        if line.startswith("$ "):
            found.append(Command(line[2:], [], number))
        else:
            found[-1].output.append(line)
    yield from found


def differs(expected, output):
    """Returns the first line of the expected output that the output lacks, or None. Spaces and
    numbers may differ."""
    lines, may_skip = output.splitlines(), False
    for line in expected:
        if line == "…":
            may_skip = True
            continue
        while lines and not same(line, lines[0]) and may_skip:
            lines.pop(0)
        if not lines or not same(line, lines.pop(0)):
            return line
        may_skip = False
    return None if may_skip or not lines else f"an end before {lines[0]!r}"


def same(expected, line):
    expected, words = expected.split(), line.split()
    return len(expected) == len(words) and all(
        one == other or (NUMBER.match(one) and NUMBER.match(other)) for one, other in zip(expected, words)
    )
