"""Formats the results as a table."""

import datetime
import json
import os
import pathlib
import platform
import re
import statistics

import packages

STORE = packages.HOME / "results.json"
PAGE = packages.TREE / "docs/benchmarks.md"
BEGIN, END = "<!-- begin: written by benches/peers -->\n", "<!-- end: peers -->\n"

NAMES = {"seconds": "time", "processor": "processor", "memory": "memory"}
HEADINGS = ["row", "router", "flows installed", "time", "processor", "per flow", "memory", "per flow"]
HEADINGS += ["no worse than libmgm in"]
OURS = "libmgm"


def heading(repeat):
    cpus = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpus)
    versions = [f"{name} {packages.version(name)}" for name in packages.DAEMONS]
    return (
        f"{datetime.date.today()}, {model.group(1) if model else platform.machine()}, "
        f"{os.cpu_count()} cores, Linux {platform.release()}; "
        f"{', '.join(version for version in versions if 'None' not in version)}; "
        f"medians of {repeat}; rows with a rate: one run\n\n"
    )


def table(rows, routers, results):
    lines = [HEADINGS, ["---"] * len(HEADINGS)]
    for row in rows:
        found = {router.name: medians(row, router.name, results) for router in routers}
        found = {name: result for name, result in found.items() if result}
        for number, (name, result) in enumerate(found.items()):
            title = "" if number else row.title
            ahead = "" if name == OURS else not_behind(result, found.get(OURS))
            lines.append([title, name, *cells(result), ahead])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def medians(row, name, results):
    """The medians of a router's runs in a row; None if it has no run."""
    turns = [result for result in results if (result["row"], result["router"]) == (row.name, name)]
    if not turns:
        return None
    found = {"all": all(turn["installed"] == row.flows for turn in turns)}
    for what in ("installed", *NAMES):
        found[what] = statistics.median(turn[what] for turn in turns)
    return found


def not_behind(result, ours):
    """The measures in which a router is no worse than libmgm, if both installed all flows."""
    if not (ours and ours["all"] and result["all"]):
        return ""
    good = [word for what, word in NAMES.items() if result[what] <= ours[what]]
    return ", ".join(good) or "nothing"


def cells(result):
    installed, processor, memory = result["installed"], result["processor"], result["memory"]
    count = f"{installed:,.0f}"
    return [
        count if result["all"] else f"**{count}**",
        f"{result['seconds']:.3f} s",
        f"{processor:.3f} s",
        f"{processor / installed * 1e6:.1f} µs" if installed else "",
        f"{memory / 1e6:.1f} MB",
        f"{memory / installed:,.0f} bytes" if installed else "",
    ]


def store(head, results):
    """Stores the results of a complete run, for `stored`."""
    STORE.parent.mkdir(parents=True, exist_ok=True)
    STORE.write_text(json.dumps({"heading": head, "results": results}))


def stored():
    kept = json.loads(STORE.read_text())
    return kept["heading"], kept["results"]


def write(text):
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + text + END + rest.split(END)[1])
