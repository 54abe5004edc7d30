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
    if "longest" in turns[0]:
        found["longest"] = max(turn["longest"] for turn in turns)
    # What the processor time and the memory are for.
    found["flows"] = getattr(row, "all_flows", found["installed"])
    return found


def not_behind(result, ours):
    """The measures in which a router is no worse than libmgm, if both installed all flows."""
    if not (ours and ours["all"] and result["all"]):
        return ""
    good = [word for what, word in NAMES.items() if result[what] <= ours[what]]
    return ", ".join(good) or "nothing"


def cells(result):
    flows, processor, memory = result["flows"], result["processor"], result["memory"]
    count = f"{result['installed']:,.0f}"
    time = f"{result['seconds']:.3f} s"
    if "longest" in result:
        time = f"{result['seconds'] * 1e3:.2f} ms, longest {result['longest'] * 1e3:.1f} ms"
    return [
        count if result["all"] else f"**{count}**",
        time,
        f"{processor:.3f} s",
        f"{processor / flows * 1e6:.1f} µs" if flows else "",
        f"{memory / 1e6:.1f} MB",
        f"{memory / flows:,.0f} bytes" if flows else "",
    ]


def store(head, results):
    """Stores the results of a complete run, for `stored`."""
    STORE.parent.mkdir(parents=True, exist_ok=True)
    STORE.write_text(json.dumps({"heading": head, "results": results}))


def stored():
    kept = json.loads(STORE.read_text())
    return kept["heading"], kept["results"]


def write(text):
    before, _, after = page()
    PAGE.write_text(before + BEGIN + text + END + after)


def page():
    """What the page has before the table, there, and after it."""
    before, rest = PAGE.read_text().split(BEGIN)
    return before, *rest.split(END)


def add(head, table_text, rows, routers):
    """Writes the results of some routers in some rows into the table of the page, which keeps the
    others, in the order of all rows and routers. A line beside the heading tells of them."""
    _, old, _ = page()
    headings, _, lines = old.partition("| row |")
    titles, names = [row.title for row in rows], [router.name for router in routers]
    found = {**parse("| row |" + lines), **(new := parse(table_text))}
    ordered = sorted(found, key=lambda key: (titles.index(key[0]), names.index(key[1])))
    text, last = "".join(table_text.splitlines(keepends=True)[:2]), None
    for title, name in ordered:
        cells = ["" if title == last else title, name, *found[title, name]]
        text, last = text + f"| {' | '.join(cells)} |\n", title
    chosen = (title for title in titles if any(title == other for other, _ in new))
    what = [f"{title} ({', '.join(f'*{name}*' for other, name in new if other == title)})" for title in chosen]
    what = f"Measured later: {'; '.join(what)}: "
    notes = [note for note in headings.splitlines() if note and not note.startswith(what)]
    write("\n\n".join([*notes, what + head.strip()]) + "\n\n" + text)


def parse(table_text):
    """The other cells of each line, by row and router."""
    found, title = {}, ""
    for line in table_text.splitlines()[2:]:
        first, name, *rest = (cell.strip() for cell in line.strip("|").split("|"))
        title = first or title
        found[title, name] = rest
    return found
