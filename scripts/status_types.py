"""Types of the status and of an explanation, for Python and for TypeScript, from their schemas in docs.
scripts/languages writes them."""

import json

from language_sources import ROOT

SCHEMAS = {"Status": "docs/status.schema.json", "Explanation": "docs/explain.schema.json"}
PLAIN = {
    "Python": {"string": "str", "integer": "int", "boolean": "bool", "null": "None", "number": "float"},
    "Node.js": {"string": "string", "integer": "number", "boolean": "boolean", "null": "null", "number": "number"},
}
WRITTEN = {"Python": "bindings/python/src/mgm/status.py", "Node.js": "bindings/node/status.d.ts"}


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
        if "enum" in schema:
            texts = [json.dumps(each) for each in schema["enum"] if each is not None]
            one = f"Literal[{', '.join(texts)}]" if self.language == "Python" else " | ".join(texts)
            return f"{one} | {plain['null']}" if None in schema["enum"] else one
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return " | ".join(self.kind(kind, schema, name) for kind in kinds)

    def kind(self, kind, schema, name):
        if kind == "array":
            item = self.of(schema["items"], name.removesuffix("s"))
            return f"list[{item}]" if self.language == "Python" else f"Array<{item}>"
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
        ROOT / "bindings/node/status.d.cts": node(),
        ROOT / "bindings/node/index.d.cts": f"// A copy of index.d.ts, for require: make languages.\n{types}",
    }
