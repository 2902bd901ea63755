"""Laws of the CWL backend that hold for every input."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reana_rucio_compiler.compiler import compile_file
from reana_rucio_compiler.diagnostics import Severity

CASES = sorted((Path(__file__).parents[1] / "golden" / "cwl").iterdir())
OTHERS: list[Any] = [
    None, "", "x", "#main", "a/b", 3, True, [], {}, [None], [[]], ["x"], {"x": None}, "File", "$(inputs.x)",
    {"class": "File", "path": "data/a.root"}, {"class": "Workflow"}, {"$import": "x.cwl"}, {"type": ["null"]}, [{"id": "x"}],
]  # fmt: skip


def places(data: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield (*place, key)
        yield from places(data[key], (*place, key))


@given(st.data())
def test_no_document_makes_us_crash(data: st.DataObject) -> None:
    """A workflow, job order or specification with a part taken out, or replaced by another, is compiled or refused."""
    case = data.draw(st.sampled_from(CASES))
    with tempfile.TemporaryDirectory() as directory:
        project = shutil.copytree(case, Path(directory, "project"), ignore=shutil.ignore_patterns("expected"))
        files = sorted(path for path in project.rglob("*") if path.suffix in (".cwl", ".yml", ".yaml"))
        path = data.draw(st.sampled_from(files))
        document = YAML(typ="safe", pure=True).load(path.read_text())  # PyYAML takes no `File?` in a flow mapping
        found = list(places(document))
        place = data.draw(st.sampled_from(found))
        parent = document
        for key in place[:-1]:
            parent = parent[key]
        if data.draw(st.booleans()):
            del parent[place[-1]]
        else:
            parent[place[-1]] = copy.deepcopy(data.draw(st.sampled_from(OTHERS)))
        path.write_text(yaml.safe_dump(document, default_flow_style=data.draw(st.booleans()), sort_keys=False))
        compiled = compile_file(project / "reana.yaml")
    assert (compiled.text is None) == any(found.severity is Severity.ERROR for found in compiled.diagnostics)
