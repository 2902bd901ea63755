"""The schema for editors: what compiles is valid, what is wrong in its form is not, and REANA's part is REANA's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from reana_rucio_compiler import documents
from reana_rucio_compiler.diagnostics import Report
from reana_rucio_compiler.source import Source
from tests.command import run

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"
SCHEMA = json.loads((ROOT / "schemas" / "reana-rucio.json").read_text(encoding="utf-8"))
VALID = sorted(
    path
    for path in [*GOLDEN.glob("*/*/reana.yaml"), *ROOT.glob("examples/*/reana.yaml")]
    if path.parent.parent != GOLDEN / "errors"
)

# What the form of a specification and of its expressions can show, and the cases in which it takes more than a form.
STRUCTURAL = ("RR101", "RR104", "RR105", "RR106", "RR206", "RR301", "RR302")
BEYOND = {
    "RR105-of-another-engine": "which engine it is stands elsewhere",
    "RR106-first-of-a-file": "which DID is one file stands elsewhere",
    "RR106-contents-of-a-file-parameter": "the same",
    "RR106-twice": "JSON Schema cannot count",
    "RR106-dataset": "what a name may hold is Rucio's to say",
    "RR106-prefix": "the same",
    "RR106-rse": "the same, of an RSE expression",
    "RR206-instances-file-without-block": "it is another file",
    "RR301-a-date": "how YAML reads a value is no form",
    "RR301-equals-sign": "the same",
    "RR301-infinity": "the same",
    "RR301-number-too-long": "the same",
    "RR301-number-without-digits": "the same",
    "RR301-wrong-tag": "the same",
    "RR301-parameter-file-is-a-list": "it is another file",
    "RR301-options": "which engine it is stands elsewhere",
}


def _errors(path: Path) -> list[str]:
    document = documents.parse(Source("reana.yaml", path.read_bytes().decode("utf-8")), Report())
    assert document
    return [
        "/".join(map(str, error.absolute_path)) for error in Draft7Validator(SCHEMA).iter_errors(document.root.data)
    ]


@pytest.mark.parametrize("path", VALID, ids=lambda path: f"{path.parent.parent.name}-{path.parent.name}")
def test_specification_that_compiles_is_valid(path: Path) -> None:
    assert _errors(path) == []


@pytest.mark.parametrize(
    "case",
    [path for path in sorted((GOLDEN / "errors").iterdir()) if path.name.startswith(STRUCTURAL)],
    ids=lambda case: case.name,
)
def test_specification_of_a_wrong_form_is_invalid(case: Path) -> None:
    assert bool(_errors(case / "reana.yaml")) == (case.name not in BEYOND)


@pytest.mark.parametrize("name", ["reana-rucio", "report", "lock"])
def test_everything_is_described(name: str) -> None:
    schema = json.loads((ROOT / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    for key, value in _properties(schema):
        definition = schema["definitions"][value["$ref"].rpartition("/")[2]] if "$ref" in value else value
        assert definition.get("description") or key in ("type", "specification"), key


def test_the_part_of_reana_is_that_of_reana() -> None:
    """Everything but the places of expressions and the ``rucio:`` block is as in the schema of REANA 0.95."""
    theirs = json.loads((ROOT / "schemas" / "reana-0.95.json").read_text(encoding="utf-8"))
    ours = json.loads(json.dumps(SCHEMA))
    assert ours["properties"].pop("rucio")
    places = {"inputs": ("files", "directories", "parameters"), "outputs": ("files", "directories")}
    for section, keys in places.items():
        for key in keys:
            place = ours["definitions"][section]["properties"][key]
            assert place.pop("items" if key != "parameters" else "additionalProperties")["$ref"]
            original = theirs["definitions"][section]["properties"][key]
            for only in ("items", "maxItems"):  # entries that are staged do not count, which a schema cannot know
                original.pop(only, None)
    for definitions in (ours, theirs):
        definitions.pop("title")
    assert {name for name in ours["definitions"] if name not in theirs["definitions"]} == {
        "input_file", "input_directory", "output_file", "output_directory", "value", "rucio", "instance",
    }  # fmt: skip
    ours["definitions"] = {name: body for name, body in ours["definitions"].items() if name in theirs["definitions"]}
    assert _bare(ours) == _bare(theirs)


def test_known_instances_and_their_keys_are_those_of_the_program() -> None:
    from reana_rucio_compiler import instances

    definition = SCHEMA["definitions"]["instance"]
    assert set(definition["properties"]) == set(instances._KEYS)
    assert tuple(definition["properties"]["auth_type"]["enum"]) == instances.AUTH_TYPES
    (known, _) = SCHEMA["definitions"]["rucio"]["properties"]["instances"]["patternProperties"]
    assert set(re.findall(r"\w+", known)) == {each.name for each in instances.BUILT_IN}


def test_command_prints_it() -> None:
    result = run("schema")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == SCHEMA


def _properties(node: Any) -> Iterator[tuple[str, Any]]:
    for key, value in node.items() if isinstance(node, dict) else ():
        if key == "properties":
            yield from value.items()
        yield from _properties(value)


def _bare(node: Any) -> Any:
    """A schema without its prose."""
    if isinstance(node, dict):
        return {key: _bare(value) for key, value in node.items() if key not in ("description", "$comment")}
    return [_bare(value) for value in node] if isinstance(node, list) else node
