"""Reads from the sources of a binding which functions of the library its functions call.

Each reader returns a list of `Definition`s. `calls` maps each function of the library to the public
functions of the binding that call it, themselves or through functions that are not public.
"""

import ast
import collections
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent

# name: as the binding's user writes it. uses: the names that it mentions, of the library and of the
# binding. passes: whether what it calls counts for its callers.
Definition = collections.namedtuple("Definition", "key name is_public uses passes")

C_NAME = re.compile(r"\bMgm[A-Z]\w+")
WORD = re.compile(r"[A-Za-z_]\w*")


def calls(definitions):
    """The public functions that reach each function of the library."""
    inner = collections.defaultdict(list)
    for each in definitions:
        if not each.is_public and each.passes:
            inner[each.key].append(each)
    found = collections.defaultdict(list)
    for each in definitions:
        if not each.is_public:
            continue
        seen, waiting = set(), [each]
        while waiting:
            uses = waiting.pop().uses
            for name in uses - seen:
                waiting.extend(inner.get(name, ()))
            seen |= uses
        for name in sorted(seen):
            if C_NAME.fullmatch(name) and each.name not in found[name]:
                found[name].append(each.name)
    return found


def python():
    """The package for Python, through its syntax tree."""
    definitions = []
    for path in sorted((ROOT / "bindings/python/src/mgm").glob("*.py")):
        # What every call needs, such as the version and the last message, counts for none of them.
        passes = path.stem not in ("_library", "_abi")
        prefix = f"{path.stem}." if path.stem in ("host", "remote") else ""
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                        definitions.append(python_method(path.stem, node.name, method))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                is_public = not path.stem.startswith("_") and not node.name.startswith("_")
                # Each client with alerts is told of the loss of the router. That counts for none of them, either.
                counts = passes and node.name not in ("_watch_router", "_is_invalid")
                definitions.append(Definition(node.name, prefix + node.name, is_public, python_uses(node), counts))
    return definitions


def python_method(module, owner, method):
    is_public = not method.name.startswith("_") and not module.startswith("_") and not owner.startswith("_")
    is_static = any(isinstance(each, ast.Name) and each.id in ("classmethod", "staticmethod") for each in method.decorator_list)
    name = f"{owner if is_static else owner.lower()}.{method.name}"
    if method.name == "__init__" and not module.startswith("_"):
        name, is_public = owner, True
    return Definition(method.name, name, is_public, python_uses(method), True)


def python_uses(node):
    """The names and the texts in a function: the library's functions are called by their names."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.Attribute):
            found.add(each.attr)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str) and C_NAME.fullmatch(each.value):
            found.add(each.value)
    return found


def blocks(text, starts):
    """Cuts a source into its definitions: yields the match of each definition's first line, and its
    text, up to the next line that is indented as little. `starts` is a regular expression."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if not (match := re.match(starts, line)):
            continue
        depth, end = len(line) - len(line.lstrip()), number + 1
        while end < len(lines) and (not lines[end].strip() or indent(lines[end]) > depth
                                    or lines[end].lstrip()[0] in "{)}"):
            end += 1
        # Neither a comment nor a text is a call, except in JavaScript, which calls by names in '…'.
        code = (re.sub(r"//.*|\"[^\"]*\"", "", each) for each in lines[number:end])
        yield match, "\n".join(code)


def indent(line):
    return len(line) - len(line.lstrip())


def go():
    """The package for Go, and the C functions beside it."""
    definitions = []
    for path in sorted((ROOT / "bindings/go").glob("*.go")):
        if path.name.endswith("_test.go"):
            continue
        for match, body in blocks(path.read_text(), r"func (?:\(\w+ \*?(\w+)\) )?(\w+)[\[(]"):
            owner, name = match.groups()
            is_public = name[0].isupper() and (owner is None or owner[0].isupper())
            shown = name if owner is None else f"{owner.lower()}.{name}"
            passes = name not in ("check", "try")
            # calls.h makes call_MgmX of each function of the library.
            uses = set(WORD.findall(body.replace("C.call_", "C.")))
            definitions.append(Definition(name, shown, is_public, uses, passes))
    text = (ROOT / "bindings/go/trampolines.c").read_text()
    for match, body in blocks(text, r"(?!static)[\w ]+\b(mgm_go_\w+)\("):
        passes = match[1] != "mgm_go_outcome_of"
        definitions.append(Definition(match[1], match[1], False, set(WORD.findall(body)), passes))
    return definitions


def node():
    """The module for Node.js. Its public names are those of index.d.ts."""
    declared = set(WORD.findall((ROOT / "bindings/node/index.d.ts").read_text()))
    definitions = []
    for path in sorted((ROOT / "bindings/node/lib").glob("*.js")):
        prefix = "host." if path.stem in ("host", "remote") else ""
        starts = (r"(?:export )?(?:async )?function\*? (\w+)|(?:export )?const (\w+) = (?:async )?\(|"
                  r"(?:export )?class (\w+)|  (static )?(?:async )?\*?(#?\w+)\(.*\{$")
        owner = ""
        for match, body in blocks(path.read_text(), starts):
            function, constant, kind, static, method = match.groups()
            if kind:
                owner = kind
                continue
            name = function or constant or method
            passes = path.stem not in ("library", "worker", "calls")
            is_public = name in declared and passes
            shown = f"{owner if static else owner.lower()}.{name}" if method else prefix + name
            definitions.append(Definition(name, shown, is_public, set(WORD.findall(body)), passes))
    return definitions


def cpp():
    """The headers for C++."""
    definitions = []
    # The second line of a statement is no definition.
    starts = (r"(?:    )?(?! |return|throw|else|for|if|while|check|case|switch)(?:template <[^>]*> )?"
              r"(?:[\w:<>,*& ]+[ *&])?(~?\w+)\(.*(?:\)|,|\{|\}|noexcept|const)$")
    for path in sorted((ROOT / "include").glob("mgm*.hpp")):
        lines = path.read_text().splitlines()
        # The names of the scopes around a line, and whether each is open there: not private.
        scopes, is_open = [], []
        for number, line in enumerate(lines):
            if match := re.match(r"(?:template <.*> )?(?:inline )?(namespace|class|struct|enum class|enum) (\w+)", line):
                if not line.rstrip().endswith((";", "};")):
                    scopes.append(match[2])
                    is_open.append(match[1] != "class")
            elif scopes and (line == "};" or line.startswith("} // namespace")):
                scopes.pop()
                is_open.pop()
            elif line in ("public:", "private:", "protected:"):
                is_open[-1] = line == "public:"
            if not indent(line) in (0, 4) or not (match := re.match(starts, line)):
                continue
            _, body = next(blocks("\n".join(lines[number:]), starts))
            name, inside = match[1], [each for each in scopes if each not in ("mgm", match[1])]
            is_public = all(is_open) and "detail" not in scopes and not name.startswith("~")
            # What every error needs counts for no function.
            definitions.append(Definition(name, "::".join([*inside, name]), is_public,
                                          set(WORD.findall(body)) - {name}, name != "last_reason"))
    return definitions


def rust():
    """The crate for Rust. Its file ffi.rs has the calls, and is not public."""
    definitions = []
    source = ROOT / "bindings/rust/src"
    for path in sorted(source.rglob("*.rs")):
        if path.name in ("declarations.rs", "tests.rs", "configs.rs"):
            continue
        module = path.relative_to(source).parts[0].removesuffix(".rs")
        is_ffi, text = module == "ffi", path.read_text().split("#[cfg(test)]\nmod tests {")[0]
        owner = ""
        starts = r"impl(?:<[^>]*>)? (?:[\w:<>]+ for )?(\w+)|( *)(pub(?:\(crate\))? )?fn (\w+)"
        for match, body in blocks(text, starts):
            if match[1]:
                owner = match[1]
                continue
            name = match[4]
            inside = owner if match[2] else ""
            is_public = match[3] == "pub " and not is_ffi
            prefix = f"{module}::" if module in ("host", "remote") and not inside else ""
            shown = f"{prefix}{inside}::{name}" if inside else prefix + name
            key = f"ffi::{name}" if is_ffi else f"{path.stem}::{name}"
            passes = name not in ("check_version", "last_message")
            definitions.append(Definition(key, shown, is_public, rust_uses(body, path.stem, is_ffi), passes))
    return definitions


def rust_uses(body, module, is_ffi):
    """The functions of ffi.rs and of the same file that a function mentions, and in ffi.rs the library's."""
    found = {f"ffi::{name}" for name in re.findall(r"ffi::(\w+)", body)}
    own = re.findall(r"(?<!fn )(?<!:)\b(?:self\.|Self::)?(\w+)\(", body)
    found |= {f"{'ffi' if is_ffi else module}::{name}" for name in own}
    if is_ffi:
        found |= set(C_NAME.findall(body))
    return found


READERS = {"C++": cpp, "Python": python, "Node.js": node, "Go": go, "Rust": rust}
