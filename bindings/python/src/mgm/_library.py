"""Finds and loads libmgm, and checks that its version is compatible."""

from __future__ import annotations

import ctypes
import functools
import os
import pathlib
import sys
from typing import Any

from ._abi import DWORD, FUNCTIONS, MGMHOST_VERSION, Number
from .errors import NO_ERROR, MgmError, of

API_MAJOR = 1


class LibraryError(ImportError):
    """libmgm cannot be loaded, or its version is not compatible with this package."""


def path() -> str:
    """Returns the path of the library: MGM_LIBRARY, the library inside this package, or a name for which
    the loader searches."""
    name = "mgm.dll" if sys.platform == "win32" else f"libmgm.so.{API_MAJOR}"
    inside = pathlib.Path(__file__).parent / name
    return os.environ.get("MGM_LIBRARY") or (str(inside) if inside.exists() else name)


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
        raise of("MgmHostVersion", code, "")
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


def number(value: Any, what: str) -> int:
    """Checks a DWORD. ctypes itself would silently truncate a number that is too large."""
    if not isinstance(value, int):
        raise TypeError(f"{what} must be a number, not {value!r}")
    if not 0 <= value <= 0xFFFFFFFF:
        raise ValueError(f"{what} must be from 0 to 0xFFFFFFFF, not {value}")
    return value


def c_text(text: bytes, what: str) -> bytes:
    """Checks a text. C itself would end it at a null character."""
    if b"\0" in text:
        raise ValueError(f"{what} must not contain a null character: {text!r}")
    return text


def code_of(function: str, *arguments: Any) -> int:
    """Calls a function of the library and returns its code. Raises TypeError or ValueError for
    arguments that C cannot have."""
    for parameter, argument in zip(FUNCTIONS[function], arguments):
        if parameter is Number:
            number(argument, f"{function}: an argument")
    try:
        code: int = getattr(library(), function)(*arguments)
    except ctypes.ArgumentError as wrong:
        raise TypeError(f"{function}: {wrong}") from None
    return code


def error(function: str, code: int) -> MgmError:
    """Returns the exception for a code that a function has just returned on this thread."""
    text = ctypes.create_string_buffer(1024)
    size = DWORD(len(text))
    reason = ""
    if library().MgmHostGetLastMessage(ctypes.byref(size), text) == NO_ERROR:
        name, _, words = text.value.decode(errors="replace").partition(": ")
        # In a forked child the message is that of another call.
        reason = words if name == function else ""
    return of(function, code, reason)


def call(function: str, *arguments: Any) -> None:
    """Calls a function of the library and raises an MgmError unless it returns NO_ERROR."""
    code = code_of(function, *arguments)
    if code != NO_ERROR:
        raise error(function, code)
