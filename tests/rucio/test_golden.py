"""What is said of specifications by a command that asks Rucio, to the letter: golden/RRnnn-name/ and a real server.

A case is ``reana.yaml``, ``command`` (what follows ``reana-rucio``), ``expected``, and optionally ``account``.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.command import run
from tests.environments import needs
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS

CASES = sorted(path for path in Path(__file__).with_name("golden").iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_specification_is_answered_as_expected(
    case: Path, escape: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = (case / "account").read_text().strip() if (case / "account").exists() else "jdoe"
    monkeypatch.setenv("RUCIO_CONFIG", str(escape.config(account)))
    monkeypatch.setenv("PATH", f"{needs(CLIENTS).parent}:/usr/bin:/bin")
    shutil.copytree(case, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    with Path("reana.yaml").open("a") as specification:
        specification.write(f"rucio: {{instances: {{escape: {{rucio_host: '{escape.url}'}}}}}}\n")
    result = run(*(case / "command").read_text().split())
    said = f"exit {result.exit_code}\n{result.stdout}{result.stderr}"
    if os.environ.get("UPDATE_GOLDEN"):
        (case / "expected").write_text(said)
    assert said == (case / "expected").read_text()
    code = re.match(r"RR\d+", case.name)
    assert code
    assert f"[{code.group()}]" in said
