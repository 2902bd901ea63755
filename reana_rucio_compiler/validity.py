"""Whether a value is valid against one of our schemas: yes, or "ask jsonschema", which takes a while to import.

Most specifications are valid, and then nothing else has to be known. jsonschema judges all others, and words each
failure; tests hold that nothing is called valid here which it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]


def is_surely_valid(value: Any, schema: Schema) -> bool:
    """Whether a value is valid; False also where the schema, or the value, has what is not understood here."""
    try:
        return _is_valid(value, schema, schema)
    except _Unsure:
        return False


class _Unsure(Exception):
    """Only jsonschema knows. No less than an exception will do: an answer would be inverted by ``if``."""


def _is_valid(value: Any, schema: Schema, root: Schema) -> bool:
    if "$ref" in schema:  # what stands beside it does not count in draft 07
        return _is_valid(value, _referenced(schema["$ref"], root), root)
    for keyword, limit in schema.items():
        if keyword in _SILENT:
            continue
        test = _TESTS.get(keyword)
        if test is None:
            raise _Unsure
        if not test(value, limit, schema, root):
            return False
    return True


def _referenced(reference: str, root: Schema) -> Schema:
    if not reference.startswith("#/definitions/"):
        raise _Unsure
    found: Schema = root["definitions"][reference[len("#/definitions/") :]]
    return found


_SILENT = frozenset(("$schema", "$comment", "title", "description", "definitions", "then", "else"))

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}


def _type(value: Any, name: Any, schema: Schema, root: Schema) -> bool:
    if isinstance(name, list):
        return any(_type(value, each, schema, root) for each in name)
    if not isinstance(name, str) or name not in _TYPES or isinstance(value, float):  # 1.0 is an integer to some
        raise _Unsure
    return _TYPES[name](value)


def _one_of_strings(value: Any, allowed: list[Any], schema: Schema, root: Schema) -> bool:
    if not all(isinstance(each, str) for each in allowed):
        raise _Unsure  # 1, 1.0 and true are equal to Python, and not to JSON
    return isinstance(value, str) and value in allowed


def _if(value: Any, condition: Schema, schema: Schema, root: Schema) -> bool:
    branch = schema.get("then" if _is_valid(value, condition, root) else "else")
    return branch is None or _is_valid(value, branch, root)


def _properties(value: Any, known: Mapping[str, Schema], schema: Schema, root: Schema) -> bool:
    return not isinstance(value, dict) or all(
        _is_valid(each, known[key], root) for key, each in value.items() if key in known
    )


def _additional_properties(value: Any, rest: Schema | bool, schema: Schema, root: Schema) -> bool:
    if "patternProperties" in schema:
        raise _Unsure
    if not isinstance(value, dict):
        return True
    known = schema.get("properties", {})
    others = [each for key, each in value.items() if key not in known]
    return not others or (rest is not False and (rest is True or all(_is_valid(each, rest, root) for each in others)))


def _items(value: Any, each: Any, schema: Schema, root: Schema) -> bool:
    if not isinstance(each, dict):
        raise _Unsure
    return not isinstance(value, list) or all(_is_valid(item, each, root) for item in value)


def _unique_items(value: Any, wanted: bool, schema: Schema, root: Schema) -> bool:
    if not wanted or not isinstance(value, list):
        return True
    if not all(isinstance(item, str) for item in value):
        raise _Unsure  # as with an enumeration
    return len(set(value)) == len(value)


# A keyword holds for any value that is not of the type that it is about.
_TESTS: Mapping[str, Callable[[Any, Any, Schema, Schema], bool]] = {
    "type": _type,
    "enum": _one_of_strings,
    "const": lambda value, limit, schema, root: _one_of_strings(value, [limit], schema, root),
    "required": lambda value, keys, _, __: not isinstance(value, dict) or all(key in value for key in keys),
    "properties": _properties,
    "additionalProperties": _additional_properties,
    "minProperties": lambda value, least, _, __: not isinstance(value, dict) or len(value) >= least,
    "items": _items,
    "uniqueItems": _unique_items,
    "minItems": lambda value, least, _, __: not isinstance(value, list) or len(value) >= least,
    "maxItems": lambda value, most, _, __: not isinstance(value, list) or len(value) <= most,
    "pattern": lambda value, pattern, _, __: not isinstance(value, str) or bool(re.search(pattern, value)),
    "maxLength": lambda value, most, _, __: not isinstance(value, str) or len(value) <= most,
    "minimum": lambda value, least, _, __: (
        isinstance(value, bool) or not isinstance(value, (int, float)) or value >= least
    ),
    "allOf": lambda value, all_of, _, root: all(_is_valid(value, each, root) for each in all_of),
    "anyOf": lambda value, any_of, _, root: any(_is_valid(value, each, root) for each in any_of),
    "if": _if,
}
