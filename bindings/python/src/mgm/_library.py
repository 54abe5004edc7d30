"""Finds and loads libmgm, and checks that its version is compatible."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from typing import Any

from ._abi import DWORD, FUNCTIONS, MGMHOST_VERSION
from .errors import NO_ERROR, error

API_MAJOR = 1


class LibraryError(ImportError):
    """libmgm cannot be loaded, or its version is not compatible with this package."""


def path() -> str:
    """Returns the path of the library."""
    default = "mgm.dll" if sys.platform == "win32" else f"libmgm.so.{API_MAJOR}"
    return os.environ.get("MGM_LIBRARY") or default


@functools.cache
def library() -> ctypes.CDLL:
    """Returns the library. The first call loads it."""
    name = path()
    try:
        loaded = ctypes.CDLL(name)
    except OSError as reason:
        raise LibraryError(
            f"libmgm cannot be loaded: {reason}. Install it, or set MGM_LIBRARY to its path"
        ) from reason
    # Check the version first: with another version, functions may be missing.
    prepare(loaded, name, "MgmHostVersion")
    version = MGMHOST_VERSION(dwSize=ctypes.sizeof(MGMHOST_VERSION))
    code = loaded.MgmHostVersion(ctypes.byref(version))
    if code != NO_ERROR:
        raise error("MgmHostVersion", code)
    if version.dwApiMajor != API_MAJOR:
        raise LibraryError(
            f"{name} has API version {version.dwApiMajor}.{version.dwApiMinor}, "
            f"but this package needs version {API_MAJOR}"
        )
    for function in FUNCTIONS:
        prepare(loaded, name, function)
    return loaded


def prepare(loaded: ctypes.CDLL, name: str, function: str) -> None:
    try:
        entry = getattr(loaded, function)
    except AttributeError as reason:
        raise LibraryError(
            f"{name} has no function {function}: it is not libmgm, or it is older than this package needs"
        ) from reason
    entry.argtypes = FUNCTIONS[function]
    entry.restype = DWORD


def code_of(function: str, *arguments: Any) -> int:
    """Calls a function of the library and returns its code."""
    code: int = getattr(library(), function)(*arguments)
    return code


def call(function: str, *arguments: Any) -> None:
    """Calls a function of the library and raises an MgmError unless it returns NO_ERROR."""
    code = code_of(function, *arguments)
    if code != NO_ERROR:
        raise error(function, code)
