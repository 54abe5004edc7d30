"""The pages of documentation as scripts: configurations, commands, and what they print.

A block `toml` after <!-- FILE --> is the whole text of that file; after <!-- more: FILE -->, it is
added to the file. In a block `console`, a line that begins with `$ ` is a command, and the lines
after it are its output. `…` stands for any lines, or at the end of a line for the rest of it. The
commands succeed, except those of a block after <!-- status: NUMBER -->. <!-- event: WORDS --> is
something that happens on the network, which a test carries out. Comments are not shown to readers.
"""

import re
from collections import namedtuple

File = namedtuple("File", "path text is_more")
Command = namedtuple("Command", "text output line status")
Event = namedtuple("Event", "words")

COMMENT = re.compile(r"<!-- (?:(event|more|status): )?(.*?) -->$")
# A number, a time such as 3.2s or 14:58, or a count such as 12.3k. Not an address.
NUMBER = re.compile(r"\d+(?:[.:]\d+){0,2}(?:ms|[smhdkMG])?[,;)]?$")


def section(page, heading):
    """Returns the lines of a section, up to the next heading that is not below it, with their
    numbers."""
    found, in_code, levels = [], False, None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        in_code ^= line.startswith("```")
        if levels and not in_code and line.startswith(levels):
            break
        if line == heading and not in_code:
            levels = tuple("#" * level + " " for level in range(1, len(heading.split()[0]) + 1))
        if levels:
            found.append((number, line))
    assert found, f"{page} has no section {heading}"
    return found


def steps(lines):
    """Yields the steps of a section in their order."""
    lines, target, status = iter(lines), None, 0
    for number, line in lines:
        comment = COMMENT.match(line)
        if comment and comment[1] == "event":
            yield Event(comment[2])
        elif comment and comment[1] == "status":
            status = int(comment[2])
        elif comment:
            target = (comment[2], comment[1] == "more")
        elif line == "```toml":
            path, is_more = target
            yield File(path, "".join(f"{text}\n" for _, text in block(lines)), is_more)
        elif line in ("```console", "```sh"):
            yield from commands(list(block(lines)), status, is_shell=line == "```sh")
            status = 0


def block(lines):
    """Yields the lines up to the end of a block of code."""
    for number, line in lines:
        if line == "```":
            return
        yield number, line
    raise AssertionError("a block without an end")


def commands(lines, status, is_shell):
    """Yields the commands of a block. In a block `sh`, each line is a command, whose output is not
    shown."""
    if is_shell:
        for number, line in lines:
            yield Command(line.partition("  #")[0].rstrip(), None, number, status)
        return
    found = []
    for number, line in lines:
        if line.startswith("$ "):
            found.append(Command(line[2:], [], number, status))
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
    if expected[-1:] == ["…"]:  # the rest of the line may be anything
        expected.pop()
        words = words[: len(expected)]
    return len(expected) == len(words) and all(
        one == other or (NUMBER.match(one) and NUMBER.match(other)) for one, other in zip(expected, words)
    )
