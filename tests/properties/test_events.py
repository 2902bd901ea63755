"""What reads YAML faster than ruamel.yaml finds the same events at the same places, and the same mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reana_rucio_compiler.events import events

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("examples", "tests/golden", "tests/fuzz/corpus")
    for path in ROOT.joinpath(folder).rglob("*")
    if path.suffix in (".yaml", ".yml", ".cwl")
)
FIELDS = ("anchor", "tag", "implicit", "value", "style", "flow_style", "explicit", "version", "tags")
PIECES = [
    *"a0-?:,[]{}#&*!|>'\"%@` \n\r\t\0\\~.",
    *("\ufeff", "\x85", "\u2028", "é", "\u00a0", "\U0001f600", "\x07", "---", "...", "\r\n", "  ", "- ", ": ", "? ", " #"),
    *("a: b\n", "- x\n", "\n  ", "|2-\n", ">+\n", "&a ", "*a", "!!str ", "<<", "%YAML 1.1\n", "%TAG ! !\n", "'''", '"\\x41"', "x" * 1030),
]  # fmt: skip


def _ruamel(text: str) -> Iterator[Any]:
    found: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
    return found


def _mark(mark: Any) -> Any:
    return mark and (mark.index, mark.line, mark.column)


def told(read: Callable[[str], Iterator[Any]], text: str) -> list[Any]:
    """The events in full, and the error that ends them."""
    found: list[Any] = []
    try:
        for event in read(text):
            fields = {name: str(getattr(event, name)) for name in FIELDS if hasattr(event, name)}
            found.append((type(event).__name__, _mark(event.start_mark), _mark(event.end_mark), fields))
    except YAMLError as error:
        marks = [_mark(getattr(error, name, None)) for name in ("problem_mark", "context_mark")]
        words = [getattr(error, name, None) for name in ("problem", "context", "reason", "position", "character")]
        found.append((type(error).__name__, marks, words))  # old ones have errors that str() does not take
    except (ValueError, OverflowError, AssertionError, IndexError) as error:  # ruamel's own slips
        found.append((type(error).__name__, str(error)))
    return found


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_files(step: int) -> None:
    for path in FILES[::step]:
        text = path.read_bytes().decode("utf-8", "replace")
        assert told(events, text) == told(_ruamel, text), path


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_pieces(text: str) -> None:
    assert told(events, text) == told(_ruamel, text)


SMALL = [path.read_bytes().decode("utf-8", "replace") for path in FILES if path.stat().st_size < 1000]


@pytest.mark.slow
@given(st.sampled_from(SMALL), st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["", *PIECES])), max_size=3))
def test_files_with_pieces(text: str, pieces: list[tuple[float, str]]) -> None:
    for at, piece in pieces:
        where = int(at * len(text))
        text = text[:where] + piece + text[where + (not piece) :]
    assert told(events, text) == told(_ruamel, text)
