"""What we say of the form of a Yadage workflow is what Yadage says: of the golden cases, each changed in many places."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reana_rucio_compiler import documents
from reana_rucio_compiler.backends.yadage.tree import Cursor, Tree
from reana_rucio_compiler.backends.yadage.workflow import read_stages
from reana_rucio_compiler.diagnostics import Report
from reana_rucio_compiler.source import Span
from reana_rucio_compiler.workspace import Workspace
from tests.environments import needs

GOLDEN = Path(__file__).parents[1] / "golden" / "yadage"
NAME = "changed.yaml"
# What passes yadage's schema, and fails when the workflow runs: there is nothing to run, or to call a parameter.
LATER = ('"parameter" has no', 'this "scheduler" has nothing to run')


def _changed(data: Any) -> Iterator[Any]:
    """The data with one change: each key misspelt, each member left out, each value of another type."""
    for path in _paths(data):
        for change in ("misspelt", "left out", 5, None, True, "word", ["word"], {"word": "word"}):
            changed = copy.deepcopy(data)
            holder = changed
            for key in path[:-1]:
                holder = holder[key]
            if change == "left out":
                del holder[path[-1]]
            elif change != "misspelt":
                holder[path[-1]] = change
            elif isinstance(path[-1], str):
                holder[path[-1][:-1] + "x"] = holder.pop(path[-1])
            yield changed


def _paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from _paths(value, (*path, key))


def _said(directory: Path, text: str) -> list[str]:
    report = Report()
    (directory / NAME).write_text(text)
    document = documents.decode(text.encode(), NAME, Report())
    assert document
    tree = Tree(Workspace(directory), (), report)
    opened = tree.open(NAME, "", Span(document.source, 0, 0))
    if opened:
        read_stages(tree, Cursor(opened, opened.document.root))
    return [each.message for each in report.diagnostics]


@pytest.mark.slow
def test_the_form_of_a_workflow(tmp_path: Path) -> None:
    python = needs("reana-0.9")
    requests = []
    for case in sorted(GOLDEN.glob("*/reana.yaml")):
        spec = yaml.safe_load(case.read_text())
        directory = tmp_path / case.parent.name
        shutil.copytree(case.parent, directory)
        file = directory / spec["workflow"]["file"]
        data = yaml.safe_load(file.read_text())
        texts = dict.fromkeys(yaml.safe_dump(each, sort_keys=False) for each in (data, *_changed(data)))
        requests += [(str(directory), NAME, text) for text in texts]
    assert len(requests) > 2000
    requests = requests[::13]
    (tmp_path / "request").write_text(json.dumps(requests))
    script = str(Path(__file__).with_name("_yadage_load.py"))
    subprocess.run([python, script, str(tmp_path / "request"), str(tmp_path / "answer")], check=True, cwd=tmp_path)
    answers = json.loads((tmp_path / "answer").read_text())
    wrong = []
    for (directory, _, text), refused in zip(requests, answers):
        said = _said(Path(directory), text)
        if bool(said) != bool(refused) and not (said and said[0].startswith(LATER)):
            wrong.append((refused, said, text))
    assert not wrong, f"{len(wrong)}: {wrong[0]}"
    assert 0.2 < sum(map(bool, answers)) / len(answers) < 0.9
