"""A copy of the sources, for scripts that change them: check-planted and mutants.

The copy and its builds are in build/planted. Nothing else uses them, so nothing links a bug
by mistake.
"""

import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/planted"
TREE = BUILD / "tree"
TARGET = BUILD / "target"
# Build results, installed packages, and Git's own files.
LEFT_OUT = [".git", "__pycache__", "build", "node_modules", "target"]


def copy():
    """Makes the copy equal to the sources. Files that are equal keep their times, so that cargo
    keeps what it has built."""
    unnamed = [word for name in LEFT_OUT for word in ("-name", name, "-prune", "-o")]
    found = subprocess.run(["find", "-mindepth", "1", *unnamed, "-type", "f", "-printf", "%P\n"],
                           cwd=ROOT, check=True, capture_output=True, text=True)
    names = set(found.stdout.split("\n")) - {""}
    for name in names:
        source, path = ROOT / name, TREE / name
        if not path.exists() or path.read_bytes() != source.read_bytes():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, path)
    for path in TREE.rglob("*.rs"):
        if str(path.relative_to(TREE)) not in names:
            path.unlink()
