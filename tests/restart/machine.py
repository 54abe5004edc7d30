"""A machine with Debian 12: its root file system, with systemd and our packages, in QEMU.

Debian is installed once, into build/restart/root. Each run writes an image of it, with the packages
that are tested, the checks (guest) and a planted fault. What the guest writes is lost at the end.
"""

import pathlib
import re
import shutil
import subprocess

from guest import APPEND, UNGUARDED, Guest
from kernels import MIRRORS, TREE, Unavailable

HERE = pathlib.Path(__file__).resolve().parent
HOME = TREE / "build/restart"
ROOT = HOME / "root"
PACKAGES = "systemd-sysv,udev,dbus,kmod,iproute2,procps,sudo,adduser,python3,libgcc-s1"
# What the guest needs before it has the modules of its kernel.
EARLY = ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "9pnet_virtio", "9p"]
# The packages of README.md, in the order in which they are installed.
OURS = ["libmgm1", "mgmctl", "mgmd"]
LARGEST, INODES = "1500M", "100000"


def install():
    """Installs Debian into ROOT, unless it is there."""
    done = HOME / "installed"
    if done.exists():
        return
    shutil.rmtree(ROOT, ignore_errors=True)
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        _run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", ROOT,
              MIRRORS["debian"]])
    except RuntimeError as error:
        raise Unavailable(str(error)) from error
    for path in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(ROOT / path)
    done.touch()


def later(package, tree, folder):
    """Writes the same package with a later version into a folder, for an upgrade."""
    _run(["dpkg-deb", "--raw-extract", package, tree])
    control = tree / "DEBIAN/control"
    text = control.read_text()
    version = re.search(r"^Version: (.*)$", text, re.M)[1]
    words = re.compile(rf"(^Version: |\(= ){re.escape(version)}(?=\)|$)", re.M)
    control.write_text(words.sub(rf"\g<1>{version}+later", text))
    folder.mkdir(parents=True, exist_ok=True)
    _run(["dpkg-deb", "--root-owner-group", "--build", tree, folder])
    shutil.rmtree(tree)


def image(page, drop_in, folder):
    """Writes the image of a machine that has the packages and the checks into a folder. `page` is the
    text of README.md, and `drop_in` changes the unit of mgmd."""
    layer = folder / "layer"
    _run(["cp", "-a", "--reflink=auto", ROOT, layer])
    (layer / "etc/resolv.conf").unlink(missing_ok=True)
    (layer / "usr/lib/modules").mkdir(exist_ok=True)
    (layer / "etc/hostname").write_text("router\n")
    (layer / "etc/hosts").write_text("127.0.0.1 localhost router\n")
    (layer / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 1\n")
    (layer / "var/log/journal").mkdir(exist_ok=True)  # so that the journal of a former boot is kept
    # A user who may use sudo, with the source tree in which the packages have been built.
    home = layer / "home/admin"
    _run(["chroot", layer, "useradd", "--create-home", "--shell", "/bin/bash", "admin"])
    (layer / "etc/sudoers.d/admin").write_text("admin ALL=(ALL) NOPASSWD: ALL\n")
    (home / "mgm/build/deb").mkdir(parents=True)
    (home / "mgm/README.md").write_text(page)
    for name in OURS:
        found = list((TREE / "build/deb").glob(f"{name}_*.deb"))
        if len(found) != 1:
            raise Unavailable(f"build/deb has {len(found)} packages {name}: run scripts/deb")
        shutil.copy(found[0], home / "mgm/build/deb")
        later(found[0], folder / "later", home / "later")
    _checks(layer, drop_in)
    _run(["mke2fs", "-q", "-t", "ext4", "-d", layer, "-N", INODES, folder / "image", LARGEST])
    shutil.rmtree(layer)


def _checks(layer, drop_in):
    """Adds the checks with their units, and the planted fault."""
    checks, units = layer / "opt/checks", layer / "etc/systemd/system"
    checks.mkdir(parents=True)
    shared = ("mgmd/pages.py", "netns/lab.py", "netns/bpf.py")
    for source in [*(HERE / "guest").glob("*.py"), *(TREE / "tests" / name for name in shared)]:
        shutil.copy(source, checks)
    for unit in (HERE / "guest").glob("*.service"):
        shutil.copy(unit, units)
    (units / "multi-user.target.wants").mkdir(exist_ok=True)
    (units / "multi-user.target.wants/checks.service").symlink_to("/etc/systemd/system/checks.service")
    if drop_in:
        (units / "mgmd.service.d").mkdir()
        (units / "mgmd.service.d/plant.conf").write_text(f"[Service]\n{drop_in}\n")


class Machine(Guest):
    """Boots the image in a folder. The second serial port is for the checks."""

    early, init = EARLY, HERE / "init"

    def run(self, folder, timeout, lines):
        """Passes each line of the checks to `lines`, and returns when the guest is off. The first
        serial port writes to the file console in the folder."""
        initramfs = folder / "initramfs"
        self._pack(initramfs, "")
        guard = UNGUARDED if self._emulates else ""
        command = [
            *("timeout", "--signal=KILL", str(timeout)),
            *("qemu-system-x86_64", *self._accelerator, "-m", "1024", "-smp", "1"),
            *("-nodefaults", "-no-user-config", "-display", "none", "-rtc", "base=utc,clock=vm"),
            *("-serial", f"file:{folder / 'console'}", "-serial", "stdio"),
            *("-device", "virtio-rng-pci"),
            *("-drive", f"file={folder / 'image'},format=raw,if=virtio,cache=unsafe"),
            *("-kernel", str(self._kernel.image), "-initrd", str(initramfs)),
            *("-append", APPEND + guard),
            *("-virtfs", f"local,path={self._kernel.modules},mount_tag=modules,"
              "security_model=none,readonly=on"),
        ]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace",
        ) as process:
            for line in process.stdout:
                lines(line.rstrip("\r\n"))
        return process.returncode


def _run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        text = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise RuntimeError(f"{command[0]}: {text[-1]}")
