"""Devices of other kinds than veth, between a router and a host that a veth pair links."""

import contextlib
import os
import select
import subprocess
import tempfile
import threading

from lab import ip
from wires import open_tun

# For each kind: the commands for the router, and those for the host; empty if the host needs none,
# because the router's device is on the same Ethernet. {wire} is the veth interface of the side,
# {near} and {far} are its address and the one at the other end. Each side makes the device `far0`.
_TAG = ["link add link {wire} name far0 type vlan id 10"]
_TAGS = [
    "link add link {wire} name tags type vlan protocol 802.1ad id 100",
    "link set tags up",
    "link add link tags name far0 type vlan id 10",
]
_ENSLAVE = ["link set {wire} down", "link set {wire} master far0", "link set {wire} up"]
_GRE = ["link add name far0 type gre local {near} remote {far} ttl 64", "link set far0 multicast on"]
_GRETAP = ["link add name far0 type gretap local {near} remote {far} ttl 64"]
_VXLAN = ["link add name far0 mtu 1450 type vxlan id 7 local {near} remote {far} dstport 4789"]
# The host is one of many remote ends: the router knows it as the neighbour for each group.
_MULTIPOINT = ["link add name far0 type gre local {near} key 7 ttl 64", "link set far0 multicast on"]
_SPOKE = ["link add name far0 type gre local {near} remote {far} key 7 ttl 64", "link set far0 multicast on"]
# Like that of PPP: not Ethernet, and without the MULTICAST flag.
_TUN = ["tuntap add dev far0 mode tun", "link set far0 multicast off mtu 1492"]
_WIREGUARD = ["link add name far0 type wireguard", "link set far0 multicast on"]
KINDS = {
    "vlan": (_TAG, _TAG),
    "qinq": (_TAGS, _TAGS),
    "macvlan": (["link add link {wire} name far0 type macvlan mode bridge"], []),
    "bond": (["link add name far0 type bond mode active-backup miimon 100", *_ENSLAVE], []),
    "bridge": (["link add name far0 type bridge mcast_snooping 0", *_ENSLAVE], []),
    "snooping": (["link add name far0 type bridge vlan_filtering 1 mcast_snooping 1", *_ENSLAVE], []),
    "gre": (_GRE, _GRE),
    "multipoint": (_MULTIPOINT, _SPOKE),
    "gretap": (_GRETAP, _GRETAP),
    "vxlan": (_VXLAN, _VXLAN),
    "wireguard": (_WIREGUARD, _WIREGUARD),
    "tun": (_TUN, _TUN),
}
# Those that the kernel lets move to another namespace.
MOVABLE = {"vlan", "qinq", "macvlan", "wireguard", "tun"}
# Those with less room than the links that they cross.
TUNNELS = {"gre", "multipoint", "gretap", "vxlan", "wireguard"}
# The groups that the router sends by a multipoint tunnel: those of the tests, and those of queries.
_GROUPS = ["224.0.0.1", "239.1.2.3", "239.1.2.4"]
# What `ip` adds to find out whether the kernel has a kind; else the name of the kind.
_PROBES = {
    "vlan": "link v name probe type vlan id 1",
    "qinq": "link v name probe type vlan id 1",
    "macvlan": "link v name probe type macvlan",
    "snooping": "name probe type bridge vlan_filtering 1",
    "gre": "name probe type gre local 10.0.0.1 remote 10.0.0.2",
    "multipoint": "name probe type gre local 10.0.0.1 key 7",
    "gretap": "name probe type gretap local 10.0.0.1 remote 10.0.0.2",
    "vxlan": "name probe type vxlan id 7 remote 10.0.0.2 dstport 4789",
    "vrf": "name probe type vrf table 100",
}


class _Cable:
    """Carries packets between two tun devices, on a thread, until it is closed."""

    def __init__(self, *descriptors):
        self._ends = dict(zip(descriptors, reversed(descriptors)))
        self._ended = os.eventfd(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            ready, _, _ = select.select([*self._ends, self._ended], [], [])
            if self._ended in ready:
                return
            for end in ready:
                with contextlib.suppress(OSError):  # a device that is down loses its packets
                    os.write(self._ends[end], os.read(end, 2048))

    def close(self):
        os.eventfd_write(self._ended, 1)
        self._thread.join()
        os.close(self._ended)


def _probe(kind):
    """The command that adds a device of a kind."""
    if kind == "tun":
        return "tuntap add dev probe mode tun"
    return f"link add {_PROBES.get(kind, f'name probe type {kind}')}"


def lacks(kind, namespace):
    """Whether the kernel, or this machine's tools, lack a kind. Tries it in a namespace."""
    try:
        ip("link add v type veth peer name w", namespace=namespace)
        ip(_probe(kind), "link del probe", namespace=namespace)
        if kind == "wireguard":
            subprocess.run(["wg", "--version"], capture_output=True, check=True)
    except (RuntimeError, OSError):
        return True
    finally:
        ip("link del v", namespace=namespace)
    return False


class Device:
    """The device `far0` of a kind, over the veth pair between a router and a host. Creating it makes
    both ends. The host's address and interface are then those of its end."""

    NAME = "far0"

    def __init__(self, kind, router, host, wire):
        self._kind, self._router, self._host, self._wire = kind, router, host, wire
        self._number = host.address.split(".")[1]
        self._keys = {router: _key(), host: _key()} if kind == "wireguard" else {}
        self._eth = host.interface
        self._ends, self._cable = {}, None
        if KINDS[kind][1]:
            host.interface = self.NAME
        else:  # the Ethernet has the device's subnet alone
            host.ip(f"addr flush dev {self._eth}")
            router.ip(f"addr flush dev {wire}")
        self._make(host, KINDS[kind][1])
        host.address = f"10.20{self._number}.0.2"
        host.ip(f"addr add {host.address}/24 dev {host.interface}")
        self.create()

    def create(self):
        """Makes the router's end."""
        self._make(self._router, KINDS[self._kind][0])
        if self._ends:
            self._cable = _Cable(*self._ends.values())
        self.configure()

    def configure(self):
        """Gives the router's end its address, and sets it up."""
        self._router.ip(f"addr add 10.20{self._number}.0.1/24 dev far0", *self.up())

    def up(self):
        """The commands that set the router's end up."""
        far = f"10.{self._number}.0.2"
        known = [self._host.address, *_GROUPS] if self._kind == "multipoint" else []
        return [
            "link set far0 up",
            *(f"neigh replace {each} lladdr {far} dev far0 nud permanent" for each in known),
        ]

    def delete(self):
        """Deletes the router's end."""
        if self._cable:
            self._cable.close()
            self._cable = None
            os.close(self._ends.pop(self._router))
        self._router.ip("link del far0")
        if self._kind == "qinq":
            self._router.ip("link del tags")

    def close(self):
        """Ends what carries packets between the ends, if it is this process."""
        if self._cable:
            self._cable.close()
        for end in self._ends.values():
            os.close(end)

    def _make(self, side, commands):
        is_router = side is self._router
        near, far = f"10.{self._number}.0.1", f"10.{self._number}.0.2"
        values = {
            "wire": self._wire if is_router else self._eth,
            "near": near if is_router else far,
            "far": far if is_router else near,
        }
        side.ip(*(command.format(**values) for command in commands))
        if self._keys:
            self._meet(side, values["far"])
        if self._kind == "tun":
            self._ends[side] = open_tun(side, "far0")
        if not is_router and commands:
            side.ip("link set far0 up")

    def _meet(self, side, far):
        """Tells a WireGuard device its key and its peer."""
        (other,) = (key for owner, key in self._keys.items() if owner is not side)
        public = subprocess.run(
            ["wg", "pubkey"], input=other, capture_output=True, text=True, check=True
        ).stdout.strip()
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(self._keys[side])
            file.flush()
            command = ["wg", "set", "far0", "listen-port", "51820", "private-key", file.name]
            command += ["peer", public, "allowed-ips", "0.0.0.0/0", "endpoint", f"{far}:51820"]
            with side.inside():
                subprocess.run(command, capture_output=True, check=True)


def _key():
    return subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout
