"""Debian's kernels, from its packages. They are only unpacked, into the build folder."""

import pathlib
import subprocess

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
HOME = TREE / "build/kernels"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
# The releases of Debian whose kernels can be tested, with the oldest kernel first.
SUITES = ["bullseye", "bookworm", "bookworm-backports", "trixie", "forky"]
MIRRORS = {
    "debian": "http://deb.debian.org/debian",
    "security": "http://deb.debian.org/debian-security",
}


class Unavailable(Exception):
    """Why a kernel cannot be had."""


class Kernel:
    """The newest kernel for amd64 of a suite of Debian."""

    def __init__(self, suite):
        self.suite = suite
        self._home = HOME / suite
        self._root = self._home / "root"
        done = self._home / "unpacked"
        if not done.exists():
            self._fetch()
            done.touch()
        self.image = next(self._root.glob("boot/vmlinuz-*"))
        self.version = self.image.name.removeprefix("vmlinuz-")
        # Debian's newer packages have their modules below usr.
        self.modules = next(
            folder
            for folder in (self._root / "lib/modules", self._root / "usr/lib/modules")
            if folder.is_dir()
        )

    def _fetch(self):
        lists = self._home / "lists"
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        sources = self._home / "sources.list"
        sources.write_text("".join(self._sources()))
        options = [
            *("-o", f"Dir::Etc::SourceList={sources}", "-o", "Dir::Etc::SourceParts=/dev/null"),
            *("-o", f"Dir::State::Lists={lists}", "-o", "Dir::State::status=/dev/null"),
            *("-o", f"Dir::Cache={self._home}", "-o", "APT::Sandbox::User=root", "-q"),
            *("-o", "Acquire::Check-Valid-Until=false"),  # an old release is updated no more
        ]
        _run(["apt-get", *options, "update"], self._home)
        depends = _run(["apt-cache", *options, "depends", "linux-image-amd64"], self._home)
        words = depends.split()
        package = words[words.index("Depends:") + 1]
        _run(["apt-get", *options, "download", package], self._home)
        archive = next(self._home.glob(f"{package}_*.deb"))
        _run(["dpkg", "-x", archive, self._root], self._home)
        archive.unlink()
        version = package.removeprefix("linux-image-")
        base = self._root if (self._root / "lib/modules").is_dir() else self._root / "usr"
        _run(["depmod", "-b", base, version], self._home)

    def _sources(self):
        line = "deb [signed-by={}] {} {} main\n"
        yield line.format(KEYS, MIRRORS["debian"], self.suite)
        if self.suite in ("bullseye", "bookworm", "trixie"):
            yield line.format(KEYS, MIRRORS["security"], f"{self.suite}-security")


def _run(command, directory):
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise Unavailable(f"{command[0]}: {lines[-1]}")
    return done.stdout
