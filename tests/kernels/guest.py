"""A virtual machine that runs a command in this machine's own file system, with another kernel."""

import gzip
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BUSYBOX = pathlib.Path("/usr/bin/busybox")
# What the guest needs before it can read modules from the file system.
EARLY = ["virtio_pci", "9pnet_virtio", "9p", "overlay"]
KVM = ["-accel", "kvm", "-cpu", "host,-arch-capabilities"]
# Emulates the processor, some ten times slower. In the guest an instruction takes 1 ns, however long
# it takes here: otherwise its clocks and its timers run away while other programs have this machine.
TCG = ["-accel", "tcg", "-icount", "shift=0,sleep=on", "-cpu", "max"]
# An emulated processor does not speculate, so the kernel needs no guard against that.
UNGUARDED = " mitigations=off"
APPEND = "console=ttyS0 quiet loglevel=4 panic=-1 net.ifnames=0"
STATUS = re.compile(r"^guest: status (\d+)\s*$")


class Guest:
    """Boots `kernel` in QEMU. The guest sees this machine's files; what it writes goes to memory."""

    # What the initramfs has besides BusyBox and the command.
    early, init = EARLY, HERE / "init"

    def __init__(self, kernel, accelerator, memory=3072):
        self._kernel = kernel
        self._accelerator = accelerator
        self._memory = memory
        self._emulates = accelerator is TCG

    def run(self, command, timeout, lines):
        """Runs a command, a string for bash, and passes each line of its output to `lines`.
        Returns its exit status, or None if the guest ended without one."""
        with tempfile.TemporaryDirectory(prefix="mgm-guest-") as folder:
            initramfs = pathlib.Path(folder) / "initramfs"
            self._pack(initramfs, command)
            return self._boot(initramfs, timeout, lines)

    def _boot(self, initramfs, timeout, lines):
        command = [
            *("timeout", "--signal=KILL", str(timeout)),
            *("qemu-system-x86_64", *self._accelerator, "-m", str(self._memory)),
            *("-smp", str(1 if self._emulates else os.cpu_count())),
            *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"),
            *("-device", "virtio-rng-pci"),
            *("-kernel", str(self._kernel.image), "-initrd", str(initramfs)),
            *("-append", APPEND + (UNGUARDED if self._emulates else "")),
            *("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,"
              "multidevs=remap"),
        ]
        status = None
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace",
        ) as process:
            for line in process.stdout:
                line = line.rstrip("\r\n")
                found = STATUS.match(line)
                if found:
                    status = int(found.group(1))
                else:
                    lines(line)
        return status

    def _pack(self, initramfs, command):
        """Writes the initramfs: BusyBox, the modules for the file system, `init` and the command."""
        root = initramfs.parent / "root"
        for folder in ("bin", "modules"):
            (root / folder).mkdir(parents=True)
        shutil.copy(BUSYBOX, root / "bin/busybox")
        shutil.copy(self.init, root / "init")
        (root / "init").chmod(0o755)
        names = []
        for path in self._early():
            packed = path.read_bytes()
            if path.suffix == ".xz":
                packed, path = lzma.decompress(packed), path.with_suffix("")
            (root / "modules" / path.name).write_bytes(packed)
            names.append(path.name)
        (root / "modules.list").write_text("\n".join(names))
        (root / "modules.path").write_text(str(self._kernel.modules))
        (root / "command").write_text(f"cd {os.getcwd()}\n{command}\n")
        files = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        archive = subprocess.run(
            [BUSYBOX, "cpio", "-o", "-H", "newc"], cwd=root, input=files.encode(),
            capture_output=True, check=True,
        ).stdout
        initramfs.write_bytes(gzip.compress(archive, 1))

    def _early(self):
        """The files of the modules in `early` and of those that they need, in the order of loading."""
        base = self._kernel.modules.parent.parent
        found = {}
        for name in self.early:
            shown = subprocess.run(
                ["modprobe", "-d", base, "-S", self._kernel.version, "--show-depends", name],
                capture_output=True, text=True, check=True,
            ).stdout
            for line in shown.splitlines():
                if line.startswith("insmod "):  # the others are in the kernel
                    found[pathlib.Path(line.split()[1])] = None
        return list(found)


def accelerated(kernel):
    """Whether this machine's KVM boots the kernel. KVM in a virtual machine may be there and not
    do so."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    return Guest(kernel, KVM).run("true", 30, lambda line: None) == 0


def emulated():
    """Whether QEMU can emulate the processor."""
    shown = subprocess.run(["qemu-system-x86_64", "-accel", "help"], capture_output=True, text=True)
    return "tcg" in shown.stdout.split()
