"""Checks docs/tutorial.md: its code is that of the programs, and its output is what they print.

    tests/languages/tutorial.py DIRECTORY

The directory contains a copy of examples. A reader who types what a step shows must have the program of
the step: each new line of it must be on the page.
"""

import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/tutorial.md"
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.M | re.S)


def lines(text):
    """The lines of a program, without the comment at its head, which names the step."""
    return [line for line in text.splitlines() if line.strip() and "docs/tutorial.md" not in line]


def main():
    where = pathlib.Path(sys.argv[1])
    examples = where / "examples"
    steps = re.split(r"^## Step (\d+): .*$", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]
    former, ran, compiled = [], 0, 0
    for number, text in zip(steps[::2], steps[1::2]):
        file = examples / f"tutorial/step{number}.c"
        if not file.exists():
            file = examples / "protocol.c"
        program = file.read_text(encoding="utf-8")
        assert f"(../{file.relative_to(where)})" in text, f"step {number} has no link to its program"
        blocks = [(kind, re.sub(f"^{indent}", "", body, flags=re.M)) for indent, kind, body in BLOCK.findall(text)]
        code = [body for kind, body in blocks if kind == "c"]
        for body in code:
            assert body in program, f"step {number}: this is not in {file.name}:\n{body}"
        if file.name.startswith("step"):
            shown = {line for body in code for line in lines(body)}
            missing = [line for line in lines(program) if line not in former and line not in shown]
            assert not missing, f"step {number} does not show these lines:\n" + "\n".join(missing)
            former = lines(program)
        (commands,) = [body for kind, body in blocks if kind == "sh"]
        said = subprocess.run(["bash", "-ec", commands], cwd=where, capture_output=True, text=True)
        assert said.returncode == 0 and not said.stderr, f"step {number}: {commands}\n{said.stdout}{said.stderr}"
        compiled += 1
        expected = "".join(body for kind, body in blocks if kind == "text")
        assert said.stdout == expected, f"step {number} prints:\n{said.stdout}"
        ran += bool(expected)
    programs = len(list((examples / "tutorial").glob("step*.c")))
    assert ran == programs == 5 and compiled == programs + 1, (ran, compiled, programs)
    print(f"{compiled} steps compiled, {ran} run")


main()
