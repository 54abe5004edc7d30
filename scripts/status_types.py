"""Types of the status and of an explanation, for Python, TypeScript, Go and Rust, from their schemas in docs.
scripts/languages writes them."""

import json

from language_sources import ROOT

SCHEMAS = {"Status": "docs/status.schema.json", "Explanation": "docs/explain.schema.json"}
PLAIN = {
    "Python": {"string": "str", "integer": "int", "boolean": "bool", "null": "None", "number": "float"},
    "Node.js": {"string": "string", "integer": "number", "boolean": "boolean", "null": "null", "number": "number"},
    "Go": {"string": "string", "integer": "int64", "boolean": "bool", "null": "*", "number": "float64"},
    "Rust": {"string": "String", "integer": "i64", "boolean": "bool", "null": "Option", "number": "f64"},
}
ARRAYS = {"Python": "list[{}]", "Node.js": "Array<{}>", "Go": "[]{}", "Rust": "Vec<{}>"}
WRITTEN = {"Python": "bindings/python/src/mgm/status.py", "Node.js": "bindings/node/status.d.ts",
           "Go": "bindings/go/status_types.go", "Rust": "bindings/rust/src/status/types.rs"}
# Languages without unions: a value that may be null has a type of its own around it.
WRAPPED = {"Go": "*{}", "Rust": "Option<{}>"}


def title(name):
    return "".join(part.title() for part in name.split("_"))


class Types:
    """Collects the objects of a schema: a type for each, which is named after its path."""

    def __init__(self, language, root, schema):
        self.language, self.root = language, root
        self.objects, self.shared = {}, schema.get("$defs", {})
        self.of(schema, root)

    def of(self, schema, name):
        """Returns the type of a value."""
        plain = PLAIN[self.language]
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self.of(self.shared[name], self.root + title(name))
        if self.language in WRAPPED:
            return self.wrapped(schema, name)
        if "enum" in schema:
            texts = [json.dumps(each) for each in schema["enum"] if each is not None]
            one = f"Literal[{', '.join(texts)}]" if self.language == "Python" else " | ".join(texts)
            return f"{one} | {plain['null']}" if None in schema["enum"] else one
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return " | ".join(self.kind(kind, schema, name) for kind in kinds)

    def wrapped(self, schema, name):
        """The type in a language without unions. It has no closed sets of texts: a later library may have more."""
        kinds = schema.get("type", "string")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        own = self.kind(next(kind for kind in kinds if kind != "null"), schema, name)
        is_null = "null" in kinds or None in schema.get("enum", ())
        return WRAPPED[self.language].format(own) if is_null else own

    def kind(self, kind, schema, name):
        if kind == "array":
            item = self.of(schema["items"], name.removesuffix("s"))
            return ARRAYS[self.language].format(item)
        if kind != "object":
            return PLAIN[self.language][kind]
        needed = set(schema.get("required", ()))
        self.objects[name] = {
            key: (self.of(each, name + title(key)), key in needed, each.get("description", ""))
            for key, each in schema["properties"].items()
        }
        return name


def python():
    lines = ['"""The types of `host.status` and `host.explain`. Generated from docs/*.schema.json: make languages."""', "",
             "from __future__ import annotations", "", "from typing import Literal, TypedDict"]
    for root, path in SCHEMAS.items():
        for name, fields in described("Python", root, path):
            base = "TypedDict"
            optional = {key: field for key, field in fields.items() if not field[1]}
            if optional:
                lines += ["", "", f"class _{name}(TypedDict):"]
                lines += python_fields({key: field for key, field in fields.items() if field[1]})
                base, fields = f"_{name}, total=False", optional
            lines += ["", "", f"class {name}({base}):", *python_fields(fields)]
    return "\n".join(lines) + "\n"


def python_fields(fields):
    return [f"    {key}: {kind}" for key, (kind, _, _) in fields.items()]


def node():
    lines = ["// The types of host.status and host.explain. Generated from docs/*.schema.json: make languages."]
    for root, path in SCHEMAS.items():
        for name, fields in described("Node.js", root, path):
            lines += ["", f"export interface {name} {{"]
            for key, (kind, is_needed, text) in fields.items():
                lines += [f"  /** {text} */"] if text else []
                lines.append(f"  {key}{'' if is_needed else '?'}: {kind};")
            lines.append("}")
    return "\n".join(lines) + "\n"


def go():
    lines = ["// Code generated from docs/*.schema.json by make languages. DO NOT EDIT.", "", "package mgm"]
    roots = {"Status": "Status is the state of the library, which docs/status.md describes.",
             "Explanation": "Explanation says why the packets of a flow are forwarded, or why not. docs/status.md describes it."}
    for root, path in SCHEMAS.items():
        for name, fields in described("Go", root, path):
            lines += ["", f"// {roots.get(name, f'{name} is a part of {root}.')}", f"type {name} struct {{"]
            lines += [line for line in go_fields(fields)] + ["}"]
    return "\n".join(lines) + "\n"


def go_fields(fields):
    """The members. gofmt aligns those that no comment separates."""
    group = []
    for key, (kind, is_needed, text) in fields.items():
        if text:
            yield from aligned(group)
            group = []
            yield f"\t// {text}"
        own = kind if is_needed or kind[0] in "*[" else f"*{kind}"
        group.append((title(key), own, f'`json:"{key}{"" if is_needed else ",omitempty"}"`'))
    yield from aligned(group)


def aligned(group):
    widths = [max((len(each[i]) for each in group), default=0) for i in range(2)]
    return [f"\t{name:<{widths[0]}} {kind:<{widths[1]}} {tag}" for name, kind, tag in group]


def rust():
    lines = ["//! The types of the status and of an explanation. Generated from docs/*.schema.json: make languages.",
             "// A member without a comment is what its name says, such as `index`.",
             "#![allow(missing_docs)]", "", "use serde::Deserialize;"]
    roots = {"Status": "The state of the library.", "Explanation": "Why the packets of a flow are forwarded, or why not."}
    for root, path in SCHEMAS.items():
        for name, fields in described("Rust", root, path):
            lines += ["", f"/// {roots.get(name, f'A part of [`{root}`].')}", "#[derive(Clone, Debug, PartialEq, Deserialize)]",
                      "#[non_exhaustive]", f"pub struct {name} {{"]
            for key, (kind, is_needed, text) in fields.items():
                lines += [f"    /// {text}"] if text else []
                own = kind if is_needed or kind.startswith("Option") else f"Option<{kind}>"
                lines.append(f"    pub {key}: {own},")
            lines.append("}")
    return "\n".join(lines) + "\n"


def described(language, root, path):
    """The objects of a schema, in the order in which they need each other."""
    types = Types(language, root, json.loads((ROOT / path).read_text()))
    return list(types.objects.items())


def texts():
    """The files, and what they must contain. TypeScript reads other files for `require` than for `import`."""
    types = (ROOT / "bindings/node/index.d.ts").read_text().replace("'./status.js'", "'./status.cjs'")
    return {
        ROOT / WRITTEN["Python"]: python(),
        ROOT / WRITTEN["Node.js"]: node(),
        ROOT / WRITTEN["Go"]: go(),
        ROOT / WRITTEN["Rust"]: rust(),
        ROOT / "bindings/node/status.d.cts": node(),
        ROOT / "bindings/node/index.d.cts": f"// A copy of index.d.ts, for require: make languages.\n{types}",
    }
