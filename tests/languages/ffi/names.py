"""Prints the size of each structure and the name of each function of mgm.ffi.h, as cffi sees them."""

import re
import sys

from cffi import FFI

ffi = FFI()
with open(sys.argv[1]) as header:
    text = header.read()
ffi.cdef(text)
mgm = ffi.dlopen("libmgm.so.1")
for name in re.findall(r"^typedef struct \w+ (\w+);$", text, re.M):
    print(name, ffi.sizeof(name))
for name, value in re.findall(r"^    (\w+) = (\d+)", text, re.M):
    assert getattr(mgm, name) == int(value), name
for name in re.findall(r"^DWORD (\w+)\(", text, re.M):
    getattr(mgm, name)
    print(name)
