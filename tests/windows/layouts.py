#!/usr/bin/env python3
"""Writes a C program that prints all that our headers define: the size of each
structure, place and size of each field, width and sign of each scalar, and each
constant. Built with whatever headers, it tells how those lay things out.

It also declares our functions and callbacks again: a compiler that has just read
other declarations of them refuses what differs.

  layouts.py include/mgm.h include/mgmtypes.h >layouts.c
"""

import re
import sys

# Names of newer SDKs, which mingw-w64 does not have yet.
NOT_IN_MINGW = re.compile(r"P?MIB_IPMCAST_\w+_(XP|LH)$")
# mingw-w64 uses it and does not define it.
NEEDS_ALIGN_SIZE = re.compile(r"SIZEOF_\w+_TABLE$")
# Structures that Windows' headers have inside another one, and without a name.
NAMELESS = {"RTM_DEST_VIEW_INFO": ("RTM_DEST_INFO", "ViewInfo[0].")}
# Integers, by their names: not pointers, handles, or real numbers.
INTEGER = re.compile(r"(?!P|LP|H|FLOAT|SCOPE|\w+_HANDLE$)[A-Z0-9_]+$")
# Arguments for the macros that take some.
ARGUMENTS = {"Type, VendorId, ProtocolId": "1, 0x137, 10", "X": "3", "NumViews": "3"}
NOT_VALUES = {"VOID", "CONST", "WINAPI", "CALLBACK", "FIELD_OFFSET", "INVALID_HANDLE_VALUE"}


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S).replace("\\\n", " ")


def structures(text):
    """(name, fields) of each; a field of an array is named without its length."""
    for name, body in re.findall(r"^struct _(\w+) \{(.*?)^\};", text, re.S | re.M):
        yield name, re.findall(r"(\w+)(?:\[\w+\])*;", body)


def scalars(text):
    """Names of types that are not structures."""
    for first, more in re.findall(
        r"^typedef (?!struct)[\w ]+?[ *](\w+)(?:\[\w+\])?((?:, \*?\w+)*);", text, re.M
    ):
        yield from (name.strip(" *") for name in [first, *more.split(",")] if name)


def macros(text):
    """(name, how to call it) of those that stand for values."""
    for name, takes, arguments in re.findall(r"^#define (\w+)(\(([\w, ]+)\))?[ \t]+\S", text, re.M):
        if takes and arguments not in ARGUMENTS:
            continue
        if name not in NOT_VALUES and not re.search("[a-z]|^RTM_IPV4_|^MPR50$", name):
            yield name, f"{name}({ARGUMENTS[arguments]})" if takes else name


def declarations(text):
    """Prototypes and callback types, as they stand there."""
    yield from re.findall(r"^DWORD Mgm\w+\([^;]*\);", text, re.M)
    yield from re.findall(r"^typedef DWORD \(\*\w+\)\([^;]*\);", text, re.M)


def main():
    texts = [without_comments(open(path, encoding="utf-8").read()) for path in sys.argv[1:]]
    text = "\n".join(texts)
    print("#include <stddef.h>\n#include <stdio.h>\n")
    print("\n".join(declarations(text)))
    print("\nint main(void)\n{")
    for name, fields in structures(text):
        name, inside = NAMELESS.get(name, (name, ""))
        print(f'    printf("{name} %u\\n", (unsigned)sizeof({name}));')
        for field in (inside + field for field in fields):
            print(
                f'    printf("{name}.{field} @%u %u\\n", (unsigned)offsetof({name}, {field}),'
                f" (unsigned)sizeof((({name} *)0)->{field}));"
            )
    for name in scalars(text):
        if NOT_IN_MINGW.match(name):
            continue
        print(f'    printf("{name} %u\\n", (unsigned)sizeof({name}));')
        if INTEGER.match(name):
            print(f'    printf("{name} is %s\\n", ({name})-1 < ({name})1 ? "signed" : "unsigned");')
    for name, call in macros(text):
        also = " && defined(ALIGN_SIZE)" if NEEDS_ALIGN_SIZE.match(name) else ""
        print(f"#if defined({name}){also}")
        print(f'    printf("{name} %llu\\n", (unsigned long long)(unsigned)({call}));')
        print("#endif")
    print('    printf("ANY_SOURCE %d ALL_SOURCES %d\\n", ANY_SOURCE, ALL_SOURCES);')
    print("    return 0;\n}")


main()
