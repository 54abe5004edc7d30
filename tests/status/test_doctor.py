"""The report of mgmctl doctor, as documented: read by the JSON Schema of others."""

import json
import pathlib
import re

import jsonschema

DOCS = pathlib.Path(__file__).parents[2] / "docs"
VALIDATOR = jsonschema.Draft202012Validator
SCHEMA = json.loads((DOCS / "doctor.schema.json").read_text())
# The crate mgmctl tests that doctor writes this.
(EXAMPLE,) = re.findall(r"```json\n(.*?)```", (DOCS / "doctor.md").read_text(), re.DOTALL)


def is_valid(report: object) -> bool:
    return VALIDATOR(SCHEMA, format_checker=VALIDATOR.FORMAT_CHECKER).is_valid(report)


def test_schema() -> None:
    VALIDATOR.check_schema(SCHEMA)


def test_example() -> None:
    assert is_valid(json.loads(EXAMPLE))


def test_missing_members() -> None:
    for name in json.loads(EXAMPLE):
        whole = json.loads(EXAMPLE)
        del whole[name]
        assert not is_valid(whole), name
    for name in json.loads(EXAMPLE)["findings"][0]:
        whole = json.loads(EXAMPLE)
        del whole["findings"][0][name]
        assert not is_valid(whole), name


def test_invalid_values() -> None:
    whole = json.loads(EXAMPLE)
    whole["findings"][1]["kind"] = "headache"
    assert not is_valid(whole)
    whole = json.loads(EXAMPLE)
    whole["findings"][1]["group"] = "239.1.1.256"
    assert not is_valid(whole)


def test_all_kinds_are_documented() -> None:
    kinds = [kind["const"] for kind in SCHEMA["$defs"]["Kind"]["oneOf"]]
    page = (DOCS / "doctor.md").read_text()
    assert kinds and [kind for kind in kinds if f"\n| `{kind}` |" not in page] == []
