"""Other multicast routers, and the programs of the packet filter, from Debian's packages.

The packages conflict with one another and start daemons when installed. So they
are only unpacked, into the build folder, and run from there in namespaces of
their own.
"""

import os
import pathlib
import shutil
import subprocess

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
HOME = TREE / "build/peers"

DAEMONS = ["frr", "smcroute", "pimd", "igmpproxy"]
FILTERS = ["nftables", "iptables"]
# What they are linked with, as far as a small system may lack it.
LIBRARIES = [
    *("libyang2", "libc-ares2", "libjson-c5", "libreadline8", "libcap2", "libpcre2-8-0"),
    *("libnftables1", "libnftnl11", "libmnl0", "libjansson4", "libgmp10", "libedit2", "libbsd0"),
    *("libmd0", "libxtables12", "libip4tc2", "libip6tc2", "libnetfilter-conntrack3"),
    "libnfnetlink0",
]


class Unavailable(Exception):
    """Why the packages cannot be had."""


def fetch():
    """Downloads and unpacks what is not there yet. Unavailable if that fails."""
    done, wanted = HOME / "unpacked", [*DAEMONS, *FILTERS, *LIBRARIES]
    # An earlier version of this list may have been unpacked.
    if done.exists() and done.read_text() == " ".join(wanted):
        return
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise Unavailable("no apt-get: the peers are Debian's packages")
    packages = HOME / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    as_root = ["-o", "APT::Sandbox::User=root"]  # its own user may not write here
    download = ["apt-get", "download", "-q", *as_root, *wanted]
    try:
        _run(download, packages)
    except Unavailable:
        # A new machine has no package lists, or old ones, which name versions that are gone.
        if os.geteuid() != 0:
            raise
        _run(["apt-get", "update", "-q"], packages)
        _run(download, packages)
    for package in sorted(packages.glob("*.deb")):
        _run(["dpkg", "-x", package, HOME / "root"], packages)
    done.write_text(" ".join(wanted))


def _run(command, directory):
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise Unavailable(f"{command[0]} {command[1]}: {lines[-1]}")


def version(package):
    """The version that was unpacked, without Debian's part."""
    found = next((HOME / "packages").glob(f"{package}_*.deb"), None)
    return found.name.split("_")[1].partition("-")[0] if found else None


def program(path):
    return HOME / "root" / path


def environment():
    """What the programs need to find their libraries."""
    roots = [HOME / "root/usr/lib", HOME / "root/lib"]
    directories = [found for root in roots for found in root.glob("*-linux-gnu")]
    path = [str(each) for found in directories for each in (found / "frr", found)]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(path)}
