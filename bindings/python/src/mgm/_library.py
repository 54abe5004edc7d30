"""Finding libmgm, and making sure that it is one that we know."""

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
    """libmgm is not there, or is another one than this package is for."""


def path() -> str:
    """Where the library is looked for."""
    default = "mgm.dll" if sys.platform == "win32" else f"libmgm.so.{API_MAJOR}"
    return os.environ.get("MGM_LIBRARY") or default


@functools.cache
def library() -> ctypes.CDLL:
    """The library, loaded at the first use."""
    name = path()
    try:
        loaded = ctypes.CDLL(name)
    except OSError as reason:
        raise LibraryError(
            f"libmgm cannot be loaded: {reason}. Install it, or set MGM_LIBRARY to its path"
        ) from reason
    # The version first: another one explains functions that are missing.
    prepare(loaded, name, "MgmHostVersion")
    version = MGMHOST_VERSION(dwSize=ctypes.sizeof(MGMHOST_VERSION))
    code = loaded.MgmHostVersion(ctypes.byref(version))
    if code != NO_ERROR:
        raise error("MgmHostVersion", code)
    if version.dwApiMajor != API_MAJOR:
        raise LibraryError(
            f"{name} has version {version.dwApiMajor}.{version.dwApiMinor} of the API, "
            f"and this package is for {API_MAJOR}"
        )
    for function in FUNCTIONS:
        prepare(loaded, name, function)
    return loaded


def prepare(loaded: ctypes.CDLL, name: str, function: str) -> None:
    try:
        entry = getattr(loaded, function)
    except AttributeError as reason:
        raise LibraryError(
            f"{name} has no function {function}: it is no libmgm, or an older one than this package is for"
        ) from reason
    entry.argtypes = FUNCTIONS[function]
    entry.restype = DWORD


def code_of(function: str, *arguments: Any) -> int:
    """Calls a function of the library and gives its code."""
    code: int = getattr(library(), function)(*arguments)
    return code


def call(function: str, *arguments: Any) -> None:
    """Calls a function of the library; any code but NO_ERROR is raised."""
    code = code_of(function, *arguments)
    if code != NO_ERROR:
        raise error(function, code)
