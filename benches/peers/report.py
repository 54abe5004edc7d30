"""One table of what was measured, for people."""

import datetime
import os
import pathlib
import platform
import re
import statistics

import packages

PAGE = packages.TREE / "docs/benchmarks.md"
BEGIN, END = "<!-- begin: written by benches/peers -->\n", "<!-- end: peers -->\n"

HEADINGS = ["", "router", "flows installed", "time", "processor", "each", "memory", "each"]


def heading(repeat):
    cpus = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpus)
    versions = [f"{name} {packages.version(name)}" for name in packages.DAEMONS]
    return (
        f"{datetime.date.today()}, {model.group(1) if model else platform.machine()}, "
        f"{os.cpu_count()} cores, Linux {platform.release()}; "
        f"{', '.join(version for version in versions if 'None' not in version)}; "
        f"medians of {repeat}; what has a rate once\n\n"
    )


def table(rows, routers, results):
    lines = [HEADINGS, ["---"] * len(HEADINGS)]
    for row in rows:
        title = row.title
        for router in routers:
            turns = [r for r in results if (r["row"], r["router"]) == (row.name, router.name)]
            if turns:
                lines.append([title, router.name, *cells(row, turns)])
                title = ""
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cells(row, turns):
    def median(name):
        return statistics.median(turn[name] for turn in turns)

    installed, processor = median("installed"), median("processor")
    memory = median("memory")
    all_of_them = all(turn["installed"] == row.flows for turn in turns)
    count = f"{installed:,.0f}"
    return [
        count if all_of_them else f"**{count}**",
        f"{median('seconds'):.3f} s",
        f"{processor:.3f} s",
        f"{processor / installed * 1e6:.1f} µs" if installed else "",
        f"{memory / 1e6:.1f} MB",
        f"{memory / installed:,.0f} bytes" if installed else "",
    ]


def write(text):
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + text + END + rest.split(END)[1])
