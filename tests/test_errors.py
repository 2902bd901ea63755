"""Every wrong specification under golden/errors/ is answered as its ``expected`` file says, to the letter.

A case is ``reana.yaml`` (or what the file ``spec`` names), the files it needs, and optionally ``args``.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.command import run

CASES = sorted(path for path in Path(__file__).with_name("golden").joinpath("errors").iterdir() if path.is_dir())


def _arguments(case: Path) -> list[str]:
    spec, args = case / "spec", case / "args"
    return [
        spec.read_text().strip() if spec.exists() else "reana.yaml",
        *(args.read_text().split() if args.exists() else []),
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_wrong_specification_is_answered_as_expected(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(case, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    result = run("compile", *_arguments(case))
    said, expected = result.stderr, case / "expected"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(f"exit {result.exit_code}\n{said}")
    assert f"exit {result.exit_code}\n{said}" == expected.read_text()
    code = re.match(r"RR\d+", case.name)
    if code and not case.name.endswith("-ignored"):
        assert f"[{code.group()}]" in said
    if result.exit_code:
        assert result.exit_code == 1
        assert result.stdout == ""
        assert sorted(tmp_path.rglob("*")) == before
