"""Plain calls, which are made without click, say and do what click's would."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from reana_rucio_compiler import plain
from tests.command import run

ROOT = Path(__file__).parent.parent

CALLS = [
    ["check", "reana.yaml"],
    ["check", "reana.yaml", "wrong.yaml", "reana.yaml"],
    ["check", "wrong.yaml"],
    ["check", "noted.yaml"],
    ["check", "missing.yaml"],
    ["check", "code"],
    ["compile", "reana.yaml"],
    ["compile", "wrong.yaml"],
    ["compile", "noted.yaml"],
    ["compile", "missing.yaml"],
    ["compile", "plain.yaml"],
    ["compile", "reana.yaml", "-o", "new.yaml"],
    ["compile", "reana.yaml", "-o", "reana.yaml"],
    ["compile", "reana.yaml", "-o", "reana.out.yaml"],
    ["compile", "reana.yaml", "-o", "plain.yaml"],
    ["compile", "reana.yaml", "-o", "code"],
]
LEFT = [
    [],
    ["check"],
    ["compile"],
    ["compile", "-"],
    ["check", "-"],
    ["check", "--strict", "reana.yaml"],
    ["check", "reana.yaml", "--format", "json"],
    ["compile", "reana.yaml", "plain.yaml"],
    ["compile", "--check", "reana.yaml"],
    ["compile", "reana.yaml", "-o"],
    ["compile", "reana.yaml", "-o", "-"],
    ["plan", "reana.yaml"],
    ["--help"],
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An example, and specifications with errors, with a note, and with nothing to compile."""
    home = tmp_path / "home"
    shutil.copytree(ROOT / "examples" / "serial-dimuon-mass", home)
    text = (home / "reana.yaml").read_text()
    (home / "wrong.yaml").write_text(text.replace("rse=CERN-EOS", "rsee=CERN-EOS").replace("commands:", "comands:"))
    (home / "noted.yaml").write_text(text.replace("-{run}", ""))
    (home / "plain.yaml").write_text(
        "workflow: {type: serial, specification: {steps: [{environment: a, commands: [b]}]}}\n"
    )
    monkeypatch.chdir(home)
    return home


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _plainly(arguments: list[str]) -> tuple[int | None, bytes, bytes]:
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2)]
    with contextlib.ExitStack() as stack:
        for name, stream in zip(("stdout", "stderr"), streams):
            stack.enter_context(mock.patch.object(sys, name, stream))
        code = plain.run(arguments)
        for stream in streams:
            stream.flush()
    return code, *(stream.buffer.getvalue() for stream in streams)  # type: ignore[attr-defined,return-value]


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_a_plain_call_does_what_click_would(call: list[str], folder: Path) -> None:
    (folder / "rucio-stager.py").unlink()  # it is written, then, and said so
    shutil.copytree(folder, folder.parent / "again")
    mine = (*_plainly(call), _files(folder))
    os.chdir(folder.parent / "again")
    result = run(*call)
    assert mine == (result.exit_code, result.stdout_bytes, result.stderr_bytes, _files(Path()))
    assert mine[0] is not None


@pytest.mark.parametrize("call", LEFT, ids=lambda call: " ".join(call) or "nothing")
def test_other_calls_are_left_to_click(call: list[str], folder: Path) -> None:
    before = _files(folder)
    assert _plainly(call) == (None, b"", b"")
    assert _files(folder) == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("call", [["compile", "reana.yaml"], ["check", "wrong.yaml"]], ids=" ".join)
def test_a_full_disk_is_told_in_words(call: list[str], folder: Path) -> None:
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "reana_rucio_compiler", *call], stdout=full, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
    assert ran.returncode == 1
    assert "reana-rucio: error: standard output: No space" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_process_ends_with_all_of_its_output(folder: Path) -> None:
    """It leaves without tidying up, and no line of a long output is lost in a pipe."""
    (folder / "wrong.yaml").write_text("outputs:\n  files:\n" + "    - rucio(escape, a, b)\n" * 2000)
    ran = subprocess.run(
        [sys.executable, "-m", "reana_rucio_compiler", "check", "wrong.yaml"], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stdout.count("error[RR203]") == 2000
    assert ran.stderr.startswith("reana-rucio: checked wrong.yaml: 4001 errors")
