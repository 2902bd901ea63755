"""Every case under golden/<engine>/ compiles to what stands in its ``expected`` folder, to the letter.

A case is ``reana.yaml``, the files it needs, and optionally ``args``. The stager's text would drown what is
looked at, so that a line stands for it here; examples/ hold it in full.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reana_rucio_compiler import staging
from reana_rucio_compiler.backends.cwl import tools
from tests.command import run

GOLDEN = Path(__file__).with_name("golden")
CASES = sorted(path.parent for path in GOLDEN.glob("*/*/reana.yaml") if path.parent.parent.name != "errors")


@pytest.fixture(autouse=True)
def _short_stager(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '"""The stager of reana-rucio."""\n# ... (its text stands here)\n'
    real = staging.program

    def short(manifests: Iterable[Mapping[str, Any]]) -> str:
        """As long as the real one, for its length decides whether it travels in the commands or in a file."""
        length = len(real(manifests))
        return type("Text", (str,), {"__len__": lambda _: length})(text)

    monkeypatch.setattr(staging, "program", short)
    monkeypatch.setattr(tools, "driver", lambda: '"""The driver of CWL jobs."""\n# ... (its text stands here)\n')


def _files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_case_compiles_to_what_is_expected(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, expected = tmp_path / "workspace", case / "expected"
    shutil.copytree(case, workspace, ignore=shutil.ignore_patterns("expected"))
    before = _files(workspace)
    monkeypatch.chdir(workspace)
    args = Path("args").read_text().split() if Path("args").exists() else []
    result = run("compile", *args)
    assert result.exit_code == 0, result.stderr
    after = _files(workspace)
    assert {name: after.get(name) for name in before} == before
    written = {name: data for name, data in after.items() if name not in before}
    written["reana.out.yaml"] = result.stdout_bytes
    written["stderr"] = result.stderr_bytes
    if os.environ.get("UPDATE_GOLDEN"):
        shutil.rmtree(expected, ignore_errors=True)
        for name, data in written.items():
            (expected / name).parent.mkdir(parents=True, exist_ok=True)
            (expected / name).write_bytes(data)
    assert written == _files(expected)
    assert yaml.safe_load(result.stdout_bytes) is not None

    # Compiling a compiled specification changes nothing.
    Path("again.yaml").write_bytes(result.stdout_bytes)
    again = run("compile", "again.yaml")
    assert again.stdout_bytes == result.stdout_bytes
