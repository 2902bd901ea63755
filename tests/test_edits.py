"""Edits of mappings: the change and nothing else, in every style that YAML has."""

from __future__ import annotations

import pytest
import yaml

from reana_rucio_compiler.diagnostics import Report
from reana_rucio_compiler.documents import parse
from reana_rucio_compiler.edits import apply, edit_mapping, edit_sequence, set_key
from reana_rucio_compiler.source import Source

BLOCK = "m:  # of people\n  # the first\n  a: 1\n  b:\n    - x\n  c: |\n    text\n# behind\nn: 2\n"

CASES = {
    "remove the first": (BLOCK, ("m",), {"remove": ["a"]}, "m:  # of people\n  # the first\n  b:\n    - x\n  c: |\n    text\n# behind\nn: 2\n"),
    "remove a nested one": (BLOCK, ("m",), {"remove": ["b"]}, "m:  # of people\n  # the first\n  a: 1\n  c: |\n    text\n# behind\nn: 2\n"),
    "remove all": (BLOCK, ("m",), {"remove": ["a", "b", "c"]}, "m: {}  # of people\n  # the first\n# behind\nn: 2\n"),
    "remove all and append": (BLOCK, ("m",), {"remove": ["a", "b", "c"], "append": {"d": 1}}, "m:  # of people\n  # the first\n  d: 1\n# behind\nn: 2\n"),
    "prepend and append": (BLOCK, ("m",), {"prepend": {"p": "q"}, "append": {"d": {"e": [1]}}}, "m:  # of people\n  p: q\n  # the first\n  a: 1\n  b:\n    - x\n  c: |\n    text\n  d:\n    e:\n      - 1\n# behind\nn: 2\n"),
    "no last line break": ("a: 1", (), {"append": {"b": 2}}, "a: 1\nb: 2"),
    "empty the root": ("# why\na: 1\nb: 2\n", (), {"remove": ["a", "b"]}, "# why\n{}\n"),
    "empty value": ("m:\n  a:\n  b: 1\n", ("m",), {"remove": ["a"]}, "m:\n  b: 1\n"),
    "first key behind a dash": ("- a: 1\n  b: 2\n", (0,), {"remove": ["a"], "prepend": {"p": 1}}, "- p: 1\n  b: 2\n"),
    "all keys behind a dash": ("- a: 1\n  b: 2\n- c\n", (0,), {"remove": ["a", "b"]}, "- {}\n- c\n"),
    "flow": ("m: {a: 1, b: 2, c: 3}\n", ("m",), {"remove": ["b", "c"], "append": {"d": [4]}}, 'm: {a: 1, d: [4]}\n'),
    "flow, first": ("m: {a: 1, b: 2}\n", ("m",), {"remove": ["a"], "prepend": {"d": "x"}}, 'm: {d: "x", b: 2}\n'),
    "flow, all": ("m: {a: 1, b: 2}\n", ("m",), {"remove": ["a", "b"]}, "m: {}\n"),
    "flow, all and append": ("m: {a: 1, b: 2}\n", ("m",), {"remove": ["a", "b"], "append": {"c": 3}}, "m: {c: 3}\n"),
    "flow, from nothing": ("m: {}\n", ("m",), {"append": {"c": 3}}, "m: {c: 3}\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_edit_mapping(case: str) -> None:
    text, path, change, expected = CASES[case]
    document = parse(Source("x.yaml", text), Report())
    assert document is not None
    edited = apply(document, edit_mapping(document, path, **change))
    assert edited == expected
    assert yaml.safe_load(edited) == yaml.safe_load(expected)


def test_appending_to_nested_collections_that_end_together() -> None:
    text = "a:\n  b:\n    - c: 1\n      d: {}\n"
    document = parse(Source("x.yaml", text), Report())
    assert document is not None
    edits = [
        *edit_mapping(document, ("a",), append={"z": 1}),
        *set_key(document, ("y",), 2),
        *edit_mapping(document, ("a", "b", 0), append={"x": 3}),
        *edit_sequence(document, ("a", "b"), append=[4]),
    ]
    assert yaml.safe_load(apply(document, edits)) == {"a": {"b": [{"c": 1, "d": {}, "x": 3}, 4], "z": 1}, "y": 2}
