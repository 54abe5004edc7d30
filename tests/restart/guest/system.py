"""The system of the guest: commands, the service, and what a router could leave in the system."""

import pathlib
import re
import subprocess

HOME = pathlib.Path("/home/admin")
TREE = HOME / "mgm"
# Long enough for a slow emulation.
PATIENCE = 600


def run(command, status=0):
    """Runs a command of the shell as root, and returns its output."""
    done = subprocess.run(
        command, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=PATIENCE,
    )
    assert done.returncode == status, f"{command}: status {done.returncode}: {done.stdout.strip()}"
    return done.stdout


def as_operator(command):
    """Types a command in the source tree, after a new login of the operator."""
    done = subprocess.run(
        ["su", "--login", "admin", "--command", f"cd {TREE} && {command}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, f"{command}: status {done.returncode}: {done.stdout.strip()}"
    return done.stdout


def show(name, unit="mgmd"):
    """Returns a property of a unit."""
    return run(f"systemctl show --value --property={name} {unit}").strip()


def journal(words):
    """Returns the lines of the journal about mgmd, without the times."""
    return run(f"journalctl --unit=mgmd --output=cat --no-pager {words}").splitlines()


def starts():
    """Returns how often systemd has started mgmd in this boot."""
    return sum(line.startswith("Started mgmd.service") for line in journal("--boot"))


def read(path):
    return pathlib.Path(path).read_text(encoding="ascii")


def memberships():
    """Returns the groups that the system has joined, by interface."""
    found, interface = [], None
    for line in read("/proc/net/igmp").splitlines()[1:]:
        words = line.split()
        if not line.startswith("\t"):
            interface = words[1]
        else:
            found.append(f"{interface} {words[0]}")
    return sorted(found)


def flags():
    """Returns how many programs want all packets, or all multicast packets, of each interface."""
    pattern = re.compile(r"^\d+: ([^:@]+).* promiscuity (\d+)\s+(?:allmulti (\d+))?")
    return [pattern.match(line).groups() for line in run("ip -details -oneline link show").splitlines()]


def traces():
    """Returns what a router could leave in the system, by kind."""
    forwarding = pathlib.Path("/proc/sys/net/ipv4/conf").glob("*/mc_forwarding")
    return {
        "VIFs": read("/proc/net/ip_mr_vif").splitlines()[1:],
        "entries": read("/proc/net/ip_mr_cache").splitlines()[1:],
        "mc_forwarding": [str(path) for path in forwarding if path.read_text().strip() != "0"],
        "memberships": memberships(),
        "flags": flags(),
        "rules": run("ip rule; ip mrule").splitlines(),
        "routes": run("ip route show table all").splitlines(),
        "hooks": [line for line in run("tc qdisc show").splitlines() if "clsact" in line],
        "raw sockets": read("/proc/net/raw").splitlines()[1:],
        "packet sockets": read("/proc/net/packet").splitlines()[1:],
        "processes": run("pgrep --list-full mgmd || true").splitlines(),
        "/run/mgmd": [str(path) for path in pathlib.Path("/run").glob("mgmd*")],
    }
