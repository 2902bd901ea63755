"""Laws that hold for whole analyses of all four engines, valid and broken."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from reana_rucio_compiler import check
from reana_rucio_compiler.compiler import Compilation, compile_file
from reana_rucio_compiler.diagnostics import Diagnostic
from tests.fuzz.fuzz import compiled, project

from .projects import KINDS, Project, broken_projects, projects

KIND = pytest.mark.parametrize("kind", KINDS)
# Shrinking an analysis takes minutes, and one is small enough to be read as it is.
FEW = settings(max_examples=15, phases=[Phase.generate])
MANY = settings(FEW, max_examples=600)


def _write(files: Any, directory: Path) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory / "reana.yaml"


def _said(diagnostics: Iterable[Diagnostic]) -> list[Any]:
    """What is said where: two runs have other sources, though their texts are the same."""
    return [(found.order, found.hint, found.severity) for found in diagnostics]


def _check_valid(wanted: Project) -> None:
    with project() as first:
        result = compile_file(_write(wanted.files, first).relative_to(first))
        assert result.text is not None, (result.diagnostics, wanted.files)
        assert _said(check(Path("reana.yaml"))) == _said(result.diagnostics)
        moved = {(each.direction, each.name, each.path) for each in (*result.plan.inputs, *result.plan.outputs)}  # type: ignore[union-attr]
        assert moved == wanted.moved
        outputs = {"reana.yaml": result.text, **result.files}
        _check_kept(wanted, outputs)
        # The compiled specification beside the side files that were written for it.
        _write({**result.files, "again.yaml": result.text}, first)
        assert compile_file(Path("again.yaml")).text == result.text
    with project() as second:
        again = compile_file(_write(wanted.files, second).relative_to(second))
        assert (again.text, again.files) == (result.text, result.files)


def _check_kept(wanted: Project, outputs: Any) -> None:
    """The comments between the sections, the steps and the entries that are no expressions."""
    before, after = (yaml.safe_load(files["reana.yaml"]) for files in (wanted.files, outputs))
    for section, key in itertools.product(("inputs", "outputs"), ("files", "directories")):
        plain = [each for each in before.get(section, {}).get(key, []) if "rucio(" not in each]
        assert [each for each in after.get(section, {}).get(key, []) if each in plain] == plain
    assert {key: after[key] for key in after if key not in ("inputs", "workflow", "outputs")} == {
        key: before[key] for key in before if key not in ("inputs", "workflow", "outputs")
    }
    assert _steps(wanted.files, after, outputs) == list(wanted.steps)
    kept = [line.strip() for line in outputs["reana.yaml"].splitlines()]
    if after["workflow"]["type"] != "cwl":  # a parameter of CWL goes with the lines that it stands on
        assert [line for line in kept if line in wanted.comments["reana.yaml"]] == list(wanted.comments["reana.yaml"])


def _steps(files: Any, after: Any, outputs: Any) -> list[str]:
    """The names of the user's steps, as the engine will find them."""
    kind, file = after["workflow"]["type"], after["workflow"].get("file")
    if kind == "snakemake":
        assert "Snakefile" not in outputs
        return [line[5:-1] for line in files["Snakefile"].splitlines() if line.startswith("rule step")]
    workflow = (
        after["workflow"]["specification"] if kind == "serial" else yaml.safe_load(outputs.get(file) or files[file])
    )
    steps = workflow["stages" if kind == "yadage" else "steps"]
    names = list(steps) if isinstance(steps, dict) else [each.get("name") or each["id"] for each in steps]
    return [name for name in names if name.startswith("step")]


def _check_broken(files: dict[str, bytes]) -> None:
    compiled(files)
    with project() as directory:
        path = _write(files, directory).relative_to(directory)
        result: Compilation = compile_file(path)
        assert _said(check(path)) == _said(result.diagnostics)


@KIND
@FEW
@given(st.data())
def test_a_valid_analysis_compiles(kind: str, data: st.DataObject) -> None:
    """It compiles without an error, twice to the same bytes and then to itself; what is the user's own is still there."""
    _check_valid(data.draw(projects(kind)))


@KIND
@FEW
@given(st.data())
def test_a_broken_analysis_is_judged(kind: str, data: st.DataObject) -> None:
    """It compiles, or has errors at places that exist; never an exception, and `check` finds what `compile` finds."""
    _check_broken(data.draw(broken_projects(kind)))


@pytest.mark.slow
@KIND
@MANY
@given(st.data())
def test_many_valid_analyses_compile(kind: str, data: st.DataObject) -> None:
    """As above, for more of them."""
    _check_valid(data.draw(projects(kind)))


@pytest.mark.slow
@KIND
@MANY
@given(st.data())
def test_many_broken_analyses_are_judged(kind: str, data: st.DataObject) -> None:
    """As above, for more of them."""
    _check_broken(data.draw(broken_projects(kind)))
