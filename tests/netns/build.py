"""The programs under test, and those that the tests compile, in a directory that any user may read.
MGM_TEST_PROGRAMS names a directory to keep them in: what is there already is not made again."""

import atexit
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
COMPILER = os.environ.get("CC", "cc")
FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread"]


class Build:
    """The library, and mgmd when a test asks for it."""

    def __init__(self):
        library = pathlib.Path(os.environ.get("MGM_LIB_DIR", TREE / "target/release"))
        self.include = pathlib.Path(os.environ.get("MGM_INCLUDE_DIR", TREE / "include"))
        kept = os.environ.get("MGM_TEST_PROGRAMS")
        self.directory = pathlib.Path(kept or tempfile.mkdtemp(prefix="mgm-tests-"))
        if not kept:
            atexit.register(_remove, self.directory, os.getpid())
        self.directory.chmod(0o755)
        self.library = self._place(
            "libmgm.so.1", lambda path: shutil.copy(library / "libmgm.so", path).chmod(0o755)
        )

    @functools.cached_property
    def mgmd(self):
        """The path of mgmd, beside the library. MGM_MGMD names another one than that of cargo."""
        return self._built("mgmd", "MGM_MGMD")

    @functools.cached_property
    def mgmctl(self):
        """The path of mgmctl, likewise. MGM_MGMCTL names another one."""
        return self._built("mgmctl", "MGM_MGMCTL")

    @functools.cached_property
    def mgm_run(self):
        """The path of mgm-run, with its library beside it. MGM_RUN names another one."""
        built = self._built("mgm-run", "MGM_RUN", "mgm-mroute")
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TREE / "target"))
        folder = pathlib.Path(os.environ.get("MGM_RUN", target / "debug/mgm-run")).parent
        name = "libmgm_mroute.so"
        self._place(name, lambda path: shutil.copy(folder / name, path))
        return built

    def _built(self, name, variable, package=None):
        """The path of a program of this project, which cargo builds unless a variable names it."""
        built = os.environ.get(variable)
        if not built:
            command = ["cargo", "build", "--quiet", "--locked", "--package", package or name]
            subprocess.run(command, cwd=TREE, check=True)
            target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TREE / "target"))
            built = target / "debug" / name
        return self._place(name, lambda path: shutil.copy(built, path))

    def program(self, name, *sources):
        """Compiles a C program that uses the library, and returns its path."""
        return self._compile(name, ["-std=c11", "-Wl,-rpath,$ORIGIN"], sources)

    def module(self, name, *sources):
        """Compiles a module for mgmd, and returns its path."""
        return self._compile(f"{name}.so", ["-std=gnu11", "-shared", "-fPIC"], sources)

    @functools.cached_property
    def interposer(self):
        """Makes system calls of a program fail (LD_PRELOAD): see tests/faults/interpose.c."""
        command = [
            COMPILER, "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread",
            TREE / "tests/faults/interpose.c", "-ldl", "-o",
        ]
        return self._place("interpose.so", lambda path: subprocess.run([*command, path], check=True))

    def _compile(self, name, flags, sources):
        command = [COMPILER, *FLAGS, *flags, f"-I{self.include}", *sources, self.library, "-o"]
        return self._place(name, lambda path: subprocess.run([*command, path], check=True))

    def _place(self, name, make):
        """Makes a file once. Other processes of the tests may make the same file, or run it."""
        path = self.directory / name
        if not path.exists():
            made = path.with_name(f"{name}.{os.getpid()}")
            make(made)
            made.rename(path)
        return path


def _remove(directory, owner):
    """Removes the directory at the end of the process that made it, not of its workers."""
    if os.getpid() == owner:
        shutil.rmtree(directory, ignore_errors=True)
