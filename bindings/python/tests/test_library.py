"""Libraries that are not ours are refused with a word about why."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from mgm import _abi

VERSION = """
struct version { unsigned dwSize, dwApiMajor, rest[6]; };
unsigned MgmHostVersion(struct version *v) { v->dwApiMajor = %d; return 0; }
"""


def import_with(library: str) -> str:
    """What a program says that uses this library."""
    done = subprocess.run(
        [sys.executable, "-c", "import mgm; mgm.host.version()"],
        env={**os.environ, "MGM_LIBRARY": library},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def build(directory: pathlib.Path, text: str) -> str:
    if not shutil.which("cc"):
        pytest.skip("cc is not installed")
    source, library = directory / "other.c", directory / "other.so"
    source.write_text(text)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    return str(library)


def test_no_library() -> None:
    said = import_with("/no/where/libmgm.so.1")
    assert said.startswith("mgm._library.LibraryError: libmgm cannot be loaded: /no/where/libmgm.so.1")
    assert "set MGM_LIBRARY" in said


def test_another_library(tmp_path: pathlib.Path) -> None:
    assert "other.so has no function MgmHostVersion: it is not libmgm" in import_with(build(tmp_path, "int x;"))


def test_another_major_version(tmp_path: pathlib.Path) -> None:
    said = import_with(build(tmp_path, VERSION % 2))
    assert "other.so has API version 2." in said
    assert "this package needs version 1" in said


def test_a_missing_function(tmp_path: pathlib.Path) -> None:
    others = [f"int {name};" for name in _abi.FUNCTIONS if name not in ("MgmHostVersion", "MgmSetMfe")]
    said = import_with(build(tmp_path, VERSION % 1 + "\n".join(others)))
    assert "other.so has no function MgmSetMfe" in said


def test_a_configuration_from_the_future() -> None:
    """The library itself refuses settings that it does not know, and says so."""
    program = """
import ctypes, mgm
from mgm import _abi, _library
class Future(ctypes.Structure):
    _fields_ = [("known", _abi.MGMHOST_CONFIG), ("new", ctypes.c_uint64)]
future = Future(new=1)
future.known.dwSize = ctypes.sizeof(Future)
start = _library.library().MgmHostStart
start.argtypes = [ctypes.c_void_p]
_library.call("MgmHostStart", ctypes.byref(future))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "MGM_LOG": "warn"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "settings that this version of the library does not support" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("mgm.errors.InvalidParameterError: MgmHostStart")
