"""Laws of locks."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reana_rucio_compiler import locks
from reana_rucio_compiler.compiler import compile_file
from reana_rucio_compiler.diagnostics import Report
from reana_rucio_compiler.locks import Key, locked, read_lock, render
from reana_rucio_compiler.model import Locked

WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,12}[A-Za-z0-9]", fullmatch=True)
CHECKSUMS = st.from_regex(r"(adler32|md5):[0-9a-f]{8}|-", fullmatch=True)
LINES = st.builds(
    lambda scope, name, size, known: f"{scope}:{name} {size} {known}", WORDS, WORDS, st.integers(0, 10**15), CHECKSUMS
)
COLLECTIONS = st.builds(
    locked,
    st.sampled_from(["dataset", "container"]),
    st.lists(LINES, min_size=1, max_size=6, unique_by=lambda line: line.split(" ")[0]),
    st.none() | st.booleans(),
    st.none() | st.booleans(),
)


@st.composite
def _locks(draw: st.DrawFn) -> dict[Key, Locked]:
    lock: dict[Key, Locked] = {}
    for _ in range(draw(st.integers(0, 4))):
        did = f"{draw(WORDS)}:{draw(WORDS)}"
        if draw(st.booleans()):
            size, known = draw(st.integers(0, 10**15)), draw(CHECKSUMS)
            lock[draw(WORDS), did, None] = locked("file", [f"{did} {size} {known}"])
        else:
            lock[draw(WORDS), did, draw(st.none() | st.integers(1, 9))] = draw(COLLECTIONS)
    return lock


def _read(text: str) -> tuple[Mapping[Key, Locked] | None, Report]:
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "reana.rucio-lock.json")
        path.write_text(text)
        return read_lock(path, report), report


@given(_locks())
def test_a_lock_that_is_written_and_read_is_the_same(lock: dict[Key, Locked]) -> None:
    """Reading what was rendered gives the same lock, whose rendering is the same, whatever the order of its entries."""
    found, report = _read(render(lock))
    assert found == lock
    assert report.diagnostics == ()
    assert render(dict(reversed(lock.items()))) == render(lock)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["format", "dids", "instance", "did", "type", "first", "bytes", "checksum", "length", "digest", "files", "open"]),
        inner, max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@given(_locks(), st.data())
def test_a_text_that_is_no_lock_is_a_located_error(lock: dict[Key, Locked], data: st.DataObject) -> None:
    """A lock of which something was replaced by anything is read, or answered by one error inside of its text."""
    text = render(lock)
    whole: Any = json.loads(text)
    spot = data.draw(st.integers(0, 3))
    if spot == 0:
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.text(max_size=5)) + text[at + data.draw(st.integers(0, 5)) :]
    elif spot == 1 or not whole["dids"]:
        text = json.dumps(data.draw(JSON))
    else:
        entry = data.draw(st.sampled_from(whole["dids"]))
        entry[data.draw(st.sampled_from(sorted(entry)))] = data.draw(JSON)
        text = json.dumps(whole)
    found, report = _read(text)
    if found is None:
        (error,) = report.diagnostics
        assert error.rule.code == "RR501"
        assert 0 <= error.span.start <= error.span.end <= len(error.span.source.text)
    else:
        assert report.diagnostics == ()


SPEC = """inputs:
  files:
    - rucio(escape, user.jdoe, calib.db)
  directories:
    - rucio(escape, user.jdoe, run2022) -> data
workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [ls]}]}}
"""


@given(COLLECTIONS, st.randoms(use_true_random=False))
def test_the_same_lock_compiles_to_the_same_bytes(dataset: Locked, random: Any) -> None:
    """What is compiled depends on what a lock says, not on the order or the layout in which it says it."""
    lock: dict[Key, Locked] = {
        ("escape", "user.jdoe:run2022", None): dataset,
        ("escape", "user.jdoe:calib.db", None): locked("file", ["user.jdoe:calib.db 9 -"]),
        ("escape", "user.jdoe:unused", None): dataset,
    }
    other = json.loads(render(lock))
    random.shuffle(other["dids"])
    for entry in other["dids"]:
        random.shuffle(entry.get("files", []))
    texts = []
    for text in (render(lock), json.dumps(other, indent=3)):
        with tempfile.TemporaryDirectory() as name:
            spec = Path(name, "reana.yaml")
            spec.write_text(SPEC)
            locks.lock_path(spec).write_text(text)
            result = compile_file(spec, locked=True)
            assert result.diagnostics == ()
            texts.append((result.text, dict(result.files)))
    assert texts[0] == texts[1]
