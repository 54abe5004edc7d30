"""The answers of mgmd's control socket, as documented: read by the JSON Schema of others."""

import json
import pathlib
import re

import jsonschema
import pytest

DOCS = pathlib.Path(__file__).parents[2] / "docs"
VALIDATOR = jsonschema.Draft202012Validator
SCHEMA = json.loads((DOCS / "control.schema.json").read_text())
# The crate mgm-control tests that these examples are what mgmd writes.
EXAMPLES = re.findall(
    r"<!-- answer: (\w+) -->\n```json\n(.*?)```", (DOCS / "control.md").read_text(), re.DOTALL
)


def validator(answer: str) -> jsonschema.Draft202012Validator:
    schema = SCHEMA | {"$ref": f"#/$defs/{answer}"}
    return VALIDATOR(schema, format_checker=VALIDATOR.FORMAT_CHECKER)


def test_schema() -> None:
    VALIDATOR.check_schema(SCHEMA)
    assert [name for name, _ in EXAMPLES] == [
        answer["$ref"].removeprefix("#/$defs/") for answer in SCHEMA["anyOf"]
    ]


@pytest.mark.parametrize("answer,example", EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_examples(answer: str, example: str) -> None:
    validator(answer).validate(json.loads(example))


@pytest.mark.parametrize("answer,example", EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_missing_members(answer: str, example: str) -> None:
    whole = json.loads(example)
    for name in whole:
        partial = {key: value for key, value in whole.items() if key != name}
        assert not validator(answer).is_valid(partial), name


def test_invalid_values() -> None:
    whole = json.loads(dict(EXAMPLES)["flows"])
    whole["flows"][0]["source"] = "10.0.0.256"
    assert not validator("flows").is_valid(whole)
    whole = json.loads(dict(EXAMPLES)["interfaces"])
    whole["interfaces"][0]["state"] = "sleeping"
    assert not validator("interfaces").is_valid(whole)
