"""What we call valid without jsonschema, held against jsonschema: it is the judge of every specification."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from reana_rucio_compiler import schema as package
from reana_rucio_compiler.scalars import Date
from reana_rucio_compiler.validity import _SILENT, _TESTS, is_surely_valid

from . import specs

SCHEMAS = {
    version: json.loads((Path(__file__).parents[2] / "schemas" / f"reana-{version}.json").read_text(encoding="utf-8"))
    for version in package.VERSIONS
}
JUDGES = {version: Draft7Validator(schema) for version, schema in SCHEMAS.items()}
OFTEN = settings(
    max_examples=1500, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def _has(value: Any, kind: type) -> bool:
    if isinstance(value, (dict, list)):
        return any(_has(each, kind) for each in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, kind)


@pytest.mark.parametrize("version", SCHEMAS)
def test_every_single_change_is_judged_as_by_jsonschema(version: str) -> None:
    """After one change to a specification the answers are the same, but where a number is no integer to Python."""
    counts = {True: 0, False: 0}
    for spec in specs.SPECS.values():
        for mutant in (spec, *specs.mutations(spec)):
            answer, judged = is_surely_valid(mutant, SCHEMAS[version]), JUDGES[version].is_valid(mutant)
            assert answer == judged or (not answer and _has(mutant, float)), mutant
            counts[judged] += 1
    assert min(counts.values()) >= 300, counts


@OFTEN
@given(spec=specs.mutated_repeatedly(), version=st.sampled_from(sorted(SCHEMAS)))
def test_several_changes_are_judged_as_by_jsonschema(spec: Any, version: str) -> None:
    """After several changes as well; and what is no list of strings may be left to jsonschema."""
    answer, judged = is_surely_valid(spec, SCHEMAS[version]), JUDGES[version].is_valid(spec)
    assert judged or not answer
    assert answer or not judged or _has(spec, float)


@pytest.mark.parametrize("version", SCHEMAS)
def test_a_date_is_of_no_type(version: str) -> None:
    spec: Any = {"workflow": {"type": "serial", "specification": {"steps": [{"environment": "a", "commands": ["b"]}]}}}
    assert is_surely_valid(spec, SCHEMAS[version])
    spec["version"] = Date()
    assert not is_surely_valid(spec, SCHEMAS[version])
    assert not JUDGES[version].is_valid(spec)


def test_every_keyword_of_our_schemas_is_understood() -> None:
    """So that no specification is left to jsonschema because of its schema."""
    for schema in SCHEMAS.values():
        used = _keywords(schema)
        assert used <= {*_TESTS, *_SILENT, "$ref"}
        assert len(used) > 20


def _keywords(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    inner = [each for key in ("items", "additionalProperties", "if", "then", "else") for each in [schema.get(key)]]
    inner += [each for key in ("allOf", "anyOf") for each in schema.get(key, [])]
    inner += [each for key in ("properties", "definitions") for each in schema.get(key, {}).values()]
    return set(schema).union(*map(_keywords, inner))


# Values and schemas that have little to do with REANA, and meet often: the same few keys, words and numbers.
SCALARS = [None, True, False, 0, 1, 2, -1, 1.0, 1.5, "", "a", "ba", "a\n", Date()]
VALUES = [
    *SCALARS, [], {}, *([each] for each in SCALARS), *({"a": each} for each in SCALARS),
    ["a", "a"], ["a", "b"], [0, 1], [1, 1], [1, True], [1, 1.0], [[], []], ["a", "b", "ba", "a\n"],
    {"b": "a"}, {"a": "a", "b": 1}, {"a": 1, "b": "a"}, {"a": 1, "b": 1, "c": None},
]  # fmt: skip

LEAVES: list[dict[str, Any]] = [
    {},
    *({"type": name} for name in ("object", "array", "string", "boolean", "integer", "number", "null")),
    {"type": ["string", "null"]},
    *({"enum": allowed} for allowed in (["a"], ["a", "ba"], [1], [True, "a"], [None])),
    *({"const": allowed} for allowed in ("a", "", 1, 0, False, None, ["a"])),
    *({"required": keys} for keys in ([], ["a"], ["a", "b"])),
    *({keyword: limit} for keyword in ("minItems", "maxItems", "minProperties", "maxLength") for limit in (0, 1, 2)),
    *({keyword: limit} for keyword in ("minimum", "maximum", "exclusiveMinimum", "multipleOf") for limit in (1, 2)),
    *({"uniqueItems": wanted} for wanted in (True, False)),
    *({"pattern": pattern} for pattern in ("a", "^a", "a$", r"\S", r"^a$(?!\n)")),
    {"description": "a", "$comment": "a", "title": "a"},
    {"additionalProperties": False},
    {"properties": {"a": {}}, "additionalProperties": False},
    {"patternProperties": {"b": {}}, "additionalProperties": False},
    {"items": [{"const": "a"}]},
    {"then": {"const": "a"}},
    {"minimum": 1, "type": "integer", "maximum": 1},
    {"$ref": "#/definitions/a"},
    {"$ref": "#/definitions/a", "type": "array"},
]
NEVER = {"enum": ["never"]}
AROUND: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
    lambda leaf: leaf,
    lambda leaf: {"properties": {"a": leaf}},
    lambda leaf: {"additionalProperties": leaf},
    lambda leaf: {"properties": {"a": {}}, "additionalProperties": leaf},
    lambda leaf: {"items": leaf},
    lambda leaf: {"allOf": [{"maxItems": 3}, leaf]},
    lambda leaf: {"allOf": [leaf, {"properties": {"a": leaf}}]},
    lambda leaf: {"anyOf": [leaf, {"const": "b"}]},
    lambda leaf: {"anyOf": [{"required": ["b"]}, {"items": leaf, "type": "array"}]},
    lambda leaf: {"oneOf": [leaf, {"required": ["b"]}]},
    lambda leaf: {"not": leaf},
]
TURNED: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
    lambda schema: schema,
    lambda schema: {"if": schema, "then": NEVER},
    lambda schema: {"if": schema, "else": NEVER},
    lambda schema: {"if": {"items": {"type": "string"}}, "then": schema, "else": {"minItems": 2}},
]


@pytest.mark.parametrize("around", range(len(AROUND)))
def test_nothing_is_called_valid_that_jsonschema_refuses(around: int) -> None:
    """Every keyword, alone, inside of others, and inverted; what is not understood may be called nothing."""
    valid = 0
    for leaf in LEAVES:
        for turned in TURNED:
            schema = {"allOf": [turned(AROUND[around](leaf))], "definitions": {"a": {"type": "string"}}}
            judge = Draft7Validator(schema)
            for value in VALUES:
                if is_surely_valid(value, schema):
                    assert judge.is_valid(value), (schema, value)
                    valid += 1
    assert valid >= 1000 or around >= len(AROUND) - 2  # the last two are not understood
